"""Which line an operation inside a function is named by."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from tenure.runtime.bracket import bracket
from tenure.values.record import RECORDER

NAME = RECORDER.enter_site
UNNAME = ((NAME, None),)
F = TypeVar("F", bound=Callable[..., Any])


def named_by_caller(function: F) -> F:
    """What the function records is named by the line that called it, unless a module's call is already."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if RECORDER.site is not None:
            return function(*args, **kwargs)
        frame = sys._getframe(1)
        return bracket(((NAME, (frame.f_code, frame.f_lasti)),), UNNAME, function, *args, **kwargs)

    return call  # type: ignore[return-value]
