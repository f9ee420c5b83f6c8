"""The abstract machine: the objects, loans and cells of one body's run, and the run to a fixed point.

What an operation does is a function of the machine and the operation (`handlers`); what follows from an event is a
function of the machine and the event (`events`).
"""

import ast
from collections.abc import Callable, Mapping, Set
from typing import Any, TypeVar, cast

from tenure.check.analysis.evidence import Annotation
from tenure.check.analysis.frame import Frame
from tenure.check.analysis.kinds import part_kind, trained
from tenure.check.analysis.lineage import depends, mentions
from tenure.check.analysis.rounds import Rounds
from tenure.check.analysis.session import Session
from tenure.check.analysis.summaries import Summary
from tenure.check.cells import STORAGE
from tenure.check.effects.effect import CONTAINERS, HOLDING
from tenure.check.graph import Graph
from tenure.check.lower import lower
from tenure.check.ops import Function, Op
from tenure.check.program import ClassInfo, Module, Program
from tenure.check.state import State
from tenure.check.values import WIDEST, Holder, Loan, Obj, Ref, Value, Write

__all__ = ["HIDDEN_FIELDS", "Machine"]

HIDDEN_FIELDS = frozenset((STORAGE, "·graph", "·saved", "·iterated", "·later"))
"""Fields whose contents are not reached through the object."""

_VISITS, _ROUNDS = 6, 3
"""Number of runs of a block, and of the head of a loop: its carried values return twice."""

_AGAIN = 2
"""The number of further runs of a block for each loop around its own."""

_BUDGET = 300
"""The number of lines of called functions that are executed within one body."""

_ITEMED = HOLDING | {"unknown"}
_PLAIN = frozenset((str, int, bool, bytes, type(None)))

_T = TypeVar("_T")


class Machine:
    """One run of a body. Objects and loans are interned by the syntax node that makes them, so that it terminates.

    `context`: an example of each argument that something is known of; `depth`: how far from the body that is checked.
    `guessed`: objects taken for tensors because their `.data` was assigned; `seen`: those whose data was read.
    """

    def __init__(
        self,
        program: Program,
        module: Module,
        session: Session,
        function: Function,
        summary: Summary,
        context: dict[str, Obj],
        depth: int,
    ) -> None:
        self.program, self.module, self.session = program, module, session
        self.summary, self.context, self.depth = summary, context, depth
        self.findings, self.on = summary.found, session.on
        self.function = self.root = function
        self.path = module.source.path
        self.discarded: set[ast.AST] = set()
        self.said: dict[str, Annotation] = {}
        self.state = State()
        self.frame: Frame | None = None
        self.op: Op
        self._open()

    def _open(self) -> None:
        """The tables of a run, all empty."""
        self.objects: dict[tuple[object, ...], Obj] = {}
        self.values: dict[tuple[object, ...], Value] = {}
        self.fixed: dict[str, Value] = {}
        self.loans: dict[tuple[object, ...], Loan] = {}
        self.writes: dict[tuple[object, ...], Write] = {}
        self.last: dict[Obj, Obj] = {}
        self.parts: dict[Obj, list[Obj]] = {}
        self.levels: dict[int, int] = {}
        self.brought: set[str] = set()
        self.views: list[Obj] = []
        self.watching = False
        self.sources: dict[int, Holder] = {}
        self.nodes: dict[int, ast.AST] = {}
        self.is_method = False
        self.alone = True
        self.repeating = False
        self.block = 0
        self.made: list[Obj] = []
        self.everythings: list[Obj] = []
        self.crossing: frozenset[int | None] = frozenset()
        self.divided = False
        self.guessed: set[Obj] = set()
        self.seen: set[Obj] = set()
        self.opened: set[Obj] = set()
        self.written_names: set[str] = set()
        self.through: dict[tuple[Obj, str], Write] = {}
        self.frames: dict[tuple[object, ...], Frame] = {}
        self.by_number: dict[str, Frame] = {}
        self.windows: dict[Loan, int] = {}
        self.made_in: dict[Obj, Frame] = {}
        self.homes: dict[int, str] = {}
        self.coroutines: dict[Obj, tuple[Any, ...]] = {}
        self.scheduled: Value = ()
        self.budget, self.steps = _BUDGET, self.function.steps
        self._notes: dict[str, Any] = {}

    def notes(self, of: str, make: Callable[[], _T]) -> _T:
        """The notes of a listener during this run, made at their first use."""
        if of not in self._notes:
            self._notes[of] = make()
        return cast(_T, self._notes[of])

    # The run

    def run(self, start: State) -> State:
        """Run the body to its fixed point, and return the state at its exit."""
        graph = lower(self.function)
        self.discarded |= graph.discarded
        end = self.follow(graph, start) or State()
        for told in self.on.finished:
            told(self)
        return end

    def follow(self, graph: Graph, start: State) -> State | None:
        """Execute a graph to its fixed point; the state at its exit, if that is reached."""
        caller, self.crossing = self.crossing, graph.crossing
        outside = self.frame is not None and self.frame.repeating
        base = 0 if self.frame is None else self.frame.first
        rank = {block: at for at, block in enumerate(graph.order)}
        level = 0 if self.frame is None else self.levels.get(self.block, 0)
        self.levels |= {block + base: level + graph.depth.get(block, 0) for block in graph.order}
        before: dict[int, State] = {0: start}
        visits, rounds = dict.fromkeys(graph.order, 0), Rounds(graph, base, self.block if outside else None)
        pending = {0}
        while pending:
            at = min(pending, key=rank.__getitem__)
            pending.discard(at)
            visits[at] += 1
            self.repeating, self.block = outside or at in graph.repeated, at + base
            block = graph.blocks[at]
            # A block that is run once needs its state no more; the exit, which runs nothing, leaves it as it is.
            again, state = at in graph.repeated, before[at]
            self.state = state.copy() if again else state
            if not again and at != 1:
                del before[at]
            self.steps -= len(block.ops) if base else 0
            if block.ops:
                self._execute(block.ops)
            new = [following for following in block.succs if following not in before]
            for following, given in rounds.handed_on(at, self.state, pending):
                if following in before:
                    if not self._meet(before[following], given):
                        continue
                else:
                    own = given is not self.state or following == new[-1]
                    before[following] = given if own else given.copy()
                most = _ROUNDS if graph.blocks[following].loop_head else _VISITS
                if visits[following] < most + _AGAIN * (graph.depth.get(following, 1) - 1):
                    pending.add(following)
        self.crossing = caller
        return before.get(1)

    def _execute(self, operations: list[Op]) -> None:
        handlers = self.session.handlers
        outside, self.made = self.made, []
        for op in operations:
            self.op = op
            handlers[op.__class__](self, op)
            if op.last:
                self.state.cells.free(op.last)
        if self.made:
            self.state.forget(self.made)
        self.made = outside

    def _meet(self, state: State, other: State) -> bool:
        """Join `other` to `state`, and return whether that changed anything.

        Objects that only one path made in this round of a loop belong to an earlier round on the others.
        """
        if state.fresh != other.fresh:
            self._make_room(state, self._newer(other.fresh, state.fresh))
            if newer := self._newer(state.fresh, other.fresh):
                other = other.copy()
                self._make_room(other, newer)
            level = self.levels
            for obj, block in other.fresh.items():
                if obj not in state.fresh or level[state.fresh[obj]] < level[block]:
                    state.fresh[obj] = block
        return state.join(other)

    def _make_room(self, state: State, newer: Set[Obj]) -> None:
        """Let the objects of these sites be old ones in a state, or forget them there if nothing refers to them."""
        old = {obj for obj in newer if obj in state.gone or state.refers_to(obj)}
        if old:
            self.move_to_twins(state, old)
        for obj in newer - old:
            for name, _ in list(state.fields(obj)):
                del state.cells[(obj, name)]

    def _newer(self, fresh: dict[Obj, int], than: dict[Obj, int]) -> set[Obj]:
        """The objects that were made in this round of more loops, by the first of two tables."""
        level, other = self.levels, than.get
        differing = [(obj, block, at) for obj, block in fresh.items() if (at := other(obj)) is not block]
        return {obj for obj, block, at in differing if at is None or level[at] < level[block]}

    # Objects and cells

    def fresh(self, tag: object, kind: str, node: ast.AST | None = None, **known: object) -> Obj:
        """The object that the present operation makes; its earlier one becomes an old one."""
        node = node or self.op.node
        key = (id(node), tag) if self.frame is None else (id(node), tag, self.frame.number)
        obj = self.objects.get(key)
        if obj is None:
            obj = self.objects[key] = Obj(kind, node, **known)  # type: ignore[arg-type]
            if self.repeating:
                self.state.fresh[obj] = self.block
                self.made.append(obj)
            return obj
        if obj.kind == "unknown":
            obj.kind = kind
        if self.repeating:
            self.state.fresh[obj] = self.block
            self.made.append(obj)
            self._age(obj)
            for lost in [lost for lost in self.state.gone if lost is not obj and lost.lies_in(obj)]:
                # The object that was given up was a part of the last one.
                del self.state.gone[lost]
        return obj

    def _age(self, obj: Obj) -> None:
        cells = self.state.cells
        if self.state.refers_to(obj):
            self.move_to_twins(self.state, {obj})
            return
        self.state.gone.pop(obj, None)
        for name, _ in list(self.state.fields(obj)):
            del cells[(obj, name)]

    def move_to_twins(self, state: State, made: Set[Obj]) -> None:
        """Move the references to these objects to the twins of the last ones made there."""
        twins = {obj: self._twin(obj, {}) for obj in made if obj.base is None}
        for obj in list(twins) if self.parts else ():
            self._age_parts(obj, twins)
        shown = [view for view in self.views if view not in twins and view not in made and depends(view, twins.keys())]
        for view in (*[obj for obj in made if obj.base is not None], *shown):
            twins[view] = self._twin(view, twins)
        state.age(twins)
        for obj in made if state.gone else ():
            twin, at = twins[obj], state.gone.pop(obj, None)
            if at is not None:
                state.gone[twin] = at
            elif twin is not obj:
                state.gone.pop(twin, None)

    def _age_parts(self, obj: Obj, twins: dict[Obj, Obj]) -> None:
        """Let the parts of an object become those of its twin: the next one has its own."""
        for part in self.parts.get(obj, ()):
            twin = twins[obj]
            if part not in twins and twin is not obj:
                twins[part] = self.everything(twin) if part.deep else self.part(twin, part.field)
                self._age_parts(part, twins)

    def _twin(self, obj: Obj, twins: Mapping[Obj, Obj]) -> Obj:
        """The twin of an object; that of a view shows the twin of its base."""
        base = obj.base
        if base is not None and (base in twins or depends(base, twins.keys())):
            base = twins[base] if base in twins else self._twin(base, twins)
        key = ("old", obj, base)
        twin = self.objects.get(key)
        if twin is None:
            twin = self.objects[key] = Obj(
                obj.kind, obj.node, base, obj.region, obj.owner, obj.field, summary=True, deep=obj.deep,
                grad=obj.grad, leaf=obj.leaf, ndim=obj.ndim, target=obj.target, text=obj.text, saves=obj.saves,
                ends=obj.ends, begins=obj.begins,
            )  # fmt: skip
            self.last[twin] = obj
            if obj.deep:
                self.everythings.append(twin)
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

    def get(self, register: int | None) -> Value:
        """The value of a register."""
        return self.state.cells.get(register, ()) if register is not None else ()

    def put(self, register: int, value: Value, source: Holder | None = None) -> None:
        """Set the value of a register; `source` is the cell it was read from, if any."""
        cells, value = self.state.cells, value if len(value) <= WIDEST else ()
        lasting = register in self.crossing
        cells.give(register, value, lasting=lasting)
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
            loan.path = self.homes.get(id(node), "")
            loan.frame = 0 if self.frame is None else self.frame.number
            self.loans[key] = loan
            self.watching = self.watching or relation in ("traced", "subset")
        return loan

    def field(self, obj: Obj, name: object) -> Value:
        """The value of a field; parts of given objects are made at their first read."""
        cells = self.state.cells
        value = cells.get((obj, name))
        if value is not None:
            return value
        if obj.text == "shallow" and name != "grad":
            return cells.get((obj, "*"), ())
        if name != "*" and (value := cells.get((obj, "*"))) and obj.kind in CONTAINERS:
            return value
        if self.complete(obj):
            return ()
        part = self.part(obj, name)
        value = cells[(obj, name)] = (Ref(part),)
        if part.kind == "optimizer" and isinstance(obj.target, ClassInfo) and (model := trained(obj.target, name)):
            cells[(part, "*")] = tuple(Ref(self.everything(ref.obj)) for ref in self.field(obj, model))
        return value

    def complete(self, obj: Obj) -> bool:
        """Whether all contents of an object are known: it is a display, or a copy of one."""
        return obj.kind in ("scalar", "function") or obj.const is not ... or obj.text == "display"

    def part(self, obj: Obj, name: object) -> Obj:
        """The object in a field without a write."""
        key = ("part", obj, name)
        part = self.objects.get(key)
        if part is None:
            known = part_kind(self.program, obj, name)
            summary = obj.summary or (name == "*" and obj.kind != "module")
            part = self.objects[key] = Obj(known.kind, None, owner=obj, field=name, summary=summary)
            part.grad, part.leaf, part.ndim, part.target = known.grad, known.leaf, known.ndim, known.target
            part.text, part.default, part.node, part.ends = known.text, known.default, known.node, known.ends
            part.begins = known.begins
            if not summary:
                self.parts.setdefault(obj, []).append(part)
        return part

    def everything(self, module: Obj) -> Obj:
        """All parameters of a module, as one object."""
        key = ("deep", module)
        if key not in self.objects:
            kind = "var" if module.kind == "tenure-module" else "tensor"
            known = {"owner": module, "field": "**", "deep": True, "summary": True, "grad": True, "leaf": True}
            everything = self.interned(key, kind, **known)
            self.parts.setdefault(module, []).append(everything)
            self.everythings.append(everything)
        return self.objects[key]

    def items(self, obj: Obj) -> Value:
        """All items of a container, iterator or module."""
        fields = [value for name, value in self.state.fields(obj) if name not in HIDDEN_FIELDS and name != "grad"]
        found = tuple(ref for value in fields for ref in value)
        if not found and not self.complete(obj) and obj.kind in _ITEMED:
            return self.field(obj, "*")
        return tuple(dict.fromkeys(found))[: 2 * WIDEST]
