"""Affine maps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tenure.dtypes import DTypeLike
from tenure.nn import functional, init
from tenure.nn.module import Module
from tenure.values.operations.creation import check_device
from tenure.values.operations.factories import zeros
from tenure.values.places.parameter import Parameter
from tenure.values.tensor.tensor import Tensor

if TYPE_CHECKING:
    from tenure.values.tensor.typing import ArrayLike


class Identity(Module):
    """Layer that returns its input; arguments are ignored.

    >>> nn.Identity()(tn.tensor([1, 2]))
    tensor([1, 2])
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        """The input; of a place, its value."""
        return input._read() if isinstance(input, Tensor) else input


class Linear(Module):
    """Affine map x @ weight.T + bias, from (…, in_features) to (…, out_features).

    Owns ``weight`` (out_features, in_features) and ``bias`` (out_features,) or None; both start uniform
    within ± 1 / √in_features, as PyTorch's do.

    >>> nn.Linear(3, 4)(tn.ones(2, 3)).shape
    (2, 4)
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        check_device(device)
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(zeros(out_features, in_features, dtype=dtype))
        if bias:
            self.bias = Parameter(zeros(out_features, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: ArrayLike) -> Tensor:
        """The map of an input (…, in_features): (…, out_features)."""
        return functional.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The sizes."""
        bias = self.bias is not None
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={bias}"
