"""Fast path of attributes and in-place methods of places: generated code."""

from __future__ import annotations

from collections.abc import Callable

from tenure.runtime.assembler import NULL
from tenure.values.native.hits_objects import Code, Step
from tenure.values.native.hits_places import is_place

__all__ = ["ATTRIBUTES", "IN_PLACE"]

IN_PLACE = 32
"""Number of in-place operations of two operands with a fast path, at most."""


def finish(f: Step, h: str) -> None:
    """Return a handle, or NULL with an error; go on if there is neither."""
    with f.unless(f.both(f.absent(h), f.absent(f.call("PyErr_Occurred")))):
        f.ret(h)


def leave(f: Step, name: str, *args: str) -> None:
    """Call the slow path that sets an attribute: 0, or -1 with an error."""
    done = f.call_python(f.constant(name), *args)
    f.decref(done)
    f.ret(f.choice(f.absent(done), "i32 -1", "i32 0"))


def refuse_deletion(f: Step, name: str) -> None:
    """Call the slow path for the deletion of an attribute."""
    with f.when(f.absent("ptr %v")):
        f.decref(f.call_python(f.constant(f"delete_{name}"), "ptr %x"))
        f.ret("i32 -1")


def get_data(m: Code) -> None:
    """Var.data"""
    with m.function("get_data", "ptr %x", "ptr %closure", exported=True) as f:
        finish(f, f.call("borrow", "ptr %x"))
        f.ret(f.call_python(f.constant("slow_get_data"), "ptr %x"))


def set_data(m: Code) -> None:
    """Var.data = v"""
    with m.function("set_data", "ptr %x", "ptr %v", "ptr %closure", returns="i32", exported=True) as f:
        refuse_deletion(f, "data")
        kind = f.kind("ptr %v")
        with f.when(f.is_(kind, "borrow")):
            own = f.equal(f.get("ptr %v", "borrow.place"), "ptr %x")
            direct = [f.is_(f.get("ptr %v", f"borrow.{slot}"), "none") for slot in ("parent", "stale")]
            with f.when(f.every(own, *direct)):
                f.ret("i32 0")
        with f.when(f.both(f.is_(kind, "tensor"), is_place(f, "ptr %x"))):
            free = f.negation(f.call("guarded", "ptr %x", returns="i1"))
            with f.when(free):
                v = f.call("plain", "ptr %v")
                status = f.local("i32")
                f.store("i32 0", status)
                with f.unless(f.absent(v)):
                    f.store(f.call("keep", "ptr %x", v, NULL, NULL, returns="i32"), status)
                f.decref(v)
                with f.when(f.failed()):
                    f.ret("i32 -1")
                with f.when(f.equal(f.load(status, "i32"), "i32 1")):
                    f.ret("i32 0")
        leave(f, "slow_set_data", "ptr %x", "ptr %v")


def get_own_data(m: Code) -> None:
    """Borrow.data"""
    with m.function("get_own_data", "ptr %x", "ptr %closure", exported=True) as f:
        f.ret(f.incref("ptr %x"))


def set_own_data(m: Code) -> None:
    """Borrow.data = v"""
    with m.function("set_own_data", "ptr %x", "ptr %v", "ptr %closure", returns="i32", exported=True) as f:
        refuse_deletion(f, "own_data")
        with f.when(f.equal("ptr %v", "ptr %x")):
            f.ret("i32 0")
        leave(f, "slow_set_own_data", "ptr %x", "ptr %v")


def get_grad(m: Code) -> None:
    """Tensor.grad"""
    with m.function("get_grad", "ptr %x", "ptr %closure", exported=True) as f:
        with f.when(is_place(f, "ptr %x")):
            leaf = f.get("ptr %x", "var.leaf")
            with f.unless(f.is_(leaf, "none")):
                grad = f.get(leaf, "leaf.grad")
                with f.when(f.is_(grad, "none")):
                    f.ret(f.incref(grad))
                with f.when(is_place(f, grad)):
                    finish(f, f.call("borrow", grad))
        f.ret(f.call_python(f.constant("slow_get_grad"), "ptr %x"))


def set_grad(m: Code) -> None:
    """Tensor.grad = v: only None, where the gradient given up has no borrow left."""
    with m.function("set_grad", "ptr %x", "ptr %v", "ptr %closure", returns="i32", exported=True) as f:
        refuse_deletion(f, "grad")
        with f.when(f.both(f.is_("ptr %v", "none"), is_place(f, "ptr %x"))):
            leaf, lent = f.get("ptr %x", "var.leaf"), f.local("i1")
            with f.unless(f.is_(leaf, "none")):
                grad = f.get(leaf, "leaf.grad")
                with f.when(f.is_(grad, "none")):
                    f.ret("i32 0")
                with f.when(is_place(f, grad)):
                    free = [f.is_(f.get(grad, f"var.{slot}"), "none") for slot in ("loans", "ties")]
                    f.store(f.negation(f.every(*free)), lent)
                    borrows = f.get(grad, "var.borrows")
                    with f.each(f.size(borrows, "List")) as k:
                        b = f.call("PyWeakref_GetObject", f.call("PyList_GetItem", borrows, k))
                        f.store(f.either(f.load(lent, "i1"), f.negation(f.is_(b, "none"))), lent)
                    with f.unless(f.load(lent, "i1")):
                        f.swap(leaf, "leaf.grad", "ptr %v")
                        f.ret("i32 0")
                with f.when(f.is_(f.kind(grad), "rows_place")), f.when(f.is_(f.get(grad, "rows.lent"), "false")):
                    f.swap(leaf, "leaf.grad", "ptr %v")
                    f.ret("i32 0")
        leave(f, "slow_set_grad", "ptr %x", "ptr %v")


def written(m: Code) -> None:
    """Place written through a place or a borrow of all of it that is not stale; NULL where that is left to the slow
    path."""
    with m.function("written", "ptr %x") as f:
        with f.when(is_place(f, "ptr %x")):
            f.ret(f.choice(f.call("guarded", "ptr %x", returns="i1"), NULL, "ptr %x"))
        with f.unless(f.is_(f.kind("ptr %x"), "borrow")):
            f.ret(NULL)
        p = f.get("ptr %x", "borrow.place")
        with f.unless(f.both(f.is_(f.get("ptr %x", "borrow.stale"), "none"), is_place(f, p))):
            f.ret(NULL)
        with f.unless(f.equal(f.get("ptr %x", "borrow.region"), f.get(p, "var.whole"))):
            f.ret(NULL)
        f.ret(f.choice(f.call("guarded", p, returns="i1"), NULL, p))


def may_write(m: Code) -> None:
    """Whether a place may be written as part of a computation: no leaf may, unless gradients are off."""
    with m.function("may_write", "ptr %p", returns="i1") as f:
        with f.when(f.is_(f.get("ptr %p", "var.leaf"), "none")):
            f.ret("i1 true")
        f.ret(f.negation(f.call("tracking", returns="i1")))


def tracking(m: Code) -> None:
    """Whether gradients are tracked, or may be."""
    with m.function("tracking", returns="i1") as f:
        found = f.call("graded")
        f.ret(f.either(f.absent(found), f.is_(found, "true")))


def write(m: Code) -> None:
    """Write a value through a place or a borrow of all of it, as part of a computation, if the place holds ``known``:
    return the place or borrow; NULL, without an error, if that is left to the slow path."""
    with m.function("write", "ptr %x", "ptr %p", "ptr %v", "ptr %known") as f:
        writer = f.choice(f.equal("ptr %x", "ptr %p"), NULL, "ptr %x")
        bare = f.untracked("ptr %v")
        with f.unless(f.either(f.absent(writer), bare)):
            f.ret(NULL)
        status = f.call("keep", "ptr %p", "ptr %v", writer, "ptr %known", returns="i32")
        with f.when(f.equal(status, "i32 1")):
            f.ret(f.incref("ptr %x"))
        f.ret(NULL)


def in_place(m: Code) -> None:
    """x ∘= y, or x.op_(y)"""
    with m.function("in_place", "ptr %x", "ptr %args", "i64 %n", "ptr %names", "ptr %entry") as f:
        with f.when(f.both(f.equal("i64 %n", "i64 1"), f.absent("ptr %names"))):
            p, out = f.call("written", "ptr %x"), f.local()
            f.store(NULL, out)
            with f.unless(f.absent(p)):
                known = f.call("value", p)
                with f.unless(f.absent(known)):
                    through = f.negation(f.equal(p, "ptr %x"))
                    with f.when(f.either(through, f.call("may_write", p, returns="i1"))):
                        f.store(f.call("computed", "ptr %x", p, known, f.load("ptr %args"), "ptr %entry"), out)
                    f.decref(known)
            finish(f, f.load(out))
        f.ret(f.call("onward", f.load(f.at("ptr %entry", "i64 1")), "ptr %x", "ptr %args", "i64 %n", "ptr %names"))


def computed(m: Code) -> None:
    """Compute from the value of a place, and write the result through the place or a borrow: as ``write``."""
    with m.function("computed", "ptr %x", "ptr %p", "ptr %known", "ptr %y", "ptr %entry") as f:
        box, out = f.local(), f.local()
        own = f.equal("ptr %p", "ptr %x")
        with f.when(own):
            f.store(f.incref("ptr %known"), box)
        with f.unless(own):
            f.store(f.call("plain", "ptr %known"), box)
        old = f.load(box)
        with f.when(f.absent(old)):
            f.ret(NULL)
        h = f.call("pair", old, "ptr %y", "ptr %entry", "i64 2")
        f.decref(old)
        f.store(NULL, out)
        with f.unless(f.absent(h)):
            f.store(f.call("write", "ptr %x", "ptr %p", h, "ptr %known"), out)
        f.decref(h)
        f.ret(f.load(out))


def fill(m: Code) -> None:
    """Write a number to all of a place, itself or through a borrow: as ``write``."""
    with m.function("fill", "ptr %x", "ptr %number") as f:
        p, numbers, parts, out = f.call("written", "ptr %x"), f.local(), f.local(count=3), f.local()
        with f.when(f.absent(p)):
            f.ret(NULL)
        through, leaf = f.negation(f.equal(p, "ptr %x")), f.negation(f.is_(f.get(p, "var.leaf"), "none"))
        old = f.get(p, "var.val")
        with f.when(f.either(f.absent(old), f.both(leaf, f.negation(through)))):
            f.ret(NULL)
        aval = f.get(old, ".aval")
        bare = f.untracked(old)
        kind, number = f.call("PyTuple_GetItem", aval, "i64 1"), f.kind("ptr %number")
        floats = f.either(f.is_(kind, "float32"), f.is_(kind, "float64"))
        real = f.both(floats, f.either(f.is_(number, "float"), f.is_(number, "int")))
        some = f.call("has_elements", f.call("PyTuple_GetItem", aval, "i64 0"), returns="i1")
        with f.unless(f.every(real, some, f.either(bare, leaf))):
            f.ret(NULL)
        params, t = f.call_python(f.constant("filling"), aval), f.call("hold")
        f.store(NULL, out)
        with f.unless(f.either(f.absent(t), f.absent(params))):
            for k, part in enumerate((f.constant("full"), params, number)):
                f.store(part, f.at(parts, f"i64 {k}"))
            f.store("ptr %number", numbers)
            f.store(f.call("take", t, parts, "i64 3", NULL, "i64 0", numbers, "i64 1", "i64 0", "i1 false"), out)
        h = f.local()
        f.store(NULL, h)
        with f.unless(f.absent(t)):
            f.store(f.call("release", t, f.load(out)), h)
        f.decref(params)
        new = f.load(h)
        with f.when(f.absent(new)):
            f.ret(NULL)
        done = f.call("write", "ptr %x", p, new, NULL)
        f.decref(new)
        f.ret(done)


def has_elements(m: Code) -> None:
    """Whether no axis of a shape is empty."""
    with m.function("has_elements", "ptr %shape", returns="i1") as f:
        with f.each(f.size("ptr %shape", "Tuple")) as k, f.when(f.is_(f.item("ptr %shape", k), "zero")):
            f.ret("i1 false")
        f.ret("i1 true")


def filled(name: str, number: str | None) -> Callable[[Code], None]:
    """zero_() and fill_(number)"""

    def define(m: Code) -> None:
        with m.function(name, "ptr %x", "ptr %args", "i64 %n", "ptr %names", exported=True) as f:
            given = f.equal("i64 %n", "i64 1" if number is None else "i64 0")
            with f.when(f.both(given, f.absent("ptr %names"))):
                given = f.load("ptr %args") if number is None else f.constant(number)
                finish(f, f.call("fill", "ptr %x", given))
            f.ret(f.call("onward", f.constant(f"slow_{name}"), "ptr %x", "ptr %args", "i64 %n", "ptr %names"))

    return define


ATTRIBUTES = (
    *(get_data, set_data, get_own_data, set_own_data, get_grad, set_grad, written, tracking, may_write, write),
    *(in_place, computed, fill, has_elements, filled("fill_", None), filled("zero_", "zero")),
)
"""Builtins of this module, with their internal functions."""
