"""Fast path of views of cells, the places of another library's face: generated code.

A step, which its layout remembers, says what is recorded and where the view lies. The view is a cell with a window,
which its owner knows by a weak reference. Left to the slow path are views that are stale or not in a graph that there
is, elements in memory that others write, and steps of other kinds.
"""

from __future__ import annotations

from tenure.runtime.assembler import NULL
from tenure.values.native.hits_attributes import finish
from tenure.values.native.hits_objects import CELL, Code, Step

__all__ = ["VIEWING"]

FEW = 64
"""Number of weak references of an owner from which on they are looked through, each time that they have doubled."""


def is_cell(f: Step, x: str) -> str:
    """Whether an object is a cell, or a leaf of that class."""
    kind = f.kind(x)
    return f.either(f.is_(kind, "cell_type"), f.is_(kind, "cell_leaf"))


def new_cell(m: Code) -> None:
    """Return a cell that owns a value; NULL with an error."""
    with m.function("new_cell", "ptr %v") as f:
        held = f.call("state")
        with f.when(f.absent(held)):
            f.ret(NULL)
        home = f.call("PyDict_GetItemWithError", held, f.constant("name_home"))
        x = f.call("PyType_GenericAlloc", f.constant("cell_type"), "i64 0")
        with f.unless(f.absent(x)):
            for slot in ("leaf", "loans", "ties"):
                f.put(x, f"var.{slot}", f.incref(f.constant("none")))
            for slot in CELL:
                f.put(x, f"cell.{slot}", f.incref(f.constant("none")))
            f.put(x, "var.home", f.incref(home))
            f.put(x, "var.borrows", f.incref(f.constant("empty")))
            f.put(x, "var.val", f.incref("ptr %v"))
            f.swap("ptr %v", ".held", f.constant("true"))
        f.ret(x)


def cell(m: Code) -> None:
    """cell(value): a place of another library's face, which owns a value without windows."""
    with m.function("cell", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        v = f.load("ptr %args")
        fine = f.both(f.equal("i64 %n", "i64 1"), f.is_(f.kind(v), "tensor"))
        with f.when(f.both(fine, f.negation(f.absent(f.constant("cell_type"))))):
            f.ret(f.call("new_cell", v))
        f.ret(f.call("PyObject_Vectorcall", f.constant("slow_cell"), "ptr %args", "i64 %n", NULL))


def seen(m: Code) -> None:
    """Value that a view of a cell is recorded on, borrowed; NULL where that is left to the slow path."""
    with m.function("seen", "ptr %x") as f:
        with f.unless(is_cell(f, "ptr %x")):
            f.ret(NULL)
        outer, v, owner = f.get("ptr %x", "cell.window"), f.get("ptr %x", "var.val"), f.local()
        with f.when(f.absent(v)):
            f.ret(NULL)
        f.store("ptr %x", owner)
        with f.unless(f.is_(outer, "none")):
            f.store(f.get(outer, "window.owner"), owner)
            with f.unless(f.is_(f.get(outer, "window.foreign"), "empty")):
                f.ret(NULL)
        free = f.is_(f.get(f.load(owner), "cell.lent"), "none")
        known, box = f.get(f.load(owner), "var.borrows"), f.local("i1")
        f.store("i1 true", box)
        with f.unless(f.is_(known, "empty")):
            size = f.size(known, "List")
            few = f.value("i1", f"icmp ult {size}, {FEW}")
            between = f.negation(f.equal(f.do("and", size, f.do("sub", size, "i64 1")), "i64 0"))
            f.store(f.either(few, between), box)
        f.ret(f.choice(f.every(f.is_(f.kind(v), "tensor"), free, f.load(box, "i1")), v, NULL))


def graded(m: Code) -> None:
    """Grad mode as True or False, borrowed; NULL where that is not plain."""
    with m.function("graded") as f:
        box = f.local()
        f.store(NULL, box)
        f.call("PyContextVar_Get", f.constant("mode"), NULL, box, returns="i32")
        mode = f.load(box)
        f.decref(mode)
        with f.unless(f.is_(f.kind(mode), "mode_type")):
            f.ret(NULL)
        f.ret(f.get(mode, "mode.grad"))


def listed(m: Code) -> None:
    """Let an owner know a view, taken over; return it, or NULL with an error."""
    with m.function("listed", "ptr %owner", "ptr %view") as f:
        reference = f.call("PyWeakref_NewRef", "ptr %view", NULL)
        known, box = f.get("ptr %owner", "var.borrows"), f.local()
        f.store(known, box)
        with f.when(f.is_(known, "empty")):
            f.store(f.call("PyList_New", "i64 0"), box)
            with f.unless(f.absent(f.load(box))):
                with f.when(f.is_(f.get("ptr %owner", "var.borrows"), "empty")):  # else another thread has given one
                    f.swap("ptr %owner", "var.borrows", f.load(box))
                f.decref(f.load(box))
                f.store(f.get("ptr %owner", "var.borrows"), box)
        fine = f.negation(f.either(f.absent(reference), f.absent(f.load(box))))
        with f.when(fine), f.when(f.equal(f.call("remember", f.load(box), reference, returns="i32"), "i32 0")):
            f.ret("ptr %view")
        f.decref("ptr %view")
        f.ret(NULL)


def window(m: Code) -> None:
    """Return the view of a cell by a step; NULL, without an error, if that is left to the slow path."""
    with m.function("window", "ptr %x", "ptr %step") as f:
        v, fn = f.call("seen", "ptr %x"), f.get("ptr %step", "step.function")
        with f.when(f.either(f.absent(v), f.is_(fn, "none"))):
            f.ret(NULL)
        grad = f.call("graded")
        with f.unless(f.either(f.is_(grad, "true"), f.both(f.is_(grad, "false"), f.untracked(v)))):
            f.ret(NULL)
        f.incref(v)
        parts = [f.get("ptr %step", f"step.{name}") for name in ("params", "starts")]
        h = f.call("selected", fn, v, NULL, NULL, *parts, "i64 2")
        with f.when(f.absent(h)):
            f.decref(v)
            f.ret(NULL)
        where = f.call("PyTuple_New", "i64 2")
        with f.when(f.absent(where)):
            f.decref(h, v)
            f.ret(NULL)
        for k, slot in enumerate((".code", ".lasti")):
            f.call("PyTuple_SetItem", where, f"i64 {k}", f.incref(f.get(h, slot)), returns="i32")
        at = (f.get("ptr %step", "step.layout"), f.get("ptr %step", "step.offset"))
        w = f.call("around", "ptr %x", "ptr %step", *at, where, grad)
        view = f.call("shown", h, w, v)
        f.decref(where, v)
        f.ret(view)


def shown(m: Code) -> None:
    """Return a view with a value and a window, which are taken over, and let the owner know it; NULL with an error. It
    forgets its value if the parent's is no longer %base: another thread has written before the owner knew of it."""
    with m.function("shown", "ptr %v", "ptr %w", "ptr %base") as f:
        view = f.call("new_cell", "ptr %v")
        f.decref("ptr %v")
        with f.when(f.either(f.absent("ptr %w"), f.absent(view))):
            f.decref("ptr %w", view)
            f.ret(NULL)
        f.swap(view, "cell.window", "ptr %w")
        out = f.call("listed", f.get("ptr %w", "window.owner"), view)
        still = f.equal(f.get(f.get("ptr %w", "window.parent"), "var.val"), "ptr %base")
        with f.unless(f.either(still, f.absent(out))):
            old = f.get(out, "var.val")
            f.put(out, "var.val", NULL)
            f.decref(old)
        f.decref("ptr %w")
        f.ret(out)


def detached(m: Code) -> None:
    """detached(x, quiet): the view of all of a tensor without its graph, of which the graph notices no writes if it is
    quiet"""
    with m.function("detached", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        x, site = f.load("ptr %args"), f.local(count=2)
        v, grad = f.call("seen", x), f.call("graded")
        ready = f.negation(f.either(f.absent(v), f.absent(grad)))
        at, bare = f.local(), f.local()
        f.store(NULL, bare)
        f.store(NULL, at)
        with f.when(ready):
            f.store(f.incref(f.call("arranged", x)), at)
            with f.unless(f.absent(f.load(at))):
                f.incref(v)
                f.store(f.call("plain", v), bare)
        value = f.load(bare)
        with f.unless(f.absent(value)):
            where = f.call("PyTuple_New", "i64 2")
            found = f.call("line", NULL, "i64 2", site, returns="i1")
            with f.when(f.both(found, f.negation(f.absent(where)))):
                for k in range(2):
                    f.call("PyTuple_SetItem", where, f"i64 {k}", f.load(f.at(site, f"i64 {k}")), returns="i32")
                w = f.call("around", x, f.constant("none"), f.load(at), f.constant("zero"), where, grad)
                f.decref(where, f.load(at))
                with f.when(f.both(f.negation(f.absent(w)), f.is_(f.load(f.at("ptr %args", "i64 1")), "true"))):
                    f.swap(w, "window.quiet", f.constant("true"))
                view = f.call("shown", value, w, v)
                f.decref(v)
                f.ret(view)
            f.decref(value, where)
        with f.unless(f.absent(f.load(at))):
            f.decref(f.load(at), v)
        finish(f, NULL)
        f.ret(f.call("PyObject_Vectorcall", f.constant("slow_detached"), "ptr %args", "i64 %n", NULL))


def around(m: Code) -> None:
    """Return a window on a cell by a step, or None for all of it, with a layout, at an offset and taken at a line, in
    the graph or not; NULL with an error."""
    names = ("ptr %x", "ptr %step", "ptr %layout", "ptr %offset", "ptr %where", "ptr %grad")
    with m.function("around", *names) as f:
        outer, no = f.get("ptr %x", "cell.window"), f.constant("false")
        offset, owner, flag, quiet = (f.local() for _ in range(4))
        f.store(f.incref("ptr %offset"), offset)
        f.store("ptr %x", owner)
        f.store(f.constant("none"), flag)
        f.store(no, quiet)
        with f.unless(f.is_(outer, "none")):
            f.decref(f.load(offset))
            f.store(f.call("PyNumber_Add", f.get(outer, "window.offset"), "ptr %offset"), offset)
            f.store(f.get(outer, "window.owner"), owner)
            f.store(f.get(outer, "window.quiet"), quiet)
            with f.unless(f.is_(f.get(outer, "window.is_root"), "true")):
                f.store(f.get(outer, "window.flag"), flag)
        with f.when(f.absent(f.load(offset))):
            f.ret(NULL)
        flagged = f.choice(f.is_("ptr %grad", "true"), f.load(flag), f.constant("no_grad_flag"))
        flagged = f.choice(f.is_("ptr %step", "none"), f.constant("none"), flagged)
        kept = {"owner": f.load(owner), "parent": "ptr %x", "step": "ptr %step", "recorded": "ptr %grad"}
        kept["flag"] = flagged
        kept |= {"where": "ptr %where", "layout": "ptr %layout", "quiet": f.load(quiet)}
        kept["is_root"] = f.choice(f.is_("ptr %step", "none"), f.constant("true"), no)
        kept |= {"written": no, "node": f.constant("none"), "foreign": f.constant("empty")}
        f.ret(f.made("window", offset=f.load(offset), **{name: f.incref(x) for name, x in kept.items()}))


def windowed(m: Code) -> None:
    """windowed(x, step): the view of a tensor by a step."""
    with m.function("windowed", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        finish(f, f.call("window", f.load("ptr %args"), f.load(f.at("ptr %args", "i64 1"))))
        f.ret(f.call("PyObject_Vectorcall", f.constant("slow_windowed"), "ptr %args", "i64 %n", NULL))


def several(m: Code) -> None:
    """several(x, steps, flags): the views of a tensor by several steps, each flagged as an output of one function."""
    with m.function("several", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        x, steps, flags = (f.load(f.at("ptr %args", f"i64 {k}")) for k in range(3))
        count, fine = f.size(steps, "Tuple"), f.local("i1")
        out = f.call("PyTuple_New", count)
        f.store(f.negation(f.absent(out)), fine)
        with f.when(f.load(fine, "i1")), f.each(count) as k, f.when(f.load(fine, "i1")):
            view = f.call("window", x, f.item(steps, k))
            with f.when(f.absent(view)):
                f.store("i1 false", fine)
            with f.unless(f.absent(view)):
                w = f.get(view, "cell.window")
                with f.when(f.is_(f.get(w, "window.flag"), "none")):
                    f.swap(w, "window.flag", f.item(flags, k))
                f.call("PyTuple_SetItem", out, k, view, returns="i32")
        with f.when(f.load(fine, "i1")):
            f.ret(out)
        f.decref(out)
        finish(f, NULL)
        f.ret(f.call("PyObject_Vectorcall", f.constant("slow_several"), "ptr %args", "i64 %n", NULL))


def arranged(m: Code) -> None:
    """Layout of a cell, borrowed; NULL, without an error, if that is left to the slow path."""
    with m.function("arranged", "ptr %x") as f:
        outer, own, v = (f.get("ptr %x", slot) for slot in ("cell.window", "cell.layout", "var.val"))
        with f.unless(f.is_(outer, "none")):
            f.ret(f.get(outer, "window.layout"))
        with f.unless(f.is_(own, "none")):
            f.ret(own)
        with f.when(f.absent(v)):
            f.ret(NULL)
        with f.unless(f.is_(f.kind(v), "tensor")):
            f.ret(NULL)
        f.ret(f.call("PyDict_GetItemWithError", f.constant("layouts"), f.item(f.get(v, ".aval"), "i64 0")))


def layout(m: Code) -> None:
    """layout(x): the layout of a tensor."""
    with m.function("layout", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        x = f.load("ptr %args")
        with f.when(is_cell(f, x)):
            found = f.call("arranged", x)
            with f.unless(f.absent(found)):
                f.ret(f.incref(found))
        f.ret(f.call("PyObject_Vectorcall", f.constant("slow_layout"), "ptr %args", "i64 %n", NULL))


def part(m: Code) -> None:
    """x[key] of a cell, by an index that its layout remembers"""
    with m.function("part", "ptr %x", "ptr %args", "i64 %n", exported=True) as f:
        with f.when(f.both(f.equal("i64 %n", "i64 1"), is_cell(f, "ptr %x"))):
            key, of, name = f.load("ptr %args"), f.call("arranged", "ptr %x"), f.local()
            with f.unless(f.absent(of)):
                whole = f.is_(f.kind(key), "int")
                with f.when(whole):
                    f.store(f.incref(key), name)
                with f.unless(whole):
                    f.store(f.call("spelled", key, f.get(of, "layout.shape")), name)
                with f.unless(f.absent(f.load(name))):
                    step = f.call("PyDict_GetItemWithError", f.get(of, "layout.views"), f.load(name))
                    f.decref(f.load(name))
                    with f.unless(f.absent(step)):
                        f.incref(step)
                        out = f.call("window", "ptr %x", step)
                        f.decref(step)
                        finish(f, out)
        finish(f, NULL)
        f.ret(f.call("onward", f.constant("slow_part"), "ptr %x", "ptr %args", "i64 %n", NULL))


VIEWING = (
    new_cell, cell, seen, graded, listed, around, shown, window, windowed, several, arranged, layout, part, detached,
)  # fmt: skip
"""Builtins of this module, with their internal functions."""
