"""Templates of the rules of primitives, as ``transform.rules`` finds and lays them: generated code."""

from __future__ import annotations

from tenure.ir.sums import MOST_EXTENTS
from tenure.runtime.assembler import NULL
from tenure.values.native.hits_objects import Code, Step
from tenure.values.native.hits_programs import number, whole

__all__ = ["MOST_FLAGS", "TEMPLATES", "column"]

MOST_FLAGS = 62
"""Values whose flags, and that of the builder, are one non-negative word: those of more are left to Python."""


def column(f: Step, b: str, name: str, v: str) -> str:
    """Entry of a value in a column of a builder."""
    return f.call("PyList_GetItem", f.get(b, f"builder.{name}"), v)


def case_of(m: Code) -> None:
    """The zeros of the first %about values as one number (a new reference); None where they are not known."""
    with m.function("case_of", "ptr %b", "ptr %ids", "i64 %about") as f:
        mask = f.local("i64")
        f.store("i64 0", mask)
        with f.each("i64 %about") as k:
            held = f.call("PyDict_GetItemWithError", f.get("ptr %b", "builder.zeros"), f.load(f.at("ptr %ids", k)))
            with f.when(f.absent(held)):
                f.ret(f.incref(f.constant("none")))
            case = f.do("shl", whole(f, held), f.do("mul", k, "i64 2"))
            f.store(f.do("or", f.load(mask, "i64"), case), mask)
        f.ret(number(f, f.load(mask, "i64")))


def kept_by(m: Code) -> None:
    """Entry of an application under a name and flags: a template, or a table by zeros (a borrowed reference); NULL if
    there is nothing yet."""
    with m.function("kept_by", "ptr %at", "ptr %name", "i64 %mask") as f:
        rules = f.get("ptr %at", "application.rules")
        with f.each(f.do("sdiv", f.size(rules, "Tuple"), "i64 3")) as j:
            k = f.do("mul", j, "i64 3")
            key = f.item(rules, f.do("add", k, "i64 1"))
            named = f.both(f.equal(f.item(rules, k), "ptr %name"), f.is_(f.kind(key), "int"))
            with f.when(named), f.when(f.equal(whole(f, key), "i64 %mask")):
                f.ret(f.item(rules, f.do("add", k, "i64 2")))
        f.ret(NULL)


def for_case(m: Code) -> None:
    """The template among what is kept, for zeros; NULL if there is none."""
    with m.function("for_case", "ptr %kept", "ptr %case") as f:
        with f.when(f.absent("ptr %kept")):
            f.ret(NULL)
        with f.when(f.is_(f.kind("ptr %kept"), "template")):
            f.ret("ptr %kept")
        found = f.call("PyDict_GetItemWithError", "ptr %kept", "ptr %case")
        with f.when(f.absent(found)):
            f.ret(NULL)
        f.ret(f.choice(f.is_(f.kind(found), "template"), found, NULL))


def rules_with(m: Code) -> None:
    """Keep something with an application, by a name and flags; whether there was memory."""
    with m.function("rules_with", "ptr %at", "ptr %name", "ptr %flags", "ptr %value", returns="i1") as f:
        rules = f.get("ptr %at", "application.rules")
        count = f.size(rules, "Tuple")
        more = f.call("PyTuple_New", f.do("add", count, "i64 3"))
        with f.when(f.absent(more)):
            f.ret("i1 false")
        with f.each(count) as k:
            f.call("PyTuple_SetItem", more, k, f.incref(f.item(rules, k)), returns="i32")
        for k_, x in enumerate(("ptr %name", "ptr %flags", "ptr %value")):
            f.call("PyTuple_SetItem", more, f.do("add", count, f"i64 {k_}"), f.incref(x), returns="i32")
        f.untrack(more)
        f.swap("ptr %at", "application.rules", more)
        f.decref(more)
        f.ret("i1 true")


def line_by(m: Code) -> None:
    """The line of templates of a kin (a borrowed reference), and whether the rule asks for zeros; NULL if there is
    none."""
    params = ("ptr %at", "ptr %name", "ptr %flags", "ptr %case", "ptr %asks")
    with m.function("line_by", *params) as f:
        kin, pair, key = f.item(f.get("ptr %at", "application.kin"), "i64 0"), f.local(), f.local()
        f.store("i1 false", "ptr %asks")
        with f.when(f.is_(kin, "none")):
            f.ret(NULL)
        f.store(f.call("PyTuple_New", "i64 2"), pair)
        f.store(f.call("PyTuple_New", "i64 3"), key)
        with f.when(f.either(f.absent(f.load(pair)), f.absent(f.load(key)))):
            f.decref(f.load(pair), f.load(key))
            f.ret(NULL)
        for k, x in enumerate((f.get("ptr %at", "application.primitive"), "ptr %name")):
            f.call("PyTuple_SetItem", f.load(pair), f"i64 {k}", f.incref(x), returns="i32")
        asks = f.equal(f.call("PySet_Contains", f.constant("asking"), f.load(pair), returns="i32"), "i32 1")
        f.store(asks, "ptr %asks")
        f.decref(f.load(pair))
        last = f.choice(asks, "ptr %case", f.constant("none"))
        for k, x in enumerate(("ptr %name", "ptr %flags", last)):
            f.call("PyTuple_SetItem", f.load(key), f"i64 {k}", f.incref(x), returns="i32")
        line = f.call("PyDict_GetItemWithError", f.get(kin, "kin.lines"), f.load(key))
        f.decref(f.load(key))
        f.ret(f.choice(f.both(asks, f.is_("ptr %case", "none")), NULL, line))


def template_filled_in(m: Code) -> None:
    """The template of an application that has none yet, as ``rules.filled_in`` (a new reference); NULL if that is left
    to Python."""
    with m.function("template_filled_in", "ptr %at", "ptr %name", "ptr %flags", "ptr %case", "i64 %mask") as f:
        asks, ext, by = f.local("i1"), f.local("i64", MOST_EXTENTS), f.local()
        line = f.call("line_by", "ptr %at", "ptr %name", "ptr %flags", "ptr %case", asks)
        with f.when(f.absent(line)):
            f.ret(NULL)
        extents = f.item(f.get("ptr %at", "application.kin"), "i64 1")
        count = f.call("extents_of", extents, ext, f"i64 {MOST_EXTENTS}", returns="i64")
        f.incref(line)
        made = f.call("at_extents", line, ext, count)
        f.decref(line)
        with f.when(f.absent(made)):
            f.ret(NULL)
        with f.unless(f.is_(f.kind(made), "template")):
            f.decref(made)
            f.ret(NULL)
        with f.unless(f.load(asks, "i1")):
            kept = f.call("rules_with", "ptr %at", "ptr %name", "ptr %flags", made, returns="i1")
            with f.unless(kept):
                f.decref(made)
            f.ret(f.choice(kept, made, NULL))
        f.store(f.call("kept_by", "ptr %at", "ptr %name", "i64 %mask"), by)
        with f.when(f.absent(f.load(by))):
            table = f.call("PyDict_New")
            with f.unless(f.absent(table)):
                f.call("rules_with", "ptr %at", "ptr %name", "ptr %flags", table, returns="i1")
            f.decref(table)
            f.store(f.call("kept_by", "ptr %at", "ptr %name", "i64 %mask"), by)
        out = f.local()
        f.store(NULL, out)
        with f.unless(f.absent(f.load(by))), f.when(f.is_(f.kind(f.load(by)), "dict")):
            f.store(f.incref(f.call("PyDict_SetDefault", f.load(by), "ptr %case", made)), out)
            f.untrack(f.load(by))
        f.decref(made)
        f.ret(f.load(out))


def found(m: Code) -> None:
    """The template of a rule of a name on some values, the first %about of which are cotangents (a new reference),
    made from one of its class if it is new; NULL if there is none, with an error if making it was interrupted."""
    with m.function("found", "ptr %b", "ptr %at", "ptr %name", "ptr %ids", "i64 %n", "i64 %about") as f:
        mask, box = f.local("i64"), f.local()
        f.store("i64 0", mask)
        with f.each("i64 %n") as k:
            tracked = column(f, "ptr %b", "tracked", whole(f, f.load(f.at("ptr %ids", k))))
            bit = f.value("i64", f"zext {f.negation(f.is_(tracked, 'false'))} to i64")
            shifted = f.do("shl", bit, f.do("add", k, "i64 1"))
            f.store(f.do("or", f.load(mask, "i64"), shifted), mask)
        kept, case = f.call("kept_by", "ptr %at", "ptr %name", f.load(mask, "i64")), f.local()
        with f.unless(f.absent(kept)), f.when(f.is_(f.kind(kept), "template")):
            f.ret(f.incref(kept))
        f.store(f.call("case_of", "ptr %b", "ptr %ids", "i64 %about"), case)
        f.store(f.incref(f.call("for_case", kept, f.load(case))), box)
        with f.when(f.both(f.absent(f.load(box)), f.is_(f.load(case), "none"))):
            f.decref(f.load(case))
            with f.each("i64 %about") as k:
                zeros = f.call_python(f.constant("find_zeros"), "ptr %b", f.load(f.at("ptr %ids", k)))
                f.decref(zeros)
                with f.when(f.absent(zeros)):
                    f.ret(NULL)
            f.store(f.call("case_of", "ptr %b", "ptr %ids", "i64 %about"), case)
            again = f.call("kept_by", "ptr %at", "ptr %name", f.load(mask, "i64"))
            f.store(f.incref(f.call("for_case", again, f.load(case))), box)
        with f.when(f.absent(f.load(box))):
            f.store(f.call("new_template", "ptr %at", "ptr %name", f.load(case), f.load(mask, "i64")), box)
        f.decref(f.load(case))
        f.ret(f.load(box))


def new_template(m: Code) -> None:
    """The template of an application for zeros and flags that it has none for (a new reference); NULL if there is none,
    with an error if making it was interrupted."""
    with m.function("new_template", "ptr %at", "ptr %name", "ptr %case", "i64 %mask") as f:
        flags, box = number(f, "i64 %mask"), f.local()
        f.store(f.call("template_filled_in", "ptr %at", "ptr %name", flags, "ptr %case", "i64 %mask"), box)
        with f.when(f.both(f.absent(f.load(box)), f.negation(f.failed()))):
            made = f.call_python(f.constant("fill_template"), "ptr %at", "ptr %name", flags, "ptr %case")
            missing = f.is_(made, "none")
            with f.when(missing):
                f.decref(made)
            f.store(f.choice(missing, NULL, made), box)
        f.decref(flags)
        f.ret(f.load(box))


def note_zeros(m: Code) -> None:
    """Note the zeros that results of a template hold."""
    with m.function("note_zeros", "ptr %b", "ptr %template", "ptr %ids", returns="void") as f:
        held, cases, box = f.get("ptr %b", "builder.zeros"), f.get("ptr %template", "template.cases"), f.local()
        f.store(f.get("ptr %template", "template.zeros"), box)
        with f.unless(f.empty(cases, "Tuple")):
            arrived = f.call("PyDict_GetItemWithError", held, f.load("ptr %ids"))
            with f.unless(f.absent(arrived)):
                f.store(f.item(cases, whole(f, arrived)), box)
        pairs = f.load(box)
        with f.each(f.size(pairs, "Tuple")) as k:
            pair = f.item(pairs, k)
            v = f.load(f.at("ptr %ids", whole(f, f.item(pair, "i64 0"))))
            f.call("PyDict_SetItem", held, v, f.item(pair, "i64 1"), returns="i32")
        f.ret()


def lay_rule(m: Code) -> None:
    """Lay the template of a rule on the values %ids; its words, which live as long as the template, which is put into
    %kept (a new reference). NULL if that is not possible, and nothing done."""
    params = ("ptr %b", "ptr %at", "ptr %name", "ptr %ids", "i64 %n", "i64 %about")
    with m.function("lay_rule", *params, "ptr %kept") as f:
        template = f.call("found", *params)
        with f.when(f.absent(template)):
            f.ret(NULL)
        words = f.value("ptr", f"inttoptr {whole(f, f.get(template, 'template.start'))} to ptr")
        with f.when(f.absent(words)):
            f.decref(template)
            f.ret(NULL)
        origin = f.get("ptr %b", "builder.origin")
        missing = f.call("constants", template, "ptr %b", words, "ptr %ids", returns="i64")
        f.call("laid", template, "ptr %b", words, "ptr %ids", origin, missing, returns="void")
        f.call("note_zeros", "ptr %b", template, "ptr %ids", returns="void")
        f.store(template, "ptr %kept")
        f.ret(words)


TEMPLATES = (
    *(case_of, kept_by, for_case, rules_with, line_by, template_filled_in, new_template, found, note_zeros, lay_rule),
)
"""Internal functions of this module."""
