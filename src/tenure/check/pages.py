"""Pages of laws and rules: for `tenure rule`, and for docs/rules."""

from collections.abc import Iterator
from textwrap import fill

from tenure.check.rules import RULES, Rule
from tenure.codes import LAWS, Law

__all__ = ["find", "index", "law_page", "listed", "markdown", "rule_page"]

_WIDTH = 88


def find(name: str) -> Law | Rule | None:
    """The law of a code, or the law or rule of a name, in any case."""
    law = LAWS.get(name.upper())
    if law is not None:
        return law
    plain = name.lower().replace("_", "-")
    rule = next((rule for rule in RULES if rule.name == plain), None)
    return rule or next((law for law in LAWS.values() if law.name == plain), None)


def index() -> Iterator[str]:
    """A line for each law, and below it one for each rule that stands under it."""
    width = max(len(law.name) for law in LAWS.values())
    for law in LAWS.values():
        yield f"{law.code}  {law.name:{width}}  {law.rust or ''}".rstrip()
        for rule in RULES:
            if rule.code == law.code and rule.name != law.name:
                yield f"       {rule.name}"


def law_page(law: Law) -> str:
    """A law: its sentence, its advice, and the rules of the checker under it."""
    rust = f" (Rust's {law.rust})" if law.rust else ""
    parts = [
        f"{law.code}: {law.name}{rust}",
        fill(_sentence(law.sentence), _WIDTH),
        fill(f"help: {law.advice}", _WIDTH, subsequent_indent="      "),
    ]
    rules = [rule for rule in RULES if rule.code == law.code]
    if rules:
        width = max(len(rule.name) for rule in rules)
        parts.append(
            "\n".join(["`tenure check` reports it by:", *(f"  {r.name:{width}}  {r.sentence}" for r in rules)])
        )
    return "\n\n".join(parts)


def rule_page(rule: Rule) -> str:
    """A rule: its sentence, the reason, a wrong and a right program."""
    return "\n\n".join(
        [
            f"{rule.code}: {rule.name}",
            fill(_sentence(rule.sentence), _WIDTH),
            fill(rule.reason, _WIDTH),
            f"wrong:\n\n{_indented(rule.wrong)}",
            f"right:\n\n{_indented(rule.right)}",
            fill(f"help: {rule.help}", _WIDTH, subsequent_indent="      "),
        ]
    )


def markdown(rule: Rule) -> str:
    """The page of a rule in docs/rules."""
    law = f"[{rule.code}](../laws/{rule.code}.md)" if rule.code in LAWS else rule.code
    return (
        f"# {rule.name} ({rule.code})\n\n{_sentence(rule.sentence)} A case of {law}.\n\n"
        f"{fill(rule.reason, 110)}\n\n"
        f"## Wrong\n\n```python\n{rule.wrong}```\n\n## Right\n\n```python\n{rule.right}```\n\n"
        f"## Instead\n\n{_sentence(rule.help)}\n"
    )


def listed() -> str:
    """The list of rules in docs/rules, by the laws that they stand under."""
    parts = [
        "# The rules of `tenure check`",
        "Each stands under a law, whose code its reports carry. `tenure rule NAME` prints one. These pages are\n"
        "written by `tools/rule_pages.py` from the rules themselves.",
    ]
    for code in sorted({rule.code for rule in RULES}):
        rows = [f"- [{rule.name}]({rule.name}.md): {rule.sentence}" for rule in RULES if rule.code == code]
        parts.append("\n".join([f"## [{code}](../laws/{code}.md): {LAWS[code].name}", "", *rows]))
    return "\n\n".join(parts) + "\n"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _indented(program: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in program.rstrip().split("\n"))
