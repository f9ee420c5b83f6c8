"""Items: reads, writes and deletions by index."""

import ast

from tenure.check import ops
from tenure.check.analysis.conflicts import captured, lost, paired, read, reading, replaced, write_to, wrote
from tenure.check.analysis.graphs import derived
from tenure.check.analysis.indices import component, guess_array, key_of, may_copy
from tenure.check.analysis.iteration import new_key
from tenure.check.analysis.keeping import kept_before
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.sequences import remove, shift, slice_of, store
from tenure.check.analysis.views import inherit, lend, narrowed, same_place, view_of
from tenure.check.effects.effect import CONTAINERS, TENSORS
from tenure.check.values import Component, Holder, Obj, Ref, Value, copylike, of_array, one_object

__all__ = ["delete_item", "get_item", "set_item"]

_SEQUENCES = frozenset(("list", "tuple", "deque"))


def get_item(m: Machine, op: ops.GetItem) -> None:
    region = tuple(component(m, step) for step in op.index)
    for step in op.index:
        for part in step.parts:
            read(m, part, "operator")
    value = m.get(op.obj)
    out: list[Ref] = []
    source: Holder | None = None
    for ref in value:
        found, holder = _item_of(m, ref, region, op)
        out += found
        repeated = isinstance(holder, tuple) and holder[0].text == "repeated"
        # Of repeated lists of several rounds each has one object at all positions.
        source = holder if len(value) == 1 or repeated else None
    m.put(op.dst, tuple(out), source)


def _item_of(m: Machine, ref: Ref, region: tuple[Component, ...], op: ops.GetItem) -> tuple[Value, Holder | None]:
    obj = ref.obj
    guess_array(m, obj, region, op.node)
    if obj.kind in TENSORS:
        return _tensor_item(m, ref, region, op), None
    if obj.kind in ("scalar", "function", "module-name", "iterator", "rng"):
        return (), None
    if obj.kind == "unknown" and of_array(region):
        return (Ref(m.fresh(("item", obj), "unknown")),), None
    if obj.text == "subset" or (ref.write is not None and ref.write.sort == "donated"):
        reading(m, (ref,), "operator")
    if len(region) == 1 and region[0][0] == "s" and obj.kind in _SEQUENCES:
        return slice_of(m, obj), None
    name = key_of(m, region)
    found = tuple(inherit(part, ref) for part in m.field(obj, name))
    if obj.kind in CONTAINERS and (obj, name) not in m.state.cells and name != "*":
        # Which of the items it is remains unknown.
        keyed = obj.kind == "dict" and isinstance(name, Obj)
        found = tuple(part._replace(must=False) if keyed or part.write is None else part for part in found)
        if any(part.obj.kind == "scalar" and part.obj.const is ... for part in found):
            # A number that stands for all of a list's is none of them.
            found = (Ref(m.fresh(("number", obj), "scalar")),)
    if obj.kind == "dict" and name == "*" and not one_object(found):
        # One of several entries, by a key that is not known.
        found = tuple(part._replace(must=False) for part in found)
    return found, (obj, name if (obj, name) in m.state.cells else "*")


def _tensor_item(m: Machine, ref: Ref, region: tuple[Component, ...], op: ops.GetItem) -> Value:
    obj = ref.obj
    for told in m.on.indexed:
        told(m, obj, region, op)
    if obj.kind in ("value", "var", "jax", "mlx", "array"):
        reading(m, (ref,), "operator")
        kind = "value" if obj.kind == "var" else obj.kind
        return (Ref(derived(m, m.fresh(("item", obj), kind), (ref,))),)
    ref = narrowed(m, ref, Obj(obj.kind, base=obj, region=region))
    if any(part[0] == "copy" for part in region):
        reading(m, (ref,), "operator")
        new = m.fresh(("item", obj), obj.kind)
        new.text = "copy"
        return (Ref(derived(m, new, (ref,))),)
    integers = sum(part[0] in ("i", "v") for part in region)
    unknown = any(part[0] in ("?", "u") or (part[0] == "t" and obj.kind != "tensor") for part in region)
    sure_view = obj.kind == "tensor" or (obj.ndim is not None and integers < obj.ndim)
    sure_view = sure_view or integers < len(region) - sum(part[0] == "new" for part in region)
    if obj.kind == "ndarray" and obj.ndim is not None and integers >= obj.ndim and not unknown:
        reading(m, (ref,), "operator")
        return (Ref(m.fresh(("item", obj), "scalar")),)
    view = view_of(m, ref, "[]", op.obj, region=region, maybe=not sure_view or unknown)
    made = view[0].obj
    made.ndim = None if obj.ndim is None else max(obj.ndim - integers, 0)
    return view


def set_item(m: Machine, op: ops.SetItem) -> None:
    region = tuple(component(m, step) for step in op.index)
    value = m.get(op.obj)
    for told in m.on.placed:
        for ref in value:
            told(m, ref, op)
    m.divided = not one_object(value)
    for ref in value:
        guess_array(m, ref.obj, region, op.node)
        if ref.obj.kind in TENSORS:
            _set_tensor_item(m, ref, region, op)
        elif ref.obj.kind == "unknown" and of_array(region):
            continue
        elif ref.obj.kind not in ("scalar", "function", "module-name", "tuple"):
            _set_container_item(m, ref, region, op)
    m.divided = False


def _set_tensor_item(m: Machine, ref: Ref, region: tuple[Component, ...], op: ops.SetItem) -> None:
    if not op.augmented and any(part[0] == "s" for part in region):
        paired(m, view_of(m, ref, "[]", op.obj, region=region), m.get(op.src))
    if not op.augmented:
        read(m, op.src, "operator")
        for told in m.on.indexed:
            told(m, ref.obj, region, op)
    whole = all(part[0] == "all" for part in region)
    holder = m.sources.get(op.obj)
    write = wrote(m, "write", "[…] = …")
    if not op.augmented:
        # The stored object is there afterwards: its references read what they expect.
        write.stored = frozenset(r.obj for r in m.get(op.src))
    if ref.obj.text == "copy" and holder is None and not op.augmented:
        lost(m, ref, None)
    if whole:
        write_to(m, (ref,), holder, write)
        return
    part = view_of(m, ref, "[]", op.obj, region=region)
    if not op.augmented and _puts_back(m, part[0].obj, m.get(op.src)):
        return
    for listener in m.on.written:
        listener(m, ref, holder, write)
    write_to(m, part, holder, write)


def _puts_back(m: Machine, place: Obj, given: Value) -> bool:
    """Whether a store changes nothing: what is stored was taken from there, and was not written since."""
    return bool(given) and all(ref.write is None and same_place(m, place, ref.obj) for ref in given)


def _set_container_item(m: Machine, ref: Ref, region: tuple[Component, ...], op: ops.SetItem) -> None:
    obj, name = ref.obj, key_of(m, region)
    holder = m.sources.get(op.src)
    given = m.get(op.src)
    if holder is not None and holder != (obj, name):
        given = tuple(lend(m, r, "captured", holder) for r in given)
    sliced = bool(region) and region[0][0] in ("s", "all") and obj.kind in ("list", "deque")
    if sliced:
        # A slice takes the items, not the list that has them.
        given = tuple(r for g in given for r in m.items(g.obj))
    if may_copy(m, obj):
        given = tuple(r._replace(must=False) for r in given)
    if not op.augmented:
        captured(m, obj, name, given, op.src)
    replaced(m, ref, name, op)
    if copylike(ref) is not None and obj.kind in CONTAINERS:
        write_to(m, (ref,), m.sources.get(op.obj), wrote(m, "write", "[…] = …"))
    if obj.kind == "dict" and not op.augmented:
        new_key(m, ref, name, op)
        kept_before(m, obj, wrote(m, "write", "[…] = …", certain=not _fills_in(op)))
    if sliced:
        write_to(m, (ref,), m.sources.get(op.obj), wrote(m, "resize", "[…:…] = …", certain=False))
        shift(m, obj)
        name = "*"
    # What has names for its items keeps one for each; of other unknown objects nothing is known.
    store(m, obj, name, given, weak=obj.summary or (obj.kind == "unknown" and not isinstance(name, str)))


def _fills_in(op: ops.SetItem) -> bool:
    """Whether the key is one that the dictionary lacks: what was stored before had it already."""
    for test, holds in op.conditions:
        match test:
            case ast.Compare(ops=[ast.In() | ast.NotIn() as operator], comparators=[ast.Name(id=name)]):
                match op.node:
                    case ast.Subscript(value=ast.Name(id=own)) if own == name:
                        return isinstance(operator, ast.NotIn) == holds
    return False


def delete_item(m: Machine, op: ops.DelItem) -> None:
    region = tuple(component(m, step) for step in op.index)
    value = m.get(op.obj)
    m.divided = not one_object(value)
    for ref in value:
        if ref.obj.kind == "unknown" and len(region) == 1 and getattr(region[0][-1], "owner", None) is ref.obj:
            # Its own items are its keys.
            ref.obj.kind = "dict"
        if ref.obj.kind in CONTAINERS or ref.obj.kind == "unknown":
            remove(m, ref, key_of(m, region), m.sources.get(op.obj), "del …[…]")
    m.divided = False
