"""The rule repeated-object (TN499)."""

from collections.abc import Iterator

from tenure.check import ops
from tenure.check.analysis.conflicts import note
from tenure.check.analysis.events import Events
from tenure.check.analysis.indices import component
from tenure.check.analysis.machine import Machine
from tenure.check.effects.effect import CONTAINERS
from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.check.values import Holder, Ref, Value, Write
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(facts, RULE, "one object stands at every position of this list", ("here", "repeated here"))


def _written(m: Machine, ref: Ref, holder: Holder | None, write: Write) -> None:
    if isinstance(holder, tuple) and holder[0].text == "repeated" and write.sort in ("write", "resize"):
        note(m, RULE.name, write.node, holder[0].node, detail="written")


def _placed(m: Machine, ref: Ref, op: ops.SetItem) -> None:
    holder = m.sources.get(op.obj)
    if isinstance(holder, tuple) and holder[0].text == "repeated" and ref.obj.kind in CONTAINERS:
        note(m, RULE.name, op.node, holder[0].node, detail="written")
    if ref.obj.text == "repeated" and op.index and component(m, op.index[0])[0] != "i":
        # Stores at one position after another give each an object of its own.
        ref.obj.text = "refilled"


def _repeated(m: Machine, ref: Ref, count: Value, op: ops.Operate) -> None:
    items = m.items(ref.obj)
    one = len(count) == 1 and count[0].obj.const == 1
    if ref.obj.kind == "list" and not one and any(r.obj.kind in ("module", "tenure-module") for r in items):
        note(m, RULE.name, op.node, detail="module")


RULE = Rule(
    name="repeated-object",
    code="TN499",
    sentence="the written items of a list are different objects",
    reason=(
        "`[x] * n` holds one object n times. A write to one item is seen at all of them, and modules "
        "share their weights."
    ),
    wrong="""\
from torch import nn
net = nn.ModuleList([nn.Linear(2, 2)] * 3)
""",
    right="""\
from torch import nn
net = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
""",
    help="make one object per item: `[make() for _ in range(n)]`",
    check=_check,
    on=Events(written=(_written,), placed=(_placed,), repeated=(_repeated,)),
)
