"""Convolution as three primitives, each linear in both operands, which are one another's derivatives.

For images x (N, C, …), weights w (O, C / groups, …) and results y (N, O, …), over the elements that there are:

    convolve x w    y[n, o, p] = Σ x[n, c, steps · p + gaps · k − lows] w[o, c, k]
    spread y w      x[n, c, steps · p + gaps · k − lows] += y[n, o, p] w[o, c, k]
    filters x y     w[o, c, k] = Σ x[n, c, steps · p + gaps · k − lows] y[n, o, p]

``shape`` is that of the result behind its first two axes. In cotangents an element −0.0 may not be selected;
``selects`` and ``marks`` say of which operand, and of the result, as for matrix products (``ops.contract``).

What lies outside of an image is no term: it is not multiplied by 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import prod
from typing import Any

from tenure.dtypes import DType
from tenure.errors import DTypeError, ShapeError
from tenure.ir.aval import Aval
from tenure.ir.primitive import PARTIAL, UNSIGNED, Primitive
from tenure.ir.program import TABLE, Value
from tenure.ops.batching import examples
from tenure.ops.batching import spread as repeated
from tenure.ops.declare import REALS, claim, primitive
from tenure.ops.lowering import Routine
from tenure.ops.move import reshape
from tenure.ops.rearrange import ordered
from tenure.ops.selection import NONE, zeros_of
from tenure.ops.tiling import layout, room

Sizes = tuple[int, ...]
Axis = tuple[slice, slice]


def _checked(name: str, x: Aval, y: Aval, shape: Sizes, groups: int, channels: tuple[int, int]) -> None:
    if x.dtype is not y.dtype:
        raise DTypeError(f"{name}: dtypes {x.dtype.name} and {y.dtype.name} need a cast")
    claim(name, x.dtype, "f")
    fits = x.ndim == y.ndim == len(shape) + 2 and 3 <= x.ndim <= 5 and channels[0] == channels[1]
    if not fits or any(n % groups for n in channels):
        raise ShapeError(f"{name}: shapes {list(x.shape)} and {list(y.shape)} with groups={groups} do not fit together")


def _convolve_aval(x: Aval, w: Aval, *, shape: Sizes, groups: int, **form: Any) -> Aval:
    _checked("convolve", x, w, shape, groups, (x.shape[1], w.shape[1] * groups))
    return Aval((x.shape[0], w.shape[0], *shape), x.dtype)


def _spread_aval(y: Aval, w: Aval, *, shape: Sizes, groups: int, **form: Any) -> Aval:
    _checked("spread", y, w, shape, groups, (y.shape[1], w.shape[0]))
    return Aval((y.shape[0], w.shape[1] * groups, *shape), y.dtype)


def _filters_aval(x: Aval, y: Aval, *, shape: Sizes, groups: int, **form: Any) -> Aval:
    _checked("filters", x, y, shape, groups, (x.shape[1], x.shape[1]))
    return Aval((y.shape[1], x.shape[1] // groups, *shape), x.dtype)


def _taps(sizes: Sizes, large: Sizes, small: Sizes, form: dict[str, Any]) -> Iterator[tuple[Sizes, Any, Any]]:
    """Each element of a window; of an image, and of a result, the parts that it makes meet."""
    for tap in product(*map(range, sizes)):
        axes: list[Axis] = []
        for k, n, m, step, gap, low in zip(tap, large, small, form["steps"], form["gaps"], form["lows"], strict=True):
            off = k * gap - low
            first, last = max(0, -(off // step)), min(m, (n - 1 - off) // step + 1)
            last = max(first, last)
            axes.append((slice(first * step + off, max((last - 1) * step + off + 1, 0), step), slice(first, last)))
        if all(s.start < s.stop for _, s in axes):
            yield tap, tuple([a for a, _ in axes]), tuple([a for _, a in axes])


def _total(np: Any, x: Any, y: Any, axes: tuple[int, ...], selects: int) -> tuple[Any, Any]:
    """Of aligned operands the sum of the products along axes, and whether there is one."""
    with np.errstate(all="ignore"):
        if not selects:
            return np.sum(x * y, axis=axes, dtype=x.dtype), True
        kept = _chosen(np, x, selects & 1) & _chosen(np, y, selects & 2)
        return np.sum(np.where(kept, x * y, 0), axis=axes, dtype=x.dtype), kept.any(axis=axes)


def _chosen(np: Any, x: Any, partial: int) -> Any:
    return ~((x == 0) & np.signbit(x)) if partial else np.ones(x.shape, bool)


def _grouped(x: Any, groups: int, axis: int) -> Any:
    """An array whose axis of channels is parted into groups."""
    return x.reshape(*x.shape[:axis], groups, x.shape[axis] // groups, *x.shape[axis + 1 :])


def _marked(np: Any, out: Any, found: Any, marks: bool) -> Any:
    return np.where(found, out, np.asarray(NONE, out.dtype)) if marks else out


def _convolve(
    np: Any, x: Any, w: Any, *, shape: Sizes, groups: int, selects: int = 0, marks: bool = False, **form: Any
) -> Any:
    x, w, n = _grouped(x, groups, 1), _grouped(w, groups, 0), len(shape)
    out = np.zeros((x.shape[0], groups, w.shape[1], *shape), x.dtype)
    seen = np.zeros(out.shape, bool)
    for tap, there, here in _taps(w.shape[3:], x.shape[3:], shape, form):
        factor = w[(..., *tap)].reshape(1, *w.shape[:3], *[1] * n)
        part, any_ = _total(np, x[(..., *there)][:, :, None], factor, (3,), selects)
        out[(..., *here)] += part
        seen[(..., *here)] |= any_
    return _marked(np, out, seen, marks).reshape(x.shape[0], w.shape[1] * groups, *shape)


def _spread(
    np: Any, y: Any, w: Any, *, shape: Sizes, groups: int, selects: int = 0, marks: bool = False, **form: Any
) -> Any:
    y, w, n = _grouped(y, groups, 1), _grouped(w, groups, 0), len(shape)
    out = np.zeros((y.shape[0], groups, w.shape[2], *shape), y.dtype)
    seen = np.zeros(out.shape, bool)
    for tap, there, here in _taps(w.shape[3:], shape, y.shape[3:], form):
        factor = w[(..., *tap)].reshape(1, *w.shape[:3], *[1] * n)
        part, any_ = _total(np, y[(..., *here)][:, :, :, None], factor, (2,), selects)
        out[(..., *there)] += part
        seen[(..., *there)] |= any_
    return _marked(np, out, seen, marks).reshape(y.shape[0], w.shape[2] * groups, *shape)


def _filters(
    np: Any, x: Any, y: Any, *, shape: Sizes, groups: int, selects: int = 0, marks: bool = False, **form: Any
) -> Any:
    x, y = _grouped(x, groups, 1), _grouped(y, groups, 1)
    out = np.zeros((groups, y.shape[2], x.shape[2], *shape), x.dtype)
    seen = np.zeros(out.shape, bool)
    for tap, there, here in _taps(shape, x.shape[3:], y.shape[3:], form):
        left, right = x[(..., *there)][:, :, None], y[(..., *here)][:, :, :, None]
        axes = (0, *range(4, left.ndim))
        out[(..., *tap)], seen[(..., *tap)] = _total(np, left, right, axes, selects)
    return _marked(np, out, seen, marks).reshape(y.shape[2] * groups, x.shape[2], *shape)


def _of(of: Primitive, x: Value, y: Value, left: bool, right: bool, **form: Any) -> Value:
    """A primitive on operands of which the left or right may have elements that are not selected."""
    return of(x, y, **form, selects=left + 2 * right, marks=True) if left or right else of(x, y, **form)


Ends = Callable[[Value, Value, Value], tuple[Primitive, Value, Value]]


def _rules(name: str, *back: Ends) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The vjp and the jvp. ``back[k](g, x, y)`` gives the cotangent of operand k: a primitive on two of the three."""

    def vjp(
        g: Value, ans: Value, *xs: Value, shape: Sizes, selects: int = 0, marks: bool = False, **form: Any
    ) -> list[Value | None]:
        partial = {g.id: zeros_of(g) == PARTIAL, **{x.id: bool(selects >> k & 1) for k, x in enumerate(xs)}}
        out: list[Value | None] = []
        for rule, x in zip(back, xs, strict=True):
            of, left, right = rule(g, *xs)
            wanted = x.builder.tracked[x.id]
            given = {**form, "shape": x.shape[2:]}
            out.append(_of(of, left, right, partial[left.id], partial[right.id], **given) if wanted else None)
        return out

    def jvp(
        dxs: Sequence[Value | None], ans: Value, x: Value, y: Value, *, selects: int = 0, marks: bool = False,
        **form: Any,
    ) -> Value | None:  # fmt: skip
        dx, dy = dxs
        of = TABLE[name]
        by_x = None if dx is None else _of(of, dx, y, zeros_of(dx) == PARTIAL, bool(selects & 2), **form)
        by_y = None if dy is None else _of(of, x, dy, bool(selects & 1), zeros_of(dy) == PARTIAL, **form)
        return by_x if by_y is None else by_y if by_x is None else by_x + by_y

    return vjp, jvp


def _batch(of: Primitive, batched: Sequence[bool], x: Value, y: Value, *, groups: int, **form: Any) -> Value:
    """Examples by one set of weights are more images, others more groups."""
    count, images = examples(batched, (x, y)), of is not filters
    if not count:
        avals = [v.aval.with_shape(v.shape[1:]) if has else v.aval for v, has in zip((x, y), batched, strict=True)]
        one = of.aval(*avals, groups=groups, **form)
        return x.builder.full((0, *one.shape), 0, one.dtype)
    if images and not batched[1]:
        found = of(reshape(x, shape=(prod(x.shape[:2]), *x.shape[2:])), y, groups=groups, **form)
        return reshape(found, shape=(*x.shape[:2], *found.shape[1:]))
    x, y = (repeated(v, has, count) for v, has in zip((x, y), batched, strict=True))
    left, right = _side_by_side(x), reshape(y, shape=(prod(y.shape[:2]), *y.shape[2:])) if images else _side_by_side(y)
    found = of(left, right, groups=groups * count, **form)
    if not images:
        return reshape(found, shape=(count, found.shape[0] // count, *found.shape[1:]))
    found = reshape(found, shape=(found.shape[0], count, found.shape[1] // count, *found.shape[2:]))
    return ordered(found, (1, 0, *range(2, found.ndim)))


def _side_by_side(x: Value) -> Value:
    """(N, examples · C, …) of (examples, N, C, …)."""
    turned = ordered(x, (1, 0, *range(2, x.ndim)))
    return reshape(turned, shape=(x.shape[1], x.shape[0] * x.shape[2], *x.shape[3:]))


CASES: tuple[tuple[Any, ...], ...] = (
    (2, 3, 4, 1, (9,), (3,), (1,), (1,), ((1, 1),)),
    (1, 4, 6, 2, (5, 6), (2, 3), (2, 1), (1, 2), ((0, 1), (2, 2))),
    (2, 3, 3, 3, (4, 7), (3, 3), (1, 1), (1, 1), ((1, 1), (1, 1))),
    (1, 2, 5, 1, (3, 3, 4), (2, 1, 2), (1, 2, 3), (2, 1, 1), ((1, 1), (0, 0), (0, 1))),
    (2, 5, 2, 1, (4, 3), (1, 1), (1, 1), (1, 1), ((0, 0), (0, 0))),
    (3, 17, 18, 1, (13, 16), (3, 3), (1, 1), (1, 1), ((1, 1), (1, 0))),
    (2, 67, 5, 1, (4, 3), (2, 2), (1, 2), (1, 1), ((1, 0), (0, 1))),
    (0, 2, 2, 1, (3, 3), (2, 2), (1, 1), (1, 1), ((0, 0), (0, 0))),
)
"""Samples: images, channels, results, groups, shape, sizes, steps, gaps, widths."""


def _samples(which: int) -> Callable[..., Any]:
    def samples(rng: Any, dtype: DType) -> Any:
        for n, c, o, groups, shape, sizes, steps, gaps, widths in CASES:
            axes = zip(shape, sizes, steps, gaps, widths, strict=True)
            found = tuple([(m + sum(w) - g * (k - 1) - 1) // s + 1 for m, k, s, g, w in axes])
            given = ((n, c, *shape), (o, c // groups, *sizes), (n, o, *found))
            x, w, y = (REALS(rng, form, dtype) for form in given)
            form = {"steps": steps, "gaps": gaps, "lows": tuple([low for low, _ in widths]), "groups": groups}
            pair, result = (((x, w), found), ((y, w), shape), ((x, y), sizes))[which]
            yield pair, {"shape": result, **form}
            if shape == (9,):
                pair[0][:, 1], pair[1][1] = NONE, NONE
                for selects, marks in ((1, True), (2, True), (3, True), (1, False)):
                    yield pair, {"shape": result, **form, "selects": selects, "marks": marks}

    return samples


def _terms(which: int) -> Callable[..., int]:
    """The number of products."""

    def terms(ans: Aval, xs: Sequence[Aval]) -> int:
        x, y = xs
        if which == 0:
            return ans.size * prod(y.shape[1:])
        return x.size * prod(y.shape[1:]) if which == 1 else y.size * prod(ans.shape[1:])

    return terms


def _declared(name: str, which: int, aval: Any, ref: Any, back: tuple[Ends, Ends], routine: str) -> Primitive:
    vjp, jvp = _rules(name, *back)

    def settled(x: Value, y: Value, *, marks: bool, **params: Any) -> Value:
        return made(x, y, **params)

    made = primitive(
        name,
        aval=aval,
        ref=ref,
        vjp=vjp,
        jvp=jvp,
        argnums=(0, 1),
        zeros=((), lambda found, *, marks=False, **form: PARTIAL if marks else UNSIGNED),
        settled=settled,
        batch=_batch,
        dtypes="f",
        samples=_samples(which),
        lower=Routine(
            routine,
            lambda ans, xs, **params: list(layout(which, ans, xs, **params)),
            _terms(which),
            lambda ans, xs, **params: room(which, ans, xs, **params),
            same=False,
        ),
    )
    return made


convolve: Primitive = _declared(
    "convolve",
    0,
    _convolve_aval,
    _convolve,
    (lambda g, x, w: (spread, g, w), lambda g, x, w: (filters, x, g)),
    "correlate",
)
spread: Primitive = _declared(
    "spread",
    1,
    _spread_aval,
    _spread,
    (lambda g, y, w: (convolve, g, w), lambda g, y, w: (filters, g, y)),
    "correlate",
)
filters: Primitive = _declared(
    "filters",
    2,
    _filters_aval,
    _filters,
    (lambda g, x, y: (spread, y, g), lambda g, x, y: (convolve, x, g)),
    "filters",
)
