"""Data sets and loaders: parts, orders, batches, and that batches are values."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure import data
from tenure.errors import OutOfRange

Pair = namedtuple("Pair", "x y")


def numbers(n: int) -> data.TensorDataset:
    """Rows 0, 1, … and their doubles."""
    return data.TensorDataset(tn.arange(float(n)), tn.arange(float(n)) * 2)


def test_batches_in_order() -> None:
    loader = data.DataLoader(numbers(7), batch_size=3)
    assert [(x.tolist(), y.tolist()) for x, y in loader] == [
        ([0.0, 1.0, 2.0], [0.0, 2.0, 4.0]),
        ([3.0, 4.0, 5.0], [6.0, 8.0, 10.0]),
        ([6.0], [12.0]),
    ]
    assert (len(loader), len(data.DataLoader(numbers(7), batch_size=3, drop_last=True))) == (3, 2)
    assert [x.item() for x, _ in data.DataLoader(numbers(3), batch_size=None)] == [0.0, 1.0, 2.0]


def test_a_shuffled_order_is_another_each_time_and_reproducible() -> None:
    def epochs(seed: int) -> list[list[float]]:
        loader = data.DataLoader(numbers(20), 6, shuffle=True, generator=tn.Generator(seed))
        return [[v for x, _ in loader for v in x.tolist()] for _ in range(2)]

    first, second = epochs(1)
    assert first != second and sorted(first) == sorted(second) == [float(k) for k in range(20)]
    assert epochs(1) == [first, second] != epochs(2)


def test_samplers() -> None:
    assert [x.tolist() for x, _ in data.DataLoader(numbers(5), 2, sampler=[4, 0, 2])] == [[4.0, 0.0], [2.0]]
    loader = data.DataLoader(numbers(5), batch_sampler=[[1, 3], [0]])
    assert ([x.tolist() for x, _ in loader], len(loader)) == ([[1.0, 3.0], [0.0]], 2)


def test_batches_are_values_of_what_a_place_held() -> None:
    v = tn.arange(4.0).mut()
    batches = []
    for (x,) in data.DataLoader(data.TensorDataset(v), 2):
        batches.append(x)
        v += 10
    assert [(type(x), x.tolist()) for x in batches] == [(tn.Tensor, [0.0, 1.0]), (tn.Tensor, [12.0, 13.0])]


def test_collating() -> None:
    samples: list[Any] = [
        {"a": k, "b": np.float32([k, k]), "c": "x", "d": Pair(tn.tensor([k]), True), "e": [0.5 * k]} for k in range(2)
    ]
    batch = data.default_collate(samples)
    assert (batch["a"].tolist(), batch["a"].dtype, batch["b"].tolist()) == ([0, 1], tn.int64, [[0.0, 0.0], [1.0, 1.0]])
    assert (batch["c"], type(batch["d"]), batch["d"].x.tolist(), batch["d"].y.dtype) == (
        ["x", "x"],
        Pair,
        [[0], [1]],
        tn.bool,
    )
    assert batch["e"][0].tolist() == [0.0, 0.5]
    assert data.default_collate([("s", b"t"), ("u", b"v")]) == (("s", "u"), (b"t", b"v"))
    uneven = [(1,), (1, 2)]
    for bad, kind in (([object()], TypeError), (uneven, ValueError), ([], ValueError), ([{1: 2}, {}], KeyError)):
        with pytest.raises(kind):
            data.default_collate(bad)


def test_parts() -> None:
    whole = numbers(5) + numbers(3)
    assert (len(whole), whole[6][0].item(), whole[-1][1].item()) == (8, 1.0, 4.0)
    part = data.Subset(whole, [7, 0])
    assert (len(part), part[0][0].item(), [x.item() for x, _ in part[[1, 0]]]) == (2, 2.0, [0.0, 2.0])
    for lengths in ([5, 3], [0.6, 0.4]):
        parts = data.random_split(whole, lengths, generator=tn.Generator(3))
        assert [len(p) for p in parts] == [5, 3]
        assert sorted(k for p in parts for k in p.indices) == list(range(8))
    one, other = (data.random_split(whole, [4, 4], tn.Generator(s))[0].indices for s in (1, 2))
    assert one != other


def test_what_is_refused() -> None:
    for bad, kind in (
        (lambda: data.TensorDataset(tn.zeros(2), tn.zeros(3)), tn.ShapeError),
        (lambda: data.TensorDataset(), tn.ShapeError),
        (lambda: data.random_split(numbers(3), [1, 1]), tn.ShapeError),
        (lambda: data.random_split(numbers(3), [0.5, 0.4]), tn.ShapeError),
        (lambda: (numbers(2) + numbers(1))[3], tn.OutOfRange),
        (lambda: data.DataLoader(numbers(2), 0), ValueError),
        (lambda: data.DataLoader(numbers(2), num_workers=-1), ValueError),
        (lambda: data.DataLoader(numbers(2), shuffle=True, sampler=[0]), ValueError),
        (lambda: data.DataLoader(numbers(2), None, drop_last=True), ValueError),
        (lambda: data.Dataset()[0], NotImplementedError),
    ):
        with pytest.raises(kind):
            bad()
    with pytest.raises(IndexError, match="TN801"):
        numbers(2)[2]


def test_data_sets_and_loaders_are_subscripted_by_their_items() -> None:
    class Halves(data.Dataset[float]):
        def __getitem__(self, index: int) -> float:
            return index / 2

        def __len__(self) -> int:
            return 3

    assert [b.tolist() for b in data.DataLoader[tn.Tensor](Halves(), 2)] == [[0.0, 0.5], [1.0]]
    assert data.Subset[float](Halves(), [2])[0] == data.ConcatDataset[float]([Halves()])[2] == 1.0
    assert len(data.TensorDataset[tn.Tensor](tn.ones(3))) == 3


@pytest.mark.peers
def test_batches_are_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    from torch.utils import data as theirs

    def run(lib: Any, utils: Any) -> list[Any]:
        whole = utils.TensorDataset(lib.arange(10), lib.arange(10) * 0.5)
        part = utils.Subset(whole, [9, 2, 4, 4, 1])
        loaders = [utils.DataLoader(part, 2), utils.DataLoader(part + whole, 4, drop_last=True)]
        return [[x.tolist() for x in batch] for loader in loaders for batch in loader] + [len(x) for x in loaders]

    assert run(tn, data) == run(torch, theirs)


def test_a_batch_read_at_once_is_the_batch_of_its_samples() -> None:
    """Tensors, arrays, subsets and classes of one's own, with the errors that samples raise."""

    class Doubled(data.TensorDataset):
        def __getitem__(self, index: Any) -> Any:
            return tuple([2 * t for t in super().__getitem__(index)])

    x, y, z = tn.arange(20.0).reshape(10, 2), tn.Var(tn.arange(10)), np.arange(10, dtype="float32")
    both = data.TensorDataset(x, y)
    nested = data.Subset(data.Subset(both, [9, -1, 2, 4]), [3, 0, 1, -4])
    for samples in (both, x, nested, data.TensorDataset(x, z), Doubled(x, y), data.Subset(Doubled(x), [1, 2, 5, 4])):
        for order in ([3, 0, 0, -1], [2, 1]):
            known = data.DataLoader(samples, batch_sampler=[order])
            apart = data.DataLoader(samples, batch_sampler=[order], collate_fn=lambda s: data.default_collate(s))
            (one,), (other,) = list(known), list(apart)
            assert type(one) is type(other)
            for a, b in zip(*[v if isinstance(v, tuple) else (v,) for v in (one, other)], strict=True):
                assert type(a) is type(b) and a.dtype is b.dtype
                np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
    y[0] = 5
    with pytest.raises(OutOfRange):
        list(data.DataLoader(both, batch_sampler=[[1, 10]]))
