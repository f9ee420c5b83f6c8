"""Fast path of a step in a trace: the building blocks of the generated code.

Values are borrowed references, unless a function is said to return a value (a new reference, owned by the caller) or to
take it over (it owns the reference).
"""

from __future__ import annotations

from tenure.runtime.assembler import NULL
from tenure.values.native.hits_numbers import fits
from tenure.values.native.hits_objects import MOST_PLACES, Code

__all__ = ["PARTS"]


def value(m: Code) -> None:
    """Return the value of a value, place or borrow; NULL for anything else."""
    with m.function("value", "ptr %x") as f:
        kind = f.kind("ptr %x")
        with f.when(f.is_(kind, "tensor")):
            f.ret(f.incref("ptr %x"))
        for k in range(MOST_PLACES):
            with f.when(f.equal(f.load(f.at("ptr @places", f"i64 {2 * k}")), kind)):
                offset = f.load(f.at("ptr @places", f"i64 {2 * k + 1}"), "i64")
                held = f.load(f.at("ptr %x", offset, "i8"))
                with f.unless(f.absent(held)), f.when(f.is_(f.kind(held), "tensor")):
                    f.ret(f.incref(held))
                f.ret(NULL)
        f.ret(NULL)


def known(m: Code) -> None:
    """Set ``@cell``, ``@state`` and ``@last`` to this thread's: the holder of its trace, its recording state, and what
    ran last in it. They are cached for the thread that asked last. Whether that was possible; else an error."""
    with m.function("known", returns="i1") as f:
        thread = f.call("PyThreadState_GetID", f.call("PyThreadState_Get"), returns="i64")
        with f.when(f.equal(thread, f.load("ptr @thread", "i64"))):
            f.ret("i1 true")
        wanted = {"cell": ("recorder", "cell_name"), "state": ("recorder", "own"), "last": ("runs", "own")}
        found = [f.call("PyObject_GetAttr", f.constant(of), f.constant(name)) for of, name in wanted.values()]
        with f.when(f.either(*map(f.absent, found))):
            f.decref(*found)
            f.ret("i1 false")
        old = [f.constant(name) for name in wanted]
        for name, v in zip(wanted, found, strict=True):
            f.store(v, f"ptr @o_{name}")
        f.store(thread, "ptr @thread")
        f.decref(*old)  # which may let another thread ask
        f.ret(f.call("known", returns="i1"))


def trace(m: Code) -> None:
    """Return this thread's trace."""
    with m.function("trace") as f:
        found = f.call("known", returns="i1")
        with f.unless(found):
            f.ret(NULL)
        f.ret(f.incref(f.get(f.constant("cell"), "unfinished.trace")))


def state(m: Code) -> None:
    """Return this thread's recording state, a dictionary; NULL with an error."""
    with m.function("state") as f:
        found = f.call("known", returns="i1")
        with f.unless(found):
            f.ret(NULL)
        f.ret(f.constant("state"))


def hold(m: Code) -> None:
    """Return this thread's trace, marked busy (held), in the mode in force; NULL if it is busy, has come to its limit,
    or either is eager, or with an error."""
    with m.function("hold") as f:
        t, box = f.call("trace"), f.local()
        with f.when(f.absent(t)):
            f.ret(NULL)
        usual = f.both(f.is_(f.get(t, "trace.busy"), "false"), f.is_(f.get(t, "trace.eager"), "false"))
        rows = f.size(f.get(t, "trace.rules"), "List")
        most = f.call("PyLong_AsLongLongAndOverflow", f.get(t, "trace.limit"), f.local("i32"), returns="i64")
        usual = f.both(usual, f.value("i1", f"icmp slt {rows}, {most.split()[1]}"))
        f.store(NULL, box)
        f.call("PyContextVar_Get", f.constant("mode"), NULL, box, returns="i32")
        mode = f.load(box)
        f.decref(mode)
        with f.when(f.both(usual, f.equal(mode, f.get(t, "trace.mode")))):
            f.swap(t, "trace.busy", f.constant("true"))
            f.ret(t)
        with f.when(f.both(usual, f.is_(f.kind(mode), "mode_type"))), f.when(f.is_(f.get(mode, "mode.eager"), "false")):
            f.swap(t, "trace.busy", f.constant("true"))
            f.swap(t, "trace.mode", mode)
            f.ret(t)
        f.decref(t)
        f.ret(NULL)


def same(m: Code) -> None:
    """Whether a key has these parts, as the same objects. (Others may still be equal.)"""
    with m.function("same", "ptr %key", "ptr %parts", "i64 %n", returns="i1") as f:
        with f.unless(f.equal(f.size("ptr %key", "Tuple"), "i64 %n")):
            f.ret("i1 false")
        with f.each("i64 %n") as k, f.unless(f.equal(f.item("ptr %key", k), f.load(f.at("ptr %parts", k)))):
            f.ret("i1 false")
        f.ret("i1 true")


def expected(m: Code) -> None:
    """The rule that followed here when a trace was last on this path; NULL if none did."""
    with m.function("expected", "ptr %t") as f:
        likely = f.get(f.get("ptr %t", "trace.path"), "path.likely")
        with f.when(f.is_(likely, "none")):
            f.ret(NULL)
        rules, k = f.get(likely, "path.rules"), f.size(f.get("ptr %t", "trace.rules"), "List")
        with f.unless(f.value("i1", f"icmp slt {k}, {f.size(rules, 'Tuple').split()[1]}")):
            f.ret(NULL)
        f.ret(f.item(rules, k))


def rule(m: Code) -> None:
    """Return the rule for the parts of a key in a trace: most likely the expected one, or made from one of its class;
    NULL if it is new, with an error if making it was interrupted."""
    with m.function("rule", "ptr %t", "ptr %parts", "i64 %n") as f:
        likely, mode = f.call("expected", "ptr %t"), f.get("ptr %t", "trace.mode")
        with f.unless(f.absent(likely)), f.when(f.equal(f.get(likely, "rule.grad"), f.get(mode, "mode.grad"))):
            found = f.call("same", f.get(likely, "rule.key"), "ptr %parts", "i64 %n", returns="i1")
            with f.when(found):
                f.ret(f.incref(likely))
        key = f.call("PyTuple_New", "i64 %n")
        with f.when(f.absent(key)):
            f.call("PyErr_Clear", returns="void")
            f.ret(NULL)
        with f.each("i64 %n") as k:
            f.call("PyTuple_SetItem", key, k, f.incref(f.load(f.at("ptr %parts", k))), returns="i32")
        box = f.local()
        f.store(f.incref(f.call("PyDict_GetItemWithError", f.get(mode, "mode.known"), key)), box)
        with f.when(f.both(f.absent(f.load(box)), f.negation(f.failed()))):
            f.store(f.call("rule_filled_in", mode, key), box)
            with f.when(f.is_(f.load(box), "none")):
                f.decref(f.load(box))
                f.store(f.call_python(f.constant("fill_rule"), mode, key), box)
            with f.when(f.absent(f.load(box))):
                f.decref(key)
                f.ret(NULL)
            with f.when(f.is_(f.load(box), "none")):
                f.decref(f.load(box))
                f.store(NULL, box)
        f.decref(key)
        f.call("PyErr_Clear", returns="void")
        f.ret(f.load(box))


def slot(m: Code) -> None:
    """Return the slot of a value in a held trace; NULL, with an error, if that fails."""
    with m.function("slot", "ptr %t", "ptr %x") as f:
        with f.when(f.equal(f.get("ptr %x", ".trace"), "ptr %t")):
            f.ret(f.incref(f.get("ptr %x", ".slot")))
        pair = f.get("ptr %x", ".bound")
        with f.unless(f.absent(pair)):
            token = f.call("PyTuple_GetItem", pair, "i64 0")
            with f.when(f.equal(token, f.get("ptr %t", "trace.token"))):
                f.ret(f.incref(f.call("PyTuple_GetItem", pair, "i64 1")))
        f.ret(f.call("bind", "ptr %t", "ptr %x"))


def bind(m: Code) -> None:
    """Return the slot of a value that becomes an input, or is one already."""
    with m.function("bind", "ptr %t", "ptr %x") as f:
        name = f.call("PyLong_FromVoidPtr", "ptr %x")
        with f.when(f.absent(name)):
            f.ret(NULL)
        found = f.incref(f.call("PyDict_GetItemWithError", f.get("ptr %t", "trace.bound"), name))
        with f.unless(f.absent(found)):
            f.decref(name)
            f.ret(found)
        kind = f.get("ptr %x", ".kind")
        with f.unless(f.is_(f.get(kind, "kind.level"), "none")):
            f.decref(name)
            f.ret(f.call_python(f.constant("slow_bind"), "ptr %t", "ptr %x"))
        rule = f.local()
        f.store(f.incref(f.get(kind, "kind.input")), rule)
        with f.when(f.is_(f.load(rule), "none")):
            f.decref(f.load(rule))
            f.store(f.call_python(f.constant("input_rule"), kind), rule)
        with f.when(f.absent(f.load(rule))):
            f.decref(name)
            f.ret(NULL)
        f.ret(f.call("input", "ptr %t", "ptr %x", name, f.load(rule)))


def input_(m: Code) -> None:
    """Return the slot of a new input, under its name, by its rule, both of which it takes over."""
    with m.function("input", "ptr %t", "ptr %x", "ptr %name", "ptr %rule") as f:
        inputs, bound = f.get("ptr %t", "trace.inputs"), f.get("ptr %t", "trace.bound")
        count = f.call("PyList_Size", inputs, returns="i64")
        number = f.call("PyLong_FromLong", f.do("xor", count, "i64 -1"))
        pair, now = f.call("PyTuple_New", "i64 2"), f.size(f.get("ptr %t", "trace.handles"), "List")
        when = f.call("PyLong_FromLong", now)
        with f.unless(f.either(f.absent(number), f.absent(pair), f.absent(when))):
            f.call("PyTuple_SetItem", pair, "i64 0", f.incref(f.get("ptr %t", "trace.token")), returns="i32")
            f.call("PyTuple_SetItem", pair, "i64 1", f.incref(number), returns="i32")
            kept = f.call("PyDict_SetItem", bound, "ptr %name", number, returns="i32")
            done = f.do("or", kept, f.call("PyList_Append", inputs, "ptr %x", returns="i32"))
            for name, v in (("rules", "ptr %rule"), ("bound_at", when)):
                done = f.do("or", done, f.call("PyList_Append", f.get("ptr %t", f"trace.{name}"), v, returns="i32"))
            with f.when(f.equal(done, "i32 0")):
                before = f.get("ptr %x", ".bound")
                with f.unless(f.absent(before)):
                    other = f.call("PyWeakref_GetObject", f.call("PyTuple_GetItem", before, "i64 0"))
                    with f.unless(f.is_(other, "none")), f.unless(f.is_(f.get(other, "trace.done"), "true")):
                        f.swap("ptr %x", ".held", f.constant("true"))
                f.swap("ptr %x", ".bound", pair)
                f.decref("ptr %name", pair, when, "ptr %rule")
                with f.unless(f.is_(f.kind("ptr %x"), "tensor")):
                    done = f.call_python(f.constant("refuse_moved"), "ptr %x")
                    f.decref(done)
                    with f.when(f.absent(done)):
                        f.decref(number)
                        f.ret(NULL)
                f.ret(number)
        f.decref("ptr %name", pair, when, "ptr %rule", number)
        f.ret(NULL)


def handle(m: Code) -> None:
    """Append a new handle for a result of a step; NULL, with an error, if that fails."""
    with m.function("handle", "ptr %t", "ptr %rule", "ptr %kind", "ptr %site") as f:
        handles = f.get("ptr %t", "trace.handles")
        slot = f.call("PyLong_FromLong", f.call("PyList_Size", handles, returns="i64"))
        h = f.call("PyType_GenericAlloc", f.constant("tensor"), "i64 0")
        with f.unless(f.value("i1", f"or {f.absent(slot)}, {f.absent(h).split()[1]}")):
            kept = {"aval": f.get("ptr %kind", "kind.aval"), "kind": "ptr %kind", "rule": "ptr %rule"}
            kept |= {"trace": "ptr %t", "data": f.constant("none"), "src": f.constant("none")}
            kept |= {"code": f.load("ptr %site"), "lasti": f.load(f.at("ptr %site", "i64 1"))}
            for name, v in kept.items():
                f.put(h, f".{name}", f.incref(v))
            f.put(h, ".slot", slot)
            with f.when(f.equal(f.call("PyList_Append", handles, h, returns="i32"), "i32 0")):
                f.ret(h)
            f.decref(h)
            f.ret(NULL)
        f.decref(slot, h)
        f.ret(NULL)


def results(m: Code) -> None:
    """Append handles for the results of a step: return the one, or with %many a tuple of all."""
    with m.function("results", "ptr %t", "ptr %rule", "ptr %site", "i1 %many") as f:
        with f.unless("i1 %many"):
            f.ret(f.call("handle", "ptr %t", "ptr %rule", f.get("ptr %rule", "rule.kind"), "ptr %site"))
        kinds = f.get("ptr %rule", "rule.kinds")
        count = f.size(kinds, "Tuple")
        out = f.call("PyTuple_New", count)
        with f.when(f.absent(out)):
            f.ret(NULL)
        with f.each(count) as k:
            h = f.call("handle", "ptr %t", "ptr %rule", f.item(kinds, k), "ptr %site")
            with f.when(f.absent(h)):
                f.decref(out)
                f.ret(NULL)
            f.call("PyTuple_SetItem", out, k, h, returns="i32")
        f.ret(out)


def take(m: Code) -> None:
    """Return the handle of the step of a key that reads some slots, in a held trace, with some numbers; with %many a
    tuple of all its handles. NULL without an error: the rule is new."""
    names = ("ptr %t", "ptr %parts", "i64 %n", *LAID)
    with m.function("take", *names) as f:
        rule = f.call("rule", "ptr %t", "ptr %parts", "i64 %n")
        with f.when(f.absent(rule)):
            f.ret(NULL)
        out = f.call("proceed", "ptr %t", rule, *LAID)
        f.decref(rule)
        f.ret(out)


LAID = ("ptr %slots", "i64 %arity", "ptr %numbers", "i64 %count", "i64 %depth", "i1 %many")
"""A row: the slots that it reads, its numbers, the depth of its line, and whether all handles are asked for."""


def proceed(m: Code) -> None:
    """Return the handle of a step, or a tuple of all its handles with %many and where there is not one, in a held
    trace. NULL without an error: the step does not accept a number, or its level is not open."""
    with m.function("proceed", "ptr %t", "ptr %rule", *LAID) as f:
        rule, level = "ptr %rule", f.get("ptr %rule", "rule.level")
        many = f.either(f.is_(f.get(rule, "rule.kind"), "none"), "i1 %many")
        inner = f.negation(f.either(f.is_(level, "none"), f.equal(level, f.get("ptr %t", "trace.open"))))
        with f.when(inner):
            f.ret(NULL)
        with f.each("i64 %count") as k:
            fine = f.call("fits", rule, k, f.load(f.at("ptr %numbers", k)), returns="i1")
            with f.unless(fine):
                f.call("PyErr_Clear", returns="void")
                f.ret(NULL)
        f.incref(rule)
        site, out = f.local(count=2), f.local()
        f.store(NULL, out)
        f.store(NULL, site)
        f.store(NULL, f.at(site, "i64 1"))
        with f.when(f.call("line", "ptr %t", "i64 %depth", site, returns="i1")):
            f.store(f.call("results", "ptr %t", rule, site, many), out)
        f.decref(f.load(site), f.load(f.at(site, "i64 1")))
        h = f.load(out)
        with f.unless(f.absent(h)):
            done = f.call("add_row", "ptr %t", rule, *LAID[:4], returns="i32")
            with f.unless(f.equal(done, "i32 0")):
                f.decref(h)
                f.store(NULL, out)
        f.decref(rule)
        f.ret(f.load(out))


def add_row(m: Code) -> None:
    """Append a row, with its numbers, to a held trace: 0, or an error."""
    with m.function("add_row", "ptr %t", "ptr %rule", *LAID[:4], returns="i32") as f:
        status = f.local("i32")
        f.store("i32 0", status)
        for name, given, count in (("scalars", "ptr %numbers", "i64 %count"), ("slots", "ptr %slots", "i64 %arity")):
            to = f.get("ptr %t", f"trace.{name}")
            with f.each(count) as k:
                done = f.call("PyList_Append", to, f.load(f.at(given, k)), returns="i32")
                f.store(f.do("or", f.load(status, "i32"), done), status)
        done = f.call("PyList_Append", f.get("ptr %t", "trace.rules"), "ptr %rule", returns="i32")
        f.ret(f.do("or", f.load(status, "i32"), done))


def rest(m: Code) -> None:
    """Finish the step of a trace; go on with the trace, if an interrupter of the step has left it."""
    with m.function("rest", "ptr %t", returns="void") as f:
        f.swap("ptr %t", "trace.busy", f.constant("false"))
        with f.when(f.is_(f.get("ptr %t", "trace.left"), "true")):
            f.decref(f.call_python(f.constant("resume"), "ptr %t"))
        f.ret()


def release(m: Code) -> None:
    """Release a held trace, taken over with the handle of a step or NULL; return the handle."""
    with m.function("release", "ptr %t", "ptr %h") as f:
        with f.when(f.absent("ptr %h")):
            with f.when(f.absent(f.call("PyErr_Occurred"))):
                f.call("rest", "ptr %t", returns="void")
            f.decref("ptr %t")
            f.ret(NULL)
        f.call("rest", "ptr %t", returns="void")
        f.decref("ptr %t")
        f.ret("ptr %h")


PARTS = (
    *(value, known, trace, state, hold, same, expected, rule, slot, bind, input_, fits, handle),
    *(results, take, proceed, add_row, rest, release),
)
"""Internal functions of this module."""
