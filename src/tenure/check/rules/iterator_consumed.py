"""The rule iterator-consumed (TN382)."""

import ast
from collections.abc import Iterator

from tenure.check.analysis.findings import Event
from tenure.check.facts import Facts
from tenure.check.ops import Function
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import reports_of
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    first: dict[tuple[ast.AST, ...], Event] = {}
    for event in facts.events(RULE.name):
        # One iterator is one bug, however many loops find it at its end.
        known = first.setdefault(event.nodes[2:] or event.nodes, event)
        if _line(event) < _line(known):
            first[event.nodes[2:] or event.nodes] = event
    message = "this iterator has come to its end before, and gives nothing more"
    yield from reports_of(facts, RULE, first.values(), message, ("iterated again here", "consumed here", "made here"))
    words = ("looked through at each call", "made once, here")
    kept = "what is kept here gives its items once, not at each call"
    yield from reports_of(facts, RULE, _kept_by_objects(facts), kept, words)


_ONCE = frozenset(("map", "filter", "zip"))

_CALLED_AGAIN = frozenset(("__call__", "__getitem__", "__contains__", "__len__", "__eq__", "__hash__", "forward"))
"""Methods that an object has in order to be asked many times."""


def _kept_by_objects(facts: Facts) -> Iterator[Event]:
    """Generators that an object keeps, and asks at each call of a method whether they have an item."""
    for info in facts.module.classes.values() if facts.whole else ():
        made = {
            name: given[0]
            for name, given in info.attributes.items()
            if len(given) == 1 and (isinstance(given[0], ast.GeneratorExp) or _is_once(given[0]))
        }
        for method in info.methods.values() if made else ():
            for asked in _gone_through(method) if method.name != "__init__" else ():
                match asked:
                    case ast.Attribute(value=ast.Name(id="self"), attr=name) if name in made:
                        if made[name] not in {one.value for one in method.scope.of(ast.Assign)}:
                            yield Event(facts.source.path, RULE.name, (asked, made[name]))


def _gone_through(method: Function) -> Iterator[ast.expr]:
    """The expressions that a method looks through for an item, and those that it goes through at each call."""
    for test in method.scope.of(ast.Compare):
        if isinstance(test.ops[0], ast.In | ast.NotIn):
            yield test.comparators[0]
    if method.name in _CALLED_AGAIN:
        yield from (one.iter for one in method.scope.of(ast.For, ast.comprehension))


def _is_once(value: ast.expr) -> bool:
    """Whether an expression makes what can be gone through a single time."""
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in _ONCE


def _line(event: Event) -> int:
    return getattr(event.nodes[0], "lineno", 0)


RULE = Rule(
    name="iterator-consumed",
    code="TN382",
    sentence="an iterator is gone through once",
    reason=(
        "`map`, `filter`, `zip`, generators and `model.parameters()` give their items once. A second loop "
        "over the same object finds nothing."
    ),
    wrong="""\
xs = map(abs, [1, -2])
print(sum(xs))
for x in xs:
    print(x)
""",
    right="""\
xs = list(map(abs, [1, -2]))
print(sum(xs))
for x in xs:
    print(x)
""",
    help="make a list of it first: `list(...)`",
    check=_check,
)
