"""Softmax over many classes, the rare ones in clusters of fewer features."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tenure.errors import DTypeError, OutOfRange, ShapeError, shown
from tenure.nn.container import ModuleList, Sequential
from tenure.nn.functional.activation import log_softmax
from tenure.nn.linear import Linear
from tenure.nn.module import Module
from tenure.values.operations.creation import check_device, tensor
from tenure.values.operations.reading import value_of
from tenure.values.operations.shaping import concat
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import checked_first
from tenure.values.trace.given import int_of

if TYPE_CHECKING:
    from tenure.dtypes import DTypeLike
    from tenure.values.tensor.typing import ArrayLike


class ASMoutput(NamedTuple):
    """The result of ``AdaptiveLogSoftmaxWithLoss``: the log probability of each target, and their mean, negated."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """Softmax over classes ordered by frequency: the first ones by themselves, the others in clusters.

    The clusters end at ``cutoffs`` and at ``n_classes``; each has ``div_value`` times fewer features than the one
    before. Shapes: input (N, in_features) and target (N,), or one of each. Gives the log probability of each target and
    the loss, as a named pair. Targets are read: only what is in a cluster goes through it. Owns ``head`` and ``tail``,
    maps without bias but, with ``head_bias``, that of the head. ValueError for cutoffs that do not rise between 1 and
    n_classes - 1; OutOfRange (TN801) for a target that is no class. Source: Grave et al., arXiv:1609.04309.

    >>> layer = nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5, 10])
    >>> output, loss = layer(tn.ones(3, 8), tn.tensor([0, 7, 19]))
    >>> output.shape, layer.log_prob(tn.ones(3, 8)).shape
    ((3,), (3, 20))
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        check_device(device)
        ends = [0, *[int_of(c, "AdaptiveLogSoftmaxWithLoss: each cutoff") for c in cutoffs], n_classes]
        if len(ends) < 3 or any(a >= b for a, b in pairwise(ends)):
            raise ValueError(f"cutoffs are one or more, rising between 1 and {n_classes - 1}, not {shown(cutoffs)}")
        if not div_value > 0:
            raise ValueError(f"div_value is above zero, not {div_value}")
        self.in_features, self.n_classes, self.cutoffs = in_features, n_classes, ends[1:]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size, self.n_clusters = ends[1], len(ends) - 2
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, bias=head_bias, dtype=dtype)
        self.tail: ModuleList[Sequential] = ModuleList()
        for i, (first, last) in enumerate(pairwise(self.cutoffs)):
            size = int(in_features // div_value ** (i + 1))
            parts = Linear(in_features, size, bias=False, dtype=dtype), Linear(size, last - first, False, dtype=dtype)
            self.tail.append(Sequential(*parts))

    def reset_parameters(self) -> None:
        """Start anew."""
        for layer in self.modules():
            if isinstance(layer, Linear):
                layer.reset_parameters()

    def forward(self, input_: ArrayLike, target_: ArrayLike) -> ASMoutput:
        """The log probabilities of the targets, and the loss."""
        x, target = value_of(input_), value_of(target_)
        if target.ndim > 1 or x.ndim != target.ndim + 1 or (target.ndim and x.shape[0] != target.shape[0]):
            shapes = f"input of shape {list(x.shape)} and target of shape {list(target.shape)}"
            raise ShapeError(f"AdaptiveLogSoftmaxWithLoss: {shapes}; they are (N, in_features) and (N,)")
        if target.dtype.kind not in "iu":
            raise DTypeError(f"AdaptiveLogSoftmaxWithLoss: targets of {target.dtype.name}", help="targets are integers")
        single = target.ndim == 0
        x = self._input(x.unsqueeze(0) if single else x)
        classes = np.asarray(target).reshape(-1).astype(np.int64)
        if ((classes < 0) | (classes >= self.n_classes)).any():
            said = f"between {classes.min()} and {classes.max()}"
            raise OutOfRange(f"AdaptiveLogSoftmaxWithLoss: targets {said}, where classes are 0 to {self.n_classes - 1}")
        output = self._of_targets(x, classes)
        loss = -output.mean()
        return ASMoutput(output[0] if single else output, loss)

    def _of_targets(self, x: Any, classes: Any) -> Any:
        """The log probability of a class for each row: of its entry in the head, and of its place in the cluster."""
        cluster = np.searchsorted(self.cutoffs, classes, side="right")
        entry = np.where(cluster == 0, classes, self.shortlist_size + cluster - 1)
        output = _chosen(log_softmax(self.head(x), 1), entry)
        within, order = [], []
        for k, layer in enumerate(self.tail):
            rows = np.flatnonzero(cluster == k + 1)
            if rows.size:
                at = classes[rows] - self.cutoffs[k]
                within.append(_chosen(log_softmax(layer(x[tensor(rows)]), 1), at))
                order.append(rows)
        if not within:
            return output
        return output.at[tensor(np.concatenate(order))].add(concat(within) if len(within) > 1 else within[0])

    def _input(self, input: Any) -> Any:
        x = value_of(input)
        if x.ndim != 2 or x.shape[1] != self.in_features:
            shapes = f"{list(x.shape)}, where (N, {self.in_features}) is expected"
            raise ShapeError(f"AdaptiveLogSoftmaxWithLoss: an input of shape {shapes}")
        return x

    @checked_first
    def log_prob(self, input: ArrayLike) -> Tensor:
        """The log probabilities of all classes: (N, in_features) gives (N, n_classes)."""
        x = self._input(input)
        head = log_softmax(self.head(x), 1)
        parts = [head[:, : self.shortlist_size]]
        for k, layer in enumerate(self.tail):
            entry = self.shortlist_size + k
            parts.append(log_softmax(layer(x), 1) + head[:, entry : entry + 1])
        return concat(parts, 1)

    @checked_first
    def predict(self, input: ArrayLike) -> Tensor:
        """The most probable class of each row: (N, in_features) gives (N,)."""
        return self.log_prob(input).argmax(axis=1)


def _chosen(x: Any, columns: Any) -> Any:
    """One element of each row."""
    return x[tensor(np.arange(len(columns))), tensor(columns)]
