"""The programs of the laws' pages: the wrong ones break their law at the marked line, the right ones run."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from typing import Any

import pytest

import tenure as tn
from tenure.codes import LAWS

PAGES = Path(__file__).parents[1] / "docs" / "laws"
POLICIES = {"TN803"}
"""Laws that say what is computed, and so refuse nothing."""


def programs(code: str, section: str) -> list[str]:
    """The programs in a section of a page."""
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", page, re.M | re.S)
    return re.findall(r"```python\n(.*?)```", text, re.S)


def scope() -> dict[str, Any]:
    """What the programs take for granted."""
    w = tn.ones(8, requires_grad=True)
    return {
        "tn": tn,
        "__name__": "law",
        "sequence": [tn.rand(8) for _ in range(3)],
        "cell": lambda x, h: tn.tanh(w * x + h),
        "cell_loss": lambda h: h.sum(),
    }


CASES = [(code, k) for code in LAWS for k in range(len(programs(code, "Wrong"))) if code not in POLICIES]


@pytest.mark.parametrize(("code", "k"), CASES)
def test_the_wrong_program_is_refused_at_its_line(code: str, k: int) -> None:
    source = programs(code, "Wrong")[k]
    marked = [n for n, text in enumerate(source.splitlines(), 1) if f"# {code}" in text]
    with pytest.raises(tn.TenureError, match=code) as caught:
        exec(compile(source, "<law>", "exec"), scope())
    assert caught.value.code == code
    lines = [f.lineno for f in traceback.extract_tb(caught.value.__traceback__) if f.filename == "<law>"]
    assert lines[-1] == marked[0]


@pytest.mark.parametrize("code", [code for code in LAWS if code not in POLICIES])
def test_the_right_programs_run(code: str) -> None:
    found = programs(code, "Right")
    for source in found:
        exec(compile(source, "<law>", "exec"), scope())
    assert found
