"""The rule transfer-not-awaited (TN506)."""

from collections.abc import Iterator

from tenure.check import ops
from tenure.check.analysis.conflicts import note
from tenure.check.analysis.events import Events
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.transfers import arriving, leaving
from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.check.values import Holder, Obj, Ref, Write
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(facts, RULE, "{text}, and nothing has waited for the copy", ("here", "made here"))


def _written(m: Machine, ref: Ref, holder: Holder | None, write: Write) -> None:
    if write.sort != "write" or not m.alone:
        return
    if (sent := leaving(m, ref.obj)) is not None and not _one_of_many(ref, holder):
        note(m, RULE.name, write.node, sent.root().node, text="this writes what a copy without waiting reads")


def _read(m: Machine, ref: Ref, how: str) -> None:
    if how == "stored" or not ref.must or (copied := arriving(m, ref.obj)) is None:
        return
    handed_on = isinstance(m.op, ops.Return | ops.Yield) and ref.obj.kind == "tensor"
    # Whoever is given the tensor may wait.
    if not handed_on and not _one_of_many(ref):
        note(m, RULE.name, m.op.node, copied.root().node, text="this reads what a copy without waiting writes")


def _one_of_many(ref: Ref, holder: Holder | None = None) -> bool:
    """Whether an object was taken out of a container that collects such: the copy may be that of another one."""
    cells = [holder, *(ref.loan.sources() if ref.loan is not None else ())]
    return any(isinstance(cell, tuple) and (cell[1] == "*" or isinstance(cell[1], Obj)) for cell in cells)


RULE = Rule(
    name="transfer-not-awaited",
    code="TN506",
    sentence="a copy that nothing waits for is over before its source is written or its target read",
    reason=(
        "With `non_blocking=True` the copy runs beside the program. Pinned memory that is written again is what the "
        "device then gets, and a tensor on the processor holds anything until the device has filled it."
    ),
    wrong="""\
import torch
batch = torch.ones(8, pin_memory=True)
there = torch.empty(8, device="cuda")
there.copy_(batch, non_blocking=True)
batch.zero_()
""",
    right="""\
import torch
batch = torch.ones(8, pin_memory=True)
there = torch.empty(8, device="cuda")
there.copy_(batch, non_blocking=True)
torch.cuda.synchronize()
batch.zero_()
""",
    help="wait first: `torch.cuda.synchronize()`, or an event that was recorded behind the copy",
    check=_check,
    on=Events(written=(_written,), read=(_read,)),
)
