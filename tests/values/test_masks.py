"""Masks: a read computes the mask and nothing else; a write of one value for all does not even do that."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.values.run import force, plan
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
