"""The run of a program that is new, from the columns of a builder to results in their handles: generated code.

    multiply 0 1; sum 2          becomes, with no object for a program, plan or call,
    two records; homes, last uses, places; rows; one call of the interpreter of tables

Small work alone is taken: so no input has to be donated, no pause comes, and where a check fails, or something is not
usual, nothing has been done and the program is made and run as any other.
"""

from __future__ import annotations

from tenure.runtime.assembler import NULL
from tenure.values.native.hits_objects import Code
from tenure.values.native.hits_planning import (
    BYTES,
    DATA,
    PLANNING,
    STATE,
    count,
    function,
    listed,
    planner,
    put,
)
from tenure.values.native.hits_programs import number, whole, word

__all__ = ["FIRST"]


def new_array(m: Code) -> None:
    """New array of a shape and dtype."""
    with m.function("new_array", "ptr %shape", "ptr %dtype") as f:
        args = f.local(count=2)
        f.store("ptr %shape", args)
        f.store("ptr %dtype", f.at(args, "i64 1"))
        f.ret(f.call("PyObject_Vectorcall", f.constant("np_empty"), args, "i64 2", NULL))


def arrays(m: Code) -> None:
    """Make the arrays of the outputs, the packed numbers and the arena behind the inputs; whether that was possible."""
    with m.function("arrays", "ptr %s", "ptr %b", "ptr %list", returns="i1") as f:
        made, first, avals = listed(f, "made"), count(f, "arrays"), f.get("ptr %b", "builder.avals")
        with f.each(count(f, "made_count")) as k:
            v = f.call("PyList_GetItem", avals, word(f, made, f.do("mul", k, "i64 2")))
            shape, dtype = (f.call("PyTuple_GetItem", v, f"i64 {place}") for place in (0, 1))
            array = f.call("new_array", shape, f.get(dtype, "dtype.numpy"))
            with f.when(f.absent(array)):
                f.ret("i1 false")
            f.call("PyList_SetItem", "ptr %list", f.do("add", first, k), array, returns="i32")
        size = number(f, count(f, "top"))
        arena = f.call("new_array", size, f.constant("np_bytes"))
        f.decref(size)
        with f.when(f.absent(arena)):
            f.ret("i1 false")
        last = f.do("add", f.do("add", first, count(f, "made_count")), "i64 1")
        f.call("PyList_SetItem", "ptr %list", last, arena, returns="i32")
        f.ret("i1 true")


def pooled_arrays(m: Code) -> None:
    """Make the arrays with the pool's allocator in force, if there is one."""
    with m.function("pooled_arrays", "ptr %s", "ptr %b", "ptr %list", "ptr %context", returns="i1") as f:
        small = f.value("i1", f"icmp slt {count(f, 'work')}, {planner(f, 'pooled').split()[1]}")
        with f.when(f.either(small, f.is_("ptr %context", "none"))):
            f.ret(f.call("arrays", "ptr %s", "ptr %b", "ptr %list", returns="i1"))
        own = f.call("PyContext_Copy", "ptr %context")
        with f.when(f.absent(own)):
            f.ret("i1 false")
        f.call("PyContext_Enter", own, returns="i32")
        fine = f.call("arrays", "ptr %s", "ptr %b", "ptr %list", returns="i1")
        f.call("PyContext_Exit", own, returns="i32")
        f.decref(own)
        f.ret(fine)


def packed(m: Code) -> None:
    """Put the packed numbers of a trace into the list: the table, the first row, then the numbers; whether that was
    possible."""
    with m.function("packed", "ptr %s", "ptr %numbers", "ptr %list", returns="i1") as f:
        count_ = f.size("ptr %numbers", "List")
        out = f.call("PyBytes_FromStringAndSize", NULL, f.do("mul", f.do("add", count_, "i64 2"), "i64 8"))
        with f.when(f.absent(out)):
            f.ret("i1 false")
        place = f.do("add", count(f, "arrays"), count(f, "made_count"))
        f.call("PyList_SetItem", "ptr %list", place, out, returns="i32")
        words = f.at(out, BYTES, "i8")
        f.store(listed(f, "table"), words)
        put(f, words, "i64 1", count(f, "begin"))
        with f.each(count_) as k:
            x, to = f.call("PyList_GetItem", "ptr %numbers", k), f.at(words, f.do("add", k, "i64 2"), "i64")
            real = f.is_(f.kind(x), "float")
            with f.when(real):
                f.store(f.call("PyFloat_AsDouble", x, returns="double"), to)
            with f.unless(real):
                f.store(whole(f, x), to)
        f.ret(f.negation(f.failed()))


def listed_inputs(m: Code) -> None:
    """List the arrays of a trace's inputs; whether all are plain ones."""
    with m.function("listed_inputs", "ptr %s", "ptr %inputs", "ptr %list", returns="i1") as f:
        with f.unless(f.equal(f.size("ptr %inputs", "List"), count(f, "arrays"))):
            f.ret("i1 false")
        with f.each(count(f, "arrays")) as k:
            array = f.get(f.call("PyList_GetItem", "ptr %inputs", k), ".data")
            with f.unless(f.is_(f.kind(array), "ndarray")):
                f.ret("i1 false")
            f.call("PyList_SetItem", "ptr %list", k, f.incref(array), returns="i32")
        f.ret("i1 true")


def copies(m: Code) -> None:
    """Copy the results that lie in the buffer of another result or input; whether that was possible."""
    with m.function("copies", "ptr %s", "ptr %list", returns="i1") as f:
        made, places, shift, first = listed(f, "made"), listed(f, "places"), planner(f, "shift"), count(f, "arrays")
        last = f.do("sub", f.size("ptr %list", "List"), "i64 1")
        arena = f.load(f.at(f.call("PyList_GetItem", "ptr %list", last), DATA, "i8"))
        mask = f.do("sub", f.do("shl", "i64 1", shift), "i64 1")
        with f.each(count(f, "made_count")) as k:
            v = word(f, made, f.do("add", f.do("mul", k, "i64 2"), "i64 1"))
            with f.unless(f.value("i1", f"icmp slt {v}, 0")):
                array = f.call("PyList_GetItem", "ptr %list", f.do("add", first, k))
                place = word(f, places, v)
                base = word(f, arena, f.do("lshr", place, shift))
                source = f.value("ptr", f"inttoptr {f.do('add', base, f.do('and', place, mask))} to ptr")
                size = f.call("PyObject_GetAttr", array, f.constant("name_nbytes"))
                with f.when(f.absent(size)):
                    f.ret("i1 false")
                f.call("memcpy", f.load(f.at(array, DATA, "i8")), source, whole(f, size))
                f.decref(size)
        f.ret("i1 true")


def hand_out(m: Code) -> None:
    """Store the results in their handles, which are pending no longer."""
    with m.function("hand_out", "ptr %s", "ptr %handles", "ptr %slots", "ptr %list", returns="void") as f:
        results = listed(f, "results")
        with f.each(f.size("ptr %slots", "Tuple")) as k:
            h = f.call("PyList_GetItem", "ptr %handles", whole(f, f.item("ptr %slots", k)))
            f.swap(h, ".data", f.call("PyList_GetItem", "ptr %list", word(f, results, k)))
            f.swap(h, ".trace", f.constant("none"))
            f.swap(h, ".rule", f.constant("none"))
        f.ret()


def executed(m: Code) -> None:
    """Run what is planned, and store the results in the handles of a trace; whether that was done."""
    args = ("ptr %s", "ptr %b", "ptr %t", "ptr %slots", "ptr %list", "ptr %context")
    with m.function("executed", *args, returns="i1") as f:
        handles = f.get("ptr %t", "trace.handles")
        known = f.call("listed_inputs", "ptr %s", f.get("ptr %t", "trace.inputs"), "ptr %list", returns="i1")
        with f.unless(f.both(known, f.negation(f.empty(handles, "List")))):
            f.ret("i1 false")
        numbers = f.get("ptr %t", "trace.scalars")
        with f.unless(f.call("packed", "ptr %s", numbers, "ptr %list", returns="i1")):
            f.ret("i1 false")
        with f.unless(f.call("pooled_arrays", "ptr %s", "ptr %b", "ptr %list", "ptr %context", returns="i1")):
            f.ret("i1 false")
        thread = f.call("PyEval_SaveThread")
        status = f.call_at(function(f, "main"), "ptr %list", returns="i64")
        f.call("PyEval_RestoreThread", thread, returns="void")
        with f.unless(f.equal(status, "i64 0")):
            f.ret("i1 false")
        with f.unless(f.call("copies", "ptr %s", "ptr %list", returns="i1")):
            f.ret("i1 false")
        f.call("hand_out", "ptr %s", handles, "ptr %slots", "ptr %list", returns="void")
        f.ret("i1 true")


def started(m: Code) -> None:
    """Number, list, plan and run a new program: 1 if that was done, 0 if it cannot be run so, -1 if an operation has no
    record yet."""
    args = ("ptr %s", "ptr %t", "ptr %ex", "ptr %outputs", "ptr %slots", "ptr %context")
    with m.function("started", *args, returns="i64") as f:
        b, span, out = f.get("ptr %ex", "expansion.builder"), f.local("i64", count=2), f.local("i64")
        reads = f.call("given", "ptr %s", "ptr %ex", "ptr %outputs", span, returns="i64")
        first, last = f.load(span, "i64"), f.load(f.at(span, "i64 1", "i64"), "i64")
        most = f.do("add", f.do("sub", last, first), "i64 1")
        memory = f.call("room", "ptr %s", most, reads, f.size("ptr %outputs", "List"))
        with f.when(f.absent(memory)):
            f.ret("i64 0")
        f.store("i64 -1", out)
        with f.when(f.call("operations", "ptr %s", b, span, returns="i1")):
            f.store("i64 0", out)
        fits = f.value("i1", f"icmp slt {count(f, 'work')}, {planner(f, 'work').split()[1]}")
        with f.unless(fits):
            f.store("i64 0", out)
        with f.when(f.both(fits, f.equal(f.load(out, "i64"), "i64 0"))):
            with f.when(f.call("planned", "ptr %s", b, "ptr %outputs", returns="i1")):
                size = f.do("add", f.do("add", count(f, "arrays"), count(f, "made_count")), "i64 2")
                held = f.call("PyList_New", size)
                with f.unless(f.absent(held)):
                    done = f.call("executed", "ptr %s", b, "ptr %t", "ptr %slots", held, "ptr %context", returns="i1")
                    f.store(f.value("i64", f"zext {done} to i64"), out)
                f.decref(held)
            f.call("PyMem_Free", listed(f, "table"), returns="void")
        with f.each(count(f, "count")) as k:
            f.decref(f.load(f.at(listed(f, "kept"), k)))
        f.call("PyMem_Free", memory, returns="void")
        f.ret(f.load(out, "i64"))


def first_run(m: Code) -> None:
    """first_run(t, ex, outputs, slots, context)"""
    with m.function("first_run", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        t, ex, outputs, slots, context = (f.load(f.at("ptr %args", f"i64 {k}")) for k in range(5))
        state, out = f.local("i64", count=len(STATE)), f.local("i64")
        for k in range(len(STATE)):
            put(f, state, f"i64 {k}", "i64 0")
        f.store("i64 0", out)

        def to(name: str) -> str:
            return f.at(state, f"i64 {STATE[name]}", "i64")

        size = f.do("add", f.size(f.get(f.get(ex, "expansion.builder"), "builder.avals"), "List"), "i64 1")
        arrays = f.size(f.get(ex, "expansion.inputs"), "List")
        f.store(arrays, to("arrays"))
        f.store(f.do("add", arrays, f.size(f.get(ex, "expansion.scalars"), "List")), to("inputs"))
        marks, new = f.call("PyMem_Calloc", size, "i64 1"), f.call("PyMem_Calloc", size, "i64 8")
        f.store(marks, to("marks"))
        f.store(new, to("new"))
        with f.unless(f.either(f.absent(marks), f.absent(new))):
            f.store(f.call("started", state, t, ex, outputs, slots, context, returns="i64"), out)
        for x in (marks, new):
            f.call("PyMem_Free", x, returns="void")
        with f.when(f.equal(f.load(to("raised"), "i64"), "i64 1")):
            f.ret(NULL)
        with f.when(f.failed()):
            f.call("PyErr_Clear", returns="void")
            f.ret(f.incref(f.constant("none")))
        found = f.load(out, "i64")
        for said, name in ((1, "true"), (-1, "false")):
            with f.when(f.equal(found, f"i64 {said}")):
                f.ret(f.incref(f.constant(name)))
        f.ret(f.incref(f.constant("none")))


FIRST = (
    *(*PLANNING, new_array, arrays, pooled_arrays, packed, listed_inputs, copies),
    *(hand_out, executed, started, first_run),
)
"""Builtins of this module, with their internal functions."""
