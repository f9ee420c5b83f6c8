"""Analysis of paths, as ``counted`` of ``rows``, and ``walked``, ``reached_rows``, ``tracked`` and ``spread`` of
``paths``: generated code.

Rows are looked at from the last one back, once each, as far as something is waiting before them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tenure.runtime.assembler import NULL
from tenure.values.native.hits_objects import Code, Step
from tenure.values.native.hits_programs import number, whole

__all__ = ["PATHS"]

COUNTED = ("inputs", "size")
WANTED, HALT = 1, 2
"""Marks of results and of inputs, as bits."""


def raised(f: Step, to: str, by: str) -> None:
    """Add to an integer in memory."""
    f.store(f.do("add", f.load(to, "i64"), by), to)


def is_less(f: Step, x: str, y: str) -> str:
    """Whether an integer is less than another."""
    return f.value("i1", f"icmp slt {x}, {y.split()[1]}")


def want(m: Code) -> None:
    """Mark a slot as wanted, in %results or %inputs; 1 if it is new and nothing halts there, else 0."""
    with m.function("want", "ptr %results", "ptr %inputs", "i64 %slot", returns="i64") as f:
        own = f.negation(is_less(f, "i64 %slot", "i64 0"))
        place = f.choice(own, "i64 %slot", f.do("xor", "i64 %slot", "i64 -1"))
        at = f.at(f.choice(own, "ptr %results", "ptr %inputs"), place, "i8")
        old = f.load(at, "i8")
        f.store(f.do("or", old, f"i8 {WANTED}"), at)
        f.ret(f.value("i64", f"zext {f.equal(old, 'i8 0')} to i64"))


def is_leaf(m: Code) -> None:
    """Whether a result of a rule is the value of a leaf."""
    with m.function("is_leaf", "ptr %rule", "i64 %k", returns="i1") as f:
        leaves = f.get("ptr %rule", "rule.leaves")
        with f.each(f.size(leaves, "Tuple")) as j, f.when(f.equal(whole(f, f.item(leaves, j)), "i64 %k")):
            f.ret("i1 true")
        mark = f.is_(f.get("ptr %rule", "rule.expand"), "mark_step")
        f.ret(f.both(mark, f.is_(f.get("ptr %rule", "rule.params"), "zero")))


def is_tracked(f: Step, rule: str, k: str) -> str:
    """Whether a gradient flows to a result of a rule."""
    return f.is_(f.get(f.item(f.get(rule, "rule.kinds"), k), "kind.tracked"), "true")


Each = Callable[[Step, str, str, str, str], None]
"""Code for a row: the function, its rule, the block's slots, where its own begin, and its first result."""


def backwards(f: Step, path: str, waiting: str, given: str, each: Each) -> None:
    """For each row of a path from the last one back, while something is waiting; %given is the number of inputs before
    it."""
    block, going = f.local(), f.local("i1")
    f.store(path, block)
    f.store(whole(f, f.get(path, "path.inputs")), given)
    blocks = f.do("add", whole(f, f.get(path, "path.rows")), "i64 1")
    with f.each(blocks):  # no path has more blocks than rows, but for the first
        here = f.load(block)
        done = f.either(f.is_(here, "none"), f.equal(f.load(waiting, "i64"), "i64 0"))
        f.store(f.negation(done), going)
        with f.when(f.load(going, "i1")):
            rules, read = f.get(here, "path.rules"), f.get(here, "path.slots")
            first, at, count = f.local("i64"), f.local("i64"), f.size(rules, "Tuple")
            f.store(whole(f, f.get(here, "path.results")), first)
            f.store(f.size(read, "Tuple"), at)
            with f.each(count) as j:
                rule = f.item(rules, f.do("sub", f.do("sub", count, "i64 1"), j))
                raised(f, first, f.do("sub", "i64 0", f.size(f.get(rule, "rule.kinds"), "Tuple")))
                raised(f, at, f.do("sub", "i64 0", whole(f, f.get(rule, "rule.arity"))))
                raised(f, given, f.do("sub", "i64 0", whole(f, f.get(rule, "rule.inputs"))))
                each(f, rule, read, f.load(at, "i64"), f.load(first, "i64"))
            f.store(f.get(here, "path.parent"), block)


@contextmanager
def each_wanted(f: Step, results: str, waiting: str, rule: str, first: str) -> Iterator[tuple[str, str]]:
    """For each wanted result of a row, which waits no longer: its place among the rule's, and its slot."""
    with f.each(f.size(f.get(rule, "rule.kinds"), "Tuple")) as k:
        slot = f.do("add", first, k)
        with f.when(f.equal(f.load(f.at(results, slot, "i8"), "i8"), f"i8 {WANTED}")):
            raised(f, waiting, "i64 -1")
            yield k, slot


def want_operands(f: Step, waiting: str, rule: str, read: str, at: str) -> None:
    """Mark what a row reads as wanted."""
    with f.each(whole(f, f.get(rule, "rule.arity"))) as j:
        slot = whole(f, f.item(read, f.do("add", at, j)))
        raised(f, waiting, f.call("want", "ptr %results", "ptr %given", slot, returns="i64"))


def walk_rows(m: Code) -> None:
    """Append the results that a walk visits, their rules, and their places in these."""
    params = ("ptr %path", "ptr %results", "ptr %given", "i64 %wanted", "i1 %leaves", "ptr %lists")
    with m.function("walk_rows", *params, returns="void") as f:
        waiting, count = f.local("i64"), f.local("i64")
        f.store("i64 %wanted", waiting)

        def each(f: Step, rule: str, read: str, at: str, first: str) -> None:
            with each_wanted(f, "ptr %results", waiting, rule, first) as (k, slot):
                leaf = f.call("is_leaf", rule, k, returns="i1")
                with f.when(f.both(is_tracked(f, rule, k), f.do("or", "i1 %leaves", f.negation(leaf)))):
                    for n, x in enumerate((number(f, slot), f.incref(rule), number(f, k))):
                        f.call("PyList_Append", f.item("ptr %lists", f"i64 {n}"), x, returns="i32")
                        f.decref(x)
                    want_operands(f, waiting, rule, read, at)

        backwards(f, "ptr %path", waiting, count, each)
        f.ret()


@contextmanager
def marking(f: Step, path: str, made: str) -> Iterator[tuple[str, str]]:
    """New marks of the results and the inputs of a path, for the code within. With an error %made is released behind
    it, and the function returns NULL."""
    sizes = [f.do("add", whole(f, f.get(path, f"path.{name}")), "i64 1") for name in ("results", "inputs")]
    results, inputs = (f.call("PyMem_Calloc", size, "i64 1") for size in sizes)
    lacking = f.either(*map(f.absent, (results, inputs, made)))
    with f.when(lacking):
        f.call("PyErr_NoMemory")
    with f.unless(lacking):
        yield results, inputs
    for x in (results, inputs):
        f.call("PyMem_Free", x, returns="void")
    with f.when(f.failed()):
        f.decref(made)
        f.ret(NULL)


def fill_lists(f: Step, out: str, count: int) -> None:
    """Put new lists into a new tuple."""
    for n in range(count):
        f.call("PyTuple_SetItem", out, f"i64 {n}", f.call("PyList_New", "i64 0"), returns="i32")


def want_result(m: Code) -> None:
    """Mark a result of a path as wanted, as ``want`` does; an input is passed over. IndexError for what the path has
    not."""
    params = ("ptr %path", "ptr %results", "ptr %inputs", "i64 %slot")
    with m.function("want_result", *params, returns="i64") as f:
        with f.when(is_less(f, "i64 %slot", "i64 0")):
            f.ret("i64 0")
        with f.unless(is_less(f, "i64 %slot", whole(f, f.get("ptr %path", "path.results")))):
            f.call("PyErr_SetNone", f.constant("index_error"), returns="void")
            f.ret("i64 0")
        f.ret(f.call("want", "ptr %results", "ptr %inputs", "i64 %slot", returns="i64"))


def walked(m: Code) -> None:
    """walked(path, slots, halt, leaves)"""
    with m.function("walked", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        path, slots, halt, leaves = (f.load(f.at("ptr %args", f"i64 {k}")) for k in range(4))
        out, wanted, count = f.call("PyTuple_New", "i64 3"), f.local("i64"), whole(f, f.get(path, "path.results"))
        f.store("i64 0", wanted)
        with marking(f, path, out) as (results, inputs):
            fill_lists(f, out, 3)
            with f.each(f.size(halt, "List")) as k:
                slot = whole(f, f.call("PyList_GetItem", halt, k))
                with f.when(f.both(f.negation(is_less(f, slot, "i64 0")), is_less(f, slot, count))):
                    f.store(f"i8 {HALT}", f.at(results, slot, "i8"))
            with f.each(f.size(slots, "List")) as k:
                slot = whole(f, f.call("PyList_GetItem", slots, k))
                raised(f, wanted, f.call("want_result", path, results, inputs, slot, returns="i64"))
            some, through = f.load(wanted, "i64"), f.is_(leaves, "true")
            f.call("walk_rows", path, results, inputs, some, through, out, returns="void")
        f.ret(out)


def sources_back(m: Code) -> None:
    """Append the sources behind the slot that is wanted; whether that can be told from rows alone."""
    params = ("ptr %path", "ptr %results", "ptr %given", "ptr %out")
    with m.function("sources_back", *params, returns="i1") as f:
        waiting, count, plain = f.local("i64"), f.local("i64"), f.local("i1")
        f.store("i64 1", waiting)
        f.store("i1 true", plain)

        def add(slot: str) -> None:
            x = number(f, slot)
            f.call("PyList_Append", "ptr %out", x, returns="i32")
            f.decref(x)

        def each(f: Step, rule: str, read: str, at: str, first: str) -> None:
            with f.unless(f.equal(whole(f, f.get(rule, "rule.inputs")), "i64 0")):
                place = f.load(count, "i64")
                with f.when(f.equal(f.load(f.at("ptr %given", place, "i8"), "i8"), f"i8 {WANTED}")):
                    raised(f, waiting, "i64 -1")
                    with f.when(f.is_(f.item(f.get(rule, "rule.params"), "i64 1"), "true")):
                        add(f.do("xor", place, "i64 -1"))
            with each_wanted(f, "ptr %results", waiting, rule, first) as (k, slot), f.when(is_tracked(f, rule, k)):
                source_row(f, rule, read, at, slot, k)

        def source_row(f: Step, rule: str, read: str, at: str, slot: str, k: str) -> None:
            expand, leaf = f.get(rule, "rule.expand"), f.call("is_leaf", rule, k, returns="i1")
            argument = f.both(f.is_(expand, "mark_step"), f.is_(f.get(rule, "rule.params"), "one"))
            hiding = f.either(*[f.is_(expand, name) for name in ("close_step", "return_step", "widen_step")])
            with f.when(hiding):
                f.store("i1 false", plain)
            with f.when(f.do("or", leaf, argument)):
                add(slot)
            with f.unless(f.do("or", leaf, hiding)):
                want_operands(f, waiting, rule, read, at)

        backwards(f, "ptr %path", waiting, count, each)
        f.ret(f.load(plain, "i1"))


def reached_rows(m: Code) -> None:
    """reached_rows(path, slot)"""
    with m.function("reached_rows", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        path, slot = f.load("ptr %args"), whole(f, f.load(f.at("ptr %args", "i64 1")))
        out, plain = f.call("PyList_New", "i64 0"), f.local("i1")
        f.store("i1 false", plain)
        with marking(f, path, out) as (results, inputs):
            new = f.call("want_result", path, results, inputs, slot, returns="i64")
            with f.when(f.equal(new, "i64 1")):
                f.store(f.call("sources_back", path, results, inputs, out, returns="i1"), plain)
                f.call("PyList_Sort", out, returns="i32")
        with f.unless(f.load(plain, "i1")):
            f.decref(out)
            f.ret(f.incref(f.constant("none")))
        made = f.call("PyList_AsTuple", out)
        f.decref(out)
        f.ret(made)


def spread_row(m: Code) -> None:
    """Add a result to those that are spread to, if it reads one."""
    params = ("ptr %out", "ptr %rule", "ptr %read", "i64 %at", "i64 %slot", "i64 %k")
    with m.function("spread_row", *params, returns="void") as f:
        leaf = f.call("is_leaf", "ptr %rule", "i64 %k", returns="i1")
        with f.when(f.do("or", leaf, f.negation(is_tracked(f, "ptr %rule", "i64 %k")))):
            f.ret()
        x = number(f, "i64 %slot")
        there = f.negation(f.absent(f.call("PyDict_GetItemWithError", "ptr %out", x)))
        with f.each(f.choice(there, "i64 0", whole(f, f.get("ptr %rule", "rule.arity")))) as j:
            by = f.call("PyDict_GetItemWithError", "ptr %out", f.item("ptr %read", f.do("add", "i64 %at", j)))
            with f.unless(f.absent(by)):
                f.call("PyDict_SetItem", "ptr %out", x, by, returns="i32")
                f.decref(x)
                f.ret()
        f.decref(x)
        f.ret()


def spread(m: Code) -> None:
    """spread(path, spent)"""
    with m.function("spread", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        path, out = f.load("ptr %args"), f.call("PyDict_Copy", f.load(f.at("ptr %args", "i64 1")))
        with f.when(f.absent(out)):
            f.ret(NULL)
        with f.when(f.empty(out, "Dict")):
            f.ret(out)
        blocks = f.call_method(path, "name_blocks")
        with f.when(f.absent(blocks)):
            f.decref(out)
            f.ret(NULL)
        slot = f.local("i64")
        f.store("i64 0", slot)
        with f.each(f.size(blocks, "List")) as j:
            block, at = f.call("PyList_GetItem", blocks, j), f.local("i64")
            f.store("i64 0", at)
            rules, read = f.get(block, "path.rules"), f.get(block, "path.slots")
            with f.each(f.size(rules, "Tuple")) as r:
                rule, here = f.item(rules, r), f.load(at, "i64")
                with f.each(f.size(f.get(rule, "rule.kinds"), "Tuple")) as k:
                    f.call("spread_row", out, rule, read, here, f.load(slot, "i64"), k, returns="void")
                    raised(f, slot, "i64 1")
                raised(f, at, whole(f, f.get(rule, "rule.arity")))
        f.decref(blocks)
        with f.when(f.failed()):
            f.decref(out)
            f.ret(NULL)
        f.ret(out)


def tracked(m: Code) -> None:
    """tracked(path, slots)"""
    with m.function("tracked", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        path, slots = (f.load(f.at("ptr %args", f"i64 {k}")) for k in range(2))
        out, waiting, count = f.call("PyTuple_New", "i64 2"), f.local("i64"), f.local("i64")
        f.store("i64 0", waiting)

        def each(f: Step, rule: str, read: str, at: str, first: str) -> None:
            with each_wanted(f, results, waiting, rule, first) as (k, slot):
                leaf, flows = f.call("is_leaf", rule, k, returns="i1"), is_tracked(f, rule, k)
                with f.when(f.do("or", leaf, flows)):
                    x, to = number(f, slot), f.choice(leaf, f.item(out, "i64 0"), f.item(out, "i64 1"))
                    f.call("PyList_Append", to, x, returns="i32")
                    f.decref(x)

        with marking(f, path, out) as (results, inputs):
            fill_lists(f, out, 2)
            with f.each(f.size(slots, "Tuple")) as k:
                slot = whole(f, f.item(slots, k))
                raised(f, waiting, f.call("want_result", path, results, inputs, slot, returns="i64"))
            backwards(f, path, waiting, count, each)
            for n in range(2):
                f.call("PyList_Reverse", f.item(out, f"i64 {n}"), returns="i32")
        f.ret(out)


def counted(m: Code) -> None:
    """counted(rules)"""
    with m.function("counted", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        rules, flags = f.load("ptr %args"), f.local("i1", count=2)
        sums = [f.local("i64") for _ in range(3)]
        for to in sums:
            f.store("i64 0", to)
        for n in range(2):
            f.store("i1 false", f.at(flags, f"i64 {n}", "i1"))
        with f.each(f.size(rules, "Tuple")) as k:
            rule = f.item(rules, k)
            numbers = f.size(f.get(rule, "rule.kinds"), "Tuple"), *[whole(f, f.get(rule, f"rule.{x}")) for x in COUNTED]
            for to, x in zip(sums, numbers, strict=True):
                raised(f, to, x)
            bits = f.is_(f.get(rule, "rule.tracked"), "true"), f.negation(f.is_(f.get(rule, "rule.open"), "same"))
            for j, bit in enumerate(bits):
                at = f.at(flags, f"i64 {j}", "i1")
                f.store(f.do("or", f.load(at, "i1"), bit), at)
        out = f.call("PyTuple_New", "i64 5")
        with f.unless(f.absent(out)):
            for n, to in enumerate(sums):
                f.call("PyTuple_SetItem", out, f"i64 {n}", number(f, f.load(to, "i64")), returns="i32")
            for n in range(2):
                bit = f.load(f.at(flags, f"i64 {n}", "i1"), "i1")
                x = f.incref(f.choice(bit, f.constant("true"), f.constant("false")))
                f.call("PyTuple_SetItem", out, f"i64 {n + 3}", x, returns="i32")
        f.ret(out)


PATHS = (
    *(want, want_result, is_leaf, walk_rows, walked, sources_back, reached_rows),
    *(spread_row, spread, tracked, counted),
)
"""Builtins of this module, with their internal functions."""
