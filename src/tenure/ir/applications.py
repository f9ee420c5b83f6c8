"""Applications: a primitive with parameters, on operands of known avals; all that follows from these is known once.

    multiply f32[8] f32[8]        gives f32[8]; a gradient may flow to both operands

``applied`` gives one object for one application, so that an aval rule runs once in a process, not once an instruction.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from tenure.ir import likes
from tenure.ir.aval import Aval
from tenure.ir.likes import Bounded, Kin, Symbolic, Twinned, filled, kin_by, like_of, stripped

if TYPE_CHECKING:
    from tenure.ir.primitive import Primitive

Params = Mapping[str, Any]


class Application(Twinned):
    """A primitive, its parameters, the avals of its operands and that of its result.

    ``size`` is that of the result. ``alias`` is the number of the operand that the result simply is, None if there is
    none. ``flows`` are the numbers of the operands that a gradient may flow to; ``carries`` the same where the result
    can have a gradient. ``reads`` is the size of the operand that it reads by index, -1 if it is no such read.
    ``rules`` keeps the templates of the derivatives (``ir.templates``), each behind a name and a key, ``calls`` the
    calls of generic functions that compute it (``compile.rules``), once they are known. ``kin`` is what it shares with
    others, with its extents.
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
        self.rules: tuple[Any, ...] = ()
        self.calls: Any = None
        self.kin: tuple[Kin | None, tuple[int, ...]] = NONE
        self.hash: int | None = None

    def alike(
        self, kin: tuple[Kin | None, tuple[int, ...]], params: Params, operands: tuple[Aval, ...], aval: Aval
    ) -> Application:
        """The application for other extents."""
        made = self.twin()
        made.kin, made.params, made.operands, made.aval, made.size = kin, params, operands, aval, prod(aval.shape)
        made.rules, made.calls, made.hash = (), None, None
        if self.reads >= 0:
            made.reads = operands[0].size
        return made

    def kept(self, name: Hashable, key: Any) -> Any:
        """The entry of ``rules`` of this name and key; None if there is none."""
        rules = self.rules
        places = [k for k in range(0, len(rules), 3) if rules[k + 1] == key and rules[k] == name]
        return rules[places[0] + 2] if places else None

    def keep(self, name: Hashable, key: Any, value: Any) -> Any:
        """Add an entry to ``rules``; the one that is there already, if another thread has added it."""
        found = self.kept(name, key)
        if found is None:
            self.rules = (*self.rules, name, key, value)
        return value if found is None else found

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
        likes.untracked(key, avals)
        found = table.keep(key, among_kin(primitive, dict(params), avals))
    return found


NONE: tuple[None, tuple[int, ...]] = None, ()
"""The kin of an application whose parameters are no keys, or that holds symbols."""


def among_kin(primitive: Primitive, params: Params, avals: tuple[Aval, ...]) -> Application:
    """An application as the one that stands for it among its kin."""
    extents: list[int] = []
    try:
        said = stripped(tuple(params.items()), extents) if params else ()
        found = [like_of(aval) for aval in avals]
        kin = kin_by((primitive, said, tuple([like for like, _ in found])))
    except (TypeError, Symbolic):
        return Application(primitive, params, avals, primitive.aval(*avals, **params))
    for _, own in found:
        extents += own
    key = tuple(extents)
    at: Application | None = kin.made.get(key)
    if at is None:
        made = of_one_shape(kin, params, avals)
        if made is None:
            made = Application(primitive, params, avals, primitive.aval(*avals, **params))
        made.kin = kin, key
        likes.untracked(made.aval, made.kin)
        at = kin.made.keep(key, made)
    return at


def of_one_shape(kin: Kin, params: Params, avals: tuple[Aval, ...]) -> Application | None:
    """An elementwise application on operands of one shape and on single numbers, from one of its kin; None where there
    is none, or it is not that."""
    shape: tuple[int, ...] = ()
    for aval in avals:
        if aval.shape:
            if shape and aval.shape != shape:
                return None
            shape = aval.shape
    for other in kin.made.values():
        alike = other.primitive.lower.alike
        return other.alike(NONE, params, avals, Aval(shape, *other.aval[1:])) if alike else None
    return None


def like(at: Application, extents: Sequence[int]) -> Application:
    """An application with other extents."""
    if extents == at.kin[1]:
        return at
    left = iter(extents)
    params = filled(tuple(at.params.items()), left)
    return applied(at.primitive, dict(params), filled(at.operands, left))
