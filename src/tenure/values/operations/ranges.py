"""Ranges of numbers: with a step, or evenly spaced between two ends."""

from __future__ import annotations

import cmath
import math
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from tenure import dtypes
from tenure.dtypes import DType, DTypeLike, as_dtype
from tenure.errors import DTypeError, ShapeError, shown
from tenure.ops import move, promote
from tenure.ops.promote import Operation
from tenure.values.native.hits import apply
from tenure.values.operations.axes import one_of
from tenure.values.operations.creation import check_device, leaf, tensor
from tenure.values.trace import record
from tenure.values.trace.blame import public
from tenure.values.trace.given import check_number, check_shape, flag

if TYPE_CHECKING:
    from tenure.values.places.var import Var
    from tenure.values.tensor.tensor import Tensor

IOTA = Operation("arange", lambda start, step, *, length, dtype: _arange(start, step, length, dtype))


def _arange(start: Any, step: Any, length: int, dtype: DType) -> Any:
    inner = dtypes.float64 if dtype.has_gradient else dtypes.int64
    count = start.builder.emit(move.iota, (), {"length": length, "dtype": inner})
    line = promote.as_type(start, inner) + count * promote.as_type(step, inner)
    return promote.as_type(line, dtype)


@overload
def arange(
    start: float | None = None, stop: float | None = None, step: float = 1, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: Literal[True], end: float | None = None,
) -> Var: ...
@overload
def arange(
    start: float | None = None, stop: float | None = None, step: float = 1, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False, end: float | None = None,
) -> Tensor: ...
def arange(
    start: float | None = None, stop: float | None = None, step: float = 1, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False, end: float | None = None,
) -> Tensor:
    """The numbers start, start + step, … below stop: a tensor of one axis, int64 unless a bound is a float.

    With one bound that is the stop. ``end`` is PyTorch's name for stop. ShapeError (TN802) for a step of zero.

    >>> tn.arange(5), tn.arange(1, 2, 0.25)
    (tensor([0, 1, 2, 3, 4]), tensor([1.0000, 1.2500, 1.5000, 1.7500]))
    """
    check_device(device)
    stop = one_of(stop, end, "arange: stop and end")
    if stop is None or start is None:
        start, stop = 0, start if stop is None else stop
    if stop is None:
        raise TypeError("arange: the stop is missing, as in arange(5)")
    numbers = start, stop, step = [_finite("arange", n) for n in (start, stop, step)]
    if step == 0:
        raise ShapeError("arange: the step is zero")
    whole = not any(isinstance(n, float) for n in numbers)
    target = as_dtype((int if whole else float) if dtype is None else dtype)
    count = -((start - stop) // step) if whole else math.ceil((stop - start) / step)
    length = check_shape((max(0, count),), target)[0]
    if length and target.kind in "iu" and dtype is not None:
        check_number("arange", start, target)
        check_number("arange", start + (length - 1) * step, target)
    kind = float if target.has_gradient else _wrapped
    value = apply(IOTA, (), (("length", length), ("dtype", target)), (kind(start), kind(step)))
    return leaf(value, requires_grad)


def _wrapped(number: float) -> int:
    """A whole number modulo 2^64, as an int64: a range of uint64 is computed so."""
    return (int(number) + 2**63) % 2**64 - 2**63


def _is_finite(number: complex) -> bool:
    return cmath.isfinite(number) if isinstance(number, float | complex) else abs(number) < 2**64


REALS = (bool, int, float)
NUMBERS = (*REALS, complex)


def _finite(name: str, number: Any, kinds: tuple[type, ...] = REALS) -> Any:
    """Bound of a range as a Python number."""
    if isinstance(number, np.generic) or (isinstance(number, record._Tensor) and number._aval.size == 1):
        number = number.item()
    if type(number) is float and math.isfinite(number):
        return number
    if not isinstance(number, NUMBERS) or not isinstance(number, kinds) or not _is_finite(number):
        raise DTypeError(f"{name}: {shown(number)} is no finite number")
    return number


@overload
def linspace(
    start: float, stop: float | None = None, num: int | None = None, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: Literal[True], endpoint: bool = True,
    end: float | None = None, steps: int | None = None,
) -> Var: ...
@overload
def linspace(
    start: float, stop: float | None = None, num: int | None = None, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False, endpoint: bool = True,
    end: float | None = None, steps: int | None = None,
) -> Tensor: ...
@public
def linspace(
    start: float, stop: float | None = None, num: int | None = None, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False, endpoint: bool = True,
    end: float | None = None, steps: int | None = None,
) -> Tensor:
    """Evenly spaced numbers, ``num`` of them, the ends included (without the last if not ``endpoint``).

    Whole numbers are rounded down. ``end`` and ``steps`` are PyTorch's names for stop and num. DTypeError (TN802) for
    a bound that is not finite.

    >>> tn.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    check_device(device)
    stop, num = one_of(stop, end, "linspace: stop and end"), one_of(num, steps, "linspace: num and steps")
    if stop is None or num is None:
        raise TypeError("linspace: stop or num is missing, as in linspace(0, 1, 5)")
    start, stop, endpoint = *[_finite("linspace", x, NUMBERS) for x in (start, stop)], flag("endpoint", endpoint)
    whole = complex if isinstance(start, complex) or isinstance(stop, complex) else float
    usual = dtypes.default_float if whole is float else dtypes.promote(dtypes.default_float, dtypes.complex64)
    target = usual if dtype is None else as_dtype(dtype)
    (num,) = check_shape((num,), target)
    if target.kind in "iu" and type(start) is int and type(stop) is int:
        gaps = max(1, num - 1 if endpoint else num)
        return tensor([start + k * (stop - start) // gaps for k in range(num)], dtype=target)
    line = np.linspace(whole(start), whole(stop), num, endpoint=endpoint)
    return tensor(line, dtype=target, requires_grad=requires_grad)


@overload
def logspace(
    start: float, end: float | None = None, steps: int | None = None, base: float = 10.0, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: Literal[True],
) -> Var: ...
@overload
def logspace(
    start: float, end: float | None = None, steps: int | None = None, base: float = 10.0, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
) -> Tensor: ...
@public
def logspace(
    start: float, end: float | None = None, steps: int | None = None, base: float = 10.0, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
) -> Tensor:
    """Powers of a base with evenly spaced exponents, ``steps`` of them, the ends included.

    DTypeError (TN802) for an end that is not finite.

    >>> tn.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    if end is None or steps is None:
        raise TypeError("logspace: end or steps is missing, as in logspace(0, 2, 3)")
    exponents = np.asarray(linspace(start, end, steps, dtype=dtypes.float64))
    target = dtypes.default_float if dtype is None else as_dtype(dtype)
    with np.errstate(all="ignore"):
        powers = np.power(float(_finite("logspace", base)), exponents)
    return tensor(powers, dtype=target, device=device, requires_grad=requires_grad)
