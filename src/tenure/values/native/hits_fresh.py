"""Fast path of a new trace: generated code.

A trace has fourteen containers and a lock of its own. One that has run and that nobody else holds leaves them, emptied,
to the next of its thread (``Unfinished.spare``): 0.4 µs less a read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tenure.runtime.assembler import NULL
from tenure.values.native.hits_objects import Code, Step

__all__ = ["FRESH", "trace_maker"]


def trace_maker(blank: Mapping[str, Any]) -> Any:
    """Definitions of the functions that make a new trace, as ``blank``, slot by slot, and that empty an old one."""
    owned = {slot: type(like) for slot, like in blank.items() if type(like) in (list, dict) or slot == "lock"}

    def define(m: Code) -> None:
        with m.function("new_trace", "ptr %spare") as f:
            t = f.call("PyType_GenericAlloc", f.constant("trace"), "i64 0")
            with f.when(f.absent(t)):
                f.ret(NULL)
            for slot in blank:
                v = own_part(f, slot, owned[slot]) if slot in owned else first_value(f, t, slot)
                f.put(t, f"trace.{slot}", v)
                with f.when(f.absent(v)):
                    f.decref(t)
                    f.ret(NULL)
            f.ret(t)
        with m.function("emptied", "ptr %t", returns="void") as f:
            for slot, kind in owned.items():
                empty_part(f, slot, kind)
            f.ret()

    return define


def first_value(f: Step, t: str, slot: str) -> str:
    """New reference to what a slot of a new trace holds."""
    if slot == "limit":
        return f.incref(f.get(f.constant("root"), "path.limit"))
    if slot == "token":
        return f.call("PyWeakref_NewRef", t, NULL)
    return f.incref(f.constant(f"blank_{slot}"))


def own_part(f: Step, slot: str, kind: type) -> str:
    """A container or lock of a new trace: that of the spare one, or a new one."""
    box = f.local()
    f.store(f.call("inherited", "ptr %spare", f.where(f"trace.{slot}")), box)
    with f.when(f.absent(f.load(box))):
        if slot == "lock":
            f.store(f.call_python(f.constant("new_lock")), box)
        else:
            f.store(f.call("PyList_New", "i64 0") if kind is list else f.call("PyDict_New"), box)
    return f.load(box)


def empty_part(f: Step, slot: str, kind: type) -> None:
    """Empty a container of an old trace; what a segment holds too is left to it."""
    v = f.get("ptr %t", f"trace.{slot}")
    sole = f.equal(f.load(v, "i32"), "i32 1")
    with f.unless(sole):
        f.put("ptr %t", f"trace.{slot}", NULL)
        f.decref(v)
    if kind is list:
        with f.when(sole), f.unless(f.empty(v, "List")):
            f.call("PyList_SetSlice", v, "i64 0", f.size(v, "List"), NULL, returns="i32")
    elif kind is dict:
        with f.when(sole), f.unless(f.empty(v, "Dict")):
            f.call("PyDict_Clear", v, returns="void")


def inherited(m: Code) -> None:
    """Take a container or lock out of a trace that was emptied; NULL if it has none."""
    with m.function("inherited", "ptr %spare", "i64 %at") as f:
        with f.when(f.absent("ptr %spare")):
            f.ret(NULL)
        to = f.at("ptr %spare", "i64 %at", "i8")
        v = f.load(to)
        f.store(NULL, to)
        f.ret(v)


def kept_spare(m: Code) -> None:
    """Keep a trace of this thread that has run for the next, if the caller alone holds it."""
    with m.function("keep_spare", "ptr %cell", "ptr %t", returns="void") as f:
        with f.when(f.both(f.is_(f.get("ptr %t", "trace.done"), "true"), f.equal(f.load("ptr %t", "i32"), "i32 1"))):
            f.call("emptied", "ptr %t", returns="void")
            f.swap("ptr %cell", "unfinished.spare", "ptr %t")
        f.ret()


def fresh(m: Code) -> None:
    """Start another trace in a thread, whose last one was at the end of a step: as ``Recorder.fresh``."""
    with m.function("fresh", "ptr %cell", "ptr %state", returns="i32") as f:
        spare = f.get("ptr %cell", "unfinished.spare")
        old = f.choice(f.is_(f.incref(spare), "none"), NULL, spare)
        f.swap("ptr %cell", "unfinished.spare", f.constant("none"))  # before a finalizer may take it
        t = f.call("new_trace", old)
        f.decref(spare)
        with f.when(f.absent(t)):
            f.ret("i32 -1")
        site = f.call("PyDict_GetItemWithError", "ptr %state", f.constant("name_site"))
        with f.unless(f.is_(site, "none")):
            pair = f.call("PyTuple_New", "i64 2")
            for k, v in enumerate((f.constant("zero"), site)):
                f.call("PyTuple_SetItem", pair, f"i64 {k}", f.incref(v), returns="i32")
            f.call("PyList_Append", f.get(t, "trace.sites"), pair, returns="i32")
            f.decref(pair)
        done = f.call("PyDict_SetItem", "ptr %state", f.constant("name_trace"), t, returns="i32")
        f.swap("ptr %cell", "unfinished.trace", t)
        f.decref(t)
        f.ret(done)


FRESH = (inherited, kept_spare, fresh)
"""Builtins of this module, with their internal functions."""
