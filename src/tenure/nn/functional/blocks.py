"""Windows as columns, and channels as blocks of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.errors import ShapeError
from tenure.nn.functional.convolution import Sizes, bounded, sizes_of
from tenure.ops import resampling
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import int_of
from tenure.values.trace.memo import remembered

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

UNFOLD = Operation("unfold", resampling.unfolded, "Im2ColBackward0")
FOLD = Operation("fold", resampling.folded, "Col2ImBackward0")
SHUFFLE = Operation("pixel_shuffle", resampling.shuffled, "PixelShuffleBackward0")
UNSHUFFLE = Operation("pixel_unshuffle", resampling.shuffled, "PixelUnshuffleBackward0")
INTERLEAVE = Operation("channel_shuffle", resampling.interleaved, "ChannelShuffleBackward0")
WINDOW = ("sizes", "steps", "widths", "gaps")


@remembered
def _window(
    name: str, kernel_size: Any, stride: Any, padding: Any, dilation: Any, shape: Any = None
) -> tuple[tuple[str, Any], ...]:
    """The parameters of windows; to fold them, with the shape of the image."""
    image = (sizes_of(name, "output_size", shape, 2),) if name == "fold" else ()
    sizes, steps = sizes_of(name, "kernel_size", kernel_size, 2), sizes_of(name, "stride", stride, 2)
    form = (sizes, steps, sizes_of(name, "padding", padding, 2, 0), sizes_of(name, "dilation", dilation, 2))
    return parameters(("shape", *WINDOW) if image else WINDOW, *image, *form)


def _each_or_one(fn: Operation, name: str, x: Any, ndim: int, params: Any) -> Tensor:
    """An operation on a batch of so many axes, or on one example without its axis."""
    if x.ndim not in (ndim - 1, ndim):
        raise ShapeError(f"{name}: an input of shape {list(x.shape)}, where {ndim - 1} or {ndim} axes are wanted")
    out = apply(fn, (x.unsqueeze(0) if x.ndim < ndim else x,), params)
    return out.squeeze(0) if x.ndim < ndim else out


def unfold(
    input: ArrayLike, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> Tensor:
    """The windows of an image as columns: (N, C, H, W) or (C, H, W) gives (N, C · KH · KW, windows).

    ShapeError (TN802) where no window fits.

    >>> F.unfold(tn.ones(1, 2, 4, 4), 3).shape
    (1, 18, 4)
    """
    x, params = value_of(input), _window("unfold", kernel_size, stride, padding, dilation)
    around = zip(x._aval.shape[-2:], dict(params)["widths"], strict=False)
    bounded("unfold", x._aval, [size + 2 * n for size, n in around])
    return _each_or_one(UNFOLD, "unfold", x, 4, params)


def fold(
    input: ArrayLike, output_size: Sizes, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0,
    stride: Sizes = 1,
) -> Tensor:  # fmt: skip
    """The image whose elements are sums over columns of windows: (N, C · KH · KW, windows) gives (N, C, H, W).

    It is the transpose of ``unfold``. ShapeError (TN802) unless there is a column for every window.

    >>> F.fold(tn.ones(1, 4, 4), (3, 3), 2)
    tensor([[[[1., 2., 1.],
              [2., 4., 2.],
              [1., 2., 1.]]]])
    """
    params = _window("fold", kernel_size, stride, padding, dilation, output_size)
    return _each_or_one(FOLD, "fold", value_of(input), 3, params)


def pixel_shuffle(input: ArrayLike, upscale_factor: int) -> Tensor:
    """Channels as blocks of r × r elements: (…, C r², H, W) gives (…, C, H r, W r).

    ShapeError (TN802) unless the channels are a multiple of r². Source: W. Shi et al., arXiv:1609.05158.

    >>> F.pixel_shuffle(tn.arange(4).reshape(1, 4, 1, 1), 2)
    tensor([[[[0, 1],
              [2, 3]]]])
    """
    x, r = _blocks("pixel_shuffle", "upscale_factor", input, upscale_factor)
    if x.shape[-3] % (r * r):
        raise ShapeError(f"pixel_shuffle: {x.shape[-3]} channels are no multiple of upscale_factor² = {r * r}")
    return apply(SHUFFLE, (x,), parameters(("factor", "back"), r, False))


def pixel_unshuffle(input: ArrayLike, downscale_factor: int) -> Tensor:
    """Blocks of r × r elements as channels, the inverse of ``pixel_shuffle``: (…, C, H r, W r) gives (…, C r², H, W).

    ShapeError (TN802) unless height and width are multiples of r.

    >>> F.pixel_unshuffle(tn.ones(1, 1, 4, 6), 2).shape
    (1, 4, 2, 3)
    """
    x, r = _blocks("pixel_unshuffle", "downscale_factor", input, downscale_factor)
    if x.shape[-2] % r or x.shape[-1] % r:
        raise ShapeError(f"pixel_unshuffle: an image of {list(x.shape[-2:])} in blocks of downscale_factor {r}")
    return apply(UNSHUFFLE, (x,), parameters(("factor", "back"), r, True))


def _blocks(name: str, argument: str, input: Any, factor: Any) -> tuple[Any, int]:
    x, r = value_of(input), int_of(factor, f"{name}: {argument}")
    if r < 1:
        raise ShapeError(f"{name}: {argument} is at least 1, not {r}")
    if x.ndim < 3:
        raise ShapeError(f"{name}: an input of shape {list(x.shape)}, where (…, C, H, W) is wanted")
    return x, r


def channel_shuffle(input: ArrayLike, groups: int) -> Tensor:
    """The channels of (N, C, …) in another order: the first of each group, then the second of each, and so on.

    ShapeError (TN802) unless the channels are a multiple of the groups. Source: X. Zhang et al., arXiv:1707.01083.

    >>> F.channel_shuffle(tn.arange(4).reshape(1, 4, 1), 2).flatten()
    tensor([0, 2, 1, 3])
    """
    x, count = value_of(input), int_of(groups, "channel_shuffle: groups")
    if x.ndim < 3 or count < 1 or x.shape[1] % count:
        raise ShapeError(f"channel_shuffle: an input of shape {list(x.shape)}, (N, C, …), in {count} groups")
    return apply(INTERLEAVE, (x,), parameters(("groups",), count))
