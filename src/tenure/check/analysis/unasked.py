"""Writes to arguments by functions that read as if they left them alone.

Such a function returns what it was given as if that were new (`y = f(x)`, and x is read later), works out something
else from it (`x -= x.mean(); return x.max()`), or is one that does so by convention: `forward`, `transform`, `predict`.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping

from tenure.check import ops
from tenure.check.analysis.conflicts import wrote
from tenure.check.analysis.events import Events
from tenure.check.analysis.frame import Frame
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.optional import filled
from tenure.check.analysis.summaries import Summary
from tenure.check.effects.effect import MUTABLE, TENSORS
from tenure.check.ops import Function
from tenure.check.program import Module
from tenure.check.scope import bound_names
from tenure.check.values import Holder, Obj, Ref, Value, Write, plain

__all__ = ["UNASKED", "asked_for", "left", "means_to_change", "overwritten", "written_by"]

_Given = Mapping[str, tuple[Value, Holder | None]]

_CHANGING = re.compile(
    r"(^|_)(update|add|set|fill|insert|append|extend|push|put|register|reset|clear|remove|delete|del|drop|pop|modify|mutate|"
    r"patch|attach|mark|store|write|initiali[sz]e|init|populate|load|setup|assign|apply|sort|shuffle|swap|inplace)(_|$)"
)
"""Names of functions that change what they are given, and say so."""

_ADVANCING = re.compile(
    r"(^|_)(step|move|advance|integrate|evolve|relax|propagate|run|train|optimi[sz]e|minimi[sz]e|perturb|mutate|kick|drift|decay|"
    r"solve|iterate|sweep|prepare|preprocess|build|fit|merge|join|rename|convert|encode|label|tag|flag|format)(_|$)"
)
"""Names of functions that may bring what they are given forward, and return something about it."""

_MEANT = re.compile(
    r"(^|_)(out|outs?|output|outputs|buf|buffer|buffers|dst|dest|destination|results?|res|ret|acc|accumulator|cache|caches|"
    r"states?|hidden|hiddens|memory|mem|work|workspace|scratch|into|inplace|self|cls|ctx|visited|seen|parent|heap|stack)(_|$|\d)"
)
"""Names of parameters that are there to be written."""

_WORKED_OUT = frozenset(
    ("forward", "transform", "inverse_transform", "predict", "predict_proba", "fit", "fit_transform", "fit_predict",
     "score", "decision_function")
)  # fmt: skip
"""Methods of models and transformers, which leave their arguments alone by convention."""

_COMPARED: Mapping[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
}


def _noted(m: Machine, ref: Ref, holder: Holder | None, write: Write) -> None:
    sure = m.alone and not m.divided and write.certain
    if m.frame is not None and sure and write.sort in ("write", "resize") and not write.grows:
        _note(m.frame, ref.obj.root(), write)


def _stored(m: Machine, ref: Ref, op: ops.SetItem) -> None:
    if m.frame is not None and not m.divided and _stored_into(ref.obj) and not m.frame.excludes(op.conditions):
        _note(m.frame, ref.obj, wrote(m, "write", "[…] = …"))


def _note(frame: Frame | None, obj: Obj, write: Write) -> None:
    """Note the write of an argument for each call on the stack that was given it."""
    while frame is not None:
        if any(ref.obj is obj for value, _ in frame.given.values() for ref in value):
            frame.written.setdefault(obj, write)
        frame = frame.parent


def _stored_into(obj: Obj) -> bool:
    return obj.kind == "list" or _is_frame(obj)


def _is_frame(obj: Obj) -> bool:
    return isinstance(obj.target, str) and obj.target.startswith("pandas.")


def written_by(m: Machine, summary: Summary, given: _Given, function: Function) -> dict[Obj, Write]:
    """The arguments that a call writes, by the summary of the function: each with a write."""
    found: dict[Obj, Write] = {}
    home = function.home.source.path if isinstance(function.home, Module) else ""
    grown = {act.path for act in summary.acts.values() if act.sort == "resize" and act.write.grows}
    for act in summary.acts.values():
        whole = not act.path.outer and all(step[0] == "view" for step in act.path.steps)
        if act.certain and whole and act.sort in ("write", "resize") and act.path not in grown:
            inner = act.write.inner or (home, act.write.node)
            write = wrote(m, act.sort, act.write.text, via=(function.name, *act.write.via), inner=inner)
            found |= {ref.obj: write for ref in given.get(act.path.name, ((), None))[0]}
    for path, _, _ in summary.stores:
        if not path.outer and not path.steps and path not in grown:
            refs = given.get(path.name, ((), None))[0]
            found |= {ref.obj: wrote(m, "write", "[…] = …") for ref in refs if _stored_into(ref.obj)}
    return found


def left(
    m: Machine, function: Function, given: _Given, written: Mapping[Obj, Write], value: Value, at: ast.AST
) -> None:
    """Mark the arguments that a call wrote, and reads as if it had not, at their names in the caller."""
    name = function.name.lower()
    says_so = (name.endswith("_") and name != "__call__") or _CHANGING.search(name)
    if not says_so:
        _filled(m, function, given)
    if not written or at in m.discarded or says_so:
        return
    returned = _returned(m, value)
    for parameter, (refs, holder) in given.items():
        if len(refs) != 1 or holder is None or refs[0].obj not in written or _MEANT.search(parameter.lower()):
            continue
        obj = refs[0].obj
        if obj.kind not in MUTABLE and not _is_frame(obj):
            continue
        anew = obj in returned and _named_anew(m, at, holder)
        beside = obj not in returned and not _is_asked(m, function, written[obj]) and _beside(obj, written[obj], value)
        if anew or beside or _by_convention(function, obj, value):
            _mark(m, function, obj, holder, written[obj])


def _filled(m: Machine, function: Function, given: _Given) -> None:
    """Mark the dictionaries and lists that were given for an optional parameter, and were filled."""
    for parameter, (refs, holder) in given.items():
        one = refs[0].obj if len(refs) == 1 and isinstance(holder, str) else None
        if one is None or one.kind not in ("dict", "list") or _MEANT.search(parameter.lower()):
            continue
        node = filled(function, parameter)
        if node is not None and holder is not None:
            home = function.home.source.path if isinstance(function.home, Module) else ""
            _mark(m, function, one, holder, wrote(m, "write", "[…] = …", via=(function.name,), inner=(home, node)))


def _is_asked(m: Machine, function: Function, write: Write) -> bool:
    """Whether a function says that it changes what it is given, or calls one that does so and makes the write."""
    names, frame = [function.name, *write.via], m.by_number.get(str(write.frame))
    while frame is not None and frame is not m.frame:
        names.append(frame.function.name)
        frame = frame.parent
    return any(map(_says_so, names))


def asked_for(m: Machine, holder: Holder | None) -> bool:
    """Whether the call under way that was given a variable says that it changes what it is given."""
    frame, found = m.frame, False
    while frame is not None:
        if any(taken == holder for _, taken in frame.given.values()):
            found = _says_so(frame.function.name)
        frame = frame.parent
    return found


def means_to_change(function: str, variable: str) -> bool:
    """Whether a function says that it changes things, or a variable that it is there to be written."""
    return _says_so(function) or _MEANT.search(variable.lower()) is not None


def _says_so(name: str) -> bool:
    return not name.startswith("__") and bool(_CHANGING.search(name.lower()) or _ADVANCING.search(name.lower()))


def _beside(obj: Obj, write: Write, value: Value) -> bool:
    """Whether a function that works something else out writes its argument as if that were its own.

    `x -= x.mean()` reads like a new value, and so does a column of a frame that a result is computed from.
    """
    site = write.node if write.inner is None else write.inner[1]
    by_name = obj.kind in TENSORS and (
        (isinstance(site, ast.AugAssign) and isinstance(site.target, ast.Name)) or _is_selected(site, _converted(obj))
    )
    worked_out = any(ref.obj.const is not None for ref in value) and not any(ref.obj.text == "nothing" for ref in value)
    return worked_out and (by_name or _is_frame(obj))


def _is_selected(site: ast.AST, obj: Obj) -> bool:
    """Whether a write goes to the elements of an array that a test of them selects: `x[x < 0] = 0`."""
    match site:
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Compare(left=ast.Name(id=tested)) as test):
            return name == tested and _may_select(test, obj)
        case ast.Assign(targets=[ast.Subscript() as target]):
            return _is_selected(target, obj)
    return False


def _may_select(test: ast.Compare, obj: Obj) -> bool:
    """Whether a test may hold for an element: `x < 0` holds for none of `x = np.array([1, 3])`."""
    match test, obj.node:
        case ast.Compare(ops=[order], comparators=[limit]), ast.Call(args=[ast.List(elts=[*elements]), *_]):
            bound, numbers = _number(limit), [_number(one) for one in elements]
            compare = _COMPARED.get(order.__class__)
            if compare is not None and bound is not None:
                return any(one is None or compare(one, bound) for one in numbers)
    return True


def _number(node: ast.expr) -> float | None:
    match node:
        case ast.Constant(value=int() | float() as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
    return None


def overwritten(m: Machine, op: ops.Call, given: int) -> None:
    """Mark the input of a module that works in place, where its output has no name or another: `conv(relu(x)) + x`."""
    value, holder = m.get(given), m.sources.get(given)
    if len(value) == 1 and isinstance(holder, str) and op.node not in m.discarded and not _named_so(m, op.node, holder):
        _mark(m, m.function, value[0].obj, holder, wrote(m, "write"))


def _named_so(m: Machine, call: ast.AST, name: str) -> bool:
    """Whether the statement of a call gives the name of its argument to what it computes: `x = relu(x)`."""
    for one in m.function.scope.of(ast.Assign, ast.AugAssign):
        if plain(name) in bound_names([one]) and any(part is call for part in ast.walk(one.value)):
            return True
    return False


def _returned(m: Machine, value: Value) -> set[Obj]:
    """The objects that a call returns, or returns in a tuple."""
    found = {_converted(ref.obj) for ref in value}
    return found | {item.obj for one in found if one.kind == "tuple" for item in m.items(one)}


def _converted(obj: Obj) -> Obj:
    """The object behind conversions that copy nothing."""
    while obj.base is not None and not obj.region:
        obj = obj.base
    return obj


def _named_anew(m: Machine, call: ast.AST, holder: Holder) -> bool:
    """Whether the result of a call is bound to variables, and to others than the argument."""
    for one in m.function.scope.of(ast.Assign):
        if one.value is call:
            names = bound_names([one])
            return bool(names) and not (isinstance(holder, str) and plain(holder) in names)
    return False


def _by_convention(function: Function, obj: Obj, value: Value) -> bool:
    method = function.in_class is not None and function.name in _WORKED_OUT
    return method and (obj.kind in TENSORS or _is_frame(obj)) and any(ref.obj.const is not None for ref in value)


def _mark(m: Machine, function: Function, obj: Obj, holder: Holder, write: Write) -> None:
    cells = m.state.cells
    loan = m.loan("argument", holder, Ref(obj), function.name, copylike=True)
    # Of `x + f(x)` the first operand waits in a register.
    waiting = [one for one in cells.holding(obj) if isinstance(one[0], int) and m.sources.get(one[0]) == holder]
    for at, value in [(holder, cells.get(holder, ())), *waiting]:
        cells[at] = tuple(
            one._replace(loan=loan, write=write) if one.obj is obj and one.write is None else one for one in value
        )


UNASKED = Events(written=(_noted,), placed=(_stored,))
