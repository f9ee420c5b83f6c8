"""The rule maybe-view-written (TN597)."""

from collections.abc import Iterator

from tenure.check.analysis.conflicts import note
from tenure.check.analysis.events import Events
from tenure.check.analysis.machine import Machine
from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.check.values import Holder, Obj, Ref, Value, Write
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(
        facts, RULE, "this writes to a copy: the layout does not allow a view here", ("lost here", "a copy here")
    )


def _written(m: Machine, ref: Ref, holder: Holder | None, write: Write) -> None:
    if ref.obj.text == "reshaped" and write.sort == "write":
        _reshaped(m).setdefault(ref.obj, write)


def _returned(m: Machine, value: Value) -> None:
    for ref in value:
        _handed_on(m, m.items(ref.obj) if ref.obj.kind == "tuple" else (ref,))


def _captured(m: Machine, obj: Obj, name: object, value: Value, register: int | None) -> None:
    _handed_on(m, value)


def _handed_on(m: Machine, value: Value) -> None:
    """A copy that somebody else gets is read there."""
    m.seen.update(ref.obj for ref in value if ref.obj.text == "reshaped")


def _finished(m: Machine) -> None:
    for obj, write in _reshaped(m).items():
        if not any(one.lies_in(obj) for one in m.seen):
            note(m, RULE.name, write.node, obj.node)


def _reshaped(m: Machine) -> dict[Obj, Write]:
    """The copies by `reshape` that are written."""
    return m.notes(RULE.name, dict)


RULE = Rule(
    name="maybe-view-written",
    code="TN597",
    sentence="what is written through is surely a view",
    reason=(
        "`reshape`, `ravel`, `contiguous` and `to` give a view or a copy, by layout or type. Through a copy "
        "the write does not reach the original."
    ),
    wrong="""\
import numpy as np
def clear(m):
    flat = m.reshape(-1)
    flat[:] = 0.0
clear(np.ones((2, 3)).T)
""",
    right="""\
import numpy as np
def clear(m):
    m[...] = 0.0
clear(np.ones((2, 3)).T)
""",
    help="write to the array itself, or use `.view(...)`, which raises where it would copy",
    check=_check,
    on=Events(written=(_written,), returned=(_returned,), captured=(_captured,), finished=(_finished,)),
)
