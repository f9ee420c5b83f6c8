"""Applications of symbols as source, to be made for values of the symbols."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tenure.ir.applications import APPLICATIONS, PLAIN, Application, exact
from tenure.ir.aval import Aval
from tenure.ir.extents import Extent, Extents, Lost, Ratio, source, symbolic


class Spelled:
    """Applications of symbols. What they hold that is no number stands in ``constants``."""

    __slots__ = ("constants", "known", "make", "once", "spelled")

    def __init__(self, once: Sequence[Application], symbols: Extents) -> None:
        self.once = once
        self.constants: list[Any] = []
        self.known: dict[Any, int] = {}
        self.spelled: list[str] = []
        made = []
        for at in once:
            avals = self.avals(at.operands)
            primitive = self.constant(at.primitive)
            exactly = f"{self.exact(dict(at.params))}, " if at.params else ""
            params = [f"{name!r}: {self.said(x)}" for name, x in at.params.items()]
            key = f"({primitive}, {exactly}{avals})"
            made.append(f"({key}, {{{', '.join(params)}}}, {avals}, {self.aval(at.aval)})")
        names = {"c": self.constants, "aval": new_aval, "int": int, "float": float, "repr": repr}
        inner, listed = ", ".join([f"a{k}" for k in range(len(self.spelled))]), ", ".join(self.spelled)
        text = f"(lambda {inner}: ({''.join([f'{one}, ' for one in made])}))({listed})"
        self.make = symbols.function(text, names)

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
        text = f"aval(({source(aval.shape)}, {', '.join([self.constant(x) for x in aval[1:]])}))"
        said = source(aval.shape), aval[1:]
        if said not in self.known:
            self.known[said] = len(self.spelled)
            self.spelled.append(text)
        return f"a{self.known[said]}"

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
        found = []
        for like, (key, params, operands, aval) in zip(self.once, self.make(*values), strict=True):
            table = PLAIN if len(key) == 2 else APPLICATIONS
            at = table.get(key)
            found.append(table.keep(key, like.alike(params, operands, aval)) if at is None else at)
        return found


new_aval: Callable[[Any], Aval] = partial(tuple.__new__, Aval)
"""``Aval._make`` without a call of Python code."""
