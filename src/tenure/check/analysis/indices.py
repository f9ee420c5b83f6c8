"""Indices: the form in which regions are compared, and evidence from an index about the indexed object."""

import ast

from tenure.check import ops
from tenure.check.analysis.machine import Machine
from tenure.check.effects.effect import MUTABLE, TENSORS
from tenure.check.program import top_of
from tenure.check.values import Component, Obj, Ref, Value, plain

__all__ = ["component", "guess_array", "imports", "key_of", "may_copy", "numbered"]

_COUNTERS = frozenset(("i", "j", "k", "ii", "jj"))
"""Names of variables that are whole numbers by habit."""

_TABLES = frozenset(("loc", "iloc", "at", "iat", "ix"))
"""Attributes that are indexed like arrays, and return copies."""

_TABULAR = ("pandas", "polars", "h5py", "zarr", "netCDF4", "tables", "pyarrow", "anndata")
"""Libraries whose objects are indexed by names as dictionaries are, and copy the values stored in them."""

_OF_OTHERS = frozenset(
    ("__named__", "toarray", "todense", "tocsr", "tocsc", "tocoo", "tolil", "to_numpy", "isel", "sel", "iterrows",
     "itertuples", "groupby", "setdefault", "items", "keys")
)  # fmt: skip
"""Uses of models, tables and sparse matrices, which return no views, and not of arrays."""


def component(m: Machine, step: ops.Step) -> Component:
    """A component of an index in the form in which regions are compared."""
    if step.kind in ("all", "new"):
        return (step.kind,)
    if step.kind == "slice":
        return ("s", *(_part(m, part) for part in (*step.parts, *[None] * (3 - len(step.parts)))))
    value = m.get(step.parts[0])
    if isinstance(m.nodes.get(step.parts[0] or 0), ast.Compare):
        return ("copy", None)
    if len(value) != 1:
        return _one_of(m, value) or ("?", step)
    obj = value[0].obj
    if obj.kind in TENSORS and _one_number(obj):
        return ("u", obj)
    if isinstance(obj.const, bool) or obj.kind in MUTABLE:
        return ("copy", obj)
    if isinstance(obj.const, int):
        return ("i", obj.const)
    if isinstance(obj.const, str):
        return ("k", obj.const)
    if obj.kind == "unknown" and (obj.parameter in _COUNTERS or _number(m, step.parts[0])):
        return ("v", obj)
    if obj.kind == "tuple":
        return _of_tuple(m, obj, step)
    return ("v", obj) if obj.kind == "scalar" else ("u", obj)


def _number(m: Machine, register: int | None) -> bool:
    """Whether a variable that is used as an index is one that only a number fits."""
    name = m.sources.get(register) if register is not None else None
    name = plain(name) if isinstance(name, str) else ""
    return name in _COUNTERS or name in m.function.scope.uses.numbers


def numbered(m: Machine, name: str, value: Value) -> Value:
    """The value to which a variable is bound: one of many numbers is a fixed one from here on.

    An element of an array is a number where the variable stands for the end of a slice, or is compared by size.
    """
    element = len(value) == 1 and value[0].obj.kind == "ndarray" and value[0].obj.base is not None
    if element and plain(name) in m.function.scope.uses.numbers:
        return (Ref(m.fresh(("number", name), "scalar")),)
    if len(value) > 1 or (value and not value[0].obj.summary):
        return value
    kind = value[0].obj.kind if value else "unknown"
    counts = plain(name) in _COUNTERS or plain(name) in m.function.scope.uses.numbers
    if kind == "scalar" or (kind == "unknown" and counts):
        return (Ref(m.fresh(("number", name), "scalar")),)
    return value


def _one_of(m: Machine, value: Value) -> Component | None:
    """One of several numbers, the same as long as its variable is not bound anew."""
    found = frozenset(ref.obj for ref in value)
    if not found or any(obj.kind != "scalar" or isinstance(obj.const, bool | None) for obj in found):
        return None
    old = any(obj.summary for obj in found)
    return ("v", m.interned(("number", found), "scalar", summary=old, terms=tuple(found)))


def _of_tuple(m: Machine, obj: Obj, step: ops.Step) -> Component:
    """A tuple as an index: of numbers alone, with a list or an array in it, or of unknown contents."""
    items = m.items(obj)
    if items and all(ref.obj.kind == "scalar" for ref in items):
        return ("t", obj)
    fancy = any(ref.obj.kind in ("list", *TENSORS) and not _one_number(ref.obj) for ref in items)
    return ("copy", None) if fancy else ("?", step)


def _part(m: Machine, register: int | None) -> object:
    if register is None:
        return None
    value = m.get(register)
    if len(value) != 1:
        one = _one_of(m, value)
        return one[1] if one is not None else m.interned(("end", m.op, register), "scalar", summary=True)
    const = value[0].obj.const
    return const if const is None or isinstance(const, int) else value[0].obj


def key_of(m: Machine, region: tuple[Component, ...]) -> object:
    """The field that an index of a container names; "*" where it is unknown."""
    if len(region) != 1:
        return region if all(part[0] in ("i", "k", "v") for part in region) else "*"
    part = region[0]
    return part[1] if part[0] in ("i", "k", "v", "u") else "*"


def guess_array(m: Machine, obj: Obj, region: tuple[Component, ...], node: ast.AST) -> None:
    """The array that an object is shown to be by `:` or `...` among several indices, or by its own mask."""
    if obj.kind != "unknown":
        return
    sliced = len(region) > 1 and any(part[0] in ("s", "all") for part in region)
    if not sliced and not _masked(node):
        return
    if obj.field in _TABLES or (obj.owner is not None and obj.owner.field in _TABLES):
        return
    if any(map(_named, region)) or _of_a_class(obj) or _no_array(m, node):
        return
    kind = array_kind(m)
    if kind:
        obj.kind = kind


def may_copy(m: Machine, obj: Obj) -> bool:
    """Whether a store by index may copy the value: tables, files and models do so, dictionaries do not."""
    if obj.kind == "unknown":
        return _of_a_class(obj) or any(imports(m, library) for library in _TABULAR)
    return obj.kind == "instance"


def _no_array(m: Machine, node: ast.AST) -> bool:
    """Whether a variable that is indexed is elsewhere used as only tables and sparse matrices are."""
    match node:
        case ast.Subscript(value=ast.Name(id=name)):
            return not _OF_OTHERS.isdisjoint(m.function.scope.uses.methods.get(name, ()))
    return False


def array_kind(m: Machine, ) -> str:
    """The kind of an array of which nothing else is known; "" where no library is imported."""
    if imports(m, "numpy"):
        return "ndarray"
    return "tensor" if imports(m, "torch") else ""


def imports(m: Machine, library: str) -> bool:
    """Whether the module, or the body itself, imports a library under its own name."""
    return library in m.module.libraries or any(top_of(name) == library for name in m.brought)


def _one_number(obj: Obj) -> bool:
    """Whether an array may be a single number, taken out of another by whole numbers: an index by it may be a view."""
    if obj.base is None or obj.ndim:
        return False
    if obj.region and all(part[0] == "k" for part in obj.region):
        # A field of one element of a structured array.
        return _one_number(obj.base)
    return all(part[0] in ("i", "v") for part in obj.region)


def _masked(node: ast.AST) -> bool:
    """Whether this is `x[x == y]`."""
    match node:
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Compare(left=ast.Name(id=compared))):
            return name == compared
    return False


def _named(part: Component) -> bool:
    """Whether a component of an index is a name: a string, one of several, or a key of a dictionary."""
    if part[0] != "v" or not isinstance(part[1], Obj):
        return part[0] == "k"
    return part[1].owner is not None or any(isinstance(term.const, str) for term in part[1].terms)


def _of_a_class(obj: Obj) -> bool:
    """Whether this is an instance of an unknown class, by the name of its constructor."""
    return isinstance(obj.target, str) and obj.target.rpartition(".")[2][:1].isupper()
