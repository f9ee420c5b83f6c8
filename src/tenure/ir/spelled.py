"""Applications of symbols as source, to be made for values of the symbols.

    exp f32[s0, 64]        becomes   v0 = aval((s0, 64), …);  k0 = (s0, 64)
                                     a0 = known0(k0) or new(like0, kin0, k0, (v0,), {}, v0)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tenure.ir.applications import APPLICATIONS, Application, exact
from tenure.ir.aval import Aval
from tenure.ir.extents import Extent, Extents, Lost, Ratio, source, symbolic
from tenure.ir.likes import Kin, Symbolic, kin_by, spelled


class Spelled:
    """Applications of symbols; ``at`` makes those for values of these. What they hold that is no number stands in
    ``names``."""

    __slots__ = ("at", "avals", "lines", "names")

    def __init__(self, once: Sequence[Application], symbols: Extents) -> None:
        self.names: dict[str, Any] = {"aval": new_aval, "new": new, "by_key": by_key}
        self.avals: dict[Any, str] = {}
        self.lines: list[str] = []
        made = [self.application(at) for at in once]
        before = [self.unpacked(symbols), *self.lines]
        self.at: Callable[[Any], list[Application]]
        self.at = symbols.function(f"[{', '.join(made)}]", self.names, ("values",), before)

    def unpacked(self, symbols: Extents) -> str:
        """The statement that names the values of the symbols."""
        return f"({''.join([f'{text}, ' for text in symbols.atoms if text.isalnum()])}) = values"

    def constant(self, value: Any) -> str:
        """The source of what is no number."""
        name = f"c{len(self.names)}"
        self.names[name] = value
        return name

    def application(self, at: Application) -> str:
        """The source of an application; what it needs stands in lines before."""
        if not any(map(symbolic, (*at.params.values(), at.aval.shape, *[aval.shape for aval in at.operands]))):
            return self.constant(at)
        name = f"a{len(self.lines)}"
        params = f"{{{', '.join([f'{key!r}: {self.said(x)}' for key, x in at.params.items()])}}}"
        rest = f"{params}, {self.listed(at.operands)}, {self.aval(at.aval)}"
        extents: list[int] = []
        try:
            kin = kin_by((at.primitive, spelled(tuple(at.params.items()), extents), spelled(at.operands, extents)))
        except (TypeError, Symbolic):
            key = f"({self.constant(at.primitive)}, {self.exact(dict(at.params))}, {self.listed(at.operands)})"
            self.lines.append(f"{name} = by_key({self.constant(at)}, {key}, {rest})")
            return name
        known, own = self.constant(kin.made.get), f"k{len(self.lines)}"
        self.lines.append(f"{own} = {source(tuple(extents))}")
        args = f"{self.constant(at)}, {self.constant(kin)}, {own}, {rest}"
        self.lines.append(f"{name} = {known}({own}) or new({args})")
        return name

    def said(self, value: Any) -> str:
        """The source of a parameter."""
        return source(value) if symbolic(value) else self.constant(value)

    def listed(self, avals: Sequence[Aval]) -> str:
        """The source of avals."""
        return f"({''.join([f'{self.aval(x)}, ' for x in avals])})"

    def aval(self, aval: Aval) -> str:
        """The source of an aval."""
        if not symbolic(aval.shape):
            return self.constant(aval)
        said = source(aval.shape), aval[1:]
        if said not in self.avals:
            self.avals[said] = name = f"v{len(self.lines)}"
            parts = ", ".join([self.constant(x) for x in aval[1:]])
            self.lines.append(f"{name} = aval(({source(aval.shape)}, {parts}))")
        return self.avals[said]

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


def new(like: Application, kin: Kin, extents: tuple[int, ...], *rest: Any) -> Application:
    """The application of a kin for extents that it has not had."""
    return kin.made.keep(extents, like.alike((kin, extents), *rest))  # type: ignore[no-any-return]


def by_key(like: Application, key: Any, *rest: Any) -> Application:
    """An application by its key, new if there is none."""
    found: Application | None = APPLICATIONS.get(key)
    return APPLICATIONS.keep(key, like.alike((None, ()), *rest)) if found is None else found


new_aval: Callable[[Any], Aval] = partial(tuple.__new__, Aval)
"""``Aval._make`` without a call of Python code."""
