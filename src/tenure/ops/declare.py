"""The constructors of primitives, by what is known of the derivative.

* ``pointwise`` – elementwise over broadcast operands; vjp and jvp are derived from the partial derivatives,
  and examples are aligned.
* ``linear`` – linear in some operands; jvp is itself, vjp its transpose.
* ``primitive`` – all rules are written out; ``NOT_DIFFERENTIABLE`` is said, never implied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from tenure.dtypes import DType
from tenure.errors import DTypeError, ShapeError
from tenure.ir.aval import Aval
from tenure.ir.kind import Cost, Kind
from tenure.ir.primitive import (
    NOT_DIFFERENTIABLE,
    UNSIGNED,
    Primitive,
    Rule,
    Samples,
    Zeros,
    _NotDifferentiable,
)
from tenure.ir.program import TABLE, Value
from tenure.ir.traits import NO_TRAITS, Traits
from tenure.ops.batching import Batch, aligned
from tenure.ops.convert import converted
from tenure.ops.lowering import elementwise
from tenure.ops.selection import Selection, level, times, unselected_like

primitive = Primitive

Domain = Callable[..., Any]
Partial = Callable[..., Value | Selection] | float

SHAPES: dict[int, tuple[tuple[tuple[int, ...], ...], ...]] = {
    1: (((),), ((3,),), ((2, 3),), ((0, 2),)),
    2: (((), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((4, 1, 2), ()), ((0, 3), (3,))),
    3: (((3,), (3,), (3,)), ((2, 3), (3,), ()), ((), (2, 1), (1, 3)), ((0,), (0,), (1,))),
}


def interval(low: float, high: float) -> Domain:
    """Samples uniformly from an interval (whole numbers for integers, coin flips for bool)."""

    def sample(rng: Any, shape: tuple[int, ...], dtype: DType) -> Any:
        if dtype.kind == "b":
            return rng.integers(0, 2, shape).astype(bool)
        if dtype.kind in "iu":
            return rng.integers(int(low), int(high) + 1, shape).astype(dtype.numpy)
        x = rng.uniform(low, high, shape)
        return converted(np, x + 1j * rng.uniform(low, high, shape) if dtype.is_complex else x, dtype)

    return sample


REALS = interval(-3.0, 3.0)
POSITIVE = interval(0.5, 4.0)
NONZERO = interval(1.0, 3.0)


def claim(name: str, dtype: DType, kinds: str) -> None:
    """DTypeError (TN802) for a dtype of another kind than these."""
    if dtype.kind not in kinds:
        raise DTypeError(f"{name} is not defined for {dtype.name}")


def broadcast_shapes(shapes: Sequence[tuple[int, ...]], name: str) -> tuple[int, ...]:
    """NumPy's broadcasting; ShapeError (TN802) names every shape."""
    ndim = max([len(s) for s in shapes], default=0)
    out: list[int] = []
    for axis in range(-ndim, 0):
        sizes = {s[axis] for s in shapes if len(s) >= -axis} - {1}
        if len(sizes) > 1:
            listed = " and ".join(str(list(s)) for s in shapes)
            raise ShapeError(
                f"{name}: shapes {listed} do not broadcast together",
                help="axes are matched from the last; each pair must be equal, or one of them 1",
            )
        out.append(sizes.pop() if sizes else 1)
    return tuple(out)


def pointwise_aval(name: str, kinds: str, result: DType | None) -> Callable[..., Aval]:
    """The shape and dtype rule of an elementwise primitive: one dtype in, broadcast shape out."""

    def rule(*xs: Aval, **params: Any) -> Aval:
        dtype = xs[0].dtype
        if any(x.dtype is not dtype for x in xs):
            raise DTypeError(f"{name}: operands of dtypes {', '.join(x.dtype.name for x in xs)} need a cast")
        claim(name, dtype, kinds)
        return Aval(broadcast_shapes([x.shape for x in xs], name), result or dtype)

    return rule


def unbroadcast(g: Value, x: Value) -> Value:
    """Sum a cotangent down to the shape of the operand that was broadcast: the transpose of broadcasting."""
    if g.shape == x.shape:
        return g
    lead = g.ndim - x.ndim
    axes = tuple([k for k in range(g.ndim) if k < lead or (x.shape[k - lead] == 1 and g.shape[k] != 1)])
    if axes:
        g = TABLE["reduce_sum"](g, axes=axes)
    return g if g.shape == x.shape else TABLE["reshape"](g, shape=x.shape)


def broadcast_like(x: Value, ans: Value) -> Value:
    """Broadcast to the shape of the result, where it differs."""
    return x if x.shape == ans.shape else TABLE["broadcast_to"](x, shape=ans.shape)


def _chain_rules(partials: Sequence[Partial]) -> tuple[Rule, Rule]:
    """The vjp and the jvp of an elementwise function."""

    def apply(partial: Partial, ans: Value, xs: Sequence[Value], params: Any) -> Value | Selection | float:
        return partial(ans, *xs, **params) if callable(partial) else partial

    def vjp(g: Value, ans: Value, *xs: Value, **params: Any) -> list[Value | None]:
        return [
            unbroadcast(times(g, apply(p, ans, xs, params)), x) if x.builder.tracked[x.id] else None
            for p, x in zip(partials, xs, strict=True)
        ]

    def jvp(dxs: Sequence[Value | None], ans: Value, *xs: Value, **params: Any) -> Value | None:
        total: Value | None = None
        for p, dx in zip(partials, dxs, strict=True):
            if dx is not None:
                term = times(dx, apply(p, ans, xs, params))
                total = term if total is None else total + term
        return None if total is None else broadcast_like(total, ans)

    return vjp, jvp


def pointwise(
    name: str,
    *,
    ref: Rule,
    partials: tuple[Partial, ...] | _NotDifferentiable,
    domain: tuple[Domain, ...],
    dtypes: str,
    lower: Rule | Kind,
    heavy: bool = False,
    result: DType | None = None,
    traits: Traits = NO_TRAITS,
    batch: Batch = aligned,
    zeros: Zeros | None = None,
    params: Sequence[Mapping[str, Any]] = ({},),
) -> Primitive:
    """An elementwise primitive. ``partials[k](ans, *xs)`` is ∂ans/∂x_k: a Value, a Selection, or a number if constant;
    ``lower(e, *elements)`` is its native form, ``heavy`` if it is not to be computed twice. Every rule takes the
    parameters, of which ``params`` are samples, as keywords."""

    def samples(rng: Any, dtype: DType) -> Iterable[tuple[tuple[Any, ...], dict[str, Any]]]:
        for given, shapes in product(params, SHAPES[len(domain)]):
            yield tuple(d(rng, s, dtype) for d, s in zip(domain, shapes, strict=True)), dict(given)

    vjp: Rule | _NotDifferentiable = NOT_DIFFERENTIABLE
    jvp: Rule | _NotDifferentiable = NOT_DIFFERENTIABLE
    argnums: tuple[int, ...] | None = ()
    if not isinstance(partials, _NotDifferentiable):
        vjp, jvp = _chain_rules(partials)
        argnums = None
    return Primitive(
        name,
        aval=pointwise_aval(name, dtypes, result),
        ref=ref,
        vjp=vjp,
        jvp=jvp,
        argnums=argnums,
        dtypes=dtypes,
        samples=samples,
        lower=lower if isinstance(lower, Kind) else elementwise(lower, Cost.HEAVY if heavy else Cost.LIGHT),
        batch=batch,
        traits=traits,
        zeros=zeros,
    )


def _transposes(rules: tuple[Rule, ...], argnums: tuple[int, ...] | None) -> Rule:
    """The vjp of a linear primitive. The last operand's comes first: that of a written value reads the
    cotangent, which the base's may then write in place."""

    def of_all(g: Value, ans: Value, *xs: Value, **params: Any) -> list[Value | None]:
        return rules[0](g, *xs, **params)  # type: ignore[no-any-return]

    def of_some(g: Value, ans: Value, *xs: Value, **params: Any) -> list[Value | None]:
        assert argnums is not None
        found: list[Value | None] = []
        for k, rule in reversed(list(zip(argnums, rules, strict=True))):
            found.append(rule(g, *xs, **params) if xs[k].builder.tracked[xs[k].id] else None)
        return found[::-1]

    return of_all if argnums is None else of_some


def _joined(found: Sequence[int], **params: Any) -> int:
    """The zeros of an array that is put together from others."""
    return max(found, default=UNSIGNED)


def _moving(xs: Sequence[Value], argnums: tuple[int, ...] | None, dxs: Sequence[Value | None]) -> list[Value]:
    """The operands with their tangents in the place of those that have them."""
    out = list(xs)
    for k, dx in zip(range(len(xs)) if argnums is None else argnums, level(dxs), strict=True):
        out[k] = unselected_like(xs[k]) if dx is None else dx
    return out


def linear(
    name: str,
    *,
    aval: Callable[..., Aval],
    ref: Rule,
    transpose: tuple[Rule, ...],
    dtypes: str,
    samples: Samples,
    lower: Kind,
    batch: Batch,
    argnums: tuple[int, ...] | None = (0,),
    accumulate: Rule | None = None,
    in_place: int | None = None,
    traits: Traits = NO_TRAITS,
    alias: int | None = None,
    base: int | None = None,
) -> Primitive:
    """A primitive linear in its operands ``argnums`` jointly (None: in all of them).

    ``transpose[k](g, *xs, **params)`` is the cotangent of the k-th of them; where there are any number of operands, the
    only rule gives all. All others are added to the operand ``base``, where there is one.
    """

    def jvp(dxs: Sequence[Value | None], ans: Value, *xs: Value, **params: Any) -> Value:
        return made(*_moving(xs, argnums, dxs), **params)

    made = Primitive(
        name,
        aval=aval,
        ref=ref,
        vjp=_transposes(transpose, argnums),
        jvp=jvp,
        argnums=argnums,
        dtypes=dtypes,
        samples=samples,
        lower=lower,
        batch=batch,
        accumulate=accumulate,
        in_place=in_place,
        traits=traits,
        alias=alias,
        zeros=(argnums if base is None else (base,), _joined),
    )
    return made
