"""Cross-entropy with the linear map to its scores as one module."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenure.dtypes import DType, DTypeLike, as_dtype
from tenure.errors import DTypeError, ShapeError, shown
from tenure.nn import functional
from tenure.nn.linear import Linear
from tenure.nn.loss import WeightedLoss
from tenure.values.trace.given import flag

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

POLICIES = ("auto", "accurate", "balanced", "compact")
METHOD = re.compile(r"auto|aspect_ratio(:0*[1-9]\d*)?")


@dataclass(slots=True, frozen=True)
class LinearCrossEntropyOptions:
    """PyTorch's choice of parts in which a linear cross-entropy is computed; accepted, without effect on the result.

    ValueError for a value that PyTorch does not take.

    >>> nn.LinearCrossEntropyOptions(batch_chunk_size=8).chunking_method
    'auto'
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: DType | None = None

    def __post_init__(self) -> None:
        name, method, size = type(self).__name__, self.chunking_method, self.batch_chunk_size
        flag(f"{name}: allow_retain_graph", self.allow_retain_graph)
        if self.acc_dtype is not None:
            as_dtype(self.acc_dtype)
        if not isinstance(self.acc_policy, str) or self.acc_policy not in POLICIES:
            raise ValueError(f"{name}: invalid acc_policy: {shown(self.acc_policy)}")
        if method is not None and not (isinstance(method, str) and METHOD.fullmatch(method)):
            raise ValueError(f"{name}: invalid chunking_method: {shown(method)}")
        if size is not None and not (type(size) is int and size > 0):
            raise ValueError(f"{name}: batch_chunk_size must be positive int or None, got {shown(size)}")


class LinearCrossEntropyLoss(WeightedLoss):
    """Cross-entropy of the scores of a linear map, which the module owns; see ``functional.linear_cross_entropy``.

    Owns ``linear``, from in_features to num_classes · Π out_features; scores are (N, num_classes, *out_features).
    ``weight`` (num_classes,) becomes a buffer. TN802 for a weight of another shape, ValueError for a
    ``label_smoothing`` outside [0, 1]; ``options`` have no effect.

    >>> nn.LinearCrossEntropyLoss(2, 4)(tn.zeros(1, 2), tn.tensor([3])).detach()
    tensor(1.3863)
    """

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: str | None = None,
        dtype: DTypeLike | None = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: LinearCrossEntropyOptions | None = None,
    ) -> None:
        if weight is not None and tuple(weight.shape) != (num_classes,):
            raise ShapeError(f"expected weight shape to be {(num_classes,)}, got {tuple(weight.shape)}")
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"expected label_smoothing to be in range [0, 1], got {label_smoothing}")
        if options is not None and not isinstance(options, LinearCrossEntropyOptions):
            raise DTypeError(f"LinearCrossEntropyLoss: options are LinearCrossEntropyOptions, not {shown(options)}")
        super().__init__(weight, reduction=reduction)
        self.num_classes, self.out_features = num_classes, tuple(out_features)
        self.ignore_index, self.label_smoothing, self.options = ignore_index, label_smoothing, options
        self.linear = Linear(in_features, math.prod(out_features, start=num_classes), bias, device, dtype)

    def forward(self, input: ArrayLike, target: ArrayLike) -> Tensor:
        """The loss of an input (N, in_features) or (in_features,), relative to classes (N, …) or probabilities."""
        scores = (self.num_classes, *self.out_features)
        bias = self.linear.bias
        return functional.linear_cross_entropy(
            input,
            self.linear.weight.reshape(*scores, self.linear.in_features),
            target,
            linear_bias=None if bias is None else bias.reshape(*scores),
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
        )

    def extra_repr(self) -> str:
        """The sizes and options."""
        said: dict[str, object] = {"in_features": self.linear.in_features, "num_classes": self.num_classes}
        said |= {"out_features": self.out_features, "bias": self.linear.bias is not None, "reduction": self.reduction}
        said |= {name: getattr(self, name) for name in ("ignore_index", "label_smoothing", "options")}
        return ", ".join([f"{name}={value}" for name, value in said.items()])
