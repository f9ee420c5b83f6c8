"""Generated code touches nothing beyond its buffers: each ends at a page that must not be touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tenure.runtime import native

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not native.LINUX, reason="there are no guard pages on this platform")


def guarded(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A process whose arrays are all guarded."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True
    )


@pytest.mark.parametrize(("part", "least"), [("primitives", 200), ("fused", 30), ("random", 2)])
def test_no_access_past_the_end(part: str, least: int) -> None:
    done = guarded("-m", "tests.compile.guarded_programs", part)
    names = done.stdout.splitlines()
    assert done.returncode == 0, f"in {names[-1] if names else 'nothing'}:\n{done.stderr}"
    assert int(names[-1].split()[0]) >= least


SHORT = """
import numpy as np
from tenure.compile.executable import compiled
from tenure.ir.aval import Aval
from tenure.ir.program import TABLE, Builder
from tenure.runtime import buffers
from tenure import dtypes
import tenure.ops

b = Builder()
x = b.input(Aval((1000,), dtypes.float32))
program = b.extract([x.id], [TABLE["negative"](x).id])
with buffers.guarded():
    run = compiled(program)
    print(run([buffers.empty(1000)])[0].size, flush=True)
    run([buffers.empty(999)])
"""


def test_an_access_past_the_end_would_be_seen() -> None:
    done = guarded("-c", SHORT)
    assert (done.returncode, done.stdout) == (-signal.SIGSEGV, "1000\n")
