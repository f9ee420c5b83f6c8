"""Discrete Fourier transforms: of complex numbers, of real ones, with real results, along one axis or several.

All take ``norm``, the factor: "backward" divides the inverse transforms by the number of elements, "forward" the
others, "ortho" both by its square root. An axis is cut off, or filled up with zeros, to the size that is asked for.
Results of float16 to float32 and of whole numbers are complex64, of float64 complex128. They are linear: the gradient
is another of them, with PyTorch's convention for complex numbers.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from tenure.dtypes import DTypeLike, as_dtype, default_float, float32
from tenure.errors import DTypeError, ShapeError, shown
from tenure.ops import fourier
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply_one
from tenure.values.operations.arranging import roll
from tenure.values.operations.axes import check_axes, check_axis, one_of
from tenure.values.operations.creation import check_device, leaf, tensor
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import flag, int_of
from tenure.values.trace.memo import remembered

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Axes

MOST = 1 << 36
"""Number of elements that no transform reaches."""
BLOCK = 1 << 20
"""Frequencies that are computed at once."""
NORMS = ("backward", "ortho", "forward")
KINDS = {
    (kind, inverse): Operation(name, fourier.transform, f"Fft{kind.upper()}Backward0")
    for (kind, inverse), name in {
        ("c2c", False): "fft",
        ("c2c", True): "ifft",
        ("r2c", False): "rfft",
        ("r2c", True): "ihfft",
        ("c2r", False): "hfft",
        ("c2r", True): "irfft",
    }.items()
}


def _factor(name: str, norm: Any, count: int, inverse: bool) -> float:
    if norm is not None and (type(norm) is not str or norm not in NORMS):
        raise DTypeError(f"{name}: norm is one of {', '.join(map(repr, NORMS))}, not {shown(norm)}")
    if norm == "ortho":
        return float(count**-0.5)
    return 1 / count if (norm == "forward") != inverse else 1.0


def form_of(
    name: str, shape: tuple[int, ...], axes: tuple[int, ...], sizes: Any, norm: Any, kind: str, inverse: bool
) -> tuple[tuple[str, Any], ...]:
    """The parameters of a transform along axes; a size that is None follows from the shape."""
    found = []
    for k, (axis, size) in enumerate(zip(axes, sizes, strict=True)):
        n = shape[axis]
        size = (2 * (n - 1) if kind == "c2r" and k == len(axes) - 1 else n) if size is None else size
        if size < 1:
            raise ShapeError(f"{name}: a transform of {size} elements along axis {axis} of shape {list(shape)}")
        found.append(size)
    count = prod(found)
    others = prod([size for axis, size in enumerate(shape) if axis not in axes])
    if max(found, default=1) >= MOST or count * others >= MOST:
        raise ShapeError(f"{name}: for transforms of sizes {found} of shape {list(shape)} there is no memory")
    names = ("kind", "axes", "sizes", "inverse", "factor")
    return parameters(names, kind, axes, tuple(found), inverse, _factor(name, norm, count, inverse))


@remembered
def _form(known: tuple[Any, ...], n: Any, dim: Any, norm: Any, axis: Any) -> tuple[tuple[str, Any], ...]:
    """The parameters of a transform along one axis, the last by default."""
    name, kind, inverse, shape = known
    at = one_of(dim, axis, f"{name}: dim and axis")
    k = check_axis(-1 if at is None else at, len(shape))
    return form_of(name, shape, (k,), (None if n is None else int_of(n, f"{name}: n"),), norm, kind, inverse)


def _along(name: str, x: Any, n: Any, dim: Any, norm: Any, axis: Any, kind: str, inverse: bool) -> Tensor:
    x = value_of(x)
    return apply_one(KINDS[kind, inverse], x, _form((name, kind, inverse, x._aval.shape), n, dim, norm, axis))


def fft(
    x: ArrayLike, n: int | None = None, dim: int | None = None, norm: str | None = None, *, axis: int | None = None
) -> Tensor:
    """The discrete Fourier transform Σ x_j exp(−2πi jk / n) along an axis (the last), of n elements.

    The result is complex. OutOfRange (TN801) for an axis that is not there, ShapeError (TN802) for n < 1.

    >>> tn.fft.fft(tn.tensor([1.0, 2.0, 3.0, 4.0])).real
    tensor([10., -2., -2., -2.])
    """
    return _along("fft", x, n, dim, norm, axis, "c2c", False)


def ifft(
    x: ArrayLike, n: int | None = None, dim: int | None = None, norm: str | None = None, *, axis: int | None = None
) -> Tensor:
    """The inverse of ``fft``, which divides by n unless ``norm`` says otherwise.

    OutOfRange (TN801) for an axis that is not there, ShapeError (TN802) for n < 1.

    >>> tn.fft.ifft(tn.fft.fft(tn.tensor([1.0, 2.0, 3.0]))).real
    tensor([1., 2., 3.])
    """
    return _along("ifft", x, n, dim, norm, axis, "c2c", True)


def rfft(
    x: ArrayLike, n: int | None = None, dim: int | None = None, norm: str | None = None, *, axis: int | None = None
) -> Tensor:
    """The first n // 2 + 1 elements of the transform of n real numbers; the others are conjugates of these.

    OutOfRange (TN801) for an axis that is not there, ShapeError (TN802) for n < 1, DTypeError (TN802) for complex
    numbers.

    >>> tn.fft.rfft(tn.tensor([1.0, 2.0, 3.0, 4.0])).imag
    tensor([0., 2., 0.])
    """
    return _along("rfft", x, n, dim, norm, axis, "r2c", False)


def irfft(
    x: ArrayLike, n: int | None = None, dim: int | None = None, norm: str | None = None, *, axis: int | None = None
) -> Tensor:
    """The inverse of ``rfft``: n real numbers, 2 (m − 1) by default, of the first half of a transform.

    The imaginary parts of the first element, and of the last for even n, are not read: their gradients are 0.
    OutOfRange (TN801) for an axis that is not there, ShapeError (TN802) for n < 1.

    >>> tn.fft.irfft(tn.fft.rfft(tn.tensor([1.0, 2.0, 3.0])), n=3)
    tensor([1., 2., 3.])
    """
    return _along("irfft", x, n, dim, norm, axis, "c2r", True)


def hfft(
    x: ArrayLike, n: int | None = None, dim: int | None = None, norm: str | None = None, *, axis: int | None = None
) -> Tensor:
    """The real transform, of n elements, of a signal with x[−j] = conj x[j], of which x is the first half.

    OutOfRange (TN801) for an axis that is not there, ShapeError (TN802) for n < 1.

    >>> tn.fft.hfft(tn.tensor([1.0, 2.0, 3.0]))
    tensor([ 8., -2.,  0., -2.])
    """
    return _along("hfft", x, n, dim, norm, axis, "c2r", False)


def ihfft(
    x: ArrayLike, n: int | None = None, dim: int | None = None, norm: str | None = None, *, axis: int | None = None
) -> Tensor:
    """The inverse of ``hfft``: the first half of the signal whose transform is real.

    OutOfRange (TN801) for an axis that is not there, ShapeError (TN802) for n < 1, DTypeError (TN802) for complex
    numbers.

    >>> tn.fft.ihfft(tn.tensor([8.0, -2.0, 0.0, -2.0])).real
    tensor([1., 2., 3.])
    """
    return _along("ihfft", x, n, dim, norm, axis, "r2c", True)


def fftfreq(
    n: int, d: float = 1.0, *, dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False
) -> Tensor:
    """The frequencies of the elements of ``fft``, in cycles per unit: 0, 1, …, −2, −1, divided by n d.

    n is the number of samples and d the distance between them. ShapeError (TN802) for n < 1, ValueError for d = 0.

    >>> tn.fft.fftfreq(4)
    tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    """
    return _frequencies("fftfreq", False, n, d, dtype, device, requires_grad)


def rfftfreq(
    n: int, d: float = 1.0, *, dtype: DTypeLike | None = None, device: str | None = None, requires_grad: bool = False
) -> Tensor:
    """The frequencies of the elements of ``rfft``, in cycles per unit: 0, 1, …, n // 2, divided by n d.

    ShapeError (TN802) for n < 1, ValueError for d = 0.

    >>> tn.fft.rfftfreq(4)
    tensor([0.0000, 0.2500, 0.5000])
    """
    return _frequencies("rfftfreq", True, n, d, dtype, device, requires_grad)


def _frequencies(name: str, half: bool, n: Any, d: Any, dtype: Any, device: Any, requires_grad: Any) -> Tensor:
    check_device(device)
    count = int_of(n, f"{name}: n")
    if not 1 <= count < MOST:
        raise ShapeError(f"{name}: n is at least 1, and less than {MOST}, not {count}")
    if isinstance(d, bool) or not isinstance(d, int | float):
        raise DTypeError(f"{name}: d is a number, not {shown(d)}")
    if not d:
        raise ValueError(f"{name}: samples at a distance d of 0 have no frequencies")
    target = default_float if dtype is None else as_dtype(dtype)
    if not target.has_gradient:
        raise DTypeError(f"{name}: frequencies are no numbers of {target.name}")
    size, factor = count // 2 + 1 if half else count, 1 / (count * d)
    found = np.empty(size, np.float32 if target.parts is float32 or target is float32 else np.float64)
    for start in range(0, size, BLOCK):  # so that a long result takes no memory but its own
        k = np.arange(start, min(start + BLOCK, size), dtype=np.float64)
        found[start : start + BLOCK] = (k if half else np.where(k < (count + 1) // 2, k, k - count)) * factor
    return leaf(tensor(found).to(target), flag("requires_grad", requires_grad))


def fftshift(x: ArrayLike, dim: Axes = None, *, axes: Axes = None) -> Tensor:
    """x with the element of frequency 0 moved to the middle of axes (all).

    OutOfRange (TN801) for an axis that is not there.

    >>> tn.fft.fftshift(tn.tensor([0, 1, 2, -2, -1]))
    tensor([-2, -1,  0,  1,  2])
    """
    return _shifted("fftshift", x, dim, axes, 1)


def ifftshift(x: ArrayLike, dim: Axes = None, *, axes: Axes = None) -> Tensor:
    """The inverse of ``fftshift``.

    OutOfRange (TN801) for an axis that is not there.

    >>> tn.fft.ifftshift(tn.tensor([-2, -1, 0, 1, 2]))
    tensor([ 0,  1,  2, -2, -1])
    """
    return _shifted("ifftshift", x, dim, axes, -1)


def _shifted(name: str, x: Any, dim: Any, axes: Any, sign: int) -> Tensor:
    x = value_of(x)
    along = check_axes(one_of(dim, axes, f"{name}: dim and axes"), x._aval.ndim)
    return roll(x, tuple([sign * (x._aval.shape[k] // 2) for k in along]), along) if along else x
