"""Two ranks on one machine: tenure.distributed on MPI beside torch.distributed (gloo) DistributedDataParallel.

    all_reduce    of 4 kB to 64 MB
    convnet       a step of a ResNet-like network: forward, backward, mean of gradients, SGD
    transformer   a step of a small transformer, Adam
    wide          a step of four layers of 4 MB each, SGD: as much to send as to compute
    alone         the same step of one rank without communication, to see what it costs

One thread a rank; the same plain code, weights and batches on both sides, whose losses are compared first. Both jobs
live at once, and take turns: a case of one, the same case of the other. The least and the median of all turns, and the
least processor time of a rank, which says more where other processes compute beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

SIZES = [1 << 12, 1 << 16, 1 << 20, 1 << 24, 1 << 26]
RANKS = 2
WARM, TIMED = 30, 4
"""Steps before the first that counts, while programs are compiled; steps of a turn."""
MODELS = ("convnet", "transformer", "wide")
WAYS = ("", " alone")
Times = tuple[float, float]
"""Seconds by the clock, and of processor time."""


def convnet(nn: Any) -> Any:
    """A stem and three residual blocks."""

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, n: int) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(n, n, 3, padding=1, bias=False), nn.Conv2d(n, n, 3, padding=1, bias=False)
            self.m, self.n = nn.BatchNorm2d(n), nn.BatchNorm2d(n)

        def forward(self, x: Any) -> Any:
            return (x + self.n(self.b(self.m(self.a(x)).relu()))).relu()

    blocks = [nn.Conv2d(3, 32, 3, padding=1), *[Block(32) for _ in range(3)], nn.AdaptiveAvgPool2d(4), nn.Flatten()]
    return nn.Sequential(*blocks, nn.Linear(512, 1000))


def transformer(nn: Any) -> Any:
    """Four blocks of width 256."""

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, d: int) -> None:
            super().__init__()
            self.norm, self.second = nn.LayerNorm(d), nn.LayerNorm(d)
            self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
            self.up, self.down = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

        def forward(self, x: Any) -> Any:
            b, n, d = x.shape
            q, k, v = self.qkv(self.norm(x)).reshape(b, n, 3, 4, d // 4).permute(2, 0, 3, 1, 4).unbind(0)
            a = (q @ k.transpose(-1, -2) / 8.0).softmax(-1) @ v
            x = x + self.out(a.transpose(1, 2).reshape(b, n, d))
            return x + self.down(self.up(self.second(x)).relu())

    return nn.Sequential(nn.Linear(64, 256), *[Block(256) for _ in range(4)], nn.Linear(256, 100))


def wide(nn: Any) -> Any:
    """Four layers of width 1024."""
    return nn.Sequential(*[layer for _ in range(4) for layer in (nn.Linear(1024, 1024), nn.ReLU())])


def data(model: str, rank: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(rank)
    if model == "convnet":
        return rng.standard_normal((8, 3, 32, 32)).astype(np.float32), rng.integers(0, 1000, 8)
    if model == "wide":
        return rng.standard_normal((32, 1024)).astype(np.float32), rng.integers(0, 1024, 32)
    return rng.standard_normal((8, 64, 64)).astype(np.float32), rng.integers(0, 100, (8, 64))


def worker(lib: str) -> None:
    """A rank of one side: does what rank 0 reads from its input, a case a line, and writes what came of it."""
    side = Side(lib)
    while True:
        case = side.told(sys.stdin.readline().strip() if side.rank == 0 else "")
        if case in ("", "end"):
            return
        name, way = case.split(",")
        found = side.losses(name) if way == "losses" else side.reductions(int(name)) if way == "reduce" else None
        found = side.steps(name, way) if found is None else found
        if side.rank == 0:
            print(json.dumps(found), flush=True)


class Side:
    """A library as a rank sees it, and the models that were made with it."""

    def __init__(self, lib: str) -> None:
        self.models: dict[str, Any] = {}
        if lib == "tenure":
            import tenure as T
            from tenure import nn, optim

            dist: Any = T.distributed
            self.F: Any = nn.functional
            self.rank, self.reduced, self.wrap = dist.rank(), lambda x: dist.all_reduce(x).numpy, dist.parallel
            self.told = dist.broadcast_object
        else:
            import torch as T  # type: ignore[no-redef]
            import torch.distributed as dist
            import torch.nn.functional as F
            from torch import nn, optim  # type: ignore[no-redef]

            self.F = F
            T.set_num_threads(1)
            dist.init_process_group("gloo")
            self.rank, self.reduced, self.wrap = dist.get_rank(), dist.all_reduce, nn.parallel.DistributedDataParallel

            def told(x: str) -> Any:
                held = [x]
                dist.broadcast_object_list(held, 0)
                return held[0]

            self.told = told
        self.T, self.nn, self.optim, self.barrier = T, nn, optim, dist.barrier

    def timed(self, call: Callable[[], Any]) -> Times:
        """Seconds of a call that all ranks begin at once, and of processor time of this rank's threads."""
        self.barrier()
        start, used = time.perf_counter(), time.process_time()
        call()
        return time.perf_counter() - start, time.process_time() - used

    def reductions(self, size: int) -> list[Times]:
        """Times of an all-reduce."""
        x = self.T.ones(size // 4)
        return [self.timed(lambda: self.reduced(x)) for _ in range(20 if size <= 1 << 20 else 4)]

    def losses(self, name: str) -> list[float]:
        """Make a model, and take its first steps."""
        T, optim = self.T, self.optim
        model = {"convnet": convnet, "transformer": transformer, "wide": wide}[name](self.nn)
        shapes = np.random.default_rng(9)
        for p in model.parameters():
            p.data.copy_(T.from_numpy((shapes.standard_normal(tuple(p.shape)) * 0.05).astype(np.float32)))
        x, y = (T.from_numpy(a) for a in data(name, self.rank))
        adam = name == "transformer"
        opt = optim.Adam(model.parameters(), lr=1e-3) if adam else optim.SGD(model.parameters(), lr=0.01)
        self.models[name] = self.wrap(model), opt, x, y
        found = [self.step(name) for _ in range(WARM)]
        for way in WAYS[1:]:
            for _ in range(WARM // 4):
                self.turn(name, way)
        return found[:6]

    def step(self, name: str) -> float:
        """A step of a model; its loss."""
        opt = self.models[name][1]
        opt.zero_grad()
        loss = self.backward(name)
        opt.step()
        return float(loss.item())

    def backward(self, name: str) -> Any:
        """Forward and backward."""
        whole, _, x, y = self.models[name]
        out = whole(x)
        loss = self.F.cross_entropy(out.flatten(0, -2) if out.ndim > 2 else out, y.flatten())
        loss.backward()
        return loss

    def turn(self, name: str, way: str) -> Times:
        """Times of a step."""
        if not way:
            return self.timed(lambda: self.step(name))
        with self.models[name][0].no_sync():
            return self.timed(lambda: self.step(name))

    def steps(self, name: str, way: str) -> list[Times]:
        """Times of some steps."""
        return [self.turn(name, way) for _ in range(TIMED)]


def started(lib: str) -> list[subprocess.Popen[str]]:
    """The processes of one side; the first takes cases."""
    own = {"TENURE_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    line = [sys.executable, __file__, "--worker", lib]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    if lib == "tenure":
        here = str(Path(sys.executable).parent)
        mpirun = shutil.which("mpirun", path=f"{here}{os.pathsep}{os.environ['PATH']}") or "mpirun"
        fixed = [mpirun, "-n", str(RANKS), "--oversubscribe", "--allow-run-as-root", "--bind-to", "core"]
        return [subprocess.Popen([*fixed, *line], env={**os.environ, **own}, **pipes)]
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(s.getsockname()[1]), "WORLD_SIZE": str(RANKS)}
    pin = ["taskset", "-c"] if shutil.which("taskset") else []
    every = {**os.environ, **own, **address}
    return [
        subprocess.Popen([*(pin and [*pin, str(r)]), *line], env={**every, "RANK": str(r)}, **pipes)
        for r in range(RANKS)
    ]


def asked(processes: list[subprocess.Popen[str]], case: str) -> Any:
    """What one side says to a case."""
    first = processes[0]
    assert first.stdin is not None and first.stdout is not None
    first.stdin.write(f"{case}\n")
    first.stdin.flush()
    said = first.stdout.readline()
    if not said:
        raise SystemExit(f"{case}: a side has ended with {first.wait()}")
    return json.loads(said)


def compare(rounds: int, models: Sequence[str], minutes: float) -> None:
    """Both sides in turns, until all rounds are taken or the time is over; a table."""
    end = time.monotonic() + 60 * minutes
    sides = {lib: started(lib) for lib in ("tenure", "torch")}
    for name in models:
        ours, theirs = (asked(side, f"{name},losses") for side in sides.values())
        if not np.allclose(ours, theirs, rtol=2e-3):
            raise SystemExit(f"{name}: losses {ours} and {theirs}")
    cases = [f"{size},reduce" for size in SIZES] + [f"{name},{way}" for name in models for way in WAYS]
    times: dict[str, Any] = {case: {lib: [] for lib in sides} for case in cases}
    for k in range(rounds):
        for case in cases if not k or time.monotonic() < end else ():
            for lib, side in sides.items():
                times[case][lib] += asked(side, case)
    for side in sides.values():
        assert side[0].stdin is not None
        side[0].stdin.write("end\n")
        side[0].stdin.close()
    if any(p.wait() for side in sides.values() for p in side):
        raise SystemExit("a side has failed")
    print("| case | tenure, ms | gloo, ms | gloo / tenure | of medians | processor: tenure, ms | gloo, ms | ratio |")
    print(f"|{'---|' * 8}")
    for case, found in times.items():
        walls, used = zip(*(zip(*x, strict=True) for x in found.values()), strict=True)
        (a, b), (c, d) = (map(min, x) for x in (walls, used))
        middle, other = map(statistics.median, walls)
        size, way = case.split(",")
        name = f"all_reduce {size}" if way == "reduce" else f"{size}{way}"
        cells = f"{a * 1e3:.3g} | {b * 1e3:.3g} | {b / a:.2f} | {other / middle:.2f}"
        print(f"| {name} | {cells} | {c * 1e3:.3g} | {d * 1e3:.3g} | {d / c:.2f} |")


NETWORKS = {"25 Gb/s Ethernet": (20e-6, 25e9 / 8), "200 Gb/s InfiniBand": (2e-6, 200e9 / 8)}
"""Latency in seconds and bytes a second of a link, as stated by their makers; one link a rank."""
MESSAGE, ROUND, ADDED = 6e-6, 30e-6, 8e9
"""Measured on one machine: seconds of Python for a message, and for a round of waiting; bytes added a second."""


def model(parameters: float, compute: float, batch: int) -> None:
    """Seconds of a step against ranks on paper: a batch of ``batch`` shards, each of ``compute`` seconds."""
    size = 4 * parameters
    print(f"| network | ranks | compute | direct | ring | halving | tree | step | efficiency |\n|{'---|' * 9}")
    for network, (latency, speed) in NETWORKS.items():
        for power in range(0, 11, 2):
            n = 2**power
            rounds, moved = power, 2 * size * (n - 1) / n / speed
            adding = size * (n - 1) / n / ADDED
            meeting = rounds * (latency + ROUND)
            direct = moved + adding + 2 * (n - 1) * MESSAGE + 2 * (latency + ROUND) + meeting if n > 1 else 0.0
            ring = moved + adding + 2 * (n - 1) * (latency + ROUND) + meeting
            halving = moved + adding + 2 * rounds * (latency + ROUND) + meeting
            tree = rounds * (2 * size / speed + size / ADDED + 2 * (latency + ROUND)) + meeting
            work = compute * batch / n + (batch / n - 1) * size / ADDED
            step = work + direct
            ideal = compute * batch / n
            row = [work, direct, ring, halving, tree, step]
            cells = " | ".join(f"{x * 1e3:.4g}" for x in row)
            print(f"| {network} | {n} | {cells} | {ideal / step:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=4.0, help="begin no further round after so long")
    parser.add_argument("--models", nargs="*", default=MODELS, choices=MODELS)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--model", action="store_true", help="print the model of larger jobs")
    options = parser.parse_args()
    if options.model:
        model(parameters=1e8, compute=0.5, batch=1024)
    elif options.worker:
        worker(options.worker)
    else:
        compare(options.rounds, options.models, options.minutes)


if __name__ == "__main__":
    main()
