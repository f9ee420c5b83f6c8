"""Sequences made of others: the positions of their items, as far as they are known.

    [a] + [b]         a at 0, b at 1            [a] * n, sorted(xs)      a somewhere
    [a] * 2           a at 0 and at 1           list(d)                  the keys of d
"""

from tenure.check.analysis.access import Access
from tenure.check.analysis.memory import HIDDEN_FIELDS
from tenure.check.values import WIDEST, Obj, Ref, Value

__all__ = ["Sequences"]

_LINES = frozenset(("list", "tuple", "deque"))
_IN_ORDER = frozenset(("list", "tuple", "deque", "copy", "replace", "__add__", "__mul__", "__rmul__"))
"""Calls that yield the items of a sequence in its order."""

_REORDERING = frozenset(("sort", "reverse", "shuffle", "heapify", "__imul__", "heappush", "insort"))


class Sequences(Access):
    """Items of new sequences, and of those whose order changes."""

    def items_from(self, new: Obj, ref: Ref, called: str, start: int | None, times: int | None) -> None:
        """Copy the items of a container into a new one from position `start` on, `times` over (None: unknown)."""
        obj = ref.obj
        if obj.kind == "dict" and new.kind != "dict":
            key = self.fresh(("key", obj), "scalar")
            key.owner = obj
            self.hold(new, "*", (Ref(key),))
            return
        text = "shallow" if called == "copy" else ""
        for name, value in list(self.state.fields(obj)) or [("*", self.items(obj))]:
            if name not in HIDDEN_FIELDS:
                lent = tuple(self.lent(part, "element", (obj, name), text, copylike=bool(text)) for part in value)
                for position in self._positions(new, obj, name, called, start, times):
                    self.hold(new, position, lent)
        if new.kind in _LINES and obj.kind not in _LINES:
            self.uncounted(new)

    def _positions(
        self, new: Obj, obj: Obj, name: object, called: str, start: int | None, times: int | None
    ) -> tuple[object, ...]:
        if new.kind == "dict":
            return (name if obj.kind == "dict" else "*",)
        if new.kind not in _LINES or obj.kind not in _LINES or called not in _IN_ORDER:
            return ("*",)
        if start == 0 and times == 1:
            return (name,)
        size = self.size(obj)
        if size is None or start is None or times is None or size * times > WIDEST or not isinstance(name, int):
            return ("*",)
        return tuple(start + size * turn + name for turn in range(times))

    def end_of(self, value: Value, start: int | None) -> int | None:
        """The start of the next operand's items."""
        size = self.size(value[0].obj) if len(value) == 1 else None
        return None if size is None or start is None else start + size

    def size(self, obj: Obj) -> int | None:
        """The length of a sequence, where it is written in the program."""
        if obj.kind not in _LINES or not self.complete(obj) or obj.const is not ...:
            return len(obj.const) if isinstance(obj.const, tuple) else None
        names = [name for name, _ in self.state.fields(obj) if name not in HIDDEN_FIELDS]
        return len(names) if all(isinstance(name, int) for name in names) else None

    def uncounted(self, obj: Obj) -> None:
        """Note that a sequence may have more items than are known."""
        if (obj, "*") not in self.state.cells:
            self.state.cells[(obj, "*")] = ()

    def escaped(self, value: Value) -> None:
        """Note that code with access to a list may append to it."""
        for ref in value:
            if ref.obj.kind == "list":
                self.uncounted(ref.obj)

    def reordered(self, ref: Ref, called: str) -> None:
        """Forget the positions of items, after a call that reorders them."""
        if called in _REORDERING and ref.obj.kind in ("list", "deque"):
            self.shift(ref.obj)

    def hold(self, new: Obj, name: object, value: Value) -> None:
        """Add possible values to a field of a new container."""
        cells = self.state.cells
        cells[(new, name)] = tuple(dict.fromkeys((*cells.get((new, name), ()), *value)))
