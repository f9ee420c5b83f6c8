"""Execution of called functions within the body that calls them: objects, loans and graphs cross the call as they are.

Summaries say what a function does to its arguments; what an object has become after three calls of its methods they
do not. So a body executes the functions of the tree that it calls in its own state, as far as a budget allows.
"""

import ast

from tenure.check import ops
from tenure.check.analysis.entries import given_object, missing_argument
from tenure.check.analysis.frame import Frame
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.screen import is_small
from tenure.check.analysis.unasked import left
from tenure.check.analysis.views import lend
from tenure.check.effects.effect import HOLDING, MUTABLE
from tenure.check.graph import Graph
from tenure.check.lower import lower_within
from tenure.check.program import Module
from tenure.check.scope import decorator_names, parameters
from tenure.check.values import Holder, Obj, Ref, Value

__all__ = ["execute"]

_DEEPEST = 5
_PLAIN = frozenset(("staticmethod", "classmethod", "property", "override", "abstractmethod"))
_QUIET = frozenset(("no_grad", "inference_mode"))
_STATEFUL = frozenset(
    ("module", "tenure-module", "optimizer", "tenure-optimizer", "instance", "iterator")
)
"""Kinds of objects with fields or a position."""

_FEW = 6
"""The number of calls in a body that are executed for arrays and containers alone."""

_Given = dict[str, tuple[Value, Holder | None]]


def execute(m: Machine, function: ops.Function, given: _Given, made: Obj | None) -> Value | None:
    """Execute a function with these arguments here, and return its value; None if it is not to be executed."""
    stateful = _remembers(function, given)
    frame = _frame_of(m, function, made, stateful) if stateful or _shares(m, function, given) else None
    if frame is None:
        return None
    quiet = bool(decorator_names(function.node) & _QUIET)
    cells, result = m.state.cells, f"·return·{frame.number}"
    cells.remove(result)
    _bind_parameters(m, frame, given)
    kept = (m.frame, m.function, m.module, m.op, m.repeating, m.block, m.is_method, m.divided, m.alone)
    before = None if 1 in frame.graph.order else m.state.copy()
    m.frame, m.function, m.module = frame, function, frame.module
    m.is_method = False
    frame.repeating, frame.at, frame.given = m.repeating, m.op.node, given
    frame.by_name.clear()
    frame.written.clear()
    m.state.quiet += quiet
    end = m.follow(frame.graph, m.state)
    m.frame, m.function, m.module, m.op, m.repeating, m.block, m.is_method, m.divided, m.alone = kept
    m.state = end or before or m.state
    m.state.quiet -= quiet if end is not None else 0
    return _leave(m, frame, result)


def _remembers(function: ops.Function, given: _Given) -> bool:
    """Whether a call passes an object with fields or a graph, or reads the variables of its caller."""
    if _is_closure(function):
        return True
    for value, _ in given.values():
        for ref in value:
            obj = ref.obj
            if obj.kind in _STATEFUL or (obj.kind in MUTABLE and obj.grad):
                return True
            if isinstance(obj.target, ops.Function) and _is_closure(obj.target):
                return True
    return False


def _is_closure(function: ops.Function) -> bool:
    return function.parent is not None and function.parent.parent is not None


def _shares(m: Machine, function: ops.Function, given: _Given) -> bool:
    """Whether a small function is given arrays or containers that have names; summaries do for most of those."""
    if not is_small(function) or sum(not one.stateful for one in m.frames.values()) >= _FEW:
        return False
    named = [value for value, holder in given.values() if holder is not None]
    return any(ref.obj.kind in MUTABLE for value in named for ref in value)


def _frame_of(m: Machine, function: ops.Function, made: Obj | None, stateful: bool) -> Frame | None:
    """The frame of a call at the present place, if the function is to be executed there."""
    home = function.home
    if m.depth or m.steps < 0 or not isinstance(home, Module):
        return None
    if not isinstance(function.node, ast.FunctionDef | ast.Lambda):
        return None
    key = (m.frame, m.op.node, function.node)
    known = m.frames.get(key)
    if known is not None:
        return known
    lines = (function.node.end_lineno or 0) - function.node.lineno + 1
    if lines > m.budget or not _fits(m, function):
        return None
    call = m.op.node if m.frame is None else m.frame.call
    frame = Frame(len(m.frames) + 1, function, home, m.frame, call, m.op.node)
    frame.stateful = stateful
    m.budget -= lines
    m.frames[key] = m.by_number[str(frame.number)] = frame
    frame.above = len(m.op.conditions)
    graph = frame.graph = _graph_of(m, frame, m.made_in.get(made) if made is not None else None)
    m.discarded |= graph.discarded
    if home is not m.root.home:
        for block in graph.blocks:
            m.homes.update(dict.fromkeys((id(op.node) for op in block.ops), home.source.path))
    return frame


def _graph_of(m: Machine, frame: Frame, definer: Frame | None) -> Graph:
    """The body of a frame's function; bodies that call a function of the surface at the same turn share it."""
    function, conditions = frame.function, m.op.conditions
    rename = _Names(m, frame, definer)
    if conditions or _is_closure(function):
        return lower_within(function, frame.number, rename, conditions)
    key = (function.node, frame.number, rename.shared and rename.at_module)
    graph = m.session.graphs.get(key)
    if graph is None:
        graph = m.session.graphs[key] = lower_within(function, frame.number, rename, conditions)
    return graph


def _fits(m: Machine, function: ops.Function) -> bool:
    node = function.node
    if not decorator_names(node) <= _PLAIN | _QUIET or function.scope.of(ast.Yield, ast.YieldFrom, ast.Await):
        return False
    at = m.frame
    while at is not None:
        if at.function.node is node:
            return False
        at = at.parent
    return m.root.node is not node and (m.frame is None or m.frame.depth < _DEEPEST)


class _Names:
    """The names of the variables of a function that is executed within another body."""

    def __init__(self, m: Machine, frame: Frame, definer: Frame | None) -> None:
        self.frame, self.definer = frame, definer
        self.own = frame.function.locals
        self.shared = frame.module is m.root.home
        self.at_module = m.root.parent is None
        self.outside = m.root.locals if _within(frame.function, m.root) else frozenset()

    def __call__(self, name: str) -> str:
        if name in self.own:
            return f"{name}·{self.frame.number}"
        at = self.definer
        while at is not None:
            if name in at.function.locals:
                return f"{name}·{at.number}"
            at = at.parent if at.parent is not None and _within(at.function, at.parent.function) else None
        if name in self.outside or (self.shared and self.at_module):
            return name
        return f"{name}·{self.frame.module.name if not self.shared else ''}"


def _within(function: ops.Function, outer: ops.Function) -> bool:
    """Whether a function is defined in the body of another, at any depth."""
    at = function.parent
    while at is not None:
        if at.node is outer.node:
            return True
        at = at.parent
    return False


def _bind_parameters(m: Machine, frame: Frame, given: _Given) -> None:
    cells = m.state.cells
    for at, one in enumerate(parameters(frame.function.node)):
        name = f"{one.arg}·{frame.number}"
        if one.arg in given:
            value, holder = given[one.arg]
            if holder is None:
                frame.temporaries.add(name)
            if len(value) == 1 and value[0].obj.kind == "unknown":
                guess = given_object(m, frame.function, one, at)
                value[0].obj.kind, value[0].obj.target = guess.kind, value[0].obj.target or guess.target
            lent = (lend(m, ref, "passed", holder) if ref.loan is None and holder else ref for ref in value)
            cells[name] = tuple(lent)
        else:
            missing = missing_argument(m, frame.function, one, at)
            if missing.node is not None and frame.module is not m.root.home:
                m.homes[id(missing.node)] = frame.module.source.path
            cells[name] = (Ref(missing),)


def _leave(m: Machine, frame: Frame, result: str) -> Value:
    """The value of the call; the variables of the function are gone, unless functions within it live on."""
    state, cells = m.state, m.state.cells
    value = cells.remove(result)
    for register in frame.graph.crossing:
        cells.remove(register)  # type: ignore[arg-type]
    if not frame.function.scope.of(ast.Lambda, ast.FunctionDef):
        gone = {f"{name}·{frame.number}" for name in frame.function.locals}
        for variable in gone:
            cells.remove(variable)
        _let_go(m, value, gone)
    first = frame.first
    if m.repeating:
        inner = [obj for obj, block in state.fresh.items() if first <= block < first + (1 << 16)]
        state.fresh.update(dict.fromkeys(inner, m.block))
    else:
        state.fresh = {obj: block for obj, block in state.fresh.items() if block < first}
    _as_if_new(m, frame, value)
    left(m, frame.function, frame.given, frame.written, value, frame.at)
    out = []
    for ref in value:
        if ref.loan is not None and ref.loan.relation == "passed" and ref.write is None:
            loan = m.loan("returned", ref.loan.source, ref._replace(loan=ref.loan.parent))
            ref = ref._replace(loan=loan)
        out.append(ref)
    return tuple(dict.fromkeys(out))


def _let_go(m: Machine, value: Value, gone: set[str]) -> None:
    """Let the items of a returned display be nobody's second name: the variables that they came from are gone."""
    for ref in value:
        if ref.obj.kind not in HOLDING or ref.obj.text != "display":
            continue
        for name, held in list(m.state.fields(ref.obj)):
            m.state.cells[(ref.obj, name)] = tuple(
                one._replace(loan=one.loan.parent)
                if one.loan is not None and one.loan.source in gone and one.write is None
                else one
                for one in held
            )


def _as_if_new(m: Machine, frame: Frame, value: Value) -> None:
    """Mark the argument that a function returns after `x += y`, as if the result were new."""
    name = frame.function.name.lower()
    in_place = (name.endswith("_") and not name.startswith("__")) or "inplace" in name
    if not frame.by_name or in_place or frame.at in m.discarded:
        return
    returned = {ref.obj for ref in value} & frame.by_name.keys()
    for given, holder in frame.given.values():
        for ref in given:
            if ref.obj not in returned or holder is None:
                continue
            write = frame.by_name[ref.obj]
            if m.frame is not None and ref.loan is not None and ref.loan.relation == "passed":
                m.frame.by_name[ref.obj] = write
                continue
            loan = m.loan("argument", holder, ref._replace(loan=None), frame.function.name, copylike=True)
            m.state.cells[holder] = tuple(
                one._replace(loan=loan, write=write, must=len(given) == 1 and write.certain)
                if one.obj is ref.obj and one.write is None
                else one
                for one in m.state.cells.get(holder, ())
            )
