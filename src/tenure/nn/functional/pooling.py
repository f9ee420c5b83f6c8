"""Pooling by the average or a norm of the elements in each window."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from tenure.errors import DTypeError, ShapeError
from tenure.nn.functional.convolution import LARGEST, bounded, sizes_of
from tenure.ops import pooling
from tenure.ops.pooling import Span
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply
from tenure.values.operations.arithmetic import where
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import flag, int_of, number
from tenure.values.trace.memo import remembered

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

AVERAGES = Operation("avg_pool", pooling.averages, "AvgPoolBackward0")

Sizes = int | tuple[int, ...] | list[int]


def of_axes(name: str, input: ArrayLike, n: int) -> Any:
    """An input with one or two axes before the last n."""
    x = value_of(input)
    if x.ndim not in (n + 1, n + 2):
        raise ShapeError(f"{name}: an input of shape {list(x.shape)}: it has {n + 1} or {n + 2} axes, ([N,] C, …)")
    return x


def regular_spans(
    name: str, x: Any, n: int, kernel: Sizes, stride: Sizes | None, padding: Sizes, dilation: Sizes, ceil_mode: bool
) -> tuple[Span, ...]:
    """Windows of one size along each axis."""
    return _regular((name, n, x._aval), kernel, stride, padding, dilation, ceil_mode)  # type: ignore[no-any-return]


@remembered
def _regular(
    known: tuple[Any, ...], kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: Any
) -> tuple[Span, ...]:
    name, n, x = known
    size = sizes_of(name, "kernel_size", kernel, n)
    step = size if stride is None or (isinstance(stride, list) and not stride) else sizes_of(name, "stride", stride, n)
    gaps, around = sizes_of(name, "dilation", dilation, n), sizes_of(name, "padding", padding, n, 0)
    ceil = flag(f"{name}: ceil_mode", ceil_mode)
    bounded(name, x, [s + 2 * p + k for s, p, k in zip(x.shape[x.ndim - n :], around, size, strict=True)])
    axes = zip(x.shape[x.ndim - n :], size, step, gaps, around, strict=True)
    return tuple([pooling.regular(name, *axis, ceil) for axis in axes])


def adaptive_spans(name: str, x: Any, n: int, output_size: Any) -> tuple[Span, ...]:
    """Windows that divide each axis into so many; None keeps its size."""
    return _adaptive((name, n, x._aval), output_size)  # type: ignore[no-any-return]


@remembered
def _adaptive(known: tuple[Any, ...], output_size: Any) -> tuple[Span, ...]:
    name, n, x = known
    sizes = output_size if isinstance(output_size, tuple | list) else (output_size,) * n
    if len(sizes) != n:
        raise ShapeError(f"{name}: output_size has {len(sizes)} numbers, for {n} axes")
    spans = []
    for size, given in zip(x.shape[x.ndim - n :], sizes, strict=True):
        count = size if given is None else int_of(given, f"{name}: output_size")
        if count < 1 or size < 1:
            raise ShapeError(f"{name}: {count} windows of an axis of size {size}")
        if count >= LARGEST:
            raise ShapeError(f"{name}: output_size is less than {LARGEST}, not {count}")
        each = size // count
        spans.append(Span(count, each, each, 1, 0, 0, 0 if each * count == size else size))
    bounded(name, x, [span.number for span in spans])
    return tuple(spans)


def _averages(x: Any, spans: tuple[Span, ...], counted: Any = True, divisor: Any = None) -> Tensor:
    given = 0 if divisor is None else int_of(divisor, "avg_pool: divisor_override")
    if divisor is not None and given == 0:
        raise DTypeError("avg_pool: divisor_override is not 0")
    params = parameters(("spans", "counted", "divisor"), spans, flag("count_include_pad", counted), given)
    return apply(AVERAGES, (x,), params)


def _totals(x: Any, spans: tuple[Span, ...]) -> Tensor:
    """The sums of windows. One that hangs over the edge counts as a whole one of its average, as in PyTorch."""
    if not any(span.behind for span in spans):
        return _averages(x, spans, divisor=1)
    return _averages(x, spans) * prod(span.size for span in spans)


def _norm(name: str, n: int, input: ArrayLike, norm_type: float, kernel: Sizes, stride: Any, ceil_mode: bool) -> Tensor:
    x, p = of_axes(name, input, n), float(number(name, "norm_type", norm_type))
    if p <= 0:
        raise DTypeError(f"{name}: norm_type is positive, not {p}")
    spans = regular_spans(name, x, n, kernel, stride, 0, 1, ceil_mode)
    total = _totals(x**p, spans)
    none = total == 0  # of which the gradient is 0, as that of other norms
    return where(none, total, where(none, 1.0, total) ** (1.0 / p))


def avg_pool1d(
    input: ArrayLike, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:  # fmt: skip
    """The average of each window over one axis: its sum by the number of elements, padding counted or not.

    Shapes: input (N, C, L) or (C, L); windows begin every ``stride`` elements (the window's size if None).
    ShapeError (TN802) where no window fits.

    >>> F.avg_pool1d(tn.ones(1, 1, 4), 2).shape
    (1, 1, 2)
    """
    x = of_axes("avg_pool1d", input, 1)
    spans = regular_spans("avg_pool1d", x, 1, kernel_size, stride, padding, 1, ceil_mode)
    return _averages(x, spans, count_include_pad)


def avg_pool2d(
    input: ArrayLike, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """The average of each window over two axes: its sum by the number of elements, padding counted or not.

    Shapes: input (N, C, H, W) or (C, H, W); windows begin every ``stride`` elements (the window's size if None).
    ``divisor_override`` takes the place of the number. ShapeError (TN802) where no window fits.

    >>> F.avg_pool2d(tn.ones(1, 1, 4, 4), 2).shape
    (1, 1, 2, 2)
    """
    x = of_axes("avg_pool2d", input, 2)
    spans = regular_spans("avg_pool2d", x, 2, kernel_size, stride, padding, 1, ceil_mode)
    return _averages(x, spans, count_include_pad, divisor_override)


def avg_pool3d(
    input: ArrayLike, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """The average of each window over three axes: its sum by the number of elements, padding counted or not.

    Shapes: input (N, C, D, H, W) or (C, D, H, W); windows begin every ``stride`` elements (the window's size if
    None). ``divisor_override`` takes the place of the number. ShapeError (TN802) where no window fits.

    >>> F.avg_pool3d(tn.ones(1, 1, 4, 4, 4), 2).shape
    (1, 1, 2, 2, 2)
    """
    x = of_axes("avg_pool3d", input, 3)
    spans = regular_spans("avg_pool3d", x, 3, kernel_size, stride, padding, 1, ceil_mode)
    return _averages(x, spans, count_include_pad, divisor_override)


def adaptive_avg_pool1d(input: ArrayLike, output_size: Any) -> Tensor:
    """The average of each of so many windows, which divide one axis as evenly as they can.

    Shapes: input (N, C, L) or (C, L); None for a size keeps the input's. ShapeError (TN802) for a size below 1.

    >>> F.adaptive_avg_pool1d(tn.ones(1, 1, 4), 2).shape
    (1, 1, 2)
    """
    x = of_axes("adaptive_avg_pool1d", input, 1)
    return _averages(x, adaptive_spans("adaptive_avg_pool1d", x, 1, output_size))


def lp_pool1d(
    input: ArrayLike, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> Tensor:
    """The p-norm of each window over one axis, (Σ xᵖ)^(1/p).

    Shapes: input (N, C, L) or (C, L). ShapeError (TN802) where no window fits.

    >>> F.lp_pool1d(tn.ones(1, 1, 4), 2, 2).shape
    (1, 1, 2)
    """
    return _norm("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def adaptive_avg_pool2d(input: ArrayLike, output_size: Any) -> Tensor:
    """The average of each of so many windows, which divide two axes as evenly as they can.

    Shapes: input (N, C, H, W) or (C, H, W); None for a size keeps the input's. ShapeError (TN802) for a size below 1.

    >>> F.adaptive_avg_pool2d(tn.ones(1, 1, 4, 4), 2).shape
    (1, 1, 2, 2)
    """
    x = of_axes("adaptive_avg_pool2d", input, 2)
    return _averages(x, adaptive_spans("adaptive_avg_pool2d", x, 2, output_size))


def lp_pool2d(
    input: ArrayLike, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> Tensor:
    """The p-norm of each window over two axes, (Σ xᵖ)^(1/p).

    Shapes: input (N, C, H, W) or (C, H, W). ShapeError (TN802) where no window fits.

    >>> F.lp_pool2d(tn.ones(1, 1, 4, 4), 2, 2).shape
    (1, 1, 2, 2)
    """
    return _norm("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def adaptive_avg_pool3d(input: ArrayLike, output_size: Any) -> Tensor:
    """The average of each of so many windows, which divide three axes as evenly as they can.

    Shapes: input (N, C, D, H, W) or (C, D, H, W); None for a size keeps the input's. ShapeError (TN802) for a size
    below 1.

    >>> F.adaptive_avg_pool3d(tn.ones(1, 1, 4, 4, 4), 2).shape
    (1, 1, 2, 2, 2)
    """
    x = of_axes("adaptive_avg_pool3d", input, 3)
    return _averages(x, adaptive_spans("adaptive_avg_pool3d", x, 3, output_size))


def lp_pool3d(
    input: ArrayLike, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
) -> Tensor:
    """The p-norm of each window over three axes, (Σ xᵖ)^(1/p).

    Shapes: input (N, C, D, H, W) or (C, D, H, W). ShapeError (TN802) where no window fits.

    >>> F.lp_pool3d(tn.ones(1, 1, 4, 4, 4), 2, 2).shape
    (1, 1, 2, 2, 2)
    """
    return _norm("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)
