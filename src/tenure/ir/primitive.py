"""Primitives: the operations of the IR, each declared once with everything known of it.

A rule left out is a TypeError at import. In rules ``x, y`` are inputs, ``ans`` the output, ``g`` its
cotangent, ``dx`` a tangent. ``ops.declare`` has the shorter constructors that derive some of the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, cast

from tenure.ir.applications import Params
from tenure.ir.aval import Aval
from tenure.ir.kind import Kind
from tenure.ir.parts import in_parts
from tenure.ir.program import TABLE, Value
from tenure.ir.traits import NO_TRAITS, Traits

Rule = Callable[..., Any]
Samples = Callable[..., Iterable[tuple[tuple[Any, ...], dict[str, Any]]]]


class _NotDifferentiable:
    def __repr__(self) -> str:
        return "NOT_DIFFERENTIABLE"


NOT_DIFFERENTIABLE: Final = _NotDifferentiable()

UNSIGNED, SIGNED, PARTIAL = range(3)
"""The zeros that a cotangent may hold: +0.0 alone; −0.0 too, a number; −0.0 too, an element that is not selected
(``ops.selection``)."""
Zeros = tuple[Sequence[int] | None, Callable[..., int]]
"""The operands on which it depends what zeros a result holds (None: all), and how: of theirs, and the parameters."""


class Primitive:
    """One operation of the IR.

    ``aval(*avals, **params)`` is the shape and dtype rule and raises TN802; ``ref(np, *arrays, **params)`` is
    the meaning; ``vjp(g, ans, *xs, **params)`` gives one cotangent (or None) per operand in ``argnums``;
    ``jvp(dxs, ans, *xs, **params)`` takes one tangent (or None) per operand in ``argnums``.
    ``accumulate(acc, g, *xs, **params)`` adds the first operand's cotangent into ``acc``, for indexed reads.
    ``in_place`` is the operand whose buffer the result may reuse (``ref`` then takes ``out=``).
    ``alias`` is the operand that the result simply is; programs do without such instructions.
    ``samples(rng, dtype)`` yields operands and parameters for the tests; ``dtypes`` are the kinds claimed.
    ``lower`` says what native code it becomes (``ops.lowering``).
    ``traits`` are what passes may ask of it; ``check(np, *arrays, **params)`` raises before the run what only the
    values can show, as the traits say; None if nothing can.
    ``batch(self, batched, *xs, **params)`` applies it to each example of the operands that have an axis of them
    in front (``ops.batching``).
    ``zeros`` says what zeros its result may hold as a cotangent or tangent; None: numbers of any sign.
    ``split(*xs, **params)`` gives the result on complex operands that it does not take itself, by their parts.
    ``settled(*xs, **params)`` gives a result that may have unselected elements without −0.0, where that is cheaper than
    adding 0.
    """

    __slots__ = (
        "accumulate",
        "alias",
        "argnums",
        "aval",
        "batch",
        "check",
        "dtypes",
        "in_place",
        "jvp",
        "lower",
        "name",
        "ref",
        "samples",
        "settled",
        "split",
        "traits",
        "vjp",
        "zeros",
    )

    def __init__(
        self,
        name: str,
        *,
        aval: Callable[..., Aval],
        ref: Rule,
        vjp: Rule | _NotDifferentiable,
        jvp: Rule | _NotDifferentiable,
        argnums: tuple[int, ...] | None,
        dtypes: str,
        samples: Samples,
        lower: Kind,
        batch: Rule,
        accumulate: Rule | None = None,
        in_place: int | None = None,
        traits: Traits = NO_TRAITS,
        alias: int | None = None,
        zeros: Zeros | None = None,
        settled: Rule | None = None,
    ) -> None:
        if not isinstance(lower, Kind):
            raise TypeError(f"primitive {name!r}: its lowering is {lower!r}, which is no kind of lowering")
        if name in TABLE:
            raise ValueError(f"primitive {name!r} is declared twice")
        self.name = name
        self.aval = aval
        self.ref = ref
        self.vjp = vjp
        self.jvp = jvp
        self.argnums = argnums
        self.dtypes = dtypes
        self.samples = samples
        self.lower = lower
        self.batch = batch
        self.accumulate = accumulate
        self.in_place = in_place
        self.traits, self.check = traits, traits.check if traits.fails else None
        self.alias = alias
        self.zeros, self.settled, self.split = zeros, settled, cast("Rule | None", None)
        TABLE[name] = self

    def differentiable(self, operands: int) -> Sequence[int]:
        """The operands that a gradient may flow to."""
        return range(operands) if self.argnums is None else self.argnums

    def __call__(self, *operands: Value, **params: Any) -> Value:
        return operands[0].builder.emit(self, operands, params)

    def in_parts(self, operands: Sequence[Value], params: Params) -> Value:
        """The result where a dtype among the operands is not claimed, by others (``ir.parts``)."""
        return in_parts(self, operands, params)

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return declared, (self.name,)


def declared(name: str) -> Primitive:
    """The primitive of a name."""
    return TABLE[name]
