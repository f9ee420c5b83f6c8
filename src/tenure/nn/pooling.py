"""Pooling as layers. None owns anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from tenure.nn import functional
from tenure.nn.functional.convolution import Sizes, sizes_of
from tenure.nn.functional.fractional import checked_sizes
from tenure.nn.module import Module
from tenure.values.places.buffer import Buffer
from tenure.values.trace.given import flag

if TYPE_CHECKING:
    from tenure.values.tensor.typing import ArrayLike


class Arguments(Module):
    """Base of layers that are one function with arguments of their own."""

    function: ClassVar[str]
    shown: ClassVar[tuple[str, ...]]

    def arguments(self) -> dict[str, Any]:
        """The arguments of the function."""
        return {name: getattr(self, name) for name in self.shown}

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """The function of the inputs."""
        return getattr(functional, self.function)(*inputs, **named, **self.arguments())

    def extra_repr(self) -> str:
        """The arguments."""
        return ", ".join([f"{name}={value}" for name, value in self.arguments().items()])


class _MaxPool(Arguments):
    shown: ClassVar[tuple[str, ...]] = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")

    def __init__(
        self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1,
        return_indices: bool = False, ceil_mode: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def extra_repr(self) -> str:
        """The windows."""
        names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
        return ", ".join([f"{name}={getattr(self, name)}" for name in names])


class _AvgPool(Arguments):
    shown: ClassVar[tuple[str, ...]] = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")

    def __init__(
        self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.ceil_mode, self.count_include_pad = padding, ceil_mode, count_include_pad

    def extra_repr(self) -> str:
        """The windows."""
        return ", ".join([f"{name}={getattr(self, name)}" for name in ("kernel_size", "stride", "padding")])


class _AvgPoolBy(_AvgPool):
    shown: ClassVar[tuple[str, ...]] = (*_AvgPool.shown, "divisor_override")

    def __init__(
        self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        self.divisor_override = divisor_override


class _LPPool(Arguments):
    shown: ClassVar[tuple[str, ...]] = ("norm_type", "kernel_size", "stride", "ceil_mode")

    def __init__(
        self, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type, self.kernel_size = norm_type, kernel_size
        self.stride, self.ceil_mode = stride, ceil_mode


class _AdaptiveMaxPool(Arguments):
    shown: ClassVar[tuple[str, ...]] = ("output_size", "return_indices")

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size, self.return_indices = output_size, return_indices

    def extra_repr(self) -> str:
        """The number of windows."""
        return f"output_size={self.output_size}"


class _AdaptiveAvgPool(Arguments):
    shown: ClassVar[tuple[str, ...]] = ("output_size",)

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size


class _MaxUnpool(Arguments):
    shown: ClassVar[tuple[str, ...]] = ("kernel_size", "stride", "padding")
    axes: ClassVar[int]

    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        super().__init__()
        given = (kernel_size, kernel_size if stride is None else stride, padding)
        for name, sizes, least in zip(self.shown, given, (1, 1, 0), strict=True):
            setattr(self, name, sizes_of(type(self).__name__, name, sizes, self.axes, least))

    def forward(self, input: ArrayLike, indices: ArrayLike, output_size: Any = None) -> Any:
        """Zeros but for the input's elements, at their places."""
        return getattr(functional, self.function)(input, indices, output_size=output_size, **self.arguments())


class MaxPool1d(_MaxPool):
    """Largest element of each window over one axis; as ``functional.max_pool1d``.

    >>> nn.MaxPool1d(2)(tn.ones(1, 1, 4)).shape
    (1, 1, 2)
    """

    function = "max_pool1d"


class MaxPool2d(_MaxPool):
    """Largest element of each window over two axes; as ``functional.max_pool2d``.

    >>> nn.MaxPool2d(2)(tn.ones(1, 1, 4, 4)).shape
    (1, 1, 2, 2)
    """

    function = "max_pool2d"


class MaxPool3d(_MaxPool):
    """Largest element of each window over three axes; as ``functional.max_pool3d``.

    >>> nn.MaxPool3d(2)(tn.ones(1, 1, 4, 4, 4)).shape
    (1, 1, 2, 2, 2)
    """

    function = "max_pool3d"


class AvgPool1d(_AvgPool):
    """Average of each window over one axis; as ``functional.avg_pool1d``.

    >>> nn.AvgPool1d(2)(tn.ones(1, 1, 4)).shape
    (1, 1, 2)
    """

    function = "avg_pool1d"

    def __init__(
        self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        for name in ("kernel_size", "stride", "padding"):  # tuples, as PyTorch has them here alone
            size = getattr(self, name)
            setattr(self, name, (size,) if isinstance(size, int) else size)


class AvgPool2d(_AvgPoolBy):
    """Average of each window over two axes; as ``functional.avg_pool2d``.

    >>> nn.AvgPool2d(2)(tn.ones(1, 1, 4, 4)).shape
    (1, 1, 2, 2)
    """

    function = "avg_pool2d"


class AvgPool3d(_AvgPoolBy):
    """Average of each window over three axes; as ``functional.avg_pool3d``.

    >>> nn.AvgPool3d(2)(tn.ones(1, 1, 4, 4, 4)).shape
    (1, 1, 2, 2, 2)
    """

    function = "avg_pool3d"


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """Largest element of each of so many windows over one axis; as ``functional.adaptive_max_pool1d``.

    >>> nn.AdaptiveMaxPool1d(2)(tn.ones(1, 1, 4)).shape
    (1, 1, 2)
    """

    function = "adaptive_max_pool1d"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """Average of each of so many windows over one axis; as ``functional.adaptive_avg_pool1d``.

    >>> nn.AdaptiveAvgPool1d(2)(tn.ones(1, 1, 4)).shape
    (1, 1, 2)
    """

    function = "adaptive_avg_pool1d"


class LPPool1d(_LPPool):
    """Norm of each window over one axis; as ``functional.lp_pool1d``.

    >>> nn.LPPool1d(2, 2)(tn.ones(1, 1, 4)).shape
    (1, 1, 2)
    """

    function = "lp_pool1d"


class MaxUnpool1d(_MaxUnpool):
    """Pooled elements at their places over one axis; as ``functional.max_unpool1d``.

    >>> y, places = nn.MaxPool1d(2, return_indices=True)(tn.ones(1, 1, 4))
    >>> nn.MaxUnpool1d(2)(y, places).shape
    (1, 1, 4)
    """

    function, axes = "max_unpool1d", 1


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """Largest element of each of so many windows over two axes; as ``functional.adaptive_max_pool2d``.

    >>> nn.AdaptiveMaxPool2d(2)(tn.ones(1, 1, 4, 4)).shape
    (1, 1, 2, 2)
    """

    function = "adaptive_max_pool2d"


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """Average of each of so many windows over two axes; as ``functional.adaptive_avg_pool2d``.

    >>> nn.AdaptiveAvgPool2d(2)(tn.ones(1, 1, 4, 4)).shape
    (1, 1, 2, 2)
    """

    function = "adaptive_avg_pool2d"


class LPPool2d(_LPPool):
    """Norm of each window over two axes; as ``functional.lp_pool2d``.

    >>> nn.LPPool2d(2, 2)(tn.ones(1, 1, 4, 4)).shape
    (1, 1, 2, 2)
    """

    function = "lp_pool2d"


class MaxUnpool2d(_MaxUnpool):
    """Pooled elements at their places over two axes; as ``functional.max_unpool2d``.

    >>> y, places = nn.MaxPool2d(2, return_indices=True)(tn.ones(1, 1, 4, 4))
    >>> nn.MaxUnpool2d(2)(y, places).shape
    (1, 1, 4, 4)
    """

    function, axes = "max_unpool2d", 2


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """Largest element of each of so many windows over three axes; as ``functional.adaptive_max_pool3d``.

    >>> nn.AdaptiveMaxPool3d(2)(tn.ones(1, 1, 4, 4, 4)).shape
    (1, 1, 2, 2, 2)
    """

    function = "adaptive_max_pool3d"


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """Average of each of so many windows over three axes; as ``functional.adaptive_avg_pool3d``.

    >>> nn.AdaptiveAvgPool3d(2)(tn.ones(1, 1, 4, 4, 4)).shape
    (1, 1, 2, 2, 2)
    """

    function = "adaptive_avg_pool3d"


class LPPool3d(_LPPool):
    """Norm of each window over three axes; as ``functional.lp_pool3d``.

    >>> nn.LPPool3d(2, 2)(tn.ones(1, 1, 4, 4, 4)).shape
    (1, 1, 2, 2, 2)
    """

    function = "lp_pool3d"


class MaxUnpool3d(_MaxUnpool):
    """Pooled elements at their places over three axes; as ``functional.max_unpool3d``.

    >>> y, places = nn.MaxPool3d(2, return_indices=True)(tn.ones(1, 1, 4, 4, 4))
    >>> nn.MaxUnpool3d(2)(y, places).shape
    (1, 1, 4, 4, 4)
    """

    function, axes = "max_unpool3d", 3


class _FractionalMaxPool(Arguments):
    shown = ("kernel_size", "output_size", "output_ratio", "return_indices", "_random_samples")
    axes: ClassVar[int]

    def __init__(
        self, kernel_size: Sizes, output_size: Sizes | None = None,
        output_ratio: float | tuple[float, ...] | None = None, return_indices: bool = False,
        _random_samples: ArrayLike | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        name = type(self).__name__
        self.kernel_size = sizes_of(name, "kernel_size", kernel_size, self.axes)
        self.output_size, self.output_ratio = checked_sizes(name, self.axes, output_size, output_ratio)
        self.return_indices = flag(f"{name}: return_indices", return_indices)
        samples = None if _random_samples is None else Buffer(_random_samples, persistent=True)
        self.register_buffer("_random_samples", samples)

    def extra_repr(self) -> str:
        """Nothing, as in PyTorch."""
        return ""


class FractionalMaxPool2d(_FractionalMaxPool):
    """Layer of ``functional.fractional_max_pool2d``: the largest element of windows at random places over two axes.

    ``output_size`` or ``output_ratio`` says how many there are. Owns the buffer ``_random_samples`` (N, C, 2), or None.

    >>> nn.FractionalMaxPool2d(2, output_ratio=0.5)(tn.ones(1, 1, 6, 6)).shape
    (1, 1, 3, 3)
    """

    function, axes = "fractional_max_pool2d", 2


class FractionalMaxPool3d(_FractionalMaxPool):
    """Layer of ``functional.fractional_max_pool3d``: the largest element of windows at random places over three axes.

    >>> nn.FractionalMaxPool3d(2, output_size=3)(tn.ones(1, 1, 6, 6, 6)).shape
    (1, 1, 3, 3, 3)
    """

    function, axes = "fractional_max_pool3d", 3
