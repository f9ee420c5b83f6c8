"""Every rule reports its own wrong program, and no rule reports its right one."""

from pathlib import Path

import pytest

from tenure.check.engine import check
from tenure.check.rules import RULES, Rule
from tenure.codes import LAWS


def _rules() -> list[object]:
    return [pytest.param(rule, id=rule.name) for rule in RULES]


@pytest.mark.parametrize("rule", _rules())
def test_the_wrong_program_is_reported(rule: Rule, tmp_path: Path) -> None:
    path = tmp_path / "wrong.py"
    path.write_text(rule.wrong, encoding="utf-8")
    found = check([str(path)]).diagnostics
    assert {one.rule for one in found} == {rule.name}
    assert {one.code for one in found} == {rule.code}


@pytest.mark.parametrize("rule", _rules())
def test_the_right_program_is_not(rule: Rule, tmp_path: Path) -> None:
    path = tmp_path / "right.py"
    path.write_text(rule.right, encoding="utf-8")
    assert check([str(path)], strict=True).diagnostics == []


def test_rules_stand_under_laws_and_have_names_of_their_own() -> None:
    assert {rule.code for rule in RULES} <= set(LAWS)
    assert len({rule.name for rule in RULES}) == len(RULES)
