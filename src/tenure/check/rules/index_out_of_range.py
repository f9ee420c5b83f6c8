"""The rule index-out-of-range (TN801)."""

import ast
from collections.abc import Iterator

from tenure.check import ops
from tenure.check.analysis.conflicts import note
from tenure.check.analysis.events import Events
from tenure.check.analysis.machine import Machine
from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.check.scope import last_name
from tenure.check.values import Component, Obj, one_object
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]

_RAISING = frozenset(("raises", "assertRaises", "assertRaisesRegex", "suppress"))
"""Contexts whose body is expected to fail."""


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(
        facts, RULE, "index {text} is out of range", ("read or written here", "the axis has its length from here")
    )


def _indexed(m: Machine, obj: Obj, region: tuple[Component, ...], op: ops.Op) -> None:
    index = region[0][1] if len(region) == 1 and region[0][0] == "i" else None
    if obj.length is None or obj.summary or not isinstance(index, int):
        return
    source = m.sources.get(op.obj) if isinstance(op, ops.GetItem | ops.SetItem) else None
    if isinstance(source, tuple) and source[0].kind == "unknown":
        # An unknown object may keep something else than what it was given.
        return
    alone = not isinstance(op, ops.GetItem | ops.SetItem) or one_object(m.get(op.obj))
    if obj.kind != "jax" and not (alone and id(obj.node) not in m.homes):
        # One of several arrays, or one of another file, whose tests are not known here.
        return
    if obj.kind != "jax" and (op.conditions or not obj.length):
        # Elsewhere it is an error at once: what a test lets through was tested, and what is empty mostly is.
        return
    if not -obj.length <= index < obj.length and not _expected(m, op):
        note(m, RULE.name, op.node, obj.node, text=str(index))


def _expected(m: Machine, op: ops.Op) -> bool:
    """Whether the present statement, or the call under check that leads to it, stands where an error is expected."""
    nodes = (op.node, None if m.frame is None else m.frame.call)
    lines = [getattr(node, "lineno", 0) for node in nodes]
    for block in [*m.root.scope.of(ast.With), *m.function.scope.of(ast.With)]:
        names = {last_name(getattr(item.context_expr, "func", item.context_expr)) for item in block.items}
        if names & _RAISING and any(block.lineno <= line <= (block.end_lineno or 0) for line in lines):
            return True
    return False


RULE = Rule(
    name="index-out-of-range",
    code="TN801",
    sentence="an index lies within its axis",
    reason="JAX clamps an index that is out of range when reading, and drops the write: no error, wrong numbers.",
    wrong="""\
import jax.numpy as jnp
x = jnp.arange(5.0)
print(x[10])
""",
    right="""\
import jax.numpy as jnp
x = jnp.arange(5.0)
print(x.at[10].get(mode="fill", fill_value=jnp.nan))
""",
    help="check the index, or say what happens with `.at[i].get(mode=...)`",
    check=_check,
    on=Events(indexed=(_indexed,)),
)
