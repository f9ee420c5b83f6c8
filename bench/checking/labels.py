"""Reports of the checker on the corpus, and the labels that were given to them by reading the code."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from checking.corpus import MANIFEST

__all__ = ["Label", "Report", "Verdicts", "compare", "labels", "template"]

KINDS = ("genuine", "harmless", "false")


@dataclass(frozen=True)
class Report:
    """A reported line. `text` is the line itself, so that a label outlives what moves lines about."""

    package: str
    path: str
    rule: str
    line: int
    text: str
    message: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What a label is found by."""
        return self.package, self.path, self.rule, self.text


@dataclass(frozen=True)
class Label:
    """What reading the code found: its kind, and why. `times` is how many reports of one key it was given to."""

    kind: str
    why: str
    times: int = 1


@dataclass
class Verdicts:
    """Reports by kind of their label, those without one, and labels that no report asked for."""

    counts: Counter[str] = field(default_factory=Counter)
    by_rule: dict[str, Counter[str]] = field(default_factory=dict)
    by_package: dict[str, Counter[str]] = field(default_factory=dict)
    unlabelled: list[Report] = field(default_factory=list)
    unused: list[tuple[str, str, str, str]] = field(default_factory=list)

    @property
    def reports(self) -> int:
        """How many of the reports have a label."""
        return self.counts.total()

    @property
    def precision(self) -> float:
        """The share of true reports, harmful or not."""
        return 1 - self.counts["false"] / self.reports if self.reports else 1.0


def labels() -> dict[tuple[str, str, str, str], Label]:
    """The labels of the manifest by package, path, rule and text of the line."""
    found: dict[tuple[str, str, str, str], Label] = {}
    for row in tomllib.loads(MANIFEST.read_text(encoding="utf-8")).get("label", []):
        for path in row.get("paths") or [row["path"]]:
            key = row["package"], path, row["rule"], row["line"]
            if key in found:
                raise SystemExit(f"two labels for {key}")
            if row["label"] not in KINDS or not row["why"].strip():
                raise SystemExit(f"label of {key}: one of {', '.join(KINDS)}, and why")
            found[key] = Label(row["label"], row["why"], row.get("times", 1))
    return found


def compare(reports: Sequence[Report], known: dict[tuple[str, str, str, str], Label], names: Iterable[str]) -> Verdicts:
    """Reports beside labels; those of packages outside `names` are left alone."""
    verdicts = Verdicts()
    seen: Counter[tuple[str, str, str, str]] = Counter()
    for report in reports:
        seen[report.key] += 1
        label = known.get(report.key)
        if label is None or seen[report.key] > label.times:
            verdicts.unlabelled.append(report)
            continue
        verdicts.counts[label.kind] += 1
        verdicts.by_rule.setdefault(report.rule, Counter())[label.kind] += 1
        verdicts.by_package.setdefault(report.package, Counter())[label.kind] += 1
    run = set(names)
    verdicts.unused = [key for key, label in known.items() if key[0] in run and seen[key] < label.times]
    return verdicts


def template(report: Report) -> str:
    """The label of a report, to be filled in."""
    rows = [("package", report.package), ("path", report.path), ("rule", report.rule), ("line", report.text)]
    filled = "".join(f"{name} = {_quoted(value)}\n" for name, value in rows)
    return f'[[label]]\n{filled}label = ""\nwhy = ""\n'


def _quoted(text: str) -> str:
    return f"'{text}'" if "'" not in text else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
