"""The arguments of a call, by position and by keyword, and those that an effect names."""

from functools import cache

from tenure.check import ops
from tenure.check.analysis.machine import HIDDEN_FIELDS, Machine
from tenure.check.analysis.views import gradients_of
from tenure.check.effects.effect import HOLDING, TENSORS
from tenure.check.values import Holder, Value

__all__ = ["Arguments", "pick", "registers_of"]

_REACHED_THROUGH = HOLDING | {"iterator", "optimizer"}

_place = cache(str)
"""The name of a position in the tables."""


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


@cache
def _parts_of(spec: str) -> tuple[str, int | None, bool, str]:
    """The parts of an effect's argument such as "0+[].grad": argument, first position, whether items, attribute."""
    path, _, name = spec.partition(".")
    base = path.removesuffix("[]")
    return base, int(base[:-1]) if base.endswith("+") else None, base != path, name


def pick(m: Machine, spec: str, bound: dict[str, int]) -> list[tuple[Value, Holder | None]]:
    """The values that an argument of an effect names, each with its cell."""
    _, _, items, name = _parts_of(spec)
    found: list[tuple[Value, Holder | None]] = [
        (m.get(register), m.sources.get(register)) for register in registers_of(spec, bound)
    ]
    if items:
        found = [cell for value, _ in found for cell in _cells_under(m, value)]
    if name:
        found = [
            ((part,), (ref.obj, name))
            for value, _ in found
            for ref in value
            if ref.obj.kind in TENSORS
            for part in gradients_of(m, ref.obj)
        ]
    return found


def _cells_under(m: Machine, value: Value) -> list[tuple[Value, Holder | None]]:
    """The cells of containers that hold what is reached from a value, at any depth."""
    found: list[tuple[Value, Holder | None]] = []
    reached, seen = list(value), set()
    while reached:
        obj = reached.pop().obj
        if obj in seen:
            continue
        seen.add(obj)
        m.items(obj)  # makes the part of a given container
        for name, held in list(m.state.fields(obj)):
            if name not in HIDDEN_FIELDS and name != "grad":
                inner = [ref for ref in held if ref.obj.kind in _REACHED_THROUGH]
                reached += inner
                if items := tuple(ref for ref in held if ref.obj.kind not in _REACHED_THROUGH):
                    found.append((items, (obj, name)))
    return found


def registers_of(spec: str, bound: dict[str, int]) -> list[int]:
    """The registers that an argument of an effect names."""
    base, first, _, _ = _parts_of(spec)
    if first is None:
        return [bound[base]] if base in bound else []
    return [register for key, register in bound.items() if key.isdigit() and int(key) >= first]
