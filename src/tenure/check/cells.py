"""Cells: variables, registers and fields with what they refer to, and the cells that refer to an object."""

from collections.abc import Iterable, Iterator, Mapping

from tenure.check.values import Holder, Obj, Value

__all__ = ["STORAGE", "Cells", "row_of"]

STORAGE = "·storage"
"""The field that says whose memory an object shows after its own was exchanged."""


class Places:
    """For each object, the cells that ever referred to it or to a view or part of it, in any state of a run.

    `rows`: the same for an array and one row of it, which are not among the cells of the array in `lasting`; `live`:
    the registers that hold a value now and that no other block uses, whatever they refer to.
    """

    __slots__ = ("lasting", "live", "rows")

    def __init__(self) -> None:
        self.lasting: dict[Obj, dict[Holder, None]] = {}
        self.rows: dict[Obj, dict[int, dict[Holder, None]]] = {}
        self.live: dict[Holder, None] = {}

    def of(self, obj: Obj) -> list[Holder]:
        """The cells of an object, and the registers that may be."""
        found = [*self.lasting.get(obj, ())]
        for row in self.rows.get(obj, _NONE).values():
            found += row
        found += self.live
        return found

    def of_row(self, obj: Obj, row: int) -> list[Holder]:
        """The same but for those of other rows."""
        return [*self.lasting.get(obj, ()), *self.rows.get(obj, _NONE).get(row, ()), *self.live]

    def place(self, holder: Holder, value: Value) -> None:
        """Note that a cell refers to objects now, and to what they lie in."""
        lasting = self.lasting
        for ref in value:
            at: Obj | None = ref[0]
            row = -1
            while at is not None:
                if row < 0:
                    known = lasting.get(at)
                    if known is None:
                        known = lasting[at] = {}
                else:
                    known = self.rows.setdefault(at, {}).setdefault(row, {})
                if holder in known:
                    break
                known[holder] = None
                base = at.base
                row = row_of(at) if base is not None else -1
                at = base or at.owner


_NONE: dict[int, dict[Holder, None]] = {}


def row_of(view: Obj) -> int:
    """The row of its base that a view shows, counted from the front; -1 if it is not a single known one."""
    first = view.region[0] if view.region else ("",)
    at = first[1] if first[0] == "i" else -1
    return at if isinstance(at, int) and at >= 0 else -1


class Log:
    """The cells that were set between two copies of a state, behind those before: states have one tree of logs."""

    __slots__ = ("behind", "depth", "held")

    def __init__(self, behind: "Log | None", held: dict[Holder, None]) -> None:
        self.behind, self.held = behind, held
        self.depth: int = 0 if behind is None else behind.depth + 1


class Cells(dict[Holder, Value]):
    """The contents of each cell, with an index of the fields that an object has.

    `exchanged`: the memory of some object may have been. `places` is shared by all states of a run. `log` holds the
    cells that were set since the last copy; what a block sets in its own registers alone is left out.
    """

    __slots__ = ("behind", "exchanged", "index", "log", "places")

    def __init__(self, places: Places | None = None) -> None:
        self.index: dict[Obj, tuple[object, ...]] = {}
        self.places: Places = Places() if places is None else places
        self.exchanged = False
        self.log: dict[Holder, None] = {}
        self.behind: Log | None = None

    def __setitem__(self, holder: Holder, value: Value) -> None:
        size = len(self)
        dict.__setitem__(self, holder, value)
        self.log[holder] = None
        if holder.__class__ is int:
            return  # its objects are those that it was given
        self.places.place(holder, value)
        if len(self) != size and holder.__class__ is tuple:
            self._index(holder)

    def change(self, holder: Holder, value: Value) -> None:
        """Set a cell to what refers to objects that it held before, in this state or another."""
        size = len(self)
        dict.__setitem__(self, holder, value)
        self.log[holder] = None
        if len(self) != size and holder.__class__ is tuple:
            self._index(holder)

    def _index(self, holder: Holder) -> None:
        names = self.index.get(holder[0], ())  # type: ignore[index, arg-type]
        if holder[1] not in names:  # type: ignore[index]
            self.index[holder[0]] = (*names, holder[1])  # type: ignore[index]
            if holder[1] == STORAGE:  # type: ignore[index]
                self.exchanged = True

    def __delitem__(self, holder: Holder) -> None:
        dict.__delitem__(self, holder)
        self.log[holder] = None

    def remove(self, holder: Holder) -> Value:
        """Empty a cell, and return what it held."""
        self.log[holder] = None
        return self.pop(holder, ())

    def give(self, register: int, value: Value, *, lasting: bool) -> None:
        """Set a register; `lasting`: blocks behind this one use it too."""
        dict.__setitem__(self, register, value)
        if lasting:
            self.log[register] = None
            self.places.place(register, value)
        else:
            self.places.live[register] = None

    def free(self, registers: Iterable[int]) -> None:
        """Empty registers that no operation reads any more."""
        live, log = self.places.live, self.log
        for register in registers:
            self.pop(register, None)
            log.pop(register, None)
            live.pop(register, None)

    def fill(self, obj: Obj, fields: Mapping[object, Value]) -> None:
        """Set several fields of an object."""
        for name, value in fields.items():
            dict.__setitem__(self, (obj, name), value)
            self.log[(obj, name)] = None
            self.places.place((obj, name), value)
        names = dict.fromkeys(self.index.get(obj, ())) | dict.fromkeys(fields)
        if names:
            self.index[obj] = tuple(names)

    def duplicate(self) -> "Cells":
        """Cells of their own with the same contents."""
        new = Cells(self.places)
        new.update(self)
        new.index = self.index.copy()
        new.exchanged = self.exchanged
        if self.log:
            self.behind, self.log = Log(self.behind, self.log), {}
        new.behind = self.behind
        return new

    def differing(self, other: "Cells") -> dict[Holder, None]:
        """The cells that were set in one of two states since both were one."""
        found = other.log | self.log
        mine, its = self.behind, other.behind
        while mine is not its:
            if its is None or (mine is not None and mine.depth > its.depth):
                assert mine is not None
                found.update(mine.held)
                mine = mine.behind
            else:
                found.update(its.held)
                its = its.behind
        return found

    def holding(self, obj: Obj) -> Iterator[tuple[Holder, Value]]:
        """The cells that refer to an object, or to a view or part of it."""
        for holder in self.places.of(obj):
            value = self.get(holder)
            if value is not None and any(ref.obj.lies_in(obj) for ref in value):
                yield holder, value
