"""Calls between entry steps and exit steps, without a moment in between at which an interrupt can come.

    bracket([(mode.set, new)], [(mode.set, old)], function, x)

A ``finally`` and an ``__exit__`` in Python are code like any other: an interrupt that comes where they begin, or
between two of their lines, leaves the rest undone. So a builtin goes through these steps, which are builtins too:
tuples of a callable and its arguments. A step that is Python code may be interrupted; the steps after it are made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Self

from tenure.runtime.assembler import NULL, Function, Module
from tenure.runtime.extension import AVAILABLE, Extension

__all__ = ["Bracketed", "at_once", "bracket", "entering"]

Steps = Sequence[tuple[Any, ...]]
_VECTOR = 24
"""Offset of a tuple's items in memory."""


def at_once(steps: Steps) -> None:
    """Run all steps; the first error of one is raised afterwards."""
    wrong: BaseException | None = None
    for step, *args in steps:
        try:
            step(*args)
        except BaseException as error:
            wrong = wrong or error
    try:
        if wrong is not None:
            raise wrong
    finally:
        del wrong  # it knows this frame


def bracket(begin: Steps, end: Steps, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run ``function(*args, **kwargs)`` between the steps of ``begin`` and of ``end``. The steps of ``end`` run in any
    case, also where those of ``begin`` failed."""
    try:
        at_once(begin)
        out = function(*args, **kwargs)
    except BaseException:
        with suppress(BaseException):
            at_once(end)
        raise
    at_once(end)
    return out


class Bracketed:
    """Base class of contexts whose entry and exit are atomic: entered exactly if its block runs.

    ``_opening()`` changes nothing that counts, and gives three tuples of steps: to enter, to make last in a block that
    ends without an error, and to leave.
    """

    __slots__ = ()
    _endings: list[tuple[Steps, Steps]] | None

    def _opening(self) -> tuple[Steps, Steps, Steps]:
        raise NotImplementedError

    def __enter__(self) -> Self:
        begin, well, end = self._opening()
        try:
            at_once(begin)
        except BaseException:
            with suppress(BaseException):
                at_once(end)
            raise
        self._endings = [*(getattr(self, "_endings", None) or ()), (well, end)]  # type: ignore[misc]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        at: TracebackType | None = None,
        /,
    ) -> None:
        if not self._endings:
            return
        well, end = self._endings.pop()
        try:
            if kind is None:
                at_once(well)
        finally:
            at_once(end)


_ENTER = Bracketed.__enter__.__code__


def entering(frame: FrameType) -> FrameType:
    """Frame whose ``with`` statement enters the context; called from ``_opening``."""
    return frame.f_back if frame.f_code is _ENTER and frame.f_back is not None else frame


_API = (
    *("PyErr_Clear", "PyErr_Fetch", "PyErr_Restore", "PyList_Append", "PyList_GetItem", "PyList_New"),
    *("PyList_SetSlice", "PyList_Size"),
    *("PyObject_CallMethodObjArgs", "PyObject_GetAttr", "PyObject_SetAttr", "PyObject_Vectorcall"),
    *("PyTuple_GetItem", "PyTuple_GetSlice", "PyTuple_Size", "Py_DecRef", "Py_IncRef"),
)
_NAMES = ("_endings", "_opening")


class _Body(Function):
    def name(self, name: str) -> str:
        """Interned string, by which the code looks up an attribute."""
        return self.load(f"ptr @{name}")

    def item(self, of: str, k: int) -> str:
        """Item of a tuple."""
        return self.call("PyTuple_GetItem", of, f"i64 {k}")

    def decref(self, *values: str) -> None:
        """Decrement reference counts; NULL is allowed."""
        for v in values:
            self.call("Py_DecRef", v, returns="void")

    def absent(self, v: str) -> str:
        """Whether a pointer is NULL."""
        return self.equal(v, NULL)

    def incref(self, v: str) -> str:
        """Increment the reference count of an object."""
        self.call("Py_IncRef", v, returns="void")
        return v

    def steps(self, steps: str) -> str:
        """Whether steps ran without an error: a bit."""
        return self.equal(self.call("every", steps, returns="i32"), "i32 0")

    def still(self, steps: str) -> str:
        """Run steps, with or without an error set, and keep the first error. Result: whether there is none."""
        error = [self.local() for _ in range(3)]
        self.call("PyErr_Fetch", *error, returns="void")
        kind, value, at = (self.load(e) for e in error)
        before, done = self.absent(kind), self.steps(steps)
        with self.unless(before):
            self.call("PyErr_Clear", returns="void")
            self.call("PyErr_Restore", kind, value, at, returns="void")
        return self.both(before, done)


Code = Module[_Body]


def _every(m: Code) -> None:
    """Run all steps; 0, or −1 with the first error."""
    with m.function("every", "ptr %steps", returns="i32") as f:
        error, failed = [f.local() for _ in range(3)], f.local("i1")
        f.store("i1 false", failed)
        with f.each(f.call("PyTuple_Size", "ptr %steps", returns="i64")) as k:
            step = f.incref(f.call("PyTuple_GetItem", "ptr %steps", k))
            items, size = f.at(step, f"i64 {_VECTOR}", "i8"), f.call("PyTuple_Size", step, returns="i64")
            args, count = f.at(items, "i64 1"), f.do("sub", size, "i64 1")
            done = f.call("PyObject_Vectorcall", f.load(items), args, count, NULL)
            with f.when(f.absent(done)):
                known = f.load(failed, "i1")
                with f.when(known):
                    f.call("PyErr_Clear", returns="void")
                with f.unless(known):
                    f.call("PyErr_Fetch", *error, returns="void")
                    f.store("i1 true", failed)
            f.decref(done, step)
        with f.when(f.load(failed, "i1")):
            f.call("PyErr_Restore", *[f.load(e) for e in error], returns="void")
            f.ret("i32 -1")
        f.ret("i32 0")


def _at_once(m: Code) -> None:
    """at_once(steps)"""
    with m.function("at_once", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        with f.when(f.steps(f.load("ptr %args"))):
            f.ret(f.incref(f.name("none")))
        f.ret(NULL)


def _bracket(m: Code) -> None:
    """bracket(begin, end, function, *args, **kwargs)"""
    with m.function("bracket", "ptr %self", "ptr %args", "i64 %n", "ptr %names", exported=True) as f:
        begin, end, function = (f.load(f.at("ptr %args", f"i64 {k}")) for k in range(3))
        out = f.local()
        f.store(NULL, out)
        with f.when(f.steps(begin)):
            args, count = f.at("ptr %args", "i64 3"), f.do("sub", "i64 %n", "i64 3")
            f.store(f.call("PyObject_Vectorcall", function, args, count, "ptr %names"), out)
        with f.when(f.still(end)):
            f.ret(f.load(out))
        f.decref(f.load(out))
        f.ret(NULL)


def _enter(m: Code) -> None:
    """Bracketed.__enter__()"""
    with m.function("enter", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        plan = f.call("PyObject_CallMethodObjArgs", "ptr %self", f.name("_opening"), NULL, variadic=True)
        with f.when(f.absent(plan)):
            f.ret(NULL)
        ending = f.call("PyTuple_GetSlice", plan, "i64 1", "i64 3")
        begun = f.steps(f.item(plan, 0))
        kept = f.local("i1")
        f.store("i1 false", kept)
        with f.when(begun):
            f.store(f.equal(f.call("remember", "ptr %self", ending, returns="i32"), "i32 0"), kept)
        with f.unless(f.load(kept, "i1")):
            f.still(f.item(plan, 2))
        f.decref(plan, ending)
        with f.when(f.load(kept, "i1")):
            f.ret(f.incref("ptr %self"))
        f.ret(NULL)


def _remember(m: Code) -> None:
    """Record the exit steps of a context; −1 with an error."""
    with m.function("remember", "ptr %self", "ptr %ending", returns="i32") as f:
        held = f.call("PyObject_GetAttr", "ptr %self", f.name("_endings"))
        with f.unless(f.absent(held)), f.unless(f.equal(held, f.name("none"))):
            done = f.call("PyList_Append", held, "ptr %ending", returns="i32")
            f.decref(held)
            f.ret(done)
        f.call("PyErr_Clear", returns="void")
        f.decref(held)
        new = f.call("PyList_New", "i64 0")
        with f.when(f.absent(new)):
            f.ret("i32 -1")
        f.call("PyList_Append", new, "ptr %ending", returns="i32")
        done = f.call("PyObject_SetAttr", "ptr %self", f.name("_endings"), new, returns="i32")
        f.decref(new)
        f.ret(done)


def _exit(m: Code) -> None:
    """Bracketed.__exit__(kind, error, at)"""
    with m.function("leave", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        held = f.call("PyObject_GetAttr", "ptr %self", f.name("_endings"))
        with f.when(f.absent(held)):
            f.ret(NULL)
        size = f.local("i64")
        f.store("i64 0", size)
        with f.unless(f.equal(held, f.name("none"))):
            f.store(f.call("PyList_Size", held, returns="i64"), size)
        size = f.load(size, "i64")
        with f.when(f.equal(size, "i64 0")):  # left already
            f.decref(held)
            f.ret(f.incref(f.name("none")))
        ending = f.call("PyList_GetItem", held, f.do("sub", size, "i64 1"))
        with f.when(f.absent(ending)):
            f.decref(held)
            f.ret(NULL)
        f.incref(ending)
        f.call("PyList_SetSlice", held, f.do("sub", size, "i64 1"), size, NULL, returns="i32")
        f.decref(held)
        well = f.local("i1")
        f.store("i1 true", well)
        with f.unless(f.equal("i64 %n", "i64 0")):
            f.store(f.equal(f.load("ptr %args"), f.name("none")), well)
        with f.when(f.load(well, "i1")):
            f.steps(f.item(ending, 0))
        fine = f.still(f.item(ending, 1))
        f.decref(ending)
        with f.when(fine):
            f.ret(f.incref(f.name("none")))
        f.ret(NULL)


def _load() -> Extension:
    module = Module(_Body)
    for define in (_every, _at_once, _bracket, _remember, _enter, _exit):
        define(module)
    source = "\n".join([*[f"@{name} = global ptr null" for name in ("none", *_NAMES)], str(module)])
    code = Extension(source, _API, ("none", *_NAMES), ("at_once", "bracket", "enter", "leave"))
    code.point("none", None)
    for name in _NAMES:
        code.point(name, name)
    return code


if AVAILABLE:
    _code = _load()
    at_once = _code.function("at_once", at_once)
    bracket = _code.function("bracket", bracket, keywords=True)
    Bracketed.__enter__ = _code.method("enter", Bracketed.__enter__, Bracketed)  # type: ignore[method-assign]
    Bracketed.__exit__ = _code.method("leave", Bracketed.__exit__, Bracketed)  # type: ignore[method-assign]
