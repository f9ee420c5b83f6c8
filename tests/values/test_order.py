"""Functions of order by NumPy's: sorting, what is chosen by it, sets, counts; gradients twice, one example each."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.runtime import threads

RNG = np.random.default_rng(11)
NAN, INF = math.nan, math.inf
EDGES = np.array([3.0, NAN, -0.0, INF, 0.0, -INF, NAN, 3.0, -0.0, -3.0])
DTYPES = ["float32", "float64", "int32", "int64", "bool"]


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = threads.get_num_threads()
    yield
    threads.set_num_threads(before)


def numbers(shape: Any, dtype: str, top: int = 4) -> Any:
    """Numbers with equals among them; of floats with NaN and both zeros."""
    drawn = RNG.integers(0, 2, shape) if dtype == "bool" else RNG.integers(-top, top + 1, shape)
    x = drawn.astype(dtype)
    if dtype.startswith("f"):
        x[RNG.random(shape) < 0.1] = NAN
        x[RNG.random(shape) < 0.1] = -0.0
    return x


def descending(x: Any, axis: int) -> Any:
    """The stable order from the largest on, NaN first."""
    n = x.shape[axis]
    return (n - 1 - np.flip(np.argsort(np.flip(x, axis), axis, kind="stable"), axis)).astype(np.int64)


def same(found: Any, wanted: Any) -> None:
    found = np.asarray(found)
    np.testing.assert_array_equal(found, wanted)
    assert found.dtype == np.asarray(wanted).dtype


SIZES = [1, 2, 16, 63, 64, 65, 130, 1000, 2100, 40000]
"""Rows around the ends of each way to sort them."""


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_rows_of_any_length_are_sorted(n: int, dtype: str) -> None:
    for top in (3, 2**31 - 2):
        x = numbers((1 if n > 5000 else 3, n), dtype, top)
        order = np.argsort(x, -1, kind="stable")
        for k in range(3):
            threads.set_num_threads(1 + k % 2)
            v = tn.tensor(x)
            values, indices = tn.sort(v, dim=-1)
            same(indices, order)
            assert np.asarray(values).tobytes() == np.take_along_axis(x, order, -1).tobytes()
            same(tn.argsort(v, -1, descending=True), descending(x, -1))
            for count in {1, min(n, 20), min(n, 33), n // 9, n // 2}:
                same(tn.topk(v, count, largest=False).indices, order[:, :count])
                same(tn.topk(v, count).indices, descending(x, -1)[:, :count])
            for at in {1, n // 2 + 1, n}:
                same(tn.kthvalue(v, at).indices, order[:, at - 1])


def test_axes_are_those_of_numpy() -> None:
    x = RNG.integers(0, 9, (4, 5, 6))
    for axis in range(-3, 3):
        same(tn.sort(tn.tensor(x), axis=axis), np.sort(x, axis))
        same(tn.argsort(tn.tensor(x), axis=axis), np.argsort(x, axis, kind="stable"))
        same(
            tn.median(tn.tensor(x), dim=axis, keepdim=True).values,
            np.sort(x, axis).take([x.shape[axis] // 2 - (1 - x.shape[axis] % 2)], axis),
        )
    same(tn.msort(tn.tensor(x)), np.sort(x, 0))
    for shape in ((0,), (0, 3), (3, 0)):
        assert tn.sort(tn.zeros(shape), axis=-1).shape == shape
        assert tn.argsort(tn.zeros(shape)).shape == shape
    assert tn.topk(tn.zeros(3, 0), 0).values.shape == (3, 0)


def test_nan_is_last_and_zeros_are_equal() -> None:
    for dtype in ("float32", "float64"):
        x = EDGES.astype(dtype)
        same(tn.argsort(tn.tensor(x)), np.argsort(x, kind="stable"))
        same(tn.argsort(tn.tensor(x), descending=True), descending(x, 0))
        assert np.isnan(np.asarray(tn.topk(tn.tensor(x), 2).values)).all()
        assert tn.unique(tn.tensor(x)).shape == (7,)  # each NaN is distinct
        same(tn.isin(tn.tensor(x), tn.tensor(x)), np.isin(x, x))
        same(
            tn.searchsorted(tn.tensor([-1.0, 0.0]).to(tn.tensor(x).dtype), tn.tensor(x)),
            np.searchsorted([-1.0, 0.0], x),
        )


@pytest.mark.parametrize("dtype", DTYPES)
def test_sets_are_those_of_numpy(dtype: str) -> None:
    for n in (0, 1, 7, 300):
        x = numbers(n, dtype)
        x = x[x == x]
        v = tn.tensor(x, dtype=getattr(tn, dtype))
        values, index, inverse, counts = np.unique(x, True, True, True)
        same(tn.unique(v), values)
        for found, wanted in zip(tn.unique_all(v), (values, index, inverse, counts), strict=True):
            same(found, wanted)
        other = numbers(3, dtype)
        same(tn.isin(v, tn.tensor(other), invert=True), np.isin(x, other, invert=True))
        same(tn.setdiff1d(v, tn.tensor(other)), np.setdiff1d(x, other))
        changes = np.flatnonzero(np.append(n > 0, x[1:] != x[:-1])[: len(x)])
        found, inverse, counts = tn.unique_consecutive(v, return_inverse=True, return_counts=True)
        same(found, x[changes])
        same(counts, np.diff(changes, append=len(x)))
        same(np.asarray(found)[np.asarray(inverse)], x)
    rows = RNG.integers(0, 2, (30, 3)).astype(dtype)
    for axis in (0, 1):
        wanted = np.unique(rows, return_inverse=True, return_counts=True, axis=axis)
        for a, b in zip(tn.unique(tn.tensor(rows), True, True, True, axis), wanted, strict=True):
            same(a, b)


@pytest.mark.parametrize("side", ["left", "right"])
def test_search_is_that_of_numpy(side: str) -> None:
    for dtype, n, shape in itertools.product(("float64", "int32"), (0, 1, 2, 37, 5000), ((), (7,), (3, 40))):
        known, x = np.sort(RNG.integers(-50, 50, n)).astype(dtype), RNG.integers(-60, 60, shape).astype(dtype)
        same(tn.searchsorted(tn.tensor(known), tn.tensor(x), side=side), np.searchsorted(known, x, side))
        same(tn.bucketize(tn.tensor(x), tn.tensor(known), right=side == "right"), np.searchsorted(known, x, side))
        order = RNG.permutation(n)
        given = np.empty_like(known)
        given[order] = known
        found = tn.searchsorted(tn.tensor(given), tn.tensor(x), side=side, sorter=tn.tensor(order), out_int32=True)
        same(found, np.searchsorted(known, x, side).astype("int32"))
    rows, x = np.sort(RNG.random((2, 3, 9)), -1), RNG.random((2, 3, 4))
    wanted = [[np.searchsorted(rows[i, j], x[i, j], side) for j in range(3)] for i in range(2)]
    same(tn.searchsorted(tn.tensor(rows), tn.tensor(x), side=side), np.array(wanted))


@pytest.mark.parametrize("way", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_quantiles_are_those_of_numpy(way: str) -> None:
    for shape, axis in (((9,), 0), ((4, 6), 0), ((4, 6), 1), ((3000,), 0)):
        x = RNG.normal(size=shape)
        holed = np.where(RNG.random(shape) < 0.3, NAN, x)
        for q in (0.0, 0.25, 0.3, 0.5, 1.0):
            np.testing.assert_allclose(
                tn.quantile(tn.tensor(x), q, axis, interpolation=way), np.quantile(x, q, axis, method=way)
            )
        q = np.array([0.9, 0.5, 0.0])
        found = tn.quantile(tn.tensor(x), tn.tensor(q), axis, True, interpolation=way)
        np.testing.assert_allclose(found, np.quantile(x, q, axis, method=way, keepdims=True))
        found = tn.nanquantile(tn.tensor(holed), tn.tensor(q), axis, interpolation=way)
        np.testing.assert_allclose(found, np.nanquantile(holed, q, axis, method=way))
        np.testing.assert_array_equal(tn.quantile(tn.tensor(holed), 0.5, axis), np.quantile(holed, 0.5, axis))
    assert tn.quantile(tn.tensor([1.0, INF, INF]), 0.9).item() == INF
    assert tn.quantile(tn.tensor([[1.0, 2.0]]), 0.5, keepdim=True).shape == (1, 1)


def test_counts_are_those_of_numpy() -> None:
    i, w, x = RNG.integers(0, 40, 500), RNG.random(500), RNG.normal(size=500)
    same(tn.bincount(tn.tensor(i), minlength=50), np.bincount(i, minlength=50))
    np.testing.assert_allclose(tn.bincount(tn.tensor(i), tn.tensor(w)), np.bincount(i, w))
    assert tn.bincount(tn.tensor([], dtype=tn.int64)).shape == (0,)
    for bins, ends in ((1, None), (7, None), (40, (-1.0, 1.5))):
        hist, edges = np.histogram(x, bins, ends)
        found = tn.histogram(tn.tensor(x), bins, range=ends)
        np.testing.assert_array_equal(found.hist, hist)
        np.testing.assert_allclose(found.bin_edges, edges)
        if ends != (2.0, 2.0):  # of all elements, in histc
            np.testing.assert_array_equal(tn.histc(tn.tensor(x), bins, *(ends or (0, 0))), hist)
    edges = np.array([-2.0, -0.5, 0.0, 3.0])
    for density in (False, True):
        wanted = np.histogram(x, edges, weights=w, density=density)[0]
        found = tn.histogram(tn.tensor(x), tn.tensor(edges), weight=tn.tensor(w), density=density).hist
        np.testing.assert_allclose(found, wanted)
    points, weights = RNG.normal(size=(200, 3)), RNG.random(200)
    given = [4, np.array([-1.0, 0.0, 2.0]), 5]
    for density in (False, True):
        wanted, sides = np.histogramdd(points, given, weights=weights, density=density)
        boxes = tn.histogramdd(
            tn.tensor(points),
            [n if isinstance(n, int) else tn.tensor(n) for n in given],
            weight=tn.tensor(weights),
            density=density,
        )
        np.testing.assert_allclose(boxes.hist, wanted)
        for a, b in zip(boxes.bin_edges, sides, strict=True):
            np.testing.assert_allclose(a, b)
    special = tn.tensor([NAN, INF, -INF, 0.0, 1.0, 1.0])
    assert tn.histc(special, 2, 0, 1).tolist() == tn.histogram(special, 2, range=(0.0, 1.0)).hist.tolist() == [1, 2]


X = RNG.permutation(12).reshape(3, 4) + RNG.random((3, 4)) / 4
SMOOTH = {
    "sort": lambda x: tn.sort(x, axis=0),
    "sort down": lambda x: tn.sort(x, dim=-1, descending=True).values,
    "topk": lambda x: tn.topk(x, 2, 0).values,
    "kthvalue": lambda x: tn.kthvalue(x, 2).values,
    "median": lambda x: tn.median(x),
    "median along": lambda x: tn.median(x, 1).values,
    "nanmedian": lambda x: tn.nanmedian(x, 0).values,
    "mode": lambda x: tn.mode(x).values,
    "quantile": lambda x: tn.quantile(x, 0.3, 1),
    "quantiles": lambda x: tn.quantile(x, tn.tensor([0.1, 0.8], dtype=tn.float64), 0),
    "nanquantile": lambda x: tn.nanquantile(x, 0.7, 0),
    "histogram": lambda x: tn.histogram(x.detach(), 3, weight=x).hist,
}
EVERYWHERE = {
    "argsort": lambda x: tn.argsort(x, descending=True),
    "searchsorted": lambda x: tn.searchsorted(tn.sort(x, axis=-1), x.flip(0), right=True),
    "isin": lambda x: tn.isin(x, x[:2] * 1.0),
    "histc": lambda x: tn.histc(x, 3),
    **SMOOTH,
}


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_are_those_of_the_elements_taken(name: str) -> None:
    x, dx, step = tn.tensor(X), tn.tensor(RNG.normal(size=X.shape)), 1e-6

    def f(y: Any) -> Any:
        return SMOOTH[name](y) ** 3

    _, slope = tn.jvp(f, (x,), (dx,))
    wanted = (f(x + dx * step).numpy() - f(x - dx * step).numpy()) / (2 * step)
    np.testing.assert_allclose(slope.numpy(), wanted, rtol=1e-6, atol=1e-6)
    g = tn.grad(lambda y: f(y).sum())(x)
    np.testing.assert_allclose((g * dx).sum().item(), slope.sum().item(), rtol=1e-9)
    _, bent = tn.jvp(tn.grad(lambda y: f(y).sum()), (x,), (dx,))
    ahead, behind = (tn.grad(lambda y: f(y).sum())(x + dx * k).numpy() for k in (step, -step))
    np.testing.assert_allclose(bent.numpy(), (ahead - behind) / (2 * step), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", EVERYWHERE)
def test_examples_one_by_one(name: str) -> None:
    f, x = EVERYWHERE[name], tn.tensor(np.stack([X, X[::-1] * 2, np.round(X / 5)]))
    np.testing.assert_array_equal(tn.vmap(f)(x).numpy(), np.stack([f(x[k]).numpy() for k in range(3)]))


def test_each_example_has_a_part_of_its_own() -> None:
    x, q = RNG.random((3, 9)), RNG.random(3)
    found = tn.vmap(lambda v, at: tn.quantile(v, at))(tn.tensor(x), tn.tensor(q))
    np.testing.assert_allclose(found.numpy(), [np.quantile(v, at) for v, at in zip(x, q, strict=True)])
    with pytest.raises(tn.VmapError):
        tn.vmap(tn.unique)(tn.tensor(x))


def test_other_places_are_the_same_program() -> None:
    x = tn.tensor(RNG.random(50))
    found = [(tn.kthvalue(x, k).values.item(), tn.quantile(x, (k - 1) / 49).item()) for k in range(1, 51)]
    np.testing.assert_allclose(found, np.stack([np.sort(x.numpy())] * 2, 1))


ERRORS = {
    "tn.sort(x)": ("TypeError", "axis=-1", "dim=-1"),
    "tn.sort(x, 1)": ("TypeError", "axis=1", "dim=1"),
    "tn.sort(x, axis=2)": ("OutOfRange", "axis 2"),
    "tn.topk(x, 4)": ("OutOfRange", "topk", "4", "3 along axis 1"),
    "tn.kthvalue(x, 0)": ("OutOfRange", "kthvalue", "3 along axis 1"),
    "tn.median(x[:0], 0)": ("ShapeError", "median", "size 0"),
    "tn.quantile(x, 1.5)": ("ValueError", "quantile", "1.5"),
    "tn.quantile(x, tn.tensor([0.5, -1.0]))": ("ValueError", "quantile", "-1.0"),
    "tn.quantile(i, 0.5)": ("DTypeError", "quantile", "int64"),
    "tn.quantile(x, 0.5, interpolation='cubic')": ("DTypeError", "interpolation", "'cubic'"),
    "tn.searchsorted(x, i)": ("ShapeError", "searchsorted", "[2, 3]", "[3]"),
    "tn.searchsorted(i, x, side='left', right=True)": ("ValueError", "searchsorted", "left"),
    "tn.searchsorted(i, x, sorter=x)": ("ShapeError", "sorter"),
    "tn.searchsorted(i, x, sorter=i + 1).numpy()": ("OutOfRange", "3"),
    "tn.bucketize(x, x)": ("ShapeError", "bucketize", "[2, 3]"),
    "tn.bincount(i - 1)": ("ShapeError", "bincount", "-1"),
    "tn.bincount(x)": ("DTypeError", "bincount", "float32"),
    "tn.histc(i)": ("DTypeError", "histc", "int64"),
    "tn.histc(x, 0)": ("ShapeError", "histc", "0 bins"),
    "tn.histc(x, 3, 2, 1)": ("ValueError", "histc", "2.0 to 1.0"),
    "tn.histogram(x, i)": ("ShapeError", "histogram", "int64"),
}


@pytest.mark.parametrize("call", ERRORS)
def test_errors_name_what_is_wrong(call: str) -> None:
    kind, *pieces = ERRORS[call]
    names = {"tn": tn, "x": tn.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), "i": tn.arange(3)}
    wanted = {"TypeError": TypeError, "ValueError": ValueError}.get(kind) or getattr(tn, kind)
    with pytest.raises(wanted) as caught:
        eval(call, names)
    assert all(piece in str(caught.value) for piece in pieces), str(caught.value)
