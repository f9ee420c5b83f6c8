"""Grad mode and eager mode, as contexts and as decorators."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable
from contextvars import ContextVar
from types import FrameType
from typing import Any, TypeVar

from tenure.errors import DTypeError, shown
from tenure.runtime.bracket import Bracketed, bracket, entering
from tenure.values.rules.rules import Known


class Mode:
    """Recording mode: whether gradients are tracked, and whether each operation runs at once. The steps of ``enter``
    put it in force."""

    __slots__ = ("eager", "enter", "grad", "known")

    def __init__(self, grad: bool, eager: bool) -> None:
        self.grad = grad
        self.eager = eager
        self.known = KNOWN[grad]
        self.enter: Any = None


KNOWN = {grad: Known() for grad in (False, True)}
"""Rules of operations, by grad mode."""
MODES = {(g, e): Mode(g, e) for g in (False, True) for e in (False, True)}
DEFAULT = MODES[True, os.environ.get("TENURE_EAGER", "") not in ("", "0")]
MODE: ContextVar[Any] = ContextVar("tenure_mode", default=DEFAULT)
for _mode in MODES.values():
    _mode.enter = ((MODE.set, _mode),)


def current_mode() -> Mode:
    """Mode in force; one set by a generator that is now suspended does not count."""
    mode = MODE.get()
    while type(mode) is not Mode:
        mode = mode.resolve()
    return mode


F = TypeVar("F", bound=Callable[..., Any])


class GeneratorMode:
    """A mode set inside a generator: in force only while the generator runs, not where it has yielded to.

    ``frame`` is None once the generator has left it; a mode entered meanwhile may still restore it.
    """

    __slots__ = ("frame", "mode", "outer")

    def __init__(self, frame: FrameType, mode: Mode, outer: Any) -> None:
        self.frame: FrameType | None = frame
        self.mode = mode
        self.outer = outer

    def resolve(self) -> Any:
        """Mode in force now."""
        return self.outer if self.frame is None or self.frame.f_back is None else self.mode


    def end(self) -> None:
        """Restore the former mode, unless the resumer of the generator has entered or left a mode of its own."""
        if MODE.get() is self:
            MODE.set(_outer(self.outer))


def _outer(mode: Any) -> Any:
    """A mode, or the one in force without those of generators that have left theirs."""
    while type(mode) is GeneratorMode and mode.frame is None:
        mode = mode.outer
    return mode


class ModeContext(Bracketed):
    """Base class of contexts that change the mode; as a decorator, for the time of each call (of each resumption, where
    the function is a generator)."""

    __slots__ = ("_endings",)

    def _changed(self, mode: Mode) -> Mode:
        raise NotImplementedError

    def _opening(self) -> Any:
        outer = MODE.get()
        plain = type(outer) is Mode
        mode = self._changed(outer if plain else current_mode())
        frame = entering(sys._getframe(1))
        if not frame.f_code.co_flags & inspect.CO_GENERATOR:
            return mode.enter, (), outer.enter if plain else ((MODE.set, _outer(outer)),)
        mine = GeneratorMode(frame, mode, _outer(outer))
        return ((MODE.set, mine),), (), ((setattr, mine, "frame", None), (mine.end,))

    def apply(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function in this mode."""
        outer = _outer(MODE.get())
        leave = outer.enter if type(outer) is Mode else ((MODE.set, outer),)
        return bracket(self._changed(current_mode()).enter, leave, function, *args, **kwargs)

    def __call__(self, function: F) -> F:
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generator(*args: Any, **kwargs: Any) -> Any:
                return (yield from _resume_under(self, function(*args, **kwargs)))

            return generator  # type: ignore[return-value]

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return self.apply(function, *args, **kwargs)

        return wrapper  # type: ignore[return-value]


def _resume_under(context: ModeContext, inner: Any) -> Any:
    """Drive a generator with the context around each of its resumptions."""
    step, argument = inner.send, None
    while True:
        try:
            item = context.apply(step, argument)
        except StopIteration as end:
            return end.value
        try:
            step, argument = inner.send, (yield item)
        except GeneratorExit:
            inner.close()
            raise
        except BaseException as error:
            step, argument = inner.throw, error


class no_grad(ModeContext):
    """Context, or decorator, in which operations are not tracked, and leaves may be written.

    >>> w = tn.ones(2, requires_grad=True)
    >>> with tn.no_grad():
    ...     y = w * 2
    >>> y.requires_grad
    False
    """

    def _changed(self, mode: Mode) -> Mode:
        return MODES[False, mode.eager]


class enable_grad(ModeContext):
    """Context, or decorator, in which operations are tracked again.

    >>> w = tn.ones(2, requires_grad=True)
    >>> with tn.no_grad(), tn.enable_grad():
    ...     y = w * 2
    >>> y.requires_grad
    True
    """

    def _changed(self, mode: Mode) -> Mode:
        return MODES[True, mode.eager]


class set_grad_enabled(ModeContext):
    """Context, or decorator, in which operations are tracked or not. DTypeError (TN802) for no bool.

    >>> w = tn.ones(2, requires_grad=True)
    >>> with tn.set_grad_enabled(False):
    ...     y = w * 2
    >>> y.requires_grad
    False
    """

    __slots__ = ("_grad",)

    def __init__(self, mode: bool) -> None:
        if type(mode).__name__ not in ("bool", "bool_", "int") or mode not in (0, 1):
            raise DTypeError(f"set_grad_enabled: mode is True or False, not {shown(mode)}")
        self._grad = bool(mode)

    def _changed(self, mode: Mode) -> Mode:
        return MODES[self._grad, mode.eager]


class inference_mode(ModeContext):
    """Context, or decorator, in which operations are not tracked, unless ``mode`` is False; as ``tn.no_grad``.

    >>> w = tn.ones(2, requires_grad=True)
    >>> with tn.inference_mode():
    ...     y = w * 2
    >>> y.requires_grad
    False
    """

    __slots__ = ("_off",)

    def __init__(self, mode: bool = True) -> None:
        if type(mode).__name__ not in ("bool", "bool_", "int") or mode not in (0, 1):
            raise DTypeError(f"inference_mode: mode is True or False, not {shown(mode)}")
        self._off = bool(mode)

    def _changed(self, mode: Mode) -> Mode:
        return MODES[mode.grad and not self._off, mode.eager]


class eager(ModeContext):
    """Context, or decorator, in which each operation runs as it is recorded; the numbers are the same.

    >>> with tn.eager():
    ...     y = tn.ones(2) + 1
    >>> y
    tensor([2., 2.])
    """

    def _changed(self, mode: Mode) -> Mode:
        return MODES[mode.grad, True]


def is_grad_enabled() -> bool:
    """Whether operations are tracked now.

    >>> tn.is_grad_enabled()
    True
    """
    return current_mode().grad
