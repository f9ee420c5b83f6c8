"""The memory of the abstract machine: objects, loans, cells, and the effect of a write on other references."""

import ast
import re
from collections.abc import Set

from tenure.check.analysis.findings import Conflict, Findings
from tenure.check.analysis.lineage import depends, lies_in, mentions, referred_to
from tenure.check.effects.effect import CONTAINERS, HOLDING, MUTABLE
from tenure.check.ops import Op, contradictory
from tenure.check.program import Module, Program
from tenure.check.state import STORAGE, State
from tenure.check.values import MUST, NO, WIDEST, Holder, Loan, Obj, Ref, Value, Write

__all__ = ["GONE", "HIDDEN_FIELDS", "Memory", "copylike"]

GONE = frozenset(("moved", "donated", "consumed"))
"""Ways to give up an object."""

HIDDEN_FIELDS = frozenset((STORAGE, "·graph", "·saved", "·iterated", "·later"))
"""Fields whose contents are not reached through the object."""

_BY_IDENTITY = frozenset(("name", "chain", "element", "attribute", "captured", "saved", "global", "grad"))
_KEPT = re.compile(r"(^|_)(old|prev|previous|before|orig|original|backup|saved|snapshot|best|initial|copy)($|_)")
"""Names of values that are kept unchanged."""

_INITIAL = re.compile(r"\.(zeros?|ones|fill|constant|eye|dirac|orthogonal|sparse|copy|(\w+_)?(normal|uniform))_\(")
"""Writes that initialize a new parameter."""

_DEEP = HOLDING | {"iterator"}
_ITEMED = HOLDING | {"unknown"}
_KNOWN = frozenset(("saved", "iteration", "subset", "traced"))
_PLAIN = frozenset((str, int, bool, bytes, type(None)))
_READS = frozenset(("operator", "call", "method", "test", "format", "iterate", "compare", "raise", "backward", "again"))


_give = dict.__setitem__
"""The field of a register's value, for which no index is kept."""


class Memory:
    """Objects and loans, interned by the syntax node that makes them, so that the analysis terminates."""

    def __init__(self, program: Program, module: Module, findings: Findings) -> None:
        self.program = program
        self.module = module
        self.findings = findings
        self.state = State()
        self.objects: dict[tuple[object, ...], Obj] = {}
        self.values: dict[tuple[object, ...], Value] = {}
        self.fixed: dict[str, Value] = {}
        self.loans: dict[tuple[object, ...], Loan] = {}
        self.writes: dict[tuple[object, ...], Write] = {}
        self.last: dict[Obj, Obj] = {}
        self.brought: set[str] = set()
        self.views: list[Obj] = []
        self.watching = False
        self.sources: dict[int, Holder] = {}
        self.nodes: dict[int, ast.AST] = {}
        self.op: Op
        self.is_method = False
        self.alone = True
        self.repeating = False
        self.block = 0
        self.placed: list[int] = []
        self.divided = False

    # Objects

    def fresh(self, tag: object, kind: str, node: ast.AST | None = None, **known: object) -> Obj:
        """The object that the present operation makes; its earlier one becomes an old one."""
        node = node or self.op.node
        key = (id(node), tag)
        obj = self.objects.get(key)
        if obj is None:
            obj = self.objects[key] = Obj(kind, node, **known)  # type: ignore[arg-type]
            if self.repeating:
                self.state.fresh[obj] = self.block
            return obj
        if obj.kind == "unknown":
            obj.kind = kind
        if self.repeating:
            self.state.fresh[obj] = self.block
            self._age(obj)
            for lost in [lost for lost in self.state.gone if lost is not obj and lies_in(lost, obj)]:
                # The object that was given up was a part of the last one.
                del self.state.gone[lost]
        return obj

    def _age(self, obj: Obj) -> None:
        cells = self.state.cells
        if referred_to(cells.values(), obj):
            self.move_to_twins(self.state, {obj})
            return
        self.state.gone.pop(obj, None)
        for name, _ in list(self.state.fields(obj)):
            del cells[(obj, name)]

    def move_to_twins(self, state: State, made: Set[Obj]) -> None:
        """Move the references to these objects to the twins of the last ones made there."""
        shown = [view for view in self.views if view not in made and depends(view, made)]
        state.age({obj: self._twin(obj) for obj in (*shown, *made)})
        for obj in made & state.gone.keys():
            state.gone[self._twin(obj)] = state.gone.pop(obj)

    def _twin(self, obj: Obj) -> Obj:
        key = ("old", obj)
        twin = self.objects.get(key)
        if twin is None:
            twin = self.objects[key] = Obj(
                obj.kind, obj.node, obj.base, obj.region, obj.owner, obj.field, summary=True, deep=obj.deep,
                grad=obj.grad, leaf=obj.leaf, ndim=obj.ndim, target=obj.target, text=obj.text, saves=obj.saves,
            )  # fmt: skip
            self.last[twin] = obj
            if obj.region:
                twin.region = tuple(("?", id(obj)) if mentions(part) else part for part in obj.region)
        return twin if not obj.summary else obj

    def newest(self, obj: Obj) -> Obj:
        """The object itself, or for an old one the one that was made there last."""
        return self.last.get(obj, obj)

    def interned(self, key: tuple[object, ...], kind: str, **known: object) -> Obj:
        """The same object at each visit: for a parameter, a global, a field, a view of a region."""
        obj = self.objects.get(key)
        if obj is None:
            obj = self.objects[key] = Obj(kind, **known)  # type: ignore[arg-type]
            if key[0] in ("view", "number"):
                self.views.append(obj)
        return obj

    def only(self, key: tuple[object, ...], kind: str, **known: object) -> Value:
        """A value that is an interned object and nothing else."""
        value = self.values.get(key)
        if value is None:
            value = self.values[key] = (Ref(self.interned(key, kind, **known)),)
        return value

    def constant(self, value: object) -> Value:
        """The value of a literal."""
        sort = value.__class__
        key = ("constant", sort, value if sort in _PLAIN else repr(value))
        return self.values.get(key) or self.only(key, "tuple" if sort is tuple else "scalar", const=value)

    # Cells

    def get(self, register: int | None) -> Value:
        """The value of a register."""
        return self.state.cells.get(register, ()) if register is not None else ()

    def put(self, register: int, value: Value, source: Holder | None = None) -> None:
        """Set the value of a register; `source` is the cell it was read from, if any."""
        _give(self.state.cells, register, value if len(value) <= WIDEST else ())
        self.placed.append(register)
        self.nodes[register] = self.op.node
        if source is not None:
            self.sources[register] = source
        elif register in self.sources:
            del self.sources[register]

    def loan(self, relation: str, source: Holder | None, ref: Ref, text: str = "", *, copylike: bool = False) -> Loan:
        """The loan that the present operation takes of the object of `ref`."""
        node = self.op.node
        key = (id(node), relation, source, ref.obj)
        loan = self.loans.get(key)
        if loan is None:
            parent = ref.loan
            loan = Loan(node, relation, source, text, parent, copylike, self.op.conditions)
            self.loans[key] = loan
            self.watching = self.watching or relation in ("traced", "subset")
        return loan

    def field(self, obj: Obj, name: object) -> Value:
        """The value of a field; parts of given objects are made at their first read."""
        cells = self.state.cells
        value = cells.get((obj, name))
        if value is not None:
            return value
        if name != "*" and (value := cells.get((obj, "*"))) and obj.kind in CONTAINERS:
            return value
        if self.complete(obj):
            return ()
        part = self.part(obj, name)
        cells[(obj, name)] = (Ref(part),)
        return cells[(obj, name)]

    def complete(self, obj: Obj) -> bool:
        """Whether all contents of an object are known: it is a display, or a copy of one."""
        return obj.kind in ("scalar", "function") or obj.const is not ... or obj.text == "display"

    def part(self, obj: Obj, name: object) -> Obj:
        """The object in a field without a write."""
        key = ("part", obj, name)
        part = self.objects.get(key)
        if part is None:
            known = self.part_kind(obj, name)
            summary = obj.summary or (name == "*" and obj.kind != "module")
            part = self.objects[key] = Obj(known.kind, None, owner=obj, field=name, summary=summary)
            part.grad, part.leaf, part.ndim, part.target = known.grad, known.leaf, known.ndim, known.target
        return part

    def part_kind(self, obj: Obj, name: object) -> Obj:
        """An example of a field's value, by the facts about its owner."""
        raise NotImplementedError

    def items(self, obj: Obj) -> Value:
        """All items of a container, iterator or module."""
        fields = [value for name, value in self.state.fields(obj) if name not in HIDDEN_FIELDS and name != "grad"]
        found = tuple(ref for value in fields for ref in value)
        if not found and not self.complete(obj) and obj.kind in _ITEMED:
            return self.field(obj, "*")
        return tuple(dict.fromkeys(found))[: 2 * WIDEST]

    # Writes and reads

    def wrote(self, sort: str, text: str = "", **known: object) -> Write:
        """The write of the present operation."""
        node = known.pop("node", None) or self.op.node
        key = (id(node), sort, tuple(sorted(known.items(), key=lambda item: item[0])) if known else ())
        write = self.writes.get(key)
        if write is None:
            write = Write(node, sort, text, conditions=self.op.conditions, **known)  # type: ignore[arg-type]
            self.writes[key] = write
        return write

    def write(self, value: Value, holder: Holder | None, write: Write, *, all_of: bool = False) -> None:
        """Write to the objects of a value; all other references to them have not expected it."""
        self.alone = len(value) == 1 or all_of
        for ref in value:
            write.hidden = write.hidden or _hidden_from_autograd(ref)
            certain = write.certain and (len(value) == 1 or all_of) and not (ref.obj.maybe or self.divided)
            self.written(ref, holder, write)
            if ref.obj.kind in ("scalar", "unknown") and write.sort != "step":
                continue
            self._surprise(ref, holder, write, certain)
            if write.sort == "rebind":
                storage = self.fresh(("storage", ref.obj), ref.obj.kind)
                self.state.cells[(ref.obj, STORAGE)] = (Ref(storage),)
        if holder is not None and holder in self.state.cells and write.sort in ("write", "resize"):
            # A write through a reference is expected by it.
            mine = self.state.cells[holder]
            self.state.cells[holder] = tuple(r if r.write is None else r._replace(write=None) for r in mine)

    def written(self, ref: Ref, holder: Holder | None, write: Write) -> None:
        """Note a write; hook for summaries and further laws."""

    def _surprise(self, ref: Ref, holder: Holder | None, write: Write, certain: bool) -> None:
        sources = ref.loan.sources() if ref.loan is not None else {}
        # It is expected by references to the owner of the written object, too.
        taken_from = {at[0] for at, copied in sources.items() if isinstance(at, tuple) and not copied}
        homes = {self.newest(container) for container in taken_from}
        expecting = taken_from | write.stored
        seeming = copylike(ref)
        state = self.state
        resized, newest = write.sort == "resize", self.last.get
        for other, value in state.cells.items():
            for held in value:
                if held.loan is not None and (held.write is None or _doubted(held, write)):
                    break
            else:
                if other not in sources:
                    continue
            if other == holder or sources.get(other) is False:
                continue
            if other.__class__ is tuple and not resized:
                container = other[0]
                if container.kind == "iterator" or newest(container, container) in homes:
                    # The next item of an iteration is read at that time, in its state of that time.
                    continue
            changed = False
            out = []
            for held in value:
                doubted = _doubted(held, write)
                expects = (held.write is not None and not doubted) or (held.loan is None and other not in sources)
                expects = expects or held.obj in expecting
                found = NO if expects else self._reaches(ref, held, write, holder)
                if found is NO:
                    out.append(held)
                    continue
                must = certain and found is MUST and held.must and not held.obj.maybe
                if doubted or (len(value) > 1 and held.loan is not None and held.loan.relation == "iteration"):
                    must = write.certain and found is MUST and self._same_container(held, holder, value)
                out.append(Ref(held.obj, held.loan or seeming, write, must))
                changed = True
            if changed:
                state.cells[other] = tuple(out)

    def _same_container(self, held: Ref, holder: Holder | None, value: Value) -> bool:
        """Whether the written variable is the iterated one, whatever container it holds."""
        if held.loan is None or held.loan.source != holder or isinstance(holder, int | None):
            return False
        if isinstance(holder, tuple) and (holder[0].kind in HOLDING or holder[0].summary):
            # Which of the items of a container it is may change.
            return False
        return {ref.obj for ref in value} == {ref.obj for ref in self.state.cells.get(holder, ())}

    def _reaches(self, ref: Ref, held: Ref, write: Write, holder: Holder | None) -> int:
        relation = held.loan.relation if held.loan is not None else ""
        if write.sort == "resize":
            iterated = held.loan is not None and held.loan.relation == "iteration"
            if iterated and write.grows and ref.obj.kind == "list" and held.loan and held.loan.source == holder:
                # A list that grows while it is iterated is a work list; by another name that is no intention.
                return NO
            if held.loan is not None and held.loan.text.startswith("reversed"):
                # Removals behind the iterator do not matter to it.
                return NO
            return self.state.overlap(ref.obj, held.obj) if ref.obj is held.obj else NO
        made = held.obj.owner is None and held.obj.leaf and isinstance(held.obj.target, str)
        if relation == "iteration" or (relation == "captured" and made and _INITIAL.match(write.text)):
            return NO
        if write.sort == "rebind":
            same = ref.obj is held.obj and (relation in _BY_IDENTITY or relation == "")
            return self.state.overlap(ref.obj, held.obj) if same else NO
        if ref.obj.kind in CONTAINERS and ref.obj is not held.obj:
            return NO
        return self.state.overlap(ref.obj, held.obj)

    def read(self, register: int | None, how: str, *, deep: bool = False) -> None:
        """Read data through a register; references with an unexpected write are reported."""
        value = self.state.cells.get(register) if register is not None else None
        if value:
            self.reading(value, how, self.nodes.get(register), deep)  # type: ignore[arg-type]

    def reading(self, value: Value, how: str, node: ast.AST | None = None, deep: bool = False) -> None:
        """Read data through a value."""
        seen: set[Obj] = set()
        stack = list(value)
        while stack:
            ref = stack.pop()
            obj, loan, write, _ = ref
            self.looked(ref)
            if write is not None:
                if write.sort in GONE:
                    if write.sort != "consumed":
                        self.gone(ref, node or self.op.node)
                elif loan is not None:
                    self._conflict(ref, how, node or self.op.node)
            if deep and obj.kind in _DEEP and obj not in seen:
                seen.add(obj)
                stack += self.items(obj)

    def looked(self, ref: Ref) -> None:
        """Note a read of data."""

    def give_up(self, obj: Obj, how: str) -> None:
        """Note that an object is moved, donated or used up: no reference to it is valid from now on."""
        write = self.wrote(how)
        for holder, value in list(self.state.cells.items()):
            if any(ref.obj is obj for ref in value):
                self.state.cells[holder] = tuple(
                    ref._replace(write=write, must=True) if ref.obj is obj else ref for ref in value
                )

    def gone(self, ref: Ref, node: ast.AST) -> None:
        """Report the use of an object that was given up."""

    def _conflict(self, ref: Ref, how: str, node: ast.AST) -> None:
        loan, write = ref.loan, ref.write
        assert loan is not None and write is not None
        if contradictory(*loan.all_conditions(), write.conditions, self.op.conditions):
            return
        known = ref.obj.kind in MUTABLE or loan.relation in _KNOWN
        certain = ref.must and write.certain and known and how in _READS
        if ref.obj.kind in CONTAINERS and not _kept_unchanged(loan, write, how):
            certain = False
        self.findings.conflict(Conflict(self.module.source.path, loan, write, node, how, ref.obj, certain))


def _kept_unchanged(loan: Loan, write: Write, how: str) -> bool:
    """Whether code that keeps a container wants it unchanged: a second name is often only a short one."""
    if loan.relation in ("iteration", "traced", "queued") or how == "again" or loan.text == "shallow":
        return True
    return isinstance(write.node, ast.AugAssign) or _KEPT.search(loan.name) is not None


def _doubted(held: Ref, write: Write) -> bool:
    """Whether an iteration that may have been disturbed is now disturbed for certain."""
    iterated = held.loan is not None and held.loan.relation == "iteration"
    return iterated and held.write is not None and not held.must and write.sort == "resize" and write.certain


def copylike(ref: Ref) -> Loan | None:
    """The loan behind a reference that looks like a copy, if there is one."""
    at = ref.loan
    while at is not None and not at.seems_own:
        at = at.parent
    return at


def _hidden_from_autograd(ref: Ref) -> bool:
    """Whether autograd misses writes through a reference: by `.data` and NumPy's views."""
    at = ref.loan
    while at is not None:
        if at.text in ("data", "numpy", "__array__", "asarray"):
            return True
        at = at.parent
    return False
