"""Memory plan of a program that is new, from the columns of a builder, as ``compile.table``: generated code."""

from __future__ import annotations

from tenure.runtime.assembler import NULL
from tenure.values.native.hits_objects import Code, Step
from tenure.values.native.hits_programs import GIVEN, NEEDED, whole, word

__all__ = ["BYTES", "DATA", "PLANNER", "PLANNING", "STATE", "count", "function", "listed", "planner", "put"]

PLANNER = ("read", "take_over", "lay", "main", "arrays", "header", "most", "shift", "pooled", "bytes", "work")
"""Words that the code is told before its first use: addresses of the planner's functions and of the interpreter;
constants of tables; sizes in bytes from which an array comes from the pool, and that a value, and all of them, may
have."""
POINTERS = (
    "starts", "operands", "homes", "last", "places", "classes", "links", "free", "totals", "donors", "own", "results",
    "made", "table", "marks", "new", "kept",
)  # fmt: skip
NUMBERS = ("arrays", "inputs", "count", "made_count", "top", "begin", "work", "raised")
STATE = {name: k for k, name in enumerate((*POINTERS, *NUMBERS))}
"""Words of the state of a run: lists of words, and numbers."""
SIZE, LENGTH, ROWS = 5, 8, 9
"""Places in a record."""
CLASSES = 256
PYTHON = 3
"""Words of a row that is Python's turn."""
DATA, BYTES = "i64 16", "i64 32"
"""Offsets of the data of an array, and of the content of a bytes object."""


def at(f: Step, name: str) -> str:
    """Address of a word of the state."""
    return f.at("ptr %s", f"i64 {STATE[name]}", "i64")


def listed(f: Step, name: str) -> str:
    """List of words of the state."""
    return f.load(at(f, name))


def count(f: Step, name: str) -> str:
    """Number of the state."""
    return f.load(at(f, name), "i64")


def put(f: Step, words: str, k: str, v: str) -> None:
    """Set a word of a list."""
    f.store(v, f.at(words, k, "i64"))


def planner(f: Step, name: str) -> str:
    """Word that the code has been told."""
    return f.load(f.at("ptr @planner", f"i64 {PLANNER.index(name)}", "i64"), "i64")


def function(f: Step, name: str) -> str:
    """Function of the planner."""
    return f.value("ptr", f"inttoptr {planner(f, name)} to ptr")


def given(m: Code) -> None:
    """Number the inputs of a builder, and mark what outputs depend on; the words of the operands that are read."""
    with m.function("given", "ptr %s", "ptr %ex", "ptr %outputs", "ptr %span", returns="i64") as f:
        b, marks, new = f.get("ptr %ex", "expansion.builder"), listed(f, "marks"), listed(f, "new")
        first = f.local("i64")
        f.store("i64 0", first)
        for name in ("inputs", "scalars"):
            values = f.get("ptr %ex", f"expansion.{name}")
            with f.each(f.size(values, "List")) as k:
                v = whole(f, f.call("PyList_GetItem", values, k))
                f.store(GIVEN, f.at(marks, v, "i8"))
                put(f, new, v, f.do("add", f.load(first, "i64"), k))
            f.store(f.do("add", f.load(first, "i64"), f.size(values, "List")), first)
        f.ret(f.call("needed", b, "ptr %outputs", marks, "ptr %span", returns="i64"))


def record(m: Code) -> None:
    """The record of an application, filled in if it has none yet; NULL if there is none that may run here. What it
    makes adds to the work. An error of what fills it in is ``raised``: a signal handler may have raised it."""
    with m.function("record", "ptr %s", "ptr %application") as f:
        with f.when(f.is_(f.get("ptr %application", "application.calls"), "none")):
            natively, made = f.call("own_record", "ptr %application", returns="i1"), f.local()
            f.store(f.constant("none"), made)
            with f.unless(f.either(natively, f.failed())):
                f.store(f.call_python(f.constant("fill_record"), "ptr %application"), made)
                f.decref(f.load(made))  # the application has it
            with f.when(f.either(f.absent(f.load(made)), f.failed())):
                f.store("i64 1", at(f, "raised"))
                f.ret(NULL)
        calls = f.get("ptr %application", "application.calls")
        with f.when(f.is_(calls, "none")):
            f.ret(NULL)
        start = whole(f, f.get(calls, "calls.start"))
        words = f.value("ptr", f"inttoptr {start} to ptr")
        size = word(f, words, SIZE)
        large = f.value("i1", f"icmp sgt {size}, {planner(f, 'bytes').split()[1]}")
        turn = f.both(f.equal(word(f, words, ROWS), "i64 0"), f.equal(word(f, words, LENGTH), f"i64 {PYTHON}"))
        with f.when(f.either(large, turn)):
            f.store(f"i64 {1 << 62}", at(f, "work"))
            f.ret(NULL)
        f.store(f.do("add", count(f, "work"), size), at(f, "work"))
        f.ret(words)


def operations(m: Code) -> None:
    """List the records and operands of what is marked; whether each operation has a record."""
    with m.function("operations", "ptr %s", "ptr %b", "ptr %span", returns="i1") as f:
        applications, operands = f.get("ptr %b", "builder.applications"), f.get("ptr %b", "builder.operands")
        names = ("marks", "new", "starts", "operands", "kept")
        marks, new, starts, reads, kept = (listed(f, name) for name in names)
        inputs, filled = count(f, "inputs"), f.local("i64")
        f.store("i64 0", filled)
        first, last = f.load("ptr %span", "i64"), f.load(f.at("ptr %span", "i64 1", "i64"), "i64")
        with f.each(f.do("add", f.do("sub", last, first), "i64 1")) as k:
            v = f.do("add", first, k)
            with f.when(f.equal(f.load(f.at(marks, v, "i8"), "i8"), NEEDED)):
                made, read = f.call("PyList_GetItem", applications, v), f.call("PyList_GetItem", operands, v)
                with f.when(f.is_(made, "none")):
                    f.ret("i1 false")
                alias = f.call("alias_of", made, returns="i64")
                plain = f.value("i1", f"icmp slt {alias}, 0")
                with f.unless(plain):
                    put(f, new, v, word(f, new, whole(f, f.item(read, alias))))
                with f.when(plain):
                    words, own = f.call("record", "ptr %s", made), count(f, "count")
                    with f.when(f.absent(words)):
                        f.ret("i1 false")
                    f.store(words, f.at(starts, own))
                    calls = f.get(made, "application.calls")
                    f.store(f.incref(calls), f.at(kept, own))  # another thread may replace it
                    put(f, new, v, f.do("add", inputs, own))
                    f.store(f.do("add", own, "i64 1"), at(f, "count"))
                    with f.each(f.size(read, "Tuple")) as j:
                        here = f.load(filled, "i64")
                        put(f, reads, here, word(f, new, whole(f, f.item(read, j))))
                        f.store(f.do("add", here, "i64 1"), filled)
        f.ret("i1 true")


def assign(m: Code) -> None:
    """Give the outputs arrays: that of an input, that of an output before which is the same value, one that a value is
    computed into, or one for a copy, which is then marked in ``made`` by a value that is negative."""
    with m.function("assign", "ptr %s", "ptr %b", "ptr %outputs", returns="void") as f:
        names = ("homes", "places", "own", "results", "made", "new")
        homes, places, own, results, made, new = (listed(f, name) for name in names)
        arrays, inputs, shift = count(f, "arrays"), count(f, "inputs"), planner(f, "shift")
        avals = f.get("ptr %b", "builder.avals")
        with f.each(f.size("ptr %outputs", "List")) as j:
            value = whole(f, f.call("PyList_GetItem", "ptr %outputs", j))
            v, one, to = word(f, new, value), f.do("add", arrays, count(f, "made_count")), f.at(results, j, "i64")
            is_input = f.value("i1", f"icmp slt {v}, {arrays.split()[1]}")
            f.store(f.choice(is_input, v, one), to)
            with f.unless(is_input):
                home, known, twice = word(f, homes, v), f.local("i1"), f.local("i1")
                computed = f.value("i1", f"icmp sge {home}, {inputs.split()[1]}")
                f.store("i1 false", known)
                f.store("i1 false", twice)
                with f.when(computed):
                    taken = word(f, own, home)  # by the result of this number, counted from 1
                    plain = f.equal(taken, "i64 0")
                    f.store(f.both(plain, f.equal(word(f, places, home), "i64 0")), known)
                    with f.unless(plain):
                        before = f.do("sub", taken, "i64 1")
                        first = word(f, made, f.do("mul", before, "i64 2"))
                        with f.when(f.equal(word(f, new, first), v)):
                            both = [f.call("PyList_GetItem", avals, x) for x in (first, value)]
                            same = f.call("PyObject_RichCompareBool", *both, "i32 2", returns="i32")
                            f.store(f.equal(same, "i32 1"), twice)
                        with f.when(f.load(twice, "i1")):
                            f.store(f.do("add", arrays, before), to)
                with f.unless(f.load(twice, "i1")):
                    bare = f.load(known, "i1")
                    put(f, made, f.do("mul", count(f, "made_count"), "i64 2"), value)
                    copied = f.do("add", f.do("mul", count(f, "made_count"), "i64 2"), "i64 1")
                    put(f, made, copied, f.choice(bare, "i64 -1", v))
                    with f.when(bare):
                        put(f, own, home, f.do("add", count(f, "made_count"), "i64 1"))
                        base = f.do("shl", f.do("add", one, planner(f, "arrays")), shift)
                        put(f, places, home, base)
                    f.store(f.do("add", count(f, "made_count"), "i64 1"), at(f, "made_count"))
        f.ret()


def placed_inputs(m: Code) -> None:
    """Set the places of the inputs: arrays, then packed numbers."""
    with m.function("placed_inputs", "ptr %s", returns="void") as f:
        places, arrays, shift = listed(f, "places"), count(f, "arrays"), planner(f, "shift")
        with f.each(count(f, "inputs")) as v:
            array = f.do("shl", f.do("add", planner(f, "arrays"), v), shift)
            behind = f.do("mul", f.do("add", f.do("sub", v, arrays), "i64 2"), "i64 8")
            packed = f.do("or", f.do("shl", "i64 1", shift), behind)
            put(f, places, v, f.choice(f.value("i1", f"icmp slt {v}, {arrays.split()[1]}"), array, packed))
        f.ret()


def planned(m: Code) -> None:
    """Plan the memory of the operations, and write the table."""
    with m.function("planned", "ptr %s", "ptr %b", "ptr %outputs", returns="i1") as f:
        names = ("starts", "operands", "homes", "last", "places", "totals", "donors", "free")
        starts, reads, homes, last, places, totals, donors, free = (listed(f, name) for name in names)
        n, arrays, inputs = count(f, "count"), count(f, "arrays"), count(f, "inputs")
        code, lists = f.local(count=2), f.local(count=6)
        f.store(starts, code)
        f.store(reads, f.at(code, "i64 1"))
        for k, name in enumerate(("homes", "last", "places", "classes", "links", "free")):
            f.store(listed(f, name), f.at(lists, f"i64 {k}"))
        f.call_at(function(f, "read"), code, n, inputs, homes, last, places, totals, returns="void")
        end = f.do("add", inputs, n)
        with f.each(f.size("ptr %outputs", "List")) as j:
            v = word(f, listed(f, "new"), whole(f, f.call("PyList_GetItem", "ptr %outputs", j)))
            put(f, last, word(f, homes, v), end)
        f.call_at(function(f, "take_over"), code, n, inputs, homes, last, places, donors, returns="i64")
        f.call("assign", "ptr %s", "ptr %b", "ptr %outputs", returns="void")
        with f.each(f"i64 {CLASSES}") as kind:
            put(f, free, kind, "i64 -1")
        begin = f.do("add", planner(f, "header"), word(f, totals, 1))
        size = f.do("add", begin, word(f, totals, 0))
        table = f.call("PyMem_Calloc", size, "i64 8")
        f.store(table, at(f, "table"))
        f.store(begin, at(f, "begin"))
        with f.when(f.absent(table)):
            f.ret("i1 false")
        f.call("placed_inputs", "ptr %s", returns="void")
        base = planner(f, "arrays")
        total = f.do("add", arrays, count(f, "made_count"))
        head = f.do("mul", f.do("add", f.do("add", total, base), planner(f, "most")), "i64 8")
        start = f.do("and", f.do("add", head, "i64 63"), "i64 -64")
        room = f.do("add", start, word(f, totals, 2))
        top = f.call_at(function(f, "lay"), code, n, inputs, lists, table, begin, start, room, returns="i64")
        f.store(top, at(f, "top"))
        put(f, table, "i64 0", size)
        put(f, table, "i64 1", total)
        f.ret("i1 true")


def room(m: Code) -> None:
    """Take the memory of the lists for so many values of a builder, operations at most, and words of operands."""
    with m.function("room", "ptr %s", "i64 %most", "i64 %reads", "i64 %outputs", returns="ptr") as f:
        values = f.do("add", count(f, "inputs"), "i64 %most")
        sizes = {
            "starts": "i64 %most", "kept": "i64 %most", "operands": "i64 %reads",
            **dict.fromkeys(("homes", "last", "places", "classes", "links", "own"), values),
            "free": f"i64 {CLASSES}", "totals": "i64 3", "donors": f.do("mul", "i64 %most", "i64 2"),
            "results": "i64 %outputs", "made": f.do("mul", "i64 %outputs", "i64 2"),
        }  # fmt: skip
        total = "i64 0"
        for size in sizes.values():
            total = f.do("add", total, size)
        whole_ = f.call("PyMem_Calloc", f.do("add", total, "i64 1"), "i64 8")
        behind = whole_
        for name, size in sizes.items():
            f.store(behind, at(f, name))
            behind = f.at(behind, size, "i64")
        f.ret(whole_)


PLANNING = (given, record, operations, assign, placed_inputs, planned, room)
"""Internal functions of this module."""
