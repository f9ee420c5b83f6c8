"""Discrete Fourier transforms along several axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.errors import ShapeError, shown
from tenure.values.native.hits import apply_one
from tenure.values.operations.axes import check_axis, one_of
from tenure.values.operations.fourier import KINDS, form_of
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import ints_of
from tenure.values.trace.memo import remembered

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Axes

    Sizes = int | tuple[int, ...] | list[int] | None

LAST = (-2, -1)


@remembered
def _form(known: tuple[Any, ...], s: Any, dim: Any, norm: Any, axes: Any) -> tuple[tuple[str, Any], ...]:
    """The parameters of a transform along several axes: all, or the last ones of which there are sizes. The size -1
    is that of the tensor."""
    name, kind, inverse, shape = known
    given, ndim = one_of(dim, axes, f"{name}: dim and axes"), len(shape)
    sizes = None if s is None else ints_of(s, f"{name}: s")
    if given is None:
        count = ndim if sizes is None else len(sizes)
        if count > ndim:
            raise ShapeError(f"{name}: {count} sizes for a tensor of {ndim} dimensions")
        along = tuple(range(ndim - count, ndim))
    else:
        along = tuple([check_axis(k, ndim) for k in ints_of(given, f"{name}: dim")])
    if len(set(along)) < len(along):
        raise ShapeError(f"{name}: an axis is named twice in {shown(given)}")
    if sizes is not None and len(sizes) != len(along):
        raise ShapeError(f"{name}: {len(sizes)} sizes for {len(along)} axes")
    if not along and kind != "c2c":
        raise ShapeError(f"{name}: there is no axis to transform")
    wanted = [None] * len(along) if sizes is None else [None if n == -1 else n for n in sizes]
    return form_of(name, shape, along, wanted, norm, kind, inverse)


def _over(name: str, x: Any, s: Any, dim: Any, norm: Any, axes: Any, kind: str, inverse: bool) -> Tensor:
    x = value_of(x)
    return apply_one(KINDS[kind, inverse], x, _form((name, kind, inverse, x._aval.shape), s, dim, norm, axes))


def _over_two(name: str, x: Any, s: Any, dim: Any, norm: Any, axes: Any, kind: str, inverse: bool) -> Tensor:
    """A transform along two axes, the last by default."""
    given = one_of(dim, axes, f"{name}: dim and axes")
    given = LAST if given is None else given
    if type(given) in (tuple, list) and len(given) != 2:
        raise ShapeError(f"{name}: it goes along 2 axes, not {len(given)}")
    return _over(name, x, s, given, norm, None, kind, inverse)


def fft2(
    x: ArrayLike, s: Sizes = None, dim: Axes = None, norm: str | None = None, *, axes: Axes = None
) -> Tensor:
    """The discrete Fourier transform along two axes (the last).

    ``s`` are the sizes there, -1 for that of x. OutOfRange (TN801) for an axis that is not there, ShapeError
    (TN802) for sizes below 1, for an axis named twice, and where sizes and axes are not equally many.

    >>> tn.fft.fft2(tn.eye(2)).real
    tensor([[2., 0.],
            [0., 2.]])
    """
    return _over_two("fft2", x, s, dim, norm, axes, "c2c", False)


def ifft2(
    x: ArrayLike, s: Sizes = None, dim: Axes = None, norm: str | None = None, *, axes: Axes = None
) -> Tensor:
    """The inverse Fourier transform along two axes (the last).

    ``s`` are the sizes there, -1 for that of x. OutOfRange (TN801) for an axis that is not there, ShapeError
    (TN802) for sizes below 1, for an axis named twice, and where sizes and axes are not equally many.

    >>> tn.fft.ifft2(tn.ones(2, 2)).real
    tensor([[1., 0.],
            [0., 0.]])
    """
    return _over_two("ifft2", x, s, dim, norm, axes, "c2c", True)


def rfft2(
    x: ArrayLike, s: Sizes = None, dim: Axes = None, norm: str | None = None, *, axes: Axes = None
) -> Tensor:
    """The Fourier transform of real numbers along two axes (the last).

    Of the last axis the first half is kept. ``s`` are the sizes there, -1 for that of x. OutOfRange (TN801) for an
    axis that is not there, ShapeError (TN802) for sizes below 1, for an axis named twice, and where sizes and axes
    are not equally many, DTypeError (TN802) for complex numbers.

    >>> tn.fft.rfft2(tn.ones(4, 4)).shape
    (4, 3)
    """
    return _over_two("rfft2", x, s, dim, norm, axes, "r2c", False)


def irfft2(
    x: ArrayLike, s: Sizes = None, dim: Axes = None, norm: str | None = None, *, axes: Axes = None
) -> Tensor:
    """The inverse of ``rfft2``, real numbers, along two axes (the last).

    The last axis of x is half a transform. ``s`` are the sizes there, -1 for that of x. OutOfRange (TN801) for an
    axis that is not there, ShapeError (TN802) for sizes below 1, for an axis named twice, and where sizes and axes
    are not equally many.

    >>> tn.fft.irfft2(tn.ones(4, 3)).shape
    (4, 4)
    """
    return _over_two("irfft2", x, s, dim, norm, axes, "c2r", True)


def hfft2(
    x: ArrayLike, s: Sizes = None, dim: Axes = None, norm: str | None = None, *, axes: Axes = None
) -> Tensor:
    """The real Fourier transform of a Hermitian signal, given by its half, along two axes (the last).

    The last axis of x is half a transform. ``s`` are the sizes there, -1 for that of x. OutOfRange (TN801) for an
    axis that is not there, ShapeError (TN802) for sizes below 1, for an axis named twice, and where sizes and axes
    are not equally many.

    >>> tn.fft.hfft2(tn.ones(4, 3)).shape
    (4, 4)
    """
    return _over_two("hfft2", x, s, dim, norm, axes, "c2r", False)


def ihfft2(
    x: ArrayLike, s: Sizes = None, dim: Axes = None, norm: str | None = None, *, axes: Axes = None
) -> Tensor:
    """The inverse of ``hfft2`` along two axes (the last).

    Of the last axis the first half is kept. ``s`` are the sizes there, -1 for that of x. OutOfRange (TN801) for an
    axis that is not there, ShapeError (TN802) for sizes below 1, for an axis named twice, and where sizes and axes
    are not equally many, DTypeError (TN802) for complex numbers.

    >>> tn.fft.ihfft2(tn.ones(4, 4)).shape
    (4, 3)
    """
    return _over_two("ihfft2", x, s, dim, norm, axes, "r2c", True)


def fftn(
    x: ArrayLike, s: Sizes = None, dim: Axes = None, norm: str | None = None, *, axes: Axes = None
) -> Tensor:
    """The discrete Fourier transform along several axes (all, or the last ones).

    ``s`` are the sizes there, -1 for that of x. OutOfRange (TN801) for an axis that is not there, ShapeError
    (TN802) for sizes below 1, for an axis named twice, and where sizes and axes are not equally many.

    >>> tn.fft.fftn(tn.ones(2, 2, 2), dim=(0, 2)).shape
    (2, 2, 2)
    """
    return _over("fftn", x, s, dim, norm, axes, "c2c", False)


def ifftn(
    x: ArrayLike, s: Sizes = None, dim: Axes = None, norm: str | None = None, *, axes: Axes = None
) -> Tensor:
    """The inverse Fourier transform along several axes (all, or the last ones).

    ``s`` are the sizes there, -1 for that of x. OutOfRange (TN801) for an axis that is not there, ShapeError
    (TN802) for sizes below 1, for an axis named twice, and where sizes and axes are not equally many.

    >>> tn.fft.ifftn(tn.ones(2, 2), s=(4, 4)).shape
    (4, 4)
    """
    return _over("ifftn", x, s, dim, norm, axes, "c2c", True)


def rfftn(
    x: ArrayLike, s: Sizes = None, dim: Axes = None, norm: str | None = None, *, axes: Axes = None
) -> Tensor:
    """The Fourier transform of real numbers along several axes (all, or the last ones).

    Of the last axis the first half is kept. ``s`` are the sizes there, -1 for that of x. OutOfRange (TN801) for an
    axis that is not there, ShapeError (TN802) for sizes below 1, for an axis named twice, and where sizes and axes
    are not equally many, DTypeError (TN802) for complex numbers.

    >>> tn.fft.rfftn(tn.ones(2, 3, 4)).shape
    (2, 3, 3)
    """
    return _over("rfftn", x, s, dim, norm, axes, "r2c", False)


def irfftn(
    x: ArrayLike, s: Sizes = None, dim: Axes = None, norm: str | None = None, *, axes: Axes = None
) -> Tensor:
    """The inverse of ``rfftn``, real numbers, along several axes (all, or the last ones).

    The last axis of x is half a transform. ``s`` are the sizes there, -1 for that of x. OutOfRange (TN801) for an
    axis that is not there, ShapeError (TN802) for sizes below 1, for an axis named twice, and where sizes and axes
    are not equally many.

    >>> tn.fft.irfftn(tn.ones(2, 3, 3)).shape
    (2, 3, 4)
    """
    return _over("irfftn", x, s, dim, norm, axes, "c2r", True)


def hfftn(
    x: ArrayLike, s: Sizes = None, dim: Axes = None, norm: str | None = None, *, axes: Axes = None
) -> Tensor:
    """The real Fourier transform of a Hermitian signal, given by its half, along several axes (all, or the last ones).

    The last axis of x is half a transform. ``s`` are the sizes there, -1 for that of x. OutOfRange (TN801) for an
    axis that is not there, ShapeError (TN802) for sizes below 1, for an axis named twice, and where sizes and axes
    are not equally many.

    >>> tn.fft.hfftn(tn.ones(2, 3, 3)).shape
    (2, 3, 4)
    """
    return _over("hfftn", x, s, dim, norm, axes, "c2r", False)


def ihfftn(
    x: ArrayLike, s: Sizes = None, dim: Axes = None, norm: str | None = None, *, axes: Axes = None
) -> Tensor:
    """The inverse of ``hfftn`` along several axes (all, or the last ones).

    Of the last axis the first half is kept. ``s`` are the sizes there, -1 for that of x. OutOfRange (TN801) for an
    axis that is not there, ShapeError (TN802) for sizes below 1, for an axis named twice, and where sizes and axes
    are not equally many, DTypeError (TN802) for complex numbers.

    >>> tn.fft.ihfftn(tn.ones(2, 3, 4)).shape
    (2, 3, 3)
    """
    return _over("ihfftn", x, s, dim, norm, axes, "r2c", True)
