"""Applications of symbols as source, to be made for values of the symbols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenure.ir.applications import APPLICATIONS, PLAIN, Application, exact
from tenure.ir.aval import Aval
from tenure.ir.extents import Extent, Extents, Lost, Ratio, source, symbolic


class Spelled:
    """Applications of symbols. What they hold that is no number stands in ``constants``."""

    __slots__ = ("constants", "keys", "make", "once")

    def __init__(self, once: Sequence[Application], symbols: Extents) -> None:
        self.once = once
        self.constants: list[Any] = []
        keys, made = [], []
        for at in once:
            avals = self.avals(at.operands)
            primitive = self.constant(at.primitive)
            exactly = f"{self.exact(dict(at.params))}, " if at.params else ""
            keys.append(f"({primitive}, {exactly}{avals})")
            params = [f"{name!r}: {self.said(x)}" for name, x in at.params.items()]
            made.append(f"({primitive}, {{{', '.join(params)}}}, {avals}, {self.avals((at.aval,))}[0])")
        names = {"c": self.constants, "Aval": Aval, "int": int, "float": float, "repr": repr}
        self.keys = symbols.function(f"({''.join([f'{key}, ' for key in keys])})", names)
        self.make = symbols.function(f"({''.join([f'{one}, ' for one in made])})", names)

    def constant(self, value: Any) -> str:
        """The source of what is no number."""
        self.constants.append(value)
        return f"c[{len(self.constants) - 1}]"

    def said(self, value: Any) -> str:
        """The source of a parameter."""
        return source(value) if symbolic(value) else self.constant(value)

    def avals(self, avals: Sequence[Aval]) -> str:
        """The source of avals."""
        return f"({''.join([f'{self.aval(x)}, ' for x in avals])})"

    def aval(self, aval: Aval) -> str:
        """The source of an aval."""
        if not symbolic(aval.shape):
            return self.constant(aval)
        return f"Aval({source(aval.shape)}, *{self.constant(aval[1:])})"

    def exact(self, value: Any) -> str:
        """The source of a parameter as a key (``applications.exact``)."""
        if not (isinstance(value, dict) and any(map(symbolic, value.values()))) and not symbolic(value):
            return self.constant(exact(value))
        if isinstance(value, dict):
            return f"({''.join([f'({name!r}, {self.exact(x)}), ' for name, x in value.items()])})"
        if isinstance(value, tuple):
            return f"({''.join([f'{self.exact(x)}, ' for x in value])})"
        if isinstance(value, Extent):
            return f"(int, {value.text})"
        if isinstance(value, Ratio):
            return f"(float, repr({value.text}))"
        raise Lost

    def at(self, values: tuple[int, ...]) -> list[Application]:
        """The applications for values of the symbols."""
        keys = self.keys(*values)
        found: list[Any] = [(APPLICATIONS if len(key) == 3 else PLAIN).get(key) for key in keys]
        if None in found:
            made = self.make(*values)
            for k, at in enumerate(found):
                if at is None:
                    table = APPLICATIONS if len(keys[k]) == 3 else PLAIN
                    found[k] = table.keep(keys[k], Application(*made[k]))
        return found
