"""PyTorch's reads and writes by index: the same values, and the same gradients where PyTorch's are true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tenure as tn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers

X = np.array([[4.0, -1.0, 0.5], [0.25, 2.0, 7.0], [1.0, 3.0, -2.0]])
I = np.array([[0, 2], [1, 0]])  # noqa: E741
V = np.array([[10.0, 20.0], [30.0, 40.0]])
ROWS = np.array([2, 0])
PART = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
M = X > 1
Call = Callable[..., Any]
CALLS: dict[str, Call] = {
    "gather": lambda t, x, v: x.gather(0, t(I)),
    "scatter": lambda t, x, v: x.scatter(1, t(I), v),
    "scatter of a number": lambda t, x, v: x.scatter(1, t(I), 3.5),
    "scatter_add": lambda t, x, v: x.scatter_add(0, t(I), v),
    "sum": lambda t, x, v: x.scatter_reduce(0, t(I), v, "sum"),
    "prod": lambda t, x, v: x.scatter_reduce(0, t(I), v, "prod"),
    "amax": lambda t, x, v: x.scatter_reduce(0, t(I), v, "amax"),
    "amin without": lambda t, x, v: x.scatter_reduce(0, t(I), v, "amin", include_self=False),
    "mean": lambda t, x, v: x.scatter_reduce(0, t(I), v, "mean"),
    "mean without": lambda t, x, v: x.scatter_reduce(0, t(I), v, "mean", include_self=False),
    "index_select": lambda t, x, v: x.index_select(1, t(ROWS)),
    "index_add": lambda t, x, v: x.index_add(0, t(ROWS), t(PART), alpha=2),
    "index_copy": lambda t, x, v: x.index_copy(0, t(ROWS), t(PART)),
    "index_fill": lambda t, x, v: x.index_fill(1, t(ROWS), 1.5),
    "masked_fill": lambda t, x, v: x.masked_fill(t(M), 0.5),
    "masked_fill, broadcast": lambda t, x, v: x.masked_fill(t(M[0]), 0.5),
    "masked_select": lambda t, x, v: x.masked_select(t(M)),
    "take_along_dim": lambda t, x, v: x[:2].take_along_dim(t(I), 1),
    "diagonal": lambda t, x, v: x.diagonal(1),
    "mask": lambda t, x, v: x[t(M)],
    "block in place": lambda t, x, v: x[None][:, t(ROWS), t(ROWS)],
}


@pytest.mark.parametrize("name", CALLS)
def test_the_same_as_pytorch(name: str) -> None:
    x, v = (tn.tensor(a, requires_grad=True) for a in (X, V))
    y, w = (torch.tensor(a, requires_grad=True) for a in (X, V))
    found, wanted = CALLS[name](tn.tensor, x, v), CALLS[name](torch.tensor, y, w)
    assert np.allclose(np.asarray(found.detach()), wanted.detach().numpy())
    (found**2).sum().backward()
    (wanted**2).sum().backward()
    for ours, theirs in ((x, y), (v, w)):
        if theirs.grad is not None:
            assert np.allclose(np.asarray(ours.grad), theirs.grad.numpy())


def test_in_place() -> None:
    u, t = tn.zeros(3, 3).mut(), torch.zeros(3, 3)
    for a, make in ((u, tn.tensor), (t, torch.tensor)):
        a.index_add_(0, make(ROWS), make(PART.astype("f4")))
        a.scatter_(1, make(I), -1.0)
        a.masked_fill_(make(M), 0.5)
    assert np.array_equal(np.asarray(u), t.numpy())
