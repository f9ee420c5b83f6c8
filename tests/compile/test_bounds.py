"""TENURE_DEBUG_BOUNDS: kernels check their own accesses, say which one is wrong, and otherwise compute the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tenure import dtypes
from tenure.compile import elements
from tenure.compile.executable import compiled
from tenure.errors import InternalError
from tenure.ir.aval import Aval
from tenure.ir.program import TABLE, Builder, Program

ROOT = Path(__file__).parents[2]


PARTS = ["fused", "random", *(["primitives"] if os.environ.get("TENURE_FUZZ") else [])]


@pytest.mark.parametrize("part", PARTS)
def test_what_is_right_passes(part: str) -> None:
    path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    env = {**os.environ, "PYTHONPATH": path, "TENURE_DEBUG_BOUNDS": "1"}
    command = [sys.executable, "-m", "tests.compile.guarded_programs", part]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-200:] + done.stderr


def program(*shape: int) -> Program:
    """Rows of x turned round, and their sums."""
    b = Builder()
    x = b.input(Aval(shape, dtypes.float32))
    y = TABLE["flip"](TABLE["exp"](x), axes=(1,))
    return b.extract([x.id], [y.id, TABLE["reduce_sum"](y, axes=(1,)).id])


@pytest.mark.parametrize("away", [-1, 1, 1 << 40])
@pytest.mark.parametrize("shape", [(3, 5), (4, 64), (5, 129)])
def test_a_wrong_index_is_caught(shape: tuple[int, int], away: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENURE_DEBUG_BOUNDS", "1")
    monkeypatch.setenv("TENURE_CACHE", "0")
    x = np.ones(shape, np.float32)
    compiled(program(*shape))([x.copy()])
    address = elements.Emitter.scalar
    monkeypatch.setattr(elements.Emitter, "scalar", lambda self, i: address(self, i + away if i.terms else i))
    wrong = program(*shape)
    monkeypatch.setattr("tenure.compile.executable.structure", lambda p: f"wrong by {away} {shape}")
    with pytest.raises(InternalError, match=r"an access of kernel\d+ to (%\d+, float32\[.*\]|scratch), is out of b"):
        compiled(wrong)([x.copy()])
