"""Loops: the items of an iterator, the objects it watches, and its end. And the operators."""

from tenure.check import ops
from tenure.check.analysis.effects_on import Arguments
from tenure.check.analysis.shapes import Shapes
from tenure.check.effects import tables
from tenure.check.effects.effect import HOLDING, TENSORS, Kind
from tenure.check.values import Holder, Obj, Ref, Value

__all__ = ["Loops"]

_ARITHMETIC = frozenset(("__add__", "__sub__", "__mul__", "__floordiv__", "__mod__", "__neg__"))
_SEQUENCES = ("list", "tuple", "deque", "set")


class Loops(Shapes):
    """Iteration and operators."""

    def _next(self, op: ops.Next) -> None:
        value = self.get(op.iterator)
        out: list[Ref] = []
        for ref in value:
            for _, held in list(self.iterator_of(ref)):
                if held.loan is not None and held.loan.relation == "iteration":
                    self.reading((held,), "iterate", op.node)
            out += self._elements(ref, op)
        self._another(out)
        self.put(op.dst, tuple(out))

    def _another(self, items: list[Ref]) -> None:
        """A copy of each item per round: an item of the last round is not certainly the present one."""
        found = [*items, *(r for one in items if one.obj.kind == "tuple" for r in self.items(one.obj))]
        if not found:
            return
        any_of = {r.obj for r in found if (r.obj.field == "*" or isinstance(r.obj.field, Obj)) and not r.obj.deep}
        at_home = {one.owner for one in any_of}
        walked = {r.loan.source[0] for r in found if r.loan is not None and isinstance(r.loan.source, tuple)}
        roots = {r.obj.root() for r in found if not r.obj.deep}
        cells = self.state.cells
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

    def _elements(self, ref: Ref, op: ops.Next) -> Value:
        """The next item of an iterator, by the role under which it was made."""
        it = ref.obj
        if it.kind != "iterator":
            return self._items_of(ref, op, 0)
        if it in self.opened:
            return ()
        self.opened.add(it)
        found = self._given_by(it, op)
        self.opened.discard(it)
        return found

    opened: set[Obj]

    def _given_by(self, it: Obj, op: ops.Next) -> Value:
        looked_at = self.state.cells.get((it, "·iterated"), ())
        inner = [r for name, value in self.state.fields(it) if isinstance(name, tuple) for r in value]
        role = str(it.field or "")
        if role in ("enumerate", "zip", "items", "product"):
            return (Ref(self._tuple(role, looked_at, inner, op)),)
        if role in ("computed", "arrangements"):
            return (Ref(self.fresh(("item", role), "unknown")),)
        found = [r for at, held in enumerate(looked_at) for r in self._items_of(held, op, at, role)]
        found += [r for at in inner for r in self._elements(at, op)]
        if not looked_at and not inner:
            found += [self.lent(r, "element", (it, "*")) for r in self.items(it)]
        return tuple(dict.fromkeys(found))

    def _tuple(self, role: str, looked_at: Value, inner: list[Ref], op: ops.Next) -> Obj:
        new = self.fresh(("item", role), "tuple", text="display")
        cells = self.state.cells
        parts: list[Value] = [self._items_of(held, op, at) for at, held in enumerate(looked_at)]
        parts += [self._elements(at, op) for at in inner]
        if role == "enumerate":
            parts.insert(0, (Ref(self.fresh("index", "scalar")),))
        if role == "items" and looked_at:
            key = self._key(looked_at[0].obj)
            dictionary = looked_at[0].obj
            parts = [(Ref(key),), tuple(self.lent(r, "element", (dictionary, key)) for r in self._at(dictionary, key))]
        if role in ("zip", "product") and len(parts) < 2:
            return self.fresh(("item", "unknown"), "unknown")
        for at, part in enumerate(parts):
            cells[(new, at)] = part
        return new

    def _key(self, dictionary: Obj) -> Obj:
        key = self.fresh(("key", dictionary), "scalar")
        key.owner = dictionary
        return key

    def _at(self, obj: Obj, key: Obj) -> Value:
        """The object at a position that is read at present."""
        items = self.items(obj) if self.complete(obj) or any(True for _ in self.state.fields(obj)) else ()
        return items or self.field(obj, key)

    def _items_of(self, held: Ref, op: ops.Next, at: int, role: str = "") -> Value:
        obj = held.obj
        if obj.kind in TENSORS:
            index = self.fresh(("position", at), "scalar")
            if obj.kind in ("value", "var", "jax", "mlx"):
                return (Ref(self.fresh(("row", at), "value" if obj.kind == "var" else obj.kind)),)
            if obj.kind == "ndarray" and obj.ndim == 1:
                return (Ref(index),)
            sure = obj.kind == "tensor" or (obj.ndim or 0) > 1
            return self.view(held, "[]", op.iterator, region=(("v", index),), maybe=not sure)
        if obj.kind == "dict" and role not in ("values", "items"):
            return (Ref(self._key(obj)),)
        if obj.kind in (*_SEQUENCES, "dict", "instance", "unknown", "module", "tenure-module"):
            index = self.fresh(("position", at), "scalar")
            source = (obj, index)
            return tuple(self.lent(r, "element", source) for r in self._at(obj, index))
        if obj.kind == "iterator":
            return self._elements(Ref(obj), op)
        return (Ref(self.fresh(("position", at), "scalar")),) if obj.kind == "scalar" else ()

    def iterate(self, registers: list[int], role: str) -> Value:
        if len(registers) == 1 and self._is_range(registers[0]):
            new = self.fresh(("iterator", "range"), "iterator", text="display")
            self.state.cells[(new, "·iterated")] = self.get(registers[0])
            return (Ref(new),)
        return super().iterate(registers, role)

    def _is_range(self, register: int) -> bool:
        return any(ref.obj.text == "range" for ref in self.get(register))

    def started(self, ref: Ref, register: int) -> None:
        """Note that an iterator starts: one that reached its end before yields nothing more."""
        self._once_more(ref)

    def _once_more(self, ref: Ref) -> None:
        used = ref.obj.target == "once" and ref.write is not None and ref.write.sort == "consumed"
        if used and (ref.loan is None or ref.loan.relation == "name"):
            self.gone(ref, self.op.node)

    def exhausted(self, ref: Ref) -> None:
        if ref.obj.kind == "iterator" and ref.obj.target == "once":
            self.give_up(ref.obj, "consumed")

    def consume_register(self, register: int) -> None:
        for ref in self.get(register):
            if ref.obj.kind == "iterator":
                self._once_more(ref)
                self.exhausted(ref)

    def new_key(self, ref: Ref, name: object, op: ops.SetItem) -> None:
        """Note a new key of a dict under iteration; the key of the present round is there already."""
        obj = ref.obj
        if isinstance(name, Obj) and name.owner is obj:
            return
        if (obj, name) in self.state.cells and name != "*":
            return
        derived = isinstance(name, Obj) and name.base is not None and name.base.owner is obj
        certain = derived or (isinstance(name, str | int) and name != "*" and self.complete(obj))
        holder = self.sources.get(op.obj)
        self.write((ref,), holder, self.wrote("resize", "[…] = …", certain=certain, grows=True))

    def operator(self, op: ops.Operate, values: list[Value]) -> tuple[Value, Holder | None]:
        """The value of an operator, and the cell it returns, if it works in place."""
        if op.name in ("is", "not", "in", "format", "slice", "unknown") or not values or len(values) > 2:
            return self._tested(op, values), None
        left = values[0]
        kinds = list(dict.fromkeys(ref.obj.kind for ref in left))
        if op.augmented:
            return self._augmented(op, values, kinds)
        return self._binary(op, op.name, values), None

    def _tested(self, op: ops.Operate, values: list[Value]) -> Value:
        if op.name != "is":
            for register in op.operands:
                self.read(register, "format" if op.name == "format" else "operator", deep=op.name == "format")
        made = self.fresh(op.name, "unknown" if op.name == "unknown" else "scalar")
        if op.name == "format" and len(values) >= 1 and values[0]:
            made.base = values[0][0].obj if values[0][0].obj.owner is not None else None
        return (Ref(made),)

    def _augmented(self, op: ops.Operate, values: list[Value], kinds: list[str]) -> tuple[Value, Holder | None]:
        plain = "__" + op.name[3:]
        source = self.sources.get(op.operands[0])
        out: list[Ref] = []
        in_place = False
        whole = values[0]
        self.divided = len(whole) > 1
        for kind in kinds:
            refs = tuple(ref for ref in whole if ref.obj.kind == kind)
            self.state.cells[op.operands[0]] = refs
            effect = tables.method(kind, op.name)
            if effect is None:
                out += self._binary(op, plain, [refs, values[1]])
                continue
            in_place = True
            self.overlapping(op)
            self.is_method = True
            out += self.perform(effect, Arguments(list(op.operands), {}), op, op.name)
            self.is_method = False
        self.state.cells[op.operands[0]] = whole
        self.divided = False
        if not kinds:
            self.read(op.operands[1], "operator")
        return tuple(dict.fromkeys(out)), source if in_place else None

    def overlapping(self, op: ops.Op) -> None:
        """Note an in-place operation that reads its target."""

    def _binary(self, op: ops.Operate, name: str, values: list[Value]) -> Value:
        for at, value in enumerate(values):
            kind = _array_kind(value)
            effect = (tables.method(kind, name) or tables.method(kind, "__add__")) if kind is not None else None
            if effect is not None:
                if at == 1:
                    self.read(op.operands[0], "operator")
                self.is_method = True
                result = self.perform(effect, Arguments(list(op.operands), {}), op, name)
                self.is_method = False
                return result
        for register in op.operands:
            self.read(register, "operator")
        return self._containers(op, name, values)

    def _containers(self, op: ops.Operate, name: str, values: list[Value]) -> Value:
        for at, value in enumerate(values):
            for ref in value:
                if ref.obj.kind not in HOLDING:
                    continue
                if name in ("__mul__", "__rmul__"):
                    self.repeated(ref, values[1 - at], op)
                effect = tables.method(ref.obj.kind, name)
                if effect is not None:
                    registers = [op.operands[at], *(r for r in op.operands if r != op.operands[at])]
                    self.is_method = True
                    result = self.perform(effect, Arguments(registers, {}), op, name)
                    self.is_method = False
                    return result
        return (Ref(self._scalar(op, name, values)),)

    def repeated(self, ref: Ref, count: Value, op: ops.Operate) -> None:
        """Note `[x] * n`."""

    def _scalar(self, op: ops.Operate, name: str, values: list[Value]) -> Obj:
        consts = [value[0].obj.const if len(value) == 1 else ... for value in values]
        folded = _fold(name, consts)
        if folded is not None:
            return self.constant(folded)[0].obj
        known = all(value and all(ref.obj.kind == "scalar" for ref in value) for value in values)
        if known and name in _ARITHMETIC and all(len(value) == 1 and not value[0].obj.owner for value in values):
            # The same sum of the same numbers is the same number.
            terms = tuple(value[0].obj for value in values)
            old = any(term.summary for term in terms)
            return self.interned(("number", name, terms), "scalar", summary=old, terms=terms)
        made = self.fresh(name, "scalar" if known else "unknown")
        keys = [ref.obj for value in values for ref in value if ref.obj.owner is not None and ref.obj.kind == "scalar"]
        if keys and name == "__add__":
            made.kind, made.base = "scalar", keys[0]
        return made


def _array_kind(value: Value) -> Kind | None:
    """The kind of the first array among the objects of a value."""
    for ref in value:
        if ref.obj.kind in TENSORS:
            return ref.obj.kind
    return None


def _fold(name: str, consts: list[object]) -> int | None:
    """Arithmetic on small whole numbers: enough for indices."""
    if ... in consts or not all(isinstance(const, int) and not isinstance(const, bool) for const in consts):
        return None
    numbers = [const for const in consts if isinstance(const, int)]
    match name, numbers:
        case "__neg__", [a]:
            return -a
        case "__add__", [a, b]:
            return a + b
        case "__sub__", [a, b]:
            return a - b
        case "__mul__", [a, b] if abs(a) < 1 << 31 and abs(b) < 1 << 31:
            return a * b
    return None


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
