"""The rule borrowed-parameter-written (TN594)."""

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
    return of_events(
        facts, RULE, "`{text}` is lent as shared, and is written", ("written here", "lent as shared here", "by this")
    )


def _written(m: Machine, ref: Ref, holder: Holder | None, write: Write) -> None:
    if write.sort not in ("write", "rebind", "resize") or not m.said or lent_as(m, ref.obj) != "Ref":
        return
    root = ref.obj.root()
    inner = write.inner[1] if write.inner and write.inner[0] == m.module.source.path else None
    note(m, RULE.name, write.node, root.node, inner, text=str(root.parameter), tier="annotated")


RULE = Rule(
    name="borrowed-parameter-written",
    code="TN594",
    sentence="what a function was lent as shared, it does not write",
    reason="`tn.Ref[...]` promises the caller that the argument stays as it is.",
    wrong="""\
import tenure as tn
def scale(x: tn.Ref[tn.Tensor]):
    x.mul_(2.0)
""",
    right="""\
import tenure as tn
def scale(x: tn.Mut[tn.Var]):
    x.mul_(2.0)
""",
    help="compute out of place, or ask for `tn.Mut[...]`",
    check=_check,
    on=Events(written=(_written,)),
)
