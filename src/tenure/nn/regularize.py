"""Layers that act in training only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.nn import functional
from tenure.nn.module import Module

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


class Dropout(Module):
    """Dropout: in training each element is 0 with probability p, else divided by 1 - p; the input itself otherwise.

    Source: Hinton et al., arXiv:1207.0580.

    >>> nn.Dropout(0.5).eval()(tn.ones(2))
    tensor([1., 1.])
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def forward(self, input: ArrayLike) -> Tensor:
        """The input with elements left out, in its shape."""
        return functional.dropout(input, self.p, self.training)

    def extra_repr(self) -> str:
        """Probability and flag."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout1d(Dropout):
    """Dropout of whole channels, of inputs with 1 axis behind them; as ``functional.dropout1d``.

    >>> nn.Dropout1d(0.5).eval()(tn.ones(1, 2, 3)).sum()
    tensor(6.)
    """

    def forward(self, input: ArrayLike) -> Tensor:
        """The input with channels left out, in its shape."""
        return functional.dropout1d(input, self.p, self.training)


class Dropout2d(Dropout):
    """Dropout of whole channels, of inputs with 2 axes behind them; as ``functional.dropout2d``.

    >>> nn.Dropout2d(0.5).eval()(tn.ones(1, 2, 3, 1)).sum()
    tensor(6.)
    """

    def forward(self, input: ArrayLike) -> Tensor:
        """The input with channels left out, in its shape."""
        return functional.dropout2d(input, self.p, self.training)


class Dropout3d(Dropout):
    """Dropout of whole channels, of inputs with 3 axes behind them; as ``functional.dropout3d``.

    >>> nn.Dropout3d(0.5).eval()(tn.ones(1, 2, 3, 1, 1)).sum()
    tensor(6.)
    """

    def forward(self, input: ArrayLike) -> Tensor:
        """The input with channels left out, in its shape."""
        return functional.dropout3d(input, self.p, self.training)


class AlphaDropout(Dropout):
    """Dropout for ``SELU``, which keeps mean and variance; as ``functional.alpha_dropout``, in training.

    >>> nn.AlphaDropout(0.5).eval()(tn.ones(2))
    tensor([1., 1.])
    """

    def forward(self, input: ArrayLike) -> Tensor:
        """The input with elements left out, in its shape."""
        return functional.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(Dropout):
    """Dropout of whole channels for ``SELU``; as ``functional.feature_alpha_dropout``, in training.

    >>> nn.FeatureAlphaDropout(0.5).eval()(tn.ones(1, 2, 3)).sum()
    tensor(6.)
    """

    def forward(self, input: ArrayLike) -> Tensor:
        """The input with channels left out, in its shape."""
        return functional.feature_alpha_dropout(input, self.p, self.training)
