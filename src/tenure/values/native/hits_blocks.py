"""Blocks of rows that never came here before, as ``rows.Path.follow`` makes them: generated code.

What is not usual (a vmapped call that begins or ends, a cut that is to come, rows that are known) is left to that
function.
"""

from __future__ import annotations

from tenure.runtime.assembler import NULL
from tenure.values.native.hits_objects import Code, Step
from tenure.values.native.hits_programs import number, whole
from tenure.values.rules.rows import FIRST_LOOK

__all__ = ["BLOCKS"]

COUNTED = ("results", "inputs", "size", "rows", "scalars")
LATER = ("code", "cut", "history", "likely", "made", "period", "recent", "save")
"""Fields of a new path that are None."""
OWN = ("baked", "next", "own", "plans")
"""Fields of a new path that are tables of its own."""


def add_up(f: Step, counts: str, flags: str) -> None:
    """Add the counts of a block's rules to those before it; whether a gradient flows to one of the results, and whether
    a vmapped call begins or ends."""
    with f.each(f.size("ptr %rules", "Tuple")) as k:
        rule = f.item("ptr %rules", k)
        sizes = [f.size(f.get(rule, "rule.kinds"), "Tuple")]
        sizes += [whole(f, f.get(rule, f"rule.{name}")) for name in ("inputs", "size")]
        for n, size in enumerate(sizes):
            at = f.at(counts, f"i64 {n}", "i64")
            f.store(f.do("add", f.load(at, "i64"), size), at)
        bits = f.is_(f.get(rule, "rule.tracked"), "true"), f.negation(f.is_(f.get(rule, "rule.open"), "same"))
        for n, bit in enumerate(bits):
            at = f.at(flags, f"i64 {n}", "i1")
            f.store(f.do("or", f.load(at, "i1"), bit), at)


def special_numbers(m: Code) -> None:
    """The numbers of a trace behind a path, as ``Path.fixed`` (a new reference): zeros and NaNs are inputs for good."""
    with m.function("special_numbers", "ptr %t", "ptr %path") as f:
        scalars = f.get("ptr %t", "trace.scalars")
        out = f.call("PyList_GetSlice", scalars, whole(f, f.get("ptr %path", "path.scalars")), f.size(scalars, "List"))
        with f.unless(f.absent(out)), f.each(f.size(out, "List")) as k:
            x = f.call("PyList_GetItem", out, k)
            with f.when(f.is_(f.kind(x), "float")):
                v = f.call("PyFloat_AsDouble", x, returns="double")
                with f.when(f.value("i1", f"fcmp ueq {v}, 0.0")):
                    f.call("PyList_SetItem", out, k, f.incref(f.constant("general")), returns="i32")
        f.ret(out)


def next_look(f: Step, size: str) -> str:
    """The size of a trace at which it is looked at next, as ``rows.look_after``."""
    look = f.local("i64")
    f.store(f"i64 {FIRST_LOOK}", look)
    with f.unless(f.value("i1", f"icmp slt {size}, {FIRST_LOOK}")):
        given = number(f, size)
        found = f.call_python(f.constant("look_after"), given)
        with f.unless(f.absent(found)):
            f.store(whole(f, found), look)
        f.decref(given, found)
    return f.load(look, "i64")


def new_path(m: Code) -> None:
    """The path with a new block behind another one (a new reference), whose key is released; NULL with an error, or
    where that is left to Python."""
    with m.function("new_path", "ptr %t", "ptr %path", "ptr %rules", "ptr %slots") as f:
        counts, flags = f.local("i64", count=len(COUNTED)), f.local("i1", count=2)
        for n, name in enumerate(COUNTED):
            f.store(whole(f, f.get("ptr %path", f"path.{name}")), f.at(counts, f"i64 {n}", "i64"))
        f.store(f.is_(f.get("ptr %path", "path.tracked"), "true"), flags)
        f.store("i1 false", f.at(flags, "i64 1", "i1"))
        add_up(f, counts, flags)
        cut = f.get("ptr %path", "path.cut")
        opens = f.load(f.at(flags, "i64 1", "i1"), "i1")
        with f.unless(f.both(f.either(f.is_(cut, "none"), f.is_(cut, "zero")), f.negation(opens))):
            f.ret(NULL)
        numbers = f.call("special_numbers", "ptr %t", "ptr %path")
        with f.when(f.absent(numbers)):
            f.ret(NULL)
        for place, more in ((3, f.size("ptr %rules", "Tuple")), (4, f.size(numbers, "List"))):
            at = f.at(counts, f"i64 {place}", "i64")
            f.store(f.do("add", f.load(at, "i64"), more), at)
        sums = {name: f.load(f.at(counts, f"i64 {n}", "i64"), "i64") for n, name in enumerate(COUNTED)}
        flows = f.choice(f.load(flags, "i1"), f.constant("true"), f.constant("false"))
        slots = {name: number(f, x) for name, x in sums.items()}
        slots |= {name: f.call("PyDict_New") for name in OWN}
        slots["limit"] = number(f, f.do("sub", next_look(f, sums["size"]), sums["size"]))
        kept = {"open": f.get("ptr %path", "path.open"), "tracked": flows, "parent": "ptr %path", "rules": "ptr %rules"}
        kept |= {"slots": "ptr %slots", "special": f.constant("empty"), "stamp": f.constant("zero"), "fixed": numbers}
        kept |= dict.fromkeys(LATER, f.constant("none"))
        new = f.made("path", **slots, **{name: f.incref(x) for name, x in kept.items()})
        f.untrack(numbers)
        f.decref(numbers)
        with f.when(f.failed()):
            f.decref(new)
            f.ret(NULL)
        f.ret(new)


def block_behind(m: Code) -> None:
    """The path of a trace with its rows as a new block (a new reference), which is the likely one from now on; NULL
    where that is left to Python, or with an error."""
    with m.function("block_behind", "ptr %t", "ptr %path") as f:
        rows = [f.call("PyList_AsTuple", f.get("ptr %t", f"trace.{name}")) for name in ("rules", "slots")]
        key, new = f.call("PyTuple_New", "i64 2"), f.local()
        f.store(NULL, new)
        with f.unless(f.either(f.absent(key), *map(f.absent, rows))):
            f.untrack(*rows)
            for k, x in enumerate(rows):
                f.call("PyTuple_SetItem", key, f"i64 {k}", f.incref(x), returns="i32")
            f.untrack(key)
            known = f.get("ptr %path", "path.next")
            there = f.call("PyDict_GetItemWithError", known, key)
            with f.unless(f.either(f.negation(f.absent(there)), f.failed())):
                made = f.call("new_path", "ptr %t", "ptr %path", *rows)
                # Making it allocates, and another thread may have made one meanwhile: Python finds that.
                with f.unless(f.absent(made)):
                    again = f.call("PyDict_GetItemWithError", known, key)
                    with f.unless(f.either(f.negation(f.absent(again)), f.failed())):
                        f.call("PyDict_SetItem", known, key, made, returns="i32")
                        f.store(f.incref(made), new)
                with f.unless(f.either(f.absent(f.load(new)), f.failed())):
                    f.swap("ptr %path", "path.likely", made)
                    count = f.call("PyDict_GetItemWithError", f.constant("counts"), f.constant("name_rows"))
                    total = number(f, f.do("add", whole(f, count), f.size(rows[0], "Tuple")))
                    f.call("PyDict_SetItem", f.constant("counts"), f.constant("name_rows"), total, returns="i32")
                    f.decref(total)
                f.decref(made)
        f.decref(key, *rows)
        f.ret(f.load(new))


def moved_on(m: Code) -> None:
    """Let a trace go on behind a path: that, or NULL with an error."""
    with m.function("moved_on", "ptr %t", "ptr %path") as f:
        rules, slots = f.call("PyList_New", "i64 0"), f.call("PyList_New", "i64 0")
        with f.unless(f.either(f.absent(rules), f.absent(slots))):
            f.swap("ptr %t", "trace.limit", f.get("ptr %path", "path.limit"))
            f.swap("ptr %t", "trace.path", "ptr %path")
            f.swap("ptr %t", "trace.rules", rules)
            f.swap("ptr %t", "trace.slots", slots)
        f.decref(rules, slots)
        with f.when(f.failed()):
            f.ret(NULL)
        f.ret(f.get("ptr %t", "trace.path"))


BLOCKS = (special_numbers, new_path, block_behind, moved_on)
"""Internal functions of this module."""
