"""docs/rules says what the rules say, and the hook for pre-commit runs the command there is."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from tenure.check.pages import find
from tenure.check.rules import RULES, Rule
from tenure.codes import LAWS

ROOT = Path(__file__).parents[3]


def test_the_pages_are_those_of_the_rules() -> None:
    spec = importlib.util.spec_from_file_location("rule_pages", ROOT / "tools" / "rule_pages.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "rules").iterdir()}
    assert written == dict(module.pages()), "run python tools/rule_pages.py"


def test_links_lead_somewhere() -> None:
    for page in (ROOT / "docs" / "rules").iterdir():
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), (page.name, target)


def test_laws_and_rules_are_found_by_code_and_name() -> None:
    for law in LAWS.values():
        assert find(law.code.lower()) is law
        found = find(law.name)
        assert found is law or (isinstance(found, Rule) and found.name == law.name)
    for rule in RULES:
        assert find(rule.name) is rule
        assert rule.code in LAWS
    assert find("frobnicate") is None


def test_the_hook_for_pre_commit() -> None:
    text = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    assert re.search(r"^- id: tenure-check$", text, re.M) and re.search(r"^  entry: tenure check$", text, re.M)
