"""Masks: a read computes the mask and nothing else; a write of one value for all does not even do that."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.compile import tiers
from tenure.values.native import hits
from tenure.values.operations import alone
from tenure.values.run import first, force, plan
from tenure.values.run.force import COUNTS


def test_reading_by_a_mask_computes_the_mask_only() -> None:
    x = tn.tensor(np.arange(6.0))
    y = x * 3.0
    z = y.exp()
    mask = x * 2.0 > 4.0
    picked = z[mask]
    assert mask._data is not None
    assert y._data is None and z._data is None and picked._data is None
    assert np.allclose(picked, np.exp(3.0 * np.arange(3.0, 6.0)))
    assert mask.tolist() == [False, False, False, True, True, True]


def test_what_the_mask_is_made_of_is_computed_once() -> None:
    x = tn.tensor(np.arange(6.0))
    y = x * 3.0
    other = x.exp()
    picked = y[y > 7.0]
    assert y._data is not None and other._data is None
    assert picked.tolist() == [9.0, 12.0, 15.0]


def test_a_failure_beside_the_mask_is_not_the_masks() -> None:
    x = tn.tensor(np.arange(6.0))
    bad = x[tn.tensor([5]) + 1]
    assert x[x > 3.0].tolist() == [4.0, 5.0]
    with pytest.raises(tn.OutOfRange, match="index 6 is out of range for axis 0 of size 6"):
        bad.tolist()


@pytest.mark.parametrize("value", [0.0, np.zeros(()), np.zeros(1)], ids=["number", "scalar", "one"])
def test_writing_one_value_by_a_mask_reads_nothing(value: object) -> None:
    u = tn.tensor(np.arange(6.0)).mut()
    before = COUNTS["runs"]
    u[u > 2.0] = tn.tensor(value) if isinstance(value, np.ndarray) else value
    u[u < 1.0] = 7.0
    added = u.value.at[u > 5.0].add(2.0)
    assert COUNTS["runs"] == before
    assert u.value._data is None
    assert added.tolist() == [9.0, 1.0, 2.0, 9.0, 9.0, 9.0]
    assert u.tolist() == [7.0, 1.0, 2.0, 7.0, 7.0, 7.0]


def test_rows_by_a_mask() -> None:
    u = tn.zeros(3, 2, dtype=tn.float64).mut()
    u[tn.tensor([True, False, True])] = tn.tensor([1.0, 2.0], dtype=tn.float64)
    u[tn.tensor([False, True, True])] = tn.tensor([[3.0, 4.0], [5.0, 6.0]], dtype=tn.float64)
    assert u.tolist() == [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]


def test_gradients_through_masks() -> None:
    x = tn.tensor(np.array([1.0, -2.0, 3.0, -4.0]), requires_grad=True)
    (x[x > 0.0] ** 2).sum().backward()
    assert x.grad.tolist() == [2.0, 0.0, 6.0, 0.0]
    w = tn.tensor(5.0, dtype=tn.float64, requires_grad=True)
    u = (x.detach() * 1.0).mut()
    u[u < 0.0] = w
    u.sum().backward()
    assert w.grad.item() == 2.0


def test_a_mask_in_a_transform() -> None:
    x = tn.tensor(np.array([1.0, -2.0, 3.0]))
    assert tn.grad(lambda x: (x[x > 0] ** 3).sum())(x).tolist() == [3.0, 0.0, 27.0]
    assert tn.hessian(lambda x: (x[x > 0] ** 3).sum())(x).tolist() == [[6.0, 0, 0], [0, 0, 0], [0, 0, 18.0]]


def test_a_loop_of_masks_comes_to_rest() -> None:
    x = tn.tensor(np.arange(8.0))
    for k in range(40):
        y = x + float(k)
        z = y * 2.0
        if k == 20:
            before = COUNTS["rows"], COUNTS["programs"]
        assert z[y >= y.mean()].sum().item() == sum(2.0 * (v + k) for v in range(4, 8))
    gc.collect()
    assert (COUNTS["rows"], COUNTS["programs"]) == before


def test_masks_of_ever_new_counts_make_no_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mask is read while results wait whose shapes depend on the masks before: what is run for it recurs."""
    draw, made, new = np.random.default_rng(3), list[Any](), plan.Prefix
    monkeypatch.setattr(force, "Prefix", lambda *args: (made.append(args), new(*args))[1])
    for turn in range(12):
        a = draw.standard_normal((40, 3))
        x = tn.tensor(a, requires_grad=True)
        near = tn.tensor(draw.integers(0, 4, len(a)))
        w = x * 2
        parts = [(w[(near % 4) == k] * w[(near + 1) % 4 == k].sum()).mean(0) for k in range(4)]
        total = tn.stack(parts).sum()
        total.backward()
        b, at = a * 2, near.numpy()
        wanted = [(b[at % 4 == k] * b[(at + 1) % 4 == k].sum()).mean(0) for k in range(4)]
        np.testing.assert_allclose(total.item(), np.sum(wanted), rtol=1e-9)
        assert x.grad is not None
        if turn == 2:
            made.clear()
    assert not made, "a path that recurs has a program"


def test_a_mask_that_fails_names_its_line() -> None:
    x = tn.arange(4.0)
    held = x * 3
    n = tn.tensor([2, 1, 0, 3])
    with pytest.raises(tn.TenureError) as caught:
        _ = x[6 // n > 2]  # the line
    assert caught.value.at is not None and caught.value.at.text.endswith("# the line")
    assert held.tolist() == [0.0, 3.0, 6.0, 9.0]


def chosen_by_masks(draw: np.random.Generator, grad: bool) -> list[bytes]:
    """The bits of values and gradients of a program whose masks need some of what is pending, in several ways."""
    x = tn.tensor(draw.standard_normal((12, 3)), requires_grad=grad)
    n = tn.tensor(draw.integers(-3, 4, 12))
    out, held = [], x * 1.5
    for turn in range(6):
        y = (held if turn % 2 else x) - 0.25 * turn
        high, at = y.max(dim=1)
        other = y.exp().sum(0)
        rows = (2 - n) * (1 + turn) > at
        held = tn.where(rows[:, None], y, held)
        out.append(y[rows].sum(0) + other)
        if turn == 3:
            out.append(held[high > 0.0].sum(0))
        n = tn.where(at == turn % 3, n + 1, n)
    total = tn.stack(out).sum() + held.sum()
    if not grad:
        return [a.numpy().tobytes() for a in (total, n, held, *out)]
    total.backward()
    assert x.grad is not None
    return [a.detach().numpy().tobytes() for a in (total, n, held, x.grad)]


@pytest.mark.parametrize("grad", [False, True], ids=["plain", "tracked"])
@pytest.mark.parametrize("behind", [256, 2], ids=["rows", "blocks"])
def test_rows_are_laid_apart_as_the_twin_does(grad: bool, behind: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alone, "FAR", behind)
    own = [chosen_by_masks(np.random.default_rng(seed), grad) for seed in range(8)]
    monkeypatch.setattr(alone, "rows_apart", lambda t, slot: None)
    assert own == [chosen_by_masks(np.random.default_rng(seed), grad) for seed in range(8)]
    monkeypatch.setattr(alone.Behind, "is_plain", lambda behind: False)  # as a prefix of the trace
    assert own == [chosen_by_masks(np.random.default_rng(seed), grad) for seed in range(8)]


def test_what_is_known_leaves_the_trace() -> None:
    x = tn.tensor(np.arange(6.0))
    u, e = x * 2.0, x.exp()
    m = e > 3.0
    y = u[m]
    assert m._trace is None and e._trace is None and u._trace is y._trace is not None
    assert (y + e[m]).tolist() == pytest.approx([2 * k + np.exp(k) for k in range(2, 6)])
    assert u.tolist() == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]


@pytest.mark.parametrize("natively", [True, False])
def test_a_place_written_in_turns_is_computed_once(natively: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What later rows read is kept, though nobody holds it: the rows laid apart do not grow from turn to turn."""
    sizes, compute = list[int](), alone.compute

    def computed(t: Any, h: Any, found: Any, read: Any) -> bool:
        sizes.append(len(found[1]))
        return compute(t, h, found, read)

    monkeypatch.setattr(alone, "compute", computed)
    if not natively:
        monkeypatch.setattr(alone, "rows_apart", lambda t, slot: None)
    near = tn.tensor(np.arange(20)[:, None] + 1 == np.arange(20))
    far, front = tn.full((20,), -1).mut(), tn.tensor([0])
    far[0] = 0
    for turn in range(1, 16):
        new = near[front].any(0) & (far < 0)
        far[new] = turn
        front = tn.argwhere(new)[:, 0]
    assert far.tolist() == [*range(16), -1, -1, -1, -1]
    assert len(sizes) >= 14 and max(sizes) <= 8


@pytest.mark.skipif(hits.CODE is None, reason="first runs without a plan are native")
def test_ever_new_counts_compile_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts come again by chance, at some later call. That is no reason to make a plan, or to compile."""
    draw = np.random.default_rng(4)
    plans, make = list[Any](), force.new_plan
    monkeypatch.setattr(force, "new_plan", lambda *args: (plans.append(args), make(*args))[1])

    def call() -> None:
        x = tn.tensor(draw.standard_normal((60, 2)))
        for _ in range(3):
            d = x - x.mean(0)
            far = (d * d).sum(1)
            x = x[far < 2.0 * far.mean()]
        assert 0 < x.sum(1).abs().max().item() < 9

    for _ in range(12):
        call()
    plans.clear()
    before = tiers.compilations()
    for _ in range(40):
        call()
    assert tiers.compilations() == before
    assert len(plans) <= 8


@pytest.mark.skipif(hits.CODE is None, reason="first runs without a plan are native")
def test_paths_of_ever_new_counts_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first, "MOST_VARIED", 16)
    first.VARIED.clear()
    x = tn.tensor(np.arange(600.0))

    def call(n: int) -> None:
        assert (x[x < float(n)] * 3.0).sum().item() == 1.5 * n * (n - 1)

    for n in range(1, 60):
        call(n)
    before = COUNTS["rows"]
    for n in range(60, 300):
        call(n)
    assert COUNTS["rows"] <= before + 16


def test_a_program_that_came_again_late_is_compiled_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    x = tn.tensor(np.arange(5.0))

    def turn(k: int) -> float:
        y = x
        for j in range(12):
            y = (y + 1.0).tanh() if k >> j & 1 else (y * 0.5).sin()
        return y.sum().item()

    monkeypatch.delenv("TENURE_COMPILE", raising=False)
    first = turn(1365)
    for k in range(1, 2 * force.SOON):
        turn(k)
    before = tiers.compilations()
    assert turn(1365) == first
    assert turn(1365) == first
    assert tiers.compilations() == before
