"""Rules: the memo of an operation on operands of known avals, as calls of generic functions.

A rule follows from an application (``ir.applications``) alone: nobody looks at a shape twice.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from struct import Struct
from typing import Any

import numpy as np

from tenure.compile.generic_library import Function, provide
from tenure.compile.row_calls import Call, CallWriter, check, copy
from tenure.dtypes import float64
from tenure.errors import InternalError
from tenure.ir.applications import Application
from tenure.ir.aval import Aval
from tenure.ir.extents import symbolic
from tenure.ir.primitive import Primitive
from tenure.ops.convert import number_in
from tenure.runtime.table import MOST as PLACES
from tenure.runtime.table_plan import CONSTANT, TEMP, room

__all__ = ["RULES", "Rule", "publish", "rule_of"]

MOST = 1 << 14
"""Rules that are kept."""
NUMBER, ROOM = 4, 5
"""The words of a record where the number of all elements stands, and the size and class of the result's room."""
WORD = 8
"""Bytes of a word, and of the largest number that a record says."""


class Rule:
    """The calls of an operation.

    ``alias`` is the operand that the result is in another shape, and ``writes`` the operand whose buffer it may be
    written into; -1 if there is none. ``number`` is every element of the result as a word, if it is known. ``temps``
    are the bytes of the buffers between calls. ``native`` is False for what Python computes. ``record`` says all that
    in words, as the planner reads them; ``start`` is its address.
    """

    __slots__ = ("alias", "calls", "native", "number", "numbers", "record", "start", "temps", "writes")

    def __init__(self, at: Application) -> None:
        primitive, params, avals, ans = at.primitive, at.params, at.operands, at.aval
        self.alias, self.writes, self.native = -1, -1, True
        self.number: int | None = None
        self.calls: list[Call] = []
        self.temps: list[int] = []
        same = 0 if primitive.traits.in_order else primitive.alias
        if same is not None and avals[same].dtype is ans.dtype:
            self.alias = same
        else:
            self.computed(primitive, params, avals, ans)

    def computed(self, primitive: Primitive, params: Mapping[str, Any], avals: Sequence[Aval], ans: Aval) -> None:
        """Find the calls: the checks, then those that the kind of lowering emits; Python's turn where it cannot."""
        if primitive.traits.number is not None and ans.size and ans.dtype.itemsize <= WORD:
            number = primitive.traits.number(**params)
            self.number = number if symbolic(number) else word_of(number, ans)
            self.calls = [copy([(ans.size, 0, 1)], ans.dtype.itemsize, CONSTANT)] if ans.size > 1 else []
        elif ans.size:
            k = CallWriter(primitive, params, avals, ans)
            try:
                k.lower.emit(k)
            except InternalError:
                self.native = False
                return
            self.calls, self.temps = k.calls, k.temps
            self.native = all(len(call.spots) <= PLACES for call in k.calls)
            if primitive.in_place is not None and primitive.in_place == k.lower.base:
                self.writes = primitive.in_place
        self.calls = [*checked(primitive, params, avals), *self.calls] if self.native else []

    def head(self, arity: int) -> list[int]:
        """The words of the record before its rows; two of them are for the room of the result."""
        length = sum([3 + len(call.spots) for call in self.calls]) if self.native else 3
        constant = 0 if self.number is None else 2 if self.calls else 1
        number = self.number or 0
        return [arity, self.alias, self.writes, constant, number, 0, 0, sum(self.temps), length, len(self.calls)]

    def spots(self) -> list[list[int]]:
        """The spots of each call, as the planner reads them."""
        starts = [TEMP - sum(self.temps[:k]) for k in range(len(self.temps))]
        return [[starts[TEMP - spot] if spot <= TEMP else spot for spot in call.spots] for call in self.calls]

    def words(self, arity: int, nbytes: int, found: Sequence[array[int]]) -> list[int]:
        """The words of the record, with the numbers of each call in memory."""
        rows = self.head(arity)
        rows[ROOM : ROOM + 2] = room(nbytes)
        for call, numbers, spots in zip(self.calls, found, self.spots(), strict=True):
            rows += (call.function.address, numbers.buffer_info()[0], len(spots), *spots)
        return rows

    def whole(self, at: Application) -> Rule:
        """The rule of an application with its calls."""
        return self

    def kept(self, at: Application) -> bool:
        """Keep it as that of an application, if its record is there already."""
        return False

    def settle(self, at: Application) -> None:
        """Write the record, when its functions have addresses."""
        self.numbers = [call.words() for call in self.calls]
        self.record = array("q", self.words(len(at.operands), at.aval.nbytes, self.numbers))
        self.start = self.record.buffer_info()[0]


DOUBLE, WORDS = Struct("<d"), Struct("<q")

RULES: dict[Application, Rule] = {}
"""Rules that were made, by their applications; an application that has met its rule keeps it."""


def rule_of(at: Application) -> Rule:
    """The rule of an application, with the addresses of its functions."""
    found = RULES.get(at)
    if found is None:
        publish({at: Rule(at)})
        found = at.calls  # another thread may have emptied the table
    return found


def publish(fresh: Mapping[Application, Rule], more: Sequence[Function] = ()) -> None:
    """Provide the functions of new rules, and keep these."""
    functions = dict.fromkeys(more)
    fresh = {at: rule for at, rule in fresh.items() if not rule.kept(at)}
    for rule in fresh.values():
        functions.update(dict.fromkeys([call.function for call in rule.calls]))
    if functions:
        provide(list(functions))
    if len(RULES) + len(fresh) > MOST:
        RULES.clear()
    for at, rule in fresh.items():
        rule.settle(at)
        RULES[at] = at.calls = rule


def checked(primitive: Primitive, params: Mapping[str, Any], avals: Sequence[Aval]) -> list[Call]:
    """The checks of what only the values of operands show."""
    limit, indices = primitive.traits.limit, primitive.traits.indices
    found: list[Call] = []
    if limit is not None and limit.concerns(avals[limit.operand].dtype.kind) and all(aval.size for aval in avals):
        aval = avals[limit.operand]
        found.append(check(limit.operand, aval, *limit.window(8 * aval.dtype.itemsize)))
    if primitive.traits.interval is not None:
        interval = primitive.traits.interval(**params)
        aval = avals[interval.operand]
        if aval.size:
            found.append(check(interval.operand, aval, *interval.window(np, aval.dtype.numpy)))
    if indices is not None:
        for k, _, size in indices(*avals, **params):
            if avals[k].size:
                found.append(check(k, avals[k], -size, 2 * size))
    return found


def word_of(number: Any, aval: Aval) -> int:
    """The word that begins with an element."""
    if type(number) is float and aval.dtype is float64:
        return WORDS.unpack(DOUBLE.pack(number))[0]  # type: ignore[no-any-return]
    with np.errstate(all="ignore"):
        data = number_in(np, number, aval.dtype).tobytes()
    return int.from_bytes(data.ljust(8, b"\0"), "little", signed=True)
