"""The hazard programs, what becomes of each, and the page of them, which ``python -m tests.hazards.table`` writes.

A program's head says what goes wrong elsewhere, and its outcome here; ``# culprit`` marks the line at fault.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

CASES = Path(__file__).parent / "cases"
PAGE = Path(__file__).parents[2] / "docs" / "hazards.md"

INTRODUCTION = """\
# Hazards

Aliasing bugs that users of tensor libraries really hit, each as a small program written for Tenure, and what becomes of
it. The programs are in `tests/hazards/cases`; the tests run them and keep this page. Nearly every one has a twin that
does it right (`…_ok.py`), and there are idioms that only look wrong (`t…_ok.py`): all of these run and give what they
should.

- **impossible**: the program is right as it stands. What was read does not change.
- **a code**: refused at the line at fault, which the error names; `ValueError` is NumPy's refusal to write read-only
  memory, `RuntimeError` Python's own, `AttributeError` a method that is not there and says what to write instead.
- **shared name**: two names of one place, or of one Python object, and a write through the one. Python's names are
  shared, and a program may mean it; `tenure check` reports it, the run time does not.

| program | what it does | outcome |
| --- | --- | --- |
"""


@dataclass(frozen=True)
class Case:
    """A hazard, or a twin of one (``outcome`` "")."""

    path: Path
    sentence: str
    outcome: str

    @property
    def name(self) -> str:
        """The name of its file."""
        return self.path.stem

    def source(self) -> str:
        """The program."""
        return self.path.read_text(encoding="utf-8")

    def culprit(self) -> int | None:
        """The line at fault."""
        lines = self.source().splitlines()
        return next((k for k, line in enumerate(lines, 1) if "# culprit" in line), None)


def cases() -> list[Case]:
    """All programs, by name."""
    out = []
    for path in sorted(CASES.glob("*.py")):
        head = re.match(r"((?:#.*\n)+)", path.read_text(encoding="utf-8"))
        assert head, f"{path} has no head"
        lines = [line.removeprefix("#").strip() for line in head[1].splitlines()][1:]
        outcome = next((line.removeprefix("outcome:").strip() for line in lines if line.startswith("outcome:")), "")
        out.append(Case(path, " ".join([line for line in lines if not line.startswith("outcome:")]), outcome))
    return out


def page() -> str:
    """The page, from the programs."""
    rows = []
    for case in cases():
        if case.outcome:
            law = re.fullmatch(r"TN\d+", case.outcome)
            outcome = f"[{case.outcome}](laws/{case.outcome}.md)" if law else case.outcome
            rows.append(f"| {case.name} | {case.sentence.replace('|', '∣')} | {outcome} |\n")
    return INTRODUCTION + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
