"""What recording costs: time per operation, time of a step seen before, import time.

Beside PyTorch's eager operations in the same run. A hit is run as it is, its program included, since compiled code is
called natively alone. Else the executor is replaced by one that computes nothing, so that what remains is Python.
Medians of many rounds; the two libraries take turns.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from harness.children import keep_bytecode

import tenure as tn
from tenure.ir.program import Program
from tenure.values.run import plan
from tenure.values.trace.record import RECORDER

try:
    import torch
except ImportError:
    torch = None  # type: ignore[assignment]

ROUNDS = 60
LENGTH = 100


class Nothing:
    """An executor that gives the same arrays at every call."""

    def __init__(self, program: Program) -> None:
        avals = [program.aval(v) for v in program.outputs]
        self.outputs = [np.zeros(a.shape, a.dtype.numpy) for a in avals]

    def __call__(self, arrays: list[Any], numbers: Any = ()) -> list[Any]:
        return self.outputs


def seconds(run: Callable[[], Any], after: Callable[[], Any] = lambda: None) -> tuple[float, float]:
    """Median seconds of ``run`` and of what follows it."""
    first, second = [], []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        kept = run()
        middle = time.perf_counter()
        after()
        first.append(middle - start)
        second.append(time.perf_counter() - middle)
        del kept
    return statistics.median(first), statistics.median(second)


def chain(x: Any, b: Any, tanh: Callable[[Any], Any]) -> Any:
    """A chain of elementwise operations, each reading the last result."""
    for _ in range(LENGTH // 4):
        x = tanh((x * b + b) * 1.5)
    return x


KINDS: dict[str, Callable[[Any, Any], Any]] = {
    "x * y": lambda x, y: x * y,
    "x * 1.5": lambda x, y: x * 1.5,
    "x @ y": lambda x, y: x @ y,
    "x.tanh()": lambda x, y: x.tanh(),
    "x.sum(0)": lambda x, y: x.sum(0),
    "x[1]": lambda x, y: x[1],
    "x[1:3]": lambda x, y: x[1:3],
    "x.reshape(16)": lambda x, y: x.reshape(16),
}


def repeated(operation: Callable[[Any, Any], Any], x: Any, y: Any) -> Callable[[], Any]:
    """The operation many times on the same operands."""

    def run() -> None:
        for _ in range(LENGTH):
            operation(x, y)

    return run


def training_step(lib: Any, w: Any, x: Any) -> Callable[[], Any]:
    """Six operations, backward, an update, a read."""

    def run() -> Any:
        z = lib.tanh(x * w) + w
        loss = (z * z).sum()
        loss.backward()
        w.data = w.data - 0.1 * w.grad
        w.grad = None
        return loss.item()

    return run


def import_milliseconds(statement: str) -> float:
    """Median time of an import in fresh processes."""
    keep_bytecode()
    code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    times = [float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(9)]
    return 1e3 * statistics.median(times)


def main() -> None:
    """Print the table."""
    a = np.linspace(0.5, 1.5, 16, dtype=np.float32).reshape(4, 4)
    ours = (tn.tensor(a), tn.tensor(a))
    theirs = None if torch is None else (torch.tensor(a, requires_grad=True), torch.tensor(a))
    kept: list[Any] = []
    run, rest = seconds(lambda: kept.append(chain(*ours, tn.tanh)), lambda: kept.pop().numpy())
    plan.EXECUTOR = Nothing
    budget = 5 + 0.1 * LENGTH
    print(f"{'':34}{'tenure':>10}{'torch':>10}")
    peer = "" if theirs is None else f"{seconds(lambda: chain(*theirs, torch.tanh))[0] / LENGTH * 1e6:10.2f}"
    print(f"{'chain of operations, µs each':34}{run / LENGTH * 1e6:10.2f}{peer}   (at most 1)")
    print(f"{f'a hit of {LENGTH} operations, µs beyond':34}{rest * 1e6:10.1f}{'':10}   (at most {budget:.0f})")
    for name, operation in KINDS.items():
        mine = seconds(repeated(operation, *ours), RECORDER.flush)[0] / LENGTH * 1e6
        peer = "" if theirs is None else f"{seconds(repeated(operation, *theirs))[0] / LENGTH * 1e6:10.2f}"
        print(f"{name + ', µs':34}{mine:10.2f}{peer}")
    w = tn.tensor([2.0], requires_grad=True)
    mine = seconds(training_step(tn, w, tn.tensor([3.0])))[0] * 1e6
    peer = ""
    if torch is not None:
        v = torch.tensor([2.0], requires_grad=True)
        peer = f"{seconds(training_step(torch, v, torch.tensor([3.0])))[0] * 1e6:10.1f}"
    print(f"{'a training step, µs':34}{mine:10.1f}{peer}   (tenure: Python only)")
    both, numpy = import_milliseconds("import numpy, tenure.values"), import_milliseconds("import numpy")
    print(f"{'import beyond NumPy, ms':34}{both - numpy:10.0f}{'':10}   (at most 200)")


if __name__ == "__main__":
    main()
