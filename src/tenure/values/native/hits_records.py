"""Records filled in for extents, as ``ir.kin.Line.at`` of a ``compile.records.Record``: generated code."""

from __future__ import annotations

from array import array

from tenure.ir.sums import MOST_EXTENTS
from tenure.runtime.assembler import NULL
from tenure.runtime.table_plan import ALIGN, FINE
from tenure.values.native.hits_extents import address, next_word
from tenure.values.native.hits_objects import Code

__all__ = ["RECORDS"]

ARRAY = "i64 24"
"""Offset of the address of its items in an array."""
COLLECTED = bool(array.__flags__ & 1 << 14)
"""Whether the cyclic collector looks at arrays."""


def room_in(m: Code) -> None:
    """Store the bytes and the class of a room, as ``compile.rules.room``."""
    with m.function("room_in", "i64 %size", "ptr %to", returns="void") as f:
        least, octave = f.value("i1", "icmp slt i64 %size, 1"), f.local("i64")
        size = f.choice(least, "i64 1", "i64 %size")
        last = f.do("sub", size, "i64 1")
        f.store("i64 0", octave)
        with f.each(f"i64 {64 - FINE}") as k:
            left = f.do("lshr", last, f.do("add", k, f"i64 {FINE}"))
            with f.unless(f.equal(left, "i64 0")):
                f.store(f.do("add", k, "i64 1"), octave)
        step = f.do("shl", f"i64 {ALIGN}", f.load(octave, "i64"))
        count = f.do("add", f.do("sdiv", last, step), "i64 1")
        f.store(f.do("mul", count, step), "ptr %to")
        f.store(f.do("add", f.do("shl", f.load(octave, "i64"), "i64 2"), count), f.at("ptr %to", "i64 1", "i64"))
        f.ret()


def record_at(m: Code) -> None:
    """None, and the rule of a record for values of the symbols (a new reference); NULL with an error."""
    with m.function("record_at", "ptr %x", "ptr %vals") as f:
        plain, cursor = f.get("ptr %x", "record.plain"), f.local("i64")
        words, out = address(f, f.item(plain, "i64 2")), f.call("PyTuple_New", "i64 2")
        made = f.call_method(f.item(plain, "i64 0"), "name_copy")
        with f.when(f.either(f.absent(made), f.absent(out))):
            f.decref(made, out)
            f.ret(NULL)
        data = f.load(f.at(made, ARRAY, "i8"))
        f.store("i64 1", cursor)
        with f.each(next_word(f, words, cursor)):
            place = next_word(f, words, cursor)
            f.store(f.call("summed", words, cursor, "ptr %vals", returns="i64"), f.at(data, place, "i64"))
        with f.each(next_word(f, words, cursor)):
            place = next_word(f, words, cursor)
            f.call("room_in", f.call("summed", words, cursor, "ptr %vals", returns="i64"), f.at(data, place, "i64"))
        with f.each(next_word(f, words, cursor)):
            place = next_word(f, words, cursor)
            real = f.call("summed", words, cursor, "ptr %vals", returns="i64")
            f.store(f.value("double", f"sitofp {real} to double"), f.at(data, place, "i64"))
        with f.each(next_word(f, words, cursor)):
            place, to = next_word(f, words, cursor), next_word(f, words, cursor)
            f.store(f.value("i64", f"ptrtoint {f.at(data, to, 'i64')} to i64"), f.at(data, place, "i64"))
        start = f.value("i64", f"ptrtoint {data} to i64")
        address_ = f.call("PyLong_FromLongLong", start)
        rule = f.call("PyType_GenericAlloc", f.item(plain, "i64 3"), "i64 0")
        with f.when(f.either(f.absent(address_), f.absent(rule))):
            f.decref(made, address_, rule, out)
            f.ret(NULL)
        f.put(rule, "calls.record", made)
        f.put(rule, "calls.start", address_)
        if COLLECTED:
            f.untrack(made)
        f.untrack(rule)
        f.call("PyTuple_SetItem", out, "i64 0", f.incref(f.constant("none")), returns="i32")
        f.call("PyTuple_SetItem", out, "i64 1", rule, returns="i32")
        f.ret(out)


def own_record(m: Code) -> None:
    """Give an application that has no record yet one that is filled in; whether that was done."""
    with m.function("own_record", "ptr %application", returns="i1") as f:
        pair, ext = f.get("ptr %application", "application.kin"), f.local("i64", MOST_EXTENTS)
        kin = f.item(pair, "i64 0")
        with f.when(f.is_(kin, "none")):
            f.ret("i1 false")
        line = f.call("PyDict_GetItemWithError", f.get(kin, "kin.lines"), f.constant("name_calls"))
        with f.when(f.absent(line)):
            f.ret("i1 false")
        count = f.call("extents_of", f.item(pair, "i64 1"), ext, f"i64 {MOST_EXTENTS}", returns="i64")
        f.incref(line)
        made = f.call("at_extents", line, ext, count)
        f.decref(line)
        with f.when(f.absent(made)):
            f.ret("i1 false")
        known = f.is_(f.kind(made), "tuple")
        with f.when(known):
            f.swap("ptr %application", "application.calls", f.item(made, "i64 1"))
        f.decref(made)
        f.ret(known)


RECORDS = (room_in, record_at, own_record)
"""Internal functions of this module."""
