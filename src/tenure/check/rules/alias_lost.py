"""The rule alias-lost (TN597)."""

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
        "this was a view before it was copied, and is an array of its own now",
        ("the copies part here", "written here"),
    )


def _written(m: Machine, ref: Ref, holder: Holder | None, write: Write) -> None:
    if ref.obj.text == "parted" and write.sort == "write":
        note(m, RULE.name, ref.obj.node, write.node)


RULE = Rule(
    name="alias-lost",
    code="TN597",
    sentence="what is written through a view is what will be read, also after copying in depth",
    reason="Pickling and `copy.deepcopy` copy arrays one by one: a view and its base come out as two arrays.",
    wrong="""\
import copy
import numpy as np
state = {"table": np.zeros((2, 2))}
state["row"] = state["table"][0]
state = copy.deepcopy(state)
state["row"] += 1.0
""",
    right="""\
import copy
import numpy as np
state = {"table": np.zeros((2, 2))}
state = copy.deepcopy(state)
state["row"] = state["table"][0]
state["row"] += 1.0
""",
    help="take the view again after the copy",
    check=_check,
    on=Events(written=(_written,)),
)
