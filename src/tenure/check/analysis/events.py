"""The events of a run, and the functions that are told of them.

The analysis and the rules subscribe alike: `Events(written=(note_it,))`. The list below is all that a rule can hear of;
a listener gets the machine, whose state is that at the event, and may read it, note findings and write loans.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeAlias

from tenure.check import ops
from tenure.check.values import Component, Holder, Obj, Ref, Value, Write

if TYPE_CHECKING:
    import ast

    from tenure.check.analysis.machine import Machine

__all__ = ["Events"]

_Told: TypeAlias = tuple[Callable[..., None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """Listeners by event, in the order in which they are called.

    read       data is read through a reference, or stored by it ("stored")
    written    an object is written through a reference, from the cell `holder`
    by_name    `x += y` wrote to the objects of a name, which reads like a new value
    captured   a container or object stores references in a field
    replaced   a field of an object was bound anew
    placed     `x[i] = y` is about to store into an object
    indexed    an array is read or written at an index
    paired     an operation writes one value and reads another
    repeated   `[x] * n` repeats the items of a sequence
    lost       a write goes to a temporary, which no name refers to
    gone       an object is used after it was given up
    returned   a body returns (or yields) a value
    entered    a `with` block begins
    left       a `with` block ends
    queued     an unknown method receives arguments: `queue.put(x)` and its like
    hooked     a function is registered, to be called later
    threaded   a function is handed to a thread
    finished   a body has come to its fixed point
    """

    read: "tuple[Callable[[Machine, Ref, str], None], ...]" = ()
    written: "tuple[Callable[[Machine, Ref, Holder | None, Write], None], ...]" = ()
    by_name: "tuple[Callable[[Machine, Value, Holder | None, Write], None], ...]" = ()
    captured: "tuple[Callable[[Machine, Obj, object, Value, int | None], None], ...]" = ()
    replaced: "tuple[Callable[[Machine, Ref, object, ops.Op], None], ...]" = ()
    placed: "tuple[Callable[[Machine, Ref, ops.SetItem], None], ...]" = ()
    indexed: "tuple[Callable[[Machine, Obj, tuple[Component, ...], ops.Op], None], ...]" = ()
    paired: "tuple[Callable[[Machine, Value, Value], None], ...]" = ()
    repeated: "tuple[Callable[[Machine, Ref, Value, ops.Operate], None], ...]" = ()
    lost: "tuple[Callable[[Machine, Ref, Write | None], None], ...]" = ()
    gone: "tuple[Callable[[Machine, Ref, ast.AST], None], ...]" = ()
    returned: "tuple[Callable[[Machine, Value], None], ...]" = ()
    entered: "tuple[Callable[[Machine, Value], None], ...]" = ()
    left: "tuple[Callable[[Machine, Value], None], ...]" = ()
    queued: "tuple[Callable[[Machine, list[Ref], ops.Call], None], ...]" = ()
    hooked: "tuple[Callable[[Machine, list[Ref], ops.Call], None], ...]" = ()
    threaded: "tuple[Callable[[Machine, ops.Call], None], ...]" = ()
    finished: "tuple[Callable[[Machine], None], ...]" = ()

    @classmethod
    def joined(cls, parts: "Iterable[Events]") -> "Events":
        """The listeners of several subscriptions."""
        every = list(parts)
        told: dict[str, Any] = {
            one.name: tuple(listener for part in every for listener in getattr(part, one.name)) for one in fields(cls)
        }
        return cls(**told)
