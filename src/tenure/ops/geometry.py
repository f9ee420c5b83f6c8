"""Products and distances of vectors along one axis, in primitives."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from tenure.errors import DTypeError, ShapeError
from tenure.ir.program import Value
from tenure.ops import move, pointwise, reduce
from tenure.ops.complexes import conjugate
from tenure.ops.declare import broadcast_shapes
from tenure.ops.einsum import einsum
from tenure.ops.promote import common, floating
from tenure.ops.rearrange import part, shaped

Function = Callable[[Value], Value]


def inner(x: Value, y: Value) -> Value:
    """The sums of products along the last axes, for each part of x and each of y."""
    if not x.ndim or not y.ndim:
        return pointwise.multiply(*common(x, y))
    own, other = ("".join([chr(first + k) for k in range(v.ndim - 1)]) for first, v in ((0x100, x), (0x200, y)))
    return einsum(x, y, equation=f"{own}k,{other}k->{own}{other}", name="inner")


def vecdot(x: Value, y: Value, *, axis: int) -> Value:
    """The inner products along an axis, given from the end, the others broadcast together; x is conjugate."""
    x, y = common(x, y)
    for v in (x, y):
        if v.ndim < -axis:
            raise ShapeError(f"vecdot: shapes {list(x.shape)} and {list(y.shape)}: there is no axis {axis} in one")
    if x.shape[axis] != y.shape[axis]:
        raise ShapeError(
            f"vecdot: shapes {list(x.shape)} and {list(y.shape)}: sizes {x.shape[axis]} and {y.shape[axis]} along axis "
            f"{axis} differ"
        )
    if x.dtype.kind == "b":
        raise DTypeError("vecdot is not defined for bool", help="cast to a number: x.long()")
    broadcast_shapes([x.shape, y.shape], "vecdot")
    terms = pointwise.multiply(conjugate(x), y)
    return reduce.reduce_sum(terms, axes=(terms.ndim + axis,))


def cross(x: Value, y: Value, *, axis: int) -> Value:
    """The cross products of vectors of three along an axis, given from the end, the others broadcast together."""
    x, y = common(x, y)
    for v in (x, y):
        if v.ndim < -axis or v.shape[axis] != 3:
            raise ShapeError(f"cross: shapes {list(x.shape)} and {list(y.shape)}: axis {axis} of each has size 3")
    shape = broadcast_shapes([x.shape, y.shape], "cross")
    x, y = (v if v.shape == shape else move.broadcast_to(v, shape=shape) for v in (x, y))
    at = len(shape) + axis
    a, b = ([part(v, at, k, 1) for k in range(3)] for v in (x, y))
    found = [a[k - 2] * b[k - 1] - a[k - 1] * b[k - 2] for k in range(3)]
    return move.concat(*found, axis=at)


def kron(x: Value, y: Value) -> Value:
    """The Kronecker product: each element of x times all of y, in its place."""
    x, y = common(x, y)
    ndim = max(x.ndim, y.ndim)
    left, right = ((*[1] * (ndim - v.ndim), *v.shape) for v in (x, y))
    wide = shaped(x, tuple([k for n in left for k in (n, 1)]))
    terms = pointwise.multiply(wide, shaped(y, tuple([k for n in right for k in (1, n)])))
    return shaped(terms, tuple([m * n for m, n in zip(left, right, strict=True)]))


def distances(x: Value, y: Value, *, p: float) -> Value:
    """The p-norm of the difference of each row of x and each row of y; its gradient at a distance of 0 is 0."""
    x, y = common(floating(x), floating(y))
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ShapeError(
            f"cdist: shapes {list(x.shape)} and {list(y.shape)}: both are rows of points (…, count, size) of one size"
        )
    broadcast_shapes([x.shape[:-2], y.shape[:-2]], "cdist (batch axes)")
    rows, columns = (*x.shape[:-1], 1, x.shape[-1]), (*y.shape[:-2], 1, *y.shape[-2:])
    away = pointwise.subtract(shaped(x, rows), shaped(y, columns))
    axes, size = (away.ndim - 1,), pointwise.absolute(away)
    if p == 1 or not away.shape[-1]:
        return reduce.reduce_sum(size, axes=axes)
    if p == inf:
        return reduce.reduce_max(size, axes=axes)
    if p == 0:
        return reduce.reduce_sum(pointwise.sign(size), axes=axes)
    if p == 2:
        return _of_positive(pointwise.sqrt, reduce.reduce_sum(pointwise.multiply(away, away), axes=axes))
    total = reduce.reduce_sum(_of_positive(_power(p), size), axes=axes)
    return _of_positive(_power(1 / p), total)


def _power(p: float) -> Function:
    return lambda x: pointwise.power(x, x.coerce(p))


def _of_positive(function: Function, x: Value) -> Value:
    """A function of what is not negative; 0, and no gradient, at 0."""
    none = pointwise.equal(x, x.coerce(0))
    return pointwise.where(none, x.coerce(0), function(pointwise.where(none, x.coerce(1), x)))
