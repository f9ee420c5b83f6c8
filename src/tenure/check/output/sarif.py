"""SARIF 2.1.0 (OASIS), the form that code scanning services read."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tenure import __version__
from tenure.check.notebook import parted
from tenure.check.rules import RULES
from tenure.codes import LAWS
from tenure.diagnostic import Diagnostic, Edit, Label, Span
from tenure.report.text import head_of

__all__ = ["document"]

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def document(found: Iterable[Diagnostic]) -> str:
    """The whole output: one run, with the rules that it reports."""
    listed = list(found)
    names = sorted({(one.rule, one.code) for one in listed})
    index = {name: i for i, (name, _) in enumerate(names)}
    run = {
        "tool": {"driver": {"name": "tenure", "version": __version__, "rules": [_rule(*name) for name in names]}},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"uri": Path.cwd().as_uri() + "/"}},
        "results": [_result(one, index[one.rule]) for one in listed],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(name: str, code: str) -> dict[str, Any]:
    rule = next((rule for rule in RULES if rule.name == name), None)
    law = LAWS.get(code)
    sentence = rule.sentence if rule is not None else law.sentence if law is not None else name.replace("-", " ")
    out: dict[str, Any] = {
        "id": name,
        "name": name,
        "shortDescription": {"text": sentence},
        "properties": {"code": code},
    }
    if rule is not None:
        out |= {"fullDescription": {"text": rule.reason}, "help": {"text": rule.help}}
    return out


def _result(one: Diagnostic, index: int) -> dict[str, Any]:
    parts = [one.message, *one.notes] + ([f"help: {one.help}"] if one.help is not None else [])
    out: dict[str, Any] = {
        "ruleId": one.rule,
        "ruleIndex": index,
        "level": head_of(one),
        "message": {"text": "\n".join(parts)},
        "locations": [_location(one.primary)],
        "properties": {"code": one.code, "certain": one.certain, "tier": one.tier},
    }
    if one.labels:
        out["relatedLocations"] = [_location(label, i) for i, label in enumerate(one.labels)]
    if one.edits:
        out["fixes"] = [{"description": {"text": one.help or "fix"}, "artifactChanges": _changes(one.edits)}]
    return out


def _location(label: Label, number: int | None = None) -> dict[str, Any]:
    path, cell = parted(label.span.path)
    out: dict[str, Any] = {"physicalLocation": {"artifactLocation": _artifact(path), "region": _region(label.span)}}
    if cell is not None:
        out["logicalLocations"] = [{"name": f"cell {cell}"}]
    if number is not None:
        out["id"] = number
    if label.text:
        out["message"] = {"text": label.text}
    return out


def _changes(edits: Iterable[Edit]) -> list[dict[str, Any]]:
    by_file: dict[str, list[dict[str, Any]]] = {}
    for edit in edits:
        replacement = {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.replacement}}
        by_file.setdefault(edit.span.path, []).append(replacement)
    return [{"artifactLocation": _artifact(path), "replacements": each} for path, each in by_file.items()]


def _artifact(path: str) -> dict[str, Any]:
    """A file by a URI relative to the folder of the run where it lies below it, else by a whole one."""
    relative = os.path.relpath(path)
    if relative.startswith(os.pardir) or os.path.isabs(relative):
        return {"uri": Path(path).absolute().as_uri()}
    return {"uri": quote(relative.replace(os.sep, "/")), "uriBaseId": "SRCROOT"}


def _region(span: Span) -> dict[str, Any]:
    return {
        "startLine": span.line,
        "startColumn": span.column + 1,
        "endLine": span.end_line,
        "endColumn": span.end_column + 1,
    }
