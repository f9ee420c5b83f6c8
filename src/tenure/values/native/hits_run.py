"""Fast path of beginning and running a trace: live handles, and from inputs to results without a step between.
Generated code.

No signal handler runs between the moment in which the program is given the inputs and that in which the handles have
their results, so nothing can be lost there.
"""

from __future__ import annotations

from tenure.runtime.assembler import NULL
from tenure.values.native.hits_objects import Code

__all__ = ["RUNNING"]


def alive(m: Code) -> None:
    """alive(handles): the slots of the handles with a holder besides the list, as a tuple."""
    with m.function("alive", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        handles, found = f.load("ptr %args"), f.call("PyList_New", "i64 0")
        with f.when(f.absent(found)):
            f.ret(NULL)
        with f.each(f.call("PyList_Size", handles, returns="i64")) as k:
            references = f.load(f.call("PyList_GetItem", handles, k), "i32")
            with f.unless(f.equal(references, "i32 1")):
                slot = f.call("PyLong_FromLong", k)
                f.call("PyList_Append", found, slot, returns="i32")
                f.decref(slot)
        out = f.call("PyList_AsTuple", found)  # making a tracked object may free others, and their references
        f.decref(found)
        f.ret(out)


def gather(m: Code) -> None:
    """Return the arrays of a trace's inputs as a list; NULL if one has none, and with an error."""
    with m.function("gather", "ptr %inputs") as f:
        size = f.call("PyList_Size", "ptr %inputs", returns="i64")
        arrays = f.call("PyList_New", size)
        with f.when(f.absent(arrays)):
            f.ret(NULL)
        with f.each(size) as k:
            array = f.get(f.call("PyList_GetItem", "ptr %inputs", k), ".data")
            with f.unless(f.is_(f.kind(array), "ndarray")):
                f.decref(arrays)
                f.ret(NULL)
            f.call("PyList_SetItem", arrays, k, f.incref(array), returns="i32")
        f.ret(arrays)


def choose(m: Code) -> None:
    """Return the numbers at some positions of a list as a sequence; NULL, with an error."""
    with m.function("choose", "ptr %numbers", "ptr %which") as f:
        size = f.call("PyTuple_Size", "ptr %which", returns="i64")
        with f.when(f.equal(size, "i64 0")):
            f.ret(f.incref(f.constant("empty")))
        out = f.call("PyList_New", size)
        with f.when(f.absent(out)):
            f.ret(NULL)
        with f.each(size) as k:
            number, over = f.call("PyTuple_GetItem", "ptr %which", k), f.local("i32")
            at = f.call("PyLong_AsLongLongAndOverflow", number, over, returns="i64")
            f.call("PyList_SetItem", out, k, f.incref(f.call("PyList_GetItem", "ptr %numbers", at)), returns="i32")
        f.ret(out)


def own_context(m: Code) -> None:
    """Return the allocator context for a run of its own, if arrays are made in it: one cannot be entered twice at
    once."""
    with m.function("own_context", "ptr %spec", "ptr %context") as f:
        with f.when(f.empty(f.item("ptr %spec", "i64 3"), "Tuple")):
            f.ret(f.incref("ptr %context"))
        f.ret(f.call("PyContext_Copy", "ptr %context"))


def deliver(m: Code) -> None:
    """Store results in their handles, which are pending no longer."""
    with m.function("deliver", "ptr %handles", "ptr %slots", "ptr %results", returns="void") as f:
        with f.each(f.call("PyTuple_Size", "ptr %slots", returns="i64")) as k:
            slot = f.call("PyTuple_GetItem", "ptr %slots", k)
            at = f.call("PyLong_AsLongLongAndOverflow", slot, f.local("i32"), returns="i64")
            h = f.call("PyList_GetItem", "ptr %handles", at)
            f.swap(h, ".data", f.call("PyList_GetItem", "ptr %results", k))
            f.swap(h, ".trace", f.constant("none"))
            f.swap(h, ".rule", f.constant("none"))
        f.ret()


def left_over(m: Code) -> None:
    """Append the results that are no handle's to a list: residuals."""
    with m.function("left_over", "ptr %results", "i64 %first", "ptr %out", returns="void") as f:
        with f.each(f.do("sub", f.size("ptr %results", "List"), "i64 %first")) as k:
            at = f.do("add", "i64 %first", k)
            f.call("PyList_Append", "ptr %out", f.call("PyList_GetItem", "ptr %results", at), returns="i32")
        f.ret()


def hand_over(m: Code) -> None:
    """hand_over(t, spec, slots, numbers, context, residuals): True once the results are in their handles, and the
    others in the list of residuals; None, and nothing done, if an input is no plain array; (arrays, status, table)
    where the program has failed."""
    with m.function("hand_over", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        t, spec, slots, which, context, more = (f.load(f.at("ptr %args", f"i64 {k}")) for k in range(6))
        arrays, numbers = f.call("gather", f.get(t, "trace.inputs")), f.call("choose", f.get(t, "trace.scalars"), which)
        fresh, results = f.call("PyList_New", "i64 0"), f.call("PyList_New", f.size(f.item(spec, "i64 5"), "Tuple"))
        own, box = f.call("own_context", spec, context), f.local(count=5)
        with f.when(f.either(*map(f.absent, (arrays, numbers, fresh, results, own)))):
            f.decref(arrays, numbers, fresh, results, own)
            with f.when(f.absent(f.call("PyErr_Occurred"))):
                f.ret(f.incref(f.constant("none")))
            f.ret(NULL)
        # From here on nothing is made that the garbage collector counts: no finalizer finds a value half computed.
        f.swap(t, "trace.running", f.constant("true"))
        f.swap(t, "trace.inputs", fresh)  # an input without other holders dies here, and leaves its array to the list
        f.decref(fresh)
        for k, v in enumerate((spec, arrays, numbers, own, results)):
            f.store(v, f.at(box, f"i64 {k}"))
        status = f.call_at(f.load("ptr @run"), NULL, box, "i64 5")
        with f.unless(f.is_(status, "none")):
            f.decref(numbers, own, results)
            with f.when(f.absent(status)):
                f.decref(arrays)
                f.ret(NULL)
            out = f.call("PyTuple_New", "i64 3")
            for k, v in enumerate((arrays, status, f.incref(f.item(spec, "i64 9")))):
                f.call("PyTuple_SetItem", out, f"i64 {k}", v, returns="i32")
            f.ret(out)
        f.call("deliver", f.get(t, "trace.handles"), slots, results, returns="void")
        f.call("left_over", results, f.size(slots, "Tuple"), more, returns="void")
        f.decref(status, numbers, own, results, arrays)
        f.ret(f.incref(f.constant("true")))


RUNNING = (alive, gather, choose, own_context, deliver, left_over, hand_over)
