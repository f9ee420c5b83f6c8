"""Nonlinearities as modules."""

from __future__ import annotations

from typing import Any

from tenure.nn import functional
from tenure.nn.module import Module


class ReLU(Module):
    """max(x, 0), elementwise. ``inplace`` has no effect but on what is printed: tensors are values."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        """Of the shape of the input."""
        return functional.relu(input)

    def extra_repr(self) -> str:
        """The flag, if set."""
        return "inplace=True" if self.inplace else ""


class Tanh(Module):
    """The hyperbolic tangent, elementwise."""

    def forward(self, input: Any) -> Any:
        """Of the shape of the input."""
        return functional.tanh(input)


class Sigmoid(Module):
    """1 / (1 + e⁻ˣ), elementwise."""

    def forward(self, input: Any) -> Any:
        """Of the shape of the input."""
        return functional.sigmoid(input)


class SiLU(ReLU):
    """x · sigmoid(x), elementwise. ``inplace`` has no effect but on what is printed."""

    def forward(self, input: Any) -> Any:
        """Of the shape of the input."""
        return functional.silu(input)


class GELU(Module):
    """x · Φ(x), elementwise; ``approximate`` is "none" or "tanh". See ``functional.gelu``."""

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Any) -> Any:
        """Of the shape of the input."""
        return functional.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        """Which form."""
        return f"approximate={self.approximate!r}"


class LeakyReLU(Module):
    """x above zero, else negative_slope · x, elementwise."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        """Of the shape of the input."""
        return functional.leaky_relu(input, self.negative_slope)

    def extra_repr(self) -> str:
        """Slope and flag."""
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class ELU(Module):
    """x above zero, else alpha · (eˣ - 1), elementwise."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Any) -> Any:
        """Of the shape of the input."""
        return functional.elu(input, self.alpha)

    def extra_repr(self) -> str:
        """Factor and flag."""
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class Softplus(Module):
    """log(1 + exp(beta · x)) / beta, elementwise; x itself where beta · x is above the threshold."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Any) -> Any:
        """Of the shape of the input."""
        return functional.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """Steepness and threshold."""
        return f"beta={self.beta}, threshold={self.threshold}"


class Softmax(Module):
    """exp(x) / Σ exp(x) along the axis ``dim``."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """Of the shape of the input."""
        return functional.softmax(input, self.dim)

    def extra_repr(self) -> str:
        """The axis."""
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """log(softmax(x)) along the axis ``dim``."""

    def forward(self, input: Any) -> Any:
        """Of the shape of the input."""
        return functional.log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        """The axis."""
        return f"dim={self.dim}"
