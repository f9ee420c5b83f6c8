"""Initializers of parameters: each writes a place (TN594 for a value) outside the graph, and returns it."""

from __future__ import annotations

import math
from typing import Any

from tenure.errors import ShapeError, WriteError
from tenure.values.blame import checked_first
from tenure.values.modes import no_grad
from tenure.values.random import Generator
from tenure.values.sites import here, site
from tenure.values.writable import Writable

GAINS = {
    "linear": 1.0,
    "conv1d": 1.0,
    "conv2d": 1.0,
    "conv3d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5.0 / 3.0,
    "relu": math.sqrt(2.0),
    "selu": 0.75,
}


@checked_first
def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which weights start larger because a nonlinearity shrinks what passes it.

    ``param`` is the negative slope of leaky_relu (0.01 by default). ValueError for an unknown name.
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity not in GAINS:
        raise ValueError(f"unsupported nonlinearity {nonlinearity!r}: one of {', '.join([*GAINS, 'leaky_relu'])}")
    return GAINS[nonlinearity]


def _write(tensor: Any, method: str, *args: Any, **kwargs: Any) -> Any:
    if not isinstance(tensor, Writable):
        raise WriteError(
            "init writes a place, and this is a value",
            at=site(here()),
            help="make a place first: nn.Parameter(x), or x.mut()",
        )
    return no_grad().apply(getattr(tensor, method), *args, **kwargs)


@checked_first
def uniform_(tensor: Any, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Any:
    """Uniform numbers of [a, b)."""
    return _write(tensor, "uniform_", a, b, generator=generator)


@checked_first
def normal_(tensor: Any, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Any:
    """Normal numbers of a mean and a standard deviation."""
    return _write(tensor, "normal_", mean, std, generator=generator)


@checked_first
def constant_(tensor: Any, val: float) -> Any:
    """One number everywhere."""
    return _write(tensor, "copy_", val)


@checked_first
def zeros_(tensor: Any) -> Any:
    """Zeros."""
    return _write(tensor, "zero_")


@checked_first
def ones_(tensor: Any) -> Any:
    """Ones."""
    return _write(tensor, "fill_", 1)


@checked_first
def fans(tensor: Any) -> tuple[int, int]:
    """How many inputs and outputs an element of a weight (out, in, …) connects; ShapeError below two axes."""
    if tensor.ndim < 2:
        raise ShapeError(f"fan in and fan out need two axes, and the shape is {list(tensor.shape)}")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


@checked_first
def xavier_uniform_(tensor: Any, gain: float = 1.0, generator: Generator | None = None) -> Any:
    """Uniform within ± gain · √(6 / (fan_in + fan_out)). Source: Glorot, Bengio, AISTATS 2010."""
    bound = gain * math.sqrt(6.0 / max(1, sum(fans(tensor))))
    return uniform_(tensor, -bound, bound, generator)


@checked_first
def kaiming_uniform_(
    tensor: Any,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Any:
    """Uniform within ± gain · √(3 / fan), a the negative slope. Source: He et al., ICCV 2015."""
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode is 'fan_in' or 'fan_out', not {mode!r}")
    fan = fans(tensor)[mode == "fan_out"]
    bound = calculate_gain(nonlinearity, a) * math.sqrt(3.0 / max(1, fan))
    return uniform_(tensor, -bound, bound, generator)
