"""Fast path of the usual ``backward()``, as ``gradients.short_walk``, and of a segment's step: generated code."""

from __future__ import annotations

from tenure.runtime.assembler import NULL
from tenure.values.native.hits_attributes import finish
from tenure.values.native.hits_leaves import LEAVES, MOST_LEAVES
from tenure.values.native.hits_objects import Code
from tenure.values.native.hits_places import is_place

__all__ = ["BACKWARD"]

MOST_OPERANDS = 64
"""Operands and numbers of an adjoint on the fast path, at most."""


def is_number(m: Code) -> None:
    """Whether a shape is that of one element."""
    with m.function("is_number", "ptr %shape", returns="i1") as f:
        with f.each(f.size("ptr %shape", "Tuple")) as k, f.unless(f.is_(f.item("ptr %shape", k), "one")):
            f.ret("i1 false")
        f.ret("i1 true")


def behind(m: Code) -> None:
    """Source slots that the gradient of a result reaches (a borrowed reference); NULL with an error, or for numbers."""
    with m.function("behind", "ptr %t", "ptr %x") as f:
        path, slot = f.call("point", "ptr %t"), f.get("ptr %x", ".slot")
        number = f.is_(f.get(f.get("ptr %x", ".kind"), "kind.tracked"), "false")
        with f.when(f.either(f.absent(path), number)):
            f.ret(NULL)
        for _ in range(2):
            history = f.get(path, "path.history")
            with f.unless(f.is_(history, "none")):
                found = f.call("PyDict_GetItemWithError", f.get(history, "history.reach"), slot)
                with f.unless(f.absent(found)):
                    f.ret(found)
            made = f.call_python(f.constant("reached"), path, slot)
            f.decref(made)  # the history has it
            with f.when(f.absent(made)):
                f.ret(NULL)
        f.ret(NULL)


def into(m: Code) -> None:
    """Return the slot of a leaf's gradient value, which goes into %known; None if it has none, or comes by rows; NULL
    if that is left to the slow path."""
    with m.function("into", "ptr %t", "ptr %leaf", "ptr %known") as f:
        with f.when(f.is_(f.kind("ptr %leaf"), "rowleaf")):
            grad = f.get(f.get("ptr %leaf", "rowleaf.of"), "leaf.grad")
            with f.when(f.either(f.is_(grad, "none"), f.is_(f.kind(grad), "rows_place"))):
                f.ret(f.incref(f.constant("none")))
            f.ret(NULL)
        grad = f.get("ptr %leaf", "leaf.grad")
        f.store(NULL, "ptr %known")
        with f.when(f.is_(grad, "none")):
            f.ret(f.incref(grad))
        with f.unless(is_place(f, grad)):
            f.ret(NULL)
        with f.unless(f.is_(f.get(grad, "var.loans"), "none")):
            f.ret(NULL)
        v = f.call("value", grad)
        with f.when(f.absent(v)):
            f.ret(NULL)
        f.store(v, "ptr %known")
        f.ret(f.call("slot", "ptr %t", v))


def gradients(m: Code) -> None:
    """Return the gradients of a result for its leaves as a tuple, recorded in a held trace, and the values of the
    leaves' gradients in %known; NULL, without an error, if that is left to the slow path."""
    with m.function("gradients", "ptr %t", "ptr %x", "ptr %leaves", "ptr %known") as f:
        parts, count, filled = f.local(count=MOST_LEAVES + 4), f.size("ptr %leaves", "List"), f.local("i64")
        for n, part in enumerate((f.constant("gradient_step"), f.get("ptr %x", ".slot"), f.constant("false"))):
            f.store(part, f.at(parts, f"i64 {n}"))
        f.store("i64 0", filled)
        with f.each(count) as k:
            at, known = f.load(filled, "i64"), f.at("ptr %known", k)
            f.store(NULL, known)
            with f.when(f.equal(at, k)):
                i = f.call("into", "ptr %t", f.call("PyList_GetItem", "ptr %leaves", k), known)
                f.store(i, f.at(parts, f.do("add", k, "i64 3")))
                with f.unless(f.absent(i)):
                    f.store(f.do("add", k, "i64 1"), filled)
        out, end = f.local(), f.load(filled, "i64")
        f.store(NULL, out)
        with f.when(f.equal(end, count)):
            f.store(f.get(f.get("ptr %t", "trace.mode"), "mode.grad"), f.at(parts, f.do("add", count, "i64 3")))
            path = f.call("point", "ptr %t")
            with f.unless(f.absent(path)):
                f.store(f.call("gradients_here", "ptr %t", "ptr %x", path, parts, count), out)
        with f.each(end) as k:
            f.decref(f.load(f.at(parts, f.do("add", k, "i64 3"))))
        f.ret(f.load(out))


def gradients_here(m: Code) -> None:
    """Return the gradients of a result for all sources behind it, recorded in a held trace by the rule of a key; NULL,
    without an error, if it does not reach them all."""
    with m.function("gradients_here", "ptr %t", "ptr %x", "ptr %path", "ptr %parts", "i64 %count") as f:
        size = f.do("add", "i64 %count", "i64 4")
        key, slots, filled = f.call("PyTuple_New", size), f.local(count=MOST_LEAVES + 1), f.local("i64")
        with f.when(f.absent(key)):
            f.ret(NULL)
        with f.each(size) as k:
            f.call("PyTuple_SetItem", key, k, f.incref(f.load(f.at("ptr %parts", k))), returns="i32")
        deps, box = f.call("behind", "ptr %t", "ptr %x"), f.local()
        with f.when(f.absent(deps)):
            f.decref(key)
            f.ret(NULL)
        f.incref(deps)
        f.store(f.call("PyDict_GetItemWithError", f.get("ptr %path", "path.own"), key), box)
        with f.when(f.both(f.absent(f.load(box)), f.negation(f.failed()))):
            f.store(f.call_python(f.constant("short_rule"), "ptr %t", deps, key), box)
            f.decref(f.load(box))  # the path has it
        f.decref(key)
        rule = f.load(box)
        with f.when(f.absent(rule)):
            f.decref(deps)
            f.ret(NULL)
        reached = f.item(f.get(rule, "rule.params"), "i64 4")
        all_of_them = f.call("PyObject_RichCompareBool", reached, deps, "i32 2", returns="i32")
        f.decref(deps)
        with f.unless(f.equal(all_of_them, "i32 1")):
            f.ret(NULL)
        f.store(f.get("ptr %x", ".slot"), slots)
        f.store("i64 1", filled)
        with f.each("i64 %count") as k:
            i = f.load(f.at("ptr %parts", f.do("add", k, "i64 3")))
            with f.unless(f.is_(i, "none")):
                at = f.load(filled, "i64")
                f.store(i, f.at(slots, at))
                f.store(f.do("add", at, "i64 1"), filled)
        row = (slots, f.load(filled, "i64"), NULL, "i64 0", "i64 2", "i1 true")
        f.ret(f.call("proceed", "ptr %t", rule, *row))


def first_gradient(m: Code) -> None:
    """Set the first gradient of a leaf: 1; 0, and nothing done, if it has one; -1 with an error."""
    with m.function("first_gradient", "ptr %leaf", "ptr %g", returns="i32") as f:
        held = f.call("state")
        with f.when(f.absent(held)):
            f.ret("i32 -1")
        home = f.call("PyDict_GetItemWithError", held, f.constant("name_home"))
        borrows = f.call("PyList_New", "i64 0")
        with f.when(f.absent(borrows)):
            f.ret("i32 -1")
        kept = {"val": "ptr %g", "home": home}
        kept |= dict.fromkeys(("leaf", "loans", "ties"), f.constant("none"))
        place = f.made("var", borrows=borrows, **{name: f.incref(x) for name, x in kept.items()})
        with f.when(f.absent(place)):
            f.ret("i32 -1")
        free = f.is_(f.get("ptr %leaf", "leaf.grad"), "none")  # a finalizer may have run meanwhile
        with f.when(free):
            f.swap("ptr %g", ".held", f.constant("true"))
            f.swap("ptr %leaf", "leaf.grad", place)
        f.decref(place)
        f.ret(f.choice(free, "i32 1", "i32 0"))


def deposit(m: Code) -> None:
    """Compare and set: replace a leaf's gradient by a value computed from %known (or NULL): 1; 0, and nothing done, if
    the gradient is another by now; -1 with an error."""
    with m.function("deposit", "ptr %leaf", "ptr %g", "ptr %known", returns="i32") as f:
        with f.when(f.is_(f.kind("ptr %leaf"), "rowleaf")):
            added = f.call_python(f.constant("add_rows_of"), "ptr %leaf", "ptr %g")
            f.decref(added)
            f.ret(f.choice(f.absent(added), "i32 -1", "i32 1"))
        grad = f.get("ptr %leaf", "leaf.grad")
        with f.when(f.both(f.is_(grad, "none"), f.absent("ptr %known"))):
            f.ret(f.call("first_gradient", "ptr %leaf", "ptr %g", returns="i32"))
        with f.when(f.either(f.is_(grad, "none"), f.absent("ptr %known"))):
            f.ret("i32 0")
        f.incref(grad)
        status = f.call("keep", grad, "ptr %g", NULL, "ptr %known", returns="i32")
        f.decref(grad)
        with f.unless(f.equal(status, "i32 0")):
            f.ret(status)
        done = f.call_python(f.constant("replace_gradient"), "ptr %leaf", "ptr %g", "ptr %known")
        f.decref(done)
        f.ret(f.choice(f.absent(done), "i32 -1", f.choice(f.is_(done, "true"), "i32 1", "i32 0")))


def deposits(m: Code) -> None:
    """Set the gradients of leaves, computed from %known: 1, or -1 with an error. Leaves whose gradient is another by
    now go into a list in %late, with their cotangents alone."""
    names = ("ptr %t", "ptr %x", "ptr %leaves", "ptr %given", "ptr %known", "ptr %late")
    with m.function("deposits", *names, returns="i32") as f:
        status = f.local("i32")
        f.store("i32 1", status)
        with f.each(f.size("ptr %leaves", "List")) as k, f.when(f.equal(f.load(status, "i32"), "i32 1")):
            leaf, g = f.call("PyList_GetItem", "ptr %leaves", k), f.call("PyTuple_GetItem", "ptr %given", k)
            done = f.call("deposit", leaf, g, f.load(f.at("ptr %known", k)), returns="i32")
            f.store(done, status)
            with f.when(f.equal(done, "i32 0")):
                pair = f.call_python(f.constant("arrived"), "ptr %t", "ptr %x", leaf)
                with f.when(f.absent(f.load("ptr %late"))):
                    f.store(f.call("PyList_New", "i64 0"), "ptr %late")
                f.store("i32 -1", status)
                with f.unless(f.either(f.absent(pair), f.absent(f.load("ptr %late")))):
                    listed = f.call("PyList_Append", f.load("ptr %late"), pair, returns="i32")
                    f.store(f.choice(f.equal(listed, "i32 0"), "i32 1", "i32 -1"), status)
                f.decref(pair)
        f.ret(f.load(status, "i32"))


def walk(m: Code) -> None:
    """Add the gradient of a number of the trace in progress to its leaves: 1; 0, and nothing done but inputs bound, if
    that is left to the slow path; -1 with an error."""
    with m.function("walk", "ptr %x", returns="i32") as f:
        t = f.call("hold")
        with f.when(f.absent(t)):
            f.ret(f.choice(f.failed(), "i32 -1", "i32 0"))
        found, leaves, late, known, status = f.local(), f.local(), f.local(), f.local(count=MOST_LEAVES), f.local("i32")
        for box in (found, leaves, late):
            f.store(NULL, box)
        f.store("i32 0", status)
        usual = [f.equal(f.get("ptr %x", ".trace"), t), f.is_(f.get(t, "trace.done"), "false")]
        usual += [f.empty(f.get(t, f"trace.{slot}"), "Dict") for slot in ("handlers", "spent")]
        shape = f.call("PyTuple_GetItem", f.get("ptr %x", ".aval"), "i64 0")
        usual.append(f.call("is_number", shape, returns="i1"))
        with f.when(f.every(*usual)), f.when(f.shared("ptr %x")):
            f.store(f.call("leaves_of", t, "ptr %x"), leaves)
            listed = f.load(leaves)
            with f.unless(f.absent(listed)):
                f.store(f.call("gradients", t, "ptr %x", listed, known), found)
                given = f.load(found)
                with f.unless(f.absent(given)):
                    f.store(f.call("deposits", t, "ptr %x", listed, given, known, late, returns="i32"), status)
                with f.each(f.size(listed, "List")) as k:
                    f.decref(f.load(f.at(known, k)))
        others = f.load(late)
        f.decref(f.load(leaves))
        f.decref(f.call("release", t, f.load(found)))
        with f.unless(f.absent(others)):
            with f.when(f.equal(f.load(status, "i32"), "i32 1")):
                f.decref(f.call_python(f.constant("add_late"), others))
            f.decref(others)
        f.ret(f.choice(f.failed(), "i32 -1", f.load(status, "i32")))


def backward(m: Code) -> None:
    """x.backward()"""
    with m.function("backward", "ptr %x", "ptr %args", "i64 %n", "ptr %names", exported=True) as f:
        with f.when(f.both(f.equal("i64 %n", "i64 0"), f.absent("ptr %names"))):
            v, status = f.call("value", "ptr %x"), f.local("i32")
            f.store("i32 0", status)
            with f.unless(f.absent(v)):
                f.store(f.call("walk", v, returns="i32"), status)
            f.decref(v)
            with f.when(f.equal(f.load(status, "i32"), "i32 1")):
                f.ret(f.incref(f.constant("none")))
            finish(f, NULL)
        f.ret(f.call("onward", f.constant("slow_backward"), "ptr %x", "ptr %args", "i64 %n", "ptr %names"))


def fed(m: Code) -> None:
    """Return an operand of an adjoint: one of some tensors, or an array of the run as a value; NULL if it is not there.
    A feed says where it is looked for, by which key, and of which kind it is."""
    with m.function("fed", "ptr %feed", "ptr %given") as f:
        of, key, kind = (f.item("ptr %feed", f"i64 {k}") for k in range(3))
        found = f.local()
        number = f.call("PyLong_AsLong", of, returns="i64")
        where, given = f.item("ptr %given", number), f.value("i1", f"icmp slt {number}, 2")
        f.store(NULL, found)
        listed = f.is_(f.kind(where), "list")
        with f.when(listed):
            f.store(f.get(f.call("PyList_GetItem", where, f.call("PyLong_AsLong", key, returns="i64")), ".data"), found)
        with f.when(f.both(f.negation(listed), f.is_(f.kind(where), "dict"))):
            f.store(f.call("PyDict_GetItemWithError", where, key), found)
        v = f.load(found)
        with f.when(f.either(f.absent(v), f.is_(v, "none"))):
            f.ret(NULL)
        with f.when(f.both(given, f.negation(f.is_(f.kind(v), "tensor")))):
            f.ret(NULL)
        f.incref(v)
        with f.when(given):
            f.ret(v)
        none = {name: f.incref(f.constant("none")) for name in ("trace", "src", "rule")}
        known = {"aval": f.get(kind, "kind.aval"), "kind": kind, "slot": f.constant("zero")}
        f.ret(f.made("tensor", data=v, **none, **{name: f.incref(x) for name, x in known.items()}))


def operands(m: Code) -> None:
    """Return the operands of an adjoint as a list; NULL if one is not there."""
    with m.function("operands", "ptr %feeds", "ptr %given") as f:
        size, fine = f.size("ptr %feeds", "Tuple"), f.local("i1")
        out = f.call("PyList_New", size)
        f.store(f.negation(f.absent(out)), fine)
        with f.each(size) as k, f.when(f.load(fine, "i1")):
            x = f.call("fed", f.item("ptr %feeds", k), "ptr %given")
            f.store(f.negation(f.absent(x)), fine)
            with f.unless(f.absent(x)):
                f.call("PyList_SetItem", out, k, x, returns="i32")
        with f.when(f.load(fine, "i1")):
            f.ret(out)
        f.decref(out)
        f.ret(NULL)


def pulled(m: Code) -> None:
    """Return the results of an adjoint on some operands as a tuple, recorded in a held trace by a known rule; NULL
    without an error if it is new."""
    with m.function("pulled", "ptr %t", "ptr %program", "ptr %xs", "ptr %scalars") as f:
        many, count = f.size("ptr %xs", "List"), f.size("ptr %scalars", "Tuple")
        parts, slots = f.local(count=MOST_OPERANDS + 3), f.local(count=MOST_OPERANDS)
        numbers, filled, box = f.local(count=MOST_OPERANDS), f.local("i64"), f.local()
        for place, part in enumerate((f.constant("call_step"), "ptr %program", f.constant("false"))):
            f.store(part, f.at(parts, f"i64 {place}"))
        f.store("i64 0", filled)
        f.store(NULL, box)
        with f.each(many) as k, f.when(f.equal(f.load(filled, "i64"), k)):
            i = f.call("slot", "ptr %t", f.call("PyList_GetItem", "ptr %xs", k))
            f.store(i, f.at(slots, k))
            with f.unless(f.absent(i)):
                f.store(f.call("kind", "ptr %t", i), f.at(parts, f.do("add", k, "i64 3")))
                f.store(f.do("add", k, "i64 1"), filled)
        end = f.load(filled, "i64")
        with f.when(f.equal(end, many)):
            after = f.do("add", many, "i64 3")
            with f.each(count) as k:
                number = f.item("ptr %scalars", k)
                f.store(number, f.at(numbers, k))
                f.store(f.kind(number), f.at(parts, f.do("add", after, k)))
            row = (slots, many, numbers, count, "i64 2", "i1 true")
            f.store(f.call("take", "ptr %t", parts, f.do("add", after, count), *row), box)
        with f.each(end) as k:
            f.decref(f.load(f.at(slots, k)))
        f.ret(f.load(box))


def pull(m: Code) -> None:
    """pull(program, feeds, given, scalars)"""
    with m.function("pull", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        program, feeds, given, scalars = (f.load(f.at("ptr %args", f"i64 {k}")) for k in range(4))
        many, box = f.do("add", f.size(feeds, "Tuple"), f.size(scalars, "Tuple")), f.local()
        xs = f.call("operands", feeds, given)
        with f.when(f.absent(xs)):
            finish(f, NULL)
            f.ret(f.call("PyObject_Vectorcall", f.constant("slow_pull"), "ptr %args", "i64 %n", NULL))
        f.store(NULL, box)
        with f.when(f.value("i1", f"icmp ule {many}, {MOST_OPERANDS}")):
            t = f.call("hold")
            with f.unless(f.absent(t)):
                f.store(f.call("release", t, f.call("pulled", t, program, xs, scalars)), box)
        found = f.load(box)
        with f.when(f.both(f.absent(found), f.negation(f.failed()))):
            f.ret(xs)
        f.decref(xs)
        f.ret(found)


BACKWARD = (
    *LEAVES,
    *(is_number, behind, into, gradients, gradients_here, first_gradient, deposit, deposits, walk),
    *(backward, fed, operands, pulled, pull),
)
"""``backward`` and ``pull``, with their internal functions."""
