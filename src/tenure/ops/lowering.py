"""The kinds of lowering: how a primitive becomes native code, said without the code generator.

An elementwise rule is written over an emitter ``e`` that is handed in: ``rule(e, index, *xs, **params)`` gives
the element of the result at an index, reading operands by ``e.at(x, index)``. The same rule serves every fused
kernel. The other kinds say which loop nest they are. ``ir.kind`` has the contract that each of them fulfils.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, ClassVar

from tenure.errors import InternalError
from tenure.ir.aval import Aval
from tenure.ir.kind import Cost, Kind, Role, Shape
from tenure.ops.order import HEIGHT, extent

Rule = Callable[..., Any]
Params = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Element(Kind):
    """The element at an index, from elements of the operands. ``HEAVY`` rules are not computed twice.

    ``alike`` ones take the element at the same index of every operand, which broadcast; ``numbered`` ones follow from
    single numbers and the element's number in C order. ``folds`` says that LLVM computes it where the operands are
    constants; ``exact`` that NumPy gives its bits (None: unless it is heavy).
    """

    inline: ClassVar[bool] = True
    joins: ClassVar[bool] = True
    rule: Rule
    cost: Cost = Cost.LIGHT
    alike: bool = False
    numbered: bool = False
    folds: bool = False
    exact: bool | None = None

    def element(self, e: Any, index: Any, *xs: int, **params: Any) -> Any:
        return self.rule(e, index, *xs, **params)

    def reads(self, t: Any, v: int, at: Any) -> None:
        t.elements(v)

    def emit(self, k: Any) -> None:
        k.map()

    def run(self, n: Any, at: Any) -> Callable[..., Any]:
        exact = not self.heavy if self.exact is None else self.exact
        return n.reference(at) if exact else n.generic(at)  # type: ignore[no-any-return]

    def role(self, ans: Aval, xs: Sequence[Shape], params: Params, rows: int, n: int) -> Role:
        return Role.ROW if ans.size == rows * n else Role.SINGLE if ans.size == rows else Role.ALONE


@dataclass(frozen=True, slots=True)
class Fold(Kind):
    """A reduction over ``axes`` by add, max or min, in the order of DESIGN.md section 4."""

    joins: ClassVar[bool] = True
    reduces: ClassVar[bool] = True
    operation: str

    def reads(self, t: Any, v: int, at: Any) -> None:
        t.whole(at.operands[0])
        t.one_loop(at.operands[0], at.params["axes"])

    def emit(self, k: Any) -> None:
        k.folds(self.operation)

    def run(self, n: Any, at: Any) -> Callable[..., Any]:
        return n.reference(at) if "block" in at.params else n.generic(at)  # type: ignore[no-any-return]

    def role(self, ans: Aval, xs: Sequence[Shape], params: Params, rows: int, n: int) -> Role:
        sizes, block = extent(xs[0], params["axes"]), params.get("block", 0)
        if sizes == (rows, n, 1) and not block:
            return Role.FOLD
        columns = sizes == (1, rows, n) and n > 1 and block == (HEIGHT if rows > HEIGHT else 0)
        return Role.COLUMN if columns else Role.ALONE

    def domain(self, x: Shape, params: Params) -> tuple[Shape, int] | None:
        run = params["axes"]
        return (x, run[0] if extent(x, run)[2] == 1 else run[-1] + 1) if prod(x) else None


@dataclass(frozen=True, slots=True)
class Search(Kind):
    """The index along ``axis`` of the first max or min."""

    operation: str

    def reads(self, t: Any, v: int, at: Any) -> None:
        t.whole(at.operands[0])

    def emit(self, k: Any) -> None:
        k.search(self.operation)

    def run(self, n: Any, at: Any) -> Callable[..., Any]:
        return n.reference(at)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Scan(Kind):
    """Reductions of all beginnings along ``axis``, by add, multiply, max, min or ``recurrence``: h = a · h + b.

    The order is that of ``compile.scans``. ``part`` is what is computed of it: all (``whole``), in one chain
    (``serial``), the last result of each span (``totals``), or all from a value for each span on, the last operand
    (``onward``).
    """

    operation: str
    part: str = "whole"

    def held(self, t: Any, at: Any) -> Iterable[int]:
        return t.lying(at)  # type: ignore[no-any-return]

    def reads(self, t: Any, v: int, at: Any) -> None:
        t.reads.update(self.held(t, at))

    def emit(self, k: Any) -> None:
        k.scan(self)

    def run(self, n: Any, at: Any) -> Callable[..., Any]:
        return n.generic(at) if self.part == "whole" else n.reference(at)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Write(Kind):
    """A copy of operand ``base`` (zeros if None), then a store of each element of a value.

    ``place(e, index, *xs, **params)`` is where in the result the element of operand ``value`` at an index goes.
    ``combine`` (add, multiply, maximum or minimum) says what becomes of it and the element there; None: it is stored.
    ``part(shape, **params)`` gives, where not all of the value is written, the shape of the part and its offset.
    ``ordered`` writes may meet the same place twice, unless a parameter ``unique`` says no, and keep index order; all
    others are shared out over threads in any order. It has no default: a wrong one is a race.
    ``blank`` results are read only where they were written.
    """

    place: Rule
    value: int
    base: int | None
    ordered: bool = field(kw_only=True)
    combine: str | None = None
    part: Rule | None = None
    blank: bool = False

    @property
    def plain(self) -> bool:
        return self.base is not None and self.combine is None and not self.ordered and self.part is None

    def spot(self, e: Any, index: Any, *xs: int, **params: Any) -> Any:
        return self.place(e, index, *xs, **params)

    def reads(self, t: Any, v: int, at: Any) -> None:
        if self.base is not None:
            t.whole(at.operands[self.base])
        x = at.operands[self.value]
        t.whole(x)
        t.into(v, self.place(t, t.index(x), *at.operands, **at.params))

    def emit(self, k: Any) -> None:
        k.write(self)

    def run(self, n: Any, at: Any) -> Callable[..., Any]:
        return n.reference(at)  # type: ignore[no-any-return]

    def written(self, xs: Sequence[Shape], params: Params) -> int | None:
        shape = xs[self.value]
        return prod(shape if self.part is None else self.part(shape, **params)[0])

    def parts(self, xs: Sequence[Shape], params: Params) -> Sequence[int]:
        if self.part is None:
            return ()
        shape, offset = self.part(xs[self.value], **params)
        return (*shape, *offset)

    def demand(self, k: int, xs: Sequence[Shape], params: Params, in_place: bool) -> int | None:
        if k == self.value or (k == self.base and in_place and self.combine):
            return self.written(xs, params)
        return 0 if k == self.base and in_place else None


@dataclass(frozen=True, slots=True)
class Pieces(Kind):
    """The operands, written one after the other along ``axis``."""

    def reads(self, t: Any, v: int, at: Any) -> None:
        for o in at.operands:
            t.whole(o)

    def emit(self, k: Any) -> None:
        k.pieces()

    def run(self, n: Any, at: Any) -> Callable[..., Any]:
        return n.reference(at)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Product(Kind):
    """A matrix product over the last two axes; of the ``transposed`` right operand, where it says so."""

    threaded: ClassVar[bool] = True
    generic: bool = False
    transposed: bool = False
    why: str = "it is written for each processor's caches and registers"

    def held(self, t: Any, at: Any) -> Iterable[int]:
        return [o for o, _ in t.matrices(at)]

    def reads(self, t: Any, v: int, at: Any) -> None:
        t.reads.update(self.held(t, at))

    def emit(self, k: Any) -> None:
        k.product()

    def run(self, n: Any, at: Any) -> Callable[..., Any]:
        return n.turned if self.transposed else n.multiplied  # type: ignore[no-any-return]

    def terms(self, ans: Aval, xs: Sequence[Aval]) -> int:
        return ans.size * xs[0].shape[-1]

    def library(self, ans: Aval, xs: Sequence[Aval], params: Params) -> str | None:
        return f"BLAS {'sgemm' if ans.dtype.itemsize == 4 else 'dgemm'}" if ans.dtype.kind == "f" else None


@dataclass(frozen=True, slots=True)
class Routine(Kind):
    """A routine of the run time (``compile.routines``), on operands as they lie in memory and keys of the first one's
    width. ``numbers(ans, xs, **params)`` are its sizes, ``space`` the bytes of room that it needs, and ``work`` the
    number of products that take its time. ``host`` is the library function that it calls, if it calls one; ``same``
    says that NumPy gives its bits."""

    threaded: ClassVar[bool] = True
    name: str
    numbers: Rule
    work: Rule
    space: Rule = field(default=lambda ans, xs, **params: 0)
    host: str | None = None
    same: bool = True
    why: str = ""
    generic: bool = False

    def held(self, t: Any, at: Any) -> Iterable[int]:
        return t.lying(at)  # type: ignore[no-any-return]

    def reads(self, t: Any, v: int, at: Any) -> None:
        t.reads.update(self.held(t, at))

    def emit(self, k: Any) -> None:
        k.routine(self)

    def run(self, n: Any, at: Any) -> Callable[..., Any]:
        return n.reference(at) if self.host is None and self.same else n.generic(at)  # type: ignore[no-any-return]

    def terms(self, ans: Aval, xs: Sequence[Aval]) -> int:
        return self.work(ans, xs)  # type: ignore[no-any-return]

    def room(self, ans: Aval, xs: Sequence[Aval], params: Params) -> int:
        return self.space(ans, xs, **params)  # type: ignore[no-any-return]

    def library(self, ans: Aval, xs: Sequence[Aval], params: Params) -> str | None:
        return self.host

    def symbol(self, xs: Sequence[Aval]) -> str:
        """The name by which code calls it."""
        return f"{self.name}{8 * xs[0].dtype.itemsize}"


@dataclass(frozen=True, slots=True)
class Ordered(Routine):
    """A routine that compares numbers, whole ones or floats."""

    def symbol(self, xs: Sequence[Aval]) -> str:
        return f"{self.name}{'f' * xs[0].dtype.is_floating}{8 * xs[0].dtype.itemsize}"


@dataclass(frozen=True, slots=True)
class Library(Routine):
    """A routine that calls LAPACK's ``calls`` for real and complex matrices, by their last axes.

    It runs without Python's lock, on our threads, in room from the memory plan.
    """

    calls: tuple[str, str] = ("", "")
    why: str = "pivots, signs, blocks and accuracy are the library's"

    def run(self, n: Any, at: Any) -> Callable[..., Any]:
        return n.generic(at)  # type: ignore[no-any-return]

    def symbol(self, xs: Sequence[Aval]) -> str:
        return f"{self.name}_{LETTERS[xs[0].dtype.name]}"

    def library(self, ans: Aval, xs: Sequence[Aval], params: Params) -> str | None:
        letter = LETTERS[ans.dtype.name]
        name = self.calls[letter in "cz"]
        return f"{'BLAS' if name == 'trsm' else 'LAPACK'} {letter}{name}"


LETTERS = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}
"""BLAS's letters of dtypes."""


@dataclass(frozen=True, slots=True)
class Rewritten(Kind):
    """Others, which ``simplify`` puts in its place: no pass behind it meets one."""

    generic: bool = False

    def reads(self, t: Any, v: int, at: Any) -> None:
        raise InternalError(f"{at.primitive} was to be rewritten by simplify")

    def emit(self, k: Any) -> None:
        raise InternalError("what simplify rewrites has no kernel")

    def run(self, n: Any, at: Any) -> Callable[..., Any]:
        return n.reference(at)  # type: ignore[no-any-return]


def elementwise(
    function: Rule, cost: Cost = Cost.LIGHT, *, folds: bool = False, exact: bool | None = None
) -> Element:
    """The rule of an elementwise primitive from a function of elements, operands broadcasting."""

    def rule(e: Any, index: Any, *xs: Any, **params: Any) -> Any:
        return function(e, *[e.at(x, e.broadcast(index, x)) for x in xs], **params)

    return Element(rule, cost, alike=True, folds=folds, exact=exact)


def moving(rule: Rule) -> Element:
    """The rule of what gives elements as they are, or makes them from nothing."""
    return Element(rule, Cost.FREE, folds=True)
