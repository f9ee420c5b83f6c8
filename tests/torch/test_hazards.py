"""PyTorch programs of known aliasing bugs, unmodified, on the face, and their corrected twins.

Each is stopped at a line that its head marks, prints the right value, or is one of those where two names are of one
Python object: no tensor library sees a difference there, and the face prints what PyTorch prints. Every twin is right.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CASES = sorted((Path(__file__).parent / "hazards").glob("*.py"))
EVERY = bool(os.environ.get("TENURE_FUZZ"))
STOPPED = ["03", "25", "27", "29", "33", "35", "37", "43", "53", "77"]
RIGHT = ["41", "45", "63"]
SHARED = ["01", "02", "05", "07", "11", "13", "31", "39", "47", "49", "51", "55", "57", "59", "61"]
GATE = [*STOPPED, "41", "45", "57", "47", "49", "51"]
LATE = {"03", "43", "45", "63", "59", "41"}
"""Programs that PyTorch does not decide alone: a race, another process, or a graph with the elements it was recorded
on, which is right where PyTorch's is not; under the aliasing of PyTorch the face may stop there."""


def run(mode: str, paths) -> dict[str, dict]:
    command = [sys.executable, "-m", "tests.torch.hazard_runs", mode, *map(str, paths)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=Path(__file__).parents[2])
    assert found.returncode == 0, found.stderr[-2000:]
    return dict(json.loads(line) for line in found.stdout.splitlines() if line.startswith("["))


def marked(path: Path) -> set[int]:
    """Lines that a program marks, as those of its head."""
    return {int(n) for n in re.findall(r"\d+", re.search(r"# lines: (.*)", path.read_text(encoding="utf-8"))[1])}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_every_hazard_is_stopped_or_right_and_every_twin_runs() -> None:
    chosen = [p for p in CASES if EVERY or p.name[:2] in GATE]
    for name, found in run("safe", chosen).items():
        number, path = name[:2], next(p for p in CASES if p.stem == name)
        if name == "11_zeros_like_double_name_ok":
            assert found["got"] == "0.20000000298023224"
        elif name.endswith("_ok") or number in RIGHT:
            assert found.get("equal"), (name, found)
        elif number in STOPPED:
            assert set(found["lines"]) & marked(path), (name, found)
        else:
            assert number in SHARED
            assert found.get("equal") is False or number == "59", (name, found)


@pytest.mark.peers
@pytest.mark.skipif(not EVERY or not hasattr(os, "fork"), reason="in `make fuzz`")
def test_under_the_aliasing_of_pytorch_each_gives_what_pytorch_gives() -> None:
    mine, theirs = run("pytorch", CASES), run("torch", CASES)
    assert len(mine) == len(theirs) == len(CASES)
    for name, expected in theirs.items():
        if name[:2] not in LATE or name.endswith("_ok"):
            found = mine[name]
            assert found == expected or ("lines" in expected and found["lines"] == expected["lines"]), (name, found)
