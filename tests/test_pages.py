"""The examples of the pages give what the pages say."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(p.name for p in DOCS.glob("*.md") if "\n>>> " in p.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES)
def test_examples(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8").replace("\n```", "\n\n```")  # the end of a block ends an example
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    found = runner.run(doctest.DocTestParser().get_doctest(text, {}, page, str(DOCS / page), 0))
    assert found.attempted > 0 and found.failed == 0
