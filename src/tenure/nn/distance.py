"""Distances and similarities as layers, and bilinear maps. The first own nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tenure.dtypes import DTypeLike
from tenure.nn import functional, init
from tenure.nn.module import Module
from tenure.nn.pooling import Arguments
from tenure.values.operations.creation import check_device
from tenure.values.operations.factories import zeros
from tenure.values.places.parameter import Parameter

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


class PairwiseDistance(Arguments):
    """Layer of ``functional.pairwise_distance``: the p-norm of x1 - x2 + eps along the last axis.

    >>> nn.PairwiseDistance()(tn.tensor([[0.0, 0.0]]), tn.tensor([[3.0, 4.0]]))
    tensor([5.0000])
    """

    function = "pairwise_distance"
    shown = ("p", "eps", "keepdim")

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def extra_repr(self) -> str:
        """An empty text, as PyTorch prints it."""
        return ""

    @property
    def p(self) -> float:
        """The order of the norm, which PyTorch calls ``norm``."""
        return self.norm


class CosineSimilarity(Arguments):
    """Layer of ``functional.cosine_similarity``: the cosine of the angle between vectors along the axis ``dim``.

    >>> nn.CosineSimilarity()(tn.tensor([[3.0, 4.0]]), tn.tensor([[4.0, 3.0]]))
    tensor([0.9600])
    """

    function = "cosine_similarity"
    shown = ("dim", "eps")

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim, self.eps = dim, eps

    def extra_repr(self) -> str:
        """An empty text, as PyTorch prints it."""
        return ""


class Bilinear(Module):
    """Bilinear map of two inputs, (…, in1) and (…, in2) to (…, out): x1ᵀ A x2 + b for each output.

    Owns ``weight`` (out_features, in1_features, in2_features) and ``bias`` (out_features,) or None; both start uniform
    within ± 1 / √in1_features. See ``functional.bilinear``.

    >>> nn.Bilinear(3, 4, 5)(tn.ones(2, 3), tn.ones(2, 4)).shape
    (2, 5)
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        check_device(device)
        if in1_features < 1:
            raise ValueError(f"in1_features is at least 1, not {in1_features}")
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.weight = Parameter(zeros(out_features, in1_features, in2_features, dtype=dtype))
        self.register_parameter("bias", Parameter(zeros(out_features, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start anew."""
        bound = 1 / math.sqrt(self.in1_features)
        for p in self.parameters():
            init.uniform_(p, -bound, bound)

    def forward(self, input1: ArrayLike, input2: ArrayLike) -> Tensor:
        """The map of two inputs of equal leading sizes."""
        return functional.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The sizes."""
        sizes = f"in1_features={self.in1_features}, in2_features={self.in2_features}"
        return f"{sizes}, out_features={self.out_features}, bias={self.bias is not None}"
