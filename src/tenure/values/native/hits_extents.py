"""Templates filled in for extents, as ``ir.kin.Line.at`` of an ``ir.templates.Filled``: generated code.

    exp f32[s0, 64], where s0 != 1        becomes, from words for sums of products (``ir.sums``),
    values of the symbols, avals, applications that are new, and a copy of the template
"""

from __future__ import annotations

from tenure.ir.sums import MOST_AVALS, MOST_EXTENTS, MOST_SYMBOLS, SIGNS
from tenure.runtime.assembler import NULL
from tenure.values.native.hits_objects import Code, Step
from tenure.values.native.hits_programs import number, whole, word

__all__ = ["EXTENTS", "LAST", "address", "next_word"]

LAST = 8
"""Number of the avals made last that are kept at hand, with their kinds; a power of two."""
COMPARED = ("eq", "slt", "sle", "sgt", "sge", "ne")
assert len(COMPARED) == len(SIGNS)


def next_word(f: Step, words: str, cursor: str) -> str:
    """The word at a cursor, which moves on."""
    at = f.load(cursor, "i64")
    f.store(f.do("add", at, "i64 1"), cursor)
    return word(f, words, at)


def address(f: Step, x: str) -> str:
    """The address that a Python number is."""
    return f.value("ptr", f"inttoptr {whole(f, x)} to ptr")


def summed(m: Code) -> None:
    """The value of the sum at a cursor, for values of the symbols."""
    with m.function("summed", "ptr %words", "ptr %cursor", "ptr %vals", returns="i64") as f:
        total, product = f.local("i64"), f.local("i64")
        f.store("i64 0", total)
        with f.each(next_word(f, "ptr %words", "ptr %cursor")):
            f.store(next_word(f, "ptr %words", "ptr %cursor"), product)
            with f.each(next_word(f, "ptr %words", "ptr %cursor")):
                factor = word(f, "ptr %vals", next_word(f, "ptr %words", "ptr %cursor"))
                f.store(f.do("mul", f.load(product, "i64"), factor), product)
            f.store(f.do("add", f.load(total, "i64"), f.load(product, "i64")), total)
        f.ret(f.load(total, "i64"))


def extents_of(m: Code) -> None:
    """Store extents as words; how many they are, -1 if they are too many or too large, or are none."""
    with m.function("extents_of", "ptr %extents", "ptr %ext", "i64 %most", returns="i64") as f:
        listed = f.is_(f.kind("ptr %extents"), "list")
        with f.unless(f.either(listed, f.is_(f.kind("ptr %extents"), "tuple"))):
            f.ret("i64 -1")
        count = f.call("PySequence_Size", "ptr %extents", returns="i64")
        with f.unless(f.value("i1", f"icmp ule {count}, %most")):
            f.ret("i64 -1")
        with f.each(count) as k:
            x = f.local()
            with f.when(listed):
                f.store(f.call("PyList_GetItem", "ptr %extents", k), x)
            with f.unless(listed):
                f.store(f.item("ptr %extents", k), x)
            with f.unless(f.is_(f.kind(f.load(x)), "int")):
                f.ret("i64 -1")
            v = f.call("PyLong_AsLongLongAndOverflow", f.load(x), f.local("i32"), returns="i64")
            with f.when(f.value("i1", f"icmp slt {v}, 0")):  # or it has more than 64 bits
                f.ret("i64 -1")
            f.store(v, f.at("ptr %ext", k, "i64"))
        f.ret(count)


def matches(m: Code) -> None:
    """Whether extents are alike, as words say; the values of the symbols."""
    with m.function("matches", "ptr %words", "ptr %ext", "i64 %count", "ptr %vals", returns="i1") as f:
        cursor = f.local("i64")
        f.store("i64 1", cursor)

        def take() -> str:
            return next_word(f, "ptr %words", cursor)

        with f.unless(f.equal(take(), "i64 %count")):
            f.ret("i1 false")
        with f.each(take()) as k:
            f.store(word(f, "ptr %ext", take()), f.at("ptr %vals", k, "i64"))
        with f.each(take()):
            own = word(f, "ptr %ext", take())
            with f.unless(f.equal(own, word(f, "ptr %vals", take()))):
                f.ret("i1 false")
        with f.each(take()):
            own = word(f, "ptr %ext", take())
            with f.unless(f.equal(own, take())):
                f.ret("i1 false")
        with f.each(take()):
            sign, answer, holds = take(), take(), f.local("i1")
            x = f.call("summed", "ptr %words", cursor, "ptr %vals", returns="i64")
            f.store("i1 false", holds)
            for code, compared in enumerate(COMPARED):
                with f.when(f.equal(sign, f"i64 {code}")):
                    f.store(f.value("i1", f"icmp {compared} {x}, 0"), holds)
            with f.unless(f.equal(f.value("i64", f"zext {f.load(holds, 'i1')} to i64"), answer)):
                f.ret("i1 false")
        f.ret("i1 true")


def sums_at(m: Code) -> None:
    """New tuple of the numbers whose sums stand at a place."""
    with m.function("sums_at", "ptr %words", "ptr %place", "ptr %vals") as f:
        cursor = f.local("i64")
        f.store(whole(f, "ptr %place"), cursor)
        count = next_word(f, "ptr %words", cursor)
        out = f.call("PyTuple_New", count)
        with f.unless(f.absent(out)), f.each(count) as k:
            x = f.call("summed", "ptr %words", cursor, "ptr %vals", returns="i64")
            f.call("PyTuple_SetItem", out, k, number(f, x), returns="i32")
        with f.unless(f.absent(out)):
            f.untrack(out)
        f.ret(out)


def aval_at(m: Code) -> None:
    """The aval of a pair of one that is alike and of the place of its shape, or the one that is given: most likely one
    of those made last, as the operations of a graph share a few."""
    with m.function("aval_at", "ptr %said", "ptr %words", "ptr %vals") as f:
        with f.when(f.is_(f.kind("ptr %said"), "aval_type")):
            f.ret(f.incref("ptr %said"))
        like, cursor = f.item("ptr %said", "i64 0"), f.local("i64")
        f.store(whole(f, f.item("ptr %said", "i64 1")), cursor)
        ext, mixed, count = f.local("i64", MOST_EXTENTS), f.local("i64"), next_word(f, "ptr %words", cursor)
        f.store(count, mixed)
        with f.unless(f.value("i1", f"icmp ule {count}, {MOST_EXTENTS}")):
            f.call("PyErr_NoMemory")
            f.ret(NULL)
        with f.each(count) as k:
            x = f.call("summed", "ptr %words", cursor, "ptr %vals", returns="i64")
            f.store(x, f.at(ext, k, "i64"))
            f.store(f.do("add", f.do("mul", f.load(mixed, "i64"), "i64 31"), x), mixed)
        slot = f.do("and", f.load(mixed, "i64"), f"i64 {LAST - 1}")
        old = f.load(f.at("ptr @shapes", slot))
        with f.unless(f.absent(old)), f.when(f.call("aval_is", old, like, ext, count, returns="i1")):
            f.ret(f.incref(old))
        shape, out = f.call("PyTuple_New", count), f.call("PyType_GenericAlloc", f.constant("aval_type"), "i64 4")
        with f.when(f.either(f.absent(shape), f.absent(out))):
            f.decref(shape, out)
            f.ret(NULL)
        with f.each(count) as k:
            f.call("PyTuple_SetItem", shape, k, number(f, f.load(f.at(ext, k, "i64"), "i64")), returns="i32")
        f.untrack(shape)
        f.call("PyTuple_SetItem", out, "i64 0", shape, returns="i32")
        for k_ in range(1, 4):
            f.call("PyTuple_SetItem", out, f"i64 {k_}", f.incref(f.item(like, f"i64 {k_}")), returns="i32")
        f.untrack(out)
        for place, new in ((slot, f.incref(out)), (f.do("add", slot, f"i64 {LAST}"), NULL)):
            at = f.at("ptr @shapes", place)
            held = f.load(at)
            f.store(new, at)
            f.decref(held)
        f.ret(out)


def aval_is(m: Code) -> None:
    """Whether an aval is alike another one, with these extents as its shape."""
    with m.function("aval_is", "ptr %aval", "ptr %like", "ptr %ext", "i64 %count", returns="i1") as f:
        shape = f.item("ptr %aval", "i64 0")
        same = [f.equal(f.item("ptr %aval", f"i64 {k}"), f.item("ptr %like", f"i64 {k}")) for k in range(1, 4)]
        with f.unless(f.every(f.equal(f.size(shape, "Tuple"), "i64 %count"), *same)):
            f.ret("i1 false")
        with f.each("i64 %count") as k, f.unless(f.equal(whole(f, f.item(shape, k)), word(f, "ptr %ext", k))):
            f.ret("i1 false")
        f.ret("i1 true")


def whole_again(m: Code) -> None:
    """A parameter of what ``sums.apart`` has left of it, with the numbers whose sums stand at a cursor (a new
    reference)."""
    with m.function("whole_again", "ptr %apart", "ptr %words", "ptr %cursor", "ptr %vals") as f:
        with f.when(f.is_("ptr %apart", "ellipsis")):
            f.ret(number(f, f.call("summed", "ptr %words", "ptr %cursor", "ptr %vals", returns="i64")))
        with f.unless(f.is_(f.kind("ptr %apart"), "tuple")):
            f.ret(f.incref("ptr %apart"))
        count = f.size("ptr %apart", "Tuple")
        out = f.call("PyTuple_New", count)
        with f.unless(f.absent(out)), f.each(count) as k:
            x = f.call("whole_again", f.item("ptr %apart", k), "ptr %words", "ptr %cursor", "ptr %vals")
            f.call("PyTuple_SetItem", out, k, x, returns="i32")
        with f.unless(f.absent(out)):
            f.untrack(out)
        f.ret(out)


def params_at(m: Code) -> None:
    """The parameters of an application that is said so (a new reference)."""
    with m.function("params_at", "ptr %said", "ptr %words", "ptr %vals") as f:
        params, symbolic = f.item("ptr %said", "i64 4"), f.item("ptr %said", "i64 5")
        with f.when(f.empty(symbolic, "Tuple")):
            f.ret(f.incref(params))
        out = f.call("PyDict_Copy", params)
        with f.unless(f.absent(out)), f.each(f.size(symbolic, "Tuple")) as k:
            one, cursor = f.item(symbolic, k), f.local("i64")
            f.store(f.do("add", whole(f, f.item(one, "i64 2")), "i64 1"), cursor)  # behind how many sums there are
            x = f.call("whole_again", f.item(one, "i64 1"), "ptr %words", cursor, "ptr %vals")
            with f.when(f.absent(x)):
                f.decref(out)
                f.ret(NULL)
            f.call("PyDict_SetItem", out, f.item(one, "i64 0"), x, returns="i32")
            f.decref(x)
        f.ret(out)


def kept_among(m: Code) -> None:
    """Made.keep(extents, value), as a new reference; natively where there is room for more."""
    with m.function("kept_among", "ptr %table", "ptr %key", "ptr %made") as f:
        counter = f.value("ptr", f"inttoptr {f.load('ptr @left', 'i64')} to ptr")
        left = f.load(counter, "i64")
        usual = f.both(f.value("i1", f"icmp sgt {left}, 0"), f.negation(f.empty("ptr %table", "Dict")))
        with f.unless(usual):
            f.ret(f.call_method("ptr %table", "name_keep", "ptr %key", "ptr %made"))
        f.store(f.do("sub", left, "i64 1"), counter)
        f.ret(f.incref(f.call("PyDict_SetDefault", "ptr %table", "ptr %key", "ptr %made")))


def application_at(m: Code) -> None:
    """The application that is said so: one that there is, or a new one (a new reference)."""
    with m.function("application_at", "ptr %said", "ptr %words", "ptr %vals", "ptr %avals") as f:
        with f.when(f.equal(f.size("ptr %said", "Tuple"), "i64 2")):
            f.ret(f.incref(f.item("ptr %said", "i64 0")))
        key = f.call("sums_at", "ptr %words", f.item("ptr %said", "i64 3"), "ptr %vals")
        with f.when(f.absent(key)):
            f.ret(NULL)
        table = f.item("ptr %said", "i64 7")
        known = f.call("PyDict_GetItemWithError", table, key)
        with f.unless(f.absent(known)):
            f.decref(key)
            f.ret(f.incref(known))
        refs, args, out = f.item("ptr %said", "i64 6"), f.local(count=4), f.local()
        arity = f.size(refs, "Tuple")
        pair, operands = f.call("PyTuple_New", "i64 2"), f.call("PyTuple_New", arity)
        params = f.call("params_at", "ptr %said", "ptr %words", "ptr %vals")
        f.store(NULL, out)
        with f.unless(f.either(f.absent(pair), f.absent(operands), f.absent(params))):
            f.call("PyTuple_SetItem", pair, "i64 0", f.incref(f.item("ptr %said", "i64 2")), returns="i32")
            f.call("PyTuple_SetItem", pair, "i64 1", f.incref(key), returns="i32")
            with f.each(arity) as k:
                aval = f.load(f.at("ptr %avals", whole(f, f.item(refs, k))))
                f.call("PyTuple_SetItem", operands, k, f.incref(aval), returns="i32")
            own = f.load(f.at("ptr %avals", whole(f, f.item("ptr %said", "i64 1"))))
            f.untrack(pair, operands)
            for k_, x in enumerate((pair, params, operands, own)):
                f.store(x, f.at(args, f"i64 {k_}"))
            made = f.call("application_alike", f.item("ptr %said", "i64 0"), args, "i64 4")
            with f.unless(f.absent(made)):
                f.store(f.call("kept_among", table, key, made), out)
            f.decref(made)
        f.decref(key, pair, operands, params)
        f.ret(f.load(out))


def constants_at(m: Code) -> None:
    """The constants of a template for values of the symbols (a new reference); NULL with an error."""
    params = ("ptr %plain", "ptr %like", "ptr %words", "ptr %vals", "ptr %avals")
    with m.function("constants_at", *params) as f:
        said = f.get("ptr %plain", "plain.constants")
        with f.when(f.empty(said, "Tuple")):
            f.ret(f.incref(f.get("ptr %like", "template.constants")))
        count = f.size(said, "Tuple")
        out = f.call("PyTuple_New", count)
        with f.unless(f.absent(out)), f.each(count) as k:
            one, box = f.item(said, k), f.local()
            f.store(f.incref(one), box)
            with f.when(f.equal(f.size(one, "Tuple"), "i64 3")):
                cursor = f.local("i64")
                f.store(whole(f, f.item(one, "i64 2")), cursor)
                next_word(f, "ptr %words", cursor)  # that it is one number
                n = f.call("summed", "ptr %words", cursor, "ptr %vals", returns="i64")
                form = f.call("PyBytes_AsString", f.item(one, "i64 1"))
                key = f.call("PyUnicode_FromFormat", form, n, variadic=True)
                at = f.call("application_at", f.item(one, "i64 0"), "ptr %words", "ptr %vals", "ptr %avals")
                pair = f.call("PyTuple_New", "i64 2")
                with f.when(f.either(f.absent(key), f.absent(at), f.absent(pair))):
                    f.decref(key, at, pair, one, out)
                    f.ret(NULL)
                for k_, x in enumerate((key, at)):
                    f.call("PyTuple_SetItem", pair, f"i64 {k_}", x, returns="i32")
                f.untrack(pair)
                f.decref(one)
                f.store(pair, box)
            f.call("PyTuple_SetItem", out, k, f.load(box), returns="i32")
        with f.unless(f.absent(out)):
            f.untrack(out)
        f.ret(out)


def filled(m: Code) -> None:
    """The template for values of the symbols (a new reference); NULL with an error."""
    with m.function("filled", "ptr %x", "ptr %vals") as f:
        plain, like, args = f.get("ptr %x", "filled.plain"), f.get("ptr %x", "filled.template"), f.local(count=3)
        words, avals, out = address(f, f.get(plain, "plain.start")), f.local(count=MOST_AVALS), f.local()
        said, every = f.get(plain, "plain.applications"), f.get(plain, "plain.avals")
        many, count = f.size(every, "List"), f.size(said, "List")
        with f.each(many) as k:
            f.store(f.call("aval_at", f.call("PyList_GetItem", every, k), words, "ptr %vals"), f.at(avals, k))
        listed, own = f.call("PyTuple_New", count), f.call("PyTuple_New", count)
        f.store(NULL, out)
        with f.each(f.choice(f.failed(), "i64 0", count)) as k:
            one = f.call("PyList_GetItem", said, k)
            made = f.call("application_at", one, words, "ptr %vals", avals)
            with f.unless(f.absent(made)):
                f.call("PyTuple_SetItem", listed, k, made, returns="i32")
                aval = f.load(f.at(avals, whole(f, f.item(one, "i64 1"))))
                f.call("PyTuple_SetItem", own, k, f.incref(aval), returns="i32")
        with f.unless(f.failed()):
            weak = f.get("ptr %x", "filled.weak")
            with f.each(f.size(weak, "List")) as k:
                pair = f.call("PyList_GetItem", weak, k)
                aval = f.incref(f.item(pair, "i64 1"))
                f.call("PyTuple_SetItem", own, whole(f, f.item(pair, "i64 0")), aval, returns="i32")
            f.untrack(listed, own)
            held = f.call("constants_at", plain, like, words, "ptr %vals", avals)
            for k_, x in enumerate((held, listed, own)):
                f.store(x, f.at(args, f"i64 {k_}"))
            with f.unless(f.absent(held)):
                f.store(f.call("template_like", like, args, "i64 3"), out)
            f.decref(held)
        f.decref(listed, own)
        with f.each(many) as k:
            f.decref(f.load(f.at(avals, k)))
        f.ret(f.load(out))


def extents_fit(m: Code) -> None:
    """Whether all extents are below those that words are for."""
    with m.function("extents_fit", "ptr %words", "ptr %ext", "i64 %count", returns="i1") as f:
        with f.each("i64 %count") as k:
            x, most = word(f, "ptr %ext", k), word(f, "ptr %words", 0)
            with f.unless(f.value("i1", f"icmp slt {x}, {most.split()[1]}")):
                f.ret("i1 false")
        f.ret("i1 true")


def words_of(f: Step, name: str, own: str) -> str:
    """The words by which native code fills in a template or a record."""
    return address(f, f.get(own, "plain.start") if name == "filled" else f.item(own, "i64 2"))


def at_extents(m: Code) -> None:
    """The thing of a line for extents, None where it has none, Ellipsis if that is left to Python (a new reference);
    NULL with an error."""
    with m.function("at_extents", "ptr %x", "ptr %ext", "i64 %count") as f:
        vals, general, plain = f.local("i64", MOST_SYMBOLS), f.get("ptr %x", "line.general"), f.local("i1")
        f.store(f.value("i1", "icmp sge i64 %count, 0"), plain)
        with f.each(f.size(general, "List")) as k, f.when(f.load(plain, "i1")):
            one = f.item(f.call("PyList_GetItem", general, k), "i64 1")
            f.store("i1 false", plain)
            for name, fill in (("filled", "filled"), ("record", "record_at")):
                with f.when(f.is_(f.kind(one), f"{name}_type")):
                    said, own = f.get(one, f"{name}.matches"), f.get(one, f"{name}.plain")
                    with f.unless(f.either(f.is_(said, "none"), f.is_(own, "none"))):
                        words = address(f, f.item(said, "i64 1"))
                        small = [
                            f.call("extents_fit", x, "ptr %ext", "i64 %count", returns="i1")
                            for x in (words, words_of(f, name, own))
                        ]
                        f.store(f.both(*small), plain)
                        alike = f.call("matches", words, "ptr %ext", "i64 %count", vals, returns="i1")
                        with f.when(f.both(f.load(plain, "i1"), alike)):
                            f.incref(one)  # another thread may replace it
                            out = f.call(fill, one, vals)
                            f.decref(one)
                            f.ret(out)
        f.ret(f.incref(f.choice(f.load(plain, "i1"), f.constant("none"), f.constant("ellipsis"))))


def line_at(m: Code) -> None:
    """Line.at(extents)"""
    with m.function("line_at", "ptr %x", "ptr %args", "i64 %n", exported=True) as f:
        ext = f.local("i64", MOST_EXTENTS)
        count = f.call("extents_of", f.load("ptr %args"), ext, f"i64 {MOST_EXTENTS}", returns="i64")
        out = f.call("at_extents", "ptr %x", ext, count)
        with f.unless(f.is_(out, "ellipsis")):
            f.ret(out)
        f.decref(out)
        f.ret(f.call("onward", f.constant("slow_line_at"), "ptr %x", "ptr %args", "i64 %n", NULL))


EXTENTS = (
    *(summed, extents_of, matches, sums_at, aval_is, aval_at, whole_again, params_at, kept_among, application_at),
    *(constants_at, filled, extents_fit, at_extents, line_at),
)
"""Builtins of this module, with their internal functions."""
