"""Convolutions, and their transposed forms, as layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from tenure.dtypes import DTypeLike
from tenure.errors import DTypeError, ShapeError, shown
from tenure.nn import functional, init
from tenure.nn.functional.convolution import Sizes, sizes_of, widths_of
from tenure.nn.module import Module
from tenure.values.operations.creation import check_device
from tenure.values.operations.factories import zeros
from tenure.values.operations.reading import value_of
from tenure.values.places.parameter import Parameter

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}
"""Modes of padding, by PyTorch's names for them here."""


class Convolution(Module):
    """Base of convolution layers over ``axes`` axes.

    Owns ``weight`` (out, in / groups, *kernel_size), in the transposed form (in, out / groups, *kernel_size), and
    ``bias`` (out,) or None; both start uniform within ± 1 / √(in / groups · window), as PyTorch's do.
    """

    axes: ClassVar[int]
    transposed: ClassVar[bool] = False
    weight: Parameter
    bias: Parameter | None

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes, padding: Sizes | str,
        dilation: Sizes, groups: int, bias: bool, padding_mode: str, output_padding: Sizes, dtype: DTypeLike | None,
    ) -> None:  # fmt: skip
        super().__init__()
        name, n = type(self).__name__, self.axes
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ShapeError(f"{name}: {in_channels} and {out_channels} channels are no multiples of {groups} groups")
        if padding_mode not in MODES or (self.transposed and padding_mode != "zeros"):
            known = ["zeros"] if self.transposed else list(MODES)
            raise DTypeError(f"{name}: padding_mode is one of {known}, not {shown(padding_mode)}")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = sizes_of(name, "kernel_size", kernel_size, n)
        self.stride, self.dilation = sizes_of(name, "stride", stride, n), sizes_of(name, "dilation", dilation, n)
        widths = widths_of(name, padding, self.kernel_size, self.stride, self.dilation)
        self.padding = padding if isinstance(padding, str) else tuple([lo for lo, _ in widths])
        self.output_padding = sizes_of(name, "output_padding", output_padding, n, 0)
        self.padding_mode = padding_mode
        pair = (in_channels, out_channels // groups) if self.transposed else (out_channels, in_channels // groups)
        self.weight = Parameter(zeros((*pair, *self.kernel_size), dtype=dtype))
        if bias:
            self.bias = Parameter(zeros(out_channels, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan = init.fans(self.weight)[0]
            bound = 1 / math.sqrt(fan) if fan else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: ArrayLike) -> Tensor:
        """The convolution of an input (N, in, …) or (in, …)."""
        function: Any = getattr(functional, f"conv{self.axes}d")
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            widths = widths_of("conv", padding, self.kernel_size, self.stride, self.dilation)
            around = [n for pair in reversed(widths) for n in pair]
            input, padding = functional.pad(input, around, MODES[self.padding_mode]), 0
        return function(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        """The channels, the window and what differs from the defaults."""
        ones, none = (1,) * self.axes, (0,) * self.axes
        said = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        said += "" if self.padding == none else f", padding={self.padding}"
        said += "" if self.dilation == ones else f", dilation={self.dilation}"
        said += "" if self.output_padding == none else f", output_padding={self.output_padding}"
        said += "" if self.groups == 1 else f", groups={self.groups}"
        said += "" if self.bias is not None else ", bias=False"
        return said if self.padding_mode == "zeros" else f"{said}, padding_mode={self.padding_mode}"


class _Plain(Convolution):
    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes = 1, padding: Sizes | str = 0,
        dilation: Sizes = 1, groups: int = 1, bias: bool = True, padding_mode: str = "zeros",
        device: str | None = None, dtype: DTypeLike | None = None,
    ) -> None:  # fmt: skip
        check_device(device)
        form = (kernel_size, stride, padding, dilation, groups, bias, padding_mode, 0, dtype)
        super().__init__(in_channels, out_channels, *form)


class _Transposed(Convolution):
    transposed = True

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes = 1, padding: Sizes = 0,
        output_padding: Sizes = 0, groups: int = 1, bias: bool = True, dilation: Sizes = 1,
        padding_mode: str = "zeros", device: str | None = None, dtype: DTypeLike | None = None,
    ) -> None:  # fmt: skip
        check_device(device)
        form = (kernel_size, stride, padding, dilation, groups, bias, padding_mode, output_padding, dtype)
        super().__init__(in_channels, out_channels, *form)

    def forward(self, input: ArrayLike, output_size: Any = None) -> Tensor:
        """The transposed convolution of an input (N, in, …) or (in, …); ``output_size`` is the result's."""
        function: Any = getattr(functional, f"conv_transpose{self.axes}d")
        more = self.output_padding if output_size is None else self._missing(value_of(input), output_size)
        form = (self.stride, self.padding, more, self.groups, self.dilation)
        return function(input, self.weight, self.bias, *form)  # type: ignore[no-any-return]

    def _missing(self, x: Tensor, output_size: Any) -> tuple[int, ...]:
        """The padding of the result by which it has a size."""
        assert not isinstance(self.padding, str)
        wanted, shape = tuple(output_size)[-self.axes :], x.shape[-self.axes :]
        axes = zip(shape, self.stride, self.padding, self.dilation, self.kernel_size, strict=True)
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in axes]
        more = tuple([w - n for w, n in zip(wanted, least, strict=True)])
        if any(not 0 <= m < s for m, s in zip(more, self.stride, strict=True)):
            most = [n + s - 1 for n, s in zip(least, self.stride, strict=True)]
            raise ShapeError(f"output_size {list(wanted)}: sizes are from {least} to {most}")
        return more


class Conv1d(_Plain):
    """Convolution over one axis: (N, in, L) to (N, out, M); as ``functional.conv1d``.

    Owns ``weight`` (out, in / groups, K) and ``bias`` (out,) or None.

    >>> nn.Conv1d(2, 4, 3)(tn.ones(1, 2, 8)).shape
    (1, 4, 6)
    """

    axes = 1


class Conv2d(_Plain):
    """Convolution over two axes: (N, in, H, W) to (N, out, H', W'); as ``functional.conv2d``.

    Owns ``weight`` (out, in / groups, KH, KW) and ``bias`` (out,) or None.

    >>> nn.Conv2d(3, 8, 3, padding=1)(tn.ones(1, 3, 5, 5)).shape
    (1, 8, 5, 5)
    """

    axes = 2


class Conv3d(_Plain):
    """Convolution over three axes: (N, in, D, H, W); as ``functional.conv3d``.

    Owns ``weight`` (out, in / groups, KD, KH, KW) and ``bias`` (out,) or None.

    >>> nn.Conv3d(1, 2, 2)(tn.ones(1, 1, 3, 3, 3)).shape
    (1, 2, 2, 2, 2)
    """

    axes = 3


class ConvTranspose1d(_Transposed):
    """Transposed convolution over one axis; as ``functional.conv_transpose1d``.

    Owns ``weight`` (in, out / groups, K) and ``bias`` (out,) or None.

    >>> nn.ConvTranspose1d(2, 4, 3, stride=2)(tn.ones(1, 2, 8)).shape
    (1, 4, 17)
    """

    axes = 1


class ConvTranspose2d(_Transposed):
    """Transposed convolution over two axes; as ``functional.conv_transpose2d``.

    Owns ``weight`` (in, out / groups, KH, KW) and ``bias`` (out,) or None.

    >>> nn.ConvTranspose2d(2, 4, 2, stride=2)(tn.ones(1, 2, 3, 3)).shape
    (1, 4, 6, 6)
    """

    axes = 2


class ConvTranspose3d(_Transposed):
    """Transposed convolution over three axes; as ``functional.conv_transpose3d``.

    Owns ``weight`` (in, out / groups, KD, KH, KW) and ``bias`` (out,) or None.

    >>> nn.ConvTranspose3d(1, 1, 2)(tn.ones(1, 1, 2, 2, 2)).shape
    (1, 1, 3, 3, 3)
    """

    axes = 3
