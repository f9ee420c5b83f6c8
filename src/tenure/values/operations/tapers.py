"""Window functions: weights by which the ends of a piece of signal are faded."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tenure import dtypes
from tenure.dtypes import DTypeLike, as_dtype
from tenure.errors import DTypeError
from tenure.values.operations.creation import check_device, tensor
from tenure.values.trace.blame import public
from tenure.values.trace.given import check_shape, flag, int_of, number

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor


def _taper(
    name: str, length: Any, periodic: Any, shape: Callable[[Any], Any], dtype: Any, device: Any, requires_grad: bool
) -> Tensor:
    """The weights at places from 0 to 1; a periodic window is the symmetric one of one more without the last."""
    check_device(device)
    target = dtypes.default_float if dtype is None else as_dtype(dtype)
    if not target.is_floating:
        raise DTypeError(f"{name} of {target.name}", help="the weights are floats")
    (size,) = check_shape((int_of(length, f"{name}: window_length"),), dtypes.float64)
    last = size if flag(f"{name}: periodic", periodic) else size - 1
    weights = shape(np.arange(size) / last) if size > 1 else np.ones(size)
    return tensor(weights, dtype=target, requires_grad=requires_grad)


def _cosines(*factors: float) -> Callable[[Any], Any]:
    """Σ factorₖ · cos 2πkt, with changing signs."""
    return lambda t: sum((-1) ** k * a * np.cos(2 * np.pi * k * t) for k, a in enumerate(factors))


@public
def hann_window(
    window_length: int, periodic: bool = True, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
) -> Tensor:
    """The Hann window of so many weights, ½ - ½ cos 2πt: for spectra, or symmetric unless ``periodic``.

    float32 unless given, else another float, or DTypeError (TN802); ShapeError (TN802) for a negative length.

    >>> tn.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return _taper("hann_window", window_length, periodic, _cosines(0.5, 0.5), dtype, device, requires_grad)


@public
def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
) -> Tensor:
    """The Hamming window of so many weights, alpha - beta · cos 2πt: for spectra, or symmetric unless ``periodic``.

    Dtypes and errors as in ``tn.hann_window``.

    >>> tn.hamming_window(4)
    tensor([0.0800, 0.5400, 1.0000, 0.5400])
    """
    factors = (float(number("hamming_window", what, v)) for what, v in (("alpha", alpha), ("beta", beta)))
    return _taper("hamming_window", window_length, periodic, _cosines(*factors), dtype, device, requires_grad)


@public
def blackman_window(
    window_length: int, periodic: bool = True, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
) -> Tensor:
    """The Blackman window of so many weights: for spectra, or symmetric unless ``periodic``.

    They are 0.42 - ½ cos 2πt + 0.08 cos 4πt. Dtypes and errors as in ``tn.hann_window``.

    >>> tn.blackman_window(4).round(decimals=2)
    tensor([-0.0000, 0.3400, 1.0000, 0.3400])
    """
    shape = _cosines(0.42, 0.5, 0.08)
    return _taper("blackman_window", window_length, periodic, shape, dtype, device, requires_grad)


@public
def bartlett_window(
    window_length: int, periodic: bool = True, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
) -> Tensor:
    """The Bartlett window of so many weights, a triangle: for spectra, or symmetric unless ``periodic``.

    Dtypes and errors as in ``tn.hann_window``.

    >>> tn.bartlett_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """

    def triangle(t: Any) -> Any:
        return 1 - np.abs(2 * t - 1)

    return _taper("bartlett_window", window_length, periodic, triangle, dtype, device, requires_grad)


@public
def kaiser_window(
    window_length: int, periodic: bool = True, beta: float = 12.0, *,
    dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False,
) -> Tensor:
    """The Kaiser window of so many weights: for spectra, or symmetric unless ``periodic``.

    They are I₀(β√(1 - (2t - 1)²)) / I₀(β). Dtypes and errors as in ``tn.hann_window``.

    >>> tn.kaiser_window(4, beta=2.0)
    tensor([0.4387, 0.8348, 1.0000, 0.8348])
    """
    sharp = float(number("kaiser_window", "beta", beta))

    def bell(t: Any) -> Any:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.i0(sharp * np.sqrt(np.maximum(1 - (2 * t - 1) ** 2, 0))) / np.i0(sharp)

    return _taper("kaiser_window", window_length, periodic, bell, dtype, device, requires_grad)
