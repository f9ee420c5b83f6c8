"""Initializers of parameters: each writes a place (TN594 for a value) outside the graph, and returns it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tenure import dtypes
from tenure.errors import ShapeError, WriteError
from tenure.values.operations.arithmetic import where
from tenure.values.operations.generator import Generator
from tenure.values.places.writable import Writable
from tenure.values.rules.modes import no_grad
from tenure.values.rules.sites import here, site
from tenure.values.tensor.random import rand, randn
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
    "conv_transpose1d": 1.0,
    "conv_transpose2d": 1.0,
    "conv_transpose3d": 1.0,
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


@checked_first
def eye_(tensor: Place) -> Place:
    """Write the identity matrix, ones on the diagonal and zeros elsewhere, to a place of two axes; returns it.

    ShapeError (TN802) for other places; WriteError (TN594) for a value.

    >>> nn.init.eye_(nn.Parameter(tn.zeros(2, 3))).detach()
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    if tensor.ndim != 2:
        raise ShapeError(f"eye_: a place of shape {list(tensor.shape)} is no matrix")
    return _write(tensor, "copy_", np.eye(*tensor.shape, dtype=np.float32))


@checked_first
def dirac_(tensor: Place, groups: int = 1) -> Place:
    """Write the weight of a convolution that leaves its channels as they are to a place; returns it.

    The place (out, in, …) has one to three axes of space; each group of outputs keeps the first inputs, as far as there
    are both. ShapeError (TN802) for other places, and where the groups do not divide the outputs; WriteError (TN594)
    for a value.

    >>> nn.init.dirac_(nn.Parameter(tn.zeros(2, 2, 3))).detach()
    tensor([[[0., 1., 0.],
             [0., 0., 0.]],
    <BLANKLINE>
            [[0., 0., 0.],
             [0., 1., 0.]]])
    """
    shape = tuple(tensor.shape)
    if len(shape) not in (3, 4, 5):
        raise ShapeError(f"dirac_: a place of shape {list(shape)} has not 3, 4 or 5 axes")
    if groups < 1 or shape[0] % groups:
        raise ShapeError(f"dirac_: {groups} groups do not divide {shape[0]} outputs")
    found, size = np.zeros(shape, np.float32), shape[0] // groups
    kept = np.arange(min(size, shape[1]))
    centre: Any = tuple([n // 2 for n in shape[2:]])
    for g in range(groups if all(shape) else 0):
        found[(g * size + kept, kept, *centre)] = 1.0
    return _write(tensor, "copy_", found)


@checked_first
def orthogonal_(tensor: Place, gain: float = 1.0, generator: Generator | None = None) -> Place:
    """Write a random orthogonal matrix, times ``gain``, to a place of at least two axes; returns it.

    Further axes count to the columns; of more columns than rows the rows are orthonormal, else the columns. ShapeError
    (TN802) below two axes; WriteError (TN594) for a value. Source: Saxe et al., arXiv:1312.6120.

    >>> w = nn.init.orthogonal_(nn.Parameter(tn.zeros(3, 3))).detach()
    >>> bool(((w @ w.T - tn.eye(3)).abs() < 1e-5).all())
    True
    """
    if tensor.ndim < 2:
        raise ShapeError(f"orthogonal_: a place of shape {list(tensor.shape)} has fewer than two axes")
    if not tensor.numel():
        return tensor
    rows = tensor.shape[0]
    columns = tensor.numel() // rows
    inner = dtypes.float64 if tensor.dtype is dtypes.float64 else dtypes.float32
    drawn = randn(max(rows, columns), min(rows, columns), dtype=inner, generator=generator)
    q, r = drawn.qr()
    q = q * (r.diagonal().sign() * gain)
    return _write(tensor, "copy_", (q.T if rows < columns else q).reshape(tensor.shape))


@checked_first
def sparse_(tensor: Place, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Place:
    """Write normal random numbers to a matrix, a fraction ``sparsity`` of each column zero; returns it.

    So many elements of each column are 0, the number rounded up, wherever they come to lie; the others have mean 0 and
    standard deviation ``std``. ShapeError (TN802) for what is no matrix, ValueError for a fraction outside of [0, 1];
    WriteError (TN594) for a value. Source: Martens, ICML 2010.

    >>> (nn.init.sparse_(nn.Parameter(tn.zeros(4, 2)), 0.5).detach() == 0).sum(axis=0)
    tensor([2, 2])
    """
    if tensor.ndim != 2:
        raise ShapeError(f"sparse_: a place of shape {list(tensor.shape)} is no matrix")
    if not 0 <= sparsity <= 1:
        raise ValueError(f"sparse_: sparsity is a fraction from 0 to 1, and {sparsity} is not")
    order = rand(tensor.shape, generator=generator).argsort(axis=0)
    numbers = randn(tensor.shape, generator=generator) * std
    return _write(tensor, "copy_", where(order < math.ceil(sparsity * tensor.shape[0]), 0.0, numbers))


def _spread(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    """gain / √fan."""
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode is 'fan_in' or 'fan_out', not {mode!r}")
    fan = fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(max(1, fan))


constant, dirac, eye, normal, orthogonal, sparse = constant_, dirac_, eye_, normal_, orthogonal_, sparse_
kaiming_normal, kaiming_uniform, uniform = kaiming_normal_, kaiming_uniform_, uniform_
xavier_normal, xavier_uniform = xavier_normal_, xavier_uniform_
_calculate_fan_in_and_fan_out = fans
