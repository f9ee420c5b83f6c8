"""Attributes and items: reads and writes of parts of objects."""

import ast

from tenure.check import ops
from tenure.check.analysis.indices import Indices
from tenure.check.analysis.memory import copylike
from tenure.check.effects import tables
from tenure.check.effects.effect import CONTAINERS, TENSORS
from tenure.check.program import ClassInfo, Module
from tenure.check.scope import last_name
from tenure.check.values import WIDEST, Component, Holder, Obj, Ref, Value, of_array

__all__ = ["SAME_SPACE", "Access"]

SAME_SPACE = frozenset(
    ("data", "detach", "numpy", "__array__", "from_numpy", "asarray", "as_tensor", "asanyarray", "Parameter", "_data",
     "Variable", "contiguous", "to", "float", "double", "cpu", "cuda", "type", "ascontiguousarray", "borrow_mut",
     "from_dlpack", "detach_", "astype", "array", "frombuffer", "device_get", "device_put")
)  # fmt: skip
"""Operations whose result is indexed as their argument is."""

_SEQUENCES = frozenset(("list", "tuple", "deque"))


class Access(Indices):
    """Reads and writes of parts of objects. `guessed`: taken for tensors because their `.data` was assigned."""

    guessed: set[Obj]

    def get_attribute(self, op: ops.GetAttr) -> None:
        value = self.get(op.obj)
        out: list[Ref] = []
        source: Holder | None = None
        for ref in value:
            found, holder = self._attribute_of(ref, op)
            out += found
            source = holder if len(value) == 1 else None
        if any(ref.obj.kind in TENSORS for ref in value) and not out:
            self.read(op.obj, "attribute")
        self.put(op.dst, tuple(out), source)

    def _attribute_of(self, ref: Ref, op: ops.GetAttr) -> tuple[Value, Holder | None]:
        obj, name = ref.obj, op.name
        if isinstance(obj.target, str | Module) and obj.kind == "module-name":
            return self.named(self.program.attribute(obj.target, name)), None
        effect = tables.attribute(obj.kind, name)
        if effect is not None and name != "grad":
            if effect.result in ("view", "maybe-view", "alias"):
                return self.view(ref, name, op.obj, effect.kind, maybe=effect.result == "maybe-view"), None
            if effect.result == "owned":
                kind = effect.kind if effect.kind != "same" else obj.kind
                if effect.reads and obj.kind in TENSORS:
                    self.reading((ref,), "operator")
                return (Ref(self.fresh(("attribute", obj), kind)),), None
        if obj.kind == "scalar":
            return (), None
        method = isinstance(obj.target, ClassInfo) and self.program.find_method(obj.target, name)
        if method:
            return self.method_value(ref, method), None
        return tuple(_inherit(part, ref) for part in self.field(obj, name)), (obj, name)

    def method_value(self, ref: Ref, method: ops.Function) -> Value:
        """A bound method, or the value of a property."""
        decorators = getattr(method.node, "decorator_list", ())
        if any(last_name(decorator) in ("property", "cached_property") for decorator in decorators):
            return self.call_property(ref, method)
        bound = self.fresh(("bound", method), "function", target=method)
        self.state.cells[(bound, "self")] = (ref,)
        return (Ref(bound),)

    def call_property(self, ref: Ref, method: ops.Function) -> Value:
        """The value of a property of the tree."""
        raise NotImplementedError

    def named(self, target: object) -> Value:
        """The value of a name that leads to a module, function or class."""
        if target is None:
            return ()
        kind = "function" if isinstance(target, ops.Function) else "module-name"
        return self.only(("named", target), kind, target=target)

    def view(
        self,
        ref: Ref,
        name: str,
        register: int,
        kind: str = "same",
        *,
        region: tuple[Component, ...] | None = None,
        maybe: bool = False,
        relation: str = "view",
    ) -> Value:
        """A view of the object of `ref`."""
        base = ref.obj
        kind = base.kind if kind == "same" else kind
        if region is None:
            region = () if name in SAME_SPACE else (("op", name, *self.constants()),)
        view = self.interned(("view", base, region, kind, self.op.node if maybe else None), kind, base=base)
        view.region, view.summary = region, base.summary
        view.maybe = name if maybe else base.maybe
        view.grad, view.dtype = base.grad and name not in ("detach", "data", "numpy"), base.dtype
        if region and region[0][0] == "op":
            view.strided = base.strided or name in ("T", "mT", "transpose", "permute", "t", "swapaxes", "moveaxis")
            view.ndim = base.ndim if name in ("T", "transpose", "swapaxes", "flip") else None
        elif not region:
            view.ndim, view.strided = base.ndim, base.strided
        copylike = name in ("detach", "numpy", "asarray", "as_tensor", "from_numpy", "to", "float", "asanyarray")
        source = self.sources.get(register, register)
        loan = ref.loan
        if isinstance(source, int) and loan is None:
            # A view of a temporary has no one beside it.
            return (Ref(view, None, ref.write, ref.must),)
        if ref.write is None or loan is None:
            loan = self.loan(relation, source, ref, name, copylike=copylike)
        return (Ref(view, loan, ref.write, ref.must),)

    def constants(self) -> tuple[object, ...]:
        """The constant arguments of the present call, which tell views by one method apart."""
        if not isinstance(self.op, ops.Call):
            return ()
        return tuple(r.obj.const for register, _ in self.op.args for r in self.get(register) if r.obj.const is not ...)

    def get_item(self, op: ops.GetItem) -> None:
        region = tuple(self.component(step) for step in op.index)
        for step in op.index:
            for part in step.parts:
                self.read(part, "operator")
        value = self.get(op.obj)
        out: list[Ref] = []
        source: Holder | None = None
        for ref in value:
            found, holder = self._item_of(ref, region, op)
            out += found
            source = holder if len(value) == 1 else None
        self.put(op.dst, tuple(out), source)

    def _item_of(self, ref: Ref, region: tuple[Component, ...], op: ops.GetItem) -> tuple[Value, Holder | None]:
        obj = ref.obj
        self.indexed(obj, region, op.node)
        if obj.kind in TENSORS:
            return self._tensor_item(ref, region, op), None
        if obj.kind in ("scalar", "function", "module-name", "iterator", "rng"):
            return (), None
        if obj.kind == "unknown" and of_array(region):
            return (Ref(self.fresh(("item", obj), "unknown")),), None
        if obj.text == "subset":
            self.reading((ref,), "operator")
        if len(region) == 1 and region[0][0] == "s" and obj.kind in _SEQUENCES:
            return self.slice_of(obj), None
        name = self.key(region)
        found = tuple(_inherit(part, ref) for part in self.field(obj, name))
        if obj.kind in CONTAINERS and (obj, name) not in self.state.cells and name != "*":
            # Which of the items it is remains unknown.
            keyed = obj.kind == "dict" and isinstance(name, Obj)
            found = tuple(part._replace(must=False) if keyed or part.write is None else part for part in found)
        return found, (obj, name if (obj, name) in self.state.cells else "*")

    def slice_of(self, obj: Obj) -> Value:
        """A new sequence with some of the items of another."""
        new = self.fresh(("slice", obj), obj.kind, text="display")
        fields = list(self.state.fields(obj)) or [("*", self.items(obj))]
        self.state.cells[(new, "*")] = tuple(
            self.lent(ref, "element", (obj, name), "shallow", copylike=True)
            for name, value in fields
            if not (isinstance(name, str) and name.startswith("·"))
            for ref in value
        )
        return (Ref(new),)

    def lent(self, ref: Ref, relation: str, source: Holder | None, text: str = "", *, copylike: bool = False) -> Ref:
        """The reference under a new loan, unless its object was written unexpectedly before."""
        if ref.write is not None or ref.obj.kind in ("scalar", "function", "module-name"):
            return ref
        return Ref(ref.obj, self.loan(relation, source, ref, text, copylike=copylike), None, ref.must)

    def in_range(self, obj: Obj, region: tuple[Component, ...], op: ops.Op) -> None:
        """Note an index that is out of range."""

    def _tensor_item(self, ref: Ref, region: tuple[Component, ...], op: ops.GetItem) -> Value:
        obj = ref.obj
        self.in_range(obj, region, op)
        if obj.kind in ("value", "var", "jax", "mlx", "array"):
            self.reading((ref,), "operator")
            kind = "value" if obj.kind == "var" else obj.kind
            return (Ref(self.derived(self.fresh(("item", obj), kind), (ref,))),)
        if any(part[0] == "copy" for part in region):
            self.reading((ref,), "operator")
            new = self.fresh(("item", obj), obj.kind)
            new.text = "copy"
            return (Ref(self.derived(new, (ref,))),)
        integers = sum(part[0] in ("i", "v") for part in region)
        unknown = any(part[0] in ("?", "u") or (part[0] == "t" and obj.kind != "tensor") for part in region)
        sure_view = obj.kind == "tensor" or (obj.ndim is not None and integers < obj.ndim)
        sure_view = sure_view or integers < len(region) - sum(part[0] == "new" for part in region)
        if obj.kind == "ndarray" and obj.ndim is not None and integers >= obj.ndim and not unknown:
            self.reading((ref,), "operator")
            return (Ref(self.fresh(("item", obj), "scalar")),)
        view = self.view(ref, "[]", op.obj, region=region, maybe=not sure_view or unknown)
        made = view[0].obj
        made.ndim = None if obj.ndim is None else max(obj.ndim - integers, 0)
        return view

    def derived(self, obj: Obj, parents: Value) -> Obj:
        """Note that a new tensor was computed from others."""
        return obj

    def set_attribute(self, op: ops.SetAttr) -> None:
        value, given = self.get(op.obj), self.get(op.src)
        self.divided = len(value) > 1
        for ref in value:
            obj = ref.obj
            if op.name == "data" and obj.kind == "unknown" and isinstance(op.node, ast.Attribute):
                obj.kind = self.handle_kind() or obj.kind
                self.guessed.add(obj)
            if op.name in ("data", "_data") and obj.kind in TENSORS:
                if not op.augmented:
                    self.assign_data(ref, op)
                continue
            if op.augmented and obj.kind in TENSORS:
                continue
            holder = self.sources.get(op.src)
            shared = op.name == "grad" and not op.augmented
            held = tuple(
                r if holder in (None, (obj, op.name)) else self.lent(r, "attribute", holder, copylike=shared)
                for r in given
            )
            self.captured(obj, op.name, held, op.src)
            self.escaped(held)
            self.replaced(ref, op.name, op)
            self._store(obj, op.name, held, weak=obj.summary or len(value) > 1)
        self.divided = False

    def handle_kind(self) -> str:
        """The kind of an object whose `.data` is assigned, by the libraries that are imported."""
        return ""

    def assign_data(self, ref: Ref, op: ops.SetAttr) -> None:
        """`x.data = t` replaces the storage of the object x: other names of x see it, views do not."""
        self.read(op.src, "operator")
        if ref.obj.kind in ("var", "borrow"):
            self.write((ref,), self.sources.get(op.obj), self.wrote("write", ".data = …", hidden=True))
        else:
            holder = self.sources.get(op.obj)
            base = ref.obj.base
            if holder is None and base is not None and base.kind in TENSORS and base not in self.guessed:
                self.lost(ref, op)
            self.write((ref,), holder, self.wrote("rebind", ".data = …", hidden=True))
            self.shared_data(ref, holder, op.src)

    def shared_data(self, ref: Ref, holder: object, register: int) -> None:
        """`a.data = b.data`: a shows b's memory from now on."""

    def lost(self, ref: Ref, op: ops.Op) -> None:
        """Note a write to a temporary, which has no effect."""

    def replaced(self, ref: Ref, name: object, op: ops.Op) -> None:
        """Note that a field of an object was rebound."""

    def _store(self, obj: Obj, name: object, value: Value, *, weak: bool) -> None:
        cells = self.state.cells
        if weak or name == "*":
            old = cells.get((obj, name), ())
            value = tuple(dict.fromkeys((*old, *value)))
        cells[(obj, name)] = value if len(value) <= WIDEST else ()

    def escaped(self, value: Value) -> None:
        """Note an object that unknown code may change from now on."""

    def captured(self, obj: Obj, name: object, value: Value, register: int | None) -> None:
        """Note that a container (or object) stores references."""

    def set_item(self, op: ops.SetItem) -> None:
        region = tuple(self.component(step) for step in op.index)
        value = self.get(op.obj)
        self.divided = len(value) > 1
        for ref in value:
            self.indexed(ref.obj, region, op.node)
            if ref.obj.kind in TENSORS:
                self._set_tensor_item(ref, region, op)
            elif ref.obj.kind == "unknown" and of_array(region):
                continue
            elif ref.obj.kind not in ("scalar", "function", "module-name", "tuple"):
                self._set_container_item(ref, region, op)
        self.divided = False

    def _set_tensor_item(self, ref: Ref, region: tuple[Component, ...], op: ops.SetItem) -> None:
        if not op.augmented:
            self.read(op.src, "operator")
            self.in_range(ref.obj, region, op)
        whole = all(part[0] == "all" for part in region)
        holder = self.sources.get(op.obj)
        write = self.wrote("write", "[…] = …")
        if not op.augmented:
            # The stored object is there afterwards: its references read what they expect.
            write.stored = frozenset(r.obj for r in self.get(op.src))
        if ref.obj.text == "copy" and holder is None and not op.augmented:
            self.lost(ref, op)
        if whole:
            self.write((ref,), holder, write)
            return
        part = self.view(ref, "[]", op.obj, region=region)
        if holder is not None:
            self.own_write(holder)
        self.written(ref, holder, write)
        self.write(part, holder, write)

    def own_write(self, holder: object) -> None:
        """A write through a cell is expected by that cell."""

    def _set_container_item(self, ref: Ref, region: tuple[Component, ...], op: ops.SetItem) -> None:
        obj, name = ref.obj, self.key(region)
        holder = self.sources.get(op.src)
        given = self.get(op.src)
        if holder is not None and holder != (obj, name):
            given = tuple(self.lent(r, "captured", holder) for r in given)
        if self.may_copy(obj):
            given = tuple(r._replace(must=False) for r in given)
        if not op.augmented:
            self.captured(obj, name, given, op.src)
        self.replaced(ref, name, op)
        if copylike(ref) is not None and obj.kind in CONTAINERS:
            self.write((ref,), self.sources.get(op.obj), self.wrote("write", "[…] = …"))
        if obj.kind == "dict" and not op.augmented:
            self.new_key(ref, name, op)
        if obj.kind == "list" and region and region[0][0] == "s":
            self.write((ref,), self.sources.get(op.obj), self.wrote("resize", "[…:…] = …", certain=False))
            given = tuple(r for g in given for r in self.items(g.obj))
            self.shift(obj)
            name = "*"
        self._store(obj, name, given, weak=obj.summary or obj.kind == "unknown")

    def new_key(self, ref: Ref, name: object, op: ops.SetItem) -> None:
        """Note that a dict may have a new key."""

    def delete_item(self, op: ops.DelItem) -> None:
        region = tuple(self.component(step) for step in op.index)
        value = self.get(op.obj)
        self.divided = len(value) > 1
        for ref in value:
            if ref.obj.kind == "unknown" and len(region) == 1 and getattr(region[0][-1], "owner", None) is ref.obj:
                # Its own items are its keys.
                ref.obj.kind = "dict"
            if ref.obj.kind in CONTAINERS or ref.obj.kind == "unknown":
                self.remove(ref, self.key(region), self.sources.get(op.obj), "del …[…]")
        self.divided = False

    def remove(self, ref: Ref, name: object, holder: object, text: str) -> None:
        """Remove an item; the later items of a list move up."""
        write = self.wrote("resize", text)
        self.write((ref,), holder, write)  # type: ignore[arg-type]
        obj = ref.obj
        if obj.kind in _SEQUENCES:
            self.shift(obj)
        elif name != "*":
            self.state.cells[(obj, name)] = ()

    def shift(self, obj: Obj) -> None:
        """Forget the positions of a list's items."""
        cells = self.state.cells
        items = self.items(obj)
        for name, _ in self.state.fields(obj):
            if isinstance(name, int | Obj):
                del cells[(obj, name)]
        cells[(obj, "*")] = items


def _inherit(part: Ref, owner: Ref) -> Ref:
    """A part inherits the unexpected write of the reference that it was read through."""
    if owner.write is None or part.write is not None or owner.write.sort == "resize":
        return part
    if owner.obj.kind in CONTAINERS and owner.obj.owner is None:
        return part
    return part._replace(loan=part.loan or owner.loan, write=owner.write, must=owner.must)
