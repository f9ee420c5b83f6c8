"""The rule write-to-a-temporary (TN594)."""

import ast
from collections.abc import Iterator

from tenure.check.analysis.attributes import FREED
from tenure.check.analysis.conflicts import lost, note
from tenure.check.analysis.events import Events
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.replay import discarded
from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.check.values import Holder, Ref, Write
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(
        facts, RULE, "this writes to a temporary, and the write is lost", ("lost here", "the temporary is made here")
    )


def _written(m: Machine, ref: Ref, holder: Holder | None, write: Write) -> None:
    temporary = holder is None and ref.obj.text in ("copy", "reshaped") and write.sort == "write"
    if temporary and m.op.node in discarded(m):
        lost(m, ref, None)


def _lost(m: Machine, ref: Ref, write: Write | None) -> None:
    if write is not None:
        call = m.op.node if m.frame is None else m.frame.at
        if write.text == FREED or _made_before(ref, call):
            return
        note(m, RULE.name, call, write.node, text="view", detail="rebind")
    elif any(part is ref.obj.node for part in ast.walk(m.op.node)):
        # The copy was made in the statement itself.
        note(m, RULE.name, m.op.node, ref.obj.node, text=ref.obj.kind)


def _made_before(ref: Ref, call: ast.AST) -> bool:
    """Whether what is written was not made by an argument of the call: somebody holds it, wherever that is."""
    made = ref.obj.node
    return made is not None and not any(part is made for part in ast.walk(call) if part is not call)


RULE = Rule(
    name="write-to-a-temporary",
    code="TN594",
    sentence="a write goes to something that somebody keeps",
    reason=(
        "Indexing with a mask or a list copies. A second index step, or an in-place method, then writes to "
        "that copy, which is dropped at once."
    ),
    wrong="""\
import numpy as np
a = np.array([-1.0, 2.0])
a[a > 0][0] = 99.0
""",
    right="""\
import numpy as np
a = np.array([-1.0, 2.0])
a[np.flatnonzero(a > 0)[0]] = 99.0
""",
    help="write in one indexing step on the left",
    check=_check,
    on=Events(written=(_written,), lost=(_lost,)),
)
