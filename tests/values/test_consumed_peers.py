"""What a backward() consumes is what PyTorch frees: the same operations can be differentiated at every step.

But for ``x * 2``: PyTorch saves the number as a tensor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tenure as tn

pytestmark = pytest.mark.peers
X = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])

OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "float": lambda lib, x: x.float(),
    "view": lambda lib, x: x.view(3, 2),
    "permute": lambda lib, x: x.permute(1, 0),
    "unsqueeze": lambda lib, x: x.unsqueeze(0),
    "flatten": lambda lib, x: x.flatten(),
    "+ 1": lambda lib, x: x + 1,
    "- tensor": lambda lib, x: x - lib.ones(2, 3, dtype=x.dtype),
    "-x": lambda lib, x: -x,
    "sum": lambda lib, x: x.sum(),
    "mean": lambda lib, x: x.mean(),
    "[0]": lambda lib, x: x[0],
    "[:, 1:]": lambda lib, x: x[:, 1:],
    "expand": lambda lib, x: x[:1].expand(4, 3),
    "stack": lambda lib, x: lib.stack([x, x]),
    "clone": lambda lib, x: x.clone(),
    "x * x": lambda lib, x: x * x,
    "* tensor": lambda lib, x: x * lib.ones(2, 3, dtype=x.dtype),
    "1 / x": lambda lib, x: 1 / x,
    "** 2": lambda lib, x: x**2,
    "exp": lambda lib, x: x.exp(),
    "sin": lambda lib, x: x.sin(),
    "sqrt": lambda lib, x: x.abs().sqrt(),
    "tanh": lambda lib, x: x.tanh(),
    "sigmoid": lambda lib, x: x.sigmoid(),
    "relu": lambda lib, x: x.relu(),
    "abs": lambda lib, x: x.abs(),
    "clamp": lambda lib, x: x.clamp(-1, 1),
    "maximum": lambda lib, x: lib.maximum(x, -x),
    "where": lambda lib, x: lib.where(x > 0, x, -x),
    "@": lambda lib, x: x @ x.T,
    "logsumexp": lambda lib, x: x.logsumexp(0),
    "var": lambda lib, x: x.var(dim=0),
    "amax": lambda lib, x: x.amax(0),
    "index_select": lambda lib, x: x.index_select(0, lib.tensor([1, 0])),
    "gather": lambda lib, x: x.gather(1, lib.tensor([[0], [1]])),
    "masked_fill": lambda lib, x: x.masked_fill(x > 0, 0.0),
}


def twice(lib: Any, operation: Any) -> bool:
    """Whether a result can be differentiated twice, by operations that keep nothing."""
    x = lib.tensor(X, dtype=lib.float64, requires_grad=True)
    y = operation(lib, x)
    y.sum().backward()
    try:
        y.sum().backward()
    except RuntimeError:
        return False
    return True


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_same_operations_are_consumed(name: str) -> None:
    import torch

    assert twice(tn, OPERATIONS[name]) == twice(torch, OPERATIONS[name])


@pytest.mark.parametrize("last", [lambda y: (y * y).sum(), lambda y: ((y + 1) ** 3).sum(), lambda y: y.sum() * 3])
@pytest.mark.parametrize("consumed_first", [False, True])
@pytest.mark.parametrize("read", [False, True])
def test_a_result_behind_a_consumed_one_has_a_gradient_up_to_it(last: Any, consumed_first: bool, read: bool) -> None:
    import torch

    found = []
    for lib in (torch, tn):
        x = lib.tensor(X, dtype=lib.float64, requires_grad=True)
        y = x * x
        y.sum().item()
        s = None if consumed_first else last(y)
        y.sum().backward()
        s = last(y) if s is None else s
        if read:
            s.item()
        found.append([g.tolist() for _ in range(2) for g in lib.autograd.grad(s, [y], retain_graph=True)])
        with pytest.raises(RuntimeError):
            s.backward()
    assert found[0] == found[1]
