"""Compiled programs where things are not as usual: other threads, forks, interrupts, many shapes, no BLAS."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from weakref import WeakSet

import numpy as np
import pytest

import tenure as tn
from tenure.compile import late
from tenure.compile.tiers import compile_program
from tenure.values.operations.boundary import array_of
from tenure.values.run import force, plan

ROOT = Path(__file__).parents[2]


def python(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A process that compiles everything at first sight."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    environment = {**os.environ, "PYTHONPATH": path, "TENURE_EXECUTOR": "compiled", **environment}
    return subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> WeakSet[Any]:
    """Everything is compiled at first sight; the programs that are alive."""
    alive: WeakSet[Any] = WeakSet()

    class Counted:
        def __init__(self, program: Any) -> None:
            self.run = compile_program(program)
            alive.add(self)

        def __call__(self, *args: Any) -> Any:
            return self.run(*args)

    monkeypatch.setattr(plan, "EXECUTOR", Counted)
    return alive


def step(w: Any, k: int, n: int) -> Any:
    """A few fused kernels, large enough for several threads."""
    x = tn.arange(n, dtype=tn.float32) * (k + 1) / n
    return (tn.sin(x[:, None] * w) ** 2).sum(0) - tn.exp(-x).mean()


def test_python_threads_run_programs_at_once(compiled: WeakSet[Any]) -> None:
    w = tn.linspace(0.0, 1.0, 64)
    sizes = [700, 701, 900, 1500]
    want = {(n, k): step(w, k, n).numpy() for n in sizes for k in range(6)}
    wrong: list[Any] = []

    def work(n: int) -> None:
        try:
            for _ in range(4):
                for k in range(6):
                    if step(w, k, n).numpy().tobytes() != want[n, k].tobytes():
                        wrong.append((n, k))
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(sizes[k % len(sizes)],)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
    assert compiled


def test_many_shapes_do_not_stay(compiled: WeakSet[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(force, "ROW_BUDGET", 200)
    monkeypatch.setattr(force, "ROWS_KEPT", 150)
    prunings: list[int] = []
    prune = force.prune
    monkeypatch.setattr(force, "prune", lambda root, most: prunings.append(prune(root, most)) or prunings[-1])
    for n in range(1, 251):
        assert (tn.ones(n) * 2 + 1).sum().item() == 3 * n
    gc.collect()
    assert len(compiled) <= 80
    assert 3 < len(prunings) <= 50, "each one makes room for many more"
    assert max(prunings) <= 150
    for n in range(240, 251):  # the latest are known still
        programs = force.COUNTS["programs"]
        (tn.ones(n) * 2 + 1).sum().item()
        assert force.COUNTS["programs"] == programs


FORK = """
import os
import numpy as np
import tenure as tn

def run():
    x = tn.arange(200_000, dtype=tn.float32)
    return (tn.sin(x) * 2 + x).sum().item()

before = run()
child = os.fork()
if child == 0:
    y = tn.cos(tn.arange(100_000, dtype=tn.float64)).sum().item()
    os._exit(0 if run() == before and abs(y - np.cos(np.arange(100_000.0)).sum()) < 1e-6 else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), run() == before)
"""


def test_the_child_of_a_fork_runs_and_compiles() -> None:
    done = python(FORK)
    assert (done.stdout, done.stderr) == ("0 True\n", "")


INTERRUPTED = """
import signal
import numpy as np
import tenure as tn

w = tn.zeros(5000, dtype=tn.float64).mut()
x = tn.ones(5000, dtype=tn.float64)
steps = interrupts = 0
signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))  # Ctrl-C, which a run is safe from
while interrupts < 40:
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.002 + 0.0005 * (interrupts % 7), 0.1)  # again: Python may drop one
        while True:
            w += x
            w[1:] = w[1:] * 1.0
            steps += 1
            if steps % 3 == 0:
                w[0].item()
    except KeyboardInterrupt:
        interrupts += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        a = w.numpy()
        assert a.min() == a.max() and abs(a[0] - steps) <= interrupts, (a.min(), a.max(), steps)
print("usable", w.numpy().shape, (tn.ones(3) * 2).sum().item())
"""


def test_interrupts_between_programs_leave_whole_values() -> None:
    done = python(INTERRUPTED)
    assert (done.stdout, done.stderr) == ("usable (5000,) 6.0\n", "")


class Interrupting:
    """An attribute, at whose naming Ctrl-C comes."""

    def __set_name__(self, owner: type, name: str) -> None:
        raise KeyboardInterrupt


def test_an_interrupt_while_a_module_is_imported_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late, "import_module", lambda name: type(name, (), {"field": Interrupting()}))
    with pytest.raises(KeyboardInterrupt):
        late.late("interrupted")


WITHOUT_BLAS = """
import sys
sys.modules["scipy_openblas32"] = None
import tenure as tn

x = tn.ones((3, 3))
for _ in range(3):
    print((x + 1).sum().item(), (tn.ones((3, 3), dtype=tn.int64) @ tn.ones((3, 3), dtype=tn.int64)).sum().item())
    try:
        (x @ x + 1.0).sum().item()
    except ImportError as error:
        print(error)
"""


@pytest.mark.parametrize("executor", ["tiered", "interpreted"])
def test_without_blas_only_products_of_floats_fail(executor: str) -> None:
    done = python(WITHOUT_BLAS, TENURE_EXECUTOR=executor)
    failed = ["matrix products need OpenBLAS: pip install scipy-openblas32"] if executor == "tiered" else []
    assert done.stdout.splitlines() == ["18.0 27", *failed] * 3


def test_two_processes_fill_one_cache(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "TENURE_CACHE_DIR": str(tmp_path),
        "TENURE_EXECUTOR": "compiled",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]),
    }
    command = [sys.executable, "-m", "tests.compile.training"]
    running = [subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) for _ in range(2)]
    hashes = {p.communicate(timeout=300)[0] for p in running}
    assert [p.returncode for p in running] == [0, 0]
    assert len(hashes) == 1 and len(hashes.pop()) == 65


def test_results_of_all_sizes_are_arrays_of_their_own(compiled: WeakSet[Any]) -> None:
    kept = [(tn.ones(n) + k) for n in (0, 1, 7, 1023, 1024, 5000) for k in range(3)]
    arrays = [array_of(x) for x in kept]
    pairs = [(a, b) for k, a in enumerate(arrays) for b in arrays[:k]]
    assert not any(np.shares_memory(a, b) for a, b in pairs) and all(a.base is None for a in arrays)
    assert [a.sum() for a in arrays] == [n * (k + 1) for n in (0, 1, 7, 1023, 1024, 5000) for k in range(3)]


def test_a_result_keeps_its_shape_and_dtype_in_the_array_of_an_input(compiled: WeakSet[Any]) -> None:
    """Where it lies in the buffer of a value that has those of the input."""
    for last in (lambda y: y.reshape(20), lambda y: y.to(tn.float32).reshape(2, 10), lambda y: y.T):
        v = tn.ones((4, 5), dtype=tn.float64) + 1.0
        v.numpy()
        y = last(tn.exp(v))
        del v
        assert (y.numpy().shape, y.numpy().dtype) == (y.shape, y.dtype.numpy)
