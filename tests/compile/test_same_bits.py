"""Same program, same bits: training runs without BLAS calls and with them, in processes that run them differently."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.compile.machine import cpus
from tests.traits import EVERY

ROOT = Path(__file__).parents[2]
WAYS: dict[str, dict[str, str]] = {
    "compiled at first sight": {"TENURE_EXECUTOR": "compiled"},
    "op by op": {"TENURE_EAGER": "1"},
    "op by op, on one thread": {"TENURE_EAGER": "1", "TENURE_NUM_THREADS": "1"},
    "on one thread": {"TENURE_NUM_THREADS": "1"},
    "on two threads": {"TENURE_NUM_THREADS": "2"},
    "compiled, on one thread": {"TENURE_EXECUTOR": "compiled", "TENURE_NUM_THREADS": "1"},
    **{f"for {cpu}": {"TENURE_EXECUTOR": "compiled", "TENURE_CPU": cpu} for cpu in cpus()},
    **{f"op by op for {cpu}": {"TENURE_EAGER": "1", "TENURE_CPU": cpu} for cpu in cpus()},
}


RUNS = ("training", "linear_training")
each = pytest.mark.parametrize("run", RUNS)


def trained(run: str, seed: str = "", **environment: str) -> str:
    """The hash of a run."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TENURE_") or k == "TENURE_CACHE_DIR"}
    path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    command = [sys.executable, "-m", f"tests.compile.{run}", *([seed] if seed else [])]
    done = subprocess.run(
        command, cwd=ROOT, env={**kept, "PYTHONPATH": path, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@cache
def usual(run: str) -> str:
    """The hash of the usual run."""
    return trained(run)


SHOWN = [(run, way) for k, run in enumerate(RUNS) for way in (WAYS if EVERY else list(WAYS)[k::2])]
"""In the gate the second run is done in every other way, the first in those between."""


@pytest.mark.parametrize(("run", "way"), SHOWN)
def test_however_it_is_run(run: str, way: str) -> None:
    assert trained(run, **WAYS[way]) == usual(run)


@pytest.mark.parametrize(("seed", "executor"), [("1", "tiered"), ("2", "compiled")])
@each
def test_wherever_it_is_cut(run: str, seed: str, executor: str) -> None:
    assert trained(run, seed, TENURE_EXECUTOR=executor) == usual(run)


def test_run_to_run() -> None:
    assert trained("linear_training") == usual("linear_training")


def test_fresh_or_from_disk(tmp_path: Path) -> None:
    caches = {"TENURE_EXECUTOR": "compiled", "TENURE_CACHE_DIR": str(tmp_path)}
    assert trained("training", **caches) == usual("training")
    entries = sorted(p.name for p in tmp_path.rglob("*") if p.is_file())
    assert entries
    assert trained("training", **caches) == usual("training")
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == entries, "nothing was compiled again"
