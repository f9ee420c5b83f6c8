"""Fast path of a recorded operation whose rule is known: generated code.

Each function implements the usual case of the function of the same name in ``record``, its slow path, in the same
order. Any other case (another mode, a busy trace, a new step, another number, an operand that is no value) goes to the
slow path, before anything has changed but the inputs bound. A trace is ``busy`` while a function works on it, as any
allocation may run finalizers that record; it stays so where memory runs out.
"""

from __future__ import annotations

from tenure.runtime.assembler import NULL
from tenure.values.native.hits_attributes import finish
from tenure.values.native.hits_objects import Code, Step

__all__ = ["CALLED", "SLICE"]

MOST = 16
"""Number of operands, and of numbers, of an operation on the fast path, at most."""
SLICE = (16, 24, 32)
"""Offsets of start, stop and step in a slice."""
WIDEST = 1024
"""Number of parts of a key, at most."""


def is_number(f: Step, x: str) -> str:
    """Whether an operand is a Python float, int or bool."""
    kind = f.kind(x)
    return f.do("or", f.do("or", f.is_(kind, "float"), f.is_(kind, "int")), f.is_(kind, "bool"))


def pair(m: Code) -> None:
    """Return the handle of u ∘ y, u a value; NULL without an error if that is left to the slow path."""
    with m.function("pair", "ptr %u", "ptr %y", "ptr %entry", "i64 %depth") as f:
        parts, slots, number, second = f.local(count=3), f.local(count=2), f.local(), f.local()
        f.store("ptr %y", number)
        v, out = f.call("value", "ptr %y"), f.local()
        f.store(NULL, out)
        plain = f.absent(v)
        with f.when(f.choice(plain, is_number(f, "ptr %y"), "i1 true")):
            t = f.call("hold")
            with f.unless(f.absent(t)):
                i = f.call("slot", t, "ptr %u")
                f.store(NULL, second)
                with f.unless(plain):
                    f.store(f.call("slot", t, v), second)
                j, h = f.load(second), f.local()
                f.store(NULL, h)
                ready = f.choice(plain, "i1 true", f.negation(f.absent(j)))
                with f.when(f.both(f.negation(f.absent(i)), ready)):
                    left, other = f.call("kind", t, i), f.local()
                    f.store(f.kind("ptr %y"), other)
                    with f.unless(plain):
                        f.store(f.call("kind", t, j), other)
                    right = f.load(other)
                    turn = f.equal(f.load(f.at("ptr %entry", "i64 2"), "i64"), "i64 1")
                    f.store(f.load("ptr %entry"), parts)
                    f.store(f.choice(turn, right, left), f.at(parts, "i64 1"))
                    f.store(f.choice(turn, left, right), f.at(parts, "i64 2"))
                    f.store(f.choice(f.both(turn, f.negation(plain)), j, i), slots)
                    f.store(f.choice(turn, i, j), f.at(slots, "i64 1"))
                    arity, count = f.choice(plain, "i64 1", "i64 2"), f.choice(plain, "i64 1", "i64 0")
                    row = (slots, arity, number, count, "i64 %depth", "i1 false")
                    f.store(f.call("take", t, parts, "i64 3", *row), h)
                f.decref(i, j)
                f.store(f.call("release", t, f.load(h)), out)
        f.decref(v)
        f.ret(f.load(out))


def binary(m: Code) -> None:
    """x ∘ y as an operator; y is a value, a place, a borrow or a number."""
    with m.function("binary", "ptr %x", "ptr %args", "i64 %n", "ptr %names", "ptr %entry") as f:
        with f.when(f.both(f.equal("i64 %n", "i64 1"), f.absent("ptr %names"))):
            u, out = f.call("value", "ptr %x"), f.local()
            f.store(NULL, out)
            with f.unless(f.absent(u)):
                f.store(f.call("pair", u, f.load("ptr %args"), "ptr %entry", "i64 0"), out)
            f.decref(u)
            finish(f, f.load(out))
        f.ret(f.call("onward", f.load(f.at("ptr %entry", "i64 1")), "ptr %x", "ptr %args", "i64 %n", "ptr %names"))


def one_step(m: Code) -> None:
    """Return the handle of a step of one value, with parameters and a number or NULL."""
    with m.function("one_step", "ptr %fn", "ptr %x", "ptr %params", "ptr %number", "i64 %depth") as f:
        parts, box, slots, h = f.local(count=4), f.local(), f.local(), f.local()
        t = f.call("hold")
        with f.when(f.absent(t)):
            f.ret(NULL)
        i = f.call("slot", t, "ptr %x")
        f.store(NULL, h)
        with f.unless(f.absent(i)):
            for k, part in enumerate(("ptr %fn", f.call("kind", t, i), "ptr %params")):
                f.store(part, f.at(parts, f"i64 {k}"))
            bare = f.absent("ptr %number")
            f.store("ptr %number", box)
            f.store(i, slots)
            with f.unless(bare):
                f.store(f.kind("ptr %number"), f.at(parts, "i64 3"))
            n, count = f.choice(bare, "i64 3", "i64 4"), f.choice(bare, "i64 0", "i64 1")
            row = (slots, "i64 1", box, count, "i64 %depth", "i1 false")
            f.store(f.call("take", t, parts, n, *row), h)
        f.decref(i)
        f.ret(f.call("release", t, f.load(h)))


def unary(m: Code) -> None:
    """f(x) as a method."""
    with m.function("unary", "ptr %x", "ptr %args", "i64 %n", "ptr %names", "ptr %entry") as f:
        with f.when(f.both(f.equal("i64 %n", "i64 0"), f.absent("ptr %names"))):
            u = f.call("value", "ptr %x")
            with f.unless(f.absent(u)):
                h = f.call("one_step", f.load("ptr %entry"), u, f.constant("empty"), NULL, "i64 0")
                f.decref(u)
                finish(f, h)
        f.ret(f.call("onward", f.load(f.at("ptr %entry", "i64 1")), "ptr %x", "ptr %args", "i64 %n", "ptr %names"))


def argument(f: Step, k: int, default: str) -> str:
    """Optional argument."""
    box = f.local()
    f.store(default, box)
    with f.when(f.value("i1", f"icmp sgt i64 %n, {k}")):
        f.store(f.load(f.at("ptr %args", f"i64 {k}")), box)
    return f.load(box)


def arity(f: Step) -> str:
    """Whether there are two to four arguments."""
    return f.value("i1", f"icmp ult {f.do('sub', 'i64 %n', 'i64 2')}, 3")


def apply_one(m: Code) -> None:
    """apply_one(fn, x, params=(), scalar=None)."""
    with m.function("apply_one", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        with f.when(arity(f)):
            fn, x = f.load("ptr %args"), f.load(f.at("ptr %args", "i64 1"))
            with f.when(f.is_(f.kind(x), "tensor")):
                params, number = argument(f, 2, f.constant("empty")), argument(f, 3, f.constant("none"))
                number = f.choice(f.is_(number, "none"), NULL, number)
                finish(f, f.call("one_step", fn, x, params, number, "i64 1"))
        f.ret(f.call("PyObject_Vectorcall", f.constant("slow_apply_one"), "ptr %args", "i64 %n", NULL))


def apply(m: Code) -> None:
    """apply(fn, operands, params=(), scalars=()), of the caller's line."""
    applying(m, "apply", "i64 1")


def mark_result(m: Code) -> None:
    """mark_result(step, operands, of), of the user's line."""
    applying(m, "mark_result", "i64 2")


def applying(m: Code, name: str, line: str) -> None:
    """A builtin that records a step on the tensors of a tuple."""
    with m.function(name, "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        parts, numbers, filled = f.local(count=2 * MOST + 2), f.local(count=MOST), f.local("i64")
        slots = f.local(count=MOST)
        with f.when(arity(f)):
            operands = f.load(f.at("ptr %args", "i64 1"))
            params, scalars = argument(f, 2, f.constant("empty")), argument(f, 3, f.constant("empty"))
            many, count = (f.call("PyTuple_Size", x, returns="i64") for x in (operands, scalars))
            f.call("PyErr_Clear", returns="void")
            few = f.both(*[f.value("i1", f"icmp ule {x}, {MOST}") for x in (many, count)])
            with f.when(few):
                t, h = f.call("hold"), f.local()
                with f.unless(f.absent(t)):
                    f.store(f.load("ptr %args"), parts)
                    f.store("i64 1", filled)
                    f.store(NULL, h)
                    with f.each(many) as k:
                        x, at = f.call("PyTuple_GetItem", operands, k), f.load(filled, "i64")
                        with f.when(f.both(f.is_(f.kind(x), "tensor"), f.equal(at, f.do("add", k, "i64 1")))):
                            i = f.call("slot", t, x)
                            f.store(i, f.at(slots, k))
                            with f.unless(f.absent(i)):
                                f.store(f.call("kind", t, i), f.at(parts, at))
                                f.store(f.do("add", at, "i64 1"), filled)
                    end = f.load(filled, "i64")
                    with f.when(f.equal(end, f.do("add", many, "i64 1"))):
                        f.store(params, f.at(parts, end))
                        after = f.do("add", end, "i64 1")
                        with f.each(count) as k:
                            number = f.call("PyTuple_GetItem", scalars, k)
                            f.store(number, f.at(numbers, k))
                            f.store(f.kind(number), f.at(parts, f.do("add", after, k)))
                        n = f.do("add", after, count)
                        row = (slots, many, numbers, count, line, "i1 false")
                        f.store(f.call("take", t, parts, n, *row), h)
                    with f.each(f.do("sub", end, "i64 1")) as k:
                        f.decref(f.load(f.at(slots, k)))
                    finish(f, f.call("release", t, f.load(h)))
        finish(f, NULL)
        f.ret(f.call("PyObject_Vectorcall", f.constant(f"slow_{name}"), "ptr %args", "i64 %n", NULL))


def lay(m: Code) -> None:
    """lay(t, rule, args, scalars): the handles of a step in a held trace."""
    with m.function("lay", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        t, rule, read, scalars = (f.load(f.at("ptr %args", f"i64 {k}")) for k in range(4))
        arity, count = (f.call("PyTuple_Size", x, returns="i64") for x in (read, scalars))
        slots, numbers = f.local(count=WIDEST), f.local(count=MOST)
        fine = f.both(f.value("i1", f"icmp ule {arity}, {WIDEST}"), f.value("i1", f"icmp ule {count}, {MOST}"))
        with f.when(fine):  # neither is −1, the size of what is no tuple
            for given, to, size in ((read, slots, arity), (scalars, numbers, count)):
                with f.each(size) as k:
                    f.store(f.item(given, k), f.at(to, k))
            finish(f, f.call("proceed", t, rule, slots, arity, numbers, count, "i64 2", "i1 true"))
        f.call("PyErr_Clear", returns="void")
        f.ret(f.call("PyObject_Vectorcall", f.constant("slow_lay"), "ptr %args", "i64 %n", NULL))


def repeated(m: Code) -> None:
    """repeated(t, rules)"""
    with m.function("repeated", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        t, rules, site = f.load("ptr %args"), f.load(f.at("ptr %args", "i64 1")), f.local(count=2)
        f.store(NULL, site)
        f.store(NULL, f.at(site, "i64 1"))
        with f.when(f.call("line", t, "i64 2", site, returns="i1")), f.each(f.size(rules, "List")) as k:
            rule = f.call("PyList_GetItem", rules, k)
            kinds = f.get(rule, "rule.kinds")
            with f.each(f.size(kinds, "Tuple")) as j, f.unless(f.failed()):
                f.decref(f.call("handle", t, rule, f.item(kinds, j), site))
        f.decref(f.load(site), f.load(f.at(site, "i64 1")))
        f.give_none()


def leaf_mark(m: Code) -> None:
    """Return a pending value as that of a leaf; NULL without an error if that is left to the slow path."""
    with m.function("leaf_mark", "ptr %x", "ptr %leaf") as f:
        parts, slots, box, t = f.local(count=3), f.local(), f.local(), f.call("hold")
        with f.when(f.absent(t)):
            f.ret(NULL)
        i = f.call("slot", t, "ptr %x")
        f.store(NULL, box)
        with f.unless(f.absent(i)):
            for k, part in enumerate((f.constant("mark_step"), f.constant("zero"), f.call("kind", t, i))):
                f.store(part, f.at(parts, f"i64 {k}"))
            f.store(i, slots)
            f.store(f.call("take", t, parts, "i64 3", slots, "i64 1", NULL, "i64 0", "i64 2", "i1 false"), box)
        h = f.load(box)
        f.decref(i)
        with f.when(f.absent(h)):
            f.ret(f.call("release", t, NULL))
        status = f.call("PyDict_SetItem", f.get(t, "trace.marks"), f.get(h, ".slot"), "ptr %leaf", returns="i32")
        with f.unless(f.equal(status, "i32 0")):
            f.decref(t, h)
            f.ret(NULL)
        f.call("rest", t, returns="void")
        f.decref(t)
        f.ret(h)


def mark_leaf(m: Code) -> None:
    """mark_leaf(x, leaf), of a pending value."""
    with m.function("mark_leaf", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        finish(f, f.call("leaf_mark", f.load("ptr %args"), f.load(f.at("ptr %args", "i64 1"))))
        f.ret(f.call("PyObject_Vectorcall", f.constant("slow_mark_leaf"), "ptr %args", "i64 %n", NULL))


def exact(m: Code) -> None:
    """exact(key, shape): the parts of a basic index; None if it has others."""
    with m.function("exact", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        key, filled, fine = f.load("ptr %args"), f.local("i64"), f.local("i1")
        size, parts = f.call("PyTuple_Size", key, returns="i64"), f.local(count=4 * MOST + 1)

        def put(v: str) -> None:
            at = f.load(filled, "i64")
            f.store(v, f.at(parts, at))
            f.store(f.do("add", at, "i64 1"), filled)

        def plain(v: str) -> str:
            return f.do("or", f.is_(f.kind(v), "int"), f.is_(v, "none"))

        f.store("i64 0", filled)
        f.store(f.value("i1", f"icmp ule {size}, {MOST}"), fine)
        put(f.load(f.at("ptr %args", "i64 1")))
        with f.each(f.choice(f.load(fine, "i1"), size, "i64 0")) as k:
            e = f.call("PyTuple_GetItem", key, k)
            sliced = f.is_(f.kind(e), "slice")
            with f.when(sliced):
                put(f.constant("slice"))
                for at in SLICE:
                    v = f.load(f.at(e, f"i64 {at}", "i8"))
                    f.store(f.both(f.load(fine, "i1"), plain(v)), fine)
                    put(v)
            with f.unless(sliced):
                f.store(f.both(f.load(fine, "i1"), f.do("or", plain(e), f.is_(e, "ellipsis"))), fine)
                put(e)
        with f.unless(f.load(fine, "i1")):
            f.ret(f.incref(f.constant("none")))
        count = f.load(filled, "i64")
        out = f.call("PyTuple_New", count)
        with f.unless(f.absent(out)), f.each(count) as k:
            f.call("PyTuple_SetItem", out, k, f.incref(f.load(f.at(parts, k))), returns="i32")
        f.ret(out)


def value_of(m: Code) -> None:
    """value_of(x): the value of a value, place or borrow."""
    with m.function("value_of", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        with f.when(f.equal("i64 %n", "i64 1")):
            v = f.call("value", f.load("ptr %args"))
            with f.unless(f.absent(v)):
                f.ret(v)
        f.ret(f.call("PyObject_Vectorcall", f.constant("slow_value_of"), "ptr %args", "i64 %n", NULL))


def onward(m: Code) -> None:
    """Call a Python function with x and the arguments of a method, of which the last have the names."""
    with m.function("onward", "ptr %f", "ptr %x", "ptr %args", "i64 %n", "ptr %names") as f:
        named = f.local("i64")
        f.store("i64 0", named)
        with f.unless(f.absent("ptr %names")):
            f.store(f.size("ptr %names", "Tuple"), named)
        n = f.do("add", "i64 %n", f.load(named, "i64"))
        everything = f.value("ptr", f"alloca ptr, {f.do('add', n, 'i64 1')}")
        f.store("ptr %x", everything)
        with f.each(n) as k:
            f.store(f.load(f.at("ptr %args", k)), f.at(everything, f.do("add", k, "i64 1")))
        f.ret(f.call("PyObject_Vectorcall", "ptr %f", everything, f.do("add", "i64 %n", "i64 1"), "ptr %names"))


CALLED = (
    pair, binary, one_step, unary, apply_one, apply, mark_result, lay, repeated, leaf_mark, mark_leaf, exact, value_of,
    onward,
)  # fmt: skip
"""Builtins of this module, with their internal functions."""
