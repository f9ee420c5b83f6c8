"""Operators of tensors: home steps on present values, with PyTorch's promotion.

Operands of one dtype, and Python numbers, go straight to the home library's fast path.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tenure.dtypes import bool_, float32
from tenure.errors import TenureError
from tenure.torch.cells import Tensor
from tenure.torch.cells.layout import laid
from tenure.torch.dtypes import Defaults
from tenure.torch.errors import translated
from tenure.torch.names.arguments import no_complex32, weighed
from tenure.torch.names.forms.arithmetic import difference, divided, floating, opposite, power, quotient
from tenure.torch.names.mixing import mixed
from tenure.torch.names.nodes import noted
from tenure.torch.names.overriding import dispatched, overriding
from tenure.torch.names.precision import AUTOCAST, lowered
from tenure.values.tensor.tensor import Tensor as Value

NUMBERS = (bool, int, float, complex)


CALLED = {"truediv": "div"}
"""Names of the methods that operators stand for, where they are others."""


def foreign(x: Any, other: Any, name: str) -> Any:
    """The result of an operator on what is no tensor: what that says itself, if it has ``__torch_function__``."""
    if not overriding((other,)):
        return NotImplemented
    public = getattr(Tensor, CALLED.get(name, name), None) or getattr(Tensor, f"__{name}__")
    return dispatched(public, lambda *args: NotImplemented, (x, other), {})


def operator(step: Any, name: str, reflected: bool = False, node: str | None = None) -> Any:
    """Method of a tensor and an operand that records a home step, for the operator of a name; ``node`` is the name that
    it has in the graph. A product of matrices is in C order, anything else has the order of its operands."""
    is_elementwise, is_difference = "matmul" not in name, "sub" in name

    def method(self: Any, other: Any) -> Any:
        try:
            a = self._read()
            if isinstance(other, Tensor):
                b = other._read()
                if a._aval.dtype is not b._aval.dtype:
                    a, b = weighed(a, b)
            else:
                b = other
                if not is_elementwise:
                    return foreign(self, b, name)
                if type(b) not in NUMBERS:
                    if not isinstance(b, NUMBERS) and not isinstance(b, np.generic):
                        return foreign(self, b, name)
                    b = b.item() if isinstance(b, np.generic) else b
                elif type(b) is complex and a._aval.dtype.name == "float16":
                    raise no_complex32()
                elif type(b) in (float, complex) and Defaults.float.home is not float32:
                    a = a if is_difference and a._aval.dtype is bool_ else floating(a)
            found = step(b, a) if reflected else step(a, b)
            if type(found) is not Value:
                return found
            if node is not None and found._kind.tracked:
                made = noted(found, "PowBackward1" if node == "PowBackward0" and type(b) is Value else node)
            else:
                made = Tensor._of(found)
            if is_elementwise and (
                self._window is not None or self._layout is not None or getattr(other, "_window", None) is not None
                or getattr(other, "_layout", None) is not None
            ):
                laid(made, (self, other))
            return made
        except TenureError as error:
            raise translated(error) from None

    return method



def product(x: Any, y: Any) -> Any:
    """The product of matrices of one dtype."""
    if AUTOCAST.dtype is not None:
        x, y = lowered(x, y)
    if x._aval.dtype is not y._aval.dtype:
        mixed("matmul", x, y)
    return x @ y


def turned(step: Any) -> Any:
    """A step with its operands exchanged."""
    return lambda y, x: step(x, y)


def _floor(x: Any, y: Any) -> Any:
    return quotient(x, y, "floor")


def _raised(x: Any, y: Any) -> Any:
    return power(x, y) if isinstance(x, Value) else x**y



STEPS: dict[str, Any] = {
    f"__{name}__": operator(getattr(Value, f"__{name}__"), name)
    for name in ("add", "mul", "mod", "and", "or", "xor", "lshift", "rshift", "lt", "le", "gt", "ge")
}
STEPS |= {
    f"__r{name}__": operator(turned(getattr(Value, f"__r{name}__")), f"r{name}", reflected=True)
    for name in ("add", "mul", "mod", "and", "or", "xor", "lshift", "rshift")
}
STEPS |= {
    "__truediv__": operator(divided, "truediv"),
    "__rtruediv__": operator(divided, "rtruediv", reflected=True, node="MulBackward0"),
    "__sub__": operator(difference, "sub"),
    "__rsub__": operator(difference, "rsub", reflected=True, node="RsubBackward1"),
    "__matmul__": operator(product, "matmul"),
    "__rmatmul__": operator(product, "rmatmul", reflected=True),
    "__floordiv__": operator(_floor, "floordiv"),
    "__rfloordiv__": operator(_floor, "rfloordiv", reflected=True),
    "__rdiv__": operator(divided, "rdiv", reflected=True, node="MulBackward0"),
    "__pow__": operator(_raised, "pow", node="PowBackward0"),
    "__rpow__": operator(_raised, "rpow", reflected=True, node="PowBackward2"),
    "__eq__": operator(Value.__eq__, "eq"),
    "__ne__": operator(Value.__ne__, "ne"),
}


def unary(step: Any) -> Any:
    """Method of a tensor that records a home step of one operand."""

    def method(self: Any) -> Any:
        try:
            return laid(Tensor._of(step(self._read())), (self,))
        except TenureError as error:
            raise translated(error) from None

    return method


STEPS |= {f"__{name}__": unary(getattr(Value, f"__{name}__")) for name in ("abs", "invert")}
STEPS["__neg__"] = unary(opposite)
