"""`--fix` over the programs of the pages: changed programs parse, keep the types of all names, and report less."""

from __future__ import annotations

import ast
import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenure.check.engine import check
from tenure.check.fix import proven
from tests.check.variants.programs import pairs
from tests.traits import EVERY


def programs() -> Iterator[tuple[str, str]]:
    """The programs with a bug; in the gate those that import no slow library."""
    for pair in pairs():
        if pair.wrong and (EVERY or not any(word in pair.wrong for word in ("torch", "jax", "tenure", "tinygrad"))):
            yield pair.name, pair.wrong


def types(text: str) -> dict[str, str] | None:
    """The type of each name that a program leaves; None where it does not run."""
    scope: dict[str, object] = {"__name__": "program"}
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            exec(compile(text, "program.py", "exec"), scope)
        except Exception:
            return None
    return {name: type(value).__name__ for name, value in scope.items() if not name.startswith("__")}


def test_fixed_programs_parse_keep_their_types_and_have_fewer_reports(tmp_path: Path) -> None:
    pytest.importorskip("numpy")
    changed = 0
    for name, text in programs():
        path = tmp_path / "program.py"
        path.write_text(text, encoding="utf-8")
        before = check([str(path)]).diagnostics
        if not any(one.edits for one in before):
            continue
        fixes = proven(lambda path=path: check([str(path)]).diagnostics)  # type: ignore[misc]
        if not fixes.contents:
            continue
        changed += 1
        new = fixes.contents[str(path)].decode()
        ast.parse(new)
        path.write_text(new, encoding="utf-8")
        assert len(check([str(path)]).diagnostics) <= len(before) - fixes.number, name
        old_types = types(text)
        if old_types is not None:
            assert types(new) == old_types, name
    assert changed > 10
