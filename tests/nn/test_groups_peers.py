"""Normalization within an example and bags of embeddings beside PyTorch's: values and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tenure as tn
from tenure.nn import functional

pytestmark = pytest.mark.peers
RNG = np.random.default_rng(0)
X, W, B = RNG.standard_normal((2, 6, 3, 4)), RNG.standard_normal(6), RNG.standard_normal(6)
TABLE, WEIGHTS, INDEX = RNG.standard_normal((7, 3)), RNG.standard_normal(8), np.array([1, 2, 6, 2, 0, 1, 1, 3])
Call = Callable[..., Any]
CASES: list[tuple[Call, list[Any]]] = [
    (lambda lib, F, x, w, b: F.group_norm(x, 3, w, b), [X, W, B]),
    (lambda lib, F, x: F.group_norm(x, 2), [X[:, :, 0, 0]]),
    (lambda lib, F, x, w: F.rms_norm(x, (4,), w), [X, W[:4]]),
    (lambda lib, F, x: F.rms_norm(x, (3, 4), eps=0.1), [X]),
    (lambda lib, F, x: F.normalize(x), [X]),
    (lambda lib, F, x: F.normalize(x, p=3, dim=(1, 2), eps=5.0), [X]),
    (lambda lib, F, x: F.normalize(x, p=1.0, dim=-1), [0 * X]),
    (lambda lib, F, x: F.local_response_norm(x, 4, alpha=0.5, beta=0.6, k=1.5), [X]),
    *[
        (
            lambda lib, F, t, mode=mode: F.embedding_bag(
                lib.tensor(INDEX), t, lib.tensor([0, 3, 3, 5]), mode=mode, padding_idx=1
            ),
            [TABLE],
        )
        for mode in ("sum", "mean", "max")
    ],
    (
        lambda lib, F, t, w: F.embedding_bag(
            lib.tensor(INDEX), t, lib.tensor([0, 3]), mode="sum", per_sample_weights=w
        ),
        [TABLE, WEIGHTS],
    ),
    (lambda lib, F, t: F.embedding_bag(lib.tensor(INDEX.reshape(2, 4)), t, mode="max"), [TABLE]),
]


@pytest.mark.parametrize("k", range(len(CASES)))
def test_values_and_gradients(k: int) -> None:
    torch = pytest.importorskip("torch")
    call, arrays = CASES[k]
    found = []
    for lib, F in ((tn, functional), (torch, torch.nn.functional)):
        leaves = [lib.tensor(a, requires_grad=True) for a in arrays]
        y = call(lib, F, *leaves)
        w = np.random.default_rng(1).standard_normal(tuple(y.shape))
        (y * lib.tensor(w)).sum().backward()
        found.append([y.detach().numpy(), *[np.asarray(x.grad.numpy()) for x in leaves]])
    for ours, theirs in zip(*found, strict=True):
        assert_allclose(ours, theirs, rtol=1e-8, atol=1e-11)
