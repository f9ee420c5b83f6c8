"""Fast path of reads and writes by a basic index that was parsed before: generated code."""

from __future__ import annotations

from tenure.runtime.assembler import NULL
from tenure.values.native.hits_attributes import finish
from tenure.values.native.hits_objects import Code
from tenure.values.native.hits_places import is_place

__all__ = ["INDEXING"]

MOST = 16
"""Number of starts of an index, at most."""


def spelled(m: Code) -> None:
    """Exact key of an index for a shape; NULL, maybe with an error, for one that has none."""
    with m.function("spelled", "ptr %key", "ptr %shape") as f:
        box, key = f.local(count=2), f.local()
        f.store(f.incref("ptr %key"), key)
        with f.unless(f.is_(f.kind("ptr %key"), "tuple")):
            single = f.call("PyTuple_New", "i64 1")
            with f.when(f.absent(single)):
                f.decref("ptr %key")
                f.ret(NULL)
            f.call("PyTuple_SetItem", single, "i64 0", "ptr %key", returns="i32")
            f.store(single, key)
        f.store(f.load(key), box)
        f.store("ptr %shape", f.at(box, "i64 1"))
        name = f.call("exact", NULL, box, "i64 2")
        f.decref(f.load(key))
        with f.when(f.is_(name, "none")):
            f.decref(name)
            f.ret(NULL)
        f.ret(name)


def parsed(m: Code) -> None:
    """Parsed index for a shape: its parameters, its starts, whether an int is in it; NULL if it was not parsed
    before."""
    with m.function("parsed", "ptr %key", "ptr %shape") as f:
        name, found = f.call("spelled", "ptr %key", "ptr %shape"), f.local()
        f.store(NULL, found)
        with f.unless(f.absent(name)):
            f.store(f.call("PyDict_GetItemWithError", f.constant("parsed_keys"), name), found)
        f.decref(name)
        f.ret(f.load(found))


def selected(m: Code) -> None:
    """Return the handle of an operation on one or two values and a parsed index, after a number if there is one; NULL,
    without an error, if that is left to the slow path."""
    names = ("ptr %fn", "ptr %x", "ptr %y", "ptr %number", "ptr %params", "ptr %starts", "i64 %depth")
    with m.function("selected", *names) as f:
        parts, numbers, out, slots = f.local(count=MOST + 5), f.local(count=MOST + 1), f.local(), f.local(count=2)
        count = f.size("ptr %starts", "Tuple")
        f.store(NULL, out)
        with f.when(f.value("i1", f"icmp ugt {count}, {MOST}")):
            f.ret(NULL)
        t, second = f.call("hold"), f.local()
        with f.when(f.absent(t)):
            f.ret(NULL)
        i = f.call("slot", t, "ptr %x")
        f.store(NULL, second)
        one, bare = f.absent("ptr %y"), f.absent("ptr %number")
        at = f.choice(one, "i64 2", "i64 3")
        with f.unless(f.either(one, f.absent(i))):
            f.store(f.call("slot", t, "ptr %y"), second)
        j = f.load(second)
        with f.unless(f.either(f.absent(i), f.both(f.negation(one), f.absent(j)))):
            f.store("ptr %fn", parts)
            f.store(i, slots)
            f.store(j, f.at(slots, "i64 1"))
            f.store(f.call("kind", t, i), f.at(parts, "i64 1"))
            with f.unless(one):
                f.store(f.call("kind", t, j), f.at(parts, "i64 2"))
            f.store("ptr %params", f.at(parts, at))
            kinds, extra = f.at(parts, f.do("add", at, "i64 1")), f.choice(bare, "i64 0", "i64 1")
            with f.unless(bare):
                f.store("ptr %number", numbers)
                f.store(f.kind("ptr %number"), kinds)
            with f.each(count) as k:
                start, to = f.item("ptr %starts", k), f.do("add", k, extra)
                f.store(start, f.at(numbers, to))
                f.store(f.kind(start), f.at(kinds, to))
            more = f.do("add", count, extra)
            n = f.do("add", f.do("add", at, "i64 1"), more)
            row = (slots, f.choice(one, "i64 1", "i64 2"), numbers, more, "i64 %depth", "i1 false")
            f.store(f.call("take", t, parts, n, *row), out)
        f.decref(i, j)
        f.ret(f.call("release", t, f.load(out)))


def getitem(m: Code) -> None:
    """x[key]"""
    with m.function("getitem", "ptr %x", "ptr %args", "i64 %n", exported=True) as f:
        v, out = f.call("value", "ptr %x"), f.local()
        f.store(NULL, out)
        with f.when(f.both(f.equal("i64 %n", "i64 1"), f.negation(f.absent(v)))):
            key, shape = f.load("ptr %args"), f.item(f.get(v, ".aval"), "i64 0")
            whole = f.is_(f.kind(key), "int")
            with f.when(f.both(whole, f.negation(f.empty(shape, "Tuple")))):
                f.store(f.call("row", v, key, shape), out)
            with f.unless(whole):
                known = f.call("parsed", key, shape)
                with f.unless(f.absent(known)):
                    f.incref(known)
                    single = f.is_(f.item(known, "i64 2"), "true")
                    fn = f.choice(single, f.constant("getitem_step"), f.constant("slice_step"))
                    parts = (f.item(known, "i64 0"), f.item(known, "i64 1"))
                    f.store(f.call("selected", fn, v, NULL, NULL, *parts, "i64 0"), out)
                    f.decref(known)
        f.decref(v)
        finish(f, f.load(out))
        f.ret(f.call("onward", f.constant("slow_getitem"), "ptr %x", "ptr %args", "i64 %n", NULL))


def row(m: Code) -> None:
    """Return the handle of x[int]; NULL, without an error, if the int is out of range or that is left to the slow
    path."""
    with m.function("row", "ptr %v", "ptr %key", "ptr %shape") as f:
        over, box = f.local("i32"), f.local()
        number = f.call("PyLong_AsLongLongAndOverflow", "ptr %key", over, returns="i64")
        size = f.call("PyLong_AsLongLongAndOverflow", f.item("ptr %shape", "i64 0"), f.local("i32"), returns="i64")
        inside = f.value("i1", f"icmp ult {f.do('add', number, size)}, {f.do('add', size, size).split()[1]}")
        with f.unless(f.both(inside, f.equal(f.load(over, "i32"), "i32 0"))):
            f.ret(NULL)
        params = f.call("PyList_GetItem", f.constant("first_indices"), f.size("ptr %shape", "Tuple"))
        f.store(f.incref("ptr %key"), box)
        with f.when(f.value("i1", f"icmp slt {number}, 0")):
            f.decref("ptr %key")
            f.store(f.call("PyLong_FromLong", f.do("add", number, size)), box)
        start = f.load(box)
        with f.when(f.either(f.absent(start), f.absent(params))):
            f.call("PyErr_Clear", returns="void")
            f.decref(start)
            f.ret(NULL)
        out = f.call("one_step", f.constant("getitem_step"), "ptr %v", params, start, "i64 0")
        f.decref(start)
        f.ret(out)


def setitem(m: Code) -> None:
    """v[key] = y of a place without borrows"""
    with m.function("setitem", "ptr %x", "ptr %args", "i64 %n", exported=True) as f:
        done = f.local("i32")
        f.store("i32 0", done)
        with f.when(f.both(f.equal("i64 %n", "i64 2"), is_place(f, "ptr %x"))):
            alone = f.empty(f.get("ptr %x", "var.borrows"), "List")
            plain = f.is_(f.get("ptr %x", "var.leaf"), "none")
            with f.when(f.every(alone, plain, f.negation(f.call("guarded", "ptr %x", returns="i1")))):
                args = [f.load(f.at("ptr %args", f"i64 {k}")) for k in range(2)]
                f.store(f.call("put", "ptr %x", *args, returns="i32"), done)
        with f.when(f.equal(f.load(done, "i32"), "i32 1")):
            f.ret(f.incref(f.constant("none")))
        finish(f, NULL)
        f.ret(f.call("onward", f.constant("slow_setitem"), "ptr %x", "ptr %args", "i64 %n", NULL))


def put(m: Code) -> None:
    """Write a value or a number at a parsed index: 1; 0, and nothing written, where that is left to the slow path."""
    with m.function("put", "ptr %x", "ptr %key", "ptr %y", returns="i32") as f:
        old, v, out = f.call("value", "ptr %x"), f.call("value", "ptr %y"), f.local()
        kind = f.kind("ptr %y")
        number = f.either(*[f.is_(kind, name) for name in ("float", "int", "bool")])
        f.store(NULL, out)
        with f.when(f.both(f.negation(f.absent(old)), f.either(number, f.negation(f.absent(v))))):
            known = f.call("parsed", "ptr %key", f.item(f.get(old, ".aval"), "i64 0"))
            constant = f.untracked(old)
            with f.unless(f.absent(known)), f.when(f.either(constant, f.call("tracking", returns="i1"))):
                f.incref(known)
                bare = f.choice(f.absent(v), "ptr %y", NULL)
                parts = (f.item(known, "i64 0"), f.item(known, "i64 1"))
                f.store(f.call("selected", f.constant("setitem_step"), old, v, bare, *parts, "i64 2"), out)
                f.decref(known)
        new, status = f.load(out), f.local("i32")
        f.store("i32 0", status)
        with f.unless(f.absent(new)):
            f.store(f.call("keep", "ptr %x", new, NULL, old, returns="i32"), status)
        f.decref(new, v, old)
        f.ret(f.load(status, "i32"))


INDEXING = (spelled, parsed, selected, getitem, row, setitem, put)
"""Builtins of this module, with their internal functions."""
