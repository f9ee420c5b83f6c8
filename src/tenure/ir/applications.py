"""Applications: a primitive with parameters, on operands of known avals; all that follows from these is known once.

    multiply f32[8] f32[8]        gives f32[8]; a gradient may flow to both operands

``applied`` gives one object for one application, so that an aval rule runs once in a process, not once an instruction.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from tenure.ir.aval import Aval

if TYPE_CHECKING:
    from tenure.ir.primitive import Primitive

MOST = 1 << 14
"""Entries at which a table is emptied: under thousands of shapes it would else grow for good."""

Params = Mapping[str, Any]


class Application:
    """A primitive, its parameters, the avals of its operands and that of its result.

    ``size`` is that of the result. ``alias`` is the number of the operand that the result simply is, None if there is
    none. ``flows`` are the numbers of the operands that a gradient may flow to; ``carries`` the same where the result
    can have a gradient. ``reads`` is the size of the operand that it reads by index, -1 if it is no such read.
    ``rules`` keeps the templates of the derivatives (``ir.templates``), ``calls`` the calls of generic functions that
    compute it (``compile.rules``), ``kin`` what it shares with others (``ir.kin``), once they are known.
    """

    __slots__ = (
        "alias", "aval", "calls", "carries", "flows", "hash", "kin", "operands", "params", "primitive", "reads",
        "rules", "size",
    )  # fmt: skip

    def __init__(self, primitive: Primitive, params: Params, operands: tuple[Aval, ...], aval: Aval) -> None:
        self.primitive = primitive
        self.params = params
        self.operands = operands
        self.aval = aval
        self.size = aval.size
        self.alias = primitive.alias
        self.flows = tuple(primitive.differentiable(len(operands)))
        self.carries = self.flows if aval.dtype.has_gradient else ()
        self.reads = operands[0].size if primitive.accumulate is not None else -1
        self.rules: dict[Any, Any] = {}
        self.calls: Any = None
        self.kin: Any = None
        self.hash: int | None = None

    def alike(self, params: Params, operands: tuple[Aval, ...], aval: Aval) -> Application:
        """The application for other extents."""
        made = Application.__new__(Application)
        made.primitive, made.params, made.operands, made.aval = self.primitive, params, operands, aval
        made.size, made.alias, made.flows, made.carries = prod(aval.shape), self.alias, self.flows, self.carries
        made.reads = -1 if self.reads < 0 else operands[0].size
        made.rules, made.calls, made.kin, made.hash = {}, None, None, None
        return made

    def __reduce__(self) -> Any:
        """In another process it is one of that process."""
        return applied, (self.primitive, self.params, self.operands)

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Application)
            and self.primitive is other.primitive
            and self.operands == other.operands
            and self.aval == other.aval
            and dict(exact(self.params)) == dict(exact(other.params))
        )

    def __hash__(self) -> int:
        if self.hash is None:
            try:
                self.hash = hash((self.primitive, self.operands, frozenset(exact(self.params))))
            except TypeError:  # a parameter without a hash
                self.hash = hash((self.primitive, self.operands))
        return self.hash

    def __repr__(self) -> str:
        return f"{self.primitive}({', '.join(map(str, self.operands))}; {dict(self.params)})"


class Bounded(dict[Any, Any]):
    """Table that is emptied when it is full. Whatever is looked up in it can be made once more."""

    def keep(self, key: Any, value: Any) -> Any:
        """Add an entry; the one that is there already, if another thread has added it."""
        if len(self) >= MOST:
            self.clear()
        return self.setdefault(key, value)


def exact(value: Any) -> Any:
    """A parameter, or all of them in their order, as a key that tells 1 from True and 1.0, and 0.0 from −0.0."""
    kind = type(value)
    if kind is dict:
        return tuple([(name, exact(of)) for name, of in value.items()])
    if kind is tuple:
        return tuple(map(exact, value))
    return (kind, repr(value)) if isinstance(value, float) else (kind, value)


APPLICATIONS = Bounded()
PLAIN = Bounded()
"""Applications without parameters, by the primitive and the avals."""


def applied(primitive: Primitive, params: Params, avals: tuple[Aval, ...]) -> Application:
    """The application; shape and dtype errors are raised here, each time."""
    try:
        table, key = (APPLICATIONS, (primitive, exact(params), avals)) if params else (PLAIN, (primitive, avals))
        found: Application | None = table.get(key)
    except TypeError:  # a parameter without a hash
        return Application(primitive, params, avals, primitive.aval(*avals, **params))
    if found is None:
        found = table.keep(key, Application(primitive, dict(params), avals, primitive.aval(*avals, **params)))
    return found
