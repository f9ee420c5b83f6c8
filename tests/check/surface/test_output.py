"""The forms for other programs: SARIF by its schema, annotations of GitHub by their escapes, and JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tenure.check.output import FORMATS, written
from tenure.check.output.statistics import table
from tenure.diagnostic import Diagnostic, Edit, Label, Span

SPAN = Span("src/a b/é.py", 3, 4, 3, 9)
FULL = Diagnostic(
    "TN506",
    "view-read-after-write",
    "50% is written: a,b\nsecond line",
    Label(SPAN, "written here"),
    (Label(Span("src/a b/é.py", 1, 0, 1, 1), "lent"), Label(Span("/elsewhere/b.py", 2, 0, 2, 4))),
    ("a note",),
    "keep a copy",
    (Edit(Span("src/a b/é.py", 1, 0, 1, 1), "x.copy()"),),
    True,
)
BARE = Diagnostic("TN000", "syntax-error", "invalid syntax", Label(Span("b.py", 1, 0, 1, 1)), tier="strict")

TEXT = {"text": {"type": "string"}, "markdown": {"type": "string"}}
MESSAGE = {"type": "object", "additional": False, "properties": TEXT}
POSITIVE = {"type": "integer", "minimum": 1}
INDEX = {"type": "integer", "minimum": 0}
REGION = {
    "type": "object",
    "additional": False,
    "properties": dict.fromkeys(("startLine", "startColumn", "endLine", "endColumn"), POSITIVE),
}
ARTIFACT = {
    "type": "object",
    "additional": False,
    "properties": {"uri": {"type": "string", "pattern": r"[!-~]+$"}, "uriBaseId": {"type": "string"}},
}
LOCATION = {
    "type": "object",
    "additional": False,
    "properties": {
        "id": INDEX,
        "message": MESSAGE,
        "physicalLocation": {
            "type": "object",
            "additional": False,
            "properties": {"artifactLocation": ARTIFACT, "region": REGION},
        },
    },
}
BAG = {"type": "object", "additional": True, "properties": {}}
REPLACEMENT = {
    "type": "object",
    "additional": False,
    "required": ["deletedRegion"],
    "properties": {"deletedRegion": REGION, "insertedContent": MESSAGE},
}
CHANGE = {
    "type": "object",
    "additional": False,
    "required": ["artifactLocation", "replacements"],
    "properties": {"artifactLocation": ARTIFACT, "replacements": {"type": "array", "minimum": 1, "items": REPLACEMENT}},
}
RULE = {
    "type": "object",
    "additional": False,
    "required": ["id"],
    "properties": {
        "id": {"type": "string"},
        "name": {"type": "string"},
        "shortDescription": {**MESSAGE, "required": ["text"]},
        "fullDescription": {**MESSAGE, "required": ["text"]},
        "help": {**MESSAGE, "required": ["text"]},
        "properties": BAG,
    },
}
RESULT = {
    "type": "object",
    "additional": False,
    "required": ["message"],
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": INDEX,
        "level": {"type": "string", "enum": ["none", "note", "warning", "error"]},
        "message": MESSAGE,
        "locations": {"type": "array", "items": LOCATION},
        "relatedLocations": {"type": "array", "unique": True, "items": LOCATION},
        "fixes": {
            "type": "array",
            "unique": True,
            "items": {
                "type": "object",
                "additional": False,
                "required": ["artifactChanges"],
                "properties": {
                    "description": MESSAGE,
                    "artifactChanges": {"type": "array", "minimum": 1, "unique": True, "items": CHANGE},
                },
            },
        },
        "properties": BAG,
    },
}
DRIVER = {
    "type": "object",
    "additional": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "version": {"type": "string"},
        "rules": {"type": "array", "unique": True, "items": RULE},
    },
}
RUN = {
    "type": "object",
    "additional": False,
    "required": ["tool"],
    "properties": {
        "tool": {"type": "object", "additional": False, "required": ["driver"], "properties": {"driver": DRIVER}},
        "columnKind": {"type": "string", "enum": ["utf16CodeUnits", "unicodeCodePoints"]},
        "originalUriBaseIds": {"type": "object", "additional": ARTIFACT, "properties": {}},
        "results": {"type": "array", "items": RESULT},
    },
}
LOG: dict[str, Any] = {  # what SARIF 2.1.0 says of the objects that are written here; nothing else is allowed
    "type": "object",
    "additional": False,
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string"},
        "version": {"type": "string", "enum": ["2.1.0"]},
        "runs": {"type": "array", "items": RUN},
    },
}
TYPES = {"object": dict, "array": list, "string": str, "integer": int}


def validate(value: Any, schema: Any, at: str = "$") -> None:
    assert isinstance(value, TYPES[schema["type"]]), at
    assert "enum" not in schema or value in schema["enum"], at
    if schema["type"] == "object":
        assert set(schema.get("required", ())) <= set(value), at
        for name, item in value.items():
            known = schema["properties"].get(name, schema["additional"])
            assert known, f"{at}.{name}"
            if known is not True:
                validate(item, known, f"{at}.{name}")
    elif schema["type"] == "array":
        assert len(value) >= schema.get("minimum", 0), at
        assert not schema.get("unique") or len({json.dumps(v, sort_keys=True) for v in value}) == len(value), at
        for i, item in enumerate(value):
            validate(item, schema["items"], f"{at}[{i}]")
    elif schema["type"] == "integer":
        assert value >= schema["minimum"] and not isinstance(value, bool), at
    else:
        assert re.fullmatch(schema.get("pattern", r"(?s).*"), value), at


@pytest.mark.parametrize("found", [[], [BARE], [FULL, BARE, FULL]])
def test_sarif(found: list[Diagnostic], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    log = json.loads(written("sarif", found))
    validate(log, LOG)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len(run["results"]) == len(found)
    for one, result in zip(found, run["results"], strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == one.rule
        region = result["locations"][0]["physicalLocation"]["region"]
        assert (region["startLine"], region["startColumn"]) == (one.primary.span.line, one.primary.span.column + 1)
    if found == [BARE]:
        assert run["results"][0]["level"] == "warning"
    if len(found) == 3:
        places = [p["physicalLocation"]["artifactLocation"] for p in run["results"][0]["relatedLocations"]]
        assert places == [
            {"uri": "src/a%20b/%C3%A9.py", "uriBaseId": "SRCROOT"},
            {"uri": "file:///elsewhere/b.py"},
        ]


def test_the_schema_is_not_blind() -> None:
    log = json.loads(written("sarif", [FULL]))
    for path, bad in [
        (("version",), "2.0.0"),
        (("runs", 0, "results", 0, "level"), "fatal"),
        (("runs", 0, "results", 0, "frobnicate"), 1),
        (("runs", 0, "results", 0, "locations", 0, "physicalLocation", "region", "startLine"), 0),
    ]:
        other = json.loads(json.dumps(log))
        inner = other
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = bad
        with pytest.raises(AssertionError):
            validate(other, LOG)


def test_github() -> None:
    first, second = written("github", [FULL, BARE]).splitlines()
    assert first == (
        "::error title=TN506 view-read-after-write,file=src/a b/é.py,line=3,col=5,endLine=3,endColumn=10"
        "::50%25 is written: a,b%0Asecond line%0Asrc/a b/é.py:1: lent%0Aa note%0Ahelp: keep a copy"
    )
    assert second.startswith("::warning title=TN000 syntax-error,file=b.py,line=1,")
    assert "file=a%3A%2C%25.py," in written("github", [Diagnostic("T", "r", "m", Label(Span("a:,%.py", 1, 0, 1, 1)))])


def test_json() -> None:
    first, second = json.loads(written("json", [FULL, BARE]))
    assert (first["path"], first["line"], first["column"], first["end_column"]) == ("src/a b/é.py", 3, 5, 10)
    assert first["related"][0]["label"] == "lent" and first["fix"][0]["replacement"] == "x.copy()"
    assert (first["level"], second["level"], second["help"]) == ("error", "warning", None)
    assert json.loads(written("json", [])) == []


def test_every_form_takes_every_report() -> None:
    for form in FORMATS:
        assert "view-read-after-write" in written(form, [FULL])
    assert table([FULL, BARE, FULL]) == "2  TN506  view-read-after-write\n1  TN000  syntax-error\n"
    assert table([]) == ""
