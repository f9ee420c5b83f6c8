"""Sequences made of others: the positions of their items, as far as they are known.

    [a] + [b]         a at 0, b at 1            [a] * n, sorted(xs)      a somewhere
    [a] * 2           a at 0 and at 1           list(d)                  the keys of d
"""

from tenure.check.analysis.conflicts import write_to, wrote
from tenure.check.analysis.handed import renewed
from tenure.check.analysis.machine import HIDDEN_FIELDS, Machine
from tenure.check.analysis.views import lend
from tenure.check.values import WIDEST, Obj, Ref, Value

__all__ = [
    "end_of",
    "escaped",
    "hold",
    "items_from",
    "remove",
    "removed",
    "reordered",
    "repeat",
    "shift",
    "size_of",
    "slice_of",
    "store",
]

_LINES = frozenset(("list", "tuple", "deque"))

_IN_ORDER = frozenset(("list", "tuple", "deque", "copy", "replace", "__add__", "__mul__", "__rmul__"))
"""Calls that yield the items of a sequence in its order."""

_REORDERING = frozenset(("sort", "reverse", "shuffle", "heapify", "__imul__", "heappush", "insort"))

_SEQUENCES = frozenset(("list", "tuple", "deque"))


def store(m: Machine, obj: Obj, name: object, value: Value, *, weak: bool) -> None:
    cells = m.state.cells
    if weak or name == "*":
        old = cells.get((obj, name), ())
        value = tuple(dict.fromkeys((*old, *value)))
    cells[(obj, name)] = value if len(value) <= WIDEST else ()


def items_from(m: Machine, new: Obj, ref: Ref, called: str, start: int | None, times: int | None) -> None:
    """Copy the items of a container into a new one from position `start` on, `times` over (None: unknown)."""
    obj = ref.obj
    if obj.kind == "dict" and new.kind != "dict":
        key = m.fresh(("key", obj), "scalar")
        key.owner = obj
        hold(m, new, "*", (Ref(key),))
        return
    text = "shallow" if called == "copy" else ""
    for name, value in list(m.state.fields(obj)) or [("*", m.items(obj))]:
        if name not in HIDDEN_FIELDS:
            lent = tuple(lend(m, part, "element", (obj, name), text, copylike=bool(text)) for part in value)
            for position in _positions(m, new, obj, name, called, start, times):
                hold(m, new, position, lent)
    renewed(m, obj)
    if new.kind in _LINES and obj.kind not in _LINES:
        uncounted(m, new)


def _positions(
    m: Machine, new: Obj, obj: Obj, name: object, called: str, start: int | None, times: int | None
) -> tuple[object, ...]:
    if new.kind == "dict":
        return (name if obj.kind == "dict" else "*",)
    if new.kind not in _LINES or obj.kind not in _LINES or called not in _IN_ORDER:
        return ("*",)
    if start == 0 and times == 1:
        return (name,)
    size = size_of(m, obj)
    if size is None or start is None or times is None or size * times > WIDEST or not isinstance(name, int):
        return ("*",)
    return tuple(start + size * turn + name for turn in range(times))


def end_of(m: Machine, value: Value, start: int | None) -> int | None:
    """The start of the next operand's items."""
    size = size_of(m, value[0].obj) if len(value) == 1 else None
    return None if size is None or start is None else start + size


def size_of(m: Machine, obj: Obj) -> int | None:
    """The length of a sequence, where it is written in the program."""
    if obj.kind not in _LINES or not m.complete(obj) or obj.const is not ...:
        return len(obj.const) if isinstance(obj.const, tuple) else None
    names = [name for name, _ in m.state.fields(obj) if name not in HIDDEN_FIELDS]
    return len(names) if all(isinstance(name, int) for name in names) else None


def uncounted(m: Machine, obj: Obj) -> None:
    """Note that a sequence may have more items than are known."""
    if (obj, "*") not in m.state.cells:
        m.state.cells[(obj, "*")] = ()


def escaped(m: Machine, value: Value) -> None:
    """Note that code with access to a list may append to it."""
    for ref in value:
        if ref.obj.kind == "list":
            uncounted(m, ref.obj)


def reordered(m: Machine, ref: Ref, called: str) -> None:
    """Forget the positions of items, after a call that reorders them."""
    if called in _REORDERING and ref.obj.kind in ("list", "deque"):
        shift(m, ref.obj)


def hold(m: Machine, new: Obj, name: object, value: Value) -> None:
    """Add possible values to a field of a new container."""
    cells = m.state.cells
    cells[(new, name)] = tuple(dict.fromkeys((*cells.get((new, name), ()), *value)))


def slice_of(m: Machine, obj: Obj) -> Value:
    """A new sequence with some of the items of another."""
    new = m.fresh(("slice", obj), obj.kind, text="display")
    fields = list(m.state.fields(obj)) or [("*", m.items(obj))]
    m.state.cells[(new, "*")] = tuple(
        lend(m, ref, "element", (obj, name), "shallow", copylike=True)
        for name, value in fields
        if not (isinstance(name, str) and name.startswith("·"))
        for ref in value
    )
    return (Ref(new),)


def remove(m: Machine, ref: Ref, name: object, holder: object, text: str) -> None:
    """Remove an item; the later items of a list move up."""
    write = wrote(m, "resize", text)
    write_to(m, (ref,), holder, write)  # type: ignore[arg-type]
    obj = ref.obj
    if obj.kind in _SEQUENCES:
        shift(m, obj)
    elif name != "*":
        m.state.cells[(obj, name)] = ()


def shift(m: Machine, obj: Obj) -> None:
    """Forget the positions of a list's items."""
    cells = m.state.cells
    items = m.items(obj)
    for name, _ in m.state.fields(obj):
        if isinstance(name, int | Obj):
            del cells[(obj, name)]
    cells[(obj, "*")] = items


def removed(m: Machine, ref: Ref, name: str) -> None:
    """Note that an item of a container was removed, or others moved."""
    if ref.obj.kind in ("list", "deque") and ref.obj.kind != "iterator":
        if name == "clear":
            for field, _ in m.state.fields(ref.obj):
                m.state.cells[(ref.obj, field)] = ()
        else:
            shift(m, ref.obj)


def repeat(m: Machine, obj: Obj, items: Value) -> None:
    """Note a container with the same objects at all positions."""
    for name, _ in list(m.state.fields(obj)):
        del m.state.cells[(obj, name)]
    m.state.cells[(obj, "*")] = items
    obj.text = "repeated"
