"""What type checkers reveal of a page of user code, and that they refuse its wrong calls."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure import data, nn
from tests import driving

PAGE = Path(__file__).with_name("page.py")
ROOT = PAGE.parents[2]
LINES = PAGE.read_text(encoding="utf-8").splitlines()
REVEALED = {k: line.rpartition("  # ")[2] for k, line in enumerate(LINES, 1) if "reveal_type(" in line}
REFUSED = {k for k, line in enumerate(LINES, 1) if line.endswith("  # error")}


def plain(revealed: str) -> str:
    """A type without the modules that its parts come from."""
    return re.sub(r"\b(?:\w+\.)+(\w)", r"\1", revealed)


def judge(revealed: dict[int, str], refused: dict[int, str]) -> None:
    """Compare with the page: each line is revealed as it says, and just the wrong ones are errors."""
    wrong = [f"{LINES[k - 1]}  -> {revealed.get(k)}" for k, said in REVEALED.items() if revealed.get(k) != said]
    wrong += [f"{LINES[k - 1]}  is taken" for k in sorted(REFUSED - refused.keys())]
    wrong += [f"{LINES[k - 1]}  -> {refused[k]}" for k in sorted(refused.keys() - REFUSED)]
    assert not wrong, "\n" + "\n".join(wrong)


def messages(page: Path) -> list[dict[str, Any]]:
    """The messages of mypy, under this project's settings (strict), about a file."""
    command = [sys.executable, "-m", "mypy", "--output", "json", str(page)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)
    assert ran.returncode in (0, 1), ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]


def test_mypy() -> None:
    here = [m for m in messages(PAGE) if Path(m["file"]).name == PAGE.name]
    said = re.compile(r'Revealed type is "(.*)"')
    revealed = {m["line"]: plain(text[1]) for m in here if (text := said.match(m["message"]))}
    judge(revealed, {m["line"]: m["message"] for m in here if m["severity"] == "error"})


DECLARED = """
from typing import Any
import numpy as np
import tenure as tn
from tenure import data, func, nn, optim
from tenure.nn import functional as F
"""


def declared(name: str, made: Any) -> str:
    """A variable of the type of what was made."""
    kind = type(made)
    if kind is np.ndarray:
        return f"{name}: np.ndarray[Any, Any]"
    home = next((m for m, room in {"tn": tn, "nn": nn, "data": data}.items() if hasattr(room, kind.__name__)), None)
    return f"{name}: Any" if home is None else f"{name}: {home}.{kind.__name__}"


def test_mypy_takes_every_good_call(tmp_path: Path) -> None:
    variables = [declared(name, make()) for name, make in driving.MADE.items()]
    calls = [line for line in driving.GOOD if not line.startswith(("tn.Borrow(", "tn.SharedBorrow("))]
    page = tmp_path / "calls.py"
    page.write_text("\n".join([DECLARED, *variables, "loss: tn.Tensor", "typed: Any", *calls]))
    lines = page.read_text().splitlines()
    wrong = [f"{lines[m['line'] - 1]}  -> {m['message']}" for m in messages(page) if m["severity"] == "error"]
    assert not wrong, "\n".join(wrong)


@pytest.mark.peers
def test_pyright() -> None:
    pytest.importorskip("pyright")
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, str(PAGE)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)
    found = json.loads(ran.stdout)["generalDiagnostics"]
    said = re.compile(r'Type of ".*" is "(.*)"$', re.S)
    revealed, refused = {}, {}
    for m in found:
        line = m["range"]["start"]["line"] + 1
        if text := said.match(m["message"]):
            revealed[line] = plain(text[1])
        elif m["severity"] == "error":
            refused[line] = m["message"]
    judge(revealed, refused)
