"""Mechanical variants: the same bug in other dresses, with its marked lines, and its corrected twin in the same ones.

`python -m tests.check.variants` prints the table; `--run` compares first how the variants behave with the originals.
"""

from __future__ import annotations

import ast
import copy
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tenure.check.engine import check
from tests.check.variants import dresses
from tests.check.variants.programs import Pair, related
from tests.check.variants.units import parse, rendered, units

__all__ = ["Variant", "original", "reports", "variants"]


@dataclass(frozen=True)
class Variant:
    """A program of one or more files; `marks` are its marked lines (none: it is right)."""

    name: str
    dress: str
    group: str
    files: dict[str, str]
    marks: frozenset[tuple[str, int]]
    wrong: bool

    @property
    def main(self) -> str:
        """The file that is run."""
        return "pkg/main.py" if "pkg/main.py" in self.files else "program.py"


def original(pair: Pair, wrong: bool) -> Variant:
    """The program as it stands."""
    text = pair.wrong if wrong else pair.right
    marks = frozenset(("program.py", line) for line in pair.marks) if wrong else frozenset()
    return Variant(pair.name, "original", pair.group, {"program.py": text}, marks, wrong)


def variants(pair: Pair, folder: Path) -> Iterator[Variant]:
    """The program and its twin in all dresses that they can wear."""
    like = None
    if pair.wrong:
        path = folder / "original.py"
        path.write_text(pair.wrong, encoding="utf-8")
        tree = parse(pair.wrong, related(str(path), pair.marks))
        like = [unit.cuts for unit in units(tree)]
        yield from _dressed(pair, tree, True, None)
    if pair.right:
        yield from _dressed(pair, parse(pair.right, frozenset()), False, like or [])


def _dressed(pair: Pair, tree: ast.Module, wrong: bool, like: list[list[int]] | None) -> Iterator[Variant]:
    found = units(tree, like)
    worn: list[tuple[str, dresses.Files | None]] = []
    for kind, make in dresses.DRESSES.items():
        worn += [(kind, make(unit.copy())) for unit in found]
    if not found:
        worn = [("factory", dresses.factory(copy.deepcopy(tree)))]
        worn.append(("package", dresses.imported(copy.deepcopy(tree))))
    for index, (kind, files) in enumerate(worn):
        if files is None:
            continue
        texts = {path: rendered(made) for path, made in files.items()}
        marks = frozenset((path, line) for path, (_, lines) in texts.items() for line in lines)
        if not wrong or marks:
            name = f"{pair.name} #{index}"
            yield Variant(name, kind, pair.group, {p: text for p, (text, _) in texts.items()}, marks, wrong)


def written(variant: Variant, folder: Path) -> list[str]:
    """The paths of a variant's files, written into a folder."""
    out = []
    for name, text in variant.files.items():
        path = folder / name
        os.makedirs(path.parent, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        out.append(str(path))
    return out


def reports(variant: Variant, folder: Path) -> set[tuple[str, int, str]]:
    """File, line and rule of each report of the default tier."""
    paths = written(variant, folder)
    return {
        (os.path.relpath(one.primary.span.path, folder), one.primary.span.line, one.rule)
        for one in check(paths).diagnostics
    }
