"""Execution of the effects that a table states of a call."""

from functools import cache

from tenure.check import ops
from tenure.check.analysis.sequences import Sequences
from tenure.check.effects.effect import CONTAINERS, TENSORS, Effect
from tenure.check.values import Holder, Obj, Ref, Value

__all__ = ["Arguments", "Effects"]


_SHOWING = frozenset(("view", "maybe-view", "alias", "iteration"))
"""Results through which the argument is read later, if at all."""


_place = cache(str)
"""The name of a position in the tables."""


@cache
def _parts_of(spec: str) -> tuple[str, int | None, bool, str]:
    """The parts of an effect's argument such as "0+[].grad": argument, first position, whether items, attribute."""
    path, _, name = spec.partition(".")
    base = path.removesuffix("[]")
    return base, int(base[:-1]) if base.endswith("+") else None, base != path, name


class Arguments:
    """The registers of a call, by position ("0" is the receiver of a method) and by keyword."""

    __slots__ = ("keywords", "positional")

    def __init__(self, positional: list[int], keywords: dict[str, int]) -> None:
        self.positional = positional
        self.keywords = keywords

    @classmethod
    def of(cls, op: ops.Call, receiver: int | None = None) -> "Arguments":
        positional = [register for register, _ in op.args]
        if receiver is not None:
            positional.insert(0, receiver)
        return cls(positional, {name: register for name, register in op.keywords if name is not None})

    def bind(self, parameters: tuple[str, ...]) -> dict[str, int]:
        """Registers by the names that effects use: "0", "1", ... and keywords."""
        out = {_place(at): register for at, register in enumerate(self.positional)}
        for name, register in self.keywords.items():
            out[str(parameters.index(name)) if name in parameters else name] = register
        return out


class Effects(Sequences):
    """Effects of library calls on the memory."""

    def perform(self, effect: Effect, arguments: Arguments, op: ops.Op, name: str) -> Value:
        """Perform `effect`, and return the value of the call."""
        bound = arguments.bind(effect.parameters)
        if effect.variants:
            effect = effect.given(self._constants_of(bound))
        if effect.reads:
            writes = (*effect.writes, *effect.rebinds, *effect.resizes)
            shown = {spec.rstrip("+") for spec in effect.of} if effect.result in _SHOWING else set()
            for key, register in bound.items():
                if key not in writes and key not in shown:
                    self.read(register, "call", deep=effect.result == "owned" and not effect.items)
        self.before(effect, bound, op, name)
        result = self._result(effect, bound, op, name)
        self._do(effect, bound, name)
        self._take_in(effect, bound, result)
        return self.after(effect, bound, result, op, name)

    def before(self, effect: Effect, bound: dict[str, int], op: ops.Op, name: str) -> None:
        """Hook ahead of the writes, such as for a backward pass."""

    def after(self, effect: Effect, bound: dict[str, int], result: Value, op: ops.Op, name: str) -> Value:
        """Hook at the end, such as for saving what the backward pass reads; returns the result."""
        return result

    def _constants_of(self, bound: dict[str, int]) -> dict[str, object]:
        out = {}
        for key, register in bound.items():
            value = self.get(register)
            if len(value) == 1 and value[0].obj.const is not ...:
                out[key] = value[0].obj.const
        return out

    def pick(self, spec: str, bound: dict[str, int]) -> list[tuple[Value, Holder | None]]:
        """The values that an argument of an effect names, each with its cell."""
        _, _, items, name = _parts_of(spec)
        found: list[tuple[Value, Holder | None]] = [
            (self.get(register), self.sources.get(register)) for register in self._registers(spec, bound)
        ]
        if items:
            found = [(self.reachable(value), None) for value, _ in found]
        if name:
            found = [
                ((part,), (ref.obj, name))
                for value, _ in found
                for ref in value
                if ref.obj.kind in TENSORS
                for part in self.gradients(ref.obj)
            ]
        return found

    def gradients(self, obj: Obj) -> Value:
        """The possible gradients of a tensor, or of all tensors of a module."""
        own = self.field(obj, "grad")
        if not obj.deep or obj.owner is None:
            return own
        held = [
            value
            for holder, value in self.state.cells.items()
            if isinstance(holder, tuple) and holder[1] == "grad" and self.state.holds(obj.owner, holder[0])
        ]
        return tuple(dict.fromkeys((*own, *(ref for value in held for ref in value))))

    def reachable(self, value: Value) -> Value:
        """The tensors in containers, at any depth."""
        out: list[Ref] = []
        seen: set[Obj] = set()
        stack = list(value)
        while stack:
            obj = stack.pop().obj
            if obj in seen:
                continue
            seen.add(obj)
            for ref in self.items(obj):
                if ref.obj.kind in (*CONTAINERS, "tuple", "iterator", "optimizer"):
                    stack.append(ref)
                else:
                    out.append(ref)
        return tuple(dict.fromkeys(out))

    def _do(self, effect: Effect, bound: dict[str, int], name: str) -> None:
        if not (effect.writes or effect.rebinds or effect.resizes):
            return
        text = f".{name}(…)" if not name.startswith("__") else name.strip("_")
        for sort, specs in (("write", effect.writes), ("rebind", effect.rebinds), ("resize", effect.resizes)):
            for spec in specs:
                for value, holder in self.pick(spec, bound):
                    if name == "setdefault" and self._has_key(value, bound):
                        continue
                    self._done(sort, spec, value, holder, text, name)

    def _has_key(self, value: Value, bound: dict[str, int]) -> bool:
        """Whether the key of a call is one that a loop took out of the same dict."""
        keys = {key.obj.owner for key in self.get(bound.get("1"))}
        return bool(keys) and keys <= {ref.obj for ref in value}

    def _done(self, sort: str, spec: str, value: Value, holder: Holder | None, text: str, name: str) -> None:
        every = "[]" in spec or spec.endswith("+")
        if sort == "resize":
            grows = name in ("append", "extend", "appendleft", "extendleft", "add", "update", "setdefault", "__iadd__")
            self.write(value, holder, self.wrote(sort, text, grows=grows), all_of=every)
            for ref in value:
                if name in ("pop", "popleft", "insert", "remove", "clear", "appendleft", "rotate"):
                    self.removed(ref, name)
                self.reordered(ref, name)
            return
        named = isinstance(self.op, ops.Operate) and self.op.augmented == "name"
        write = self.wrote(sort, text)
        self.write(value, holder, write, all_of=every)
        for ref in value:
            self.reordered(ref, name)
        if named:
            self.wrote_by_name(value, holder, write)

    def wrote_by_name(self, value: Value, holder: Holder | None, write: object) -> None:
        """Note `x += y` on a name, which reads like a new value."""

    def removed(self, ref: Ref, name: str) -> None:
        """Note that an item of a container was removed, or others moved."""
        if ref.obj.kind in ("list", "deque") and ref.obj.kind != "iterator":
            if name == "clear":
                for field, _ in self.state.fields(ref.obj):
                    self.state.cells[(ref.obj, field)] = ()
            else:
                self.shift(ref.obj)

    def _take_in(self, effect: Effect, bound: dict[str, int], result: Value) -> None:
        for spec in effect.captures:
            own = "0" in bound and isinstance(self.op, ops.Call) and (self.is_method or "0" in effect.resizes)
            into = self.get(bound["0"]) if own else result
            for value, holder in self.pick(spec, bound):
                for target in into:
                    held = tuple(self.taken(ref, holder) for ref in value)
                    register = bound.get(spec)
                    self.captured(target.obj, "*", held, register)
                    self._store(target.obj, "*", held, weak=True)

    def taken(self, ref: Ref, holder: Holder | None) -> Ref:
        """The reference as a container stores it."""
        if holder is None and ref.loan is None:
            return ref
        return self.lent(ref, "captured", holder if holder is not None or ref.loan is None else ref.loan.source)

    def _result(self, effect: Effect, bound: dict[str, int], op: ops.Op, name: str) -> Value:
        if effect.out is not None and effect.out in bound:
            return self.get(bound[effect.out])
        if effect.items is not None:
            return self._container(effect, bound, name)
        of = [register for spec in effect.of for register in self._registers(spec, bound)]
        match effect.result:
            case "alias":
                return tuple(ref for register in of for ref in self.get(register))
            case "view" | "maybe-view":
                return tuple(
                    made
                    for register in of
                    for ref in self.get(register)
                    for made in self._shared(ref, register, effect, name)
                )
            case "element":
                return self._element(of, effect, bound)
            case "iteration":
                return self.iterate(of, effect.role or ("reversed" if name == "reversed" else ""))
            case "owned":
                return self._owned(effect, bound, of, name)
        return (Ref(self.fresh("unknown", "unknown")),)

    def _registers(self, spec: str, bound: dict[str, int]) -> list[int]:
        base, first, _, _ = _parts_of(spec)
        if first is None:
            return [bound[base]] if base in bound else []
        return [register for key, register in bound.items() if key.isdigit() and int(key) >= first]

    def _owned(self, effect: Effect, bound: dict[str, int], of: list[int], name: str) -> Value:
        kind: str = effect.kind
        if kind == "same":
            like = self.get(of[0] if of else bound.get("0"))
            kind = like[0].obj.kind if like else "unknown"
        obj = self.fresh("result", kind)
        if kind in CONTAINERS and not (kind == "dict" and bound):
            obj.text = "display"
        return (Ref(self.shaped(obj, name, bound)),)

    def shaped(self, obj: Obj, name: str, bound: dict[str, int]) -> Obj:
        """Note the axes and the type of a new array."""
        return obj

    def _shared(self, ref: Ref, register: int, effect: Effect, name: str) -> Value:
        """A view of an argument; an argument that is no tensor is copied where a view is only possible."""
        known = ref.obj.kind in (*TENSORS, "unknown", "memoryview", "bytearray", "array")
        if not known and effect.result == "maybe-view":
            return (Ref(self.fresh("copied", effect.kind if effect.kind != "same" else "unknown")),)
        kind: str = effect.kind if effect.kind != "same" else ref.obj.kind
        verdict = self.certainly(ref.obj, name) if effect.result == "maybe-view" else "view"
        if verdict == "copy":
            self.reading((ref,), "call")
            made = self.fresh("copied", kind)
            made.text = "reshaped" if name in ("reshape", "ravel") else ""
            return (Ref(self.derived(made, (ref,))),)
        return self.view(ref, name, register, kind, maybe=verdict == "maybe")

    def certainly(self, obj: Obj, name: str) -> str:
        """Whether a possible view is one: "view", "copy" or "maybe"."""
        return "maybe"

    def _element(self, of: list[int], effect: Effect, bound: dict[str, int]) -> Value:
        key: object = "*"
        if len(of) == 1 and "1" in bound:
            value = self.get(bound["1"])
            if len(value) == 1:
                const = value[0].obj.const
                key = value[0].obj if const is ... else const
        out = []
        for register in of:
            for ref in self.get(register):
                obj = ref.obj
                if obj.kind == "module" and effect.kind in ("tensor", "var"):
                    out.append(Ref(self.everything(obj)))
                    continue
                found = self.field(obj, key) if obj.kind == "dict" or key != "*" else self.items(obj)
                source = (obj, key)
                out += [self.lent(part, "element", source) for part in found]
        return tuple(out)

    def everything(self, module: Obj) -> Obj:
        """All parameters of a module, as one object."""
        kind = "var" if module.kind == "tenure-module" else "tensor"
        return self.interned(
            ("deep", module), kind, owner=module, field="**", deep=True, summary=True, grad=True, leaf=True
        )

    def _container(self, effect: Effect, bound: dict[str, int], name: str) -> Value:
        kind = str(effect.kind)
        if kind == "same":
            first = self.get(bound.get("0"))
            kind = first[0].obj.kind if first else "unknown"
        new = self.fresh("result", kind, text="display")  # its items are known
        cells = self.state.cells
        if effect.items == "owned":
            item = self.fresh("item", effect.item_kind)
            cells[(new, "*")] = (Ref(self.derived(item, self._values(bound)), None),)
            return (Ref(new),)
        start: int | None = 0
        times = self._times(bound) if name in ("__mul__", "__rmul__") else 1
        for spec in effect.of:
            for register in self._registers(spec, bound):
                for ref in self.get(register):
                    if effect.items == "element" and ref.obj.kind not in ("module", "tenure-module"):
                        self.items_from(new, ref, name, start, times)
                    else:
                        self._spread(new, ref, register, effect, spec)
                start = self.end_of(self.get(register), start)
        return (Ref(new),)

    def _times(self, bound: dict[str, int]) -> int | None:
        """The number of repetitions of a sequence."""
        count = self.get(bound.get("1"))
        number = count[0].obj.const if len(count) == 1 else None
        return number if isinstance(number, int) else None

    def _values(self, bound: dict[str, int]) -> Value:
        return tuple(ref for register in bound.values() for ref in self.get(register))

    def _spread(self, new: Obj, ref: Ref, register: int, effect: Effect, spec: str) -> None:
        """The items of a new container that are an argument, or views of it."""
        obj = ref.obj
        source = self.sources.get(register, register)
        if obj.kind in ("module", "tenure-module"):
            whole = Ref(self.everything(obj) if effect.item_kind != "module" else self.part(obj, "*"))
            copylike = effect.kind == "dict"
            relation, text = ("view", "state_dict") if copylike else ("element", "")
            lent: Value = (self.lent(whole, relation, source, text, copylike=copylike),)
        elif effect.items == "alias":
            lent = (self.lent(ref, "element", source),)
        elif obj.kind in TENSORS and "[]" not in spec:
            lent = self.view(ref, "split", register, effect.item_kind, region=(("?", self.op),))
        else:
            lent = tuple(self.lent(part, "element", source) for part in self.items(obj))
        self.hold(new, "*", lent)

    def iterate(self, registers: list[int], role: str) -> Value:
        """An iterator over the values of registers, which watches them until it ends."""
        raise NotImplementedError
