"""Laws of the usual backward to rows of tables: one step of the trace, and the gradients of whole tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tenure as tn
from tenure import nn
from tenure.nn import functional as F
from tenure.values.grad import autograd

INDEX = tn.tensor([1, 4, 1])
PROGRAMS: dict[str, Callable[[Any, Any], tn.Tensor]] = {
    "once": lambda e, w: (e(INDEX) ** 2).sum(),
    "of more axes": lambda e, w: (e(INDEX.reshape(3, 1)) ** 2).sum(),
    "beside a whole leaf": lambda e, w: ((e(INDEX) @ w) ** 2).sum(),
    "twice": lambda e, w: (e(INDEX) * e(INDEX + 1) @ w).sum(),
    "a bag": lambda e, w: (F.embedding_bag(INDEX, e.weight, tn.tensor([0, 2]), sparse=e.sparse) @ w).exp().sum(),
    "whole and by rows": lambda e, w: (e(INDEX) @ w).sum() * e.weight.sum(),
}
PLAIN = [name for name in PROGRAMS if name != "whole and by rows"]


def given(sparse: bool, **options: Any) -> tuple[Any, Any]:
    e = nn.Embedding(6, 2, sparse=sparse, _weight=tn.arange(12.0).reshape(6, 2) / 10, **options)
    return e, tn.tensor([[1.0], [-2.0]], requires_grad=True)


def dense(e: Any) -> Any:
    g = e.weight.grad
    return (g.to_dense() if getattr(g, "is_sparse", False) else g).tolist()


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("options", [{}, {"padding_idx": 4}], ids=["", "padded"])
def test_gradients_are_those_of_whole_tables(name: str, options: dict[str, Any]) -> None:
    found = []
    for sparse in (True, False):
        e, w = given(sparse, **options)
        for _ in range(3):  # each on top of the one before; the first makes the rules
            PROGRAMS[name](e, w).backward()
        found.append((dense(e), None if w.grad is None else w.grad.tolist()))
    (rows, beside), (whole, expected) = found
    assert rows == [pytest.approx(x, rel=1e-6) for x in whole] and beside == expected


@pytest.mark.parametrize("name", PLAIN)
def test_it_is_one_step(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> None:
        raise AssertionError("a walk in several steps")

    monkeypatch.setattr(autograd, "walk_back", refuse)
    e, w = given(sparse=True)
    for _ in range(3):
        PROGRAMS[name](e, w).backward()
    assert e.weight.grad.is_sparse


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_is_the_walk_in_several_steps(name: str) -> None:
    found = []
    for hooked in (False, True):
        e, w = given(sparse=True)
        if hooked:
            e.weight.register_hook(lambda g: None)
        for _ in range(2):
            PROGRAMS[name](e, w).backward()
        found.append(dense(e))
    assert found[0] == [pytest.approx(x, rel=1e-6) for x in found[1]]


def test_a_whole_gradient_takes_rows_on_top() -> None:
    e, _ = given(sparse=True)
    e.weight.grad = tn.ones(6, 2)
    for k in range(2):
        e(INDEX).sum().backward()
        assert e.weight.grad.tolist()[1] == [3.0 + 2 * k] * 2
    with e.weight.grad.borrow(), pytest.raises(tn.OwnershipError, match="TN506"):
        e(INDEX).sum().backward()


def test_a_consumed_graph_names_both_lines() -> None:
    e, _ = given(sparse=True)
    for _ in range(2):
        loss = (e(INDEX) ** 2).sum()
        loss.backward()
    with pytest.raises(tn.UseAfterMove, match="TN382"):
        loss.backward()


def test_an_index_outside_names_its_line() -> None:
    e, _ = given(sparse=True)
    for at in (6, -1):
        for _ in range(2):
            loss = e(tn.tensor([0, at])).sum()  # the line
            loss.backward()
            with pytest.raises(
                tn.OutOfRange, match=rf"index {at} is out of range for axis 0 of size 6(.|\n)*# the line"
            ):
                loss.item()
            e.zero_grad()
