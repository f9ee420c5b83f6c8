"""Indices: the form in which regions are compared, and evidence from an index about the indexed object."""

import ast

from tenure.check import ops
from tenure.check.analysis.memory import Memory
from tenure.check.effects.effect import MUTABLE, TENSORS
from tenure.check.program import top_of
from tenure.check.values import Component, Obj, Ref, Value

__all__ = ["Indices"]

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


class Indices(Memory):
    """Components of indices."""

    function: ops.Function

    def component(self, step: ops.Step) -> Component:
        """A component of an index in the form in which regions are compared."""
        if step.kind in ("all", "new"):
            return (step.kind,)
        if step.kind == "slice":
            return ("s", *(self._part(part) for part in (*step.parts, *[None] * (3 - len(step.parts)))))
        value = self.get(step.parts[0])
        if isinstance(self.nodes.get(step.parts[0] or 0), ast.Compare):
            return ("copy",)
        if len(value) != 1:
            return self._one_of(value) or ("?", step)
        obj = value[0].obj
        if obj.kind in TENSORS and _one_number(obj):
            return ("u", obj)
        if isinstance(obj.const, bool) or obj.kind in MUTABLE:
            return ("copy",)
        if isinstance(obj.const, int):
            return ("i", obj.const)
        if isinstance(obj.const, str):
            return ("k", obj.const)
        if obj.kind == "unknown" and (obj.parameter in _COUNTERS or self._number(step.parts[0])):
            return ("v", obj)
        if obj.kind == "tuple":
            return self._of_tuple(obj, step)
        return ("v", obj) if obj.kind == "scalar" else ("u", obj)

    def _number(self, register: int | None) -> bool:
        """Whether a variable that is used as an index is one that only a number fits."""
        name = self.sources.get(register) if register is not None else None
        return isinstance(name, str) and (name in _COUNTERS or name in self.function.scope.uses.numbers)

    def numbered(self, name: str, value: Value) -> Value:
        """The value to which a variable is bound: one of many numbers is a fixed one from here on."""
        if len(value) > 1 or (value and not value[0].obj.summary):
            return value
        kind = value[0].obj.kind if value else "unknown"
        counts = name in _COUNTERS or name in self.function.scope.uses.numbers
        if kind == "scalar" or (kind == "unknown" and counts):
            return (Ref(self.fresh(("number", name), "scalar")),)
        return value

    def _one_of(self, value: Value) -> Component | None:
        """One of several numbers, the same as long as its variable is not bound anew."""
        found = frozenset(ref.obj for ref in value)
        if not found or any(obj.kind != "scalar" or isinstance(obj.const, bool | None) for obj in found):
            return None
        old = any(obj.summary for obj in found)
        return ("v", self.interned(("number", found), "scalar", summary=old, terms=tuple(found)))

    def _of_tuple(self, obj: Obj, step: ops.Step) -> Component:
        """A tuple as an index: of numbers alone, with a list or an array in it, or of unknown contents."""
        items = self.items(obj)
        if items and all(ref.obj.kind == "scalar" for ref in items):
            return ("t", obj)
        fancy = any(ref.obj.kind in ("list", *TENSORS) and not _one_number(ref.obj) for ref in items)
        return ("copy",) if fancy else ("?", step)

    def _part(self, register: int | None) -> object:
        if register is None:
            return None
        value = self.get(register)
        if len(value) != 1:
            one = self._one_of(value)
            return one[1] if one is not None else self.interned(("end", self.op, register), "scalar", summary=True)
        const = value[0].obj.const
        return const if const is None or isinstance(const, int) else value[0].obj

    def key(self, region: tuple[Component, ...]) -> object:
        """The field that an index of a container names; "*" where it is unknown."""
        if len(region) != 1:
            return region if all(part[0] in ("i", "k", "v") for part in region) else "*"
        part = region[0]
        return part[1] if part[0] in ("i", "k", "v", "u") else "*"

    def indexed(self, obj: Obj, region: tuple[Component, ...], node: ast.AST) -> None:
        """The array that an object is shown to be by `:` or `...` among several indices, or by its own mask."""
        if obj.kind != "unknown":
            return
        sliced = len(region) > 1 and any(part[0] in ("s", "all") for part in region)
        if not sliced and not _masked(node):
            return
        if obj.field in _TABLES or (obj.owner is not None and obj.owner.field in _TABLES):
            return
        if any(map(_named, region)) or _of_a_class(obj) or self._no_array(node):
            return
        kind = self.array_kind()
        if kind:
            obj.kind = kind

    def may_copy(self, obj: Obj) -> bool:
        """Whether a store by index may copy the value: tables, files and models do so, dictionaries do not."""
        if obj.kind == "unknown":
            return _of_a_class(obj) or any(self.imports(library) for library in _TABULAR)
        return obj.kind == "instance"

    def _no_array(self, node: ast.AST) -> bool:
        """Whether a variable that is indexed is elsewhere used as only tables and sparse matrices are."""
        match node:
            case ast.Subscript(value=ast.Name(id=name)):
                return not _OF_OTHERS.isdisjoint(self.function.scope.uses.methods.get(name, ()))
        return False

    def array_kind(self) -> str:
        """The kind of an array of which nothing else is known; "" where no library is imported."""
        if self.imports("numpy"):
            return "ndarray"
        return "tensor" if self.imports("torch") else ""

    def imports(self, library: str) -> bool:
        """Whether the module, or the body itself, imports a library under its own name."""
        return library in self.module.libraries or any(top_of(name) == library for name in self.brought)


def _one_number(obj: Obj) -> bool:
    """Whether an array may be a single number, taken out of another by whole numbers: an index by it may be a view."""
    if obj.base is None or obj.ndim:
        return False
    if obj.region and all(part[0] == "k" for part in obj.region):
        # A field of one element of a structured array.
        return _one_number(obj.base)
    return all(part[0] in ("i", "v") for part in obj.region)


def _of_a_class(obj: Obj) -> bool:
    """Whether this is an instance of an unknown class, by the name of its constructor."""
    return isinstance(obj.target, str) and obj.target.rpartition(".")[2][:1].isupper()


def _named(part: Component) -> bool:
    """Whether a component of an index is a name: a string, one of several, or a key of a dictionary."""
    if part[0] != "v" or not isinstance(part[1], Obj):
        return part[0] == "k"
    return part[1].owner is not None or any(isinstance(term.const, str) for term in part[1].terms)


def _masked(node: ast.AST) -> bool:
    """Whether this is `x[x == y]`."""
    match node:
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Compare(left=ast.Name(id=compared))):
            return name == compared
    return False
