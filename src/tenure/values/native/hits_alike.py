"""Copies of applications, templates and rules for other extents, as their methods ``alike`` and ``like``: generated
code.

They are many and stay long, so that walks of the heap by the cyclic collector took half of the time of graphs whose
shapes never come again. It does not look at copies: no cycle goes through them but that of an application with the
templates of its derivatives, which the table of applications breaks when it is emptied (``ir.likes.Made``).
"""

from __future__ import annotations

from tenure.runtime.assembler import NULL
from tenure.values.native.hits_objects import BASIC_SIZE, HEAD, Code, Step
from tenure.values.native.hits_programs import whole

__all__ = ["ALIKE"]


def twin(m: Code) -> None:
    """x.twin()"""
    with m.function("twin", "ptr %x", "ptr %args", "i64 %n", exported=True) as f:
        kind = f.kind("ptr %x")
        size = f.load(f.at(kind, BASIC_SIZE, "i8"), "i64")
        made = f.call("PyType_GenericAlloc", kind, "i64 0")
        with f.unless(f.absent(made)), f.each(f.do("sub", f.do("lshr", size, "i64 3"), HEAD)) as k:
            at = f.do("add", k, HEAD)
            v = f.load(f.at("ptr %x", at))
            f.store(f.incref(v), f.at(made, at))
        f.ret(made)


def twin_with(f: Step, kind: str, names: tuple[str, ...]) -> str:
    """A copy of %x with the arguments in these slots; where there is no memory, the function returns NULL."""
    made = f.call("twin", "ptr %x", "ptr %args", "i64 %n")
    with f.when(f.absent(made)):
        f.ret(NULL)
    f.untrack(made)
    for k, name in enumerate(names):
        f.swap(made, f"{kind}.{name}", f.load(f.at("ptr %args", f"i64 {k}")))
    return made


def taken(f: Step, made: str, slot: str, v: str) -> None:
    """Store a new object in a slot; where it could not be made, the function returns NULL."""
    with f.when(f.absent(v)):
        f.decref(made)
        f.ret(NULL)
    f.swap(made, slot, v)
    f.decref(v)


def application_alike(m: Code) -> None:
    """Application.alike(kin, params, operands, aval)"""
    with m.function("application_alike", "ptr %x", "ptr %args", "i64 %n", exported=True) as f:
        made = twin_with(f, "application", ("kin", "params", "operands", "aval"))
        operands, aval = (f.load(f.at("ptr %args", f"i64 {k}")) for k in (2, 3))
        taken(f, made, "application.size", f.call_python(f.constant("product"), f.item(aval, "i64 0")))
        for name, like in (("calls", "none"), ("hash", "none"), ("rules", "empty")):
            f.swap(made, f"application.{name}", f.constant(like))
        with f.unless(f.value("i1", f"icmp slt {whole(f, f.get('ptr %x', 'application.reads'))}, 0")):
            shape = f.item(f.item(operands, "i64 0"), "i64 0")
            taken(f, made, "application.reads", f.call_python(f.constant("product"), shape))
        f.ret(made)


def template_like(m: Code) -> None:
    """Template.like(constants, applications, avals)"""
    with m.function("template_like", "ptr %x", "ptr %args", "i64 %n", exported=True) as f:
        f.ret(twin_with(f, "template", ("constants", "applications", "avals")))


def rule_alike(m: Code) -> None:
    """Rule.alike(key, template, kinds, params, form)"""
    with m.function("rule_alike", "ptr %x", "ptr %args", "i64 %n", exported=True) as f:
        made = twin_with(f, "rule", ("key", "template", "kinds", "params", "form"))
        f.swap(made, "rule.made_of", f.constant("none"))
        kinds = f.get(made, "rule.kinds")
        f.untrack(f.get(made, "rule.key"), kinds)
        with f.when(f.equal(f.size(kinds, "Tuple"), "i64 1")):
            f.swap(made, "rule.kind", f.item(kinds, "i64 0"))
        f.ret(made)


def untracked(m: Code) -> None:
    """untracked(*things)"""
    with m.function("untracked", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        with f.each("i64 %n") as k:
            x = f.load(f.at("ptr %args", k))
            with f.when(f.equal(f.call("PyObject_GC_IsTracked", x, returns="i32"), "i32 1")):
                f.untrack(x)
        f.give_none()


ALIKE = (untracked, twin, application_alike, template_like, rule_alike)
"""Builtins of this module."""
