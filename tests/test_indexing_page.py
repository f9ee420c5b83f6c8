"""The examples of docs/indexing.md give what the page says."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

PAGE = (Path(__file__).parents[1] / "docs" / "indexing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_every_example() -> None:
    found = doctest.DocTestParser().get_doctest("\n".join(BLOCKS), {}, "docs/indexing.md", None, 0)
    runner = doctest.DocTestRunner(verbose=False)
    report: list[str] = []
    runner.run(found, out=report.append)
    assert runner.tries >= 25
    assert not runner.failures, "".join(report)
