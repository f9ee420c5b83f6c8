"""Fast path of optimizers and modules: updates of many places, sites, attributes. Generated code."""

from __future__ import annotations

from tenure.runtime.assembler import NULL
from tenure.values.native.hits_attributes import finish
from tenure.values.native.hits_objects import Code, Step
from tenure.values.native.hits_places import is_place

__all__ = ["UPDATING"]

WIDEST = 4096
"""Number of parts of a key, at most."""
OPERANDS, PLACES = 1600, 1200
"""Number of operands of an update and of the places that it writes, at most: those of Adam for 400 parameters."""
MOST = 16
"""Number of numbers of a step, at most."""


def leave_to(f: Step, slow: str) -> None:
    """Call the slow path with the arguments."""
    f.ret(f.call("PyObject_Vectorcall", f.constant(slow), "ptr %args", "i64 %n", NULL))


def bind_all(m: Code) -> None:
    """Store the slots of a list's values (new references) in an array, in a held trace; the number of them, all without
    an error."""
    with m.function("bind_all", "ptr %t", "ptr %operands", "ptr %to", returns="i64") as f:
        filled = f.local("i64")
        f.store("i64 0", filled)
        with f.each(f.size("ptr %operands", "List")) as k, f.when(f.equal(f.load(filled, "i64"), k)):
            x, i = f.call("value", f.call("PyList_GetItem", "ptr %operands", k)), f.local()
            f.store(NULL, i)
            with f.unless(f.absent(x)):
                f.store(f.call("slot", "ptr %t", x), i)
            f.decref(x)
            f.store(f.load(i), f.at("ptr %to", k))
            with f.unless(f.absent(f.load(i))):
                f.store(f.do("add", k, "i64 1"), filled)
        f.ret(f.load(filled, "i64"))


def updated(m: Code) -> None:
    """Return the results of an update, recorded in a held trace: as ``take``."""
    names = ("fn", "operands", "params", "scalars", "places")
    with m.function("updated", "ptr %t", *[f"ptr %{name}" for name in names]) as f:
        parts, numbers, out = f.local(count=WIDEST), f.local(count=MOST), f.local()
        slots = f.local(count=WIDEST)
        many, kinds = f.size("ptr %operands", "List"), f.size("ptr %places", "List")
        count, first = f.size("ptr %scalars", "Tuple"), f.at(parts, "i64 2")
        f.store(f.constant("operation_step"), parts)
        f.store("ptr %fn", f.at(parts, "i64 1"))
        f.store(NULL, out)
        end = f.call("bind_all", "ptr %t", "ptr %operands", slots, returns="i64")
        with f.when(f.equal(end, many)):
            with f.each(many) as k:
                f.store(f.call("kind", "ptr %t", f.load(f.at(slots, k))), f.at(first, k))
            behind = f.at(first, many)
            f.store("ptr %params", behind)
            behind = f.at(behind, "i64 1")
            with f.each(kinds) as k:
                bare = f.is_(f.get(f.call("PyList_GetItem", "ptr %places", k), "var.leaf"), "none")
                f.store(f.choice(bare, f.constant("false"), f.constant("true")), f.at(behind, k))
            behind = f.at(behind, kinds)
            with f.each(count) as k:
                number = f.item("ptr %scalars", k)
                f.store(number, f.at(numbers, k))
                f.store(f.kind(number), f.at(behind, k))
            total = f.do("add", f.do("add", many, count), f.do("add", kinds, "i64 3"))
            row = (slots, many, numbers, count, "i64 2", "i1 true")
            f.store(f.call("take", "ptr %t", parts, total, *row), out)
        with f.each(end) as k:
            f.decref(f.load(f.at(slots, k)))
        f.ret(f.load(out))


def update(m: Code) -> None:
    """update(fn, operands, params, scalars, places), of places without loans"""
    with m.function("update", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        given, out = [f.load(f.at("ptr %args", f"i64 {k}")) for k in range(5)], f.local()
        sizes = [f.size(given[1], "List"), f.size(given[4], "List"), f.size(given[3], "Tuple")]
        f.store(NULL, out)
        few = [f.value("i1", f"icmp ule {x}, {most}") for x, most in zip(sizes, (OPERANDS, PLACES, MOST), strict=True)]
        with f.when(f.both(f.every(*few), f.call("are_places", given[4], returns="i1"))):
            t = f.call("hold")
            with f.unless(f.absent(t)):
                f.store(f.call("updated", t, *given), out)
                f.call("mark_all", t, f.load(out), given[4], returns="void")
                f.decref(f.call("release", t, NULL))
        with f.when(f.failed()):
            f.decref(f.load(out))
            f.ret(NULL)
        finish(f, f.load(out))
        leave_to(f, "slow_update")


def mark_all(m: Code) -> None:
    """Mark handles, if there are any, as the values of leaves in a trace."""
    with m.function("mark_all", "ptr %t", "ptr %handles", "ptr %places", returns="void") as f:
        with f.when(f.absent("ptr %handles")):
            f.ret()
        marks = f.get("ptr %t", "trace.marks")
        with f.each(f.size("ptr %handles", "Tuple")) as k:
            leaf = f.get(f.call("PyList_GetItem", "ptr %places", k), "var.leaf")
            with f.unless(f.is_(leaf, "none")):
                f.call("PyDict_SetItem", marks, f.get(f.item("ptr %handles", k), ".slot"), leaf, returns="i32")
        f.ret()


def are_places(m: Code) -> None:
    """Whether a list contains places alone."""
    with m.function("are_places", "ptr %list", returns="i1") as f:
        with f.each(f.size("ptr %list", "List")) as k, f.unless(is_place(f, f.call("PyList_GetItem", "ptr %list", k))):
            f.ret("i1 false")
        f.ret("i1 true")


def refuse_writes(m: Code) -> None:
    """refuse_writes(places), a list"""
    with m.function("refuse_writes", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        places, fine = f.load("ptr %args"), f.local("i1")
        f.store(f.both(f.is_(f.kind(places), "list"), f.empty(f.constant("lending"), "Dict")), fine)
        with f.unless(f.empty(f.constant("updating"), "Dict")):
            me = f.call("PyLong_FromUnsignedLong", f.call("PyThread_get_thread_ident", returns="i64"))
            mine = f.call("PyDict_GetItemWithError", f.constant("updating"), me)
            f.decref(me)
            f.store(f.both(f.load(fine, "i1"), f.negation(f.absent(mine))), fine)
        with f.when(f.load(fine, "i1")):
            with f.each(f.size(places, "List")) as k:
                p = f.call("PyList_GetItem", places, k)
                f.store(f.both(f.load(fine, "i1"), f.call("is_free", p, returns="i1")), fine)
            with f.when(f.load(fine, "i1")):
                f.ret(f.incref(f.constant("none")))
        leave_to(f, "slow_refuse_writes")


def is_free(m: Code) -> None:
    """Whether an object is a place without loans, and no part of another."""
    with m.function("is_free", "ptr %p", returns="i1") as f:
        with f.unless(is_place(f, "ptr %p")):
            f.ret("i1 false")
        f.ret(f.both(*[f.is_(f.get("ptr %p", f"var.{slot}"), "none") for slot in ("loans", "ties")]))


def gradients_of(m: Code) -> None:
    """gradients_of(places), a list; all are values of one class"""
    with m.function("gradients_of", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        places = f.load("ptr %args")
        with f.unless(f.is_(f.kind(places), "list")):
            leave_to(f, "slow_gradients_of")
        size = f.size(places, "List")
        out, filled = f.call("PyList_New", size), f.local("i64")
        f.store("i64 0", filled)
        with f.unless(f.absent(out)):
            with f.each(size) as k, f.when(f.equal(f.load(filled, "i64"), k)):
                g = f.call("gradient_of", f.call("PyList_GetItem", places, k))
                with f.unless(f.absent(g)):
                    f.call("PyList_SetItem", out, k, f.incref(g), returns="i32")
                    with f.when(f.equal(f.kind(g), f.kind(f.call("PyList_GetItem", out, "i64 0")))):
                        f.store(f.do("add", k, "i64 1"), filled)
            with f.when(f.equal(f.load(filled, "i64"), size)):
                f.ret(out)
        f.decref(out)
        leave_to(f, "slow_gradients_of")


def gradient_of(m: Code) -> None:
    """The value of a place's gradient; NULL where that needs a look."""
    with m.function("gradient_of", "ptr %p") as f:
        with f.unless(is_place(f, "ptr %p")):
            f.ret(NULL)
        leaf = f.get("ptr %p", "var.leaf")
        with f.unless(f.is_(f.kind(leaf), "leaf")):
            f.ret(NULL)
        grad = f.get(leaf, "leaf.grad")
        with f.when(f.is_(f.kind(grad), "rows_place")):
            rows = f.get(grad, "rows.val")
            f.ret(f.choice(f.is_(f.kind(rows), "sparse_rows"), rows, NULL))
        with f.unless(is_place(f, grad)):
            f.ret(NULL)
        v = f.get(grad, "var.val")
        f.ret(f.choice(f.is_(f.kind(v), "tensor"), v, NULL))


def are_held(m: Code) -> None:
    """are_held(places), a list"""
    with m.function("are_held", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        places = f.load("ptr %args")
        with f.unless(f.is_(f.kind(places), "list")):
            leave_to(f, "slow_are_held")
        with f.each(f.size(places, "List")) as k:
            p = f.call("PyList_GetItem", places, k)
            with f.unless(f.is_(f.kind(p), "var")):
                with f.unless(f.is_(f.kind(p), "parameter")):
                    leave_to(f, "slow_are_held")
                holders = f.get(p, "var.holders")
                with f.unless(f.is_(holders, "none")):
                    with f.unless(f.is_(f.kind(holders), "list")):
                        leave_to(f, "slow_are_held")
                    with f.when(f.empty(holders, "List")):
                        leave_to(f, "slow_are_held")
                    holder = f.call("PyWeakref_GetObject", f.call("PyList_GetItem", holders, "i64 0"))
                    with f.when(f.is_(holder, "none")):
                        leave_to(f, "slow_are_held")
        f.ret(f.incref(f.constant("true")))


def become(m: Code) -> None:
    """become(places, values), a list and a tuple"""
    with m.function("become", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        places, values, fine = f.load("ptr %args"), f.load(f.at("ptr %args", "i64 1")), f.local("i1")
        usual = [f.is_(f.kind(places), "list"), f.is_(f.kind(values), "tuple"), f.empty(f.constant("watchers"), "List")]
        with f.when(f.every(*usual)):
            size = f.size(places, "List")
            f.store(f.equal(size, f.size(values, "Tuple")), fine)
            with f.each(size) as k, f.when(f.load(fine, "i1")):
                free = f.call("is_free", f.call("PyList_GetItem", places, k), returns="i1")
                f.store(f.both(free, f.shared(f.item(values, k))), fine)
            with f.when(f.load(fine, "i1")):
                with f.each(size) as k:
                    p, v = f.call("PyList_GetItem", places, k), f.item(values, k)
                    f.swap(v, ".held", f.constant("true"))
                    f.swap(p, "var.val", v)
                    with f.unless(f.empty(f.get(p, "var.borrows"), "List")):
                        f.call("expire", p, v, NULL, returns="i32")
                f.give_none()
        leave_to(f, "slow_become")


def enter_site(m: Code) -> None:
    """Recorder.enter_site(site)"""
    with m.function("enter_site", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        state, site = f.call("state"), f.load("ptr %args")
        with f.unless(f.both(f.equal("i64 %n", "i64 1"), f.negation(f.absent(state)))):
            f.ret(f.call("onward", f.constant("slow_enter_site"), "ptr %self", "ptr %args", "i64 %n", NULL))
        t = f.incref(f.get(f.constant("cell"), "unfinished.trace"))
        f.call("PyDict_SetItem", state, f.constant("name_site"), site, returns="i32")
        sites = f.get(t, "trace.sites")
        start, size = f.call("PyLong_FromLong", f.size(f.get(t, "trace.handles"), "List")), f.size(sites, "List")
        with f.unless(f.equal(size, "i64 0")):
            last = f.do("sub", size, "i64 1")
            before = f.item(f.call("PyList_GetItem", sites, last), "i64 0")
            same = f.call("PyObject_RichCompareBool", before, start, "i32 2", returns="i32")
            with f.when(f.equal(same, "i32 1")):
                f.call("PyList_SetSlice", sites, last, size, NULL, returns="i32")
        pair = f.call("PyTuple_New", "i64 2")
        with f.unless(f.absent(pair)):
            f.call("PyTuple_SetItem", pair, "i64 0", start, returns="i32")
            f.call("PyTuple_SetItem", pair, "i64 1", f.incref(site), returns="i32")
            f.call("PyList_Append", sites, pair, returns="i32")
        f.decref(pair, t)
        f.give_none()


def registered(m: Code) -> None:
    """Module.__getattr__(name)"""
    with m.function("registered", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        held = f.call("PyObject_GenericGetDict", "ptr %self", NULL)
        with f.unless(f.absent(held)):
            for registry in ("parameters", "modules", "buffers"):
                names = f.call("PyDict_GetItemWithError", held, f.constant(f"name_{registry}"))
                with f.unless(f.absent(names)), f.when(f.is_(f.kind(names), "dict")):
                    found = f.incref(f.call("PyDict_GetItemWithError", names, f.load("ptr %args")))
                    with f.unless(f.absent(found)):
                        f.decref(held)
                        f.ret(found)
        f.decref(held)
        f.call("PyErr_Clear", returns="void")
        f.ret(f.call("onward", f.constant("slow_registered"), "ptr %self", "ptr %args", "i64 %n", NULL))


UPDATING = (
    *(bind_all, updated, update, mark_all, are_places, refuse_writes, is_free, become, enter_site, registered),
    *(gradients_of, gradient_of, are_held),
)
"""Builtins of this module, with their internal functions."""
