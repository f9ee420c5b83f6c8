"""The same bug is reported in other dresses too, and its corrected twin in none (`python -m tests.check.variants`)."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.check.variants import Variant, original, reports, variants
from tests.check.variants.behaviour import differing, key, outcome
from tests.check.variants.dresses import DRESSES
from tests.check.variants.programs import Pair, pairs
from tests.traits import EVERY

FLOOR = 0.8
"""The part of the variants with a bug that is reported on a marked line; it only rises."""


def drawn(number: int) -> list[Pair]:
    """Programs drawn at random; all of them where TENURE_FUZZ is set."""
    return pairs() if EVERY else random.Random(20).sample(pairs(), number)


def dressed(chosen: list[Pair], folder: Path) -> Iterator[Variant]:
    """The variants of programs that behave as these."""
    excluded = differing()
    for pair in chosen:
        yield from (one for one in variants(pair, folder) if key(one) not in excluded)


def test_bugs_are_reported_in_other_dresses_and_twins_are_not(tmp_path: Path) -> None:
    total, caught, alarms = 0, 0, []
    for index, variant in enumerate(dressed(drawn(12), tmp_path)):
        folder = tmp_path / str(index)
        found = reports(variant, folder)
        if variant.wrong:
            total += 1
            caught += bool({one[:2] for one in found} & variant.marks)
        elif found:
            alarms.append((key(variant), sorted(found)))
    assert caught >= FLOOR * total, f"{caught} of {total}"
    assert not alarms


def test_each_dress_is_worn(tmp_path: Path) -> None:
    worn = {variant.dress for variant in dressed(drawn(12), tmp_path)}
    assert worn >= set(DRESSES)


@pytest.mark.skipif(not EVERY, reason="a process for each variant: set TENURE_FUZZ")
@pytest.mark.parametrize("name", ["02_data_assign_through_alias", "01_list_mutated_while_iterated", "grid of one row"])
def test_variants_behave_as_the_original_and_marks_are_on_its_statements(name: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (pair,) = (one for one in pairs() if one.name == name)
    marked = {ast.unparse(ast.parse(line.strip())) for line in simple(pair)}
    for variant in variants(pair, tmp_path):
        if variant.dress not in ("annotated", "uncalled", "factory", "loop"):
            assert outcome(variant) == outcome(original(pair, variant.wrong)), key(variant)
        if variant.dress == "main" and variant.wrong:
            lines = {path: text.splitlines() for path, text in variant.files.items()}
            assert marked <= {lines[path][line - 1].strip() for path, line in variant.marks}


def simple(pair: Pair) -> list[str]:
    """The marked lines that are a statement each."""
    lines = [line.split("#")[0] for i, line in enumerate(pair.wrong.splitlines(), 1) if i in pair.marks]
    return [line for line in lines if line.strip() and not line.rstrip().endswith(":")]
