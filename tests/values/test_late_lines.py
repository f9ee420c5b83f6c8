"""An error that is found when a result is read names the line that computes it, however deep below that line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tenure as tn
from tenure.nn import functional as F


def far() -> Any:
    """Indices that nobody has computed yet."""
    return tn.tensor([3, 1]) + 7


def table() -> Any:
    return tn.ones(5, 3) * 2


def zero() -> Any:
    return tn.zeros(2, 2) + 0


CALLS: dict[str, Callable[[], Any]] = {
    "x[i]": lambda: table()[far()],
    "x[:, i]": lambda: table()[:, far()],
    "x[i, 0]": lambda: table()[far(), 0],
    "take": lambda: tn.take(table(), far(), 1),
    "index_select": lambda: table().index_select(0, far()),
    "gather": lambda: table().gather(0, far()[:, None]),
    "take_along_dim": lambda: tn.take_along_dim(table(), far()[:, None], 0),
    "at get": lambda: table().at[far()].get(),
    "at set": lambda: table().at[far()].set(1.0),
    "scatter": lambda: tn.zeros(5).scatter(0, far(), tn.ones(2)),
    "index_add": lambda: tn.zeros(5).index_add(0, far(), tn.ones(2)),
    "index_fill": lambda: tn.zeros(5).index_fill(0, far(), 2.0),
    "a place": lambda: table().mut()[far()],
    "embedding": lambda: F.embedding(far(), table()),
    "embedding_bag": lambda: F.embedding_bag(far(), table(), tn.tensor([0])),
    "cross_entropy": lambda: F.cross_entropy(table()[:2], far()),
    "one_hot": lambda: F.one_hot(far(), 3),
    "inv": lambda: tn.linalg.inv(zero()),
    "solve": lambda: tn.linalg.solve(zero(), tn.ones(2)),
    "cholesky": lambda: tn.linalg.cholesky(zero()),
    "matrix_power": lambda: tn.linalg.matrix_power(zero(), -1),
    "tensorinv": lambda: tn.linalg.tensorinv(zero(), 1),
    "tensorsolve": lambda: tn.linalg.tensorsolve(zero(), tn.ones(2)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_the_line_is_the_users(call: Callable[[], Any]) -> None:
    found = call()
    with pytest.raises(tn.TenureError) as caught:
        found.tolist()
    assert f"test_late_lines.py:{call.__code__.co_firstlineno}:" in str(caught.value)
