"""The rule index-out-of-range (TN801)."""

from collections.abc import Iterator

from tenure.check import ops
from tenure.check.analysis.conflicts import note
from tenure.check.analysis.events import Events
from tenure.check.analysis.machine import Machine
from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.check.values import Component, Obj
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


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
    if not -obj.length <= index < obj.length:
        note(m, RULE.name, op.node, obj.node, text=str(index))


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
