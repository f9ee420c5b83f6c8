"""Group, root mean square and local response normalization, and bags of embeddings: numbers, edges, errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tenure as tn
from tenure import nn
from tenure.nn import functional as F

X = np.random.default_rng(0).standard_normal((2, 6, 3, 4))
TABLE = np.random.default_rng(1).standard_normal((7, 3))
INDEX = np.array([1, 2, 6, 2, 0, 1, 1, 3])
REDUCED: dict[str, Callable[..., Any]] = {"sum": np.sum, "mean": np.mean, "max": np.max}


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_group_norm(groups: int) -> None:
    w, b = np.arange(6.0), np.arange(6.0) - 2
    rows = X.reshape(2, groups, -1)
    want = ((rows - rows.mean(2, keepdims=True)) / np.sqrt(rows.var(2, keepdims=True) + 1e-5)).reshape(X.shape)
    found = F.group_norm(tn.tensor(X), groups, tn.tensor(w), tn.tensor(b))
    assert_allclose(found.numpy(), want * w[:, None, None] + b[:, None, None], rtol=1e-9, atol=1e-12)


def test_rms_norm() -> None:
    w = np.arange(12.0).reshape(3, 4)
    want = X / np.sqrt((X**2).mean((2, 3), keepdims=True) + 0.1) * w
    assert_allclose(F.rms_norm(tn.tensor(X), (3, 4), tn.tensor(w), 0.1).numpy(), want, rtol=1e-12)
    assert F.rms_norm(tn.zeros(2, 3), 3).tolist() == [[0, 0, 0]] * 2


@pytest.mark.parametrize("size", [1, 2, 3, 5, 20])
def test_local_response_norm(size: int) -> None:
    want = np.empty_like(X)
    for c in range(6):
        around = X[:, max(c - size // 2, 0) : c + (size - 1) // 2 + 1] ** 2
        want[:, c] = X[:, c] / (1.5 + 0.5 * around.sum(1) / size) ** 0.6
    assert_allclose(F.local_response_norm(tn.tensor(X), size, 0.5, 0.6, 1.5).numpy(), want, rtol=1e-12)


@pytest.mark.parametrize("mode", REDUCED)
@pytest.mark.parametrize("offsets", [[0, 3, 3, 5], [0], [0, 8], [0, 0, 0, 2]])
@pytest.mark.parametrize("padding", [None, 1, -5])
def test_bags(mode: str, offsets: list[int], padding: int | None) -> None:
    want = []
    for start, stop in zip(offsets, [*offsets[1:], 8], strict=True):
        kept = [k for k in INDEX[start:stop] if padding is None or k != padding % 7]
        want.append(REDUCED[mode](TABLE[kept], axis=0) if kept else np.zeros(3))
    found = F.embedding_bag(tn.tensor(INDEX), tn.tensor(TABLE), tn.tensor(offsets), mode=mode, padding_idx=padding)
    assert_allclose(found.numpy(), want, rtol=1e-12)


def test_bags_in_rows_with_weights_and_ends() -> None:
    rows, table = tn.tensor(INDEX.reshape(2, 4)), tn.tensor(TABLE)
    assert_allclose(F.embedding_bag(rows, table).numpy(), TABLE[INDEX.reshape(2, 4)].mean(1))
    w = np.arange(8.0)
    options: dict[str, Any] = {"mode": "sum", "per_sample_weights": tn.tensor(w), "include_last_offset": True}
    found = F.embedding_bag(tn.tensor(INDEX), table, tn.tensor([0, 5, 8]), **options)
    want = [(TABLE[INDEX[k]] * w[k, None]).sum(0) for k in (slice(5), slice(5, 8))]
    assert_allclose(found.numpy(), want)
    with pytest.raises(tn.OutOfRange, match="index 7 is out of range"):
        F.embedding_bag(tn.tensor([7]), table, tn.tensor([0])).numpy()


def test_layers() -> None:
    bag = nn.EmbeddingBag(5, 2, padding_idx=-1)
    assert bag.padding_idx == 4 and bag.weight[4].tolist() == [0, 0]
    bag(tn.tensor([[0, 4]])).sum().backward()
    assert bag.weight.grad is not None and bag.weight.grad.tolist() == [[1, 1], *[[0, 0]] * 4]
    assert repr(bag) == "EmbeddingBag(5, 2, mode='mean', padding_idx=4)"
    assert repr(nn.GroupNorm(2, 4)) == "GroupNorm(2, 4, eps=1e-05, affine=True, bias=True)"
    assert repr(nn.RMSNorm(3)) == "RMSNorm((3,), eps=None, elementwise_affine=True)"
    for layer in (nn.GroupNorm(2, 6), nn.RMSNorm(4), nn.LocalResponseNorm(3), nn.GroupNorm(3, 6, affine=False)):
        assert layer(tn.tensor(X, dtype=tn.float32)).shape == X.shape


def test_normalize() -> None:
    assert_allclose(F.normalize(tn.tensor(X)).numpy(), X / np.sqrt((X**2).sum(1, keepdims=True)))
    assert F.normalize(tn.zeros(2, 3), axis=0).tolist() == [[0, 0, 0]] * 2


ERRORS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: F.group_norm(tn.ones(2, 6), 4), tn.ShapeError, "6 channels in 4 groups"),
    (lambda: F.group_norm(tn.ones(6), 2), tn.ShapeError, "no axis of channels"),
    (lambda: F.group_norm(tn.ones(2, 6), 2, tn.ones(5)), tn.ShapeError, r"weight has shape \[5\]"),
    (lambda: nn.GroupNorm(0, 4), tn.ShapeError, "4 channels in 0 groups"),
    (lambda: F.rms_norm(tn.ones(2, 6), 5), tn.ShapeError, r"over \[5\]"),
    (lambda: F.rms_norm(tn.ones(2, 6).long(), 6), tn.DTypeError, "rms_norm of int64"),
    (lambda: F.local_response_norm(tn.ones(2, 6), 2), tn.ShapeError, "fewer than three axes"),
    (lambda: F.embedding_bag(tn.tensor([0]), tn.ones(2, 2)), tn.ShapeError, "take offsets"),
    (lambda: F.embedding_bag(tn.tensor([0]), tn.ones(2, 2), tn.tensor([1])), tn.ShapeError, "begin with 0"),
    (lambda: F.embedding_bag(tn.tensor([0.0]), tn.ones(2, 2)), tn.DTypeError, "indices of dtype float32"),
    (lambda: F.embedding_bag(tn.tensor([[0]]), tn.ones(2, 2), mode="min"), ValueError, "mode is 'sum'"),
    (lambda: F.embedding_bag(tn.tensor([[0]]), tn.ones(2, 2), tn.tensor([0])), tn.ShapeError, "take no offsets"),
    (
        lambda: F.embedding_bag(tn.tensor([[0]]), tn.ones(2, 2), per_sample_weights=tn.ones(1, 1)),
        ValueError,
        "mode='sum'",
    ),
]


@pytest.mark.parametrize("k", range(len(ERRORS)))
def test_wrong_calls_are_refused(k: int) -> None:
    function, error, said = ERRORS[k]
    with pytest.raises(error, match=said):
        function()
