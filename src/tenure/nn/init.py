"""Initializers of parameters: each writes a place (TN594 for a value) outside the graph, and returns it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

from tenure.errors import ShapeError, WriteError
from tenure.values.operations.generator import Generator
from tenure.values.places.writable import Writable
from tenure.values.rules.modes import no_grad
from tenure.values.rules.sites import here, site
from tenure.values.tensor.sampling import truncated_normal
from tenure.values.trace.blame import checked_first

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor

Place = TypeVar("Place", bound="Tensor")
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

    >>> nn.init.calculate_gain("tanh")
    1.6666666666666667
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity not in GAINS:
        raise ValueError(f"unsupported nonlinearity {nonlinearity!r}: one of {', '.join([*GAINS, 'leaky_relu'])}")
    return GAINS[nonlinearity]


def _write(tensor: Place, method: str, *args: Any, **kwargs: Any) -> Place:
    if not isinstance(tensor, Writable):
        raise WriteError(
            "init writes a place, and this is a value",
            at=site(here()),
            help="make a place first: nn.Parameter(x), or x.mut()",
        )
    no_grad().apply(getattr(tensor, method), *args, **kwargs)
    return tensor


@checked_first
def uniform_(tensor: Place, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Place:
    """Write uniform random numbers of [a, b) to a place; returns it. WriteError (TN594) for a value.

    >>> nn.init.uniform_(nn.Parameter(tn.zeros(2)), 3.0, 3.5).floor().detach()
    tensor([3., 3.])
    """
    return _write(tensor, "uniform_", a, b, generator=generator)


@checked_first
def normal_(tensor: Place, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Place:
    """Write normal random numbers of a mean and a standard deviation to a place; returns it.

    WriteError (TN594) for a value.

    >>> nn.init.normal_(nn.Parameter(tn.zeros(2)), mean=3.0, std=0.0).detach()
    tensor([3., 3.])
    """
    return _write(tensor, "normal_", mean, std, generator=generator)


@checked_first
def trunc_normal_(
    tensor: Place, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0,
    generator: Generator | None = None,
) -> Place:
    """Write normal random numbers of those that lie in [a, b] to a place; returns it.

    WriteError (TN594) for a value; DomainError (TN802) for a std that is not positive, or a > b.

    >>> bool((nn.init.trunc_normal_(nn.Parameter(tn.zeros(9)), std=0.02).abs() <= 2).all())
    True
    """
    found = truncated_normal(mean, std, a, b, tensor.shape, dtype=tensor.dtype, generator=generator)
    return _write(tensor, "copy_", found)


@checked_first
def constant_(tensor: Place, val: float) -> Place:
    """Write one number everywhere in a place; returns it. WriteError (TN594) for a value.

    >>> nn.init.constant_(nn.Parameter(tn.zeros(2)), 3.0).detach()
    tensor([3., 3.])
    """
    return _write(tensor, "copy_", val)


@checked_first
def zeros_(tensor: Place) -> Place:
    """Write zeros to a place; returns it. WriteError (TN594) for a value.

    >>> nn.init.zeros_(nn.Parameter(tn.ones(2))).detach()
    tensor([0., 0.])
    """
    return _write(tensor, "zero_")


@checked_first
def ones_(tensor: Place) -> Place:
    """Write ones to a place; returns it. WriteError (TN594) for a value.

    >>> nn.init.ones_(nn.Parameter(tn.zeros(2))).detach()
    tensor([1., 1.])
    """
    return _write(tensor, "fill_", 1)


@checked_first
def fans(tensor: Tensor) -> tuple[int, int]:
    """The numbers of inputs and of outputs that an element of a weight (out, in, …) connects.

    ShapeError (TN802) below two axes.

    >>> nn.init.fans(tn.zeros(4, 3))
    (3, 4)
    """
    if tensor.ndim < 2:
        raise ShapeError(f"fan in and fan out need two axes, and the shape is {list(tensor.shape)}")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


@checked_first
def xavier_uniform_(tensor: Place, gain: float = 1.0, generator: Generator | None = None) -> Place:
    """Write uniform random numbers within ± gain · √(6 / (fan_in + fan_out)) to a place; returns it.

    ShapeError (TN802) below two axes; WriteError (TN594) for a value. Source: Glorot, Bengio, AISTATS 2010.

    >>> bool((nn.init.xavier_uniform_(nn.Parameter(tn.zeros(4, 2))).abs() <= 1).all())
    True
    """
    bound = gain * math.sqrt(6.0 / max(1, sum(fans(tensor))))
    return uniform_(tensor, -bound, bound, generator)


@checked_first
def xavier_normal_(tensor: Place, gain: float = 1.0, generator: Generator | None = None) -> Place:
    """Write normal random numbers of std gain · √(2 / (fan_in + fan_out)) to a place; returns it.

    ShapeError (TN802) below two axes; WriteError (TN594) for a value. Source: Glorot, Bengio, AISTATS 2010.

    >>> nn.init.xavier_normal_(nn.Parameter(tn.zeros(4, 2))).shape
    (4, 2)
    """
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / max(1, sum(fans(tensor)))), generator)


@checked_first
def kaiming_uniform_(
    tensor: Place,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Place:
    """Write uniform random numbers within ± gain · √(3 / fan) to a place, a the negative slope; returns it.

    ShapeError (TN802) below two axes; WriteError (TN594) for a value. Source: He et al., ICCV 2015.

    >>> bool((nn.init.kaiming_uniform_(nn.Parameter(tn.zeros(4, 6))).abs() <= 1).all())
    True
    """
    bound = _spread(tensor, a, mode, nonlinearity) * math.sqrt(3.0)
    return uniform_(tensor, -bound, bound, generator)


@checked_first
def kaiming_normal_(
    tensor: Place,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Place:
    """Write normal random numbers of std gain / √fan to a place, a the negative slope; returns it.

    ShapeError (TN802) below two axes; WriteError (TN594) for a value. Source: He et al., ICCV 2015.

    >>> nn.init.kaiming_normal_(nn.Parameter(tn.zeros(4, 6))).shape
    (4, 6)
    """
    return normal_(tensor, 0.0, _spread(tensor, a, mode, nonlinearity), generator)


def _spread(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    """gain / √fan."""
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode is 'fan_in' or 'fan_out', not {mode!r}")
    fan = fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(max(1, fan))
