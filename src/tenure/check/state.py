"""The abstract state at one point of the program: the contents of cells. Joined where paths meet, aged in loops."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tenure.check.cells import STORAGE, Cells
from tenure.check.values import MAY, MUST, NO, Holder, Obj, Ref, Value, compare_regions

__all__ = ["State"]

_LIMIT = 8
_LONGEST_GRAPH = 24


@dataclass(slots=True)
class State:
    """Cells and their contents, and the modes in force: recording switched off, moved and consumed objects."""

    cells: Cells = field(default_factory=Cells)
    quiet: int = 0
    gone: dict[Obj, object] = field(default_factory=dict)
    loans: tuple[tuple[Obj, str, object], ...] = ()
    fresh: dict[Obj, int] = field(default_factory=dict)
    """Objects made in this round of a loop, by block: other paths hold those of an earlier round."""
    reached: dict[Obj, set[Obj]] | None = None
    """The objects reached from others by fields, while no field gets another object."""
    overlaps: dict[tuple[Obj, Obj], int] | None = None
    """The overlap of pairs of objects, for as long: a write meets the same few in hundreds of cells."""

    def copy(self) -> "State":
        return State(self.cells.duplicate(), self.quiet, dict(self.gone), self.loans, dict(self.fresh))

    def refers_to(self, obj: Obj) -> bool:
        """Whether a cell refers to an object, or to a view or part of it."""
        get = self.cells.get
        for holder in self.cells.places.of(obj):
            for ref in get(holder, ()):
                if ref.obj is obj or ref.obj.lies_in(obj):
                    return True
        return False

    def join(self, other: "State") -> bool:
        """Join `other` into this state, and return whether that changed anything."""
        changed = False
        cells, known = self.cells, self.cells.get
        its = other.cells.get
        new: list[tuple[Holder, Value]] = []
        differing: list[tuple[Holder, Value]] = []
        for holder in cells.differing(other.cells):
            mine, value = known(holder), its(holder)
            if mine is not value:
                if value is not None:
                    new.append((holder, value))
                if mine is not None and holder.__class__ is tuple:
                    differing.append((holder, mine))
        apart = _stored_and_let_go(other.cells, cells, new)
        for holder, value in _stored_and_let_go(cells, other.cells, differing).items():
            cells.change(holder, value)
        for holder, value in new:
            value = apart.get(holder, value)
            mine = known(holder)
            merged = value if mine is None else _merged(holder, mine, value)
            if merged != mine:
                cells.change(holder, merged)
                changed = True
        if self.gone.keys() != other.gone.keys():
            gone = {obj: at for obj, at in other.gone.items() if obj not in self.gone and not self._still_has(obj)}
            doubted = [obj for obj in self.gone if obj not in other.gone and other._still_has(obj)]
            self.gone |= gone
            for obj in doubted:
                del self.gone[obj]
            changed = changed or bool(gone) or bool(doubted)
        if other.quiet < self.quiet:
            self.quiet = other.quiet
            changed = True
        if other.loans != self.loans and (new_loans := tuple(x for x in self.loans if x in other.loans)) != self.loans:
            self.loans = new_loans
            changed = True
        return changed

    def _still_has(self, obj: Obj) -> bool:
        """Whether a twin is in use here, that another path gave up: it stands for objects of several rounds."""
        return obj.summary and any(ref.obj is obj for _, value in self.cells.holding(obj) for ref in value)

    def forget(self, made: Iterable[Obj]) -> None:
        """Leave out of `fresh` what a block made and kept nowhere: no other path has it."""
        places, kept = self.cells.places, self._held_now() if self.cells.places.live else ()
        for obj in made:
            if obj not in places.lasting and obj not in places.rows and obj not in self.gone and obj not in kept:
                self.fresh.pop(obj, None)

    def _held_now(self) -> set[Obj]:
        """The objects in registers that no other block uses, and those they lie in."""
        found: set[Obj] = set()
        for register in self.cells.places.live:
            for ref in self.cells.get(register, ()):
                at: Obj | None = ref.obj
                while at is not None:
                    found.add(at)
                    at = at.base or at.owner
        return found

    def fields(self, obj: Obj) -> Iterator[tuple[object, Value]]:
        """The fields of an object that have cells."""
        for name in self.cells.index.get(obj, ()):
            value = self.cells.get((obj, name))
            if value is not None:
                yield name, value

    def chain(self, obj: Obj) -> tuple[Obj, list[tuple[tuple[object, ...], ...]]]:
        """The root whose memory an object shows, and the regions that lead to it from there."""
        regions = []
        for _ in range(32):
            exchanged = self.cells.get((obj, STORAGE)) if self.cells.exchanged else None
            if exchanged:
                obj = exchanged[0].obj
            elif obj.base is not None:
                if obj.region:
                    regions.append(obj.region)
                obj = obj.base
            else:
                break
        return obj, regions[::-1]

    def overlap(self, a: Obj, b: Obj) -> int:
        """Whether two objects share memory: NO, MAY or MUST."""
        if self.overlaps is None:
            return self._overlap(a, b)
        found = self.overlaps.get((a, b))
        if found is None:
            found = self.overlaps[a, b] = self._overlap(a, b)
        return found

    def _overlap(self, a: Obj, b: Obj) -> int:
        if a is b:
            shown = a if a.base is None else self.chain(a)[0]
            return MAY if a.summary and not shown.deep else MUST
        (root_a, regions_a), (root_b, regions_b) = self.chain(a), self.chain(b)
        if root_a is root_b:
            found = compare_regions(regions_a, regions_b)
        else:
            found = self._parts(root_a, root_b)
        several = any(one.summary and not (one.deep or root.deep) for one, root in ((a, root_a), (b, root_b)))
        if found is MUST and several:
            return MAY
        return found

    def _parts(self, a: Obj, b: Obj) -> int:
        """Whether one is all contents of the other's owner, or the same field of it."""
        for whole, part in ((a, b), (b, a)):
            if whole.deep and whole.owner is not None and whole.field == "**" and self.holds(whole.owner, part):
                # Buffers and frozen parameters are no parts of what is trained.
                frozen = part.kind == "tensor" and not part.grad
                return NO if frozen and (part.owner is None or part.owner.kind == "module") else MUST
        if a.field == b.field == "grad" and a.owner is not None and b.owner is not None:
            return self.overlap(a.owner, b.owner)
        return NO

    def holds(self, whole: Obj, part: Obj) -> bool:
        """Whether `part` is reached from `whole` by fields (gradients excepted, and what functions hold, as hooks)."""
        reach = self.reached.get(whole) if self.reached is not None else None
        if reach is None:
            reach = self._reach(whole)
            if self.reached is not None:
                self.reached[whole] = reach
        at: Obj | None = part
        while at is not None and at.field != "grad":
            if at in reach:
                return True
            at = at.owner if at.base is None else at.base
        return False

    def _reach(self, whole: Obj) -> set[Obj]:
        reach, stack = {whole}, [whole]
        while stack:
            for _, value in self.fields(stack.pop()):
                new = {ref.obj for ref in value if ref.obj.kind != "function"} - reach
                reach |= new
                stack += new
        return reach

    def age(self, twins: dict[Obj, Obj]) -> None:
        """Make room for new objects: references to the last ones become references to their twins."""
        cells, places = self.cells, self.cells.places
        for holder in dict.fromkeys(holder for obj in twins for holder in places.of(obj)):
            value = cells.get(holder, ())
            if any(ref.obj in twins for ref in value):
                renamed = tuple(ref._replace(obj=twins.get(ref.obj, ref.obj)) for ref in value)
                aged = _union((), renamed, limit=_limit_of(holder[1] if isinstance(holder, tuple) else ""))
                cells[holder] = aged
                if holder.__class__ is int and holder not in places.live:
                    places.place(holder, aged)
        for obj, twin in twins.items():
            for name, value in list(self.fields(obj)):
                del cells[(obj, name)]
                cells[(twin, name)] = _of_twin(cells.get((twin, name), ()), value, name)


def _merged(holder: Holder, mine: Value, value: Value) -> Value:
    """The contents of a cell that two paths left different things in."""
    if mine == value:
        return mine
    if isinstance(holder, tuple) and holder[0].summary:
        return _of_twin(mine, value, holder[1])
    field = holder[1] if isinstance(holder, tuple) else ""
    return _union(mine, value, certain=field == "*", limit=_limit_of(field))


def _stored_and_let_go(cells: Cells, others: Cells, items: Iterable[tuple[Holder, Value]]) -> dict[Holder, Value]:
    """Cells with objects that one path stored and let go, and the other has yet in its variable: no way has both."""
    doubted: dict[Holder, Value] = {}
    for holder, value in items:
        if holder.__class__ is not tuple:
            continue
        for ref in value:
            source = ref.loan.source if ref.loan is not None and ref.loan.relation == "captured" else None
            if not ref.must or source.__class__ is not str:
                continue
            obj = ref.obj
            if any(one.obj is obj for one in cells.get(source, ())):
                continue
            stored = any(one.obj is obj and one.must for one in others.get(holder, ()))
            if not stored and any(one.obj is obj for one in others.get(source, ())):
                kept = doubted.get(holder, value)
                doubted[holder] = tuple(one._replace(must=False) if one.obj is obj else one for one in kept)
    return doubted


def _of_twin(a: Value, b: Value, name: object) -> Value:
    """The contents of a twin's field, of two ages: what only one of them found written is not certainly written.

    Nor is a part of its graph certain that one of them has not.
    """
    if not a or not b:
        return a or b
    if name == "·graph":
        both = {ref.obj for ref in a if ref.must} & {ref.obj for ref in b if ref.must}
        return _union((), tuple(ref._replace(must=ref.obj in both) for ref in (*a, *b)), limit=_LONGEST_GRAPH)
    certain = [{(ref.obj, ref.loan) for ref in one if ref.must and ref.write is not None} for one in (a, b)]
    held = [{(ref.obj, ref.loan) for ref in one} for one in (a, b)]
    doubtful = (certain[0] ^ certain[1]) & held[0] & held[1]
    merged = _union(a, b, limit=_limit_of(name))
    return tuple(ref._replace(must=False) if (ref.obj, ref.loan) in doubtful else ref for ref in merged)


def _limit_of(field: object) -> int:
    """The number of references above which nothing is known of a field."""
    return _LONGEST_GRAPH if field in ("·graph", "·saved") else _LIMIT


def _union(a: Value, b: Value, *, certain: bool = False, limit: int = _LIMIT) -> Value:
    """The union of two values, each object and loan once: with a write where either has one.

    `certain`: of what a container collects, either way is enough.
    """
    found: dict[tuple[Obj, object], Ref] = {}
    for ref in (*a, *b):
        key = (ref.obj, ref.loan)
        old = found.get(key)
        newly = old is None or (old.write is None and ref.write is not None)
        if newly or (certain and ref.must and old is not None and old.write is ref.write):
            found[key] = ref
    out = tuple(found.values())
    return out if len(out) <= limit else ()
