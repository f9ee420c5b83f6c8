"""Write docs/rules: a page for each rule of the checker, and the list of them. Usage: python tools/rule_pages.py"""

from collections.abc import Iterator
from pathlib import Path

from tenure.check.pages import listed, markdown
from tenure.check.rules import RULES

FOLDER = Path(__file__).parents[1] / "docs" / "rules"


def pages() -> Iterator[tuple[str, str]]:
    """Name and text of every page."""
    yield "README.md", listed()
    for rule in RULES:
        yield f"{rule.name}.md", markdown(rule)


def main() -> None:
    """Write the pages, and remove those of rules that are gone."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = dict(pages())
    for path in FOLDER.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
