"""Composite operations: functions of tensors that are recorded as one operation.

    SILU = composite("silu", lambda x: x * x.sigmoid())
    apply_one(SILU, value_of(x))

is one step of a trace, seen before or not, however many operations it is made of. Where the step is new, and where it
is expanded, the function is called on expressions: tensors that stand for values of a program under construction. It
reads nothing, and makes its result of its arguments alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenure.dtypes import bfloat16, float16, float32
from tenure.errors import InternalError
from tenure.ir.program import Value
from tenure.ops.promote import Operation
from tenure.values.rules.rules import WEAK, kind_of
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace import record

__all__ = ["Expression", "composite"]


class Expression(Tensor):
    """Tensor of a program under construction: operations on it extend the program instead of being recorded."""

    __slots__ = ("_value",)

    @classmethod
    def of(cls, value: Value) -> Expression:
        """Expression of a value of a builder."""
        x: Any = object.__new__(cls)
        x._value = value
        x._aval, x._kind = value.aval, kind_of(value.aval, value.builder.tracked[value.id])
        x._trace, x._slot, x._data, x._src, x._rule = None, 0, None, None, None
        return x  # type: ignore[no-any-return]

    def composed(self, fn: Operation, operands: tuple[Any, ...], params: Any) -> Any:
        """Apply an operation to expressions and numbers."""
        ans = fn(*[self._as_value(x) for x in operands], **dict(params))
        return tuple(map(Expression.of, ans)) if type(ans) is tuple else Expression.of(ans)

    def _as_value(self: Any, x: Any) -> Any:
        """Operand as a value of the builder; a Python number is weak, as in a recorded step."""
        if type(x) in record.EXPRESSIONS:
            return x._value
        if type(x) not in WEAK:
            raise InternalError(f"a function that is recorded as one operation uses a {type(x).__name__} of its own")
        b = self._value.builder
        number = b.full((), x, WEAK[type(x)].dtype)
        b.avals[number.id] = WEAK[type(x)]
        return number


HALVES = (bfloat16, float16)


def composite(
    name: str, function: Callable[..., Any], grad_name: str | Callable[..., str] | None = None, *, wide: bool = False
) -> Operation:
    """Operation for a function of tensors; its parameters are keyword arguments.

    ``grad_name`` is the name of its node, or a function of the operands' kinds. A ``wide`` one computes in float32
    what is stored in two bytes: the result and each gradient are rounded once, not what lies between, where rounding
    is all that is left if two numbers cancel.
    """

    def run(*values: Value, **params: Any) -> Any:
        xs: list[Any] = [Expression.of(v) for v in values]
        own = {x.dtype for x in xs if x.dtype.is_floating and not x._aval.weak} if wide else set()
        halves = own.intersection(HALVES)
        if halves:
            xs = [x.to(float32) if x.dtype in HALVES else x for x in xs]
        out: Any = function(*xs, **params)
        if halves and len(own) == 1:
            out = out.to(*own)
        return tuple([x._value for x in out]) if type(out) is tuple else out._value

    made = Operation(name, run, grad_name)
    made.is_composite = True
    return made


record.EXPRESSIONS.add(Expression)
