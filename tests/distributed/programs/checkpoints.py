"""Checks of checkpoints that all ranks write, and other numbers of ranks read."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import tenure as tn
from tenure import nn, optim
from tenure.distributed import broadcast_object, rank
from tenure.distributed.checkpoint import cut
from tests.distributed.jobs import check
from tests.distributed.programs.parallels import groups
from tests.distributed.programs.training import digest

dist = tn.distributed


def folder() -> Path:
    """A new folder that all ranks know."""
    return Path(broadcast_object(tempfile.mkdtemp()))


def parts(group: Any, zero: bool) -> dict[str, Any]:
    net = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Linear(5, 3, dtype=tn.float64))
    net[2].to(tn.float32)
    opt = optim.Adam(net.parameters(), lr=0.1)
    if zero:
        dist.shard_optimizer(opt, group=group)
    return {"model": dist.parallel(net, shards=4, group=group), "optimizer": opt, "loader": dist.Loader(range(9), 4, 4)}


def steps(held: dict[str, Any], first: int, last: int) -> str:
    for k in range(first, last):
        held["optimizer"].zero_grad()
        x = tn.randn(8, 6, generator=tn.Generator(k))
        for part in held["model"].shards(x):
            held["model"](part).square().mean().backward()
        held["optimizer"].step()
    state = held["optimizer"].state_dict()["state"]
    kept = {f"{k} {name}": x for k, of in state.items() for name, x in of.items()}
    return digest(held["model"].state_dict(), kept, {"random": tn.rand(2).tolist()})


@check
def test_written_by_four_read_by_fewer() -> None:
    for zero in (False, True):
        path, whole = folder(), groups()[-1]
        tn.manual_seed(1)
        held = parts(whole, zero)
        steps(held, 0, 2)
        dist.save_checkpoint(path, **held, best=0.5, words=["a", ("b", 3)])
        wanted = steps(held, 2, 4)
        for g in (groups()[2], groups()[0]):  # three ranks and one; one and one
            tn.manual_seed(100 + rank())
            other = parts(g, zero and g.size > 1)
            rest = dist.load_checkpoint(path, group=g, **other)
            assert rest == {"best": 0.5, "words": ["a", ("b", 3)]}, rest
            assert steps(other, 2, 4) == wanted, (zero, g.size)


class Noisy:
    """Samples that are drawn, from each of the default generators."""

    def __len__(self) -> int:
        return 32

    def __getitem__(self, k: int) -> Any:
        return tn.randn(6) + k + random.random() + float(np.random.rand())


def trained(group: Any, last: int, path: Path | None = None) -> dict[str, Any]:
    """Steps up to a number, from a checkpoint on if there is one, with a loop over a loader that is left within an
    epoch."""
    for seed in (tn.manual_seed, random.seed, np.random.seed):
        seed(dist.rank(group))
    net = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Dropout(0.4), nn.Linear(5, 3))
    opt = dist.shard_optimizer(optim.AdamW(net.parameters(), lr=0.1), group=group)
    held: dict[str, Any] = {"model": dist.parallel(net, shards=4, group=group), "optimizer": opt}
    held["loader"] = dist.Loader(Noisy(), 12, 4, shuffle=True, group=group)
    k = 0 if path is None else dist.load_checkpoint(path, group=group, **held)["k"]
    while k < last:
        for batch in held["loader"]:
            opt.zero_grad()
            for x in held["model"].shards(batch):
                (held["model"](x) * random.random()).square().mean().backward()
            opt.step()
            k += 1
            if k == last:
                break
    return {**held, "k": k}


def bits(held: dict[str, Any]) -> str:
    """The digest of a run, and of what it draws next."""
    every = held["optimizer"].state_dict()["state"].items()
    state = {f"{j} {name}": x for j, of in every for name, x in of.items()}
    return digest(held["model"].state_dict(), state, {"next": [tn.rand(2).tolist(), random.random()]})


@check
def test_a_run_is_resumed_within_an_epoch() -> None:
    path, wanted = folder(), bits(trained(groups()[0], 5))
    dist.save_checkpoint(path, **trained(groups()[-1], 2))
    for group, begin in ((groups()[-1], None), (groups()[2], path), (groups()[0], path)):
        assert bits(trained(group, 5, begin)) == wanted


@check
def test_the_former_one_stays_until_the_new_one_is_complete() -> None:
    path = folder()
    dist.save_checkpoint(path, x=tn.arange(10), step=1)
    dist.save_checkpoint(path, x=tn.arange(10) + 1, step=2)
    if rank() == 0:
        assert sorted(p.name == "latest" for p in path.iterdir()) == [False, True]
        (path / "step-0123456789abcdef").mkdir()  # a writer was killed
        (path / "step-0123456789abcdef" / "whole.pt").write_bytes(b"half")
    dist.barrier()
    found = dist.load_checkpoint(path)
    assert found["step"] == 2 and found["x"].tolist() == list(range(1, 11))
    dist.save_checkpoint(path, step=3)
    if rank() == 0:
        assert len(list(path.iterdir())) == 2


@check
def test_a_damaged_part_is_found() -> None:
    path = folder()
    dist.save_checkpoint(path, x=tn.rand(1000))
    if rank() == 0:
        (file,) = path.glob("step-*/2-of-*.pt")
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    dist.barrier()
    for bad, kind in ((path, tn.FileError), (folder() / "none", FileNotFoundError), (3, TypeError)):
        try:
            dist.load_checkpoint(bad)  # type: ignore[arg-type]
        except kind:
            continue
        raise AssertionError(kind)


@check
def test_pieces_cover_all_bytes_once() -> None:
    for sizes in ([], [0], [5], [0, 3, 0, 7], [100, 1, 1, 1], list(range(20))):
        for ranks in (1, 2, 3, 7):
            found = sorted(piece for pieces in cut(sizes, ranks) for piece in pieces)
            every = [(k, b) for k, start, stop in found for b in range(start, stop)]
            assert every == [(k, b) for k, size in enumerate(sizes) for b in range(size)]
