"""The rule write-through-a-stale-borrow (TN597)."""

from collections.abc import Iterator

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
    return of_events(
        facts,
        RULE,
        "this borrow is older than another write to its place",
        ("written through here", "the place was written here", "borrowed here"),
    )


def _written(m: Machine, ref: Ref, holder: Holder | None, write: Write) -> None:
    if ref.obj.kind == "borrow" and ref.write is not None and ref.write.sort == "write" and ref.loan is not None:
        note(m, RULE.name, write.node, ref.write.node, ref.loan.node, tier="annotated")


RULE = Rule(
    name="write-through-a-stale-borrow",
    code="TN597",
    sentence="a borrow is not written through after somebody else wrote its place",
    reason="The borrow reads the place as it was; writing through it would undo what the other write did.",
    wrong="""\
import tenure as tn
v = tn.Var(tn.zeros(3))
m = v.borrow_mut()
v[0] = 1.0
m[1] = 2.0
""",
    right="""\
import tenure as tn
v = tn.Var(tn.zeros(3))
v[0] = 1.0
m = v.borrow_mut()
m[1] = 2.0
""",
    help="borrow again after the other write",
    check=_check,
    on=Events(written=(_written,)),
)
