"""Layers that normalize within an example: by groups of channels, by the root mean square, by neighbouring channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tenure.dtypes import DTypeLike
from tenure.errors import ShapeError
from tenure.nn import functional, init
from tenure.nn.module import Module
from tenure.nn.normalize import Scaled
from tenure.values.operations.creation import check_device, tensor
from tenure.values.operations.factories import ones, zeros
from tenure.values.operations.reading import value_of
from tenure.values.places.parameter import Parameter

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


class GroupNorm(Scaled):
    """Group normalization: mean 0 and variance 1 over the channels of each group, then scaled and shifted by channel.

    Owns ``weight`` (starts at 1) and ``bias`` (at 0) of shape (num_channels,), or None. ShapeError (TN802) if the
    groups do not divide the channels. See ``functional.group_norm``.

    >>> nn.GroupNorm(2, 4)(tn.tensor([[1.0, 3.0, 4.0, 8.0]])).detach()
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: str | None = None,
        dtype: DTypeLike | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_device(device)
        if num_groups < 1 or num_channels % num_groups:
            raise ShapeError(f"GroupNorm of {num_channels} channels in {num_groups} groups")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self.register_parameter("weight", Parameter(ones(num_channels, dtype=dtype)) if affine else None)
        self.register_parameter("bias", Parameter(zeros(num_channels, dtype=dtype)) if affine and bias else None)

    def forward(self, input: ArrayLike) -> Tensor:
        """The normalized input (batch, num_channels, …), in its shape."""
        return functional.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Sizes and options."""
        options = f"eps={self.eps}, affine={self.affine}, bias={self.bias is not None}"
        return f"{self.num_groups}, {self.num_channels}, {options}"


class RMSNorm(Module):
    """Root mean square normalization: mean square 1 over the last axes, then scaled.

    The sizes of those axes are ``normalized_shape``. Owns ``weight`` (starts at 1) of that shape, or None. See
    ``functional.rms_norm``.

    >>> nn.RMSNorm(2)(tn.tensor([[3.0, 4.0]])).detach()
    tensor([[0.8485, 1.1314]])
    """

    weight: Parameter | None

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
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

    def reset_parameters(self) -> None:
        """Start anew."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: ArrayLike) -> Tensor:
        """The normalized input, in its shape, which ends in ``normalized_shape``."""
        return functional.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Shape and options."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class LocalResponseNorm(Module):
    """Local response normalization over ``size`` neighbouring channels; see ``functional.local_response_norm``.

    >>> nn.LocalResponseNorm(2)(tn.ones(1, 3, 2)).shape
    (1, 3, 2)
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: ArrayLike) -> Tensor:
        """The normalized input (batch, channels, …), in its shape."""
        return functional.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """Options."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(LocalResponseNorm):
    """Local response normalization by its older name, of inputs (N, C, H, W).

    The window has an odd number of channels, size - 1 of an even ``size``, by which alpha is divided all the same; the
    first channel counts for all behind its window, too, as in PyTorch.

    >>> nn.CrossMapLRN2d(2)(tn.ones(1, 3, 2, 2)).shape
    (1, 3, 2, 2)
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__(size, alpha, beta, k)

    def forward(self, input: ArrayLike) -> Tensor:
        """The normalized input, in its shape; ShapeError (TN802) for other axes."""
        x = value_of(input)
        if x.ndim != 4:
            raise ShapeError(f"CrossMapLRN2d: an input of shape {list(x.shape)}; it is (N, C, H, W)")
        half, channels = (self.size + 1) // 2 - 1, x.shape[1]
        squares = x * x
        apart = np.arange(channels)[:, None] - np.arange(channels)[None]
        near = (abs(apart) <= half) | ((apart > half) & (np.arange(channels) == 0))
        sums = (tensor(near.astype(np.float32)).to(x.dtype) @ squares.flatten(2)).reshape(x.shape)
        return x * (sums * (self.alpha / self.size) + self.k) ** -self.beta
