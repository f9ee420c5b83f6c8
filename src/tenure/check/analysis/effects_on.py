"""Execution of the effects that a table states of a call."""

import ast

from tenure.check import ops
from tenure.check.analysis.arguments import Arguments, pick, registers_of
from tenure.check.analysis.conflicts import captured, read, reading, write_to, wrote
from tenure.check.analysis.graphs import derived
from tenure.check.analysis.iteration import iterate, listed, next_item
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.roles import after, before
from tenure.check.analysis.sequences import end_of, hold, items_from, removed, reordered, store
from tenure.check.analysis.shapes import certainly, drawn, shaped
from tenure.check.analysis.views import lend, view_of
from tenure.check.effects.effect import CONTAINERS, OBJECTS, TENSORS, Effect
from tenure.check.values import Holder, Obj, Ref, Value

__all__ = ["perform"]

_NEXT = frozenset(("next", "__next__"))
"""Calls that take the next item of an iteration."""

_SHOWING = frozenset(("view", "maybe-view", "alias", "iteration"))
"""Results through which the argument is read later, if at all."""


def perform(m: Machine, effect: Effect, arguments: Arguments, op: ops.Op, name: str) -> Value:
    """Perform `effect`, and return the value of the call."""
    bound = arguments.bind(effect.parameters)
    if effect.variants:
        effect = effect.given(_constants_of(m, bound))
    if effect.reads:
        writes = (*effect.writes, *effect.rebinds, *effect.resizes)
        shown = {spec.rstrip("+") for spec in effect.of} if effect.result in _SHOWING else set()
        for key, register in bound.items():
            if key not in writes and key not in shown:
                how = "stored" if key in effect.captures else "call"
                read(m, register, how, deep=effect.result == "owned" and not effect.items)
    before(m, effect, bound, op, name)
    result = _result(m, effect, bound, op, name)
    _do(m, effect, bound, name)
    _take_in(m, effect, bound, result)
    return after(m, effect, bound, result, op, name)


def _constants_of(m: Machine, bound: dict[str, int]) -> dict[str, object]:
    out = {}
    for key, register in bound.items():
        value = m.get(register)
        if len(value) == 1 and value[0].obj.const is not ...:
            out[key] = value[0].obj.const
    return out


def _do(m: Machine, effect: Effect, bound: dict[str, int], name: str) -> None:
    if not (effect.writes or effect.rebinds or effect.resizes):
        return
    text = f".{name}(…)" if not name.startswith("__") else name.strip("_")
    for sort, specs in (("write", effect.writes), ("rebind", effect.rebinds), ("resize", effect.resizes)):
        for spec in specs:
            for value, holder in pick(m, spec, bound):
                if name in ("setdefault", "update") and _has_key(m, name, value, bound):
                    continue
                _done(m, sort, spec, value, holder, text, name)


def _on_attribute(op: ops.Operate, holder: Holder | None) -> bool:
    """Whether this is `obj.x += y`."""
    by_attribute = isinstance(op.node, ast.AugAssign) and isinstance(op.node.target, ast.Attribute)
    return by_attribute and isinstance(holder, tuple) and holder[0].kind in OBJECTS


def _has_key(m: Machine, name: str, value: Value, bound: dict[str, int]) -> bool:
    """Whether the keys of a call, or of the display it is given, are ones that a loop took out of the same dict."""
    if name == "update":
        node = m.op.node
        shown = node.args[0] if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords else None
        written = shown.keys if isinstance(shown, ast.Dict) else ()
        names = [key.id if isinstance(key, ast.Name) else "" for key in written]
        mark = "" if m.frame is None else f"·{m.frame.number}"
        given = [ref for one in names for ref in m.state.cells.get(one + mark) or (Ref(Obj("unknown")),)]
    else:
        given = list(m.get(bound.get("1")))
    keys = {key.obj.owner for key in given}
    return bool(keys) and keys <= {ref.obj for ref in value}


def _done(m: Machine, sort: str, spec: str, value: Value, holder: Holder | None, text: str, name: str) -> None:
    every = "[]" in spec or spec.endswith("+")
    if sort == "resize":
        grows = name in ("append", "extend", "appendleft", "extendleft", "add", "update", "setdefault", "__iadd__")
        write_to(m, value, holder, wrote(m, sort, text, grows=grows), all_of=every)
        for ref in value:
            if name in ("pop", "popleft", "insert", "remove", "clear", "appendleft", "rotate"):
                removed(m, ref, name)
            reordered(m, ref, name)
        return
    named = isinstance(m.op, ops.Operate) and (m.op.augmented == "name" or _on_attribute(m.op, holder))
    write = wrote(m, sort, text)
    if name == "load_state_dict" and isinstance(m.op, ops.Call) and m.op.args:
        # What the dictionary refers to is what it loads, if it is the module's own.
        write.stored = frozenset(item.obj for one in m.get(m.op.args[0][0]) for item in m.items(one.obj))
    write_to(m, value, holder, write, all_of=every)
    for ref in value:
        reordered(m, ref, name)
    if named and (m.frame is None or not m.frame.excludes(write.conditions)):
        for told in m.on.by_name:
            told(m, value, holder, write)


def _take_in(m: Machine, effect: Effect, bound: dict[str, int], result: Value) -> None:
    for spec in effect.captures:
        own = "0" in bound and isinstance(m.op, ops.Call) and (m.is_method or "0" in effect.resizes)
        into = m.get(bound["0"]) if own else result
        for value, holder in pick(m, spec, bound):
            for target in into:
                held = tuple(taken(m, ref, holder) for ref in value)
                register = bound.get(spec)
                captured(m, target.obj, "*", held, register)
                store(m, target.obj, "*", held, weak=True)


def taken(m: Machine, ref: Ref, holder: Holder | None) -> Ref:
    """The reference as a container stores it."""
    if holder is None and ref.loan is None:
        return ref
    return lend(m, ref, "captured", holder if holder is not None or ref.loan is None else ref.loan.source)


def _result(m: Machine, effect: Effect, bound: dict[str, int], op: ops.Op, name: str) -> Value:
    if effect.out is not None and effect.out in bound:
        return m.get(bound[effect.out])
    if effect.items is not None:
        return _container(m, effect, bound, name)
    of = [register for spec in effect.of for register in registers_of(spec, bound)]
    match effect.result:
        case "alias":
            return tuple(ref for register in of for ref in m.get(register))
        case "view" | "maybe-view":
            return tuple(
                made
                for register in of
                for ref in m.get(register)
                for made in _shared(m, ref, register, effect, name)
            )
        case "element":
            found = _element(m, of, effect, bound)
            return next_item(m, m.get(bound.get("0")), found) if name in _NEXT else found
        case "iteration":
            return iterate(m, of, effect.role or ("reversed" if name == "reversed" else ""))
        case "owned":
            return _owned(m, effect, bound, of, name)
    return (Ref(m.fresh("unknown", "unknown")),)


def _owned(m: Machine, effect: Effect, bound: dict[str, int], of: list[int], name: str) -> Value:
    kind: str = effect.kind
    if kind == "same":
        like = m.get(of[0] if of else bound.get("0"))
        kind = like[0].obj.kind if like else "unknown"
    if effect.role == "draw":
        kind = drawn(m, effect.parameters, bound, name)
    obj = m.fresh("result", kind)
    if kind in CONTAINERS and not (kind == "dict" and bound):
        obj.text = "display"
    if kind == "ndarray" and name.startswith("__"):
        arrays = [ref.obj for value in map(m.get, bound.values()) for ref in value if ref.obj.kind == "ndarray"]
        # What is computed from items that may be numbers may be a number.
        obj.maybe = "[]" if all(one.maybe == "[]" for one in arrays) else ""
    return (Ref(shaped(m, obj, name, bound)),)


def _shared(m: Machine, ref: Ref, register: int, effect: Effect, name: str) -> Value:
    """A view of an argument; an argument that is no tensor is copied where a view is only possible."""
    known = ref.obj.kind in (*TENSORS, "unknown", "memoryview", "bytearray", "array")
    if not known and effect.result == "maybe-view":
        return (Ref(m.fresh("copied", effect.kind if effect.kind != "same" else "unknown")),)
    kind: str = effect.kind if effect.kind != "same" else ref.obj.kind
    verdict = certainly(m, ref.obj, name) if effect.result == "maybe-view" else "view"
    if verdict == "copy":
        reading(m, (ref,), "call")
        made = m.fresh("copied", kind)
        made.text = "reshaped" if name in ("reshape", "ravel") else ""
        return (Ref(derived(m, made, (ref,))),)
    return view_of(m, ref, name, register, kind, maybe=verdict == "maybe")


def _element(m: Machine, of: list[int], effect: Effect, bound: dict[str, int]) -> Value:
    key: object = "*"
    if len(of) == 1 and "1" in bound:
        value = m.get(bound["1"])
        if len(value) == 1:
            const = value[0].obj.const
            key = value[0].obj if const is ... else const
    out = []
    for register in of:
        for ref in m.get(register):
            obj = ref.obj
            if obj.kind == "module" and effect.kind in ("tensor", "var"):
                out.append(Ref(m.everything(obj)))
                continue
            found = m.field(obj, key) if obj.kind == "dict" or key != "*" else m.items(obj)
            source = (obj, key)
            out += [lend(m, part, "element", source) for part in found]
    return tuple(out)


def _container(m: Machine, effect: Effect, bound: dict[str, int], name: str) -> Value:
    kind = str(effect.kind)
    if kind == "same":
        first = m.get(bound.get("0"))
        kind = first[0].obj.kind if first else "unknown"
    new = m.fresh("result", kind, text="display")  # its items are known
    cells = m.state.cells
    if effect.items == "owned":
        item = m.fresh("item", effect.item_kind)
        cells[(new, "*")] = (Ref(derived(m, item, _values(m, bound)), None),)
        return (Ref(new),)
    start: int | None = 0
    times = _times(m, bound) if name in ("__mul__", "__rmul__") else 1
    for spec in effect.of:
        for register in registers_of(spec, bound):
            for ref in m.get(register):
                if ref.obj.kind == "iterator" and (pairs := listed(m, ref.obj)):
                    hold(m, new, "*", pairs)
                elif effect.items == "element" and ref.obj.kind not in ("module", "tenure-module"):
                    items_from(m, new, ref, name, start, times)
                else:
                    _spread(m, new, ref, register, effect, spec)
            start = end_of(m, m.get(register), start)
    return (Ref(new),)


def _times(m: Machine, bound: dict[str, int]) -> int | None:
    """The number of repetitions of a sequence."""
    count = m.get(bound.get("1"))
    number = count[0].obj.const if len(count) == 1 else None
    return number if isinstance(number, int) else None


def _values(m: Machine, bound: dict[str, int]) -> Value:
    return tuple(ref for register in bound.values() for ref in m.get(register))


def _spread(m: Machine, new: Obj, ref: Ref, register: int, effect: Effect, spec: str) -> None:
    """The items of a new container that are an argument, or views of it."""
    obj = ref.obj
    source = m.sources.get(register, register)
    if obj.kind in ("module", "tenure-module"):
        whole = Ref(m.everything(obj) if effect.item_kind != obj.kind else m.part(obj, "*"))
        copylike = effect.kind == "dict"
        relation, text = ("view", "state_dict") if copylike else ("element", "")
        lent: Value = (lend(m, whole, relation, source, text, copylike=copylike),)
        if effect.role == "items" and effect.item_kind == obj.kind:
            pair = m.fresh(("item", "named"), "tuple", text="display")
            m.state.cells.fill(pair, {0: (Ref(m.fresh(("key", obj), "scalar")),), 1: lent})
            lent = (Ref(pair),)
    elif effect.items == "alias":
        lent = (lend(m, ref, "element", source),)
    elif obj.kind in TENSORS and "[]" not in spec:
        lent = view_of(m, ref, "split", register, effect.item_kind, region=(("?", m.op),))
    else:
        lent = tuple(lend(m, part, "element", source) for part in m.items(obj))
    hold(m, new, "*", lent)
