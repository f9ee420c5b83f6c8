"""Convolutions, and their transposed forms."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import TYPE_CHECKING, Any

from tenure.errors import DTypeError, ShapeError, shown
from tenure.ops import convolution
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import MOST_BYTES, int_of
from tenure.values.trace.memo import remembered

if TYPE_CHECKING:
    from tenure.ir.aval import Aval
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

CONVOLUTION = Operation("convolution", convolution.convolution, "ConvolutionBackward0")
TRANSPOSED = Operation("convolution", convolution.transposed, "ConvolutionBackward0")

Sizes = int | tuple[int, ...] | list[int]

LARGEST = 1 << 31
"""A number that no argument of a window reaches."""


def sizes_of(name: str, argument: str, given: Any, n: int, least: int = 1) -> tuple[int, ...]:
    """An argument as one int for each of n axes."""
    found = given if isinstance(given, tuple | list) else (given,) * n
    if len(found) == 1:
        found = (found[0],) * n
    if len(found) != n:
        raise ShapeError(f"{name}: {argument} {shown(given)} has {len(found)} numbers, for {n} axes")
    sizes = tuple([int_of(k, f"{name}: {argument}") for k in found])
    if min(sizes, default=least) < least:
        raise ShapeError(f"{name}: {argument} is at least {least}, not {shown(given)}")
    if max(sizes, default=0) >= LARGEST:
        raise ShapeError(f"{name}: {argument} is less than {LARGEST}, not {shown(given)}")
    return sizes


def bounded(name: str, aval: Aval, sizes: Iterable[int]) -> None:
    """ShapeError (TN802) where the last axes would have sizes for which there is no memory."""
    shape = tuple(sizes)
    lead = aval.shape[: len(aval.shape) - len(shape)]
    if prod(lead) * prod(shape) * aval.dtype.itemsize > MOST_BYTES:
        raise ShapeError(f"{name}: {[*lead, *shape]} is a shape for which there is no memory")


def widths_of(
    name: str, padding: Any, window: tuple[int, ...], steps: tuple[int, ...], gaps: tuple[int, ...]
) -> tuple[tuple[int, int], ...]:
    """The padding before and behind each axis: "valid" is none, "same" what keeps sizes."""
    if isinstance(padding, str):
        if padding not in ("valid", "same"):
            raise DTypeError(f"{name}: padding is a number, 'valid' or 'same', not {shown(padding)}")
        if padding == "same" and max(steps, default=1) > 1:
            raise ShapeError(f"{name}: padding='same' goes with stride=1, not {list(steps)}")
        total = [gap * (k - 1) if padding == "same" else 0 for k, gap in zip(window, gaps, strict=True)]
        return tuple([(n // 2, n - n // 2) for n in total])
    return tuple([(n, n) for n in sizes_of(name, "padding", padding, len(window), 0)])


@remembered
def _form(known: tuple[Any, ...], stride: Any, padding: Any, dilation: Any, groups: Any) -> tuple[tuple[str, Any], ...]:
    """The parameters of a convolution."""
    name, n, x, w = known
    steps, gaps = sizes_of(name, "stride", stride, n), sizes_of(name, "dilation", dilation, n)
    widths = widths_of(name, padding, (w.shape[2:] + (1,) * n)[:n], steps, gaps)
    bounded(name, x, [size + lo + hi for size, (lo, hi) in zip(x.shape[-n:], widths, strict=False)])
    form = (steps, widths, gaps, _groups(name, groups), name)
    return parameters(("steps", "widths", "gaps", "groups", "name"), *form)


def _convolved(
    name: str, n: int, input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None, stride: Sizes,
    padding: Sizes | str, dilation: Sizes, groups: int,
) -> Tensor:  # fmt: skip
    x, w = value_of(input), value_of(weight)
    params = _form((name, n, x._aval, w._aval), stride, padding, dilation, groups)
    return _each_or_one(CONVOLUTION, n, x, w, bias, params)


def _each_or_one(fn: Operation, n: int, x: Tensor, w: Tensor, bias: ArrayLike | None, params: Any) -> Tensor:
    """An operation on a batch, or on one example without its axis."""
    weights = (w,) if bias is None else (w, value_of(bias))
    if len(x._aval.shape) == n + 1:
        return apply(fn, (x.unsqueeze(0), *weights), params).squeeze(0)
    return apply(fn, (x, *weights), params)


def _groups(name: str, groups: Any) -> int:
    count = int_of(groups, f"{name}: groups")
    if count < 1:
        raise ShapeError(f"{name}: groups is at least 1, not {count}")
    return count


@remembered
def _spread_form(
    known: tuple[Any, ...], stride: Any, padding: Any, output_padding: Any, groups: Any, dilation: Any
) -> tuple[tuple[str, Any], ...]:
    """The parameters of a transposed convolution."""
    name, n, x, w = known
    steps, gaps = sizes_of(name, "stride", stride, n), sizes_of(name, "dilation", dilation, n)
    widths = tuple([(k, k) for k in sizes_of(name, "padding", padding, n, 0)])
    more = sizes_of(name, "output_padding", output_padding, n, 0)
    if any(k >= max(step, gap) for k, step, gap in zip(more, steps, gaps, strict=True)):
        raise ShapeError(f"{name}: output_padding {list(more)} is smaller than the stride or the dilation")
    axes = zip(x.shape[-n:], steps, gaps, (w.shape[2:] + (1,) * n)[:n], more, strict=False)
    bounded(name, x, [size * step + gap * k + extra for size, step, gap, k, extra in axes])
    names = ("steps", "widths", "more", "gaps", "groups", "name")
    return parameters(names, steps, widths, more, gaps, _groups(name, groups), name)


def _spread(
    name: str, n: int, input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None, stride: Sizes, padding: Sizes,
    output_padding: Sizes, groups: int, dilation: Sizes,
) -> Tensor:  # fmt: skip
    x, w = value_of(input), value_of(weight)
    params = _spread_form((name, n, x._aval, w._aval), stride, padding, output_padding, groups, dilation)
    return _each_or_one(TRANSPOSED, n, x, w, bias, params)


def conv1d(
    input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None, stride: Sizes = 1, padding: Sizes | str = 0,
    dilation: Sizes = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Convolution over one axis: sums over windows of the input times the weights.

    Shapes: input (N, C, L) or (C, L), weight (out, C / groups, K), bias (out,); the result has (N, out, M) with
    M = ⌊(L + 2 · padding - dilation · (K - 1) - 1) / stride⌋ + 1. ShapeError (TN802) where they do not fit.

    >>> F.conv1d(tn.tensor([[[1.0, 2.0, 4.0]]]), tn.tensor([[[1.0, -1.0]]]))
    tensor([[[-1., -2.]]])
    """
    return _convolved("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None, stride: Sizes = 1, padding: Sizes | str = 0,
    dilation: Sizes = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Convolution over two axes, as ``conv1d``: input (N, C, H, W) or (C, H, W), weight (out, C / groups, KH, KW).

    Windows of 3 × 3 without steps are computed in tiles of 2 × 2 results: exact on small whole numbers, else off by
    some 3 · 10⁻⁷ of the size of the results (float32), so that a window of zeros beside other numbers may give 10⁻⁸.
    Infinity and NaN reach the results that read them alone. ShapeError (TN802) where shapes do not fit.

    >>> F.conv2d(tn.ones(1, 1, 3, 3), tn.ones(1, 1, 2, 2), padding="same").shape
    (1, 1, 3, 3)
    """
    return _convolved("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None, stride: Sizes = 1, padding: Sizes | str = 0,
    dilation: Sizes = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Convolution over three axes, as ``conv1d``: input (N, C, D, H, W) or (C, D, H, W).

    ShapeError (TN802) where they do not fit.

    >>> F.conv3d(tn.ones(1, 2, 3, 3, 3), tn.ones(4, 2, 2, 2, 2)).shape
    (1, 4, 2, 2, 2)
    """
    return _convolved("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None, stride: Sizes = 1, padding: Sizes = 0,
    output_padding: Sizes = 0, groups: int = 1, dilation: Sizes = 1,
) -> Tensor:  # fmt: skip
    """Transposed convolution over one axis: each element of the input spread over a window, times the weights.

    Shapes: input (N, C, L) or (C, L), weight (C, out / groups, K), bias (out,); the result has (N, out, M) with
    M = (L - 1) · stride - 2 · padding + dilation · (K - 1) + output_padding + 1. ShapeError (TN802) where they do not
    fit.

    >>> F.conv_transpose1d(tn.tensor([[[1.0, 2.0]]]), tn.tensor([[[1.0, 10.0]]]))
    tensor([[[ 1., 12., 20.]]])
    """
    return _spread("conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None, stride: Sizes = 1, padding: Sizes = 0,
    output_padding: Sizes = 0, groups: int = 1, dilation: Sizes = 1,
) -> Tensor:  # fmt: skip
    """Transposed convolution over two axes, as ``conv_transpose1d``: input (N, C, H, W) or (C, H, W).

    ShapeError (TN802) where shapes do not fit.

    >>> F.conv_transpose2d(tn.ones(1, 1, 2, 2), tn.ones(1, 1, 2, 2), stride=2).shape
    (1, 1, 4, 4)
    """
    return _spread("conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None, stride: Sizes = 1, padding: Sizes = 0,
    output_padding: Sizes = 0, groups: int = 1, dilation: Sizes = 1,
) -> Tensor:  # fmt: skip
    """Transposed convolution over three axes, as ``conv_transpose1d``: input (N, C, D, H, W) or (C, D, H, W).

    ShapeError (TN802) where shapes do not fit.

    >>> F.conv_transpose3d(tn.ones(1, 2, 2, 2, 2), tn.ones(2, 3, 2, 2, 2)).shape
    (1, 3, 3, 3, 3)
    """
    return _spread("conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups, dilation)
