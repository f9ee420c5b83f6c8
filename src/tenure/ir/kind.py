"""Kinds of lowering: the contract by which a primitive becomes native code.

A kind says what computing a value reads and at which index, how a kernel of it is emitted, and how it runs op by op.
It knows no code generator: planner, emitter and kernel writer are handed in by the compiler (``compile.stored``,
``compile.elements``, ``compile.kernels``, ``compile.stepwise``). A kind that leaves a rule out cannot be declared.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum, IntEnum
from typing import Any, ClassVar

from tenure.errors import InternalError
from tenure.ir.aval import Aval

Shape = tuple[int, ...]


class Cost(IntEnum):
    """The cost of computing an element once more: nothing (it is moved), an instruction or two, or many."""

    FREE = 0
    LIGHT = 1
    HEAVY = 4


class Role(Enum):
    """The role of a value in a kernel that goes row by row."""

    ROW = "an element for each of the domain's"
    SINGLE = "one element for each row"
    FOLD = "a reduction of each row"
    COLUMN = "a reduction over the rows, of all or of each HEIGHT"
    ALONE = "a value with a loop nest of its own kind"


class Kind(ABC):
    """A kind of lowering.

    ``inline`` ones have elements that can be computed wherever they are read, by ``element``; all others are stored.
    ``alike`` ones take the elements of their operands at their own index, ``numbered`` ones follow from single numbers
    and the element's own number. ``joins`` says that values may share a kernel with others, ``reduces`` that their
    first operand is reduced over the parameter ``axes`` by ``operation``. ``cost`` and ``folds`` are those of an
    element, see ``ops.lowering.Element``. Operand ``value`` is written over operand ``base``, in its buffer if it can
    be, and ``combine`` says how with what is there (None: it replaces that);
    ``why`` says why a library computes it, if one does (``library``).
    ``plain`` says that each element is written once, as it is. ``threaded`` kernels share themselves out over the
    threads; a ``transposed`` product is by the transpose. What ``emit`` does with the writer of a specialised kernel it
    does with that of a ``generic`` one, whose extents are known at the run (``compile.generic_kernels``), and with that
    of a table's rows (``compile.row_calls``).
    """

    inline: ClassVar[bool] = False
    joins: ClassVar[bool] = False
    reduces: ClassVar[bool] = False
    threaded: ClassVar[bool] = False
    generic: bool = True
    transposed: bool = False
    alike: bool = False
    numbered: bool = False
    cost: Cost = Cost.LIGHT
    folds: bool = False
    operation: str = ""
    base: int | None = None
    value: int = 0
    combine: str | None = None
    why: str = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for claim, rule in (("inline", "element"), ("reduces", "role"), ("threaded", "terms"), ("plain", "spot")):
            claimed = getattr(cls, claim) is not getattr(Kind, claim)
            if claimed and getattr(cls, rule) is getattr(Kind, rule):
                raise TypeError(f"the kind of lowering {cls.__name__} is {claim} and has no rule {rule!r}")

    @abstractmethod
    def reads(self, t: Any, v: int, at: Any) -> None:
        """Let the planner ``t`` follow what computing value ``v``, of instruction ``at``, by itself reads."""

    @abstractmethod
    def emit(self, k: Any) -> None:
        """Emit a kernel of this kind with its writer ``k``."""

    @abstractmethod
    def run(self, n: Any, at: Any) -> Callable[..., Any]:
        """The function that computes an instruction on arrays, with the bits of ``emit``; ``n`` has what there is."""

    def element(self, e: Any, index: Any, *xs: int, **params: Any) -> Any:
        """The element at an index, by the emitter ``e``; of ``inline`` kinds."""
        raise InternalError(f"{type(self).__name__} has no elements that are computed where they are read")

    def terms(self, ans: Aval, xs: Sequence[Aval]) -> int:
        """The number of products that are added up; of ``threaded`` kinds."""
        raise InternalError(f"{type(self).__name__} is not shared out by itself")

    def held(self, t: Any, at: Any) -> Iterable[int]:
        """The values that have to lie in memory for it as they are."""
        return ()

    def role(self, ans: Aval, xs: Sequence[Shape], params: Mapping[str, Any], rows: int, n: int) -> Role:
        """The role it can have in a kernel of so many rows of n elements."""
        return Role.ALONE

    def domain(self, x: Shape, params: Mapping[str, Any]) -> tuple[Shape, int] | None:
        """The rows that a kernel of it alone goes over: their shape, and the axis where a row begins."""
        return None

    def library(self, ans: Aval, xs: Sequence[Aval], params: Mapping[str, Any]) -> str | None:
        """The library function that computes it."""
        return None

    def room(self, ans: Aval, xs: Sequence[Aval], params: Mapping[str, Any]) -> int:
        """The bytes that it needs beside operands and result."""
        return 0

    def spot(self, e: Any, index: Any, *xs: int, **params: Any) -> Any:
        """The index in the base at which the element of the value at an index is written; of ``plain`` kinds."""
        raise InternalError(f"{type(self).__name__} writes nothing over a base")

    def written(self, xs: Sequence[Shape], params: Mapping[str, Any]) -> int | None:
        """The number of elements that are written over the base; None where all of the result is."""
        return None

    def parts(self, xs: Sequence[Shape], params: Mapping[str, Any]) -> Sequence[int]:
        """The shape and the offset of the part of a value that is written, for generic kernels."""
        return ()

    def demand(self, k: int, xs: Sequence[Shape], params: Mapping[str, Any], in_place: bool) -> int | None:
        """The number of elements of operand k that it reads; None for all."""
        return None

    @property
    def plain(self) -> bool:
        """Whether elements are written over a base, each once, as they are."""
        return False

    @property
    def heavy(self) -> bool:
        """Whether an element is not to be computed twice."""
        return self.cost is Cost.HEAVY
