"""Interpreter of a table of rows: kernels called one after the other, in one native call.

    main(list)      list: the arrays of a call, its packed numbers, its arena (``launch``)

The first two packed words are the address of the table and the row to begin with. A table is words of 64 bits: where it
ends, the number of arrays, constants, then the rows:

    kernel, address of its numbers, count, count places

A place is a base and an offset in bytes. The bases are the arena, the packed numbers, the table, and the arrays. The
kernel is called with a list of addresses, and its numbers behind the first, which says how many picoseconds it takes.
It returns 0, or 1 if a check has failed. A row without a kernel is the caller's turn.
"""

from __future__ import annotations

import ctypes

from tenure.runtime import pauses
from tenure.runtime.assembler import Function, Module
from tenure.runtime.native import load
from tenure.runtime.pauses import PAUSED

__all__ = ["ARENA", "ARRAYS", "HEADER", "MOST", "NUMBERS", "TABLE", "address", "base_of", "long", "place"]

ARENA, NUMBERS, TABLE, ARRAYS = range(4)
"""Numbers of the bases; those of the arrays follow one another."""
MOST = 64
"""Places of a row, at most."""
HEADER = 2
"""Words before the constants of a table."""
SHIFT = 40
LONG = 10_000_000_000
"""Picoseconds of work between two pauses, at first."""
_ITEMS, _DATA, _BYTES = 24, 16, 32
"""Offsets of the items of a list, of the data of an array, and of the content of a bytes object."""


def place(base: int, offset: int = 0) -> int:
    """The word of a place."""
    return base << SHIFT | offset


def base_of(word: int) -> tuple[int, int]:
    """The base and the offset of a place."""
    return word >> SHIFT, word & (1 << SHIFT) - 1


def _word(f: Function, at: str, k: str | int) -> str:
    return f.load(f.at(at, k if isinstance(k, str) else f"i64 {k}", "i64"), "i64")


def _pointer(f: Function, word: str) -> str:
    return f.value("ptr", f"inttoptr {word} to ptr")


def _number(f: Function, pointer: str) -> str:
    return f.value("i64", f"ptrtoint {pointer} to i64")


def _bases(m: Module[Function]) -> None:
    """Write the bases of a call into the head of its arena; the arena."""
    with m.function("bases", "ptr %items", "i64 %size", "ptr %words") as f:
        last = f.load(f.at("ptr %items", f.do("sub", "i64 %size", "i64 1")))
        arena = f.load(f.at(last, f"i64 {_DATA}", "i8"))
        for base, start in ((ARENA, _number(f, arena)), (NUMBERS, _number(f, "ptr %words"))):
            f.store(start, f.at(arena, f"i64 {base}", "i64"))
        f.store(_word(f, "ptr %words", 0), f.at(arena, f"i64 {TABLE}", "i64"))
        with f.each(f.do("sub", "i64 %size", "i64 2")) as k:
            data = f.load(f.at(f.load(f.at("ptr %items", k)), f"i64 {_DATA}", "i8"))
            f.store(_number(f, data), f.at(arena, f.do("add", k, f"i64 {ARRAYS}"), "i64"))
        f.ret(arena)


def _main(m: Module[Function]) -> None:
    """Run rows: 0 at the end, the number of the word of a row that is the caller's turn, its negative where a check has
    failed, or PAUSED."""
    with m.function("main", "ptr %list", returns="i64", exported=True) as f:
        items = f.load(f.at("ptr %list", f"i64 {_ITEMS}", "i8"))
        size = f.load(f.at("ptr %list", f"i64 {_ITEMS - 8}", "i8"), "i64")
        packed = f.load(f.at(items, f.do("sub", size, "i64 2")))
        words = f.at(packed, f"i64 {_BYTES}", "i8")
        arena = f.call("bases", items, size, words)
        table = _pointer(f, _word(f, words, 0))
        end, room = _word(f, table, 0), f.at(arena, f.do("add", _word(f, table, 1), f"i64 {ARRAYS}"), "i64")
        resume, since = f.at(words, "i64 1", "i64"), f.local("i64")
        f.store("i64 0", since)
        head, body, after = f.label(), f.label(), f.label()
        f.begin(head)
        at = f.load(resume, "i64")
        f.lines.append(f"  br {f.value('i1', f'icmp slt {at}, {end.split()[1]}')}, label %{body}, label %{after}")
        f.lines.append(f"{body}:")
        _row(f, arena, room, resume, since, f.at(table, at, "i64"), at)
        f.begin(head)
        f.lines.pop()  # the head is there already
        f.lines.append(f"{after}:")
        f.ret("i64 0")


def _row(f: Function, arena: str, room: str, resume: str, since: str, row: str, at: str) -> None:
    """Run a row, and step to the next one."""
    kernel, numbers, count = _word(f, row, 0), _pointer(f, _word(f, row, 1)), _word(f, row, 2)
    with f.when(f.equal(kernel, "i64 0")):
        f.ret(at)
    worked = f.load(since, "i64")
    with f.when(f.value("i1", f"icmp sgt {worked}, {f.load('ptr @long', 'i64').split()[1]}")):
        f.store("i64 0", since)
        with f.unless(f.equal(f.call("interrupted", returns="i32"), "i32 0")):
            f.ret(f"i64 {PAUSED}")
    f.store(f.do("add", f.load(since, "i64"), _word(f, numbers, 0)), since)
    places = f.at(row, "i64 3", "i64")
    with f.each(count) as k:
        where = _word(f, places, k)
        base = _word(f, arena, f.do("lshr", where, f"i64 {SHIFT}"))
        offset = f.do("and", where, f"i64 {(1 << SHIFT) - 1}")
        f.store(f.do("add", base, offset), f.at(room, k, "i64"))
    failed = f.call_at(_pointer(f, kernel), room, f.at(numbers, "i64 1", "i64"), returns="i64")
    with f.unless(f.equal(failed, "i64 0")):
        f.ret(f.do("sub", "i64 0", at))
    f.store(f.do("add", at, f.do("add", count, "i64 3")), resume)


def _load() -> dict[str, int]:
    module = Module(Function)
    for define in (_bases, _main):
        define(module)
    source = f"@long = global i64 {LONG}\n{module}"
    return load(source, exports=["main", "long"], imports={"interrupted": pauses.address})


_code = _load()
address: int = _code["main"]
"""Address of ``main``."""
long = ctypes.c_int64.from_address(_code["long"])
"""Picoseconds of work between two pauses."""
