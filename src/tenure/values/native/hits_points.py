"""Fast path of points: the rows of a trace become a block, the one that they were if they were recorded here before.
Generated code."""

from __future__ import annotations

from tenure.runtime.assembler import NULL
from tenure.values.native.hits_objects import Code

__all__ = ["POINTS"]


def as_before(m: Code) -> None:
    """Whether the rows of a trace are those of a block."""
    with m.function("as_before", "ptr %t", "ptr %block", returns="i1") as f:
        for name in ("rules", "slots"):
            rows, known = f.get("ptr %t", f"trace.{name}"), f.get("ptr %block", f"path.{name}")
            size = f.size(rows, "List")
            with f.unless(f.equal(size, f.size(known, "Tuple"))):
                f.ret("i1 false")
            with f.each(size) as k:
                a, b = f.call("PyList_GetItem", rows, k), f.item(known, k)
                with f.unless(f.equal(a, b)):
                    same = f.call("PyObject_RichCompareBool", a, b, "i32 2", returns="i32")
                    with f.unless(f.equal(same, "i32 1")):
                        f.ret("i1 false")
        f.ret("i1 true")


def numbers_as_before(m: Code) -> None:
    """Whether the numbers of a trace's rows are those for which the programs of a block are specialized."""
    with m.function("numbers_as_before", "ptr %t", "ptr %block", returns="i1") as f:
        special, same = f.get("ptr %block", "path.special"), f.local("i1")
        with f.when(f.is_(special, "none")):
            f.ret("i1 true")
        scalars, before = f.get("ptr %t", "trace.scalars"), f.get(f.get("ptr %t", "trace.path"), "path.scalars")
        start = f.call("PyLong_AsLongLongAndOverflow", before, f.local("i32"), returns="i64")
        f.incref(special)  # another thread may replace it
        numbers = f.call("PyList_GetSlice", scalars, start, f.size(scalars, "List"))
        picked = f.local()
        f.store("i1 false", same)
        f.store(NULL, picked)
        with f.unless(f.absent(numbers)):
            f.store(f.call_python(f.item(special, "i64 0"), numbers), picked)
            with f.unless(f.absent(f.load(picked))):
                equal = f.call(
                    "PyObject_RichCompareBool", f.load(picked), f.item(special, "i64 1"), "i32 2", returns="i32"
                )
                f.store(f.equal(equal, "i32 1"), same)
        f.decref(numbers, f.load(picked), special)
        f.call("PyErr_Clear", returns="void")
        f.ret(f.load(same, "i1"))


def point(m: Code) -> None:
    """Path of a trace to here, as ``Trace.point`` (a borrowed reference); NULL with an error."""
    with m.function("point", "ptr %t") as f:
        path = f.get("ptr %t", "trace.path")
        with f.when(f.empty(f.get("ptr %t", "trace.rules"), "List")):
            f.ret(path)
        likely = f.get(path, "path.likely")
        with f.unless(f.is_(likely, "none")):
            known = f.call("as_before", "ptr %t", likely, returns="i1")
            with f.when(known):
                f.incref(likely)  # another thread may forget it
                fine = f.call("numbers_as_before", "ptr %t", likely, returns="i1")
                with f.when(fine):
                    f.call("moved_on", "ptr %t", likely)
                f.decref(likely)
                with f.when(f.failed()):
                    f.ret(NULL)
                with f.when(fine):
                    f.ret(f.get("ptr %t", "trace.path"))
        new = f.call("block_behind", "ptr %t", path)
        with f.unless(f.absent(new)):
            f.ret(f.call("moved_on", "ptr %t", new))
        with f.when(f.failed()):
            f.ret(NULL)
        done = f.call_python(f.constant("slow_point"), "ptr %t")
        f.decref(done)
        with f.when(f.absent(done)):
            f.ret(NULL)
        f.ret(f.get("ptr %t", "trace.path"))


def point_method(m: Code) -> None:
    """Trace.point()"""
    with m.function("point_method", "ptr %t", "ptr %args", "i64 %n", exported=True) as f:
        with f.unless(f.is_(f.get("ptr %t", "trace.busy"), "true")):  # an interrupter might record in it meanwhile
            f.ret(f.call("onward", f.constant("slow_point"), "ptr %t", "ptr %args", "i64 %n", NULL))
        path = f.call("point", "ptr %t")
        with f.when(f.absent(path)):
            f.ret(NULL)
        f.ret(f.incref(path))


def kind(m: Code) -> None:
    """The kind of a slot of a held trace."""
    with m.function("kind", "ptr %t", "ptr %slot") as f:
        at = f.call("PyLong_AsLongLongAndOverflow", "ptr %slot", f.local("i32"), returns="i64")
        with f.when(f.value("i1", f"icmp slt {at}, 0")):
            f.ret(f.get(f.call("PyList_GetItem", f.get("ptr %t", "trace.inputs"), f.do("xor", at, "i64 -1")), ".kind"))
        f.ret(f.get(f.call("PyList_GetItem", f.get("ptr %t", "trace.handles"), at), ".kind"))


def bind_method(m: Code) -> None:
    """Trace.bind(x) of a held trace."""
    with m.function("bind_method", "ptr %t", "ptr %args", "i64 %n", exported=True) as f:
        with f.when(f.equal("i64 %n", "i64 1")):
            x = f.load("ptr %args")
            with f.when(f.is_(f.kind(x), "tensor")):
                f.ret(f.call("slot", "ptr %t", x))
        f.ret(f.call("onward", f.constant("slow_bind"), "ptr %t", "ptr %args", "i64 %n", NULL))


POINTS = (kind, as_before, numbers_as_before, point, point_method, bind_method)
"""Builtins of this module, with their internal functions."""
