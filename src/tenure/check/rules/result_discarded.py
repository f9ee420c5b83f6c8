"""The rule result-discarded (TN594)."""

import ast
from collections.abc import Iterator

from tenure.check.analysis.findings import Event
from tenure.check.facts import Facts
from tenure.check.rules.evident import target_of, text_kind
from tenure.check.rules.lost_items import lost_items
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import reports_of
from tenure.check.scope import Scope
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]

_AT = frozenset(("set", "add", "subtract", "multiply", "mul", "divide", "power", "min", "max", "apply"))
_WITH_AT = frozenset(("jax", "tenure"))
_SHAPES = frozenset(("reshape", "transpose", "squeeze", "clip", "astype", "round", "swapaxes"))
_METHODS = {
    "str": frozenset(
        {
            *("replace", "strip", "lstrip", "rstrip", "upper", "lower", "title", "capitalize"),
            *("removeprefix", "removesuffix"),
        }
    ),
    "tensor": frozenset(
        {
            *("add", "sub", "mul", "div", "clamp", "masked_fill", "scatter", "index_fill", "reshape", "view"),
            *("permute", "transpose", "squeeze", "unsqueeze", "detach", "to", "cuda", "cpu", "float", "half", "fill"),
        }
    ),
    "ndarray": _SHAPES,
    "jax": _SHAPES,
    "frame": frozenset(
        {
            *("drop", "dropna", "fillna", "rename", "replace", "reset_index", "set_index", "sort_values", "sort_index"),
            *("drop_duplicates", "astype", "assign"),
        }
    ),
}
_FUNCTIONS = frozenset(
    {
        "builtins.sorted",
        *(f"{np}.{name}" for np in ("numpy", "jax.numpy") for name in ("append", "insert", "delete", "sort", "clip")),
        *(f"{np}.{name}" for np in ("numpy", "jax.numpy") for name in ("roll", "flip", "reshape", "transpose")),
        *(f"torch.{name}" for name in ("clamp", "clip", "masked_fill", "scatter", "index_fill", "roll", "flip")),
    }
)


def _check(facts: Facts) -> Iterator[Diagnostic]:
    message = "the result of `{text}` is dropped, and nothing else changes"
    yield from reports_of(facts, RULE, _events(facts), message, ("here",))
    lost = (Event(facts.source.path, RULE.name, (at, target), text) for at, target, text in lost_items(facts))
    message = "`{text}` gets another value, which nothing uses: the item stays as it is"
    yield from reports_of(facts, RULE, lost, message, ("bound anew here", "an item of this loop"))


def _events(facts: Facts) -> Iterator[Event]:
    for scope in facts.scopes:
        tried = {one for block in scope.of(ast.Try, ast.With, ast.AsyncWith) for one in ast.walk(block)}
        for statement in scope.of(ast.Expr):
            call = statement.value
            # A call in `try` or `with` may be there for its error.
            if isinstance(call, ast.Call) and statement not in tried and (text := _update(facts, scope, call)):
                yield Event(facts.source.path, RULE.name, (call,), text)


def _update(facts: Facts, scope: Scope, call: ast.Call) -> str:
    """The name of the functional update that a call is, or ""."""
    given = {word.arg for word in call.keywords}
    if given & {"out", "inplace", "copy", None}:
        return ""
    func = call.func
    match func:
        case ast.Attribute(value=ast.Subscript(value=ast.Attribute(attr="at")), attr=name) if name in _AT:
            return f".at[…].{name}" if facts.module.libraries & _WITH_AT else ""
    if target_of(facts, scope, func) in _FUNCTIONS:
        return ast.unparse(func) if len(call.args) < 4 else ""
    if isinstance(func, ast.Attribute) and any(func.attr in names for names in _METHODS.values()):
        kind = text_kind(facts, scope, func.value)
        if kind == "tensor" and isinstance(func.value, ast.Call):
            # What is made for one statement is made to warm a device up.
            return ""
        return f".{func.attr}" if func.attr in _METHODS.get(kind, ()) else ""
    return ""


RULE = Rule(
    name="result-discarded",
    code="TN594",
    sentence="the result of a functional update is kept",
    reason=(
        "`x.at[i].set(v)`, `text.replace(…)` and `np.append(a, v)` change nothing: they make a new value. A call that "
        "stands alone drops it."
    ),
    wrong="""\
import jax.numpy as jnp
x = jnp.zeros(3)
x.at[0].set(5.0)
print(x)
""",
    right="""\
import jax.numpy as jnp
x = jnp.zeros(3)
x = x.at[0].set(5.0)
print(x)
""",
    help="keep the result: `x = …`",
    check=_check,
)
