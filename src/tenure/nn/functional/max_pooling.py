"""Pooling by the largest element of each window, and its inverse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from tenure.errors import ShapeError
from tenure.nn.functional.convolution import bounded, sizes_of
from tenure.nn.functional.pooling import Sizes, adaptive_spans, of_axes, regular_spans
from tenure.ops import pooling
from tenure.ops.pooling import Span
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply
from tenure.values.operations.reading import value_of
from tenure.values.rules.sites import at_users_line
from tenure.values.trace.given import flag, ints_of

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

LARGEST = Operation("max_pool", pooling.largest, "MaxPoolBackward0")
UNPOOLED = Operation("max_unpool", pooling.unpooled, "MaxUnpoolBackward0")


def _largest(x: Any, spans: tuple[Span, ...], return_indices: Any) -> Tensor | tuple[Tensor, Tensor]:
    found: Any = apply(LARGEST, (x,), parameters(("spans",), spans))
    return found if flag("return_indices", return_indices) else found[0]  # type: ignore[no-any-return]


@overload
def max_pool1d(
    input: ArrayLike, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1,
    ceil_mode: bool = False, return_indices: Literal[False] = False,
) -> Tensor: ...  # fmt: skip
@overload
def max_pool1d(
    input: ArrayLike, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1,
    ceil_mode: bool = False, *, return_indices: Literal[True],
) -> tuple[Tensor, Tensor]: ...  # fmt: skip
def max_pool1d(
    input: ArrayLike, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:  # fmt: skip
    """The largest element of each window over one axis; with ``return_indices`` their places too.

    Shapes: input (N, C, L) or (C, L); windows begin every ``stride`` elements (the window's size if None),
    ``ceil_mode`` lets the last one begin within and end behind. The gradient goes to the first of equal elements;
    NaN counts as the largest. ShapeError (TN802) where no window fits.

    >>> F.max_pool1d(tn.ones(1, 1, 4), 2).shape
    (1, 1, 2)
    """
    x = of_axes("max_pool1d", input, 1)
    spans = regular_spans("max_pool1d", x, 1, kernel_size, stride, padding, dilation, ceil_mode)
    return _largest(x, spans, return_indices)


@overload
def max_pool2d(
    input: ArrayLike, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1,
    ceil_mode: bool = False, return_indices: Literal[False] = False,
) -> Tensor: ...  # fmt: skip
@overload
def max_pool2d(
    input: ArrayLike, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1,
    ceil_mode: bool = False, *, return_indices: Literal[True],
) -> tuple[Tensor, Tensor]: ...  # fmt: skip
def max_pool2d(
    input: ArrayLike, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:  # fmt: skip
    """The largest element of each window over two axes; with ``return_indices`` their places too.

    Shapes: input (N, C, H, W) or (C, H, W); windows begin every ``stride`` elements (the window's size if None),
    ``ceil_mode`` lets the last one begin within and end behind. The gradient goes to the first of equal elements;
    NaN counts as the largest. ShapeError (TN802) where no window fits.

    >>> F.max_pool2d(tn.ones(1, 1, 4, 4), 2).shape
    (1, 1, 2, 2)
    """
    x = of_axes("max_pool2d", input, 2)
    spans = regular_spans("max_pool2d", x, 2, kernel_size, stride, padding, dilation, ceil_mode)
    return _largest(x, spans, return_indices)


@overload
def max_pool3d(
    input: ArrayLike, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1,
    ceil_mode: bool = False, return_indices: Literal[False] = False,
) -> Tensor: ...  # fmt: skip
@overload
def max_pool3d(
    input: ArrayLike, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1,
    ceil_mode: bool = False, *, return_indices: Literal[True],
) -> tuple[Tensor, Tensor]: ...  # fmt: skip
def max_pool3d(
    input: ArrayLike, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:  # fmt: skip
    """The largest element of each window over three axes; with ``return_indices`` their places too.

    Shapes: input (N, C, D, H, W) or (C, D, H, W); windows begin every ``stride`` elements (the window's size if
    None), ``ceil_mode`` lets the last one begin within and end behind. The gradient goes to the first of equal
    elements; NaN counts as the largest. ShapeError (TN802) where no window fits.

    >>> F.max_pool3d(tn.ones(1, 1, 4, 4, 4), 2).shape
    (1, 1, 2, 2, 2)
    """
    x = of_axes("max_pool3d", input, 3)
    spans = regular_spans("max_pool3d", x, 3, kernel_size, stride, padding, dilation, ceil_mode)
    return _largest(x, spans, return_indices)


@overload
def adaptive_max_pool1d(
    input: ArrayLike, output_size: Any, return_indices: Literal[False] = False,
) -> Tensor: ...  # fmt: skip
@overload
def adaptive_max_pool1d(
    input: ArrayLike, output_size: Any, *, return_indices: Literal[True],
) -> tuple[Tensor, Tensor]: ...  # fmt: skip
def adaptive_max_pool1d(
    input: ArrayLike, output_size: Any, return_indices: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """The largest element of each of so many windows, which divide one axis as evenly as they can.

    Shapes: input (N, C, L) or (C, L); None for a size keeps the input's. With ``return_indices`` a pair of these
    and their places. ShapeError (TN802) for a size below 1.

    >>> F.adaptive_max_pool1d(tn.ones(1, 1, 4), 2).shape
    (1, 1, 2)
    """
    x = of_axes("adaptive_max_pool1d", input, 1)
    return _largest(x, adaptive_spans("adaptive_max_pool1d", x, 1, output_size), return_indices)


def max_unpool1d(
    input: ArrayLike, indices: ArrayLike, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
    output_size: Any = None,
) -> Tensor:  # fmt: skip
    """Zeros but for the elements of a pooled input, each at its place, as ``max_pool1d`` gives these.

    Shapes: input (N, C, L) or (C, L), indices the same; the result has the size that the windows came from, or
    ``output_size``. OutOfRange (TN801) for a place outside.

    >>> y, places = F.max_pool1d(tn.ones(1, 1, 4), 2, return_indices=True)
    >>> F.max_unpool1d(y, places, 2).shape
    (1, 1, 4)
    """
    return _unpooled("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


@overload
def adaptive_max_pool2d(
    input: ArrayLike, output_size: Any, return_indices: Literal[False] = False,
) -> Tensor: ...  # fmt: skip
@overload
def adaptive_max_pool2d(
    input: ArrayLike, output_size: Any, *, return_indices: Literal[True],
) -> tuple[Tensor, Tensor]: ...  # fmt: skip
def adaptive_max_pool2d(
    input: ArrayLike, output_size: Any, return_indices: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """The largest element of each of so many windows, which divide two axes as evenly as they can.

    Shapes: input (N, C, H, W) or (C, H, W); None for a size keeps the input's. With ``return_indices`` a pair of
    these and their places. ShapeError (TN802) for a size below 1.

    >>> F.adaptive_max_pool2d(tn.ones(1, 1, 4, 4), 2).shape
    (1, 1, 2, 2)
    """
    x = of_axes("adaptive_max_pool2d", input, 2)
    return _largest(x, adaptive_spans("adaptive_max_pool2d", x, 2, output_size), return_indices)


def max_unpool2d(
    input: ArrayLike, indices: ArrayLike, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
    output_size: Any = None,
) -> Tensor:  # fmt: skip
    """Zeros but for the elements of a pooled input, each at its place, as ``max_pool2d`` gives these.

    Shapes: input (N, C, H, W) or (C, H, W), indices the same; the result has the size that the windows came from,
    or ``output_size``. OutOfRange (TN801) for a place outside.

    >>> y, places = F.max_pool2d(tn.ones(1, 1, 4, 4), 2, return_indices=True)
    >>> F.max_unpool2d(y, places, 2).shape
    (1, 1, 4, 4)
    """
    return _unpooled("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


@overload
def adaptive_max_pool3d(
    input: ArrayLike, output_size: Any, return_indices: Literal[False] = False,
) -> Tensor: ...  # fmt: skip
@overload
def adaptive_max_pool3d(
    input: ArrayLike, output_size: Any, *, return_indices: Literal[True],
) -> tuple[Tensor, Tensor]: ...  # fmt: skip
def adaptive_max_pool3d(
    input: ArrayLike, output_size: Any, return_indices: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """The largest element of each of so many windows, which divide three axes as evenly as they can.

    Shapes: input (N, C, D, H, W) or (C, D, H, W); None for a size keeps the input's. With ``return_indices`` a pair
    of these and their places. ShapeError (TN802) for a size below 1.

    >>> F.adaptive_max_pool3d(tn.ones(1, 1, 4, 4, 4), 2).shape
    (1, 1, 2, 2, 2)
    """
    x = of_axes("adaptive_max_pool3d", input, 3)
    return _largest(x, adaptive_spans("adaptive_max_pool3d", x, 3, output_size), return_indices)


def max_unpool3d(
    input: ArrayLike, indices: ArrayLike, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
    output_size: Any = None,
) -> Tensor:  # fmt: skip
    """Zeros but for the elements of a pooled input, each at its place, as ``max_pool3d`` gives these.

    Shapes: input (N, C, D, H, W) or (C, D, H, W), indices the same; the result has the size that the windows came
    from, or ``output_size``. OutOfRange (TN801) for a place outside.

    >>> y, places = F.max_pool3d(tn.ones(1, 1, 4, 4, 4), 2, return_indices=True)
    >>> F.max_unpool3d(y, places, 2).shape
    (1, 1, 4, 4, 4)
    """
    return _unpooled("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)


def _unpooled(
    name: str, n: int, input: ArrayLike, indices: ArrayLike, kernel: Sizes, stride: Any, padding: Sizes, output: Any
) -> Tensor:
    x, place = of_axes(name, input, n), value_of(indices)
    if place.shape != x.shape:
        raise ShapeError(f"{name}: indices of shape {list(place.shape)} for an input of shape {list(x.shape)}")
    size = sizes_of(name, "kernel_size", kernel, n)
    step = size if stride is None else sizes_of(name, "stride", stride, n)
    around = sizes_of(name, "padding", padding, n, 0)
    axes = zip(x.shape[x.ndim - n :], step, around, size, strict=True)
    shape = tuple([(count - 1) * s - 2 * p + k for count, s, p, k in axes])
    if output is not None:
        shape = sizes_of(name, "output_size", ints_of(output, f"{name}: output_size")[-n:], n, 0)
    bounded(name, x._aval, shape)
    return at_users_line(apply(UNPOOLED, (x, place.long()), parameters(("shape",), shape)))
