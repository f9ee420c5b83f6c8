"""Classes of a program's own print on the face what they print in PyTorch; what lies beside the program is that."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "classes" / "own.py"
EXPECTED = PROGRAM.with_suffix(".out").read_text()


def printed(*command: str) -> str:
    found = subprocess.run([sys.executable, *command, str(PROGRAM)], capture_output=True, text=True, timeout=300)
    assert found.returncode == 0, found.stderr[-3000:]
    return found.stdout


def test_classes_of_a_program() -> None:
    assert printed("-m", "tenure.torch") == EXPECTED


@pytest.mark.peers
def test_pytorch_prints_what_is_kept() -> None:
    assert printed() == EXPECTED
