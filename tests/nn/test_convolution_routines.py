"""Routines of convolution: every way that a shape can go, beside the meaning of the primitives (``ops.convolving``)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

import tenure as tn
import tenure.nn.functional as F
from tenure import dtypes
from tenure.compile.executable import compiled
from tenure.compile.stepwise import stepwise
from tenure.ir.aval import Aval
from tenure.ir.program import TABLE, Builder
from tenure.ops.cuts import BLOCK, PIECES
from tenure.ops.tiling import formed
from tenure.runtime import threads

Array = Any
Sizes = tuple[int, ...]


class Case(NamedTuple):
    """Images, channels, results, groups; shape, window, steps, gaps, elements around."""

    counts: Sizes
    shape: Sizes
    window: Sizes
    steps: Sizes
    gaps: Sizes
    lows: Sizes


CASES = {
    "tiles": Case((3, 17, 18, 1), (13, 16), (3, 3), (1, 1), (1, 1), (1, 1)),
    "tiles of several images": Case((7, 16, 16, 1), (8, 9), (3, 3), (1, 1), (1, 1), (1, 1)),
    "tiles in columns": Case((1, 16, 20, 1), (8, 150), (3, 3), (1, 1), (1, 1), (0, 2)),
    "several blocks": Case((2, 70, 9, 1), (41, 33), (3, 3), (1, 1), (1, 2), (1, 1)),
    "panels": Case((2, 40, 70, 1), (7, 7), (3, 3), (1, 1), (1, 1), (1, 1)),
    "few results": Case((3, 130, 9, 1), (9, 7), (2, 3), (2, 1), (1, 1), (1, 1)),
    "steps": Case((2, 3, 21, 1), (33, 29), (7, 7), (2, 2), (1, 1), (3, 3)),
    "patches": Case((2, 3, 10, 1), (33, 32), (8, 8), (8, 8), (1, 1), (0, 0)),
    "steps over windows": Case((2, 8, 10, 2), (9, 11), (1, 2), (3, 4), (1, 1), (0, 1)),
    "each channel": Case((2, 6, 12, 6), (19, 30), (5, 3), (1, 2), (2, 1), (2, 1)),
    "one place": Case((2, 65, 66, 1), (14, 14), (1, 1), (1, 1), (1, 1), (0, 0)),
    "long": Case((2, 20, 7, 1), (3000,), (9,), (1,), (1,), (4,)),
    "volumes": Case((1, 4, 6, 2), (5, 7, 9), (3, 2, 3), (1, 2, 1), (1, 1, 2), (1, 0, 2)),
    "woven": Case((23, 18, 8, 2), (4, 5), (3, 3), (1, 1), (1, 1), (1, 1)),
    "woven steps": Case((5, 9, 10, 1), (7, 6), (3, 3), (2, 2), (1, 1), (1, 1)),
    "read where they lie": Case((2, 24, 24, 1), (12, 10), (2, 2), (2, 2), (1, 1), (0, 0)),
    "three residues": Case((5, 16, 21, 1), (11, 10), (4, 4), (3, 3), (1, 1), (1, 1)),
    "columns": Case((3, 18, 40, 1), (5, 4), (3, 3), (1, 1), (1, 1), (0, 0)),
    "columns of one place": Case((21, 37, 40, 1), (3, 4), (3, 4), (2, 1), (1, 1), (0, 0)),
    "columns of groups": Case((2, 6, 80, 2), (3, 9, 4), (2, 3, 2), (1, 1, 1), (2, 3, 3), (0, 1, 1)),
    "few, where they lie": Case((3, 41, 6, 1), (4, 11, 7), (2, 2, 2), (2, 2, 2), (3, 3, 3), (0, 0, 0)),
    "few of short rows": Case((2, 18, 5, 1), (4, 12, 7), (2, 2, 2), (2, 2, 2), (3, 3, 3), (2, 2, 1)),
    "cropped": Case((1, 4, 6, 1), (9, 9), (3, 3), (1, 1), (1, 1), (-2, -1)),
}


def operands(case: Case, dtype: str) -> tuple[list[Array], dict[str, Any], list[Sizes]]:
    """Images, weights, results; the form; shapes of what each pair gives."""
    rng, (n, c, o, groups) = np.random.default_rng(5), case.counts
    axes = zip(case.shape, case.window, case.steps, case.gaps, case.lows, strict=True)
    found = tuple([(m + 2 * low - g * (k - 1) - 1) // s + 1 for m, k, s, g, low in axes])
    shapes = ((n, c, *case.shape), (o, c // groups, *case.window), (n, o, *found))
    form = {"steps": case.steps, "gaps": case.gaps, "lows": case.lows, "groups": groups}
    return [rng.standard_normal(s).astype(dtype) for s in shapes], form, [found, case.shape, case.window]


def run(name: str, pair: list[Array], params: dict[str, Any], how: Any = compiled) -> Array:
    b = Builder()
    xs = [b.input(Aval(x.shape, dtypes.as_dtype(x.dtype))) for x in pair]
    program = b.extract([x.id for x in xs], [TABLE[name](*xs, **params).id])
    return np.array(how(program)([np.array(x) for x in pair])[0])


def meaning(name: str, pair: list[Array], params: dict[str, Any]) -> Array:
    with np.errstate(all="ignore"):
        return TABLE[name].ref(np, *pair, **params)


ODD = ["tiles", "few results", "steps", "each channel", "woven", "woven steps", "read where they lie", "three residues"]
ODD += ["columns of groups", "columns of one place", "few, where they lie", "few of short rows"]
WAYS = (("convolve", (0, 1)), ("spread", (2, 1)), ("filters", (0, 2)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_each_way_has_the_meaning_and_the_same_bits(case: str, dtype: str) -> None:
    """At one and at two threads, compiled and row by row."""
    arrays, form, shapes = operands(CASES[case], dtype)
    before = threads.get_num_threads()
    for (name, which), shape in zip(WAYS, shapes, strict=True):
        pair, params = [arrays[k] for k in which], {"shape": shape, **form}
        wanted = meaning(name, pair, params)
        try:
            threads.set_num_threads(1)
            found = run(name, pair, params)
            threads.set_num_threads(2)
            again, rows = run(name, pair, params), run(name, pair, params, stepwise)
        finally:
            threads.set_num_threads(before)
        close = 3e-6 if dtype == "float32" else 1e-14
        np.testing.assert_allclose(found, wanted, rtol=0, atol=close * np.abs(wanted).max() * 10)
        assert found.tobytes() == again.tobytes() == rows.tobytes()


@pytest.mark.parametrize("case", ["panels", *ODD])
def test_what_is_infinite_stays_where_it_belongs(case: str) -> None:
    """A NaN or an infinity reaches the results that read it and no others, whatever is computed together."""
    arrays, form, shapes = operands(CASES[case], "float32")
    for x in arrays:
        x.flat[x.size // 3], x.flat[-1] = np.nan, np.inf
    for (name, which), shape in zip(WAYS, shapes, strict=True):
        pair, params = [arrays[k] for k in which], {"shape": shape, **form}
        found, wanted = run(name, pair, params), meaning(name, pair, params)
        for test in (np.isnan, np.isposinf, np.isneginf):
            np.testing.assert_array_equal(test(found), test(wanted))


@pytest.mark.parametrize("case", ["several blocks", *ODD])
def test_what_is_not_selected_is_no_term(case: str) -> None:
    arrays, form, shapes = operands(CASES[case], "float32")
    for x in arrays:
        x[:, :, : x.shape[2] // 2 + 1] = -0.0
        x[0] = -0.0
    for (name, which), shape in zip(WAYS, shapes, strict=True):
        pair = [np.array(arrays[k]) for k in which]
        pair[1][-1] = np.inf
        params = {"shape": shape, **form, "selects": 1, "marks": True}
        found, wanted = run(name, pair, params), meaning(name, pair, params)
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3)
        np.testing.assert_array_equal(np.signbit(found)[wanted == 0], np.signbit(wanted)[wanted == 0])


@pytest.mark.parametrize("seed", range(12))
def test_windows_of_one_element_are_products_of_matrices(seed: int) -> None:
    """Few results of images that are read where they lie, at sizes around those of vectors, tiles and blocks."""
    rng = np.random.default_rng(seed)
    groups, n, c, o = (int(rng.integers(1, most)) for most in (4, 4, 40, 12))
    shape = (int(rng.integers(1, 12)), int(rng.integers(5, 80)))
    case = Case((n, c * groups, o * groups, groups), shape, (1, 1), (1, 1), (1, 1), (0, 0))
    arrays, form, shapes = operands(case, str(rng.choice(["float32", "float64"])))
    arrays[0].flat[rng.integers(0, arrays[0].size, seed % 3)] = np.inf
    x, w, y = (x.astype(np.float64) for x in arrays)
    x, y = (a.reshape(n, groups, -1, shape[0] * shape[1]) for a in (x, y))
    w = w.reshape(groups, o, c)
    with np.errstate(all="ignore"):
        products = (w @ x, w.swapaxes(1, 2) @ y, (y @ x.swapaxes(2, 3)).sum(0))
    for (name, which), size, wanted in zip(WAYS, shapes, products, strict=True):
        found = run(name, [arrays[k] for k in which], {"shape": size, **form})
        close = 1e-3 if found.dtype == np.float32 else 1e-12
        np.testing.assert_allclose(found, wanted.reshape(found.shape), rtol=close, atol=close)


def test_no_gradient_passes_a_mask() -> None:
    """0 · ∞ does not arise behind a convolution either."""
    x = tn.tensor(np.zeros((1, 16, 8, 8), np.float32), requires_grad=True)
    y = F.conv2d(tn.log(x), tn.ones(16, 16, 3, 3), padding=1)
    tn.where(tn.zeros(y.shape, dtype=tn.bool), y, 0.0).sum().backward()
    assert not x.grad.numpy().any()


@pytest.mark.parametrize("case", CASES)
def test_the_room_is_bounded(case: str) -> None:
    """Some numbers for each weight, and for each piece of the work a few blocks, or a row of results."""
    arrays, form, shapes = operands(CASES[case], "float32")
    for k, ((_, which), shape) in enumerate(zip(WAYS, shapes, strict=True)):
        pair = [Aval(arrays[j].shape, dtypes.float32) for j in which]
        (_, way, cut), nbytes = formed(k, pair, shape=shape, **form)
        assert nbytes <= 4 * (20 * arrays[1].size + PIECES * 12 * BLOCK), (way, cut)


@pytest.mark.parametrize("case", ["tiles", "tiles of several images", "panels", "several blocks", "woven"])
def test_an_image_has_the_same_bits_among_others(case: str) -> None:
    (x, w, y), form, shapes = operands(CASES[case], "float32")
    for name, pair, shape in (("convolve", [x, w], shapes[0]), ("spread", [y, w], shapes[1])):
        params = {"shape": shape, **form}
        found, alone = run(name, pair, params), run(name, [pair[0][1:2], w], params)
        assert found[1:2].tobytes() == alone.tobytes()


def test_half_precision_is_rounded_once() -> None:
    rng = np.random.default_rng(5)
    x, w = (rng.standard_normal(shape).astype(np.float16) for shape in ((1, 3, 9, 9), (4, 3, 3, 3)))
    found = F.conv2d(tn.tensor(x), tn.tensor(w), padding=1)
    wide = F.conv2d(tn.tensor(x).float(), tn.tensor(w).float(), padding=1)
    assert found.dtype == tn.float16
    np.testing.assert_array_equal(found.numpy(), wide.half().numpy())
