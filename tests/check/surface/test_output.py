"""The forms for other programs: SARIF by its schema, annotations of GitHub by their escapes, and JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.check.output import FORMATS, written
from tenure.check.output.statistics import table
from tenure.cli.main import main
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

SCHEMA = json.loads((Path(__file__).parent.parent / "data/sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER)


def validate(log: Any) -> None:
    """What the official schema says; and URIs are of printable ASCII, which its `format` leaves to whoever reads it."""
    VALIDATOR.validate(log)
    stack = [log]
    while stack:
        match stack.pop():
            case {"uri": str(uri), **rest}:
                assert re.fullmatch(r"[!-~]+", uri), uri
                stack += rest.values()
            case dict() as inner:
                stack += inner.values()
            case list() as items:
                stack += items


@pytest.mark.parametrize("found", [[], [BARE], [FULL, BARE, FULL]])
def test_sarif(found: list[Diagnostic], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    log = json.loads(written("sarif", found))
    validate(log)
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


LINES = st.integers(1, 10**9)
TEXTS = st.text(max_size=20)
SPANS = st.builds(
    Span, st.text("ab/é %#?\\:&", min_size=1, max_size=12), LINES, st.integers(0, 10**6), LINES, st.integers(0, 10**6)
)
FOUND = st.builds(
    Diagnostic,
    st.sampled_from(["TN506", "TN000", "TN001"]),
    st.sampled_from(["view-read-after-write", "syntax-error", "unused-suppression"]),
    TEXTS,
    st.builds(Label, SPANS, TEXTS),
    st.lists(st.builds(Label, SPANS, TEXTS), max_size=3).map(tuple),
    st.lists(TEXTS, max_size=2).map(tuple),
    st.none() | TEXTS,
    st.lists(st.builds(Edit, SPANS, TEXTS), max_size=3).map(tuple),
    st.booleans(),
    st.sampled_from(["default", "strict", "annotated"]),
)


@given(st.lists(FOUND, max_size=4))
def test_whatever_is_found_is_valid_sarif(found: list[Diagnostic]) -> None:
    validate(json.loads(written("sarif", found)))


def test_the_command_writes_valid_sarif(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = "xs = [1, 2]\nfor x in xs:\n    xs.remove(x)"
    for name, text in {
        "fixable.py": wrong,
        "suppressed.py": wrong + "  # tenure: ignore[TN506]\n",
        "unused.py": "x = 1  # tenure: ignore[TN506]\n",
        "broken.py": "def f(:\n",
        "ümläut & more.py": wrong,
        "calls.py": "import torch\n\ndef reset(v: torch.Tensor):\n    v.data = torch.zeros(3)\n\n"
        "a = [torch.ones(3)]\nk = a[0]\nreset(a[0])\nprint(k)\n",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "bytes.py").write_bytes(b"# \xff\n")
    assert main(["check", "--output-format", "sarif", "--no-cache", "."]) == 1
    log = json.loads(capsys.readouterr().out)
    validate(log)
    results = log["runs"][0]["results"]
    files = {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in results}
    expected = {"fixable.py", "unused.py", "broken.py", "bytes.py", "calls.py", "%C3%BCml%C3%A4ut%20%26%20more.py"}
    assert files == expected
    assert any("fixes" in result for result in results) and any("relatedLocations" in result for result in results)


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
        with pytest.raises(jsonschema.ValidationError):
            validate(other)


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
