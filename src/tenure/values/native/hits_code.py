"""Fast path of a recorded operation whose rule is known: generated code.

Each function implements the usual case of the function of the same name in ``record``, its slow path, in the same
order. Any other case (another mode, a busy trace, a new step, another number, an operand that is no value) goes to the
slow path, before anything has changed but the inputs bound. A trace is ``busy`` while a function works on it, as any
allocation may run finalizers that record; it stays so where memory runs out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tenure.runtime.assembler import NULL
from tenure.runtime.cache import DiskCache, digest, source_fingerprint, unedited
from tenure.values.native.hits_attributes import ATTRIBUTES, IN_PLACE, finish
from tenure.values.native.hits_backward import BACKWARD
from tenure.values.native.hits_first import FIRST
from tenure.values.native.hits_indexing import INDEXING
from tenure.values.native.hits_objects import CELL, HANDLE, LATE, MOST_PLACES, VIEW, Code, Step, twin
from tenure.values.native.hits_paths import PATHS
from tenure.values.native.hits_places import PLACING
from tenure.values.native.hits_planning import PLANNER
from tenure.values.native.hits_points import POINTS
from tenure.values.native.hits_programs import PROGRAMS
from tenure.values.native.hits_reads import READING
from tenure.values.native.hits_run import RUNNING, trace_maker
from tenure.values.native.hits_steps import PARTS
from tenure.values.native.hits_updates import UPDATING
from tenure.values.native.hits_walk import WALKING
from tenure.values.native.hits_windows import VIEWING

__all__ = ["ENTRIES", "SLICE", "Made", "made", "remembered"]

ENTRIES = 64
"""Number of operators and methods with a fast path, at most."""
MOST = 16
"""Number of operands, and of numbers, of an operation on the fast path, at most."""
SLICE = (16, 24, 32)
"""Offsets of start, stop and step in a slice."""
WIDEST = 1024
"""Number of parts of a key, at most."""


class Made(NamedTuple):
    """Module as text; the C API that it calls, the pointers to be set, and its exported functions."""

    api: tuple[str, ...]
    variables: tuple[str, ...]
    functions: tuple[str, ...]
    source: str

    def packed(self) -> bytes:
        """Serialized module, for the disk cache."""
        return "\n".join([*map(" ".join, self[:3]), self.source]).encode()

    @classmethod
    def unpacked(cls, data: bytes) -> Made:
        """Module of its serialized form."""
        *names, source = data.decode().split("\n", 3)
        api, variables, functions = (tuple(line.split()) for line in names)
        return cls(api, variables, functions, source)


def remembered(offsets: Mapping[str, int], blank: Mapping[str, Any]) -> Made:
    """Module from the disk cache, or built by ``made``: writing the text takes longer than reading it."""
    disk = DiskCache.from_environment()
    kinds = [(slot, type(v).__name__) for slot, v in blank.items()]
    key = digest(b"hits", source_fingerprint(), repr((sorted(offsets.items()), kinds)).encode())
    found = disk.get(key) if disk is not None else None
    if found is not None:
        return Made.unpacked(found)
    new = made(offsets, blank)
    if disk is not None and unedited():
        disk.put(key, new.packed())
    return new


def made(offsets: Mapping[str, int], blank: Mapping[str, Any]) -> Made:
    """Build the module; ``offsets`` are those of slots in nodes, traces and the like, ``blank`` the slots of a new
    trace."""

    class Body(Step):
        pass

    Body.offsets = offsets
    m = Code(Body)
    parts: tuple[Callable[[Code], None], ...] = (*PARTS, *POINTS, *RUNNING, *PLACING, *ATTRIBUTES, *BACKWARD, *FIRST)
    parts += (*PROGRAMS, *WALKING, *PATHS, trace_maker(blank), *READING, *UPDATING, *INDEXING, *CALLED, *VIEWING)
    for define in parts:
        define(m)
    for kind, code in (("operator", "binary"), ("method", "unary")):
        for k in range(ENTRIES):
            with m.function(f"{kind}_{k}", "ptr %x", "ptr %args", "i64 %n", "ptr %names", exported=True) as f:
                entry = f.at("ptr @entries", f"i64 {3 * k}")
                f.ret(f.call(code, "ptr %x", "ptr %args", "i64 %n", "ptr %names", entry))
    for k in range(IN_PLACE):
        with m.function(f"change_{k}", "ptr %x", "ptr %args", "i64 %n", "ptr %names", exported=True) as f:
            entry = f.at("ptr @changes", f"i64 {3 * k}")
            f.ret(f.call("in_place", "ptr %x", "ptr %args", "i64 %n", "ptr %names", entry))
    body = str(m)
    late = {**LATE, "cell": CELL, "calls": ("start",), **VIEW}
    numbers = [f"at_{n}" for n in (*HANDLE, *[f"{of}_{name}" for of, names in late.items() for name in names])]
    objects = sorted({*re.findall(r"ptr @(o_\w+)", body)})
    globals_ = [f"@{name} = global ptr null" for name in objects] + [f"@{name} = global i64 0" for name in numbers]
    globals_ += [f"@{name} = global [{n} x i64] zeroinitializer" for name, n in TABLES]
    functions = re.findall(r"^define ptr @(\w+)|^define i32 @(\w+)", body, re.M)
    return Made(
        tuple([name for name in m.signatures if name not in m.defined]),
        (*objects, *numbers, *dict(TABLES)),
        tuple([a or b for a, b in functions]),
        "\n".join([*globals_, body]),
    )


WORDS = (("places", 2 * MOST_PLACES), ("thread", 1), ("run", 1), ("planner", len(PLANNER)))
TABLES = (("entries", 3 * ENTRIES), ("changes", 3 * IN_PLACE), *WORDS)
"""Entries: an operation, the Python function, whether it is reflected. Places: a class, the offset of its value."""


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
    """apply(fn, operands, params=(), scalars=())."""
    with m.function("apply", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
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
                        row = (slots, many, numbers, count, "i64 1", "i1 false")
                        f.store(f.call("take", t, parts, n, *row), h)
                    with f.each(f.do("sub", end, "i64 1")) as k:
                        f.decref(f.load(f.at(slots, k)))
                    finish(f, f.call("release", t, f.load(h)))
        finish(f, NULL)
        f.ret(f.call("PyObject_Vectorcall", f.constant("slow_apply"), "ptr %args", "i64 %n", NULL))


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


CALLED = (twin, pair, binary, one_step, unary, apply_one, apply, lay, leaf_mark, mark_leaf, exact, value_of, onward)
"""Builtins of this module, with their internal functions."""
