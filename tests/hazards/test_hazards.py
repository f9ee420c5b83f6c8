"""Every hazard is impossible, or refused at the line at fault, or one of the listed ones of shared names."""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

import tenure as tn
from tests.hazards.table import PAGE, Case, cases, page

ALL = cases()
OUTCOMES = ("impossible", "shared name", "AttributeError", "ValueError", "RuntimeError")


def run(case: Case) -> dict[str, Any]:
    """Run a program as a script; its names."""
    scope: dict[str, Any] = {"__name__": "hazard", "__file__": str(case.path)}
    exec(compile(case.source(), str(case.path), "exec"), scope)
    return scope


def lines_of(error: BaseException, case: Case) -> list[int]:
    """The lines of a program that an error has passed, the innermost last; for Tenure's own, the one it names."""
    if isinstance(error, tn.TenureError) and error.at is not None:
        assert error.at.filename == str(case.path)
        return [error.at.line]
    frames = traceback.extract_tb(error.__traceback__)
    return [f.lineno or 0 for f in frames if f.filename == str(case.path)]


@pytest.fixture(params=["", "eager"])
def eagerly(request: pytest.FixtureRequest) -> Iterator[None]:
    """As programs run, and operation by operation."""
    if request.param:
        with tn.eager():
            yield
    else:
        yield


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable:UserWarning")
@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_hazard(case: Case) -> None:
    if "import torch\n" in case.source() and find_spec("torch") is None:
        pytest.skip("needs PyTorch")
    if '"fork"' in case.source() and sys.platform == "win32":
        pytest.skip("needs fork")
    if case.outcome in ("", "impossible"):
        scope = run(case)
        assert scope["got"] == scope["want"]
    elif case.outcome == "shared name":
        scope = run(case)
        assert scope["got"] != scope["want"], "this is no longer wrong: its outcome is another"
        assert case.culprit() is not None
    else:
        kinds = {"AttributeError": AttributeError, "ValueError": ValueError, "RuntimeError": RuntimeError}
        with pytest.raises(kinds.get(case.outcome, tn.TenureError)) as caught:
            run(case)
        if re.fullmatch(r"TN\d+", case.outcome):
            assert getattr(caught.value, "code", None) == case.outcome
        assert lines_of(caught.value, case)[-1:] == [case.culprit()]


def test_every_program_says_what_becomes_of_it() -> None:
    for case in ALL:
        twin = case.name.endswith("_ok")
        known = case.outcome in OUTCOMES or re.fullmatch(r"TN\d\d\d", case.outcome)
        assert not case.outcome if twin else known, case.name
        assert case.sentence.endswith("."), case.name


def test_the_page_lists_them() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it: python -m tests.hazards.table"
