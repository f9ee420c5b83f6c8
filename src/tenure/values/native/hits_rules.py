"""Facts of rules and handles as columns, as ``form_numbers`` of ``forms``, ``columns`` of ``sites``, ``spending`` and
``note_spent`` of ``spending``: generated code."""

from __future__ import annotations

from tenure.runtime.assembler import NULL
from tenure.values.native.hits_objects import Code, Step
from tenure.values.native.hits_programs import number, whole

__all__ = ["FACTS"]


def form_numbers(m: Code) -> None:
    """form_numbers(rules)"""
    with m.function("form_numbers", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        rules = f.load("ptr %args")
        count = f.size(rules, "Tuple")
        out = f.call("PyTuple_New", count)
        with f.when(f.absent(out)):
            f.ret(NULL)
        with f.each(count) as k:
            rule = f.item(rules, k)
            with f.when(f.is_(f.get(rule, "rule.form"), "none")):
                made = f.call_python(f.constant("form_of"), rule)
                f.decref(made)  # the rule has it
                with f.when(f.absent(made)):
                    f.decref(out)
                    f.ret(NULL)
            form = f.get(rule, "rule.form")
            own = f.item(form, "i64 0")
            with f.when(f.value("i1", f"icmp slt {whole(f, own)}, 0")):
                f.decref(out)
                f.ret(f.incref(f.constant("none")))
            f.call("PyTuple_SetItem", out, k, f.incref(own), returns="i32")
        f.ret(out)


def columns(m: Code) -> None:
    """columns(handles)"""
    with m.function("columns", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        handles = f.load("ptr %args")
        count = f.size(handles, "List")
        out, lists = f.call("PyTuple_New", "i64 2"), [f.call("PyList_New", count) for _ in range(2)]
        with f.when(f.either(f.absent(out), *map(f.absent, lists))):
            f.decref(out, *lists)
            f.ret(NULL)
        for place, x in enumerate(lists):
            f.call("PyTuple_SetItem", out, f"i64 {place}", x, returns="i32")
        with f.each(count) as k:
            h = f.call("PyList_GetItem", handles, k)
            sites = f.get(h, ".code"), f.get(h, ".lasti")
            with f.when(f.either(*map(f.absent, sites))):
                f.decref(out)
                f.ret(f.call_python(f.constant("slow_columns"), handles))
            for to, v in zip(lists, sites, strict=True):
                f.call("PyList_SetItem", to, k, f.incref(v), returns="i32")
        f.ret(out)


def spent_by(m: Code) -> None:
    """Whether a backward consumes the step of each result of a rule, as ``spending.spent_by`` (a borrowed reference);
    NULL with an error."""
    with m.function("spent_by", "ptr %rule") as f:
        known = f.get("ptr %rule", "rule.spends")
        with f.unless(f.is_(known, "none")):
            f.ret(known)
        made = f.call_python(f.constant("find_spent"), "ptr %rule")
        f.decref(made)  # the rule has it
        f.ret(f.choice(f.absent(made), NULL, f.get("ptr %rule", "rule.spends")))


def spending(m: Code) -> None:
    """spending(path)"""
    with m.function("spending", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        blocks, out, slot = f.call_method(f.load("ptr %args"), "name_blocks"), f.call("PySet_New", NULL), f.local("i64")
        f.store("i64 0", slot)
        with f.unless(f.either(f.absent(blocks), f.absent(out))), f.each(f.size(blocks, "List")) as j:
            rules = f.get(f.call("PyList_GetItem", blocks, j), "path.rules")
            with f.each(f.size(rules, "Tuple")) as r:
                rule, first = f.item(rules, r), f.load(slot, "i64")
                with f.when(f.is_(f.get(rule, "rule.tracked"), "true")):
                    add_spent(f, rule, first, out, blocks)
                f.store(f.do("add", first, f.size(f.get(rule, "rule.kinds"), "Tuple")), slot)
        f.decref(blocks)
        with f.when(f.failed()):
            f.decref(out)
            f.ret(NULL)
        f.ret(out)


def add_spent(f: Step, rule: str, first: str, out: str, blocks: str) -> None:
    """Add the results of a tracked rule that a backward consumes; with an error the function returns NULL."""
    spends = f.call("spent_by", rule)
    with f.when(f.absent(spends)):
        f.decref(out, blocks)
        f.ret(NULL)
    with f.each(f.size(spends, "Tuple")) as k, f.when(f.is_(f.item(spends, k), "true")):
        v = number(f, f.do("add", first, k))
        f.call("PySet_Add", out, v, returns="i32")
        f.decref(v)


def note_spent(m: Code) -> None:
    """note_spent(walked, spent, first)"""
    with m.function("note_spent", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        lists, spent, first = (f.load(f.at("ptr %args", f"i64 {k}")) for k in range(3))
        slots, rules, places = (f.item(lists, f"i64 {k}") for k in range(3))
        with f.each(f.size(slots, "List")) as k:
            slot, rule, place = (f.call("PyList_GetItem", x, k) for x in (slots, rules, places))
            spends = f.call("spent_by", rule)
            with f.when(f.absent(spends)):
                f.ret(NULL)
            with f.when(f.is_(f.item(spends, whole(f, place)), "true")):
                f.call("PyDict_SetDefault", spent, slot, first)
        f.give_none()


FACTS = (form_numbers, columns, spent_by, spending, note_spent)
"""Builtins of this module, with their internal functions."""
