"""The line of a step on the fast path: the code and the offset of the frame that records it."""

from __future__ import annotations

from tenure.runtime.assembler import NULL
from tenure.values.native.hits_objects import Code

__all__ = ["LINES"]


def inside(m: Code) -> None:
    """Whether code is of this package."""
    with m.function("inside", "ptr %code", returns="i1") as f:
        name = f.call("PyObject_GetAttr", "ptr %code", f.constant("filename"))
        most = f"i64 {2**62}"
        found = f.call("PyUnicode_Tailmatch", name, f.constant("package"), "i64 0", most, "i32 -1", returns="i64")
        f.decref(name)
        f.ret(f.equal(found, "i64 1"))


def outermost(m: Code) -> None:
    """Take over a frame; return the nearest one around it, or itself, that is not of this package."""
    with m.function("outermost", "ptr %frame") as f:
        code = f.call("PyFrame_GetCode", "ptr %frame")
        own = f.call("inside", code, returns="i1")
        f.decref(code)
        with f.unless(own):
            f.ret("ptr %frame")
        back = f.call("PyFrame_GetBack", "ptr %frame")
        with f.when(f.absent(back)):
            f.ret("ptr %frame")
        f.decref("ptr %frame")
        f.ret(f.call("outermost", back))


def is_deep(m: Code) -> None:
    """Whether code that records is of this package and no site of a trace stands for it. The user's code seen last is
    kept as a number, never looked into."""
    with m.function("is_deep", "ptr %t", "ptr %code", returns="i1") as f:
        address = f.value("i64", "ptrtoint ptr %code to i64")
        with f.when(f.equal(address, f.load("ptr @user", "i64"))):
            f.ret("i1 false")
        sites = f.get("ptr %t", "trace.sites")
        n = f.size(sites, "List")
        with f.unless(f.equal(n, "i64 0")):
            last = f.call("PyList_GetItem", sites, f.do("sub", n, "i64 1"))
            with f.unless(f.is_(f.item(last, "i64 1"), "none")):
                f.ret("i1 false")
        own = f.call("inside", "ptr %code", returns="i1")
        with f.unless(own):
            f.store(address, "ptr @user")
        f.ret(own)


def line(m: Code) -> None:
    """Store into %site the code and the offset of the line that records in a trace: the caller's, of its caller if
    %depth is 1, of the caller into this package if it is 2 or no site stands for the line. Whether there is one; else
    an error."""
    with m.function("line", "ptr %t", "i64 %depth", "ptr %site", returns="i1") as f:
        box, frame, code = f.local(), f.local(), f.local()
        f.store(NULL, frame)
        with f.when(f.equal("i64 %depth", "i64 1")):
            f.store(f.constant("one"), box)
            f.store(f.call("PyObject_Vectorcall", f.constant("getframe"), box, "i64 1", NULL), frame)
        with f.unless(f.equal("i64 %depth", "i64 1")):
            f.store(f.incref(f.call("PyEval_GetFrame")), frame)
        with f.when(f.absent(f.load(frame))):
            f.ret("i1 false")
        f.store(f.call("PyFrame_GetCode", f.load(frame)), code)
        deep = f.local("i1")
        f.store("i1 true", deep)
        with f.unless(f.equal("i64 %depth", "i64 2")):
            f.store(f.call("is_deep", "ptr %t", f.load(code), returns="i1"), deep)
        with f.when(f.load(deep, "i1")):
            f.decref(f.load(code))
            f.store(f.call("outermost", f.load(frame)), frame)
            f.store(f.call("PyFrame_GetCode", f.load(frame)), code)
        found = f.load(frame)
        last = f.value("i64", f"sext {f.call('PyFrame_GetLasti', found, returns='i32')} to i64")
        offset = f.call("PyLong_FromLong", last)
        f.decref(found)
        f.store(f.load(code), "ptr %site")
        f.store(offset, f.at("ptr %site", "i64 1"))
        f.ret(f.negation(f.absent(offset)))


LINES = (inside, outermost, is_deep, line)
