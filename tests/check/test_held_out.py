"""Programs in the manner of public bug reports, not fitted to (`python -m tests.check.test_held_out` prints them).

They measure: what is reported may not fall below the floor, and no twin is reported. None of them is mended by itself.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest

from tenure.check.engine import check

ROOM = Path(__file__).parent / "held_out"
SECTION = re.compile(r"^## ([^\n]+)\n(.*?)```python\n(.*?)```\n```python\n(.*?)```\n", re.DOTALL | re.MULTILINE)
PAIRS = {
    name: (wrong, right)
    for page in sorted(ROOM.glob("*.md"))
    for name, _, wrong, right in SECTION.findall(page.read_text(encoding="utf-8"))
}
FLOOR = 358
"""It only rises. At first sight: 5 of 40, 24 of 29, 19 of 40, 12 of 15, 10 of 26, 7 of 12, 17 of 34, 11 of 16,
16 of 31, 7 of 12, 9 of 25, 6 of 12, 12 of 24, 9 of 20, 8 of 15,
26 of 44, 4 of 15."""


def reported(text: str, folder: Path) -> list[tuple[int, str]]:
    """Line and rule of each report of the default tier."""
    path = folder / "program.py"
    path.write_text(text, encoding="utf-8")
    return [(row.primary.span.line, row.rule) for row in check([str(path)]).diagnostics]


def caught(text: str, folder: Path) -> bool:
    """Whether a report stands on a marked line."""
    marked = {i for i, line in enumerate(text.splitlines(), 1) if line.endswith("# marked")}
    assert marked
    return bool({line for line, _ in reported(text, folder)} & marked)


def test_there_are_as_many_pairs_and_no_fewer_are_reported(tmp_path: Path) -> None:
    assert len(PAIRS) == 410
    found = [name for name, (wrong, _) in PAIRS.items() if caught(wrong, tmp_path)]
    assert len(found) >= FLOOR, found


@pytest.mark.parametrize("name", PAIRS)
def test_corrected_twin_is_silent(name: str, tmp_path: Path) -> None:
    assert reported(PAIRS[name][1], tmp_path) == []


def main() -> None:
    """Print what is caught, and the false alarms."""
    with tempfile.TemporaryDirectory() as folder:
        good = 0
        for name, (wrong, right) in PAIRS.items():
            hit, alarms = caught(wrong, Path(folder)), reported(right, Path(folder))
            good += hit
            print(f"{'caught' if hit else 'missed'}  {name}{f'  FALSE ALARM {alarms}' if alarms else ''}")
        print(f"{good} of {len(PAIRS)}")


if __name__ == "__main__":
    main()
