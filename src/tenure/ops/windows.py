"""Windows over the last axes, and their transpose, which adds overlapping ones up.

``sizes`` are the elements of a window along each of these axes, ``gaps`` the elements from one to the next (1: side by
side), ``steps`` those from window to window.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from tenure.dtypes import DType
from tenure.errors import ShapeError
from tenure.ir.aval import Aval
from tenure.ir.kind import Cost
from tenure.ir.primitive import Primitive
from tenure.ir.program import Value
from tenure.ir.traits import MOVES
from tenure.ops import move
from tenure.ops.batching import spreading
from tenure.ops.declare import REALS, claim, linear
from tenure.ops.lowering import Element, Write, moving
from tenure.ops.pointwise import EVERY, NUMBERS
from tenure.ops.selection import NONE, ready

Sizes = tuple[int, ...]


def counts(shape: Sequence[int], sizes: Sizes, steps: Sizes, gaps: Sizes) -> Sizes:
    """The number of windows along each axis; negative where not one fits."""
    axes = zip(shape, sizes, steps, gaps, strict=True)
    return tuple([(n - gap * (size - 1) - 1) // step + 1 for n, size, step, gap in axes])


def _windows_aval(x: Aval, *, sizes: Sizes, steps: Sizes, gaps: Sizes) -> Aval:
    lead, shape = x.shape[: x.ndim - len(sizes)], x.shape[x.ndim - len(sizes) :]
    found = counts(shape, sizes, steps, gaps)
    if min(found, default=1) < 1:
        wide = [gap * (size - 1) + 1 for size, gap in zip(sizes, gaps, strict=True)]
        raise ShapeError(f"windows of {wide} do not fit into {list(shape)}")
    return x.with_shape((*lead, *sizes, *found))


def _spots(index: Sequence[Any], lead: int, steps: Sizes, gaps: Sizes) -> tuple[Any, ...]:
    """The place of an element of a window."""
    n = len(steps)
    within, window = index[lead : lead + n], index[lead + n :]
    places = [o * step + k * gap for k, o, step, gap in zip(within, window, steps, gaps, strict=True)]
    return (*index[:lead], *places)


def _element(e: Any, index: Any, x: Any, *, sizes: Sizes, steps: Sizes, gaps: Sizes) -> Any:
    return e.at(x, _spots(index, len(e.shape(x)) - len(sizes), steps, gaps))


def _seen(np: Any, x: Any, *, sizes: Sizes, steps: Sizes, gaps: Sizes) -> Any:
    lead, n = x.ndim - len(sizes), len(sizes)
    wide = [gap * (size - 1) + 1 for size, gap in zip(sizes, gaps, strict=True)]
    axes = tuple(range(lead, x.ndim))
    view = np.lib.stride_tricks.sliding_window_view(x, tuple(wide), axes)
    cut = [slice(None)] * lead + [slice(None, None, s) for s in steps] + [slice(None, None, g) for g in gaps]
    view = view[tuple(cut)]
    return view.transpose(*range(lead), *range(lead + n, lead + 2 * n), *range(lead, lead + n))


def _overlap_aval(g: Aval, *, shape: Sizes, steps: Sizes, gaps: Sizes) -> Aval:
    claim("overlap", g.dtype, NUMBERS)
    return g.with_shape((*g.shape[: g.ndim - 2 * len(shape)], *shape))


def _place(e: Any, index: Any, g: Any, *, shape: Sizes, steps: Sizes, gaps: Sizes) -> Any:
    return _spots(index, len(index) - 2 * len(steps), steps, gaps)


def _added(np: Any, g: Any, *, shape: Sizes, steps: Sizes, gaps: Sizes) -> Any:
    """Window by window: elements at the same place within theirs never meet."""
    n = len(shape)
    lead = g.ndim - 2 * n
    out = np.zeros((*g.shape[:lead], *shape), g.dtype)
    sizes, found = g.shape[lead : lead + n], g.shape[lead + n :]
    for within in product(*map(range, sizes)):
        axes = zip(within, found, steps, gaps, strict=True)
        cut = [slice(k * gap, k * gap + step * (o - 1) + 1, step) for k, o, step, gap in axes]
        out[(..., *cut)] += g[(*[slice(None)] * lead, *within)]
    return out


def _samples(rng: Any, dtype: DType) -> Any:
    for shape, sizes, steps, gaps in (
        ((7,), (3,), (1,), (1,)),
        ((2, 9), (3,), (2,), (2,)),
        ((2, 5, 6), (2, 3), (2, 1), (1, 2)),
        ((3, 4, 4), (4, 4), (1, 1), (1, 1)),
        ((2, 5, 6), (2, 3), (2, 3), (1, 1)),
        ((0, 3, 4), (2, 2), (1, 2), (1, 1)),
    ):
        yield shape, {"sizes": sizes, "steps": steps, "gaps": gaps}


def _overlap_samples(rng: Any, dtype: DType) -> Any:
    for shape, params in _samples(rng, dtype):
        n = len(params["sizes"])
        found = counts(shape[len(shape) - n :], params["sizes"], params["steps"], params["gaps"])
        g = REALS(rng, (*shape[: len(shape) - n], *params["sizes"], *found), dtype)
        yield (g,), {"shape": shape[len(shape) - n :], "steps": params["steps"], "gaps": params["gaps"]}


windows: Primitive = linear(
    "windows",
    batch=spreading,
    lower=moving(_element),
    aval=_windows_aval,
    ref=_seen,
    transpose=(
        lambda g, x, *, sizes, steps, gaps: overlap(
            ready(g), shape=x.shape[x.ndim - len(sizes) :], steps=steps, gaps=gaps
        ),
    ),
    traits=MOVES,
    dtypes=EVERY,
    samples=lambda rng, dtype: [((REALS(rng, shape, dtype),), params) for shape, params in _samples(rng, dtype)],
)
"""x (…, *shape) gives (…, *sizes, *counts): along the last axes the windows, before them the elements of each."""


def _back(g: Value, x: Value, *, shape: Sizes, steps: Sizes, gaps: Sizes) -> Value:
    n = len(shape)
    return windows(g, sizes=x.shape[x.ndim - 2 * n : x.ndim - n], steps=steps, gaps=gaps)


overlap: Primitive = linear(
    "overlap",
    batch=spreading,
    lower=Write(_place, value=0, base=None, combine="add", ordered=True),
    aval=_overlap_aval,
    ref=_added,
    transpose=(_back,),
    dtypes=NUMBERS,
    samples=_overlap_samples,
)
"""Windows (…, *sizes, *counts), each element added at its place in (…, *shape)."""


def _sums_aval(x: Aval, **params: Sizes) -> Aval:
    seen, n = _windows_aval(x, **params), len(params["sizes"])
    claim("window_sums", x.dtype, "f")
    return x.with_shape((*x.shape[: x.ndim - n], *seen.shape[seen.ndim - n :]))


def _sum(e: Any, index: Any, x: Any, *, sizes: Sizes, steps: Sizes, gaps: Sizes) -> Any:
    lead = len(index) - len(sizes)
    found = None
    for within in product(*map(range, sizes)):
        one = e.at(x, _spots((*index[:lead], *within, *index[lead:]), lead, steps, gaps))
        found = one if found is None else e.add(found, one)
    return found


def _summed(np: Any, x: Any, *, sizes: Sizes, steps: Sizes, gaps: Sizes) -> Any:
    seen, lead = _seen(np, x, sizes=sizes, steps=steps, gaps=gaps), x.ndim - len(sizes)
    parts = [seen[(*[slice(None)] * lead, *within)] for within in product(*map(range, sizes))]
    found = parts[0].copy()
    for part in parts[1:]:
        found = found + part
    return found


def _spread_back(g: Value, x: Value, *, sizes: Sizes, steps: Sizes, gaps: Sizes) -> Value:
    """Each sum at the places of its terms. Windows side by side are tiles, where no two meet."""
    n = len(sizes)
    lead, shape, found = g.shape[: g.ndim - n], x.shape[x.ndim - n :], g.shape[g.ndim - n :]
    if steps == sizes and all(gap == 1 or size == 1 for gap, size in zip(gaps, sizes, strict=True)):
        pairs = [[(o, 1), (o, size)] for o, size in zip(found, sizes, strict=True)]
        one, many = (tuple([k for pair in pairs for k in pair[which]]) for which in (0, 1))
        g = move.broadcast_to(move.reshape(ready(g), shape=(*lead, *one)), shape=(*lead, *many))
        g = move.reshape(g, shape=(*lead, *[o * size for o, size in zip(found, sizes, strict=True)]))
        for axis, size in enumerate(shape, len(lead)):
            if size > g.shape[axis]:
                rest = (*g.shape[:axis], size - g.shape[axis], *g.shape[axis + 1 :])
                g = move.concat(g, g.builder.full(rest, NONE, g.dtype), axis=axis)
        return g
    g = move.reshape(ready(g), shape=(*lead, *[1] * n, *found))
    return overlap(move.broadcast_to(g, shape=(*lead, *sizes, *found)), shape=shape, steps=steps, gaps=gaps)


window_sums: Primitive = linear(
    "window_sums",
    batch=spreading,
    lower=Element(_sum, Cost.HEAVY, exact=True),
    aval=_sums_aval,
    ref=_summed,
    transpose=(_spread_back,),
    dtypes="f",
    samples=lambda rng, dtype: [((REALS(rng, shape, dtype),), params) for shape, params in _samples(rng, dtype)],
)
"""The sums of few elements of windows, (…, *counts), term by term in C order: no window is stored."""


def padded(x: Value, widths: Sequence[tuple[int, int]], number: float = 0.0) -> Value:
    """x with a number around its last axes; negative widths crop."""
    whole = (*[(0, 0)] * (x.ndim - len(widths)), *widths)
    if number == 0:
        return move.pad(x, widths=whole) if any(n for pair in widths for n in pair) else x
    for axis, pair in enumerate(whole):
        ends = [x.builder.full((*x.shape[:axis], n, *x.shape[axis + 1 :]), number, x.dtype) for n in pair]
        if any(pair):
            x = move.concat(*[y for y in (ends[0], x, ends[1]) if y.shape[axis]], axis=axis)
    return x
