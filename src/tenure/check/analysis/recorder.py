"""The recorder of summaries: it hears what a body does to the objects that it was given."""

from tenure.check.analysis.events import Events
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.summaries import Act, Encoder, path_of
from tenure.check.values import Holder, Obj, Ref, Value, Write, copylike

__all__ = ["RECORDER"]


def note_return(m: Machine, value: Value) -> None:
    """Add a result to the summary of the body."""
    found = Encoder(m.state.cells).encode(value)
    m.summary.returns = (*m.summary.returns, *found)[:6]


def note_read(m: Machine, ref: Ref, how: str) -> None:
    """Add a read of a parameter, or of an outer variable."""
    at: Obj | None = ref.obj
    while at is not None:
        if isinstance(at.parameter, str):
            m.summary.reads.add(at.parameter)
        elif isinstance(at.parameter, tuple):
            m.summary.reads.add("·" + str(at.parameter[1]))
        at = at.base or at.owner


def note_write(m: Machine, ref: Ref, holder: Holder | None, write: Write) -> None:
    """Add a write to a part of a given object; it is certain if the written name can be nothing else."""
    _act(m, ref, write, certain=write.certain and m.alone)


def note_by_name(m: Machine, value: Value, holder: Holder | None, write: Write) -> None:
    """Add a write by `x += y`."""
    for ref in value:
        _act(m, ref, write, by_name=True)


def _act(m: Machine, ref: Ref, write: Write, *, certain: bool = True, by_name: bool = False) -> None:
    path = path_of(ref.obj)
    if path is None:
        return
    key = (write.sort, path, write.node)
    old = m.summary.acts.get(key)
    if old is None:
        m.summary.acts[key] = Act(write.sort, path, write, copylike(ref), by_name, certain and not ref.obj.maybe)
    elif by_name:
        old.by_name = True


RECORDER = Events(read=(note_read,), written=(note_write,), by_name=(note_by_name,), returned=(note_return,))
