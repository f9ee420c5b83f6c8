"""The entry point: files in, diagnostics out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from tenure.check.facts import Facts
from tenure.check.rules import RULES, Rule
from tenure.check.source import Source, parse, read
from tenure.diagnostic import Diagnostic

__all__ = ["Result", "check"]


@dataclass(slots=True)
class Result:
    """What a check found: sorted diagnostics before suppressions, and the text of each file that could be read."""

    diagnostics: list[Diagnostic] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)


def check(
    files: Sequence[str],
    *,
    strict: bool = False,
    select: Collection[str] | None = None,
    ignore: Collection[str] | None = None,
) -> Result:
    """Check files with the rules whose code or name is selected and not ignored; `strict` adds what may happen."""
    result = Result()
    rules = [rule for rule in RULES if _wanted(rule, select, ignore)]
    for path in files:
        text = read(path)
        if isinstance(text, Diagnostic):
            result.diagnostics.append(text)
            continue
        result.texts[path] = text
        source = parse(path, text)
        if isinstance(source, Diagnostic):
            result.diagnostics.append(source)
            continue
        result.diagnostics += _findings(source, rules, strict)
    result.diagnostics.sort(key=lambda found: (found.primary.span, found.code, found.rule))
    return result


def _wanted(rule: Rule, select: Collection[str] | None, ignore: Collection[str] | None) -> bool:
    names = {rule.code, rule.name}
    return (select is None or bool(names & set(select))) and not (ignore and names & set(ignore))


def _findings(source: Source, rules: Sequence[Rule], strict: bool) -> list[Diagnostic]:
    facts = Facts(source, strict)
    return [found for rule in rules for found in rule.check(facts)]
