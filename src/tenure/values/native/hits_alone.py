"""Rows that a pending value needs, as a trace of their own, as ``rows_apart`` of ``alone``: generated code.

Two passes over the rows behind the path: from the last one back, as far as something is waiting before them, then
forward, where each row that is needed is laid in the new trace.
"""

from __future__ import annotations

from tenure.runtime.assembler import NULL
from tenure.values.native.hits_objects import Code, Step
from tenure.values.native.hits_paths import each_wanted, is_less, raised
from tenure.values.native.hits_programs import number, whole

__all__ = ["ALONE"]

TRACE = "ptr %t"


def listed(f: Step, name: str, k: str) -> str:
    """Item of a list of the trace (a borrowed reference)."""
    return f.call("PyList_GetItem", f.get(TRACE, f"trace.{name}"), k)


def length(f: Step, name: str) -> str:
    """Length of a list of the trace."""
    return f.size(f.get(TRACE, f"trace.{name}"), "List")


def operand_needed(m: Code) -> None:
    """Look at a slot that a needed row reads: 1 if its row is needed from now on, 0 if not, -1 where the row cannot be
    laid apart: a gradient flows to it, or an input is pending."""
    with m.function("operand_needed", TRACE, "ptr %marks", "i64 %slot", returns="i64") as f:
        given = is_less(f, "i64 %slot", "i64 0")
        name = f.choice(given, f.get(TRACE, "trace.inputs"), f.get(TRACE, "trace.handles"))
        x = f.call("PyList_GetItem", name, f.choice(given, f.do("xor", "i64 %slot", "i64 -1"), "i64 %slot"))
        pending = f.is_(f.get(x, ".data"), "none")
        with f.when(f.either(f.negation(f.untracked(x)), f.both(given, pending))):
            f.ret("i64 -1")
        with f.unless(pending):
            f.ret("i64 0")
        f.ret(f.call("want", "ptr %marks", "ptr %marks", "i64 %slot", returns="i64"))


def rows_needed(m: Code) -> None:
    """Mark the rows that a slot needs; %at gets the place of the first of them: its row, its slots, its result, its
    numbers. Whether they can be laid apart."""
    with m.function("rows_needed", TRACE, "ptr %marks", "ptr %rows", "i64 %slot", "ptr %at", returns="i1") as f:
        places = [f.at("ptr %at", f"i64 {k}") for k in range(4)]
        for place, name in zip(places, ("rules", "slots", "handles", "scalars"), strict=True):
            f.store(length(f, name), place)
        row, read, first, numbers = places
        waiting, hit = f.local("i64"), f.local("i1")
        f.store(f.call("want", "ptr %marks", "ptr %marks", "i64 %slot", returns="i64"), waiting)
        with f.each(length(f, "rules")), f.unless(f.equal(f.load(waiting, "i64"), "i64 0")):
            raised(f, row, "i64 -1")
            rule = listed(f, "rules", f.load(row, "i64"))
            arity = whole(f, f.get(rule, "rule.arity"))
            made = f.size(f.get(rule, "rule.kinds"), "Tuple")
            count = f.size(f.get(rule, "rule.numbers"), "Tuple")
            for place, less in ((read, arity), (first, made), (numbers, count)):
                f.store(f.do("sub", f.load(place, "i64"), less), place)
            f.store("i1 false", hit)
            with each_wanted(f, "ptr %marks", waiting, rule, f.load(first, "i64")):
                f.store("i1 true", hit)
            with f.when(f.load(hit, "i1")):
                f.store("i8 1", f.at("ptr %rows", f.load(row, "i64"), "i8"))
                plain = f.is_(f.get(rule, "rule.expand"), "operation_step")
                plain = f.both(plain, f.is_(f.get(rule, "rule.level"), "none"))
                with f.unless(f.both(plain, f.empty(f.get(rule, "rule.leaves"), "Tuple"))):
                    f.ret("i1 false")
                with f.each(arity) as j:
                    slot = whole(f, listed(f, "slots", f.do("add", f.load(read, "i64"), j)))
                    more = f.call("operand_needed", TRACE, "ptr %marks", slot, returns="i64")
                    with f.when(f.equal(more, "i64 -1")):
                        f.ret("i1 false")
                    raised(f, waiting, more)
        f.ret(f.equal(f.load(waiting, "i64"), "i64 0"))


def input_apart(m: Code) -> None:
    """Make a known value an input of the new trace; its slot."""
    with m.function("input_apart", "ptr %own", "ptr %x", returns="i64") as f:
        inputs, kind = f.get("ptr %own", "trace.inputs"), f.get("ptr %x", ".kind")
        slot = f.do("xor", f.size(inputs, "List"), "i64 -1")
        with f.when(f.is_(f.get(kind, "kind.input"), "none")):
            made = f.call_python(f.constant("input_rule"), kind)
            f.decref(made)  # the kind has it
            with f.when(f.absent(made)):
                f.ret(slot)
        f.call("PyList_Append", f.get("ptr %own", "trace.rules"), f.get(kind, "kind.input"), returns="i32")
        now = number(f, f.size(f.get("ptr %own", "trace.handles"), "List"))
        f.call("PyList_Append", f.get("ptr %own", "trace.bound_at"), now, returns="i32")
        f.decref(now)
        f.call("PyList_Append", inputs, "ptr %x", returns="i32")
        f.ret(slot)


def lay_apart(m: Code) -> None:
    """Lay a row in the new trace. %to are the slots there of results and, behind them, of inputs, plus 1 where it is a
    result, 0 for none; %found gets the slots of its results."""
    params = (TRACE, "ptr %own", "ptr %rule", "ptr %to", "ptr %found", "i64 %read", "i64 %first", "i64 %number")
    with m.function("lay_apart", *params, returns="void") as f:
        site, total = f.local(count=2), length(f, "handles")
        with f.each(whole(f, f.get("ptr %rule", "rule.arity"))) as j:
            slot = whole(f, listed(f, "slots", f.do("add", "i64 %read", j)))
            given = is_less(f, slot, "i64 0")
            place = f.choice(given, f.do("xor", slot, "i64 -1"), slot)
            spot = f.at("ptr %to", f.choice(given, f.do("add", total, place), place), "i64")
            with f.when(f.equal(f.load(spot, "i64"), "i64 0")):
                name = f.choice(given, f.get(TRACE, "trace.inputs"), f.get(TRACE, "trace.handles"))
                x = f.call("PyList_GetItem", name, place)
                f.store(f.call("input_apart", "ptr %own", x, returns="i64"), spot)
            at = f.load(spot, "i64")
            there = number(f, f.choice(is_less(f, at, "i64 0"), at, f.do("sub", at, "i64 1")))
            f.call("PyList_Append", f.get("ptr %own", "trace.slots"), there, returns="i32")
            f.decref(there)
        with f.each(f.size(f.get("ptr %rule", "rule.numbers"), "Tuple")) as j:
            x = listed(f, "scalars", f.do("add", "i64 %number", j))
            f.call("PyList_Append", f.get("ptr %own", "trace.scalars"), x, returns="i32")
        f.call("PyList_Append", f.get("ptr %own", "trace.rules"), "ptr %rule", returns="i32")
        kinds = f.get("ptr %rule", "rule.kinds")
        with f.each(f.size(kinds, "Tuple")) as k:
            slot = f.do("add", "i64 %first", k)
            like = listed(f, "handles", slot)
            f.store(f.get(like, ".code"), site)
            f.store(f.get(like, ".lasti"), f.at(site, "i64 1"))
            f.decref(f.call("handle", "ptr %own", "ptr %rule", f.item(kinds, k), site))
            f.store(f.size(f.get("ptr %own", "trace.handles"), "List"), f.at("ptr %to", slot, "i64"))
            of = number(f, slot)
            f.call("PyList_Append", "ptr %found", of, returns="i32")
            f.decref(of)
        f.ret()


def rows_apart(m: Code) -> None:
    """rows_apart(t, slot)"""
    with m.function("rows_apart", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        t, slot = f.load("ptr %args"), whole(f, f.load(f.at("ptr %args", "i64 1")))
        names = ("handles", "inputs", "rules")
        results, inputs, rows = (f.size(f.get(t, f"trace.{name}"), "List") for name in names)
        sizes = [(f.do("add", results, "i64 1"), "i64 1"), (f.do("add", rows, "i64 1"), "i64 1")]
        sizes.append((f.do("add", f.do("add", results, inputs), "i64 1"), "i64 8"))
        held = [f.call("PyMem_Calloc", *size) for size in sizes]
        own, found, out, at = f.call("new_trace", NULL), f.call("PyList_New", "i64 0"), f.local(), f.local("i64", 4)
        f.store(NULL, out)
        marks, needed, to = held
        fine = f.negation(f.either(*map(f.absent, (*held, own, found))))
        with f.when(fine):
            whether = f.call("rows_needed", t, marks, needed, slot, at, returns="i1")
            with f.unless(whether):
                f.store(f.incref(f.constant("none")), out)
            with f.when(whether):
                lay_needed(f, t, own, found, needed, to, at)
                f.store(f.call("PyTuple_New", "i64 2"), out)
                with f.unless(f.absent(f.load(out))):
                    for k, v in enumerate((own, found)):
                        f.call("PyTuple_SetItem", f.load(out), f"i64 {k}", f.incref(v), returns="i32")
        for x in held:
            f.call("PyMem_Free", x, returns="void")
        f.decref(own, found)
        with f.when(f.both(f.absent(f.load(out)), f.negation(f.failed()))):
            f.call("PyErr_NoMemory")
        with f.when(f.failed()):
            f.decref(f.load(out))
            f.ret(NULL)
        f.ret(f.load(out))


def lay_needed(f: Step, t: str, own: str, found: str, needed: str, to: str, at: str) -> None:
    """Lay the rows that are needed, from the place of the first on."""
    row, read, first, numbers = (f.at(at, f"i64 {k}") for k in range(4))
    rules = f.get(t, "trace.rules")
    with f.each(f.do("sub", f.size(rules, "List"), f.load(row, "i64"))):
        rule = f.call("PyList_GetItem", rules, f.load(row, "i64"))
        with f.when(f.equal(f.load(f.at(needed, f.load(row, "i64"), "i8"), "i8"), "i8 1")):
            places = [f.load(place, "i64") for place in (read, first, numbers)]
            f.call("lay_apart", t, own, rule, to, found, *places, returns="void")
        raised(f, row, "i64 1")
        raised(f, read, whole(f, f.get(rule, "rule.arity")))
        raised(f, first, f.size(f.get(rule, "rule.kinds"), "Tuple"))
        raised(f, numbers, f.size(f.get(rule, "rule.numbers"), "Tuple"))


ALONE = (operand_needed, rows_needed, input_apart, lay_apart, rows_apart)
"""Builtins of this module, with their internal functions."""
