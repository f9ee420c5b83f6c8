"""Arithmetic where PyTorch's differs: rounding, bounds, powers, choices, comparison as a whole."""

from __future__ import annotations

from types import NoneType
from typing import Any

import numpy as np

import tenure as tn
from tenure.dtypes import bool_, promote
from tenure.torch.cells import casts
from tenure.torch.dtypes import Defaults
from tenure.torch.errors import TorchTypeError, TorchValueError, refuse
from tenure.torch.messages import spelled
from tenure.torch.names.arguments import weighed
from tenure.values.operations.casting import to
from tenure.values.tensor.tensor import Tensor as Value

__all__ = [
    "as_before",
    "as_number",
    "cast",
    "chosen",
    "clamped",
    "cut",
    "default",
    "difference",
    "divided",
    "filled",
    "fitting",
    "flat",
    "floating",
    "in_default",
    "is_close",
    "is_equal",
    "is_narrow",
    "labels", "log_normalized",
    "multiplied_in",
    "next_after",
    "numbers_only",
    "of_parts",
    "opposite",
    "power",
    "quotient",
    "signs",
    "size_in_place",
    "step",
    "threshold_of",
    "wide_in_place",
]  # fmt: skip
RANK = {bool: 0, int: 1, float: 2, complex: 3}


def default() -> Any:
    """The default dtype of floats."""
    return Defaults.float.home


def cast(x: Any, dtype: Any) -> Any:
    """x in a dtype, if one is given."""
    return x if dtype is None else casts.cast(x, dtype)


def floating(x: Any) -> Any:
    """x as floats: whole numbers in the default dtype."""
    return x if x.dtype.has_gradient else to(x, default())


def in_default(*xs: Any) -> tuple[Any, ...]:
    """Operands of which the whole numbers are floats of the default dtype."""
    return tuple([floating(x) if type(x) is Value else x for x in xs])


def is_narrow(found: Any, xs: tuple[Any, ...]) -> bool:
    """Whether floats that are made of whole numbers alone are of 32 bits: another default dtype is asked for."""
    given = [x for x in xs if type(x) is Value]
    if not given or any(x._aval.dtype.has_gradient for x in given):
        return False
    results = found if isinstance(found, tuple | list) else (found,)
    return any(type(y) is Value and y._aval.dtype.name in ("float32", "complex64") for y in results)


def filled(x: Any, value: Any) -> Any:
    """One number in the shape and dtype of x."""
    if not isinstance(value, Value):
        return tn.full(x.shape, value, dtype=x.dtype)
    made = tn.broadcast_to(to(value, x.dtype), x.shape)
    return tn.where(tn.zeros((), dtype=tn.bool), x, made) if x.requires_grad and made.requires_grad else made


def difference(x: Any, y: Any, alpha: Any = 1) -> Any:
    """x − alpha · y; of bools there is none."""
    bools = [(isinstance(v, Value) and v._aval.dtype is bool_) or type(v) is bool for v in (x, y)]
    if all(bools):
        raise refuse(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()`"
            " operator instead."
        )
    for is_bool in bools:
        if is_bool:
            raise refuse(
                "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert"
                " a mask, use the `~` or `logical_not()` operator instead."
            )
    return tn.subtract(x, y, alpha=alpha) if alpha != 1 or not isinstance(x, Value) else x - y


def quotient(x: Any, y: Any, rounding_mode: str | None) -> Any:
    """x / y, rounded or not."""
    if rounding_mode not in (None, "floor", "trunc"):
        raise refuse(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'")
    if rounding_mode is None:
        return divided(x, y)
    found = tn.divide(x, y, rounding_mode=rounding_mode)
    for v in (x, y):
        found = flat(found, v) if type(v) is Value and v._kind.tracked else found
    return found


def divided(x: Any, y: Any) -> Any:
    """x / y, of whole numbers in the default dtype."""
    if Defaults.float.home is not tn.float32:
        x, y = (floating(v) if type(v) is Value else v for v in (x, y))
    return x / y


def opposite(x: Any) -> Any:
    """−x; of bools there is none."""
    if x._aval.dtype is bool_:
        raise refuse(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask,"
            " use the `~` or `logical_not()` operator instead."
        )
    return -x


def power(x: Any, y: Any) -> Any:
    """x to the y; of whole numbers no negative powers."""
    if type(x) is Value and type(y) in (int, float) and x._aval.dtype.kind == "f":
        return x**y
    if type(y) is int and y < 0 and isinstance(x, Value) and x.dtype.kind in "iub":
        raise refuse("Integers to negative integer powers are not allowed.")
    kinds = [type(v) is bool or (type(v) is Value and v._aval.dtype is bool_) for v in (x, y)]
    if all(kinds) and isinstance(x, Value):
        if isinstance(y, Value):
            raise refuse("\"pow\" not implemented for 'Bool'")
        return tn.logical_or(x, not y)
    if isinstance(y, Value) and y.dtype.kind == "i" and (isinstance(x, int) or x.dtype.kind in "iu"):
        return _whole_power(x if isinstance(x, Value) else tn.full((), x, dtype=y.dtype), y)
    return tn.pow(x, y)


def _whole_power(x: Any, y: Any) -> Any:
    """x to the y of whole numbers: of a negative y it is 0, but for 1 and −1."""
    found = tn.pow(x, tn.clamp_min(y, 0))
    below = to(tn.equal(x, 1), found.dtype)
    if x.dtype.kind == "i":
        sign = 1 - 2 * tn.not_equal(tn.remainder(y, 2), 0).to(found.dtype)
        below = tn.where(tn.equal(x, -1), sign, below)
    return tn.where(tn.less(y, 0), below, found)


def flat(found: Any, x: Any) -> Any:
    """A result that does not follow x, with a gradient of 0 for it."""
    return found if found._kind.tracked else tn.where(tn.zeros((), dtype=tn.bool), x, found).to(found.dtype)


def multiplied_in(x: Any, a: Any, b: Any, value: Any) -> Any:
    """x + value · a · b."""
    return tn.addcmul(x, a, b, value=value)


def clamped(x: Any, low: Any, high: Any) -> Any:
    """x within bounds, of which at least one is there, in the dtype of all of them."""
    if low is None and high is None:
        raise refuse("torch.clamp: At least one of 'min' or 'max' must not be None")
    if x.dtype is bool_ and all(b is None or type(b) is bool for b in (low, high)):
        raise refuse("\"clamp\" not implemented for 'Bool'")
    for bound in (low, high):
        if not isinstance(bound, (Value, int, float, np.number, NoneType)):
            raise refuse(f"clamp(): a bound must be Number or Tensor, not {type(bound).__name__}", TorchTypeError)
        if isinstance(bound, Value):
            x = cast(x, promote(x.dtype, bound.dtype))
        elif type(bound) is float and not x.dtype.has_gradient:
            x = floating(x)
        elif type(bound) is int and x.dtype is bool_:
            x = to(x, tn.int64)
    return tn.clip(x, low, high)


def chosen(condition: Any, x: Any, y: Any) -> Any:
    """x where a condition holds, else y."""
    if condition.dtype.name == "uint8":
        condition = condition != 0
    if condition.dtype is not bool_:
        found = spelled(condition.dtype.name)
        raise refuse(f"where expected condition to be a boolean tensor, but got a tensor with dtype {found}")
    x, y = weighed(x, y)
    if not isinstance(x, Value) and not isinstance(y, Value):
        kind = max(RANK[type(x)], RANK[type(y)])
        dtype = (bool_, tn.int64, default(), promote(default(), "complex64"))[kind]
        x = tn.scalar_tensor(x, dtype=dtype)
    return tn.where(condition, x, y)


def is_equal(x: Any, y: Any) -> bool:
    """Whether two tensors have one shape and the same elements, in whatever dtypes."""
    if x.shape != y.shape:
        return False
    return bool(tn.all(tn.equal(x, y)).item())


def fitting(x: Any, value: Any) -> Any:
    """A number that goes into x as PyTorch casts it; of a tensor its dtype."""
    if isinstance(value, Value):
        if value.shape:
            found = len(value.shape)
            raise refuse(f"only supports a 0-dimensional value tensor, but got tensor with {found} dimension(s).")
        return to(value, x.dtype)
    if x.dtype is bool_:
        return bool(value)
    if x.dtype.kind in "iu" and isinstance(value, float):
        return int(value)
    return casts.held(value, x.dtype)


def signs(x: Any) -> Any:
    """The sign of each element; that of NaN is 0, where the array API has NaN."""
    return tn.where(tn.isnan(x), 0, tn.sign(x)) if x.dtype.is_floating else tn.sign(x)


def size_in_place(x: Any) -> Any:
    """The size of each element, which its tensor must have room for."""
    if x.dtype.is_complex:
        raise refuse("In-place abs is not supported for complex tensors.")
    return tn.abs(x)


def step(x: Any, values: Any) -> Any:
    """1 where x is above 0, the values where it is 0; 0 at NaN, where NumPy has NaN."""
    found = tn.heaviside(x, values)
    return tn.where(tn.isnan(x), 0, found) if x.dtype.is_floating else found


def next_after(x: Any, y: Any) -> Any:
    """The next number from x towards y; the gradient goes to x."""
    found = tn.nextafter(tn.detach(x), tn.detach(y))
    return found if not x.requires_grad else tn.detach(found) + (x - tn.detach(x))


def wide_in_place(x: Any, y: Any) -> Any:
    """x to the y in float64, or complex128, which x must have to hold it."""
    found = tn.float_power(x, y)
    if found.dtype is not x.dtype:
        raise refuse(
            f"the base given to float_power_ has dtype {x.dtype.name} but the operation's result requires dtype"
            f" {found.dtype.name}"
        )
    return found


def of_parts(real: Any, imag: Any) -> Any:
    """Complex numbers of their parts, which are floats of one dtype."""
    if not (real.dtype.is_floating and imag.dtype is real.dtype):
        raise refuse("Expected both inputs to be Half, Float or Double tensors but got "
                     f"{real.dtype.name} and {imag.dtype.name}")
    return tn.complex(real, imag)


def is_close(x: Any, y: Any, rtol: float, atol: float, equal_nan: bool) -> Any:
    """Whether elements are close."""
    if rtol < 0 or atol < 0:
        raise refuse(f"rtol and atol must be greater than or equal to zero, but got {rtol} and {atol}")
    if x.dtype is not y.dtype:
        raise refuse(f"{x.dtype.name} did not match {y.dtype.name}")
    return tn.isclose(x, y, rtol, atol, equal_nan)


def as_before(x: Any, found: Any) -> Any:
    """A result of whole numbers in their dtype, rounded towards 0."""
    return found if x.dtype.has_gradient else to(found, x.dtype)


def cut(x: Any, low: Any, high: Any) -> Any:
    """x within bounds, in its own dtype; its gradient is 0 at a bound."""
    if x.dtype is bool_:
        raise refuse("Bool inputs not supported for hardtanh")
    if not x.dtype.has_gradient:
        return tn.clip(x, int(low), int(high))
    if low > high:
        raise refuse("min_val cannot be greater than max_val", TorchValueError)
    return tn.nn.functional.hardtanh(x, low, high) if low < high else tn.detach(tn.clip(x, low, high)) + 0 * x


def as_number(x: Any) -> Any:
    """x, of bools as whole numbers."""
    return to(x, tn.int64) if isinstance(x, Value) and x.dtype is bool_ else x


def threshold_of(x: Any, threshold: Any, value: Any) -> Any:
    """x where it is above a threshold, elsewhere a number."""
    return tn.nn.functional.threshold(x, threshold, value)


def labels(x: Any) -> Any:
    """Labels as whole numbers: the parts of real ones before the point."""
    return cast(x, tn.int64) if x.dtype.kind == "f" else x


def log_normalized(x: Any) -> Any:
    """Logarithms of probabilities, with the cotangent of ``log_softmax``: g − exp(x) Σ g, as of PyTorch's ctc_loss."""
    if not x.dtype.is_floating:
        return x
    total = tn.exp(x.clip(None, 80.0)).sum(-1, keepdims=True)
    return x - (total - total.detach())


def numbers_only(x: Any) -> Any:
    """x, which is not of bools."""
    if x.dtype is bool_:
        raise refuse("not implemented for 'Bool'")
    return x
