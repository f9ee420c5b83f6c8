"""Reverse walk of a program, as ``transform.vjp.between`` and ``Walk.passed``: generated code."""

from __future__ import annotations

from tenure.ir.primitive import PARTIAL, UNSIGNED
from tenure.ir.templates import MOST_VALUES
from tenure.runtime.assembler import NULL
from tenure.values.native.hits_objects import Code, Step
from tenure.values.native.hits_programs import append, new_value, number, whole, word
from tenure.values.native.hits_templates import MOST_FLAGS, column

__all__ = ["WALKING"]

SOURCE, REACHED, KNOWN = 1, 2, 4
"""Marks of values between sources and ends, as bits."""
DONE, LEFT, FAILED = "i32 1", "i32 0", "i32 -1"
"""Outcomes for the cotangent of a value: passed on, left as it is, an error."""


def below(f: Step, x: str, y: str) -> str:
    """Whether an integer is less than another."""
    return f.value("i1", f"icmp slt {x}, {y.split()[1]}")


def among(f: Step, x: str, held: str) -> str:
    """Whether a set has a number."""
    return f.equal(f.call("PySet_Contains", held, x, returns="i32"), "i32 1")


def marked(m: Code) -> None:
    """Set a mark of a value; whether it is new."""
    with m.function("marked", "ptr %marks", "i64 %v", "i8 %mark", returns="i64") as f:
        at = f.at("ptr %marks", "i64 %v", "i8")
        old = f.load(at, "i8")
        f.store(f.do("or", old, "i8 %mark"), at)
        new = f.equal(f.do("and", old, "i8 %mark"), "i8 0")
        f.ret(f.value("i64", f"zext {new} to i64"))


def flows(m: Code) -> None:
    """Mark the operands that a gradient flows to, or (with %look) count those that have the mark; the count."""
    with m.function("flows", "ptr %at", "ptr %read", "ptr %marks", "i8 %mark", "i1 %look", returns="i64") as f:
        numbers, count = f.get("ptr %at", "application.flows"), f.local("i64")
        f.store("i64 0", count)
        with f.each(f.size(numbers, "Tuple")) as k:
            v = whole(f, f.item("ptr %read", whole(f, f.item(numbers, k))))
            with f.when("i1 %look"):
                has = f.do("and", f.load(f.at("ptr %marks", v, "i8"), "i8"), "i8 %mark")
                one = f.value("i64", f"zext {f.negation(f.equal(has, 'i8 0'))} to i64")
                f.store(f.do("add", f.load(count, "i64"), one), count)
            with f.unless("i1 %look"):
                new = f.call("marked", "ptr %marks", v, "i8 %mark", returns="i64")
                f.store(f.do("add", f.load(count, "i64"), new), count)
        f.ret(f.load(count, "i64"))


def carries(m: Code) -> None:
    """Whether a gradient flows through a value to its operands: it is none of the sources."""
    with m.function("carries", "ptr %b", "ptr %marks", "i64 %v", returns="i1") as f:
        source = f.do("and", f.load(f.at("ptr %marks", "i64 %v", "i8"), "i8"), f"i8 {SOURCE}")
        made = f.negation(f.is_(column(f, "ptr %b", "applications", "i64 %v"), "none"))
        tracked = f.negation(f.is_(column(f, "ptr %b", "tracked", "i64 %v"), "false"))
        f.ret(f.every(f.equal(source, "i8 0"), made, tracked))


def descend(m: Code) -> None:
    """Mark what lies behind the ends; the first value behind which all is marked."""
    with m.function("descend", "ptr %b", "ptr %ends", "ptr %marks", "ptr %last", returns="i64") as f:
        waiting, at = f.local("i64"), f.local("i64")
        f.store("i64 0", waiting)
        f.store("i64 -1", "ptr %last")
        with f.each(f.size("ptr %ends", "List")) as k:
            v = whole(f, f.call("PyList_GetItem", "ptr %ends", k))
            new = f.call("marked", "ptr %marks", v, f"i8 {REACHED}", returns="i64")
            f.store(f.do("add", f.load(waiting, "i64"), new), waiting)
            last = f.load("ptr %last", "i64")
            f.store(f.choice(below(f, last, v), v, last), "ptr %last")
        end = f.do("add", f.load("ptr %last", "i64"), "i64 1")
        f.store(end, at)
        with f.each(end):
            with f.when(f.equal(f.load(waiting, "i64"), "i64 0")):
                f.ret(f.load(at, "i64"))
            v = f.do("sub", f.load(at, "i64"), "i64 1")
            f.store(v, at)
            reached = f.do("and", f.load(f.at("ptr %marks", v, "i8"), "i8"), f"i8 {REACHED}")
            with f.unless(f.equal(reached, "i8 0")):
                f.store(f.do("sub", f.load(waiting, "i64"), "i64 1"), waiting)
                through = f.call("carries", "ptr %b", "ptr %marks", v, returns="i1")
                with f.when(through):
                    pair = column(f, "ptr %b", "applications", v), column(f, "ptr %b", "operands", v)
                    more = f.call("flows", *pair, "ptr %marks", f"i8 {REACHED}", "i1 false", returns="i64")
                    f.store(f.do("add", f.load(waiting, "i64"), more), waiting)
        f.ret(f.load(at, "i64"))


def between(m: Code) -> None:
    """between(b, sources, ends)"""
    with m.function("between", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        b, sources, ends = (f.load(f.at("ptr %args", f"i64 {k}")) for k in range(3))
        listed, last, out = f.call("PySequence_List", sources), f.local("i64"), f.call("PyList_New", "i64 0")
        size = f.size(f.get(b, "builder.avals"), "List")
        marks = f.call("PyMem_Calloc", f.do("add", size, "i64 1"), "i64 1")
        with f.when(f.absent(marks)):
            f.call("PyErr_NoMemory")
        with f.unless(f.either(f.absent(listed), f.absent(out), f.absent(marks))):
            with f.each(f.size(listed, "List")) as k:
                v = whole(f, f.call("PyList_GetItem", listed, k))
                f.call("marked", marks, v, f"i8 {SOURCE}", returns="i64")
            first = f.call("descend", b, ends, marks, last, returns="i64")
            with f.each(f.do("add", f.do("sub", f.load(last, "i64"), first), "i64 1")) as k:
                v = f.do("add", first, k)
                mark = f.load(f.at(marks, v, "i8"), "i8")
                with f.unless(f.equal(f.do("and", mark, f"i8 {REACHED}"), "i8 0")):
                    good, through = f.local("i1"), f.call("carries", b, marks, v, returns="i1")
                    f.store(f.negation(f.equal(f.do("and", mark, f"i8 {SOURCE}"), "i8 0")), good)
                    with f.when(through):
                        pair = column(f, b, "applications", v), column(f, b, "operands", v)
                        known = f.call("flows", *pair, marks, f"i8 {KNOWN}", "i1 true", returns="i64")
                        f.store(f.negation(f.equal(known, "i64 0")), good)
                    with f.when(f.load(good, "i1")):
                        f.call("marked", marks, v, f"i8 {KNOWN}", returns="i64")
                        x = number(f, v)
                        f.call("PyList_Append", out, x, returns="i32")
                        f.decref(x)
        f.call("PyMem_Free", marks, returns="void")
        f.decref(listed)
        with f.when(f.failed()):
            f.decref(out)
            f.ret(NULL)
        f.ret(out)


def same_aval(m: Code) -> None:
    """Whether a value has an aval."""
    with m.function("same_aval", "ptr %b", "ptr %v", "ptr %aval", returns="i1") as f:
        own = column(f, "ptr %b", "avals", whole(f, "ptr %v"))
        with f.when(f.equal(own, "ptr %aval")):
            f.ret("i1 true")
        f.ret(f.equal(f.call("PyObject_RichCompareBool", own, "ptr %aval", "i32 2", returns="i32"), "i32 1"))


def emit_sum(m: Code) -> None:
    """The number of the sum of two cotangents (a new reference); NULL with an error."""
    with m.function("emit_sum", "ptr %w", "ptr %b", "ptr %x", "ptr %y") as f:
        pair = f.call("PyTuple_New", "i64 2")
        for k, v in enumerate(("ptr %x", "ptr %y")):
            aval = column(f, "ptr %b", "avals", whole(f, v))
            f.call("PyTuple_SetItem", pair, f"i64 {k}", f.incref(aval), returns="i32")
        at = f.call("PyDict_GetItemWithError", f.get("ptr %w", "walk.sums"), pair)
        f.decref(pair)
        with f.when(f.absent(at)):
            f.ret(f.call_method("ptr %w", "name_sum", "ptr %x", "ptr %y"))
        ans = number(f, f.size(f.get("ptr %b", "builder.avals"), "List"))
        operands = f.call("PyTuple_New", "i64 2")
        for k, v in enumerate(("ptr %x", "ptr %y")):
            f.call("PyTuple_SetItem", operands, f"i64 {k}", f.incref(v), returns="i32")
        entries = {"applications": at, "avals": f.get(at, "application.aval"), "operands": operands}
        entries |= {"origins": f.get("ptr %b", "builder.origin"), "tracked": f.constant("false")}
        for name, to in entries.items():
            append(f, "ptr %b", f"builder.{name}", to)
        f.decref(operands)
        zeros = f.get("ptr %b", "builder.zeros")
        one, two = (f.call("PyDict_GetItemWithError", zeros, v) for v in ("ptr %x", "ptr %y"))
        with f.unless(f.either(f.absent(one), f.absent(two))):
            least = f.choice(below(f, whole(f, one), whole(f, two)), one, two)
            f.call("PyDict_SetItem", zeros, ans, least, returns="i32")
        f.ret(ans)


def whole_or_none(f: Step, held: str) -> str:
    """Whether a cotangent is a dense one: a number of a value."""
    return f.is_(f.kind(held), "int")


def arrive(m: Code) -> None:
    """Add a cotangent of a value, as ``Walk.add``."""
    with m.function("arrive", "ptr %w", "ptr %b", "ptr %x", "ptr %g", returns="void") as f:
        held = f.get("ptr %w", "walk.held")
        old = f.call("PyDict_GetItemWithError", held, "ptr %x")
        with f.when(f.absent(old)):
            f.call("PyDict_SetItem", held, "ptr %x", "ptr %g", returns="i32")
            f.call("PySet_Add", f.get("ptr %w", "walk.reached"), "ptr %x", returns="i32")
            f.ret()
        with f.unless(whole_or_none(f, old)):
            f.decref(f.call_method("ptr %w", "name_add", "ptr %x", "ptr %g"))
            f.ret()
        ans = f.call("emit_sum", "ptr %w", "ptr %b", old, "ptr %g")
        with f.unless(f.absent(ans)):
            f.call("PyDict_SetItem", held, "ptr %x", ans, returns="i32")
            f.call("PySet_Add", f.get("ptr %w", "walk.reached"), "ptr %x", returns="i32")
        f.decref(ans)
        f.ret()


def lay_on_operands(f: Step, ids: str, first: tuple[str, str], name: str, about: int) -> tuple[str, str]:
    """Lay the template of a rule on two values and the operands of %at; its words, and the template (a new reference).
    The function returns ``LEFT`` where that is not possible."""
    for k, v in enumerate(first):
        f.store(v, f.at(ids, f"i64 {k}"))
    size = f.size("ptr %read", "Tuple")
    with f.each(size) as j:
        f.store(f.item("ptr %read", j), f.at(ids, f.do("add", j, "i64 2")))
    n, kept = f.do("add", size, "i64 2"), f.local()
    words = f.call("lay_rule", "ptr %b", "ptr %at", f.constant(f"name_{name}"), ids, n, f"i64 {about}", kept)
    with f.when(f.absent(words)):
        f.ret(LEFT)
    return words, f.load(kept)


def begun(m: Code) -> None:
    """The accumulator of a small value, which begins here (a borrowed reference); NULL where that is left to Python."""
    with m.function("begun", "ptr %w", "ptr %b", "ptr %x") as f:
        k = whole(f, "ptr %x")
        made = f.negation(f.is_(column(f, "ptr %b", "applications", k), "none"))
        blanks, aval = f.get("ptr %w", "walk.blanks"), column(f, "ptr %b", "avals", k)
        at = f.call("PyDict_GetItemWithError", blanks, aval)
        inner = f.negation(among(f, "ptr %x", f.get("ptr %w", "walk.sources")))
        with f.unless(f.every(made, inner, f.negation(f.absent(at)))):
            f.ret(NULL)
        ans = new_value(f, "ptr %b", f.get(at, "application.aval"), at, f.get("ptr %b", "builder.origin"))
        zeros = number(f, f"i64 {PARTIAL}")
        f.call("PyDict_SetItem", f.get("ptr %b", "builder.zeros"), ans, zeros, returns="i32")
        f.call("PyDict_SetItem", f.get("ptr %w", "walk.held"), "ptr %x", ans, returns="i32")
        f.decref(zeros, ans)
        f.ret(f.choice(f.failed(), NULL, ans))


def through_read(m: Code) -> None:
    """Add the cotangent of a read to an accumulator."""
    params = ("ptr %w", "ptr %b", "ptr %at", "ptr %read", "ptr %g")
    with m.function("through_read", *params, returns="i32") as f:
        x, held = f.item("ptr %read", "i64 0"), f.get("ptr %w", "walk.held")
        with f.unless(among(f, x, f.get("ptr %w", "walk.relevant"))):
            f.ret(DONE)
        box, ids = f.local(), f.local(count=MOST_VALUES)
        f.store(f.call("PyDict_GetItemWithError", held, x), box)
        with f.when(f.absent(f.load(box))):
            f.store(f.call("begun", "ptr %w", "ptr %b", x), box)
        acc = f.load(box)
        with f.when(f.absent(acc)):
            f.ret(LEFT)
        with f.unless(whole_or_none(f, acc)):
            f.ret(LEFT)
        aval = f.item(f.get("ptr %at", "application.operands"), "i64 0")
        fits = f.call("same_aval", "ptr %b", acc, aval, returns="i1")
        with f.unless(fits):
            f.ret(LEFT)
        words, template = lay_on_operands(f, ids, (acc, "ptr %g"), "accumulate", 2)
        f.call("PyDict_SetItem", held, x, f.load(f.at(ids, word(f, words, 4))), returns="i32")
        f.call("PySet_Add", f.get("ptr %w", "walk.reached"), x, returns="i32")
        f.call("dropped", words, ids, returns="void")
        f.decref(template)
        f.ret(DONE)


def through(m: Code) -> None:
    """Add the contributions of an instruction to the cotangents of its operands."""
    params = ("ptr %w", "ptr %b", "ptr %v", "ptr %at", "ptr %read", "ptr %g")
    with m.function("through", *params, returns="i32") as f:
        size, ids = f.size("ptr %read", "Tuple"), f.local(count=MOST_VALUES)
        with f.when(below(f, f"i64 {MOST_FLAGS - 2}", size)):
            f.ret(LEFT)
        fits = f.call("same_aval", "ptr %b", "ptr %g", f.get("ptr %at", "application.aval"), returns="i1")
        with f.unless(fits):
            f.ret(LEFT)
        reads = whole(f, f.get("ptr %at", "application.reads"))
        with f.unless(below(f, reads, "i64 0")):
            f.ret(f.call("through_read", "ptr %w", "ptr %b", "ptr %at", "ptr %read", "ptr %g", returns="i32"))
        words, template = lay_on_operands(f, ids, ("ptr %g", "ptr %v"), "vjp", 1)
        numbers, relevant = f.get("ptr %at", "application.flows"), f.get("ptr %w", "walk.relevant")
        with f.each(word(f, words, 3)) as k:
            ref = word(f, words, f.do("add", k, "i64 4"))
            x = f.item("ptr %read", whole(f, f.item(numbers, k)))
            with f.when(f.both(f.negation(below(f, ref, "i64 0")), among(f, x, relevant))):
                f.call("arrive", "ptr %w", "ptr %b", x, f.load(f.at(ids, ref)), returns="void")
        f.call("dropped", words, ids, returns="void")
        f.decref(template)
        f.ret(DONE)


def pass_value(m: Code) -> None:
    """Pass on the cotangent of a value, if one has arrived."""
    with m.function("pass_value", "ptr %w", "ptr %b", "ptr %v", returns="i32") as f:
        held, status = f.get("ptr %w", "walk.held"), f.local("i32")
        g = f.call("PyDict_GetItemWithError", held, "ptr %v")
        with f.when(f.absent(g)):
            f.ret(DONE)
        with f.when(among(f, "ptr %v", f.get("ptr %w", "walk.sources"))):
            f.ret(DONE)
        k = whole(f, "ptr %v")
        at, read = column(f, "ptr %b", "applications", k), column(f, "ptr %b", "operands", k)
        made = f.negation(f.is_(at, "none"))
        tracked = f.negation(f.is_(column(f, "ptr %b", "tracked", k), "false"))
        with f.unless(f.every(made, tracked, whole_or_none(f, g))):
            f.ret(LEFT)
        f.incref(g)
        f.store(f.call("through", "ptr %w", "ptr %b", "ptr %v", at, read, g, returns="i32"), status)
        f.decref(g)
        with f.when(f.equal(f.load(status, "i32"), DONE)):
            f.call("PyDict_DelItem", held, "ptr %v", returns="i32")
        f.ret(f.choice(f.failed(), FAILED, f.load(status, "i32")))


def passed(m: Code) -> None:
    """Walk.passed(at)"""
    with m.function("passed", "ptr %w", "ptr %args", "i64 %n", exported=True) as f:
        given, b, order = f.load("ptr %args"), f.get("ptr %w", "walk.b"), f.get("ptr %w", "walk.order")
        plain = f.call("is_plain", b, returns="i1")
        first = f.is_(f.get(b, "builder.tracking"), "false")
        with f.unless(f.every(plain, first, f.empty(f.get(b, "builder.blocks"), "Dict"))):
            f.ret(f.incref(given))
        count = whole(f, given)
        with f.each(count) as k:
            left = f.do("sub", count, k)
            v = f.call("PyList_GetItem", order, f.do("sub", left, "i64 1"))
            status = f.call("pass_value", "ptr %w", b, v, returns="i32")
            with f.when(f.equal(status, FAILED)):
                f.ret(NULL)
            with f.when(f.equal(status, LEFT)):
                f.ret(number(f, left))
        f.ret(number(f, "i64 0"))


assert UNSIGNED == 0  # the least of two, as in ``Walk.sum``

WALKING = (
    *(marked, flows, carries, descend, between, same_aval, emit_sum, arrive),
    *(begun, through_read, through, pass_value, passed),
)
"""Builtins of this module, with their internal functions."""
