"""Programs in the manner of well-known ones print on the face what PyTorch prints: numbers to 1e-4, all else alike.

What PyTorch prints lies beside each program; `peers` runs PyTorch again. The gate runs a few, the fuzz run all.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "programs"
EVERY = bool(os.environ.get("TENURE_FUZZ"))
NAMES = sorted(path.stem for path in PROGRAMS.glob("*.out"))
SHORT = ["gcn", "regression", "hogwild"]
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[+-]?\d+)?")


def printed(*command: str) -> str:
    found = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=600)
    assert found.returncode == 0, found.stderr[-3000:]
    return found.stdout


def check_alike(found: str, expected: str) -> None:
    assert NUMBER.split(found) == NUMBER.split(expected)
    for a, b in zip(NUMBER.findall(found), NUMBER.findall(expected), strict=True):
        assert abs(float(a) - float(b)) <= 1e-4 * max(abs(float(b)), 1e-2), (a, b)


def test_short_programs_of_one_process() -> None:
    """The gate: a few programs, one after the other."""
    run = "from tenure.torch.launch import main; import sys; sys.exit(any(main([p]) for p in sys.argv[1:]))"
    found = printed("-c", run, *[str(PROGRAMS / f"{name}.py") for name in SHORT])
    check_alike(found, "".join((PROGRAMS / f"{name}.out").read_text() for name in SHORT))


@pytest.mark.skipif(not EVERY, reason="in `make fuzz`")
@pytest.mark.parametrize("name", NAMES)
def test_program(name: str) -> None:
    check_alike(printed("-m", "tenure.torch", str(PROGRAMS / f"{name}.py")), (PROGRAMS / f"{name}.out").read_text())


@pytest.mark.peers
@pytest.mark.parametrize("name", NAMES if EVERY else SHORT)
def test_pytorch_prints_what_is_kept(name: str) -> None:
    """What lies beside a program is what PyTorch prints, up to the last digits on another machine."""
    check_alike(printed(str(PROGRAMS / f"{name}.py")), (PROGRAMS / f"{name}.out").read_text())
