"""Two ranks on one machine: tenure.distributed on MPI beside torch.distributed (gloo) DistributedDataParallel.

    all_reduce    of 4 kB to 64 MB
    convnet       a step of a ResNet-like network: forward, backward, mean of gradients, SGD
    transformer   a step of a small transformer, Adam
    alone         the same step of one rank without communication, to see what it costs

One thread a rank; the same plain code, weights and batches on both sides, whose losses are compared first. The jobs of
both sides are started in turns; medians of all rounds.
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
from pathlib import Path
from typing import Any

import numpy as np

SIZES = [1 << 12, 1 << 16, 1 << 20, 1 << 24, 1 << 26]
RANKS = 2


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


def data(model: str, rank: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(rank)
    if model == "convnet":
        return rng.standard_normal((8, 3, 32, 32)).astype(np.float32), rng.integers(0, 1000, 8)
    return rng.standard_normal((8, 64, 64)).astype(np.float32), rng.integers(0, 100, (8, 64))


def worker(lib: str, out: str) -> None:
    """A rank of one side: writes seconds of each case."""
    found: dict[str, Any] = {}
    if lib == "tenure":
        import tenure as T
        from tenure import nn, optim

        F: Any = nn.functional
        dist = T.distributed
        rank, barrier, reduced = dist.rank(), dist.barrier, lambda x: dist.all_reduce(x).numpy
        wrap = dist.parallel
    else:
        import torch as T  # type: ignore[no-redef]
        import torch.distributed as dist  # type: ignore[no-redef]
        import torch.nn.functional as F
        from torch import nn, optim  # type: ignore[no-redef]

        T.set_num_threads(1)
        dist.init_process_group("gloo")
        rank, barrier, reduced = dist.get_rank(), dist.barrier, lambda x: dist.all_reduce(x)  # type: ignore[assignment]
        wrap = nn.parallel.DistributedDataParallel
    for size in SIZES:
        x = T.ones(size // 4)
        times = []
        for _ in range(30 if size <= 1 << 20 else 8):
            barrier()
            start = time.perf_counter()
            reduced(x)
            times.append(time.perf_counter() - start)
        found[f"all_reduce {size}"] = statistics.median(times)
    for name, make in (("convnet", convnet), ("transformer", transformer)):
        model = make(nn)
        shapes = np.random.default_rng(9)
        for p in model.parameters():
            p.data.copy_(T.from_numpy((shapes.standard_normal(tuple(p.shape)) * 0.05).astype(np.float32)))
        x, y = (T.from_numpy(a) for a in data(name, rank))
        whole = wrap(model)
        opt = optim.SGD(model.parameters(), lr=0.01) if name == "convnet" else optim.Adam(model.parameters(), lr=1e-3)

        def step(several: Any = whole, opt: Any = opt, x: Any = x, y: Any = y) -> float:
            opt.zero_grad()
            out = several(x)
            loss = F.cross_entropy(out.flatten(0, -2) if out.ndim > 2 else out, y.flatten())
            loss.backward()
            opt.step()
            return float(loss.item())

        losses = [step() for _ in range(6)]
        found[f"loss {name}"] = losses
        for how in ("", " alone"):
            times = []
            for _ in range(12):
                barrier()
                start = time.perf_counter()
                if how:
                    with whole.no_sync():
                        step()
                else:
                    step()
                times.append(time.perf_counter() - start)
            found[f"{name}{how}"] = statistics.median(times)
    if rank == 0:
        Path(out).write_text(json.dumps(found))
    barrier()


def job(lib: str, out: Path) -> dict[str, Any]:
    """Run one side."""
    own = {"TENURE_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    line = [sys.executable, __file__, "--worker", lib, str(out)]
    if lib == "tenure":
        here = str(Path(sys.executable).parent)
        mpirun = shutil.which("mpirun", path=f"{here}{os.pathsep}{os.environ['PATH']}") or "mpirun"
        fixed = [mpirun, "-n", str(RANKS), "--oversubscribe", "--allow-run-as-root", "--bind-to", "core"]
        subprocess.run([*fixed, *line], env={**os.environ, **own}, check=True)
    else:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(s.getsockname()[1]), "WORLD_SIZE": str(RANKS)}
        pin = ["taskset", "-c"] if shutil.which("taskset") else []
        several = [
            subprocess.Popen([*(pin and [*pin, str(r)]), *line], env={**os.environ, **own, **address, "RANK": str(r)})
            for r in range(RANKS)
        ]
        if any(p.wait() for p in several):
            raise SystemExit("torch.distributed has failed")
    found: dict[str, Any] = json.loads(out.read_text())
    return found


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
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--model", action="store_true", help="print the model of larger jobs")
    options = parser.parse_args()
    if options.model:
        model(parameters=1e8, compute=0.5, batch=1024)
        return
    if options.worker:
        worker(*options.worker)
        return
    import tempfile

    runs: dict[str, list[dict[str, Any]]] = {"tenure": [], "torch": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            for lib, found in runs.items():
                found.append(job(lib, Path(folder) / f"{lib}.json"))
                print(lib, json.dumps(found[-1]), file=sys.stderr, flush=True)
    for name in ("convnet", "transformer"):
        ours, theirs = (runs[lib][0][f"loss {name}"] for lib in runs)
        if not np.allclose(ours, theirs, rtol=2e-3):
            raise SystemExit(f"{name}: losses {ours} and {theirs}")
    print("| case | tenure, ms | torch gloo, ms | gloo / tenure | smallest ratio of a round |")
    print("|---|---|---|---|---|")
    for case in [c for c in runs["tenure"][0] if not c.startswith("loss")]:
        ours, theirs = ([run[case] for run in runs[lib]] for lib in runs)
        least = min(b / a for a, b in zip(ours, theirs, strict=True))
        a, b = statistics.median(ours), statistics.median(theirs)
        print(f"| {case} | {a * 1e3:.3g} | {b * 1e3:.3g} | {b / a:.2f} | {least:.2f} |")


if __name__ == "__main__":
    main()
