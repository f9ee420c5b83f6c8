"""The law of the face: a program prints what PyTorch prints, or stops where an alias would have decided."""

import os

import pytest

from tests.torch.alias_programs import run

pytestmark = pytest.mark.peers
FUZZ = bool(os.environ.get("TENURE_FUZZ"))
PROGRAMS = 10_000 if FUZZ else 24


@pytest.mark.parametrize("part", range(2))
def test_programs_under_pytorch_aliasing_are_pytorchs_after_every_statement(part):
    counts, bad = run(range(part * PROGRAMS, (part + 1) * PROGRAMS), "pytorch")
    assert counts["statements"] > 10 * PROGRAMS
    assert len(bad) <= (PROGRAMS // 25 if FUZZ else 1), bad


def test_safe_programs_print_what_pytorch_prints_or_stop():
    counts, bad = run(range(PROGRAMS), "safe")
    assert counts["stopped"] > PROGRAMS // 5
    assert not bad, bad
