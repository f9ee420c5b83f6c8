"""Scans: the reductions of all beginnings of an axis.

    cumsum x axis=0        y[k] = x[0] + … + x[k]
    recurrence a b axis=0  y[k] = a[k] · y[k − 1] + b[k], with y[−1] = 0

``reverse`` goes from the end of the axis, ``exclusive`` leaves out the element itself. The gradient of a scan is a scan
in the other direction. Floats narrower than float64 are added and multiplied in float64, and rounded once.
"""

from __future__ import annotations

from collections.abc import Sequence

from tenure.ir.primitive import Primitive
from tenure.ir.program import Value
from tenure.ops.batching import shift_axes
from tenure.ops.complexes import SPLIT
from tenure.ops.declare import REALS, interval, linear, primitive
from tenure.ops.index import add_along, take_along
from tenure.ops.index_batching import iota
from tenure.ops.lowering import Scan
from tenure.ops.move import broadcast_to, concat, crop, pad, permute, reshape
from tenure.ops.pointwise import ALL, NUMBERS, equal, logical_or, not_equal, where
from tenure.ops.reduce import reduce_sum
from tenure.ops.selection import ready, unselected_like
from tenure.ops.spans import FORMS, SHAPES, WAYS, meaning, samples_of, scan_aval, steps_of

# -- sums


cumsum: Primitive = linear(
    "cumsum",
    lower=Scan("add"),
    batch=shift_axes("axis"),
    aval=scan_aval("cumsum", "add", "whole", NUMBERS),
    ref=meaning("add", "whole"),
    transpose=(lambda g, x, *, axis, reverse: cumsum(g, axis=axis, reverse=not reverse),),
    dtypes=NUMBERS,
    samples=samples_of(1, REALS, WAYS),
)


# -- recurrences


def shifted(x: Value, axis: int, back: bool) -> Value:
    """Each element one further along an axis, or one back, and a zero in the place that is free."""
    widths = [(0, 0)] * x.ndim
    widths[axis] = (-1, 1) if back else (1, -1)
    return pad(x, widths=tuple(widths)) if x.shape[axis] else x


def onwards(a: Value, g: Value, axis: int, reverse: bool) -> Value:
    """The cotangents of what is added in a recurrence: λ[k] = g[k] + a[k + 1] · λ[k + 1]."""
    return recurrence(shifted(a, axis, back=not reverse), g, axis=axis, reverse=not reverse)


def _recurrence_vjp(g: Value, ans: Value, a: Value, b: Value, *, axis: int, reverse: bool) -> list[Value | None]:
    reached = onwards(a, g, axis, reverse)
    tracked = a.builder.tracked
    of_a = reached * shifted(ans, axis, back=reverse) if tracked[a.id] else None
    return [of_a, reached if tracked[b.id] else None]


def _recurrence_jvp(
    dxs: Sequence[Value | None], ans: Value, a: Value, b: Value, *, axis: int, reverse: bool
) -> Value | None:
    da, db = dxs
    moved = None if da is None else da * shifted(ans, axis, back=reverse)
    total = db if moved is None else moved if db is None else moved + db
    return None if total is None else recurrence(a, total, axis=axis, reverse=reverse)


recurrence: Primitive = primitive(
    "recurrence",
    lower=Scan("recurrence"),
    batch=shift_axes("axis"),
    aval=scan_aval("recurrence", "recurrence", "whole", "f"),
    ref=meaning("recurrence", "whole"),
    vjp=_recurrence_vjp,
    jvp=_recurrence_jvp,
    argnums=None,
    dtypes="f",
    samples=samples_of(2, interval(-1, 1), WAYS),
)
"""y[k] = a[k] · y[k − 1] + b[k], the first of which is b[0] where a[0] is finite."""


# -- products


def preceding(ans: Value, axis: int, reverse: bool) -> Value:
    """The products before each element, from those that it ends."""
    n = ans.shape[axis]
    if n == 0:
        return ans
    one = ans.builder.full((*ans.shape[:axis], 1, *ans.shape[axis + 1 :]), 1, ans.dtype)
    rest = crop(ans, axis, 1 if reverse else 0, n - 1)
    return concat(rest, one, axis=axis) if reverse else concat(one, rest, axis=axis)


def _cumprod_vjp(g: Value, ans: Value, x: Value, *, axis: int, reverse: bool, exclusive: bool) -> list[Value | None]:
    """The product before an element, times the sum of what the products behind it give: no division, so that zeros
    are numbers like others, at any order."""
    if exclusive:
        reached = onwards(x, shifted(g, axis, back=not reverse), axis, reverse)
        return [reached * ans]
    return [onwards(x, g, axis, reverse) * preceding(ans, axis, reverse)]


def _cumprod_jvp(dxs: Sequence[Value], ans: Value, x: Value, *, axis: int, reverse: bool, exclusive: bool) -> Value:
    before = ans if exclusive else preceding(ans, axis, reverse)
    later = shifted(shifted(x, axis, back=not reverse), axis, back=reverse)
    found = recurrence(later, dxs[0] * before, axis=axis, reverse=reverse)
    return shifted(found, axis, back=reverse) if exclusive else found


cumprod: Primitive = primitive(
    "cumprod",
    lower=Scan("multiply"),
    batch=shift_axes("axis"),
    aval=scan_aval("cumprod", "multiply", "whole", NUMBERS),
    ref=meaning("multiply", "whole"),
    vjp=_cumprod_vjp,
    jvp=_cumprod_jvp,
    argnums=(0,),
    dtypes=NUMBERS,
    samples=samples_of(1, interval(-2, 2), FORMS, SHAPES[:-1]),
)


# -- extremes


def winners(ans: Value, x: Value, axis: int, reverse: bool) -> Value:
    """The index (int64) of each extreme so far: of the last of equals, or of the last NaN."""
    n = x.shape[axis]
    at = reshape(iota(x.builder, n), shape=tuple([n if k == axis else 1 for k in range(x.ndim)]))
    at = broadcast_to(at, shape=x.shape)
    hit = equal(x, ans)
    hit = logical_or(hit, not_equal(x, x)) if x.dtype.is_floating else hit
    if reverse:
        return cummin(where(hit, at, at.coerce(n - 1)), axis=axis, reverse=True)
    return cummax(where(hit, at, at.coerce(0)), axis=axis, reverse=False)


def turned(x: Value, axis: int) -> Value:
    """An axis exchanged with the last one."""
    order = list(range(x.ndim))
    order[axis], order[-1] = order[-1], order[axis]
    return x if axis == x.ndim - 1 else permute(x, order=tuple(order))


def _extreme(name: str, operation: str) -> Primitive:
    def vjp(g: Value, ans: Value, x: Value, *, axis: int, reverse: bool) -> list[Value | None]:
        at = turned(winners(ans, x, axis, reverse), axis)
        base = unselected_like(turned(x, axis))
        return [turned(add_along(base, ready(turned(g, axis)), at), axis)]

    def jvp(dxs: Sequence[Value], ans: Value, x: Value, *, axis: int, reverse: bool) -> Value:
        at = turned(winners(ans, x, axis, reverse), axis)
        return turned(take_along(turned(dxs[0], axis), at), axis)

    return primitive(
        name,
        lower=Scan(operation),
        batch=shift_axes("axis"),
        aval=scan_aval(name, operation, "whole", ALL),
        ref=meaning(operation, "whole"),
        vjp=vjp,
        jvp=jvp,
        argnums=(0,),
        dtypes=ALL,
        samples=samples_of(1, REALS, WAYS),
    )


cummax = _extreme("cummax", "max")
cummin = _extreme("cummin", "min")


STEPS = {of: steps_of(of) for of in (cumsum, cumprod, cummax, cummin)}
STEPS[recurrence] = steps_of(recurrence, STEPS[cumprod].totals[0])
"""The steps of a long scan."""


# -- products of complex numbers


def _doubled(z: Value, *, axis: int, reverse: bool, exclusive: bool) -> Value:
    """The products of one, two, four, … neighbours: each step takes in those of the step before."""
    n, reach = z.shape[axis], 1
    while reach < n:
        one = z.builder.full((*z.shape[:axis], reach, *z.shape[axis + 1 :]), 1, z.dtype)
        rest = crop(z, axis, reach if reverse else 0, n - reach)
        z = z * (concat(rest, one, axis=axis) if reverse else concat(one, rest, axis=axis))
        reach *= 2
    return preceding(z, axis, reverse) if exclusive else z


def _halved(z: Value, *, axes: tuple[int, ...]) -> Value:
    """The product of the first half and the second, again and again."""
    for axis in reversed(axes):
        while z.shape[axis] > 1:
            n = z.shape[axis]
            odd = crop(z, axis, n - 1, 1)
            half = crop(z, axis, 0, n // 2) * crop(z, axis, n // 2, n // 2)
            z = concat(half, odd, axis=axis) if n % 2 else half
        shape = (*z.shape[:axis], *z.shape[axis + 1 :])
        z = reshape(z, shape=shape) if z.shape[axis] else reduce_sum(z, axes=(axis,)) + 1.0
    return z


SPLIT |= {"cumprod": _doubled, "reduce_prod": _halved}
