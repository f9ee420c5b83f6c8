"""The user's line of an operation inside a function of a layer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from tenure.runtime.bracket import bracket
from tenure.values.trace.blame import said_of
from tenure.values.trace.record import RECORDER

NAME = RECORDER.enter_site
UNNAME = ((NAME, None),)
F = TypeVar("F", bound=Callable[..., Any])


def named_by_caller(function: F) -> F:
    """Decorator: the steps of the function carry the line of its caller, unless a module's call has set one."""

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
