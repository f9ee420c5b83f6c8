"""Rules of classes filled in, as ``alike.filled_in``: generated code.

What is not usual (a class that is not known yet, a result that is an operand, large extents) is left to that function:
None, and nothing done.
"""

from __future__ import annotations

from tenure.ir.sums import MOST_EXTENTS
from tenure.runtime.assembler import NULL
from tenure.values.native.hits_extents import LAST
from tenure.values.native.hits_objects import Code, Step
from tenure.values.native.hits_programs import number, whole

__all__ = ["CLASSES"]

ASKED = 32
"""Number of new rules after which a table of rules is asked once whether it is full."""


def give_up(f: Step, *values: str) -> None:
    """Return None, or NULL if there is an error."""
    f.decref(*values)
    f.give_none()


def more_extents(m: Code) -> None:
    """Append extents to words of which so many are there; how many there are then, -1 if they are too many or large."""
    with m.function("more_extents", "ptr %extents", "ptr %ext", "i64 %from", returns="i64") as f:
        space, most = f.at("ptr %ext", "i64 %from", "i64"), f.do("sub", f"i64 {MOST_EXTENTS}", "i64 %from")
        count = f.call("extents_of", "ptr %extents", space, most, returns="i64")
        bad = f.value("i1", f"icmp slt {count}, 0")
        f.ret(f.choice(bad, count, f.do("add", "i64 %from", count)))


def params_said(m: Code) -> None:
    """Parameters without their extents, and these, as ``alike.without`` (a new reference); NULL with an error."""
    with m.function("params_said", "ptr %params") as f:
        found = f.call("PyDict_GetItemWithError", f.constant("known_params"), "ptr %params")
        with f.unless(f.both(f.absent(found), f.negation(f.failed()))):
            f.ret(f.incref(found))
        f.ret(f.call_python(f.constant("without_extents"), "ptr %params"))


def said_of(m: Code) -> None:
    """The key of a rule without its extents (a new reference), which are stored with their number behind them, and how
    many are of its kinds behind that; NULL if that is left to Python."""
    with m.function("said_of", "ptr %mode", "ptr %key", "ptr %ext", "ptr %counts") as f:
        n = f.size("ptr %key", "Tuple")
        out, count, good = f.call("PyTuple_New", f.do("add", n, "i64 1")), f.local("i64"), f.local("i1")
        with f.when(f.absent(out)):
            f.ret(NULL)
        f.call("PyTuple_SetItem", out, "i64 0", f.incref(f.get("ptr %mode", "mode.grad")), returns="i32")
        f.store("i64 0", count)
        f.store("i64 0", f.at("ptr %counts", "i64 1", "i64"))
        f.store("i1 true", good)
        with f.each(n) as k, f.when(f.load(good, "i1")):
            part, said, extents, owner = f.item("ptr %key", k), f.local(), f.local(), f.local()
            f.store(NULL, owner)
            f.store(part, said)
            f.store(f.constant("empty"), extents)
            of_kind = f.is_(f.kind(part), "kind_type")
            with f.when(of_kind):
                with f.when(f.is_(f.get(part, "kind.like"), "none")):
                    f.decref(f.call_python(f.constant("liken"), part))  # an error is seen at the end
                f.store(f.get(part, "kind.like"), said)
                f.store(f.choice(f.is_(f.load(said), "none"), f.constant("none"), f.get(part, "kind.extents")), extents)
            with f.when(f.is_(f.kind(part), "tuple")), f.unless(f.empty(part, "Tuple")):
                f.store(f.constant("none"), extents)
                found = f.call("params_said", part)
                f.store(found, owner)
                with f.unless(f.absent(found)), f.unless(f.is_(f.item(found, "i64 0"), "none")):
                    f.store(f.item(found, "i64 0"), said)
                    f.store(f.item(found, "i64 1"), extents)
            more = f.call("more_extents", f.load(extents), "ptr %ext", f.load(count, "i64"), returns="i64")
            f.store(f.value("i1", f"icmp sge {more}, 0"), good)
            f.store(more, count)
            with f.when(of_kind):
                f.store(more, f.at("ptr %counts", "i64 1", "i64"))
            f.call("PyTuple_SetItem", out, f.do("add", k, "i64 1"), f.incref(f.load(said)), returns="i32")
            f.decref(f.load(owner))
        f.store(f.load(count, "i64"), "ptr %counts")
        with f.unless(f.both(f.load(good, "i1"), f.negation(f.failed()))):
            f.decref(out)
            f.ret(NULL)
        f.ret(out)


def kind_known(m: Code) -> None:
    """The kind of an aval (a new reference); NULL with an error."""
    with m.function("kind_known", "ptr %aval", "i1 %tracked") as f:
        pair, box, spot = f.call("PyTuple_New", "i64 2"), f.local(), f.local("i64")
        with f.when(f.absent(pair)):
            f.ret(NULL)
        f.store("i64 -1", spot)
        with f.each(f"i64 {LAST}") as j, f.when(f.equal(f.load(f.at("ptr @shapes", j)), "ptr %aval")):
            f.store(f.do("add", j, f"i64 {LAST}"), spot)
            kept = f.load(f.at("ptr @shapes", f.load(spot, "i64")))
            with f.unless(f.absent(kept)):
                f.decref(pair)
                f.ret(f.incref(f.choice("i1 %tracked", f.get(kept, "kind.leaf"), kept)))
        for k, x in enumerate(("ptr %aval", f.constant("none"))):
            f.call("PyTuple_SetItem", pair, f"i64 {k}", f.incref(x), returns="i32")
        f.store(f.incref(f.call("PyDict_GetItemWithError", f.constant("known_kinds"), pair)), box)
        f.decref(pair)
        with f.when(f.both(f.absent(f.load(box)), f.negation(f.failed()))):
            f.store(f.call_python(f.constant("kind_of"), "ptr %aval"), box)
        with f.when(f.absent(f.load(box))):
            f.ret(NULL)
        found = f.load(box)
        with f.unless(f.value("i1", f"icmp slt {f.load(spot, 'i64')}, 0")):
            to = f.at("ptr @shapes", f.load(spot, "i64"))
            own = f.load(f.at("ptr @shapes", f.do("sub", f.load(spot, "i64"), f"i64 {LAST}")))
            free = f.both(f.equal(own, "ptr %aval"), f.absent(f.load(to)))  # unless another thread has made one
            with f.when(free):
                f.store(f.incref(found), to)
        with f.unless("i1 %tracked"):
            f.ret(found)
        leaf = f.incref(f.get(found, "kind.leaf"))
        f.decref(found)
        f.ret(leaf)


def kinds_of(m: Code) -> None:
    """The kinds of the results of a rule that is like another one (a new reference); NULL with an error."""
    with m.function("kinds_of", "ptr %like", "ptr %template", "ptr %results") as f:
        count = f.size("ptr %results", "List")
        out = f.call("PyTuple_New", count)
        first = f.item(f.get("ptr %like", "rule.kinds"), "i64 0")
        tracked = f.is_(f.get(first, "kind.tracked"), "true")
        with f.unless(f.absent(out)), f.each(count) as k:
            place = whole(f, f.call("PyList_GetItem", "ptr %results", k))
            aval = f.item(f.get("ptr %template", "template.avals"), place)
            kind = f.call("kind_known", aval, tracked)
            with f.when(f.absent(kind)):
                f.decref(out)
                f.ret(NULL)
            f.call("PyTuple_SetItem", out, k, kind, returns="i32")
        f.ret(out)


def with_params(m: Code) -> None:
    """Store the parameters and the form of a rule that is like another one, whose parameters hold extents (new
    references); whether there was memory."""
    params = ("ptr %like", "ptr %own", "ptr %ext", "ptr %counts", "ptr %args")
    with m.function("with_params", *params, returns="i1") as f:
        pair, form = f.call("PyTuple_New", "i64 2"), f.get("ptr %like", "rule.form")
        f.store(pair, f.at("ptr %args", "i64 3"))
        with f.when(f.absent(pair)):
            f.ret("i1 false")
        fn = f.item(f.get("ptr %like", "rule.params"), "i64 0")
        for k, x in enumerate((fn, "ptr %own")):
            f.call("PyTuple_SetItem", pair, f"i64 {k}", f.incref(x), returns="i32")
        with f.when(f.is_(form, "none")):
            f.store(f.incref(form), f.at("ptr %args", "i64 4"))
            f.ret("i1 true")
        first, end = f.load(f.at("ptr %counts", "i64 1", "i64"), "i64"), f.load("ptr %counts", "i64")
        extents, made = f.call("PyTuple_New", f.do("sub", end, first)), f.call("PyTuple_New", "i64 2")
        f.store(made, f.at("ptr %args", "i64 4"))
        with f.when(f.either(f.absent(extents), f.absent(made))):
            f.decref(extents)
            f.ret("i1 false")
        with f.each(f.do("sub", end, first)) as j:
            x = number(f, f.load(f.at("ptr %ext", f.do("add", first, j), "i64"), "i64"))
            f.call("PyTuple_SetItem", extents, j, x, returns="i32")
        for k_, x in enumerate((f.incref(f.item(form, "i64 0")), extents)):
            f.call("PyTuple_SetItem", made, f"i64 {k_}", x, returns="i32")
        f.untrack(pair, extents, made)
        f.ret("i1 true")


def rule_on(m: Code) -> None:
    """The rule of a key by its class, with a template of it, which is released; None if that is left to Python."""
    params = ("ptr %mode", "ptr %key", "ptr %one", "ptr %template", "ptr %ext", "ptr %counts")
    with m.function("rule_on", *params) as f:
        known = f.call("PyDict_GetItemWithError", f.get("ptr %template", "template.facts"), "ptr %one")
        with f.when(f.absent(known)):
            give_up(f, "ptr %template")
        like, sources, args, out = f.item(known, "i64 0"), f.item(known, "i64 1"), f.local(count=5), f.local()
        with f.unless(f.empty(f.item(sources, "i64 1"), "List")):
            give_up(f, "ptr %template")
        f.incref(like)
        kinds, place = f.call("kinds_of", like, "ptr %template", f.item(sources, "i64 0")), f.item(sources, "i64 2")
        for k, x in enumerate(("ptr %key", "ptr %template", kinds, NULL, NULL)):
            f.store(x, f.at(args, f"i64 {k}"))
        plain = f.equal(whole(f, place), "i64 0")
        with f.when(plain):
            f.store(f.incref(f.get(like, "rule.params")), f.at(args, "i64 3"))
            f.store(f.incref(f.get(like, "rule.form")), f.at(args, "i64 4"))
        with f.unless(plain):
            own = f.item("ptr %key", whole(f, place))
            f.call("with_params", like, own, "ptr %ext", "ptr %counts", args, returns="i1")
        f.store(NULL, out)
        with f.unless(f.either(f.absent(kinds), f.failed())):
            made = f.call("rule_alike", like, args, "i64 5")
            with f.unless(f.absent(made)):
                known, few = f.get("ptr %mode", "mode.known"), f.local("i1")
                f.store(f.equal(f.do("and", f.size(known, "Dict"), f"i64 {ASKED - 1}"), "i64 0"), few)
                with f.when(f.load(few, "i1")):
                    f.store(f.call_method(known, "name_keep", made), out)
                with f.unless(f.load(few, "i1")):
                    f.store(f.incref(f.call("PyDict_SetDefault", known, "ptr %key", made)), out)
            f.decref(made)
        f.decref(like, "ptr %template", kinds, f.load(f.at(args, "i64 3")), f.load(f.at(args, "i64 4")))
        f.ret(f.load(out))


def rule_filled_in(m: Code) -> None:
    """The rule of a key that is new, as ``alike.filled_in`` (a new reference); None if that is left to Python."""
    with m.function("rule_filled_in", "ptr %mode", "ptr %key") as f:
        ext, counts = f.local("i64", MOST_EXTENTS), f.local("i64", 2)
        said = f.call("said_of", "ptr %mode", "ptr %key", ext, counts)
        with f.when(f.absent(said)):
            f.give_none()
        one = f.call("PyDict_GetItemWithError", f.constant("classes"), said)
        f.decref(said)
        with f.when(f.absent(one)):
            f.give_none()
        f.incref(one)  # another thread may empty the table
        template = f.call("at_extents", f.get(one, "class.line"), ext, f.load(counts, "i64"))
        with f.when(f.absent(template)):
            give_up(f, one)
        with f.unless(f.is_(f.kind(template), "template")):
            give_up(f, template, one)
        out = f.call("rule_on", "ptr %mode", "ptr %key", one, template, ext, counts)
        f.decref(one)
        f.ret(out)


CLASSES = (more_extents, params_said, said_of, kind_known, kinds_of, with_params, rule_on, rule_filled_in)
"""Internal functions of this module."""
