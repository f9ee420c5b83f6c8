"""The rule sent-value-overwritten (TN506)."""

from collections.abc import Iterator

from tenure.check import ops
from tenure.check.analysis.conflicts import note
from tenure.check.analysis.events import Events
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.sequences import store
from tenure.check.effects.effect import TENSORS
from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.check.values import MUST, Holder, Obj, Ref, Write
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(
        facts, RULE, "this value was sent away before, and its receiver sees this write", ("written here", "sent here")
    )


def _written(m: Machine, ref: Ref, holder: Holder | None, write: Write) -> None:
    for queue in _queues(m) if write.sort == "write" else ():
        for held in m.items(queue):
            sent = held.loan is not None and held.loan.relation == "queued" and held.write is None
            if sent and held.loan is not None and m.state.overlap(held.obj, ref.obj) is MUST:
                note(m, RULE.name, write.node, held.loan.node)


def _queued(m: Machine, refs: list[Ref], op: ops.Call) -> None:
    """Put a value on a queue: its receiver sees the writes in between."""
    target = refs[0].obj.target
    if op.method not in ("put", "put_nowait", "send") or not isinstance(target, str):
        return
    if not any(word in target for word in ("Queue", "Pipe", "Connection")) or not op.args:
        return
    source = m.sources.get(op.args[0][0])
    shared = not target.startswith("multiprocessing")
    for ref in m.get(op.args[0][0]):
        if source is not None and shared and ref.obj.kind in TENSORS:
            held = ref._replace(loan=m.loan("queued", source, ref._replace(loan=None)), write=None)
            store(m, refs[0].obj, "*", (held,), weak=True)
            _queues(m)[refs[0].obj] = None


def _queues(m: Machine) -> dict[Obj, None]:
    """The queues that values were put on."""
    return m.notes(RULE.name, dict)


RULE = Rule(
    name="sent-value-overwritten",
    code="TN506",
    sentence="what was handed to another thread or process is not written any more",
    reason="A queue passes the reference (or shared memory): the receiver sees what is written until it reads.",
    wrong="""\
import torch
import torch.multiprocessing as mp
q = mp.Queue()
buf = torch.ones(3)
q.put(buf)
buf.zero_()
""",
    right="""\
import torch
import torch.multiprocessing as mp
q = mp.Queue()
buf = torch.ones(3)
q.put(buf.clone())
buf.zero_()
""",
    help="send a copy: `q.put(buf.clone())`",
    check=_check,
    on=Events(written=(_written,), queued=(_queued,)),
)
