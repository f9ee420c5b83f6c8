"""Which line an operation inside a function is named by."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from tenure.runtime.bracket import bracket
from tenure.values.blame import said_of
from tenure.values.record import RECORDER

NAME = RECORDER.enter_site
UNNAME = ((NAME, None),)
F = TypeVar("F", bound=Callable[..., Any])


def named_by_caller(function: F) -> F:
    """What the function records is named by the line that called it, unless a module's call is already."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if RECORDER.site is not None:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                said_of(error, function, args, kwargs)
        frame = sys._getframe(1)
        try:
            return bracket(((NAME, (frame.f_code, frame.f_lasti)),), UNNAME, function, *args, **kwargs)
        except Exception as error:
            said_of(error, function, args, kwargs)

    return call  # type: ignore[return-value]
