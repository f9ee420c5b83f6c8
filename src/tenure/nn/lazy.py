"""Lazy layers: those that take the size of their input from the first call.

Their parameters are ``UninitializedParameter`` until then. At the first call, or where a state_dict is loaded, these
become parameters, the same objects as before; after the first call the layer is of its ordinary class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from tenure.errors import ShapeError
from tenure.nn.convolution import (
    Conv1d,
    Conv2d,
    Conv3d,
    Convolution,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from tenure.nn.linear import Linear
from tenure.nn.module import Module
from tenure.nn.normalize import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
    Normalization,
)
from tenure.values.operations.reading import value_of
from tenure.values.places.uninitialized import Uninitialized, UninitializedBuffer, UninitializedParameter

if TYPE_CHECKING:
    from tenure.dtypes import DTypeLike
    from tenure.nn.functional.convolution import Sizes


class Lazy(Module):
    """Base of lazy layers, in front of their ordinary class ``cls_to_become``; its attribute ``sized`` is the size."""

    cls_to_become: ClassVar[type[Module]]
    sized: ClassVar[str]

    def _wait(self, *args: Any, **kwargs: Any) -> None:
        """Be a layer of no size, with places that wait for one."""
        start: Any = self.cls_to_become.__init__
        start(self, 0, *args, **kwargs)
        for name, p in self._parameters.copy().items():
            if p is not None:
                setattr(self, name, UninitializedParameter(dtype=value_of(p).dtype))
        for name, b in self._buffers.copy().items():
            if b is not None and b.ndim:
                setattr(self, name, UninitializedBuffer(dtype=value_of(b).dtype))

    def _places(self) -> dict[str, Any]:
        """The places that have the size, by name."""
        own = {**self._parameters, **self._buffers}
        return {name: p for name, p in own.items() if p is not None and name != "num_batches_tracked"}

    def _size(self, shape: tuple[int, ...]) -> int:
        """The size, from the shape of an input; ShapeError (TN802) for a shape that no input has."""
        raise NotImplementedError

    def _shape(self, name: str, size: int) -> tuple[int, ...]:
        """The shape of a place for a size."""
        raise NotImplementedError

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer has no shape so far."""
        return any(isinstance(place, Uninitialized) for place in self._places().values())

    def initialize_parameters(self, input: Any, *args: Any, **kwargs: Any) -> None:
        """Give the parameters their shapes, from an input, and their start; those that were loaded stay."""
        shape = value_of(input).shape
        size = self._size(shape)
        for name, place in self._places().items():
            if not isinstance(place, Uninitialized) and place.shape != self._shape(name, size):
                loaded = f"{name} has been loaded with shape {list(place.shape)}"
                raise ShapeError(f"{self._get_name()}: an input of shape {list(shape)}, and {loaded}")
        fresh = self.has_uninitialized_params()
        setattr(self, self.sized, size)
        for name, place in self._places().items():
            if isinstance(place, Uninitialized):
                place.materialize(self._shape(name, size))
        if fresh:
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start anew, once there is a size."""
        if getattr(self, self.sized, 0) and not self.has_uninitialized_params():
            super().reset_parameters()  # type: ignore[misc]

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The result of the ordinary layer, which this one is from now on."""
        self.initialize_parameters(*args, **kwargs)
        self.__class__ = self.cls_to_become  # type: ignore[assignment]
        return self.forward(*args, **kwargs)


MOST = 1 << 40
"""Features that no machine has memory for."""


class LazyLinear(Lazy, Linear):
    """``Linear`` that takes ``in_features`` from the last axis of its first input.

    >>> layer = nn.LazyLinear(4)
    >>> layer(tn.ones(2, 3)).shape, layer.weight.shape
    ((2, 4), (4, 3))
    """

    cls_to_become = Linear
    sized = "in_features"

    def __init__(
        self, out_features: int, bias: bool = True, device: str | None = None, dtype: DTypeLike | None = None
    ) -> None:
        if isinstance(out_features, int) and out_features > MOST:
            raise ValueError(f"LazyLinear: out_features is at most {MOST}, not {out_features}")
        self._wait(out_features, bias, device, dtype)

    def _size(self, shape: tuple[int, ...]) -> int:
        if not shape:
            raise ShapeError(f"{self._get_name()}: an input without axes has no features")
        return shape[-1]

    def _shape(self, name: str, size: int) -> tuple[int, ...]:
        return (self.out_features, size) if name == "weight" else (self.out_features,)


class _LazyConvolution(Lazy, Convolution):
    sized = "in_channels"

    def _size(self, shape: tuple[int, ...]) -> int:
        if len(shape) not in (self.axes + 1, self.axes + 2):
            axes = f"{self.axes + 1} axes or {self.axes + 2}"
            raise ShapeError(f"{self._get_name()}: an input of shape {list(shape)}, which has {axes}")
        size = shape[-self.axes - 1]
        if size % self.groups:
            raise ShapeError(f"{self._get_name()}: {size} channels are no multiple of {self.groups} groups")
        return size

    def _shape(self, name: str, size: int) -> tuple[int, ...]:
        if name == "bias":
            return (self.out_channels,)
        if self.transposed:
            return (size, self.out_channels // self.groups, *self.kernel_size)
        return (self.out_channels, size // self.groups, *self.kernel_size)


class _LazyPlain(_LazyConvolution):
    def __init__(
        self, out_channels: int, kernel_size: Sizes, stride: Sizes = 1, padding: Sizes | str = 0,
        dilation: Sizes = 1, groups: int = 1, bias: bool = True, padding_mode: str = "zeros",
        device: str | None = None, dtype: DTypeLike | None = None,
    ) -> None:  # fmt: skip
        form = (stride, padding, dilation, groups, bias, padding_mode, device, dtype)
        self._wait(out_channels, kernel_size, *form)


class _LazyTransposed(_LazyConvolution):
    def __init__(
        self, out_channels: int, kernel_size: Sizes, stride: Sizes = 1, padding: Sizes = 0, output_padding: Sizes = 0,
        groups: int = 1, bias: bool = True, dilation: Sizes = 1, padding_mode: str = "zeros",
        device: str | None = None, dtype: DTypeLike | None = None,
    ) -> None:  # fmt: skip
        form = (stride, padding, output_padding, groups, bias, dilation, padding_mode, device, dtype)
        self._wait(out_channels, kernel_size, *form)


class LazyConv1d(_LazyPlain, Conv1d):
    """``Conv1d`` that takes ``in_channels`` from the channels of its first input.

    >>> nn.LazyConv1d(4, 3)(tn.ones(1, 2, 5)).shape
    (1, 4, 3)
    """

    cls_to_become = Conv1d


class LazyConv2d(_LazyPlain, Conv2d):
    """``Conv2d`` that takes ``in_channels`` from the channels of its first input.

    >>> nn.LazyConv2d(4, 3)(tn.ones(1, 2, 5, 5)).shape
    (1, 4, 3, 3)
    """

    cls_to_become = Conv2d


class LazyConv3d(_LazyPlain, Conv3d):
    """``Conv3d`` that takes ``in_channels`` from the channels of its first input.

    >>> nn.LazyConv3d(4, 3)(tn.ones(1, 2, 5, 5, 5)).shape
    (1, 4, 3, 3, 3)
    """

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyTransposed, ConvTranspose1d):
    """``ConvTranspose1d`` that takes ``in_channels`` from the channels of its first input.

    >>> nn.LazyConvTranspose1d(4, 3)(tn.ones(1, 2, 5)).shape
    (1, 4, 7)
    """

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyTransposed, ConvTranspose2d):
    """``ConvTranspose2d`` that takes ``in_channels`` from the channels of its first input.

    >>> nn.LazyConvTranspose2d(4, 3)(tn.ones(1, 2, 5, 5)).shape
    (1, 4, 7, 7)
    """

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyTransposed, ConvTranspose3d):
    """``ConvTranspose3d`` that takes ``in_channels`` from the channels of its first input.

    >>> nn.LazyConvTranspose3d(4, 3)(tn.ones(1, 2, 5, 5, 5)).shape
    (1, 4, 7, 7, 7)
    """

    cls_to_become = ConvTranspose3d


class _LazyNormalization(Lazy, Normalization):
    sized = "num_features"

    def _size(self, shape: tuple[int, ...]) -> int:
        return shape[self.channel_axis(shape)]

    def _shape(self, name: str, size: int) -> tuple[int, ...]:
        return (size,)

    def __init__(
        self, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True, track_running_stats: bool = True,
        device: str | None = None, dtype: DTypeLike | None = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        self._wait(eps, momentum, affine, track_running_stats, device, dtype, bias=bias)


class LazyBatchNorm1d(_LazyNormalization, BatchNorm1d):
    """``BatchNorm1d`` that takes ``num_features`` from the channels of its first input.

    >>> nn.LazyBatchNorm1d()(tn.rand(2, 3, 4)).shape
    (2, 3, 4)
    """

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNormalization, BatchNorm2d):
    """``BatchNorm2d`` that takes ``num_features`` from the channels of its first input.

    >>> nn.LazyBatchNorm2d()(tn.rand(2, 3, 4, 4)).shape
    (2, 3, 4, 4)
    """

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNormalization, BatchNorm3d):
    """``BatchNorm3d`` that takes ``num_features`` from the channels of its first input.

    >>> nn.LazyBatchNorm3d()(tn.rand(2, 3, 4, 4, 4)).shape
    (2, 3, 4, 4, 4)
    """

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyNormalization, InstanceNorm1d):
    """``InstanceNorm1d`` that takes ``num_features`` from the channels of its first input.

    Unlike that, it has weights and running statistics unless told otherwise, as PyTorch's has.

    >>> nn.LazyInstanceNorm1d()(tn.rand(2, 3, 4)).shape
    (2, 3, 4)
    """

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNormalization, InstanceNorm2d):
    """``InstanceNorm2d`` that takes ``num_features`` from the channels of its first input.

    Unlike that, it has weights and running statistics unless told otherwise, as PyTorch's has.

    >>> nn.LazyInstanceNorm2d()(tn.rand(2, 3, 4, 4)).shape
    (2, 3, 4, 4)
    """

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNormalization, InstanceNorm3d):
    """``InstanceNorm3d`` that takes ``num_features`` from the channels of its first input.

    Unlike that, it has weights and running statistics unless told otherwise, as PyTorch's has.

    >>> nn.LazyInstanceNorm3d()(tn.rand(2, 3, 4, 4, 4)).shape
    (2, 3, 4, 4, 4)
    """

    cls_to_become = InstanceNorm3d
