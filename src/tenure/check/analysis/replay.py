"""Application of a summary at a call: its paths become the caller's objects, its acts are performed on them."""

import ast

from tenure.check import ops
from tenure.check.analysis.conflicts import captured, lost, write_to, wrote
from tenure.check.analysis.frame import chosen, ruled_out
from tenure.check.analysis.gradients import backward
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.sequences import store
from tenure.check.analysis.summaries import Act, Fresh, Given, Path, Summary
from tenure.check.analysis.views import lend
from tenure.check.effects.effect import CONTAINERS, TENSORS
from tenure.check.program import Module
from tenure.check.scope import walk
from tenure.check.values import WIDEST, Holder, Loan, Obj, Ref, Value, adopt

__all__ = ["apply", "encloses"]


def encloses(m: Machine, function: ops.Function) -> bool:
    """Whether the outer variables of a function are the present ones."""
    return function.parent is not None and function.parent.node is m.function.node


def resolve(
    m: Machine, path: Path, given: dict[str, tuple[Value, Holder | None]], function: ops.Function
) -> list[tuple[Ref, Holder | None]]:
    """The objects of a summary's path at this call."""
    start = _start(m, path, given, function)
    for step in path.steps:
        following: list[tuple[Ref, Holder | None]] = []
        for ref, holder in start:
            if step[0] == "field":
                name = _named_part(m, step[1], given)
                if step[3]:
                    following.append((Ref(m.everything(ref.obj), ref.loan, ref.write, ref.must), holder))
                    continue
                following += [(part, (ref.obj, name)) for part in m.field(ref.obj, name)]
            else:
                following += _viewed(m, ref, holder, step, given)
        if len(following) > WIDEST:
            return []
        start = following
    return start


def _start(
    m: Machine, path: Path, given: dict[str, tuple[Value, Holder | None]], function: ops.Function
) -> list[tuple[Ref, Holder | None]]:
    if not path.outer:
        value, holder = given.get(path.name, ((), None))
    elif encloses(m, function):
        value, holder = m.state.cells.get(path.name, ()), path.name
    elif function.home is m.module:
        value = m.state.cells.get("·global " + path.name) or (
            Ref(m.interned(("outer", path.name), "unknown", parameter=("outer", path.name))),
        )
        holder = None
    else:
        value, holder = (), None
    return [(ref, holder) for ref in value]


def _named_part(m: Machine, name: object, given: dict[str, tuple[Value, Holder | None]]) -> object:
    if isinstance(name, tuple) and name and name[0] == "argument":
        value = given.get(str(name[1]), ((), None))[0]
        if len(value) == 1:
            return value[0].obj if value[0].obj.const is ... else value[0].obj.const
        return "*"
    return name


def _viewed(
    m: Machine, ref: Ref, holder: Holder | None, step: tuple[object, ...], given: dict[str, tuple[Value, Holder | None]]
) -> list[tuple[Ref, Holder | None]]:
    region = []
    for component in step[1]:  # type: ignore[attr-defined]
        parts = [_named_part(m, part, given) for part in component]
        region.append(_component(parts))
    if ref.obj.kind not in (*TENSORS, "unknown"):
        return []
    kind, maybe = str(step[2]), str(step[3])
    if kind == "unknown":
        kind = ref.obj.kind
    # Which part it is may be unknown: then that of another step of another call is another one.
    which = (id(m.op.node), id(step)) if any("?" in part for part in region) else ()
    view = m.interned(("view", ref.obj, tuple(region), kind, maybe, *which), kind, base=ref.obj)
    view.region = tuple(region)
    view.maybe, view.summary = maybe or ref.obj.maybe, ref.obj.summary
    loan = m.loan("view", holder, ref) if holder is not None else ref.loan
    return [(Ref(view, loan, ref.write, ref.must), None)]


def apply(
    m: Machine,
    summary: Summary,
    given: dict[str, tuple[Value, Holder | None]],
    function: ops.Function,
    op: ops.Call | None,
) -> Value:
    """Perform the acts of a summary, and return the value of the call."""
    for act in list(summary.acts.values()):
        if not ruled_out(act.write.conditions, given, function):
            _apply_act(m, act, given, function)
    made: dict[Obj, Obj] = {}
    for path, name, value in summary.stores:
        for ref, _ in resolve(m, path, given, function):
            held = decode(m, value, given, function, function.node, made)
            if ref.obj.kind not in ("scalar", "function"):
                captured(m, ref.obj, name, held, None)
                store(m, ref.obj, name, held, weak=name == "*" or ref.obj.summary)
    out: list[Ref] = []
    for one in summary.returns:
        out += decode(m, (one,), given, function, function.node, made)
    if not out and not summary.known:
        return ()
    return tuple(dict.fromkeys(out))[:8]


def _apply_act(m: Machine, act: Act, given: dict[str, tuple[Value, Holder | None]], function: ops.Function) -> None:
    inner = act.write.inner or (_path(function), act.write.node)
    via = (function.name, *act.write.via)
    reached = resolve(m, act.path, given, function)
    start, root = given.get(act.path.name, ((), None))
    for ref, holder in reached:
        write = wrote(m,
            act.sort, act.write.text, via=via, inner=inner, hidden=act.write.hidden, grows=act.write.grows,
            certain=act.certain and len(reached) == 1 and len(start) < 2 and not chosen(act.write.conditions, given),
        )  # fmt: skip
        if act.sort == "backward":
            backward(m, ref, m.op, retained=False, accumulates=True)
            continue
        if act.loan is not None and (owner := holder if holder is not None else root) is not None:
            said = act.loan
            loan = Loan(said.node, said.relation, owner, said.text, ref.loan, True, (), _path(function))
            loan.name = said.name
            ref, holder = ref._replace(loan=m.loans.setdefault((act.loan, owner), loan)), None
        elif act.by_name and holder is not None and not act.path.steps and _returns(m, function, act.path.name):
            loan = m.loan("argument", holder, ref, function.name, copylike=True)
            ref, holder = ref._replace(loan=loan), None
        if act.sort == "rebind" and holder is None and ref.obj.base is not None and not act.path.steps:
            lost(m, ref, write)
        write_to(m, (ref,), holder, write)
        if act.by_name:
            for told in m.on.by_name:
                told(m, (ref,), holder, write)


def _returns(m: Machine, function: ops.Function, parameter: str) -> bool:
    """Whether a function that did `x += y` to its parameter returns it to a caller, as if it were new."""
    name = function.name.lower()
    if name.endswith("_") or "inplace" in name or m.op.node in discarded(m):
        return False
    returned = [part.value for part in walk(function.node) if isinstance(part, ast.Return)]
    return any(isinstance(value, ast.Name) and value.id == parameter for value in returned)


def discarded(m: Machine, ) -> set[ast.AST]:
    """Expressions of the present body whose values are discarded."""
    return m.discarded


def decode(
    m: Machine,
    value: tuple[Given | Fresh, ...],
    given: dict[str, tuple[Value, Holder | None]],
    function: ops.Function,
    tag: object,
    made: dict[Obj, Obj],
) -> Value:
    """A result in terms of the caller's objects."""
    out: list[Ref] = []
    for one in value:
        if isinstance(one, Given):
            for ref, holder in resolve(m, one.path, given, function)[: WIDEST - len(out)]:
                out.append(lend(m, ref, "returned", holder, copylike=one.loan is not None) if holder else ref)
            continue
        obj = one.obj
        if obj.const is not ...:
            out.append(Ref(obj))
            continue
        out.append(Ref(_made_there(m, one, given, function, tag, made)))
    return tuple(out)


def _made_there(
    m: Machine,
    one: Fresh,
    given: dict[str, tuple[Value, Holder | None]],
    function: ops.Function,
    tag: object,
    made: dict[Obj, Obj],
) -> Obj:
    """The objects that a called function made, with the targets of their fields."""
    obj = one.obj
    if obj in made:
        return made[obj]
    new = made[obj] = m.fresh(("made", tag, obj), obj.kind)
    adopt(new, obj)
    if obj.kind in CONTAINERS or obj.kind == "tuple":
        new.text = "display"
    for name, held in one.fields.items():
        parts = decode(m, held, given, function, tag, made)
        if name == "·base":
            new.base = parts[0].obj if parts and parts[0].obj is not new else None
        else:
            m.state.cells[(new, name)] = parts
    return new


def _component(parts: list[object]) -> tuple[object, ...]:
    """A component of a region whose parameters were replaced by arguments."""
    if parts and parts[0] in ("v", "u") and len(parts) == 2 and isinstance(parts[1], int):
        return ("i", parts[1])
    return ("?",) if "?" in parts else tuple(parts)


def _path(function: ops.Function) -> str:
    return function.home.source.path if isinstance(function.home, Module) else ""
