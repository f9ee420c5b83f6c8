"""Loops: the items of an iterator, the objects it watches, and its end."""

import ast
from collections.abc import Iterator

from tenure.check import ops
from tenure.check.analysis.conflicts import GONE, give_up, read, reading, used_after, write_to, wrote
from tenure.check.analysis.handed import is_reused, renewed
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.views import lend, view_of
from tenure.check.effects.effect import CONTAINERS, TENSORS
from tenure.check.values import Obj, Ref, Value

__all__ = ["consume_register", "exhausted", "is_iterated", "iter_over", "iterate", "listed", "new_key", "next_item",
           "rewound", "take_next"]  # fmt: skip

_TAKEN_AT_ONCE = frozenset(("product", "arrangements"))
"""Roles of iterators that take all items of their arguments before they yield the first."""

_SEQUENCES = ("list", "tuple", "deque", "set")


def iterate(m: Machine, registers: list[int], role: str) -> Value:
    """An iterator over the values of registers, which watches them until it ends."""
    if len(registers) == 1 and _is_range(m, registers[0]):
        counted = m.fresh(("iterator", "range"), "iterator", text="display")
        m.state.cells[(counted, "·iterated")] = m.get(registers[0])
        return (Ref(counted),)
    new = m.fresh(("iterator", role), "iterator")
    new.text, new.field = "display", role
    looked_at: list[Ref] = []
    for at, register in enumerate(registers):
        source = m.sources.get(register)
        for ref in m.get(register):
            if ref.obj.kind == "iterator":
                m.state.cells[(new, ("inner", at))] = (ref,)
                continue
            if ref.obj.kind in TENSORS:
                read(m, register, "iterate")
            elif ref.write is not None and ref.write.sort not in GONE:
                # Written before the loop: that is no change under it.
                reading(m, (ref,), "iterate")
            looked_at.append(_watched(m, ref, source, role, at))
    m.state.cells[(new, "·iterated")] = tuple(looked_at)
    return (Ref(new),)


def _watched(m: Machine, ref: Ref, source: object, role: str, at: int) -> Ref:
    relation = "iteration"
    if role in _TAKEN_AT_ONCE:
        relation = "element"
    elif ref.obj.kind not in (*CONTAINERS, "unknown"):
        relation = "view"
    text = f"{role}:{at}"
    gone = ref.write is not None and ref.write.sort in GONE
    write = ref.write if gone or relation != "iteration" else None
    loan = m.loan(relation, source, ref._replace(loan=None), text)  # type: ignore[arg-type]
    return Ref(ref.obj, loan, write, ref.must)


def iterator_of(m: Machine, ref: Ref) -> Iterator[tuple[Obj, Ref]]:
    """The container under an iterator, through the iterators between."""
    stack, seen = [ref.obj], set()
    while stack:
        at = stack.pop()
        if at in seen:
            continue
        seen.add(at)
        for held in m.state.cells.get((at, "·iterated"), ()):
            yield at, held
        stack += [inner.obj for name, value in m.state.fields(at) if isinstance(name, tuple) for inner in value]


def _is_range(m: Machine, register: int) -> bool:
    return any(ref.obj.text == "range" for ref in m.get(register))


def take_next(m: Machine, op: ops.Next) -> None:
    value = m.get(op.iterator)
    out: list[Ref] = []
    for ref in value:
        for _, held in list(iterator_of(m, ref)):
            if held.loan is not None and held.loan.relation == "iteration":
                reading(m, (held,), "iterate", op.node)
        out += _elements(m, ref, op)
    if not any(is_reused(m, ref.obj) for ref in value):
        _another(m, out)
    m.put(op.dst, tuple(out))


def next_item(m: Machine, iterators: Value, items: Value) -> Value:
    """The item that `next` gives: not what it gave before, and nothing was done to it yet."""
    if any(is_reused(m, ref.obj) for ref in iterators):
        return items
    found = [ref._replace(write=None) for ref in items]
    _another(m, found)
    return tuple(found)


def _another(m: Machine, items: list[Ref]) -> None:
    """A copy of each item per round: an item of the last round is not certainly the present one."""
    found = list(items)
    for one in found:
        found += m.items(one.obj) if one.obj.kind == "tuple" else ()
    if not found:
        return
    any_of = {r.obj for r in found if (r.obj.field == "*" or isinstance(r.obj.field, Obj)) and not r.obj.deep}
    at_home = {one.owner for one in any_of} | {one.obj for one in items if one.obj.kind == "tuple"}
    walked = {r.loan.source[0] for r in found if r.loan is not None and isinstance(r.loan.source, tuple)}
    roots = {r.obj.root() for r in found if not r.obj.deep}
    cells = m.state.cells
    for holder, value in list(cells.items()) if roots else ():
        if holder.__class__ is tuple:
            if holder[0] in any_of:
                # Writes to the fields of the last item were not to those of this one.
                cells[holder] = tuple(r._replace(write=None) for r in value)
                continue
            if holder[0] in at_home or holder[0].kind == "iterator":
                continue
        if _certainly_in(value, roots):
            cells[holder] = tuple(
                r._replace(must=False) if r.obj.root() in any_of or _taken_from(r, walked) else r for r in value
            )


def _elements(m: Machine, ref: Ref, op: ops.Next) -> Value:
    """The next item of an iterator, by the role under which it was made."""
    it = ref.obj
    if it.kind != "iterator":
        return _items_of(m, ref, op, 0)
    if it in m.opened:
        return ()
    m.opened.add(it)
    found = _given_by(m, it, op)
    m.opened.discard(it)
    return found


def _given_by(m: Machine, it: Obj, op: ops.Next) -> Value:
    looked_at = m.state.cells.get((it, "·iterated"), ())
    inner = [(name[1], r) for name, value in m.state.fields(it) if isinstance(name, tuple) for r in value]
    role = str(it.field or "")
    if role in ("enumerate", "zip", "items", "product"):
        return (Ref(_tuple(m, role, looked_at, inner, op)),)
    if role == "walk":
        return (Ref(_of_walk(m)),)
    if role in ("computed", "arrangements"):
        return (Ref(m.fresh(("item", role), "unknown")),)
    found = [r for at, held in enumerate(looked_at) for r in _items_of(m, held, op, at, role)]
    found += [r for _, at in inner for r in _elements(m, at, op)]
    if not looked_at and not inner:
        renewed(m, it)
        found += [lend(m, r, "element", (it, "*")) for r in m.items(it)]
    return tuple(dict.fromkeys(found))


def listed(m: Machine, it: Obj) -> Value:
    """An item of the list that `d.items()` is made into: a key and its value."""
    looked_at = m.state.cells.get((it, "·iterated"), ())
    if it.field != "items" or len(looked_at) != 1:
        return ()
    dictionary = looked_at[0].obj
    pair, key = m.fresh(("item", "listed"), "tuple", text="display"), _key(m, dictionary)
    m.state.cells[(pair, 0)] = (Ref(key),)
    m.state.cells[(pair, 1)] = tuple(lend(m, r, "element", (dictionary, key)) for r in _at(m, dictionary, key))
    return (Ref(pair),)


def _of_walk(m: Machine) -> Obj:
    """An item of `os.walk`: a folder, and the lists of the folders and files in it."""
    new = m.fresh(("item", "walk"), "tuple", text="display")
    for at, kind in enumerate(("scalar", "list", "list")):
        m.state.cells[(new, at)] = (Ref(m.fresh(("walked", at), kind)),)
    return new


def _tuple(m: Machine, role: str, looked_at: Value, inner: list[tuple[object, Ref]], op: ops.Next) -> Obj:
    new = m.fresh(("item", role), "tuple", text="display")
    cells = m.state.cells
    parts = _side_by_side(m, looked_at, inner, op)
    if role == "enumerate":
        parts.insert(0, (Ref(m.fresh("index", "scalar")),))
    if role == "items" and looked_at:
        key = _key(m, looked_at[0].obj)
        dictionary = looked_at[0].obj
        parts = [(Ref(key),), tuple(lend(m, r, "element", (dictionary, key)) for r in _at(m, dictionary, key))]
    if role in ("zip", "product") and len(parts) < 2:
        return m.fresh(("item", "unknown"), "unknown")
    for at, part in enumerate(parts):
        cells[(new, at)] = part
    return new


def _side_by_side(m: Machine, looked_at: Value, inner: list[tuple[object, Ref]], op: ops.Next) -> list[Value]:
    """The items of what is iterated together, by the position it was given at: each may be one of several objects."""
    parts: dict[int, Value] = {}
    for at, held in enumerate(looked_at):
        position = int(held.loan.text.rpartition(":")[2]) if held.loan is not None else at
        parts[position] = (*parts.get(position, ()), *_items_of(m, held, op, at))
    for given, iterator in inner:
        assert isinstance(given, int)
        parts[given] = (*parts.get(given, ()), *_elements(m, iterator, op))
    return [parts.get(at, ()) for at in range(max(parts, default=-1) + 1)]


def _key(m: Machine, dictionary: Obj) -> Obj:
    key = m.fresh(("key", dictionary), "scalar")
    key.owner = dictionary
    return key


def _at(m: Machine, obj: Obj, key: Obj) -> Value:
    """The object at a position that is read at present."""
    if m.complete(obj):
        return m.items(obj) or m.field(obj, key)
    items = m.items(obj) if any(True for _ in m.state.fields(obj)) else ()
    if not items or m.state.cells.get((obj, "*")):
        return items or m.field(obj, key)
    # Of an object that was given, those that were read so far are only some.
    return tuple(dict.fromkeys((*(one._replace(must=False) for one in items), *m.field(obj, key))))


def _items_of(m: Machine, held: Ref, op: ops.Next, at: int, role: str = "") -> Value:
    obj = held.obj
    if obj.kind in TENSORS:
        index = m.fresh(("position", at), "scalar")
        if obj.kind in ("value", "var", "jax", "mlx"):
            return (Ref(m.fresh(("row", at), "value" if obj.kind == "var" else obj.kind)),)
        if obj.kind == "ndarray" and obj.ndim == 1:
            return (Ref(index),)
        sure = obj.kind == "tensor" or (obj.ndim or 0) > 1
        return view_of(m, held, "[]", op.iterator, region=(("v", index),), maybe=not sure)
    if obj.kind == "dict" and role not in ("values", "items"):
        return (Ref(_key(m, obj)),)
    if obj.kind in (*_SEQUENCES, "dict", "instance", "unknown", "module", "tenure-module"):
        index = m.fresh(("position", at), "scalar")
        source = (obj, index)
        items = _at(m, obj, index)
        if len(items) == 1 and items[0].obj.kind == "scalar" and items[0].obj.const is ... and obj.kind == "list":
            return (Ref(index),)
        return tuple(lend(m, r, "element", source) for r in items)
    if obj.kind == "iterator":
        return _elements(m, Ref(obj), op)
    return (Ref(m.fresh(("position", at), "scalar")),) if obj.kind == "scalar" else ()


def is_iterated(m: Machine, obj: Obj) -> bool:
    """Whether a loop goes through an object at present."""
    return any(
        ref.obj is obj and ref.loan is not None and ref.loan.relation == "iteration"
        for holder, value in m.state.cells.items()
        if isinstance(holder, tuple) and holder[1] == "·iterated"
        for ref in value
    )


def started(m: Machine, ref: Ref, register: int) -> None:
    """Note that an iterator starts: one that reached its end before yields nothing more."""
    _once_more(m, ref)


def _once_more(m: Machine, ref: Ref) -> None:
    used = ref.obj.target == "once" and ref.write is not None and ref.write.sort == "consumed"
    if used and (ref.loan is None or ref.loan.relation in ("name", "passed", "attribute", "given")):
        used_after(m, ref, m.op.node)


def exhausted(m: Machine, ref: Ref) -> None:
    if ref.obj.kind == "iterator" and ref.obj.target == "once":
        give_up(m, ref.obj, "consumed")


def rewound(m: Machine, obj: Obj) -> None:
    """Note that a file starts anew, and with it what reads from it."""
    cells = m.state.cells
    for holder, value in list(cells.items()):
        ended = {ref for ref in value if ref.write is not None and ref.write.sort == "consumed"}
        if any(_reads_from(m, ref.obj, obj) for ref in ended):
            cells[holder] = tuple(ref._replace(write=None) if _reads_from(m, ref.obj, obj) else ref for ref in value)


def _reads_from(m: Machine, reader: Obj, obj: Obj) -> bool:
    inner = [ref.obj for name, value in m.state.fields(reader) if isinstance(name, tuple) for ref in value]
    return reader is obj or obj in inner


def consume_register(m: Machine, register: int) -> None:
    source = m.sources.get(register)
    if isinstance(source, tuple) and source[1] == "*" and isinstance(m.nodes.get(register), ast.Subscript):
        # Which of the items of a list it is remains unknown.
        return
    for ref in m.get(register):
        if ref.obj.kind == "iterator":
            _once_more(m, ref)
            exhausted(m, ref)


def new_key(m: Machine, ref: Ref, name: object, op: ops.SetItem) -> None:
    """Note a new key of a dict under iteration; the key of the present round is there already."""
    obj = ref.obj
    if isinstance(name, Obj) and name.owner is obj:
        return
    if (obj, name) in m.state.cells and name != "*":
        return
    derived = isinstance(name, Obj) and name.base is not None and name.base.owner is obj
    certain = derived or (isinstance(name, str | int) and name != "*" and m.complete(obj))
    holder = m.sources.get(op.obj)
    write_to(m, (ref,), holder, wrote(m, "resize", "[…] = …", certain=certain, grows=True))


def iter_over(m: Machine, op: ops.Iter) -> None:
    value = m.get(op.src)
    if value and all(ref.obj.kind == "iterator" and ref.obj.text != "again" for ref in value):
        for ref in value if len(value) == 1 else ():
            started(m, ref, op.src)
        m.put(op.dst, value)
        reads_present_keys(m, value)
        return
    m.put(op.dst, iterate(m, [op.src], ""))


def reads_present_keys(m: Machine, value: Value) -> None:
    """A loop over `d.keys()` and its like starts with the present contents: earlier writes do not matter."""
    for ref in value:
        if ref.obj.field in ("keys", "values", "items"):
            cell = (ref.obj, "·iterated")
            m.state.cells[cell] = tuple(held._replace(write=None) for held in m.state.cells.get(cell, ()))


def _certainly_in(value: Value, roots: set[Obj]) -> bool:
    """Whether a value refers for certain to memory of one of these."""
    for ref in value:
        if ref.must:
            at = ref.obj
            while at.base is not None:
                at = at.base
            if at in roots:
                return True
    return False


def _taken_from(ref: Ref, walked: set[Obj]) -> bool:
    """Whether a reference was once taken out of one of the containers."""
    if ref.loan is None:
        return False
    return any(isinstance(source, tuple) and source[0] in walked for source in ref.loan.sources())
