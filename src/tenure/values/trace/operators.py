"""Recorded functions of two operands, as operators and by name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from tenure.ops.promote import Operation
from tenure.values.rules.modes import MODE, current_mode
from tenure.values.rules.rules import Rule
from tenure.values.trace import record
from tenure.values.trace.given import factor
from tenure.values.trace.record import EXPRESSIONS, PLACES, RECORDER, cut, rest, taken
from tenure.values.trace.trace import Trace

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import Operand

    Binary: TypeAlias = Callable[[Any, Operand], Tensor]

F = TypeVar("F", bound=Callable[..., Any])

STEPS: dict[Any, tuple[Operation, str, bool]] = {}
"""Registry of recorded functions of one or two operands: operation, kind (method or operator), whether it is
reflected."""


def recorded(step: Callable[..., Any]) -> Callable[[F], F]:
    """Decorator: ``step``, a recording function, under the name, signature and docstring of a function without a
    body."""

    def named(function: F) -> F:
        return cast(F, update_wrapper(step, function))

    return named


def binary(fn: Operation, reflected: bool = False, operator: bool = True, depth: int = 1) -> Binary:
    """Function of two operands, one of them a tensor, that records ``fn``: the recorder's fast path.

    As an operator it gives NotImplemented for what is no operand; as a function it raises. Its line is that of the
    frame so deep below it.
    """

    def step(x: Any, y: Any) -> Any:
        if type(x) in EXPRESSIONS or type(y) in EXPRESSIONS:
            return (x if type(x) in EXPRESSIONS else y).composed(fn, (y, x) if reflected else (x, y), ())
        t = RECORDER.trace
        if t.busy or len(t.rules) >= t.limit:
            t = RECORDER.ready(t)
        t.busy = True
        try:
            mode = MODE.get()
            if mode is not t.mode:
                t.enter(current_mode())
            a = x._read() if type(x) in PLACES else x
            b = y._read() if type(y) in PLACES else y
            if type(a) is record._Tensor and type(b) is record._Tensor:
                i = a._slot if a._trace is t else t.bind(a)
                j = b._slot if b._trace is t else t.bind(b)
                slots = (j, i) if reflected else (i, j)
                kinds = t.kind(slots[0]), t.kind(slots[1])
                rule = t.mode.known.get((fn, *kinds)) or t.grow((fn, *kinds), fn, kinds, (), ())
                found: Row | None = (rule, slots, ())
            else:
                found = mixed(t, fn, x, y, reflected)
            if found is None:
                rest(t)
                return NotImplemented if operator else record._Tensor._refuse_operands(fn, x, y)
            h = t.append(*found, sys._getframe(depth))
            taken(t)
        except Exception:
            rest(t)
            raise
        if t.eager:
            cut(t)
        return h

    step.__name__ = step.__qualname__ = fn.name
    step.__doc__ = f"The operator of {fn.name}, on operands broadcast together."
    STEPS[step] = (fn, "operator", reflected)
    return step


def scaled(fn: Operation) -> Callable[..., Tensor]:
    """``binary`` as a function, with PyTorch's factor of the second operand."""
    step = binary(fn, operator=False, depth=2)

    def function(x: Any, y: Any, *, alpha: float = 1) -> Any:
        if type(alpha) is not int or alpha != 1:
            y = record._Tensor._as_operand(y)
            y = y if y is NotImplemented else y * factor(fn.name, "alpha", alpha)
        return step(x, y)

    STEPS[function] = STEPS[step]
    return function


Row = tuple[Rule, tuple[int, ...], tuple[Any, ...]]
"""A rule, the slots that a step by it reads, and its numbers."""


def mixed(t: Trace, fn: Operation, x: Any, y: Any, reflected: bool) -> Row | None:
    """Step of an operation on operands that are not both plain values; None if one is no operand."""
    if type(x) in PLACES:
        x = x._read()
    if type(x) is record._Tensor and type(y) in NUMBERS:
        i = x._slot if x._trace is t else t.bind(x)
        kind = t.kind(i)
        key = (fn, type(y), kind) if reflected else (fn, kind, type(y))
        rule = t.mode.known.get(key)
        if rule is None:
            rule = t.grow(key, fn, (kind,), (), (y,), reflected)
        else:
            rule.check((y,))
        return rule, (i,), (y,)
    x, y = record._Tensor._as_operand(x), record._Tensor._as_operand(y)
    if type(x) is complex and type(y) is record._Tensor:
        x = record._Tensor._complex_beside(x, y)
    elif type(y) is complex and type(x) is record._Tensor:
        y = record._Tensor._complex_beside(y, x)
    if x is NotImplemented or y is NotImplemented or not (type(x) is record._Tensor or type(y) is record._Tensor):
        return None
    if type(x) is not record._Tensor:
        return mixed(t, fn, y, x, not reflected)
    if type(y) is not record._Tensor:
        return mixed(t, fn, x, y, reflected)
    slots = (t.bind(y), t.bind(x)) if reflected else (t.bind(x), t.bind(y))
    kinds = t.kind(slots[0]), t.kind(slots[1])
    return t.mode.known.get((fn, *kinds)) or t.grow((fn, *kinds), fn, kinds, (), ()), slots, ()


NUMBERS = frozenset((bool, int, float))
