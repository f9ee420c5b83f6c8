"""What a thread computes is what it computes alone, whatever the others do meanwhile: same bits, no error."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.values import interleaved

FUZZ = bool(os.environ.get("TENURE_FUZZ"))
ROUNDS = 1500 if FUZZ else 6


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_random_programs(seed: int) -> None:
    interleaved.check(seed)


@pytest.mark.parametrize("seed", range(10_000, 10_000 + ROUNDS))
def test_random_programs_at_full_speed(seed: int) -> None:
    interleaved.check(seed, 0.0)


ELSEWHERE = """
from tests.values import interleaved
for seed in range(20_000, 20_000 + {count}):
    interleaved.check(seed)
"""


@pytest.mark.parametrize("variable", ["TENURE_BUILTINS=0", "TENURE_EXECUTOR=compiled"])
def test_random_programs_by_other_means(variable: str) -> None:
    name, _, value = variable.partition("=")
    program = ELSEWHERE.format(count=300 if FUZZ else 2)
    environment = {**os.environ, name: value}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=3000 if FUZZ else 240)
