"""Samplers and data sets: orders and shares, and what is refused."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, namedtuple
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure import data

Pair = namedtuple("Pair", "x y")


def test_random_orders() -> None:
    g = tn.Generator
    assert sorted(data.RandomSampler(range(20))) == list(range(20))
    assert list(data.RandomSampler(range(20), generator=g(1))) == list(data.RandomSampler(range(20), generator=g(1)))
    twice = list(data.RandomSampler(range(5), num_samples=12, generator=g(1)))
    assert len(twice) == 12 and max(Counter(twice).values()) == 3 and min(Counter(twice).values()) == 2
    drawn = list(data.RandomSampler(range(3), replacement=True, num_samples=1000, generator=g(1)))
    assert all(250 < n < 420 for n in Counter(drawn).values()) and len(drawn) == 1000
    assert sorted(data.SubsetRandomSampler([9, 4, 7], generator=g(2))) == [4, 7, 9]
    weighted = list(data.WeightedRandomSampler([1.0, 0.0, 3.0], 1000, generator=g(1)))
    assert 200 < weighted.count(0) < 300 and weighted.count(1) == 0
    assert sorted(data.WeightedRandomSampler([1.0, 2.0, 3.0], 3, replacement=False)) == [0, 1, 2]
    assert list(data.RandomSampler([])) == []


def test_the_default_generator_gives_the_order() -> None:
    def orders() -> list[Any]:
        tn.manual_seed(5)
        loader = data.DataLoader(range(10), 5, shuffle=True)
        return [[b.tolist() for b in loader] for _ in range(2)]

    first = orders()
    assert first == orders() and first[0] != first[1]


def test_shares_of_several_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    for size in (7, 8, 2):
        for drop in (False, True):
            for shuffle in (False, True):
                shares = [
                    data.DistributedSampler(range(size), 3, rank, shuffle, seed=4, drop_last=drop) for rank in range(3)
                ]
                for sampler in shares:
                    sampler.set_epoch(2)
                taken = [list(s) for s in shares]
                together = [k for share in taken for k in share]
                assert {len(share) for share in taken} == {len(shares[0])}
                assert len(set(together)) == len(together) if drop else set(together) == set(range(size))
    one, other = data.DistributedSampler(range(9), 1, 0), data.DistributedSampler(range(9), 1, 0)
    other.set_epoch(1)
    assert list(one) != list(other)
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("RANK", "3")
    assert list(data.DistributedSampler(range(8), shuffle=False)) == [3, 7]
    monkeypatch.delenv("RANK")
    for bad in ({"num_replicas": 2}, {"num_replicas": 2, "rank": 2}, {"num_replicas": 2, "rank": -1}):
        with pytest.raises(ValueError, match="rank"):
            data.DistributedSampler(range(3), **bad)


def test_samplers_refuse() -> None:
    for bad, kind in (
        (lambda: data.RandomSampler(range(3), num_samples=0), ValueError),
        (lambda: data.RandomSampler(iter([3])), tn.DTypeError),  # type: ignore[arg-type]
        (lambda: data.WeightedRandomSampler([1.0], 0), ValueError),
        (lambda: data.WeightedRandomSampler(tn.ones(1, 1), 1), tn.ShapeError),
        (lambda: data.BatchSampler(range(3), 0, False), ValueError),
        (lambda: iter(data.Sampler()), NotImplementedError),
        (lambda: data.RandomSampler(range(3), generator=3), tn.DTypeError),  # type: ignore[arg-type]
        (lambda: data.StackDataset([1], [1, 2]), tn.ShapeError),
        (lambda: data.StackDataset(), tn.ShapeError),
        (lambda: data.StackDataset(iter([1])), TypeError),  # type: ignore[arg-type]
        (lambda: data.ChainDataset([3]), TypeError),  # type: ignore[list-item]
        (lambda: data.ConcatDataset([data.ChainDataset([])]), TypeError),
        (lambda: iter(data.IterableDataset()), NotImplementedError),
    ):
        with pytest.raises(kind):
            bad()


class Letters(data.IterableDataset[str]):
    """Samples without indices."""

    def __iter__(self) -> Any:
        return iter("abc")

    def __len__(self) -> int:
        return 3


def test_data_sets_without_indices() -> None:
    chain = Letters() + Letters()
    assert ("".join(chain), len(chain)) == ("abcabc", 6)
    loader = data.DataLoader(chain, 4)
    assert (list(loader), len(loader)) == ([["a", "b", "c", "a"], ["b", "c"]], 2)
    assert list(data.DataLoader(chain, 4, drop_last=True)) == [["a", "b", "c", "a"]]
    assert list(data.DataLoader(Letters(), None)) == ["a", "b", "c"]
    with pytest.raises(ValueError, match="order of its own"):
        data.DataLoader(Letters(), shuffle=True)


def test_options_that_do_not_go_together() -> None:
    for bad in (
        {"batch_sampler": [[0]], "batch_size": 2}, {"batch_sampler": [[0]], "drop_last": True}, {"timeout": -1},
        {"prefetch_factor": 2}, {"persistent_workers": True}, {"timeout": 1}, {"multiprocessing_context": "fork"},
        {"num_workers": 1, "prefetch_factor": 0}, {"num_workers": 1, "multiprocessing_context": "none"},
        {"threads": True}, {"num_workers": 1, "threads": True, "multiprocessing_context": "fork"},
        {"sampler": [0], "batch_sampler": [[0]]},
    ):  # fmt: skip
        with pytest.raises(ValueError, match="DataLoader: "):
            data.DataLoader([1, 2], **bad)  # type: ignore[call-overload]


def test_collating_keeps_classes() -> None:
    table = defaultdict(list, a=1)
    samples = [OrderedDict(b=Pair(1, np.float32(2)), a=(1j, table)) for _ in range(2)]
    batch = data.default_collate(samples)
    assert type(batch) is OrderedDict and type(batch["b"]) is Pair and type(batch["a"][1]) is defaultdict
    assert batch["a"][0].dtype is tn.complex64 and batch["a"][1]["new"] == []
    sample = {"x": np.arange(2), "y": [np.float64(1), "a", Pair(1, np.bool_(True))], "s": np.array(["a"])}
    made = data.default_convert(sample)
    assert made["x"].dtype is tn.int64 and made["y"][0].dtype is tn.float64 and made["y"][1] == "a"
    assert type(made["y"][2]) is Pair and made["y"][2].y.dtype is tn.bool and type(made["s"]) is np.ndarray
    assert [type(x) for x in data.DataLoader([np.float32(1), 2], None)] == [tn.Tensor, int]


def test_several_samples_at_once() -> None:
    class Many(data.Dataset[int]):
        def __len__(self) -> int:
            return 4

        def __getitems__(self, indices: list[int]) -> list[int]:
            return [10 * k for k in indices][: 1 + len(indices) // 2]

    assert [b.tolist() for b in data.DataLoader(Many(), 1)] == [[0], [10], [20], [30]]
    with pytest.raises(ValueError, match="gave 3 samples for 4 indices"):
        list(data.DataLoader(Many(), 4))


@pytest.mark.peers
def test_orders_and_batches_are_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    from torch.utils import data as theirs

    def run(lib: Any, utils: Any) -> list[Any]:
        class Count(utils.IterableDataset):  # type: ignore[misc]
            def __iter__(self) -> Any:
                return iter(range(7))

        out: list[Any] = [list(utils.SequentialSampler(range(3)))]
        for drop in (False, True):
            out += [list(utils.BatchSampler(utils.SequentialSampler(range(7)), 3, drop))]
            for size in (2, 7, 8):
                shares = [utils.DistributedSampler(range(size), 3, k, False, drop_last=drop) for k in range(3)]
                out += [[(list(s), len(s), s.total_size) for s in shares]]
        out += [[b.tolist() for b in utils.DataLoader(utils.ChainDataset([Count(), Count()]), 4)]]
        stacked = utils.StackDataset(a=range(4), b=lib.arange(4) * 2)
        out += [[{k: v.tolist() for k, v in b.items()} for b in utils.DataLoader(stacked, 3)]]
        out += [utils.StackDataset(range(3), [5, 6, 7])[1], len(stacked)]
        nested = [{"a": [np.arange(2), {"b": (k, "x")}], "c": Pair(True, 0.5)} for k in range(2)]
        batch = utils.default_collate(nested)
        part = batch["a"][1]["b"]
        out += [batch["a"][0].tolist(), part[0].tolist(), list(part[1]), batch["c"].x.tolist()]
        parts = utils.random_split(range(11), [0.3, 0.3, 0.4])
        return [*out, [len(p) for p in parts]]

    assert run(tn, data) == run(torch, theirs)
