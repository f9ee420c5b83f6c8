"""Random tensors of distributions whose parameters are numbers or tensors: one recorded step over a draw.

Parameters broadcast together. Gradients flow to those that a sample moves with: by its formula, or implicitly
(``ops.implicit``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tenure import dtypes
from tenure.dtypes import DType, DTypeLike, as_dtype, promote
from tenure.errors import DTypeError, ShapeError, following
from tenure.ops import angles, draws, move, normal, pointwise, rounding, special
from tenure.ops.declare import broadcast_shapes
from tenure.ops.promote import Operation, as_type, parameters
from tenure.runtime.bracket import bracket
from tenure.values.grad.vmapped import select
from tenure.values.native.hits import apply
from tenure.values.operations.arithmetic import to_dtype
from tenure.values.operations.creation import check_device
from tenure.values.operations.generator import Generator, chosen_or_default
from tenure.values.operations.reading import value_of
from tenure.values.rules.levels import drawing
from tenure.values.rules.sites import here
from tenure.values.tensor.random import NORMAL, UNIFORM, recorded_draw
from tenure.values.trace.given import check_shape
from tenure.values.trace.record import RECORDER

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor

NAME = RECORDER.enter_site
COUNTED = 2.0**53
"""The largest whole number up to which floats have all."""


class Parameter(NamedTuple):
    """A parameter of a distribution: any float; with ``least``, from 0 on, or above it if ``open``, up to ``most``."""

    name: str
    bounded: bool = True
    open: bool = False
    most: float | None = None

    def check(self, name: str, x: float) -> None:
        """DomainError (TN802) for a number that it cannot be."""
        if self.bounded:
            span = draws.span(what=f"{name}: {self.name}", open=self.open, most=self.most or np.finfo(float).max)
            if not span.admits(x):
                raise span.error(x)

    def checked(self, name: str, x: Any) -> Any:
        """The same of the elements of a tensor, when it is computed."""
        if not self.bounded:
            return x
        most = float(np.finfo(x.dtype.numpy).max) if self.most is None else self.most
        return draws.within(x, what=f"{name}: {self.name}", open=self.open, most=most)


class Distribution:
    """A distribution: its name, its parameters, and its numbers by ``function``, of a draw and the parameters.

    The draw is the operation ``base``, or, where that is None, of the numbers of the elements: the function then takes
    the generator's seed and the number of the operation last.
    """

    def __init__(
        self, name: str, function: Callable[..., Any], *given: Parameter, base: Operation | None,
        grad: str | None = None,
    ) -> None:
        self.name, self.given, self.base, self.function = name, given, base, function
        self.operation = Operation(name, self._whole, grad)

    def _whole(self, u: Any, *xs: Any, forms: tuple[str, ...], dtype: DType) -> Any:
        count = forms.count("tensor")
        sources = {"tensor": iter(xs[:count]), "number": iter(xs[count:])}
        values = [as_type(following(sources[form]), dtype) for form in forms]
        values = [
            p.checked(self.name, x) if form == "tensor" else x
            for p, form, x in zip(self.given, forms, values, strict=True)
        ]
        return self.function(u, *values, *xs[len(forms) :])

    def draw(
        self, xs: tuple[Any, ...], size: Any, dtype: DTypeLike | None, generator: Generator | None, device: Any = None
    ) -> Tensor:
        """Numbers of the distribution, in the shape that the parameters have together, or to which they broadcast;
        those of narrow floats are drawn as float32."""
        check_device(device)
        values = [of_parameter(self.name, p, x) for p, x in zip(self.given, xs, strict=True)]
        tensors = [x for x in values if type(x) is not float]
        target = floating(self.name, dtype, tensors)
        shape = together(self.name, [x.shape for x in tensors], size, target)
        inner = target if target.itemsize >= dtypes.default_float.itemsize else dtypes.default_float
        forms = tuple(["number" if type(x) is float else "tensor" for x in values])
        params = parameters(("forms", "dtype"), forms, inner)
        numbers: tuple[Any, ...] = tuple([x for x in values if type(x) is float])
        if self.base is not None:
            u = recorded_draw(self.base, shape, (("dtype", inner),), generator)
        else:
            u, numbers = positions(shape), (*numbers, *chosen_or_default(generator).take())
        return to_dtype(at_line(self.operation, (u, *tensors), params, numbers), target)


def at_line(fn: Operation, operands: tuple[Any, ...], params: Any, numbers: tuple[Any, ...]) -> Tensor:
    """A recorded step that carries the user's line, unless a module's call has set one."""
    if RECORDER.site is not None:
        return apply(fn, operands, params, numbers)
    found: Tensor = bracket(((NAME, here()),), ((NAME, None),), apply, fn, operands, params, numbers)
    return found


def of_parameter(name: str, parameter: Parameter, x: Any) -> Any:
    """A parameter as a float, or the value of a tensor; TN802 for anything else, and for a number out of range."""
    if isinstance(x, np.generic) and x.dtype.kind in "biuf":
        x = x.item()
    if isinstance(x, bool | int | float):
        parameter.check(name, float(x))
        return float(x)
    value = value_of(x)
    if value.dtype.kind == "c":
        raise DTypeError(f"{name}: {parameter.name} is real, not {value.dtype.name}")
    return value


def floating(name: str, dtype: DTypeLike | None, tensors: list[Any]) -> DType:
    """The dtype of the numbers: as given, else that of the floating parameters."""
    found: DType | None = None
    for x in tensors:
        if x.dtype.is_floating:
            found = x.dtype if found is None else promote(found, x.dtype)
    target = (found or dtypes.default_float) if dtype is None else as_dtype(dtype)
    if not target.is_floating:
        raise DTypeError(f"{name} draws floats, not {target.name}", help=f"cast the numbers: .to(tn.{target.name})")
    return target


def together(name: str, shapes: list[tuple[int, ...]], size: Any, dtype: DType) -> tuple[int, ...]:
    """The shape of parameters, or one that is given and to which they broadcast."""
    shape = broadcast_shapes(shapes, name)
    if size is None:
        return shape
    wanted = check_shape(size, dtype)
    if broadcast_shapes([shape, wanted], name) != wanted:
        raise ShapeError(
            f"{name}: parameters of shape {list(shape)} for numbers of shape {list(wanted)}",
            help="the parameters broadcast to the size, which is that of the result",
        )
    return wanted


def _numbered(zero: Any, *, shape: tuple[int, ...]) -> Any:
    size = 1
    for n in shape:
        size *= n
    count = zero.builder.emit(move.iota, (), {"length": size, "dtype": dtypes.int64})
    return count if len(shape) == 1 else move.reshape(count, shape=shape)


POSITIONS = Operation("positions", _numbered)


def positions(shape: tuple[int, ...]) -> Tensor:
    """The number of each element; inside vmapped functions those of each example that is to have numbers of its own."""
    levels = drawing(RECORDER.vmap)
    whole = (*[level.count for level in levels], *shape)
    x = apply(POSITIONS, (), (("shape", whole),), (0,))
    for level in levels:
        x = select(x, 0, level)
    return x


def _exponential(u: Any) -> Any:
    return -special.log1p(-u)


def _halves(u: Any) -> tuple[Any, Any]:
    """Whether a uniform number lies in the lower half, and its place in its half."""
    lower = pointwise.less(u, u.coerce(0.5))
    return lower, pointwise.where(lower, u + u, u + u - 1)


def _laplace(u: Any, loc: Any, scale: Any) -> Any:
    lower, v = _halves(u)
    size = _exponential(v)
    return loc + scale * pointwise.where(lower, -size, size)


def _geometric(u: Any, p: Any) -> Any:
    trials = rounding.ceil(special.log1p(-u) / special.log1p(-p))
    return pointwise.maximum(trials, trials.coerce(1))


def _bernoulli(u: Any, p: Any) -> Any:
    return as_type(pointwise.less(u, p), p.dtype)


def _truncated(u: Any, mean: Any, std: Any, low: Any, high: Any) -> Any:
    """By the quantile; an interval on the right is turned to the left, where there are more digits."""
    a, b = (low - mean) / std, (high - mean) / std
    turned = pointwise.greater(a + b, (a + b).coerce(0))
    first, last = pointwise.where(turned, -b, a), pointwise.where(turned, -a, b)
    start = normal.ndtr(first)
    z = normal.ndtri(start + u * (normal.ndtr(last) - start))
    x = mean + std * pointwise.where(turned, -z, z)
    return pointwise.minimum(pointwise.maximum(x, low), high)


def _gamma(position: Any, concentration: Any, rate: Any, seed: Any, number: Any) -> Any:
    return draws.gamma(concentration, seed, number, position, logarithm=False) / rate


def _log_gamma(position: Any, concentration: Any, seed: Any, number: Any) -> Any:
    return draws.gamma(concentration, seed, number, position, logarithm=True)


def _poisson(position: Any, rate: Any, seed: Any, number: Any) -> Any:
    return draws.poisson(rate, seed, number, position)


def _binomial(position: Any, count: Any, p: Any, seed: Any, number: Any) -> Any:
    return draws.binomial(count, p, seed, number, position)


def _von_mises(position: Any, loc: Any, concentration: Any, seed: Any, number: Any) -> Any:
    """The angle turned by loc, in [−π, π)."""
    angle = loc + draws.von_mises(concentration, seed, number, position)
    turns = pointwise.floor((angle + float(np.pi)) * (0.5 / float(np.pi)))
    return angle - turns * (2 * float(np.pi))


LOC, SCALE = Parameter("loc", bounded=False), Parameter("scale")
MEAN, STD = Parameter("mean", bounded=False), Parameter("std")
CHANCE = Parameter("p", most=1.0)
RATE, CONCENTRATION = Parameter("rate", open=True), Parameter("concentration", open=True)
NORMALS = Distribution("normal", lambda u, mean, std: mean + std * u, MEAN, STD, base=NORMAL)
LOG_NORMALS = Distribution(
    "log_normal", lambda u, mean, std: pointwise.exp(mean + std * u), MEAN, STD, base=NORMAL, grad="ExpBackward0"
)
EXPONENTIALS = Distribution("exponential", lambda u, rate: _exponential(u) / rate, RATE, base=UNIFORM)
LAPLACES = Distribution("laplace", _laplace, LOC, SCALE, base=UNIFORM)
CAUCHYS = Distribution(
    "cauchy", lambda u, loc, scale: loc + scale * angles.tan((u - 0.5) * float(np.pi)), LOC, SCALE, base=UNIFORM
)
TRUNCATED = Distribution(
    "truncated_normal",
    _truncated,
    *(MEAN, STD._replace(open=True), Parameter("low", bounded=False), Parameter("high", bounded=False)),
    base=UNIFORM,
)
BERNOULLIS = Distribution("bernoulli", _bernoulli, CHANCE, base=UNIFORM)
GEOMETRICS = Distribution("geometric", _geometric, CHANCE._replace(open=True), base=UNIFORM)
GAMMAS = Distribution("gamma", _gamma, CONCENTRATION, RATE, base=None, grad="StandardGammaBackward0")
LOG_GAMMAS = [
    Distribution(name, _log_gamma, CONCENTRATION._replace(name=argument), base=None, grad="StandardGammaBackward0")
    for name, argument in (("dirichlet", "concentration"), ("beta", "concentration1"), ("beta", "concentration0"))
]
"""Logarithms of gamma numbers, of which the distributions named are made."""
POISSONS = Distribution("poisson", _poisson, Parameter("rate", most=COUNTED), base=None)
BINOMIALS = Distribution(
    "binomial", _binomial, Parameter("count", most=COUNTED), Parameter("prob", most=1.0), base=None
)
VON_MISES = Distribution("von_mises", _von_mises, LOC, Parameter("concentration"), base=None)
