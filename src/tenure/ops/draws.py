"""Random numbers of distributions with parameters, drawn by rejection (``ops.rejection``); what may be asked of these.

Operands are the parameters, the generator's seed, the number of the operation and that of each element, so that an
element can be drawn with others or by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from tenure import dtypes
from tenure.dtypes import DType
from tenure.errors import DomainError
from tenure.ir.aval import Aval
from tenure.ir.kind import Cost
from tenure.ir.primitive import NOT_DIFFERENTIABLE, Primitive, Rule
from tenure.ir.program import Value
from tenure.ir.traits import Interval, Traits
from tenure.ops import rejection
from tenure.ops.batching import aligned
from tenure.ops.declare import (
    POSITIVE,
    Domain,
    broadcast_like,
    broadcast_shapes,
    claim,
    interval,
    primitive,
    unbroadcast,
)
from tenure.ops.implicit import gamma_slope, von_mises_slope
from tenure.ops.lowering import Element, elementwise
from tenure.ops.selection import times

Slope = Callable[..., Value]


def _slopes(slope: Slope | None) -> tuple[Any, Any]:
    """The vjp and the jvp by the first parameter, which moves the quantile."""
    if slope is None:
        return NOT_DIFFERENTIABLE, NOT_DIFFERENTIABLE

    def vjp(g: Value, ans: Value, x: Value, *rest: Value, **params: Any) -> list[Value | None]:
        return [unbroadcast(times(g, slope(ans, x, **params)), x)]

    def jvp(dxs: Any, ans: Value, x: Value, *rest: Value, **params: Any) -> Value:
        return broadcast_like(times(dxs[0], slope(ans, x, **params)), ans)

    return vjp, jvp


def _distribution(
    name: str, meaning: Rule, domain: tuple[Domain, ...], slope: Slope | None = None, params: Any = ({},)
) -> Primitive:
    arity = len(domain)

    def aval(*xs: Aval, **params: Any) -> Aval:
        claim(name, xs[0].dtype, "f")
        return Aval(broadcast_shapes([x.shape for x in xs], name), xs[0].dtype)

    def samples(rng: Any, dtype: DType) -> Any:
        whole = dtypes.int64.numpy
        for given in params:
            for shape in ((), (7,), (2, 3), (0,)):
                position = np.arange(prod(shape), dtype=whole).reshape(shape)
                drawn = [of(rng, shape if k == 0 else shape[1:], dtype) for k, of in enumerate(domain)]
                yield (*drawn, whole.type(5), whole.type(1), position), given

    def native(e: Any, *xs: Any, **params: Any) -> Any:
        return e.random(name, *xs[arity:], *xs[:arity], **params)

    vjp, jvp = _slopes(slope)
    return primitive(
        name,
        lower=elementwise(native, Cost.HEAVY),
        batch=aligned,
        aval=aval,
        ref=lambda np, *xs, **params: meaning(*xs, **params),
        vjp=vjp,
        jvp=jvp,
        argnums=() if slope is None else (0,),
        traits=Traits(draws=True),
        dtypes="f",
        samples=samples,
    )


gamma = _distribution(
    "gamma",
    rejection.gamma,
    (interval(0.2, 6.0),),
    lambda ans, x, *, logarithm: gamma_slope(x, ans, n=1, logarithm=logarithm),
    ({"logarithm": False}, {"logarithm": True}),
)
"""The gamma distribution of a concentration and rate 1, or the logarithm of such numbers, which does not underflow."""
poisson = _distribution("poisson", rejection.poisson, (interval(0.5, 30.0),))
"""Poisson counts of a rate, as floats."""
binomial = _distribution("binomial", rejection.binomial, (interval(1.0, 90.0), interval(0.05, 0.95)))
"""Binomial counts of a number of trials and a probability, as floats."""
von_mises = _distribution(
    "von_mises", rejection.von_mises, (POSITIVE,), lambda ans, x: von_mises_slope(ans, x)
)
"""Angles of [−π, π] around 0, of the von Mises distribution of a concentration."""


def span(*, what: str, open: bool, most: float) -> Interval:
    """The interval of a parameter of some name: from 0, or above it, up to ``most``."""
    def error(x: float) -> Exception:
        upper = "positive and finite" if open else "not negative and finite"
        if most == 1.0:
            upper = "above 0, at most 1" if open else "from 0 to 1"
        elif most < 1e30:
            upper = f"{'above' if open else 'from'} 0 {'and at most' if open else 'to'} {most:g}"
        return DomainError(f"{what} is {x:g}", help=f"it is {upper}")

    return Interval(0, open, most, error)


def confirmed(*, said: str) -> Interval:
    """The interval of a condition as a float: 1 where it holds, else 0; ``said`` is the message of the error."""
    return Interval(0, True, 1.0, lambda x: DomainError(said))


def _checked(name: str, span: Callable[..., Interval], low: float, choices: tuple[dict[str, Any], ...]) -> Primitive:
    """The identity on floats of an interval, with samples between ``low`` and 1."""

    def aval(x: Aval, **params: Any) -> Aval:
        claim(name, x.dtype, "f")
        return Aval(x.shape, x.dtype)

    return primitive(
        name,
        batch=aligned,
        lower=Element(lambda e, index, x, **params: e.at(x, index)),
        aval=aval,
        ref=lambda np, x, **params: x,
        vjp=lambda g, ans, x, **params: [g],
        jvp=lambda dxs, ans, x, **params: dxs[0],
        argnums=None,
        traits=Traits(interval=span),
        dtypes="f",
        samples=lambda rng, dtype: [
            ((interval(low, 1.0)(rng, shape, dtype),), choices[k % len(choices)])
            for k, shape in enumerate(((), (3,), (2, 3), (0,)))
        ],
    )


within = _checked("within", span, 0.1, tuple([{"what": "p", "open": open, "most": 1.0} for open in (False, True)]))
"""The identity on floats from 0, or above it, to the most that there may be (DomainError, TN802, for others)."""
holds = _checked("holds", confirmed, 0.1, ({"said": "p is out of range"},))
"""The identity on conditions as floats, all of which hold (DomainError, TN802, if not)."""
