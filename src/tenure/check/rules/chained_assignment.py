"""The rule chained-assignment (TN594)."""

import ast
from collections.abc import Iterator

from tenure.check.analysis.findings import Event
from tenure.check.facts import Facts
from tenure.check.rules.evident import text_kind
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import reports_of
from tenure.check.scope import Scope
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]

_INDEXERS = frozenset(("loc", "iloc", "at", "iat"))


def _check(facts: Facts) -> Iterator[Diagnostic]:
    message = "this writes to what `{text}` selects, which is not the frame"
    return reports_of(facts, RULE, _events(facts), message, ("written here, and lost",))


def _events(facts: Facts) -> Iterator[Event]:
    if "pandas" not in facts.module.libraries:
        return
    for scope in facts.scopes:
        for node, part in _writes(scope):
            root = _frame(part)
            if root is not None and text_kind(facts, scope, root) == "frame":
                yield Event(facts.source.path, RULE.name, (node,), facts.source.segment(part))


def _writes(scope: Scope) -> Iterator[tuple[ast.AST, ast.expr]]:
    """Writes to something that was selected: their sites, and the selections."""
    for node in scope.of(ast.Subscript):
        if isinstance(node.ctx, ast.Store):
            yield node, node.value
    for node in scope.of(ast.Expr):
        match node.value:
            case ast.Call(func=ast.Attribute(value=ast.expr() as part), keywords=words):
                if any(w.arg == "inplace" and isinstance(w.value, ast.Constant) and w.value.value for w in words):
                    yield node.value, part


def _frame(part: ast.expr) -> ast.expr | None:
    """The frame that one selection is made from, `df[…]`, `df.loc[…]`, `df[…].loc`; None for other expressions."""
    if isinstance(part, ast.Attribute) and part.attr in _INDEXERS and isinstance(part.value, ast.Subscript):
        part = part.value
    if not isinstance(part, ast.Subscript):
        return None
    root = part.value
    if isinstance(root, ast.Attribute) and root.attr in _INDEXERS:
        root = root.value
    return root if isinstance(root, ast.Name) else None


RULE = Rule(
    name="chained-assignment",
    code="TN594",
    sentence="a frame is written in one indexing step",
    reason=(
        "In pandas 3 (and for masks and rows before) `df[a]` is an object of its own. A second step, or an in-place "
        "method, writes to that, and the frame stays as it was."
    ),
    wrong="""\
import pandas as pd
df = pd.DataFrame({"age": [-1, 3]})
df[df["age"] < 0]["age"] = 0
""",
    right="""\
import pandas as pd
df = pd.DataFrame({"age": [-1, 3]})
df.loc[df["age"] < 0, "age"] = 0
""",
    help='write in one step, `df.loc[rows, "a"] = v`, or assign the column: `df["a"] = df["a"].fillna(0)`',
    check=_check,
)
