"""Images in another size, windows and blocks, as layers. None owns anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from tenure.nn.functional.convolution import Sizes
from tenure.nn.pooling import Arguments

if TYPE_CHECKING:
    Factors = float | tuple[float, ...]


def _floats(factors: Any) -> Any:
    """Factors with floats for whole numbers, as PyTorch shows them."""
    if isinstance(factors, tuple | list):
        return tuple([_floats(f) for f in factors])
    return float(factors) if type(factors) is int else factors


class Upsample(Arguments):
    """The input (N, C, …) in another size; see ``functional.interpolate``.

    >>> nn.Upsample(scale_factor=2)(tn.ones(1, 1, 2, 3)).shape
    (1, 1, 4, 6)
    """

    function = "interpolate"
    shown = ("size", "scale_factor", "mode", "align_corners", "recompute_scale_factor")

    def __init__(
        self, size: Sizes | None = None, scale_factor: Factors | None = None, mode: str = "nearest",
        align_corners: bool | None = None, recompute_scale_factor: bool | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.size, self.scale_factor, self.mode = size, _floats(scale_factor), mode
        self.align_corners, self.recompute_scale_factor = align_corners, recompute_scale_factor

    def extra_repr(self) -> str:
        """The size or the factor, and the mode."""
        given = f"scale_factor={self.scale_factor}" if self.size is None else f"size={self.size}"
        return f"{given}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """The image (N, C, H, W) in another size, by nearest elements; see ``functional.interpolate``.

    >>> nn.UpsamplingNearest2d(size=4)(tn.ones(1, 1, 2, 2)).shape
    (1, 1, 4, 4)
    """

    def __init__(self, size: Sizes | None = None, scale_factor: Factors | None = None) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """The image (N, C, H, W) in another size, bilinear with aligned corners; see ``functional.interpolate``.

    >>> nn.UpsamplingBilinear2d(scale_factor=2)(tn.ones(1, 1, 2, 2)).shape
    (1, 1, 4, 4)
    """

    def __init__(self, size: Sizes | None = None, scale_factor: Factors | None = None) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)


class PixelShuffle(Arguments):
    """Channels as blocks of elements, (…, C r², H, W) to (…, C, H r, W r); see ``functional.pixel_shuffle``.

    >>> nn.PixelShuffle(2)(tn.ones(1, 4, 2, 3)).shape
    (1, 1, 4, 6)
    """

    function = "pixel_shuffle"
    shown = ("upscale_factor",)

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor


class PixelUnshuffle(Arguments):
    """Blocks of elements as channels, the inverse of ``PixelShuffle``; see ``functional.pixel_unshuffle``.

    >>> nn.PixelUnshuffle(2)(tn.ones(1, 1, 4, 6)).shape
    (1, 4, 2, 3)
    """

    function = "pixel_unshuffle"
    shown = ("downscale_factor",)

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor


class ChannelShuffle(Arguments):
    """The channels of groups one by one in turn; see ``functional.channel_shuffle``.

    >>> nn.ChannelShuffle(2)(tn.arange(4).reshape(1, 4, 1)).flatten()
    tensor([0, 2, 1, 3])
    """

    function = "channel_shuffle"
    shown = ("groups",)

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups


class Unfold(Arguments):
    """The windows of an image as columns; see ``functional.unfold``.

    >>> nn.Unfold(3)(tn.ones(1, 2, 4, 4)).shape
    (1, 18, 4)
    """

    function = "unfold"
    shown: ClassVar[tuple[str, ...]] = ("kernel_size", "dilation", "padding", "stride")

    def __init__(self, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1) -> None:
        super().__init__()
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride


class Fold(Unfold):
    """The image whose elements are sums over columns of windows; see ``functional.fold``.

    >>> nn.Fold((4, 4), 3)(tn.ones(1, 18, 4)).shape
    (1, 2, 4, 4)
    """

    function = "fold"
    shown = ("output_size", *Unfold.shown)

    def __init__(
        self, output_size: Sizes, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
    ) -> None:
        super().__init__(kernel_size, dilation, padding, stride)
        self.output_size = output_size
