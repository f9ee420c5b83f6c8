"""Nonlinearities as modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.nn import functional
from tenure.nn.module import Module

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


class ReLU(Module):
    """Layer of ``functional.relu``: max(x, 0), elementwise. ``inplace`` has no effect but on what is printed.

    >>> nn.ReLU()(tn.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: ArrayLike) -> Tensor:
        """The function of each element, in the shape of the input."""
        return functional.relu(input)

    def extra_repr(self) -> str:
        """The flag, if set."""
        return "inplace=True" if self.inplace else ""


class Tanh(Module):
    """Layer of ``functional.tanh``: the hyperbolic tangent, elementwise.

    >>> nn.Tanh()(tn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """

    def forward(self, input: ArrayLike) -> Tensor:
        """The function of each element, in the shape of the input."""
        return functional.tanh(input)


class Sigmoid(Module):
    """Layer of ``functional.sigmoid``: 1 / (1 + e⁻ˣ), elementwise.

    >>> nn.Sigmoid()(tn.tensor([0.0, 1.0]))
    tensor([0.5000, 0.7311])
    """

    def forward(self, input: ArrayLike) -> Tensor:
        """The function of each element, in the shape of the input."""
        return functional.sigmoid(input)


class SiLU(ReLU):
    """Layer of ``functional.silu``: x · sigmoid(x), elementwise. ``inplace`` has no effect but on what is printed.

    >>> nn.SiLU()(tn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7311])
    """

    def forward(self, input: ArrayLike) -> Tensor:
        """The function of each element, in the shape of the input."""
        return functional.silu(input)


class GELU(Module):
    """Layer of ``functional.gelu``: x · Φ(x), elementwise; ``approximate`` is "none" or "tanh".

    >>> nn.GELU()(tn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8413])
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: ArrayLike) -> Tensor:
        """The function of each element, in the shape of the input."""
        return functional.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        """The option."""
        return f"approximate={self.approximate!r}"


class LeakyReLU(Module):
    """Layer of ``functional.leaky_relu``: x above zero, else negative_slope · x, elementwise.

    >>> nn.LeakyReLU(0.5)(tn.tensor([-1.0, 2.0]))
    tensor([-0.5000,  2.0000])
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: ArrayLike) -> Tensor:
        """The function of each element, in the shape of the input."""
        return functional.leaky_relu(input, self.negative_slope)

    def extra_repr(self) -> str:
        """Slope and flag."""
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class ELU(Module):
    """Layer of ``functional.elu``: x above zero, else alpha · (eˣ - 1), elementwise.

    >>> nn.ELU()(tn.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: ArrayLike) -> Tensor:
        """The function of each element, in the shape of the input."""
        return functional.elu(input, self.alpha)

    def extra_repr(self) -> str:
        """Factor and flag."""
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class Softplus(Module):
    """Layer of ``functional.softplus``: log(1 + exp(beta · x)) / beta, elementwise; x itself above the threshold.

    >>> nn.Softplus()(tn.tensor([0.0, 1.0]))
    tensor([0.6931, 1.3133])
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: ArrayLike) -> Tensor:
        """The function of each element, in the shape of the input."""
        return functional.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """Steepness and threshold."""
        return f"beta={self.beta}, threshold={self.threshold}"


class Softmax(Module):
    """Layer of ``functional.softmax``: exp(x) / Σ exp(x) along the axis ``dim``.

    >>> nn.Softmax(dim=0)(tn.tensor([0.0, 0.0]))
    tensor([0.5000, 0.5000])
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: ArrayLike) -> Tensor:
        """The function of each element, in the shape of the input."""
        return functional.softmax(input, self.dim)

    def extra_repr(self) -> str:
        """The axis."""
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """Layer of ``functional.log_softmax``: log(softmax(x)) along the axis ``dim``.

    >>> nn.LogSoftmax(dim=0)(tn.tensor([0.0, 0.0]))
    tensor([-0.6931, -0.6931])
    """

    def forward(self, input: ArrayLike) -> Tensor:
        """The function of each element, in the shape of the input."""
        return functional.log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        """The axis."""
        return f"dim={self.dim}"
