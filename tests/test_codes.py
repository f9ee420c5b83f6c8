"""The table of laws, its pages and the README say the same."""

import ast
import re
from pathlib import Path

import pytest

from tenure import errors
from tenure.codes import LAWS, Law

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "laws"


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_page(law: Law) -> None:
    page = (PAGES / f"{law.code}.md").read_text()
    assert page.startswith(f"# {law.code}: {law.name}\n")
    assert law.sentence[1:] in " ".join(page.split())
    assert law.rust is None or law.rust in page
    wrong, right = re.findall(r"^## (Wrong|Right)\n\n```python\n(.*?)```", page, re.M | re.S)
    assert (wrong[0], right[0]) == ("Wrong", "Right")
    assert law.code in wrong[1]
    assert "TN" not in right[1]
    ast.parse(wrong[1])
    ast.parse(right[1])


def test_every_page_has_its_law() -> None:
    assert sorted(path.stem for path in PAGES.iterdir()) == sorted(LAWS)


def test_readme_has_the_table() -> None:
    rows = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("| TN")]
    assert rows == [f"| {law.code} | {law.sentence} | {law.rust or '–'} |" for law in LAWS.values()]


def test_codes_are_in_order_and_carry_rusts_number() -> None:
    assert list(LAWS) == sorted(LAWS)
    for law in LAWS.values():
        assert law.rust == (f"E0{law.code[2:]}" if law.code < "TN800" else None)


def test_errors_break_laws_of_the_table() -> None:
    classes = [getattr(errors, name) for name in errors.__all__ if name != "Site"]
    assert {c.code for c in classes} - {None} <= set(LAWS)
