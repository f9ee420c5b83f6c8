"""Templates of the rules of primitives, as ``transform.rules`` finds and lays them: generated code."""

from __future__ import annotations

from tenure.runtime.assembler import NULL
from tenure.values.native.hits_objects import Code, Step
from tenure.values.native.hits_programs import number, whole

__all__ = ["TEMPLATES", "column"]


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
    """The template that a table of rules has for a name, flags and zeros; NULL if there is none yet."""
    with m.function("kept_by", "ptr %rules", "ptr %name", "ptr %flags", "ptr %case") as f:
        box = f.local()
        f.store("ptr %rules", box)
        for key in ("ptr %name", "ptr %flags", "ptr %case"):
            f.store(f.call("PyDict_GetItemWithError", f.load(box), key), box)
            with f.when(f.absent(f.load(box))):
                f.ret(NULL)
            with f.when(f.is_(f.kind(f.load(box)), "template")):
                f.ret(f.load(box))
            with f.unless(f.is_(f.kind(f.load(box)), "dict")):
                f.ret(NULL)
        f.ret(NULL)


def found(m: Code) -> None:
    """The template of a rule of a name on some values, the first %about of which are cotangents (a borrowed reference),
    made from one of its class if it is new; NULL if there is none, with an error if making it was interrupted."""
    with m.function("found", "ptr %b", "ptr %at", "ptr %name", "ptr %ids", "i64 %n", "i64 %about") as f:
        mask, box = f.local("i64"), f.local()
        f.store("i64 0", mask)
        with f.each("i64 %n") as k:
            tracked = column(f, "ptr %b", "tracked", whole(f, f.load(f.at("ptr %ids", k))))
            bit = f.value("i64", f"zext {f.negation(f.is_(tracked, 'false'))} to i64")
            shifted = f.do("shl", bit, f.do("add", k, "i64 1"))
            f.store(f.do("or", f.load(mask, "i64"), shifted), mask)
        flags, known = number(f, f.load(mask, "i64")), f.local()
        f.store(f.call("case_of", "ptr %b", "ptr %ids", "i64 %about"), known)
        rules = f.get("ptr %at", "application.rules")
        f.store(f.call("kept_by", rules, "ptr %name", flags, f.load(known)), box)
        with f.when(f.both(f.absent(f.load(box)), f.is_(f.load(known), "none"))):
            f.decref(f.load(known))
            with f.each("i64 %about") as k:
                zeros = f.call_python(f.constant("find_zeros"), "ptr %b", f.load(f.at("ptr %ids", k)))
                f.decref(zeros)
                with f.when(f.absent(zeros)):
                    f.decref(flags)
                    f.ret(NULL)
            f.store(f.call("case_of", "ptr %b", "ptr %ids", "i64 %about"), known)
            f.store(f.call("kept_by", rules, "ptr %name", flags, f.load(known)), box)
        case = f.load(known)
        with f.when(f.absent(f.load(box))):
            made = f.call_python(f.constant("fill_template"), "ptr %at", "ptr %name", flags, case)
            with f.unless(f.either(f.absent(made), f.is_(made, "none"))):
                f.store(made, box)
            f.decref(made)  # the table of rules has it
        f.decref(flags, case)
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
    """Lay the template of a rule on the values %ids; its words, NULL if that is not possible, and nothing done."""
    params = ("ptr %b", "ptr %at", "ptr %name", "ptr %ids", "i64 %n", "i64 %about")
    with m.function("lay_rule", *params) as f:
        template = f.call("found", *params)
        with f.when(f.absent(template)):
            f.ret(NULL)
        words = f.value("ptr", f"inttoptr {whole(f, f.get(template, 'template.start'))} to ptr")
        with f.when(f.absent(words)):
            f.ret(NULL)
        origin = f.get("ptr %b", "builder.origin")
        missing = f.call("constants", template, "ptr %b", words, "ptr %ids", returns="i64")
        f.call("laid", template, "ptr %b", words, "ptr %ids", origin, missing, returns="void")
        f.call("note_zeros", "ptr %b", template, "ptr %ids", returns="void")
        f.ret(words)


TEMPLATES = (case_of, kept_by, found, note_zeros, lay_rule)
"""Internal functions of this module."""
