"""Fast path of reading a value, as ``Recorder.compute`` and ``force.run``: generated code.

A trace is run here if its inputs are known, its program is compiled, and no observer or other thread is concerned.
Else ``force.run`` runs it. A function of a trace returns 1 if that is done, 0 if nothing is, -1 with an error.
"""

from __future__ import annotations

from tenure.runtime.assembler import NULL
from tenure.values.native.hits_attributes import finish
from tenure.values.native.hits_objects import Code, Step
from tenure.values.native.hits_planning import DATA
from tenure.values.run.young import LONG

__all__ = ["READING"]

HELD = 2
"""References to a trace that runs: its caller's, and that by which a fork finds it."""


def compute(m: Code) -> None:
    """Compute a pending value of this thread's, with all pending ones."""
    with m.function("compute", "ptr %h", returns="i32") as f:
        state = f.call("state")
        with f.when(f.absent(state)):
            f.ret("i32 -1")
        t = f.get("ptr %h", ".trace")
        with f.when(f.is_(t, "none")):
            f.ret("i32 0")  # another thread has run it meanwhile
        with f.unless(f.shared("ptr %h")):
            f.ret("i32 0")
        opened = f.call("PyDict_GetItemWithError", state, f.constant("name_open"))
        cell, sealed = f.constant("cell"), f.call("PyDict_GetItemWithError", state, f.constant("name_sealed"))
        with f.when(f.equal(sealed, t)):
            f.ret(f.call("run_sealed", state, t, returns="i32"))
        mine = f.equal(f.get(cell, "unfinished.trace"), t)
        with f.unless(f.every(mine, f.is_(opened, "zero"), f.is_(f.get(t, "trace.busy"), "false"))):
            f.ret("i32 0")
        for v in (cell, state, t):
            f.incref(v)
        status = f.local("i32")
        f.store("i32 1", status)
        with f.unless(f.is_(sealed, "none")):
            f.store(f.call("run_sealed", state, sealed, returns="i32"), status)
        still = f.equal(f.get(cell, "unfinished.trace"), t)
        ready = f.both(still, f.is_(f.get(t, "trace.busy"), "false"))
        with f.when(f.both(f.equal(f.load(status, "i32"), "i32 1"), ready)):
            begun = f.call("fresh", cell, state, returns="i32")
            f.store(begun, status)
            with f.when(f.equal(begun, "i32 0")):
                f.store(f.call("run_trace", t, returns="i32"), status)
        with f.when(f.equal(f.load(status, "i32"), "i32 1")):
            f.call("keep_spare", cell, t, returns="void")
        f.decref(cell, state, t)
        f.ret(f.load(status, "i32"))


def seal(m: Code) -> None:
    """Recorder.seal()"""
    with m.function("seal", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        state = f.incref(f.call("state"))
        with f.unless(f.both(f.equal("i64 %n", "i64 0"), f.negation(f.absent(state)))):
            f.decref(state)
            f.ret(f.call("onward", f.constant("slow_seal"), "ptr %self", "ptr %args", "i64 %n", NULL))
        cell = f.incref(f.constant("cell"))
        opened = f.call("PyDict_GetItemWithError", state, f.constant("name_open"))
        with f.when(f.is_(opened, "zero")):
            before = f.call("PyDict_GetItemWithError", state, f.constant("name_sealed"))
            with f.unless(f.is_(before, "none")):
                f.call("run_sealed", state, before, returns="i32")
            t = f.get(cell, "unfinished.trace")
            some = f.negation(f.empty(f.get(t, "trace.handles"), "List"))
            fine = f.both(some, f.is_(f.get(t, "trace.busy"), "false"))
            with f.when(f.both(fine, f.negation(f.failed()))):
                f.call("PyDict_SetItem", state, f.constant("name_sealed"), t, returns="i32")
                f.swap(cell, "unfinished.sealed", t)
                f.call("fresh", cell, state, returns="i32")
        f.decref(cell, state)
        f.give_none()


def run_sealed(m: Code) -> None:
    """Run the sealed trace of this thread."""
    with m.function("run_sealed", "ptr %state", "ptr %t", returns="i32") as f:
        f.incref("ptr %t")
        f.call("PyDict_SetItem", "ptr %state", f.constant("name_sealed"), f.constant("none"), returns="i32")
        out = f.call("run_trace", "ptr %t", returns="i32")
        f.decref("ptr %t")
        f.ret(out)


def run_trace(m: Code) -> None:
    """Run a closed trace, here or on the slow path."""
    with m.function("run_trace", "ptr %t", returns="i32") as f:
        status, count = f.local("i32"), f.size(f.get("ptr %t", "trace.handles"), "List")
        f.store("i32 0", status)
        usual = [f.is_(f.get("ptr %t", f"trace.{slot}"), "false") for slot in ("vmapped", "cutting")]
        usual += [f.empty(f.constant("before_run"), "List"), f.empty(f.constant("moved"), "Dict")]
        usual.append(f.call("settled", f.get("ptr %t", "trace.inputs"), returns="i1"))
        usual.append(f.call("known", returns="i1"))
        with f.when(f.every(*usual)):
            cell, lock = f.incref(f.constant("cell")), f.incref(f.get("ptr %t", "trace.lock"))
            before = f.incref(f.get(cell, "unfinished.running"))
            f.swap(cell, "unfinished.running", "ptr %t")  # a fork from now on finds the locked trace here
            got = f.call_method(lock, "acquire", f.constant("false"))
            with f.when(f.both(f.is_(got, "true"), f.is_(f.get("ptr %t", "trace.done"), "false"))):
                f.store(f.call("run_locked", "ptr %t", returns="i32"), status)
            with f.when(f.is_(got, "true")):
                f.call("unlock", lock, returns="void")
            f.swap(cell, "unfinished.running", before)
            f.decref(got, lock, before, cell)
            with f.when(f.failed()):
                f.ret("i32 -1")
        with f.when(f.equal(f.load(status, "i32"), "i32 0")):
            done = f.call_python(f.constant("run_slowly"), "ptr %t")
            f.decref(done)
            f.ret(f.choice(f.absent(done), "i32 -1", "i32 1"))
        with f.unless(f.value("i1", f"icmp slt {count}, {LONG}")):
            done = f.call_python(f.constant("collect_young"))
            f.decref(done)
            with f.when(f.absent(done)):
                f.ret("i32 -1")
        f.ret(f.call("tidy", returns="i32"))


def unlock(m: Code) -> None:
    """Release a lock, whether or not an error is set."""
    with m.function("unlock", "ptr %lock", returns="void") as f:
        error = [f.local() for _ in range(3)]
        f.call("PyErr_Fetch", *error, returns="void")
        f.decref(f.call_method("ptr %lock", "unlocking"))
        f.call("PyErr_Restore", *map(f.load, error), returns="void")
        f.ret()


def settled(m: Code) -> None:
    """Whether every input has its array and, if a gradient flows to it, its node in the graph."""
    with m.function("settled", "ptr %inputs", returns="i1") as f:
        with f.each(f.size("ptr %inputs", "List")) as k:
            x = f.call("PyList_GetItem", "ptr %inputs", k)
            with f.unless(f.is_(f.kind(f.get(x, ".data")), "ndarray")):
                f.ret("i1 false")
            fine = [f.untracked(x), f.is_(f.get(x, ".trace"), "none")]
            with f.unless(f.either(*fine, f.negation(f.is_(f.get(x, ".src"), "none")))):
                f.ret("i1 false")
        f.ret("i1 true")


def run_locked(m: Code) -> None:
    """Run a trace whose lock is held, if its program is compiled."""
    with m.function("run_locked", "ptr %t", returns="i32") as f:
        begun = f.call("point", "ptr %t")
        with f.when(f.absent(begun)):
            f.ret("i32 -1")
        with f.when(f.is_(f.get(begun, "path.stamp"), "zero")):
            f.ret("i32 0")  # it has never run
        plan = f.call("plan_of", "ptr %t")
        with f.when(f.absent(plan)):
            f.ret(f.choice(f.failed(), "i32 -1", "i32 0"))
        executable, call = f.get(plan, "plan.executable"), f.local()
        f.store(f.constant("none"), call)
        with f.when(f.is_(f.kind(executable), "tiered")):
            f.store(f.get(executable, "tiered.call"), call)
            turns = f.get(executable, "tiered.turns")
            with f.unless(f.is_(turns, "zero")):
                f.store(f.get(executable, "tiered.lent"), call)
                fewer = f.call("PyNumber_Subtract", turns, f.constant("one"))
                f.swap(executable, "tiered.turns", fewer)
                f.decref(fewer)
        usual = [f.is_(f.kind(f.load(call)), "call"), f.negation(f.is_(f.get(plan, "plan.sites"), "none"))]
        usual.append(f.equal(f.call("PySet_Size", f.get(plan, "plan.moved"), returns="i64"), "i64 0"))
        with f.unless(f.every(*usual)):
            f.decref(plan)
            f.ret("i32 0")
        path, spec = f.incref(f.get("ptr %t", "trace.path")), f.incref(f.get(f.load(call), "call.spec"))
        with f.when(f.call("known", returns="i1")):
            f.call("PyDict_SetItem", f.constant("last"), f.constant("name_plan"), plan, returns="i32")
        out = f.call("run_plan", "ptr %t", plan, spec, returns="i32")
        with f.when(f.equal(out, "i32 1")):
            f.call("let_go", "ptr %t", path, returns="void")
        f.decref(plan, spec, path)
        f.ret(out)


def run_plan(m: Code) -> None:
    """Run a program and store its results in the handles; the error of a failed one is left to the slow path."""
    with m.function("run_plan", "ptr %t", "ptr %plan", "ptr %spec", returns="i32") as f:
        left, done, box = f.local(), f.local(), f.local(count=6)
        f.store(NULL, left)
        f.store(NULL, done)
        begun, residuals = f.call("begin", "ptr %t", "ptr %plan", left, returns="i1"), f.local()
        f.store(f.incref(f.constant("no_residuals")), residuals)
        with f.when(f.is_(f.get("ptr %plan", "plan.graph"), "true")):
            f.decref(f.load(residuals))
            f.store(f.call("PyList_New", "i64 0"), residuals)
        more = f.load(residuals)
        with f.when(f.both(begun, f.negation(f.absent(more)))):
            context = f.call("PyDict_GetItemWithError", f.constant("buffers"), f.constant("name_context"))
            slots, numbers = (f.get("ptr %plan", f"plan.{slot}") for slot in ("slots", "numbers"))
            for k, v in enumerate(("ptr %t", "ptr %spec", slots, numbers, context, more)):
                f.store(v, f.at(box, f"i64 {k}"))
            f.store(f.call("hand_over", NULL, box, "i64 6"), done)
        found = f.load(done)
        with f.when(f.both(f.is_(found, "true"), f.negation(f.empty(more, "List")))):
            f.decref(f.call_python(f.constant("keep_residuals"), f.load(left), "ptr %plan", more))
        f.decref(more, f.load(left))
        with f.unless(f.is_(found, "true")), f.unless(f.is_(found, "none")):
            f.call("fail", "ptr %t", "ptr %plan", found, returns="void")
        f.decref(found)
        with f.when(f.failed()):
            f.ret("i32 -1")
        f.ret(f.choice(f.is_(found, "none"), "i32 0", "i32 1"))


def fail(m: Code) -> None:
    """Call the slow path for the results of a failed run: it has ended with an error, or with the program's own status,
    which is no error yet."""
    with m.function("fail", "ptr %t", "ptr %plan", "ptr %done", returns="void") as f:
        with f.unless(f.absent("ptr %done")):
            f.decref(f.call_python(f.constant("account"), "ptr %t", "ptr %plan", "ptr %done"))
        with f.when(f.absent("ptr %done")):
            error = [f.local() for _ in range(3)]
            f.call("PyErr_Fetch", *error, returns="void")
            f.call("PyErr_NormalizeException", *error, returns="void")
            handles = f.get("ptr %t", "trace.handles")
            found = f.call_python(f.constant("break_off"), "ptr %t", "ptr %plan", handles, f.load(error[1]))
            with f.when(f.equal(found, f.load(error[1]))):
                f.decref(found)
                f.call("PyErr_Restore", *map(f.load, error), returns="void")
                f.ret()
            f.decref(*map(f.load, error))
            with f.unless(f.absent(found)):
                f.call("PyErr_SetObject", f.kind(found), found, returns="void")
                f.decref(found)
        f.ret()


def begin(m: Code) -> None:
    """Give the differentiable results their nodes in the graph; whether that was possible, else an error. The segment
    of open ones is stored."""
    with m.function("begin", "ptr %t", "ptr %plan", "ptr %left", returns="i1") as f:
        handles, over = f.get("ptr %t", "trace.handles"), f.local("i32")
        with f.unless(f.is_(f.get("ptr %plan", "plan.graph"), "true")):
            f.ret("i1 true")
        with f.unless(f.empty(f.get("ptr %plan", "plan.open"), "Tuple")):
            done = f.call_python(f.constant("start"), "ptr %t", "ptr %plan", handles)
            f.store(done, "ptr %left")
            f.ret(f.negation(f.absent(done)))
        leaves = f.get("ptr %plan", "plan.leaves")
        with f.each(f.size(leaves, "Tuple")) as k:
            slot = f.call("PyTuple_GetItem", leaves, k)
            h = f.call("PyList_GetItem", handles, f.call("PyLong_AsLongLongAndOverflow", slot, over, returns="i64"))
            leaf = f.call("PyDict_GetItemWithError", f.get("ptr %t", "trace.marks"), slot)
            f.swap(h, ".src", f.choice(f.absent(leaf), f.constant("none"), leaf))
        f.ret(f.call("consumed_here", "ptr %t", f.get("ptr %plan", "plan.consumed"), returns="i1"))


def consumed_here(m: Code) -> None:
    """Give results whose graph is consumed their nodes, with the line of the backward that did it; whether that was
    possible, else an error."""
    with m.function("consumed_here", "ptr %t", "ptr %consumed", returns="i1") as f:
        handles, over = f.get("ptr %t", "trace.handles"), f.local("i32")
        at, box = f.local("i64"), f.local(count=2)
        f.store("i64 0", at)
        with f.each(f.size("ptr %consumed", "Dict")):
            f.call("PyDict_Next", "ptr %consumed", at, box, f.at(box, "i64 1"), returns="i32")
            slot, by = f.load(box), f.load(f.at(box, "i64 1"))
            h, cause = (
                f.call("PyList_GetItem", handles, f.call("PyLong_AsLongLongAndOverflow", x, over, returns="i64"))
                for x in (slot, by)
            )
            with f.when(f.is_(f.get(h, ".src"), "none")):
                where = f.call("site_of", "ptr %t", cause)
                with f.when(f.absent(where)):
                    f.ret("i1 false")
                kept = {"segment": f.constant("none"), "slot": slot, "name": f.get(f.get(h, ".rule"), "rule.name")}
                out = f.made("out", where=where, **{name: f.incref(x) for name, x in kept.items()})
                with f.when(f.absent(out)):
                    f.ret("i1 false")
                f.swap(h, ".src", out)
                f.decref(out)
        f.ret("i1 true")


def mark_consumed(m: Code) -> None:
    """mark_consumed(t, consumed)"""
    with m.function("mark_consumed", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        f.call("consumed_here", f.load("ptr %args"), f.load(f.at("ptr %args", "i64 1")), returns="i1")
        f.give_none()


def site_of(m: Code) -> None:
    """Return the site that recorded a handle of a trace."""
    with m.function("site_of", "ptr %t", "ptr %h") as f:
        code = f.get("ptr %h", ".code")
        with f.when(f.call("inside", code, returns="i1")):
            f.ret(f.call_python(f.constant("slow_site_of"), "ptr %t", "ptr %h"))
        out = f.call("PyTuple_New", "i64 2")
        with f.unless(f.absent(out)):
            for k, v in enumerate((code, f.get("ptr %h", ".lasti"))):
                f.call("PyTuple_SetItem", out, f"i64 {k}", f.incref(v), returns="i32")
        f.ret(out)


def let_go(m: Code) -> None:
    """Release all references of a trace that has run; its path notes the time."""
    with m.function("let_go", "ptr %t", "ptr %path", returns="void") as f:
        runs = f.call("PyDict_GetItemWithError", f.constant("counts"), f.constant("name_runs"))
        more = f.call("PyNumber_Add", runs, f.constant("one"))
        f.call("PyDict_SetItem", f.constant("counts"), f.constant("name_runs"), more, returns="i32")
        f.swap("ptr %path", "path.stamp", more)
        f.decref(more)
        f.swap("ptr %t", "trace.done", f.constant("true"))
        handles = f.get("ptr %t", "trace.handles")
        f.call("PyList_SetSlice", handles, "i64 0", f.size(handles, "List"), NULL, returns="i32")
        others = f.value("i1", f"icmp ugt {f.load('ptr %t', 'i32')}, {HELD}")
        with f.when(others):  # else it goes when its caller has done with it
            f.decref(f.call_python(f.constant("slow_release"), "ptr %t"))
        f.ret()


def tidy(m: Code) -> None:
    """Prune the paths if there are too many."""
    with m.function("tidy", returns="i32") as f:
        rows = f.call("PyDict_GetItemWithError", f.constant("counts"), f.constant("name_rows"))
        number = f.call("PyLong_AsLongLongAndOverflow", rows, f.local("i32"), returns="i64")
        budget = f.call("PyLong_AsLongLongAndOverflow", f.constant("budget"), f.local("i32"), returns="i64")
        with f.when(f.value("i1", f"icmp sgt {number}, {budget.split()[1]}")):
            done = f.call_python(f.constant("prune"))
            f.decref(done)
            f.ret(f.choice(f.absent(done), "i32 -1", "i32 1"))
        f.ret("i32 1")


def array(m: Code) -> None:
    """Return the array of a value, computed if it is pending; NULL, without an error, if that is left to the slow
    path."""
    with m.function("array", "ptr %x") as f:
        v = f.call("value", "ptr %x")
        with f.when(f.absent(v)):
            f.ret(NULL)
        with f.when(f.both(f.is_(f.get(v, ".data"), "none"), f.negation(f.is_(f.get(v, ".trace"), "none")))):
            f.call("compute", v, returns="i32")
        data, out = f.get(v, ".data"), f.local()
        f.store(NULL, out)
        with f.when(f.both(f.is_(f.kind(data), "ndarray"), f.absent(f.call("PyErr_Occurred")))):
            f.store(f.incref(data), out)
        f.decref(v)
        f.ret(f.load(out))


def array_of(m: Code) -> None:
    """array_of(x)"""
    with m.function("array_of", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        with f.when(f.equal("i64 %n", "i64 1")):
            finish(f, f.call("array", f.load("ptr %args")))
        f.ret(f.call("PyObject_Vectorcall", f.constant("slow_array_of"), "ptr %args", "i64 %n", NULL))


def widened(f: Step, data: str) -> str:
    """Python's float of the first element of an array of bfloat16: the upper half of a float32."""
    half = f.value("i32", f"zext {f.load(f.load(f.at(data, DATA, 'i8')), 'i16')} to i32")
    real = f.value("float", f"bitcast {f.value('i32', f'shl {half}, 16')} to float")
    return f.call("PyFloat_FromDouble", f.value("double", f"fpext {real} to double"))


def item(m: Code) -> None:
    """x.item()"""
    with m.function("item", "ptr %x", "ptr %args", "i64 %n", "ptr %names", exported=True) as f:
        v, bare = f.call("value", "ptr %x"), f.both(f.equal("i64 %n", "i64 0"), f.absent("ptr %names"))
        with f.when(f.both(bare, f.negation(f.absent(v)))):
            aval, out = f.get(v, ".aval"), f.local()
            shape, kind = (f.call("PyTuple_GetItem", aval, f"i64 {k}") for k in (0, 1))
            f.store(NULL, out)
            with f.when(f.call("is_number", shape, returns="i1")):
                data = f.call("array", v)
                with f.unless(f.absent(data)):
                    half = f.is_(kind, "bfloat16")  # NumPy has no number for it
                    with f.when(half):
                        f.store(widened(f, data), out)
                    with f.unless(half):
                        f.store(f.call_method(data, "item_name"), out)
                f.decref(data)
            f.decref(v)
            finish(f, f.load(out))
        with f.unless(bare):
            f.decref(v)
        f.ret(f.call("onward", f.constant("slow_item"), "ptr %x", "ptr %args", "i64 %n", "ptr %names"))


READING = (
    *(compute, seal, run_sealed, run_trace, unlock, settled, run_locked, run_plan, fail, begin),
    *(consumed_here, mark_consumed),
    *(site_of, let_go, tidy, array, array_of, item),
)
"""Builtins of this module, with their internal functions."""
