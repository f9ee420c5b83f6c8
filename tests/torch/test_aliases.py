"""The law of the face: a program prints what PyTorch prints, or stops where an alias would have decided."""

import os

import pytest

from tests.torch.law.runner import run

pytestmark = pytest.mark.peers
FUZZ = bool(os.environ.get("TENURE_FUZZ"))
PROGRAMS = 2_000 if FUZZ else 50
PARTS = 5 if FUZZ else 4


@pytest.mark.parametrize("part", range(PARTS))
def test_programs_under_pytorch_aliasing_are_pytorchs_after_every_statement(part):
    counts, bad = run("plain", range(part * PROGRAMS, (part + 1) * PROGRAMS), "pytorch")
    assert counts["statements"] > 10 * PROGRAMS
    assert len(bad) <= PROGRAMS // 50, bad


@pytest.mark.parametrize("part", range(PARTS // 2, PARTS // 2 + PARTS))
def test_safe_programs_print_what_pytorch_prints_or_stop(part):
    counts, bad = run("plain", range(part * PROGRAMS, (part + 1) * PROGRAMS), "safe")
    assert counts["stopped"] > PROGRAMS // 5
    assert not [found for _, found, _ in bad if found.startswith("print")], bad
    assert len(bad) <= PROGRAMS // 50, bad
