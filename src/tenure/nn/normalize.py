"""Normalization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenure.dtypes import DTypeLike
from tenure.nn import functional, init
from tenure.nn.module import Module
from tenure.values.creation import check_device, ones, zeros
from tenure.values.parameter import Parameter


class LayerNorm(Module):
    """Mean 0 and variance 1 over the last axes, whose sizes are ``normalized_shape``, then scaled and shifted.

    Owns ``weight`` (starts at 1) and ``bias`` (at 0) of that shape, or None. See ``functional.layer_norm``.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
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

    def reset_parameters(self) -> None:
        """Start anew."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Any) -> Any:
        """Of the shape of the input, which ends in ``normalized_shape``."""
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Shape and options."""
        bias = f", bias={self.bias is not None}"
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}{bias}"
