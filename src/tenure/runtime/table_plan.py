"""Planner of tables: rows and places in memory of a list of operations, natively.

    code      two lists: the addresses of the operations' records, and the numbers of all their operands' values
    record    what is known of the operation: ``FIELDS``, then the words of its rows

Values are numbered: inputs first, then one for each operation. A value's home is the one whose buffer it lies in. In
the rows of a record, a place is a spot: operand 0, 1, …, RESULT, CONSTANT, or TEMP less an offset into a room that all
operations share, as it is used within one.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from tenure.runtime.assembler import Function, Module
from tenure.runtime.native import load
from tenure.runtime.table import HEADER, TABLE, place

__all__ = ["CLASSES", "CONSTANT", "FIELDS", "RESULT", "TEMP", "addresses", "lay", "read", "room", "take_over"]

FIELDS = ("arity", "alias", "writes", "constant", "number", "size", "class", "temps", "length", "rows")
"""Words of a record before its rows. ``alias``: the operand that the result is in another shape, ``writes``: the one
whose buffer it may be written into, or -1. ``constant``: 1 if the result is ``number``, a word of the table, 2 if rows
spread that, else 0. ``size`` and ``class`` are those of the result's buffer, ``temps`` is the room it needs beside.
``length`` are the words of ``rows`` rows; an operation without native rows has none, and one row that is Python's
turn."""
RESULT, CONSTANT, TEMP = -1, -2, -3
CLASSES = 256
"""The number of size classes."""
ALIGN, FINE = 64, 8
"""Bytes of which a room is a multiple, and the bits of the largest one for which any multiple will do."""
_ELSEWHERE = place(1)
"""Places from here on are not in the arena."""


class Plan(Function):
    """Code over the lists of a plan."""

    def word(self, at: str, k: str | int) -> str:
        """A word of a list."""
        return self.load(self.at(at, k if isinstance(k, str) else f"i64 {k}", "i64"), "i64")

    def put(self, x: str, at: str, k: str | int) -> None:
        """Set a word of a list."""
        self.store(x, self.at(at, k if isinstance(k, str) else f"i64 {k}", "i64"))

    def field(self, record: str, name: str) -> str:
        """A word of a record."""
        return self.word(record, FIELDS.index(name))

    def less(self, x: str, y: str) -> str:
        """Whether a number is less than another."""
        return self.value("i1", f"icmp slt {x}, {y.split()[1]}")

    def raised(self, at: str, by: str) -> None:
        """Add to a number in memory."""
        self.store(self.do("add", self.load(at, "i64"), by), at)

    def operations(self, code: str) -> str:
        """A cursor at the first operation."""
        cursor = self.local(count=2)
        for k in range(2):
            self.store(self.load(self.at(code, f"i64 {k}")), self.at(cursor, f"i64 {k}"))
        return cursor

    def step(self, cursor: str) -> tuple[str, str]:
        """The record and the operands of the operation at a cursor, which goes on to the next."""
        at, behind = self.load(cursor), self.at(cursor, "i64 1")
        record, operands = self.load(at), self.load(behind)
        self.store(self.at(at, "i64 1"), cursor)
        self.store(self.at(operands, self.field(record, "arity"), "i64"), behind)
        return record, operands

    def cursor(self, start: str) -> str:
        """A pointer in memory."""
        at = self.local()
        self.store(start, at)
        return at


def _read(m: Module[Plan]) -> None:
    """Find homes and last uses; in ``totals``, the words of all rows, the constants, and the room for buffers."""
    args = ("ptr %code", "i64 %count", "i64 %inputs", "ptr %homes", "ptr %last", "ptr %places", "ptr %totals")
    with m.function("read", *args, returns="void", exported=True) as f:
        with f.each("i64 %inputs") as v:
            f.put(v, "ptr %homes", v)
            f.put("i64 -1", "ptr %last", v)
        cursor = f.operations("ptr %code")
        with f.each("i64 %count") as k:
            v = f.do("add", k, "i64 %inputs")
            record, operands = f.step(cursor)
            with f.each(f.field(record, "arity")) as j:
                f.put(v, "ptr %last", f.word("ptr %homes", f.word(operands, j)))
            f.put(v, "ptr %last", v)
            f.put(v, "ptr %homes", v)
            alias = f.field(record, "alias")
            with f.unless(f.less(alias, "i64 0")):
                f.put(f.word("ptr %homes", f.word(operands, alias)), "ptr %homes", v)
            constant = f.field(record, "constant")
            with f.when(f.equal(constant, "i64 1")):
                f.put("i64 -1", "ptr %places", v)
            f.raised("ptr %totals", f.field(record, "length"))
            f.raised(f.at("ptr %totals", "i64 1", "i64"), constant)
            with f.when(f.less(f.word("ptr %totals", 2), f.field(record, "temps"))):
                f.put(f.field(record, "temps"), "ptr %totals", 2)
        f.ret()


def _take_over(m: Module[Plan]) -> None:
    """Give results the buffer of what they are written over, if nobody reads it later. Pairs of a value and the input
    whose array it may take are listed in ``donors``; their number."""
    args = ("ptr %code", "i64 %count", "i64 %inputs", "ptr %homes", "ptr %last", "ptr %places", "ptr %donors")
    with m.function("take_over", *args, returns="i64", exported=True) as f:
        cursor, found, same = f.operations("ptr %code"), f.local("i64"), f.local("i64")
        f.store("i64 0", found)
        with f.each("i64 %count") as k:
            v = f.do("add", k, "i64 %inputs")
            record, operands = f.step(cursor)
            f.put(f.word("ptr %homes", f.word("ptr %homes", v)), "ptr %homes", v)
            writes = f.field(record, "writes")
            with f.unless(f.less(writes, "i64 0")):
                base = f.word("ptr %homes", f.word(operands, writes))
                f.store("i64 0", same)
                with f.each(f.field(record, "arity")) as j:
                    again = f.equal(f.word("ptr %homes", f.word(operands, j)), base)
                    f.raised(same, f.value("i64", f"zext {again} to i64"))
                free = f.both(f.equal(f.word("ptr %last", base), v), f.equal(f.load(same, "i64"), "i64 1"))
                given = f.less(base, "i64 %inputs")
                with f.when(f.both(free, given)):
                    at = f.at("ptr %donors", f.do("mul", f.load(found, "i64"), "i64 2"), "i64")
                    f.put(v, at, 0)
                    f.put(base, at, 1)
                    f.raised(found, "i64 1")
                plain = f.equal(f.word("ptr %places", base), "i64 0")
                with f.when(f.both(f.both(free, plain), f.negation(given))):
                    f.put(base, "ptr %homes", v)
                    f.put(f.word("ptr %last", v), "ptr %last", base)
        f.ret(f.load(found, "i64"))


def _rows(m: Module[Plan]) -> None:
    """Write the rows of an operation; the end of what is written."""
    args = ("ptr %record", "ptr %operands", "ptr %places", "i64 %where", "i64 %constant", "i64 %room", "ptr %out")
    with m.function("rows", *args) as f:
        source, out = f.cursor(f.at("ptr %record", f"i64 {len(FIELDS)}", "i64")), f.cursor("ptr %out")
        where = f.local("i64")
        with f.each(f.field("ptr %record", "rows")):
            row, to = f.load(source), f.load(out)
            for k in range(3):
                f.put(f.word(row, k), to, k)
            spots, places = f.at(row, "i64 3", "i64"), f.at(to, "i64 3", "i64")
            with f.each(f.word(row, 2)) as j:
                spot = f.word(spots, j)
                temp = f.do("add", "i64 %room", f.do("sub", f"i64 {TEMP}", spot))
                special = f.choice(f.equal(spot, f"i64 {CONSTANT}"), "i64 %constant", temp)
                f.store(f.choice(f.equal(spot, f"i64 {RESULT}"), "i64 %where", special), where)
                with f.unless(f.less(spot, "i64 0")):
                    f.store(f.word("ptr %places", f.word("ptr %operands", spot)), where)
                f.put(f.load(where, "i64"), places, j)
            f.store(f.at(spots, f.word(row, 2), "i64"), source)
            f.store(f.at(places, f.word(row, 2), "i64"), out)
        f.ret(f.load(out))


def _release(m: Module[Plan]) -> None:
    """Free the buffer of a value's home if this is its last use."""
    args = ("ptr %lists", "i64 %inputs", "i64 %value", "i64 %now")
    with m.function("release", *args, returns="void") as f:
        homes, last, places, classes, following, free = (f.load(f.at("ptr %lists", f"i64 {k}")) for k in range(6))
        home = f.word(homes, "i64 %value")
        with f.when(f.equal(f.word(last, home), "i64 %now")):
            f.put("i64 -1", last, home)
            inside = f.less(f.word(places, home), f"i64 {_ELSEWHERE}")
            with f.when(f.both(inside, f.negation(f.less(home, "i64 %inputs")))):
                kind = f.word(classes, home)
                f.put(f.word(free, kind), following, home)
                f.put(home, free, kind)
        f.ret()


def _placed(m: Module[Plan]) -> None:
    """The place of a value in a buffer of its own: the one that it was given, or a free one of the arena."""
    args = ("ptr %lists", "ptr %record", "i64 %value", "ptr %top")
    with m.function("placed", *args, returns="i64") as f:
        places, classes, following, free = (f.load(f.at("ptr %lists", f"i64 {k}")) for k in range(2, 6))
        given, kind = f.word(places, "i64 %value"), f.field("ptr %record", "class")
        f.put(kind, classes, "i64 %value")
        with f.unless(f.equal(given, "i64 0")):
            f.ret(given)
        found = f.word(free, kind)
        with f.unless(f.less(found, "i64 0")):
            f.put(f.word(following, found), free, kind)
            f.ret(f.word(places, found))
        start = f.load("ptr %top", "i64")
        f.raised("ptr %top", f.field("ptr %record", "size"))
        f.ret(start)


def _lay(m: Module[Plan]) -> None:
    """Write all rows and constants of a table, with a place for each value; the end of the arena."""
    args = ("ptr %code", "i64 %count", "i64 %inputs", "ptr %lists", "ptr %words")
    with m.function("lay", *args, "i64 %start", "i64 %room", "i64 %from", returns="i64", exported=True) as f:
        homes, places = f.load("ptr %lists"), f.load(f.at("ptr %lists", "i64 2"))
        cursor, out = f.operations("ptr %code"), f.cursor(f.at("ptr %words", "i64 %start", "i64"))
        top, constants, where = f.local("i64"), f.local("i64"), f.local("i64")
        f.store("i64 %from", top)
        f.store(f"i64 {HEADER}", constants)
        with f.each("i64 %count") as k:
            v = f.do("add", k, "i64 %inputs")
            record, operands = f.step(cursor)
            home, constant = f.word(homes, v), f.load(constants, "i64")
            number = f.do("add", f.do("mul", constant, "i64 8"), f"i64 {place(TABLE)}")
            f.store(f.word(places, home), where)
            with f.when(f.equal(home, v)):
                f.store(f.call("placed", "ptr %lists", record, v, top, returns="i64"), where)
            with f.when(f.less(f.load(where, "i64"), "i64 0")):
                f.store(number, where)
            with f.unless(f.equal(f.field(record, "constant"), "i64 0")):
                f.put(f.field(record, "number"), "ptr %words", constant)
                f.raised(constants, "i64 1")
            f.put(f.load(where, "i64"), places, v)
            rows = f.call("rows", record, operands, places, f.load(where, "i64"), number, "i64 %room", f.load(out))
            with f.when(f.both(f.equal(f.field(record, "rows"), "i64 0"), f.equal(f.field(record, "length"), "i64 3"))):
                f.put("i64 0", rows, 0)
                f.put(v, rows, 1)
                f.put("i64 0", rows, 2)
            f.store(f.at(f.load(out), f.field(record, "length"), "i64"), out)
            with f.each(f.field(record, "arity")) as j:
                f.call("release", "ptr %lists", "i64 %inputs", f.word(operands, j), v, returns="void")
            f.call("release", "ptr %lists", "i64 %inputs", v, v, returns="void")
        f.ret(f.load(top, "i64"))


def _load() -> dict[str, int]:
    module = Module(Plan)
    for define in (_read, _take_over, _rows, _release, _placed, _lay):
        define(module)
    return load(str(module), exports=["read", "take_over", "lay"])


addresses = _code = _load()
"""Addresses of the three functions, for other generated code."""
_P, _Q = ctypes.c_void_p, ctypes.c_int64


def _function(name: str, returns: Any, *args: Any) -> Callable[..., Any]:
    return ctypes.PYFUNCTYPE(returns, *args)(_code[name])


read = _function("read", None, _P, _Q, _Q, _P, _P, _P, _P)
"""``read(code, count, inputs, homes, last, places, totals)``."""
take_over = _function("take_over", _Q, _P, _Q, _Q, _P, _P, _P, _P)
"""``take_over(code, count, inputs, homes, last, places, donors)``."""
lay = _function("lay", _Q, _P, _Q, _Q, _P, _P, _Q, _Q, _Q)
"""``lay(code, count, inputs, lists, words, start, room, top)``; ``lists`` are the addresses of homes, last uses,
places, classes, links and the heads of free lists."""


@lru_cache(maxsize=1 << 14)
def room(nbytes: int) -> tuple[int, int]:
    """The bytes of a buffer and the number of this size: multiples of ALIGN, four sizes to each power of two."""
    octave = max(0, (max(nbytes, 1) - 1).bit_length() - FINE)
    step = ALIGN << octave
    count = -(-max(nbytes, 1) // step)
    return count * step, 4 * octave + count
