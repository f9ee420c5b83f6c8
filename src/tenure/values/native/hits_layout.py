"""Functions of Python's C API that the fast path calls most, written out by the layout of their objects.

Each has the name of its original and does what that does: the usual case here, any other by a call of the original.
They are put in line: a call costs more than what they do, and a recorded operation takes some eighty.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

from tenure.values.native.hits_objects import TYPE, Code, Step

__all__ = ["LAYOUT", "as_laid_out"]

SIZE, ITEMS, ALLOCATED = "i64 16", "i64 24", "i64 32"
"""Offsets of the number of items of a tuple or a list, of the pointer to a list's items, and of the room for them."""
FLAGS = "i64 168"
"""Offset of the flags of a type."""
FLAG = {"Long": 1 << 24, "List": 1 << 25, "Tuple": 1 << 26}
"""Flag of a type whose base is this one."""
FIRST = tuple.__basicsize__
"""Offset of the first item of a tuple."""
BEFORE_TAGS = sys.version_info < (3, 12)
"""Whether the size of an int has its sign; since then its tag is eight times the size, and has the sign in its lowest
bits."""


def of_kind(f: Step, x: str, kind: str) -> str:
    """Whether an object is a tuple, list or int."""
    flags = f.load(f.at(f.load(f.at(x, TYPE, "i8")), FLAGS, "i8"), "i64")
    return f.negation(f.equal(f.do("and", flags, f"i64 {FLAG[kind]}"), "i64 0"))


def original(f: Step, name: str, *args: str, returns: str = "ptr") -> str:
    """Call the function of the C API itself."""
    return f.call(f"original_{name}", *args, returns=returns)


def increment(m: Code) -> None:
    """Py_IncRef(x); a negative count is that of an immortal object."""
    with m.function("Py_IncRef", "ptr %x", returns="void", inline=True) as f:
        with f.unless(f.absent("ptr %x")):
            count = f.load("ptr %x", "i32")
            with f.unless(f.value("i1", f"icmp slt {count}, 0")):
                f.store(f.do("add", count, "i32 1"), "ptr %x")
        f.ret()


def decrement(m: Code) -> None:
    """Py_DecRef(x)"""
    with m.function("Py_DecRef", "ptr %x", returns="void", inline=True) as f:
        with f.unless(f.absent("ptr %x")):
            count = f.load("ptr %x", "i32")
            with f.when(f.value("i1", f"icmp sgt {count}, 1")):
                f.store(f.do("add", count, "i32 -1"), "ptr %x")
                f.ret()
            original(f, "Py_DecRef", "ptr %x", returns="void")
        f.ret()


def size(kind: str) -> Callable[[Code], None]:
    """PyTuple_Size(x), PyList_Size(x)"""

    def define(m: Code) -> None:
        with m.function(f"Py{kind}_Size", "ptr %x", returns="i64", inline=True) as f:
            with f.when(of_kind(f, "ptr %x", kind)):
                f.ret(f.load(f.at("ptr %x", SIZE, "i8"), "i64"))
            f.ret(original(f, f"Py{kind}_Size", "ptr %x", returns="i64"))

    return define


def item(kind: str) -> Callable[[Code], None]:
    """PyTuple_GetItem(x, k), PyList_GetItem(x, k)"""

    def define(m: Code) -> None:
        with m.function(f"Py{kind}_GetItem", "ptr %x", "i64 %k", inline=True) as f:
            with f.when(of_kind(f, "ptr %x", kind)):
                count = f.load(f.at("ptr %x", SIZE, "i8"), "i64")
                with f.when(f.value("i1", f"icmp ult i64 %k, {count.split()[1]}")):
                    first = f.at("ptr %x", f"i64 {FIRST}" if kind == "Tuple" else ITEMS, "i8")
                    f.ret(f.load(f.at(first if kind == "Tuple" else f.load(first), "i64 %k")))
            f.ret(original(f, f"Py{kind}_GetItem", "ptr %x", "i64 %k"))

    return define


def append(m: Code) -> None:
    """PyList_Append(x, v), where the list has room."""
    with m.function("PyList_Append", "ptr %x", "ptr %v", returns="i32", inline=True) as f:
        with f.when(f.both(of_kind(f, "ptr %x", "List"), f.negation(f.absent("ptr %v")))):
            count, room = (f.load(f.at("ptr %x", at, "i8"), "i64") for at in (SIZE, ALLOCATED))
            with f.when(f.value("i1", f"icmp slt {count}, {room.split()[1]}")):
                f.store(f.incref("ptr %v"), f.at(f.load(f.at("ptr %x", ITEMS, "i8")), count))
                f.store(f.do("add", count, "i64 1"), f.at("ptr %x", SIZE, "i8"))
                f.ret("i32 0")
        f.ret(original(f, "PyList_Append", "ptr %x", "ptr %v", returns="i32"))


def whole(m: Code) -> None:
    """PyLong_AsLongLongAndOverflow(x, to), of an int of one digit."""
    with m.function("PyLong_AsLongLongAndOverflow", "ptr %x", "ptr %to", returns="i64", inline=True) as f:
        with f.when(of_kind(f, "ptr %x", "Long")):
            tag = f.load(f.at("ptr %x", SIZE, "i8"), "i64")
            digit = f.value("i64", f"zext {f.load(f.at('ptr %x', ITEMS, 'i8'), 'i32')} to i64")
            sign = tag if BEFORE_TAGS else f.do("sub", "i64 1", f.do("and", tag, "i64 3"))
            single = f.do("add", tag, "i64 1") if BEFORE_TAGS else tag
            with f.when(f.value("i1", f"icmp ult {single}, {3 if BEFORE_TAGS else 16}")):
                f.store("i32 0", "ptr %to")
                f.ret(f.do("mul", sign, digit))
        f.ret(original(f, "PyLong_AsLongLongAndOverflow", "ptr %x", "ptr %to", returns="i64"))


def as_laid_out() -> bool:
    """Whether CPython lays out what these read as they expect."""

    def word(x: object, at: str | int, kind: type = ctypes.c_int64) -> int:
        return kind.from_address(id(x) + int(str(at).split()[-1])).value  # type: ignore[attr-defined, no-any-return]

    first, second, third = object(), object(), object()
    before = word(third, 0, ctypes.c_int32)
    pair, several = (first, second), [first, second]
    several.append(third)
    kinds = {int: FLAG["Long"], list: FLAG["List"], tuple: FLAG["Tuple"]}
    tags = {-1000: -1, 0: 0, 1000: 1} if BEFORE_TAGS else {-1000: 10, 0: 1, 1000: 8}
    return all((
        all(word(kind, FLAGS) & sum(FLAG.values()) == flag for kind, flag in kinds.items()),
        word(pair, SIZE) == 2 and word(pair, FIRST) == id(first) and word(pair, FIRST + 8) == id(second),
        word(several, SIZE) == 3 and word(several, ALLOCATED) >= 3,
        ctypes.c_int64.from_address(word(several, ITEMS) + 16).value == id(third),
        word(third, 0, ctypes.c_int32) == before + 1,
        all(word(x, SIZE) == tag and word(x, ITEMS, ctypes.c_int32) == abs(x) for x, tag in tags.items()),
    ))  # fmt: skip


LAYOUT = (increment, decrement, size("Tuple"), size("List"), item("Tuple"), item("List"), append, whole)
"""Internal functions of this module."""
