"""The examples of docs/ownership.md run, and say what it says."""

from __future__ import annotations

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "ownership.md"


def test_the_examples() -> None:
    text = PAGE.read_text(encoding="utf-8").replace("\n```", "\n")
    found = doctest.DocTestParser().get_doctest(text, {}, "ownership", str(PAGE), 0)
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(found, out=said.append)
    assert not runner.failures, "".join(said)
    assert runner.tries > 20
