"""The rule write-to-a-value (TN594)."""

from collections.abc import Iterator

from tenure.check.analysis.borrows import lent_as
from tenure.check.analysis.conflicts import note
from tenure.check.analysis.events import Events
from tenure.check.analysis.machine import Machine
from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.check.values import Holder, Ref, Write
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(facts, RULE, "this writes to a value", ("written here", "a value"))


def _written(m: Machine, ref: Ref, holder: Holder | None, write: Write) -> None:
    obj = ref.obj
    if write.sort != "write":
        return
    if obj.kind == "value" and write.inner is None and lent_as(m, obj) != "Ref":
        note(m, RULE.name, write.node, obj.node, tier="annotated")
    if obj.kind != "jax" and obj.root().kind == "jax":
        note(m, RULE.name, write.node, obj.node)
    recorded = obj.kind == "var" and obj.leaf and m.state.quiet == 0
    if recorded and not write.hidden and write.inner is None and write.text != ".step(…)":
        note(m, RULE.name, write.node, obj.node, detail="leaf", tier="annotated")


RULE = Rule(
    name="write-to-a-value",
    code="TN594",
    sentence="a value is never written",
    reason=(
        "What operations return is a value, as numbers are. JAX arrays are values too, also behind a writable "
        "view by DLPack."
    ),
    wrong="""\
import tenure as tn
x = tn.zeros(3)
x[0] = 1.0
""",
    right="""\
import tenure as tn
x = tn.zeros(3).mut()
x[0] = 1.0
""",
    help="make a new value with `x.at[i].set(v)`, or a place with `x.mut()`",
    check=_check,
    on=Events(written=(_written,)),
)
