"""Programs from rows, as ``Expansion.copied``, ``Template.lay`` and ``Builder.body``: generated code."""

from __future__ import annotations

from tenure.ir.templates import MOST_VALUES
from tenure.runtime.assembler import NULL
from tenure.values.native.hits_objects import Code, Step

__all__ = ["PROGRAMS"]

COLUMNS = ("applications", "avals", "tracked")
"""Columns of a builder that a template has too."""
GIVEN, NEEDED = "i8 2", "i8 1"
"""Marks of values on the way to a program."""


def whole(f: Step, x: str) -> str:
    """Integer of a Python number."""
    return f.call("PyLong_AsLongLong", x, returns="i64")


def number(f: Step, x: str) -> str:
    """New Python number of an integer."""
    return f.call("PyLong_FromLongLong", x)


def append(f: Step, x: str, column: str, v: str) -> None:
    """Append to a list of an object."""
    f.call("PyList_Append", f.get(x, column), v, returns="i32")


def word(f: Step, words: str, k: str | int) -> str:
    """Word of a list of integers."""
    return f.load(f.at(words, k if isinstance(k, str) else f"i64 {k}", "i64"), "i64")


def pointer(f: Step, x: str) -> str:
    """Address that a Python number is."""
    return f.value("ptr", f"inttoptr {whole(f, x)} to ptr")


def new_value(f: Step, b: str, aval: str, application: str, origin: str, tracked: str = "false") -> str:
    """Append a value without operands to the columns of a builder; its number, a new reference."""
    v = number(f, f.size(f.get(b, "builder.avals"), "List"))
    listed = (aval, application, f.constant("empty"), origin, f.constant(tracked) if tracked == "false" else tracked)
    for name, to in zip(("avals", "applications", "operands", "origins", "tracked"), listed, strict=True):
        append(f, b, f"builder.{name}", to)
    return v


def constants(m: Code) -> None:
    """Store the values of a template's constants behind the operands, NULL for those that a builder lacks; how many
    these are."""
    with m.function("constants", "ptr %template", "ptr %b", "ptr %words", "ptr %ids", returns="i64") as f:
        listed, held = f.get("ptr %template", "template.constants"), f.get("ptr %b", "builder.consts")
        given, missing = word(f, "ptr %words", 0), f.local("i64")
        f.store("i64 0", missing)
        with f.each(word(f, "ptr %words", 1)) as k:
            v = f.call("PyDict_GetItemWithError", held, f.item(f.item(listed, k), "i64 0"))
            f.store(v, f.at("ptr %ids", f.do("add", given, k)))
            with f.when(f.absent(v)):
                f.store(f.do("add", f.load(missing, "i64"), "i64 1"), missing)
        f.ret(f.load(missing, "i64"))


def new_constants(m: Code) -> None:
    """Append the constants that a builder lacks and that come behind so many instructions of a template."""
    params = ("ptr %template", "ptr %b", "ptr %ids", "ptr %origin", "ptr %before", "i64 %given", "i64 %k")
    with m.function("new_constants", *params, returns="void") as f:
        listed, held = f.get("ptr %template", "template.constants"), f.get("ptr %b", "builder.consts")
        with f.each(f.size(listed, "Tuple")) as j:
            to = f.at("ptr %ids", f.do("add", "i64 %given", j))
            here = f.equal(word(f, "ptr %before", j), "i64 %k")
            with f.when(f.both(here, f.absent(f.load(to)))):
                pair = f.item(listed, j)
                at = f.item(pair, "i64 1")
                v = new_value(f, "ptr %b", f.get(at, "application.aval"), at, "ptr %origin")
                f.call("PyDict_SetItem", held, f.item(pair, "i64 0"), v, returns="i32")
                f.decref(v)  # the dictionary has it
                f.store(v, to)
        f.ret()


def place_of_before(f: Step, words: str) -> str:
    """The words of a template that say how many instructions come before each constant."""
    cursor = f.local("i64")
    f.store(f.do("add", word(f, words, 3), "i64 4"), cursor)
    with f.each(word(f, words, 2)):
        at = f.load(cursor, "i64")
        f.store(f.do("add", f.do("add", at, "i64 1"), word(f, words, at)), cursor)
    return f.at(words, f.load(cursor, "i64"), "i64")


def laid(m: Code) -> None:
    """Append the instructions of a template, whose values then stand behind operands and constants: new references.
    Of the constants so many are new."""
    params = ("ptr %template", "ptr %b", "ptr %words", "ptr %ids", "ptr %origin", "i64 %missing")
    with m.function("laid", *params, returns="void") as f:
        given, before = word(f, "ptr %words", 0), f.local()
        first, cursor = f.do("add", given, word(f, "ptr %words", 1)), f.local("i64")
        f.store(f.do("add", word(f, "ptr %words", 3), "i64 4"), cursor)
        lacks = f.negation(f.equal("i64 %missing", "i64 0"))
        f.store(NULL, before)
        with f.when(lacks):
            f.store(place_of_before(f, "ptr %words"), before)

        def appended(k: str) -> None:
            with f.when(lacks):
                args = ("ptr %template", "ptr %b", "ptr %ids", "ptr %origin", f.load(before), given, k)
                f.call("new_constants", *args, returns="void")

        with f.each(word(f, "ptr %words", 2)) as k:
            appended(k)
            at = f.load(cursor, "i64")
            arity = word(f, "ptr %words", at)
            operands = f.call("PyTuple_New", arity)
            with f.each(arity) as j:
                ref = word(f, "ptr %words", f.do("add", f.do("add", at, "i64 1"), j))
                f.call("PyTuple_SetItem", operands, j, f.incref(f.load(f.at("ptr %ids", ref))), returns="i32")
            f.store(f.do("add", f.do("add", at, "i64 1"), arity), cursor)
            own = number(f, f.size(f.get("ptr %b", "builder.avals"), "List"))
            append(f, "ptr %b", "builder.operands", operands)
            f.decref(operands)
            append(f, "ptr %b", "builder.origins", "ptr %origin")
            for name in COLUMNS:
                v = f.item(f.get("ptr %template", f"template.{name}"), k)
                append(f, "ptr %b", f"builder.{name}", v)
            f.store(own, f.at("ptr %ids", f.do("add", first, k)))
        appended(word(f, "ptr %words", 2))
        f.ret()


def dropped(m: Code) -> None:
    """Release the numbers of values that ``laid`` has made."""
    with m.function("dropped", "ptr %words", "ptr %ids", returns="void") as f:
        first = f.do("add", word(f, "ptr %words", 0), word(f, "ptr %words", 1))
        with f.each(word(f, "ptr %words", 2)) as k:
            f.decref(f.load(f.at("ptr %ids", f.do("add", first, k))))
        f.ret()


def is_plain(m: Code) -> None:
    """Whether nothing is noted of a builder's new values but what templates say."""
    with m.function("is_plain", "ptr %b", returns="i1") as f:
        block = f.is_(f.get("ptr %b", "builder.block"), "zero")
        f.ret(f.both(block, f.empty(f.get("ptr %b", "builder.depths"), "Dict")))


def read_numbers(m: Code) -> None:
    """Append the inputs that a row's numbers become."""
    with m.function("read_numbers", "ptr %ex", "ptr %b", "ptr %kinds", "ptr %ids", returns="void") as f:
        with f.each(f.size("ptr %kinds", "Tuple")) as k:
            aval = f.call("PyDict_GetItemWithError", f.constant("weak"), f.item("ptr %kinds", k))
            v = new_value(f, "ptr %b", aval, f.constant("none"), f.constant("minus_one"))
            append(f, "ptr %ex", "expansion.scalars", v)
            f.store(v, f.at("ptr %ids", k))
            f.decref(v)  # the list has it
        f.ret()


def copy_input(m: Code) -> None:
    """Expand the row of an input, as ``expand_input``."""
    with m.function("copy_input", "ptr %ex", "ptr %b", "ptr %rule", returns="void") as f:
        params = f.get("ptr %rule", "rule.params")
        aval, tracked = f.item(params, "i64 0"), f.item(params, "i64 1")
        v = new_value(f, "ptr %b", aval, f.constant("none"), f.constant("minus_one"), tracked)
        append(f, "ptr %ex", "expansion.inputs", v)
        f.decref(v)
        f.ret()


def copy_row(m: Code) -> None:
    """Expand a row whose slots begin at %at: whether that was done; else nothing is."""
    with m.function("copy_row", "ptr %ex", "ptr %b", "ptr %rule", "ptr %read", "i64 %at", returns="i1") as f:
        with f.when(f.is_(f.get("ptr %rule", "rule.expand"), "input_step")):
            f.call("copy_input", "ptr %ex", "ptr %b", "ptr %rule", returns="void")
            f.ret("i1 true")
        template, kinds = f.get("ptr %rule", "rule.template"), f.get("ptr %rule", "rule.numbers")
        with f.when(f.is_(template, "none")):
            f.ret("i1 false")
        words, ids = pointer(f, f.get(template, "template.start")), f.local(count=MOST_VALUES)
        with f.when(f.absent(words)):
            f.ret("i1 false")
        arity, count = whole(f, f.get("ptr %rule", "rule.arity")), f.size(kinds, "Tuple")
        turned = f.is_(f.get("ptr %rule", "rule.turned"), "true")
        slots, inputs = f.get("ptr %ex", "expansion.slots"), f.get("ptr %ex", "expansion.inputs")
        first = f.choice(turned, count, "i64 0")
        with f.each(arity) as k:
            slot = whole(f, f.item("ptr %read", f.do("add", "i64 %at", k)))
            own = f.value("i1", f"icmp sge {slot}, 0")
            listed, place = f.choice(own, slots, inputs), f.choice(own, slot, f.do("xor", slot, "i64 -1"))
            f.store(f.call("PyList_GetItem", listed, place), f.at(ids, f.do("add", first, k)))
        behind = f.at(ids, f.choice(turned, "i64 0", arity))
        f.call("read_numbers", "ptr %ex", "ptr %b", kinds, behind, returns="void")
        origin = number(f, f.size(slots, "List"))
        missing = f.call("constants", template, "ptr %b", words, ids, returns="i64")
        f.call("laid", template, "ptr %b", words, ids, origin, missing, returns="void")
        f.decref(origin)
        with f.each(word(f, words, 3)) as k:
            ref = word(f, words, f.do("add", k, "i64 4"))
            f.call("PyList_Append", slots, f.load(f.at(ids, ref)), returns="i32")
        f.call("dropped", words, ids, returns="void")
        f.ret("i1 true")


def copied(m: Code) -> None:
    """Expansion.copied(block, row, at)"""
    with m.function("copied", "ptr %ex", "ptr %args", "i64 %n", exported=True) as f:
        block, row, at = f.load("ptr %args"), f.local("i64"), f.local("i64")
        b, rules, read = f.get("ptr %ex", "expansion.builder"), f.get(block, "path.rules"), f.get(block, "path.slots")
        for k, to in enumerate((row, at), 1):
            f.store(whole(f, f.load(f.at("ptr %args", f"i64 {k}"))), to)
        going = f.local("i1")
        f.store(f.call("is_plain", b, returns="i1"), going)
        with f.each(f.do("sub", f.size(rules, "Tuple"), f.load(row, "i64"))), f.when(f.load(going, "i1")):
            rule, here = f.item(rules, f.load(row, "i64")), f.load(at, "i64")
            done = f.call("copy_row", "ptr %ex", b, rule, read, here, returns="i1")
            f.store(done, going)
            with f.when(done):
                f.store(f.do("add", f.load(row, "i64"), "i64 1"), row)
                f.store(f.do("add", here, whole(f, f.get(rule, "rule.arity"))), at)
        with f.when(f.failed()):
            f.ret(NULL)
        out = f.call("PyTuple_New", "i64 2")
        for k, v in enumerate((row, at)):
            f.call("PyTuple_SetItem", out, f"i64 {k}", number(f, f.load(v, "i64")), returns="i32")
        f.ret(out)


def alias_of(m: Code) -> None:
    """The operand that the result of an application simply is; -1 if there is none."""
    with m.function("alias_of", "ptr %application", returns="i64") as f:
        k = f.get("ptr %application", "application.alias")
        with f.when(f.is_(k, "none")):
            f.ret("i64 -1")
        f.ret(whole(f, k))


def mark_needed(m: Code) -> None:
    """Mark a value as needed, unless it is marked; whether it is new."""
    with m.function("mark_needed", "ptr %marks", "i64 %v", returns="i64") as f:
        at = f.at("ptr %marks", "i64 %v", "i8")
        with f.unless(f.equal(f.load(at, "i8"), "i8 0")):
            f.ret("i64 0")
        f.store(NEEDED, at)
        f.ret("i64 1")


def needed(m: Code) -> None:
    """Mark what some outputs depend on; in %span the first value behind which all is marked, and the last; returns the
    words that its operands take."""
    with m.function("needed", "ptr %b", "ptr %outputs", "ptr %marks", "ptr %span", returns="i64") as f:
        applications, operands = f.get("ptr %b", "builder.applications"), f.get("ptr %b", "builder.operands")
        waiting, words, last = f.local("i64"), f.local("i64"), f.at("ptr %span", "i64 1", "i64")
        for x, to in (("i64 0", waiting), ("i64 0", words), ("i64 -1", last)):
            f.store(x, to)

        def raised(to: str, by: str) -> None:
            f.store(f.do("add", f.load(to, "i64"), by), to)

        with f.each(f.size("ptr %outputs", "List")) as k:
            v = whole(f, f.call("PyList_GetItem", "ptr %outputs", k))
            new = f.call("mark_needed", "ptr %marks", v, returns="i64")
            raised(waiting, new)
            higher = f.both(f.equal(new, "i64 1"), f.value("i1", f"icmp sgt {v}, {f.load(last, 'i64').split()[1]}"))
            f.store(f.choice(higher, v, f.load(last, "i64")), last)
        end = f.do("add", f.load(last, "i64"), "i64 1")
        f.store(end, "ptr %span")
        with f.each(end) as k:
            with f.when(f.equal(f.load(waiting, "i64"), "i64 0")):
                f.ret(f.load(words, "i64"))
            v = f.do("sub", f.load(last, "i64"), k)
            f.store(v, "ptr %span")
            with f.when(f.equal(f.load(f.at("ptr %marks", v, "i8"), "i8"), NEEDED)):
                raised(waiting, "i64 -1")
                at, read = f.call("PyList_GetItem", applications, v), f.call("PyList_GetItem", operands, v)
                with f.unless(f.is_(at, "none")):
                    alias, size = f.call("alias_of", at, returns="i64"), f.size(read, "Tuple")
                    plain = f.value("i1", f"icmp slt {alias}, 0")
                    with f.when(plain):
                        raised(words, size)
                    with f.each(f.choice(plain, size, "i64 1")) as j:
                        o = whole(f, f.item(read, f.choice(plain, j, alias)))
                        raised(waiting, f.call("mark_needed", "ptr %marks", o, returns="i64"))
        f.ret(f.load(words, "i64"))


def collected(m: Code) -> None:
    """Append what is marked to the columns of a program: whether each value is known; its new number in %new."""
    params = ("ptr %b", "ptr %literals", "ptr %marks", "ptr %span", "ptr %new", "i64 %inputs")
    with m.function("collected", *params, "ptr %found", "ptr %words", "ptr %origins", returns="i1") as f:
        applications, operands = f.get("ptr %b", "builder.applications"), f.get("ptr %b", "builder.operands")
        named, count, filled = f.get("ptr %b", "builder.origins"), f.local("i64"), f.local("i64")
        f.store("i64 %inputs", count)
        f.store("i64 0", filled)
        first, last = f.load("ptr %span", "i64"), f.load(f.at("ptr %span", "i64 1", "i64"), "i64")
        with f.each(f.do("add", f.do("sub", last, first), "i64 1")) as k:
            v = f.do("add", first, k)
            with f.when(f.equal(f.load(f.at("ptr %marks", v, "i8"), "i8"), NEEDED)):
                at, read = f.call("PyList_GetItem", applications, v), f.call("PyList_GetItem", operands, v)
                box, same = f.local(), f.local("i64")
                f.store(at, box)
                f.store("i64 -1", same)
                absent = f.is_(at, "none")
                with f.when(absent):
                    key = number(f, v)
                    f.store(f.call("PyDict_GetItemWithError", "ptr %literals", key), box)
                    f.decref(key)
                with f.unless(absent):
                    f.store(f.call("alias_of", at, returns="i64"), same)
                with f.when(f.absent(f.load(box))):
                    f.ret("i1 false")
                alias, to = f.load(same, "i64"), f.at("ptr %new", v, "i64")
                plain = f.value("i1", f"icmp slt {alias}, 0")
                with f.unless(plain):
                    f.store(word(f, "ptr %new", whole(f, f.item(read, alias))), to)
                with f.when(plain):
                    f.call("PyList_Append", "ptr %found", f.load(box), returns="i32")
                    f.call("PyList_Append", "ptr %origins", f.call("PyList_GetItem", named, v), returns="i32")
                    f.store(f.load(count, "i64"), to)
                    f.store(f.do("add", f.load(count, "i64"), "i64 1"), count)
                    with f.each(f.size(read, "Tuple")) as j:
                        here = f.load(filled, "i64")
                        o = word(f, "ptr %new", whole(f, f.item(read, j)))
                        f.store(o, f.at("ptr %words", here, "i64"))
                        f.store(f.do("add", here, "i64 1"), filled)
        f.ret("i1 true")


def body(m: Code) -> None:
    """Builder.body(inputs, outputs, literals)"""
    with m.function("body", "ptr %b", "ptr %args", "i64 %n", exported=True) as f:
        inputs, outputs, literals = (f.load(f.at("ptr %args", f"i64 {k}")) for k in range(3))
        n, span, done = f.size(f.get("ptr %b", "builder.avals"), "List"), f.local("i64", count=2), f.local()
        size = f.do("add", n, "i64 1")
        marks, new = f.call("PyMem_Calloc", size, "i64 1"), f.call("PyMem_Calloc", size, "i64 8")
        f.store(NULL, done)
        with f.unless(f.either(f.absent(marks), f.absent(new))):
            with f.each(f.size(inputs, "List")) as k:
                v = whole(f, f.call("PyList_GetItem", inputs, k))
                f.store(GIVEN, f.at(marks, v, "i8"))
                f.store(k, f.at(new, v, "i64"))
            words = f.call("needed", "ptr %b", outputs, marks, span, returns="i64")
            found, origins = f.call("PyList_New", "i64 0"), f.call("PyList_New", "i64 0")
            reads = f.call("PyBytes_FromStringAndSize", NULL, f.do("mul", words, "i64 8"))
            count = f.size(outputs, "List")
            ends = f.call("PyTuple_New", count)
            parts = (found, reads, origins, ends)
            box = f.call("PyTuple_New", f"i64 {len(parts)}")
            with f.unless(f.either(*[f.absent(x) for x in (box, *parts)])):
                given = (literals, marks, span, new, f.size(inputs, "List"), found)
                data = f.call("PyBytes_AsString", reads)
                fine = f.call("collected", "ptr %b", *given, data, origins, returns="i1")
                with f.when(fine):
                    with f.each(count) as k:
                        v = number(f, word(f, new, whole(f, f.call("PyList_GetItem", outputs, k))))
                        f.call("PyTuple_SetItem", ends, k, v, returns="i32")
                    for place, x in enumerate(parts):
                        f.call("PyTuple_SetItem", box, f"i64 {place}", f.incref(x), returns="i32")
                    f.store(f.incref(box), done)
            f.decref(box, *parts)
        for x in (marks, new):
            f.call("PyMem_Free", x, returns="void")
        with f.unless(f.either(f.absent(f.load(done)), f.failed())):
            f.ret(f.load(done))
        with f.unless(f.failed()):
            f.ret(f.call("onward", f.constant("slow_body"), "ptr %b", "ptr %args", "i64 %n", NULL))
        f.decref(f.load(done))
        f.ret(NULL)


PROGRAMS = (
    *(constants, new_constants, laid, dropped, is_plain, read_numbers, copy_input, copy_row, copied),
    *(alias_of, mark_needed, needed, collected, body),
)
"""Builtins of this module, with their internal functions."""
