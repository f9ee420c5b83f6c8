"""Fast path of places without loans, as ``Var._write`` and ``Borrow.of``: generated code.

A place that is written is its own class or a parameter; a borrow is one of all of a place.
"""

from __future__ import annotations

from tenure.runtime.assembler import NULL
from tenure.values.native.hits_objects import Code, Step

__all__ = ["PLACING"]


def is_place(f: Step, x: str) -> str:
    """Whether an object is a place of a class with a fast path."""
    kind = f.kind(x)
    return f.either(f.is_(kind, "var"), f.is_(kind, "parameter"))


def guarded(m: Code) -> None:
    """Whether a write of a place needs further checks: a loan, a tie, a module's forward, an observer."""
    with m.function("guarded", "ptr %p", returns="i1") as f:
        free = [f.is_(f.get("ptr %p", f"var.{slot}"), "none") for slot in ("loans", "ties")]
        free += [f.empty(f.constant(name), "Dict") for name in ("lending", "updating")]
        f.ret(f.negation(f.every(*free, f.empty(f.constant("watchers"), "List"))))


def as_leaf(m: Code) -> None:
    """Return a value as that of a leaf; NULL without an error if that is left to the slow path."""
    with m.function("as_leaf", "ptr %v", "ptr %leaf") as f:
        data = f.get("ptr %v", ".data")
        with f.when(f.is_(data, "none")):
            f.ret(f.call("leaf_mark", "ptr %v", "ptr %leaf"))
        kept = {"aval": f.get("ptr %v", ".aval"), "data": data, "src": "ptr %leaf"}
        kept |= {"kind": f.get(f.get("ptr %v", ".kind"), "kind.leaf"), "slot": f.constant("zero")}
        kept |= dict.fromkeys(("trace", "rule"), f.constant("none"))
        f.ret(f.made("tensor", **{name: f.incref(x) for name, x in kept.items()}))


def fits_place(f: Step, old: str, v: str) -> str:
    """Whether a value has the shape and dtype of another, and is not one example's."""
    aval, box = f.get(v, ".aval"), f.local("i32")
    f.store("i32 1", box)
    with f.unless(f.equal(aval, f.get(old, ".aval"))):
        f.store(f.call("PyObject_RichCompareBool", aval, f.get(old, ".aval"), "i32 2", returns="i32"), box)
        f.call("PyErr_Clear", returns="void")
    with f.unless(f.shared(v)):
        f.store("i32 0", box)
    return f.equal(f.load(box, "i32"), "i32 1")


def keep(m: Code) -> None:
    """Store a value in a place, written through a borrow or by itself, if the place still holds ``known`` (if that is
    given): 1. 0, and nothing done, where that is left to the slow path; -1 with an error."""
    with m.function("keep", "ptr %p", "ptr %v", "ptr %writer", "ptr %known", returns="i32") as f:
        with f.unless(is_place(f, "ptr %p")):
            f.ret("i32 0")
        with f.when(f.call("guarded", "ptr %p", returns="i1")):
            f.ret("i32 0")
        old, leaf, box = f.get("ptr %p", "var.val"), f.get("ptr %p", "var.leaf"), f.local()
        with f.when(f.absent(old)):
            f.ret("i32 0")
        with f.unless(f.is_(f.kind(old), "tensor")):
            f.ret("i32 0")
        with f.unless(fits_place(f, old, "ptr %v")):
            f.ret("i32 0")
        plain = f.is_(leaf, "none")
        with f.when(plain):
            f.store(f.incref("ptr %v"), box)
        with f.unless(plain):
            with f.unless(f.untracked("ptr %v")):
                f.ret("i32 0")
            f.incref(leaf)
            f.store(f.call("as_leaf", "ptr %v", leaf), box)
            f.decref(leaf)
        new = f.load(box)
        with f.when(f.absent(new)):
            f.ret(f.choice(f.failed(), "i32 -1", "i32 0"))
        known = f.choice(f.absent("ptr %known"), f.get("ptr %p", "var.val"), "ptr %known")
        same = f.equal(f.get("ptr %p", "var.val"), known)
        with f.when(f.either(f.call("guarded", "ptr %p", returns="i1"), f.negation(same))):
            f.decref(new)  # a finalizer has run meanwhile
            f.ret("i32 0")
        f.swap(new, ".held", f.constant("true"))
        f.swap("ptr %p", "var.val", new)
        status = f.local("i32")
        f.store("i32 1", status)
        with f.unless(f.empty(f.get("ptr %p", "var.borrows"), "List")):
            f.store(f.call("expire", "ptr %p", new, "ptr %writer", returns="i32"), status)
        f.decref(new)
        f.ret(f.load(status, "i32"))


def expire(m: Code) -> None:
    """Make stale the borrows that a write of all of a place overlaps: 1, or -1 with an error."""
    with m.function("expire", "ptr %p", "ptr %new", "ptr %writer", returns="i32") as f:
        known, others, own = f.get("ptr %p", "var.borrows"), f.local("i1"), f.local()
        size = f.size(known, "List")
        f.store("i1 false", others)
        f.store(NULL, own)
        with f.each(size) as k:
            reference = f.call("PyList_GetItem", known, k)
            b = f.call("PyWeakref_GetObject", reference)
            mine = f.equal(b, "ptr %writer")
            with f.when(mine):
                f.store(reference, own)
            with f.unless(f.either(mine, f.is_(b, "none"))):
                f.store("i1 true", others)
        with f.when(f.load(others, "i1")):
            writer = f.choice(f.absent("ptr %writer"), f.constant("none"), "ptr %writer")
            done = f.call_python(f.constant("expire_slowly"), "ptr %p", "ptr %new", writer, f.constant("ellipsis"))
            f.decref(done)
            f.ret(f.choice(f.absent(done), "i32 -1", "i32 1"))
        one = f.incref(f.load(own))
        alone = f.both(f.equal(size, "i64 1"), f.negation(f.absent(one)))
        with f.unless(alone):
            f.call("PyList_SetSlice", known, "i64 0", size, NULL, returns="i32")
            with f.unless(f.absent(one)):
                f.call("PyList_Append", known, one, returns="i32")
        f.decref(one)
        with f.when(f.absent(one)):
            f.ret("i32 1")
        shown = f.call("plain", "ptr %new")
        with f.when(f.absent(shown)):
            with f.unless(f.failed()):
                f.decref(f.call_python(f.constant("renew"), "ptr %writer", "ptr %new"))
            f.ret(f.choice(f.failed(), "i32 -1", "i32 1"))
        f.swap(shown, ".held", f.constant("true"))
        f.swap("ptr %writer", "borrow.val", shown)
        f.decref(shown)
        f.ret("i32 1")


def plain(m: Code) -> None:
    """Return a value without its graph; NULL, without an error, if that is left to the slow path."""
    with m.function("plain", "ptr %v") as f:
        with f.when(f.untracked("ptr %v")):
            f.ret(f.incref("ptr %v"))
        f.ret(f.call("one_step", f.constant("detaching"), "ptr %v", f.constant("empty"), NULL, "i64 0"))


def borrow(m: Code) -> None:
    """Return a borrow of all of a place; NULL, without an error, if that is left to the slow path."""
    with m.function("borrow", "ptr %p") as f:
        with f.unless(is_place(f, "ptr %p")):
            f.ret(NULL)
        whole = f.call("value", "ptr %p")
        with f.when(f.absent(whole)):
            f.ret(NULL)
        region = f.call("whole", "ptr %p", whole)
        v = f.call("plain", whole)
        f.decref(whole)
        with f.when(f.either(f.absent(v), f.absent(region))):
            f.decref(v)
            f.ret(NULL)
        f.swap(v, ".held", f.constant("true"))
        kept = {"place": "ptr %p", "region": region}
        kept |= dict.fromkeys(("endings", "parent", "stale"), f.constant("none"))
        b = f.made("borrow", val=v, **{name: f.incref(x) for name, x in kept.items()})
        with f.when(f.absent(b)):
            f.ret(NULL)
        reference = f.call("PyWeakref_NewRef", b, NULL)
        with f.when(f.absent(reference)):
            f.decref(b)
            f.ret(NULL)
        listed = f.call("remember", f.get("ptr %p", "var.borrows"), reference, returns="i32")
        with f.unless(f.equal(listed, "i32 0")):
            f.decref(b)
            f.ret(NULL)
        f.ret(b)


def whole(m: Code) -> None:
    """Region of all of a place, given its value, cached in the place; NULL, with an error, if that fails."""
    with m.function("whole", "ptr %p", "ptr %v") as f:
        known = f.get("ptr %p", "var.whole")
        with f.unless(f.absent(known)):
            f.ret(known)
        found = f.call_python(f.constant("region_of"), f.call("PyTuple_GetItem", f.get("ptr %v", ".aval"), "i64 0"))
        with f.when(f.absent(found)):
            f.ret(NULL)
        with f.when(f.absent(f.get("ptr %p", "var.whole"))):  # else another thread has found it meanwhile
            f.swap("ptr %p", "var.whole", found)
        f.decref(found)
        f.ret(f.get("ptr %p", "var.whole"))


def remember(m: Code) -> None:
    """Append a weak reference, taken over, to a list of them, in place of the last one if that is dead; 0 if done."""
    with m.function("remember", "ptr %list", "ptr %reference", returns="i32") as f:
        size = f.size("ptr %list", "List")
        last = f.do("sub", size, "i64 1")
        with f.unless(f.equal(size, "i64 0")):
            old = f.call("PyWeakref_GetObject", f.call("PyList_GetItem", "ptr %list", last))
            with f.when(f.is_(old, "none")):
                f.ret(f.call("PyList_SetItem", "ptr %list", last, "ptr %reference", returns="i32"))
        done = f.call("PyList_Append", "ptr %list", "ptr %reference", returns="i32")
        f.decref("ptr %reference")
        f.ret(done)


PLACING = (guarded, as_leaf, keep, expire, plain, borrow, whole, remember)
"""Internal functions of this module."""
