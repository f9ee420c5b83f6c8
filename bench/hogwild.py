"""Sparse logistic regression by several writers of one weight vector: tn.Shared beside PyTorch's Hogwild.

    threads        several threads of one process
    processes      several forked processes (PyTorch: a weight in shared memory, as in its Hogwild example)
    ordered        threads, in rounds: the same bits whatever the scheduling

Both libraries run the same plain code on the same batches, one thread each inside. First one writer of each is
compared, weights and loss; then all are timed in turns, each library in a process of its own, and every run must come
within a third of the loss of one writer. Prints samples a second, medians of the rounds.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

FEATURES, PER_ROW, BATCH, BATCHES, RATE = 1 << 17, 24, 64, 400, 20.0
Batch = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]


def batches() -> list[Batch]:
    """Rows of few features (index, value), labels ±1 by a hidden weight vector. Features are not equally frequent."""
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal(FEATURES).astype(np.float32)
    out = []
    for _ in range(BATCHES):
        index = (FEATURES * rng.random((BATCH, PER_ROW)) ** 3).astype(np.int64)
        value = rng.standard_normal((BATCH, PER_ROW)).astype(np.float32)
        label = np.sign((hidden[index] * value).sum(1)).astype(np.float32)
        out.append((index, value, label))
    return out


def loss_of(weight: np.ndarray[Any, Any], data: list[Batch]) -> float:
    """The mean loss of a weight vector."""
    return float(np.mean([np.logaddexp(0, -y * (weight[i] * x).sum(1)).mean() for i, x, y in data]))


def tenure_writer(w: Any, data: list[Batch]) -> None:
    """Stochastic gradient descent on rows of a shared weight."""
    import tenure as tn

    for i, x, y in data:
        index, value, label = tn.from_numpy(i), tn.from_numpy(x), tn.from_numpy(y)
        rows = tn.Var(w.read(index), requires_grad=True)
        margin = (rows * value).sum(dim=1) * label
        tn.nn.functional.softplus(-margin).mean().backward()
        w.add_(rows.grad * -RATE, index)


def torch_writer(w: Any, data: list[Batch]) -> None:
    """The same."""
    import torch

    for i, x, y in data:
        index, value, label = torch.from_numpy(i), torch.from_numpy(x), torch.from_numpy(y)
        rows = w[index].requires_grad_()
        margin = (rows * value).sum(dim=1) * label
        torch.nn.functional.softplus(-margin).mean().backward()
        w.index_add_(0, index.flatten(), (rows.grad * -RATE).flatten())


def in_threads(work: Callable[[int], None], writers: int) -> None:
    """Run a function of the writer's number in threads."""
    threads = [threading.Thread(target=work, args=(k,)) for k in range(writers)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def in_processes(work: Callable[[int], None], writers: int) -> None:
    """The same in forked processes."""
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=work, args=(k,)) for k in range(writers)]
    for p in processes:
        p.start()
    for p in processes:
        p.join()
        if p.exitcode:
            raise SystemExit(f"a writer ended with {p.exitcode}")


def tenure_run(way: str, writers: int, data: list[Batch]) -> np.ndarray[Any, Any]:
    """The weights that Tenure's writers reach."""
    import tenure as tn

    options: dict[str, Any] = {"ordered": True, "writers": writers} if way == "ordered" else {}
    shared = tn.Shared(tn.zeros(FEATURES), **options)

    def work(k: int) -> None:
        with shared.writer(k) as w:
            tenure_writer(w, data[k::writers])

    (in_processes if way == "processes" else in_threads)(work, writers)
    weight: np.ndarray[Any, Any] = shared.value.numpy()
    return weight


def torch_run(way: str, writers: int, data: list[Batch]) -> np.ndarray[Any, Any]:
    """The weights that PyTorch's writers reach."""
    import torch

    torch.set_num_threads(1)
    w = torch.zeros(FEATURES).share_memory_()
    run = in_processes if way == "processes" else in_threads
    run(lambda k: torch_writer(w, data[k::writers]), writers)
    return w.numpy().copy()


RUNS = {"tenure": tenure_run, "torch": torch_run}
CASES = [(lib, way, n) for lib in RUNS for way in ("threads", "processes") for n in (1, 2)]
CASES += [("tenure", "ordered", 1), ("tenure", "ordered", 2)]


def worker() -> None:
    """A process of one library: reads cases, runs them, answers seconds and loss."""
    data = batches()
    for line in sys.stdin:
        lib, way, writers, out = line.split()
        start = time.perf_counter()
        weight = RUNS[lib](way, int(writers), data)
        seconds = time.perf_counter() - start
        if out != "-":
            np.save(out, weight)
        print(seconds, loss_of(weight, data), weight.tobytes().__hash__(), flush=True)


class Side:
    """The process of a library."""

    def __init__(self) -> None:
        environment = {**os.environ, "TENURE_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        environment["PYTHONHASHSEED"] = "0"
        command = [sys.executable, __file__, "--worker"]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, env=environment, **pipes)

    def run(self, lib: str, way: str, writers: int, out: str = "-") -> list[float]:
        """Seconds, loss, and a number that stands for the bits of the weights."""
        assert self.process.stdin is not None and self.process.stdout is not None
        print(lib, way, writers, out, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline().split()
        if not answer:
            raise SystemExit(f"{lib} has ended in {way}")
        return [float(x) for x in answer]


def check(sides: dict[str, Side], folder: str) -> float:
    """One writer of each library must give the same weights; gives its loss."""
    for lib, side in sides.items():
        loss = side.run(lib, "threads", 1, f"{folder}/{lib}.npy")[1]
    ours, theirs = (np.load(f"{folder}/{lib}.npy") for lib in sides)
    worst = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
    if not worst < 1e-4:
        raise SystemExit(f"one writer: the weights differ by {worst:.1e} of the largest")
    print(f"one writer: the same weights within {worst:.0e} of the largest, loss {loss:.4f} (at zero {np.log(2):.4f})")
    return loss


def measured(rounds: int, sides: dict[str, Side], loss: float) -> Iterator[str]:
    """A line for each case."""
    found: dict[Any, list[list[float]]] = {case: [] for case in CASES}
    for _ in range(rounds):
        for case in CASES:
            found[case].append(sides[case[0]].run(*case))
    for case, runs in found.items():
        lib, way, writers = case
        speed = BATCH * BATCHES / statistics.median([seconds for seconds, _, _ in runs])
        worst = max([reached for _, reached, _ in runs])
        if worst > loss * 4 / 3:
            raise SystemExit(f"{case} reaches {worst:.4f}, one writer {loss:.4f}")
        bits = len({number for _, _, number in runs})
        if way == "ordered" and bits != 1:
            raise SystemExit(f"{case}: {bits} different results")
        yield f"| {lib} | {way} | {writers} | {speed:,.0f} | {worst:.4f} | {bits} of {rounds} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker()
        return
    import tempfile

    sides = {lib: Side() for lib in RUNS}
    with tempfile.TemporaryDirectory() as folder:
        loss = check(sides, folder)
    print("| library | writers are | how many | samples/s | worst loss | different results |")
    print("|---|---|---|---|---|---|")
    for line in measured(options.rounds, sides, loss):
        print(line)


if __name__ == "__main__":
    main()
