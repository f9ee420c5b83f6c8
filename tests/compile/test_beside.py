"""Compiling beside the running program: the same bits before and after, and no harm from a helper that is not there."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tenure.compile import beside, tiers
from tenure.compile.executable import key_of
from tenure.compile.jit import engine
from tenure.compile.tiers import Tiered
from tenure.dtypes import float32
from tenure.ir.aval import Aval
from tenure.ir.program import TABLE, Builder, Program, Value

PATIENCE = 120.0
X = np.linspace(-1, 1, 64, dtype=np.float32)


def program(seed: float) -> Program:
    """A program that no cache has."""
    b = Builder()
    x = b.input(Aval((64,), float32))
    y: Value = TABLE["sin"](x * seed) + x
    y = TABLE["exp"](y) * y
    return b.extract([x.id], [y.id])


@pytest.fixture
def tiered(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tiered]:
    """A new program that is expected to compile for long."""
    monkeypatch.setenv("TENURE_COMPILE", "beside")
    monkeypatch.setattr(tiers, "WAIT", 0.0)
    monkeypatch.setattr(tiers, "BUDGET", tiers.Budget())
    yield Tiered(program(time.time() % 1000))
    beside.stop()


def bits(found: list[Any]) -> bytes:
    return b"".join(np.asarray(x).tobytes() for x in found)


def answered(t: Tiered) -> None:
    """Wait until the helper has answered."""
    end = time.monotonic() + PATIENCE
    while t.job.outcome() is None:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_program_goes_on_op_by_op_and_then_runs_compiled_with_the_same_bits(tiered: Tiered) -> None:
    before = [bits(tiered([X])) for _ in range(3)]
    assert tiered.compiled is None
    assert "in another process" in tiered.state()
    answered(tiered)
    compiled_here = engine().counts.compiled
    before.append(bits(tiered([X])))
    assert tiered.state() == "one native call"
    assert engine().counts.compiled == compiled_here
    assert len(set(before)) == 1


def test_where_compiling_takes_longer_than_expected_no_call_waits_for_it_again(
    tiered: Tiered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine the first compilation takes long; programs of its size are compiled beside then."""
    monkeypatch.setattr(tiers, "PACE", tiers.Pace())
    monkeypatch.setattr(tiers, "WAIT", 4 * tiers.estimate(tiered.program))
    make = tiers.compile_program
    monkeypatch.setattr(tiers, "compile_program", lambda program: (time.sleep(0.3), make(program))[1])
    tiered([X])
    tiered([X])
    assert tiered.compiled is not None
    another = Tiered(program(time.time() % 1000 + 0.5))
    found = [bits(another([X])) for _ in range(2)]
    assert another.compiled is None and another.job is not None
    assert len(set(found)) == 1


def test_the_pace_of_compiling_comes_back() -> None:
    pace = tiers.Pace()
    pace.note(1.0, 0.1)
    assert pace.factor > 4
    for _ in range(8):
        pace.note(0.1, 0.1 * pace.factor)
    assert pace.factor == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize("disk", [None, "too small"])
def test_code_comes_without_a_disk_cache(tiered: Tiered, monkeypatch: pytest.MonkeyPatch, disk: str | None) -> None:
    beside.stop()
    monkeypatch.setattr(engine(), "disk", disk)
    if disk is not None:
        monkeypatch.setattr(engine(), "disk", type("Full", (), {"root": "/dev/null/no", "get": lambda *_: None})())
    tiered([X])
    tiered([X])
    answered(tiered)
    tiered([X])
    assert tiered.state() == "one native call"


def test_another_helper_takes_over_once_and_then_the_program_stays_op_by_op(tiered: Tiered) -> None:
    tiered([X])
    tiered([X])
    for _ in range(tiers.ATTEMPTS - 1):
        tiered.job.helper.stop()
        tiered([X])
        tiered([X])
        assert tiered.job is not None
    tiered.job.helper.stop()
    with pytest.warns(RuntimeWarning, match="helper process has ended"):
        tiered([X])
    assert tiered.state() == f"run op by op: {beside.LOST}"


def test_a_program_stays_op_by_op_where_no_process_can_be_started(
    tiered: Tiered, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside.stop()
    monkeypatch.setattr(sys, "executable", "")
    outcomes = {bits(tiered([X])) for _ in range(4)}
    assert len(outcomes) == 1
    assert "no process can be started" in tiered.state()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_a_helper_of_its_own(tiered: Tiered) -> None:
    tiered([X])
    tiered([X])
    job = tiered.job
    child = os.fork()
    if not child:
        os._exit(0 if job.outcome() in (beside.LOST, "") and beside._helper is None else 1)
    assert os.waitpid(child, 0)[1] == 0
    answered(tiered)
    assert job.outcome() == ""


def test_programs_are_handed_over_whole() -> None:
    p = program(2.0)
    assert key_of(pickle.loads(pickle.dumps(p))) == key_of(p)


LEAVES = """
import os, sys
os.environ["TENURE_COMPILE"] = "beside"
from tenure.compile import beside, tiers
tiers.WAIT = 0.0
import tenure as tn
for k in range(3):
    x = tn.arange(50).float()
    (x * 0.5 + x.sin()).sum().item()
print(beside._helper.folder, beside._helper.process.pid, flush=True)
{end}
"""


@pytest.mark.skipif(os.name != "posix", reason="looks for processes by their number")
@pytest.mark.parametrize("end", ["", "os._exit(3)", "os.kill(os.getpid(), 9)"])
def test_the_helper_ends_with_its_process(end: str, tmp_path: Any) -> None:
    environment = {**os.environ, "TENURE_CACHE_DIR": str(tmp_path), "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-c", LEAVES.format(end=end)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.stderr == ""
    folder, number = done.stdout.split()
    deadline = time.monotonic() + PATIENCE
    while os.path.exists(folder) or alive(int(number)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def alive(number: int) -> bool:
    """Whether a process runs; an ended one that nobody waits for does not."""
    try:
        with open(f"/proc/{number}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("idle", [0.0, 4.0, 3600.0])
def test_idle_time_refills_the_budget_and_does_not_raise_it(monkeypatch: pytest.MonkeyPatch, idle: float) -> None:
    now = 0.0
    monkeypatch.setattr(tiers, "perf_counter", lambda: now)
    budget = tiers.Budget()
    now += 60.0
    assert budget.left() == tiers.GRANT
    budget.spend(3 * tiers.GRANT)
    now += idle
    assert budget.left() == min(tiers.GRANT, tiers.SHARE * idle - 2 * tiers.GRANT)
