"""Modules and losses on one example, vmapped, are modules and losses on each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tenure as tn
from tenure import nn

tn.manual_seed(0)
X = tn.randn(5, 4, 8)
ATTENTION = nn.MultiheadAttention(8, 2, batch_first=True)
GRU = nn.GRU(8, 5, batch_first=True)
MODELS: dict[str, Callable[[Any], Any]] = {
    "linear": nn.Linear(8, 3),
    "layer norm": nn.LayerNorm(8),
    "several": nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Flatten(0), nn.Linear(64, 2)),
    "attention": lambda x: ATTENTION(x, x, x)[0],
    "recurrent": lambda x: GRU(x)[0],
    "cross-entropy": lambda x: nn.functional.cross_entropy(x, x.argmax(axis=1)),
    "softmax": lambda x: nn.functional.softmax(x, dim=1).max(axis=0),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model(name: str) -> None:
    f = MODELS[name]
    wanted = tn.stack([f(X[k]) for k in range(5)])
    assert_allclose(tn.vmap(f)(X).detach(), wanted.detach(), rtol=1e-5, atol=1e-6)
    slope = tn.grad(lambda x: (f(x) ** 2).sum())
    each = np.stack([slope(X[k]).detach() for k in range(5)])
    assert_allclose(tn.vmap(slope)(X).detach(), each, rtol=1e-4, atol=1e-5)


def test_rows_of_an_embedding() -> None:
    table, index = nn.Embedding(10, 4), tn.tensor([[1, 2], [3, 3]])
    assert_allclose(tn.vmap(table)(index).detach(), table(index).detach())
    (tn.vmap(lambda i: table(i).sum())(index) * tn.tensor([1.0, 2.0])).sum().backward()
    assert table.weight.grad.sum(axis=1).tolist() == [0, 4, 4, 16, 0, 0, 0, 0, 0, 0]


def test_each_example_drops_its_own() -> None:
    found = tn.vmap(nn.Dropout(0.5), randomness="different")(tn.ones(8, 32)).tolist()
    assert len({tuple(row) for row in found}) == 8
    alike = tn.vmap(nn.Dropout(0.5), randomness="same")(tn.ones(8, 32)).tolist()
    assert len({tuple(row) for row in alike}) == 1
    with pytest.raises(tn.VmapError, match="randomness="):
        tn.vmap(nn.Dropout(0.5))(tn.ones(8, 32))
    assert tn.vmap(nn.Dropout(0.5).eval())(tn.ones(8, 32)).tolist() == tn.ones(8, 32).tolist()


def test_statistics_of_a_batch_are_not_those_of_an_example() -> None:
    norm = nn.BatchNorm1d(8)
    with pytest.raises(tn.VmapError, match="place made outside"):
        tn.vmap(norm)(X)
    norm.eval()
    assert_allclose(tn.vmap(norm)(X).detach(), tn.stack([norm(X[k]) for k in range(5)]).detach(), rtol=1e-5)
