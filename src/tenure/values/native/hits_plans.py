"""Fast path to the plan of a trace: the one that ran last on its path serves most often, and is found without a key.
Generated code."""

from __future__ import annotations

from tenure.runtime.assembler import NULL
from tenure.values.native.hits_objects import Code

__all__ = ["PLANS"]


def plan_of(m: Code) -> None:
    """Return the plan that serves a trace; NULL, without an error, if no result of it has a holder."""
    with m.function("plan_of", "ptr %t") as f:
        box, path = f.local(), f.call("point", "ptr %t")
        with f.when(f.absent(path)):
            f.ret(NULL)
        said = f.get(path, "path.save")
        expected = f.call("PyDict_GetItemWithError", f.constant("expected"), f.constant("name_backward"))
        save = f.choice(f.is_(said, "none"), expected, said)
        with f.when(f.call("serves", "ptr %t", f.get(path, "path.recent"), save, returns="i1")):
            f.ret(f.incref(f.item(f.get(path, "path.recent"), "i64 1")))
        f.store(f.get("ptr %t", "trace.handles"), box)
        live, key, pair = f.call("alive", NULL, box, "i64 1"), *[f.call("PyTuple_New", "i64 2") for _ in range(2)]
        with f.when(f.either(*map(f.absent, (live, key, pair)))):
            f.decref(live, key, pair)
            f.ret(NULL)
        with f.when(f.empty(live, "Tuple")):
            f.decref(live, key, pair)
            f.ret(NULL)
        for k, v in enumerate((live, save)):
            f.call("PyTuple_SetItem", key, f"i64 {k}", f.incref(v), returns="i32")
        # A plan is found and noted with no allocation in between, in which another thread might drop it.
        found, out = f.call("PyDict_GetItemWithError", f.get(path, "path.plans"), key), f.local()
        f.store(f.incref(found), out)
        with f.when(f.absent(found)):
            f.store(f.call_python(f.constant("plan_for"), "ptr %t", live, save), out)
        with f.unless(f.absent(found)):
            for k, v in enumerate((save, found)):
                f.call("PyTuple_SetItem", pair, f"i64 {k}", f.incref(v), returns="i32")
            f.swap(path, "path.recent", pair)
        f.decref(live, key, pair)
        f.ret(f.load(out))


def serves(m: Code) -> None:
    """Whether a plan, behind whether it saves residuals, is for the results of a trace that have a holder."""
    with m.function("serves", "ptr %t", "ptr %recent", "ptr %save", returns="i1") as f:
        with f.when(f.is_("ptr %recent", "none")):
            f.ret("i1 false")
        with f.unless(f.equal(f.item("ptr %recent", "i64 0"), "ptr %save")):
            f.ret("i1 false")
        slots, handles = f.get(f.item("ptr %recent", "i64 1"), "plan.slots"), f.get("ptr %t", "trace.handles")
        found, count = f.local("i64"), f.size(slots, "Tuple")
        f.store("i64 0", found)
        with f.each(f.size(handles, "List")) as k:
            dead = f.equal(f.load(f.call("PyList_GetItem", handles, k), "i32"), "i32 1")
            with f.unless(dead):
                at = f.load(found, "i64")
                with f.unless(f.value("i1", f"icmp slt {at}, {count.split()[1]}")):
                    f.ret("i1 false")
                with f.unless(f.equal(f.call("PyLong_AsLongLong", f.item(slots, at), returns="i64"), k)):
                    f.ret("i1 false")
                f.store(f.do("add", at, "i64 1"), found)
        some = f.negation(f.equal(count, "i64 0"))
        f.ret(f.both(some, f.equal(f.load(found, "i64"), count)))


PLANS = (plan_of, serves)
"""Internal functions of this module."""
