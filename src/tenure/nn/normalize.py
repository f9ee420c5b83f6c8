"""Normalization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from tenure.dtypes import DTypeLike
from tenure.errors import ShapeError
from tenure.nn import functional, init
from tenure.nn.module import Module
from tenure.values.operations.creation import check_device, tensor
from tenure.values.operations.factories import ones, zeros
from tenure.values.places.parameter import Parameter
from tenure.values.rules.guard import own_lock

if TYPE_CHECKING:
    from tenure.values.places.var import Var
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


COUNTING = own_lock()
"""Held from the count of a batch to the write of the mean over all batches, which is weighed by it."""


class Scaled(Module):
    """Base of layers that scale and shift what they have normalized: weight starts at 1, bias at 0."""

    weight: Parameter | None
    bias: Parameter | None

    def reset_parameters(self) -> None:
        """Start anew."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


class LayerNorm(Scaled):
    """Layer normalization: mean 0 and variance 1 over the last axes, then scaled and shifted.

    The sizes of those axes are ``normalized_shape``.

    Owns ``weight`` (starts at 1) and ``bias`` (at 0) of that shape, or None. See ``functional.layer_norm``.

    >>> nn.LayerNorm(2)(tn.tensor([[1.0, 3.0]])).detach()
    tensor([[-1.0000,  1.0000]])
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        check_device(device)
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape = shape
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.register_parameter("weight", Parameter(ones(shape, dtype=dtype)) if elementwise_affine else None)
        self.register_parameter(
            "bias", Parameter(zeros(shape, dtype=dtype)) if elementwise_affine and bias else None
        )

    def forward(self, input: ArrayLike) -> Tensor:
        """The normalized input, in its shape, which ends in ``normalized_shape``."""
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Shape and options."""
        bias = f", bias={self.bias is not None}"
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}{bias}"


class Normalization(Scaled):
    """Base of batch and instance normalization: each channel by statistics of the batch, or by running ones.

    Owns ``weight`` (starts at 1) and ``bias`` (at 0) of shape (num_features,), or None; and the buffers
    ``running_mean``, ``running_var`` and ``num_batches_tracked``, which training writes, unless
    ``track_running_stats`` is False. ``momentum`` None takes the mean over all batches. See ``functional.batch_norm``.
    """

    running_mean: Var | None
    running_var: Var | None
    num_batches_tracked: Var | None
    dims: tuple[int, ...] = ()
    _version = 2
    since: ClassVar[dict[str, int]] = {"num_batches_tracked": 2}
    """Names of the state by the version that has them first: a file of an older one may be loaded."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: str | None = None,
        dtype: DTypeLike | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_device(device)
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self.register_parameter("weight", Parameter(ones(num_features, dtype=dtype)) if affine else None)
        self.register_parameter("bias", Parameter(zeros(num_features, dtype=dtype)) if affine and bias else None)
        self.register_buffer("running_mean", zeros(num_features, dtype=dtype) if track_running_stats else None)
        self.register_buffer("running_var", ones(num_features, dtype=dtype) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", tensor(0) if track_running_stats else None)

    def reset_running_stats(self) -> None:
        """Start the statistics anew."""
        for buffer, start in ((self.running_mean, 0), (self.running_var, 1), (self.num_batches_tracked, 0)):
            if buffer is not None:
                buffer.fill_(start)

    def reset_parameters(self) -> None:
        """Start anew."""
        self.reset_running_stats()
        super().reset_parameters()

    def channel_axis(self, shape: tuple[int, ...]) -> int:
        """The axis of the channels; ShapeError (TN802) for a shape that no input has."""
        if len(shape) not in self.dims:
            raise ShapeError(f"{self} of an input of shape {list(shape)}")
        return 1

    def forward(self, input: Tensor) -> Tensor:
        """The normalized input (batch, num_features, …), in its shape; ShapeError (TN802) for another."""
        shape = input.shape
        if shape[self.channel_axis(shape)] != self.num_features:
            raise ShapeError(f"{self} of an input of shape {list(shape)}")
        writes = self.training and self.track_running_stats
        if writes and self.momentum is None and self.num_batches_tracked is not None:
            with COUNTING:
                self.num_batches_tracked.add_(1)
                return self._normalized(input, writes, 1.0 / self.num_batches_tracked.item())
        if writes and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        return self._normalized(input, writes, self.momentum or 0.0)

    def _normalized(self, input: Tensor, writes: bool, momentum: float) -> Tensor:
        mean, var = (self.running_mean, self.running_var) if writes or not self.training else (None, None)
        training = self.training or not self.track_running_stats
        return functional.batch_norm(input, mean, var, self.weight, self.bias, training, momentum, self.eps)

    def extra_repr(self) -> str:
        """Size and options."""
        options = f"momentum={self.momentum}, affine={self.affine}, bias={self.bias is not None}"
        return f"{self.num_features}, eps={self.eps}, {options}, track_running_stats={self.track_running_stats}"


class BatchNorm1d(Normalization):
    """Batch normalization of inputs (batch, channels) or (batch, channels, length); see ``functional.batch_norm``.

    >>> nn.BatchNorm1d(1)(tn.tensor([[1.0], [3.0]])).detach()
    tensor([[-1.0000],
            [ 1.0000]])
    """

    dims = (2, 3)


class BatchNorm2d(Normalization):
    """Batch normalization of inputs (batch, channels, height, width); see ``functional.batch_norm``.

    >>> nn.BatchNorm2d(3)(tn.rand(2, 3, 4, 4)).shape
    (2, 3, 4, 4)
    """

    dims = (4,)


class BatchNorm3d(Normalization):
    """Batch normalization of inputs (batch, channels, depth, height, width); see ``functional.batch_norm``.

    >>> nn.BatchNorm3d(3)(tn.rand(2, 3, 2, 2, 2)).shape
    (2, 3, 2, 2, 2)
    """

    dims = (5,)


class _InstanceNorm(Normalization):
    """Instance normalization: each channel of each example by its own statistics.

    Owns what ``Normalization`` does; by default there is no weight, no bias and no running statistics. See
    ``functional.instance_norm``.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: str | None = None,
        dtype: DTypeLike | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def channel_axis(self, shape: tuple[int, ...]) -> int:
        """The axis of the channels; ShapeError (TN802) for a shape that no input has."""
        return 0 if len(shape) == self.dims[0] - 1 else super().channel_axis(shape)

    def forward(self, input: Tensor) -> Tensor:
        """The normalized input (batch, num_features, …), or one example of it; ShapeError (TN802) for another."""
        axis = self.channel_axis(input.shape)
        if input.shape[axis] != self.num_features:
            raise ShapeError(f"{self} of an input of shape {list(input.shape)}")
        single = axis == 0
        x = input.unsqueeze(0) if single else input
        own = self.training or not self.track_running_stats
        form = (self.weight, self.bias, own, self.momentum or 0.0, self.eps)
        out = functional.instance_norm(x, self.running_mean, self.running_var, *form)
        return out.squeeze(0) if single else out


class InstanceNorm1d(_InstanceNorm):
    """Instance normalization of inputs (batch, channels, length); see ``functional.instance_norm``.

    >>> nn.InstanceNorm1d(3)(tn.rand(2, 3, 4)).shape
    (2, 3, 4)
    """

    dims = (3,)


class InstanceNorm2d(_InstanceNorm):
    """Instance normalization of inputs (batch, channels, height, width); see ``functional.instance_norm``.

    >>> nn.InstanceNorm2d(3)(tn.rand(2, 3, 4, 4)).shape
    (2, 3, 4, 4)
    """

    dims = (4,)


class InstanceNorm3d(_InstanceNorm):
    """Instance normalization of inputs (batch, channels, depth, height, width); see ``functional.instance_norm``.

    >>> nn.InstanceNorm3d(3)(tn.rand(2, 3, 2, 2, 2)).shape
    (2, 3, 2, 2, 2)
    """

    dims = (5,)
