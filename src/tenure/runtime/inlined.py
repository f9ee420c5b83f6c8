"""Accessors of Python's C API written into generated code: references, sizes, items.

    call void @Py_IncRef(ptr %x)    ⟶    %n = load i64, ptr %x   %m = add i64 %n, 1   store i64 %m, ptr %x

A read of a value makes some 400 calls of the C API, of which 250 are these: each is a few instructions, and the call
of it as many again. What they mean stays: an object that is no list or tuple, and an index that is out of range, go
to the function itself.
"""

from __future__ import annotations

import ctypes
import re
import sys
from functools import cache

__all__ = ["inlined"]

_WORD = ctypes.sizeof(ctypes.c_void_p)
_SIZE = 2 * _WORD
"""Offset of the length in an object that has one: behind references and type."""
_COUNTED = not hasattr(sys, "gettotalrefcount")
"""Whether a reference is counted in the object alone; debug builds of Python count them all."""
_CALL = re.compile(r"(call \w+ @)(\w+)\(")


def inlined(source: str) -> tuple[str, dict[str, int]]:
    """A module in which calls of accessors are calls of functions to be inlined, and the addresses that it needs
    besides."""
    found = {name for _, name in _CALL.findall(source) if name in _bodies()}
    if not found:
        return source, {}
    text = _CALL.sub(lambda m: f"{m[1]}{'inlined.' * (m[2] in found)}{m[2]}(", source)
    addresses = {"is_tuple": id(tuple), "is_list": id(list)}
    if "Py_DecRef" in found:
        addresses["_Py_Dealloc"] = ctypes.cast(ctypes.pythonapi["_Py_Dealloc"], ctypes.c_void_p).value or 0
    needed = "@is_tuple = external global i8\n@is_list = external global i8\ndeclare void @_Py_Dealloc(ptr)"
    return "\n".join([text, needed, *[_bodies()[name] for name in sorted(found)]]), addresses


@cache
def _bodies() -> dict[str, str]:
    """Definitions by the name of the function that they stand for."""
    bodies = {f"Py{kind}_Size": _length(kind) for kind in ("Tuple", "List")}
    bodies |= {f"Py{kind}_GetItem": _item(kind) for kind in ("Tuple", "List")}
    return bodies | _references() if _COUNTED else bodies


def _references() -> dict[str, str]:
    """Py_IncRef and Py_DecRef. From 3.12 on (PEP 683) the count has 32 bits, and is negative in what lives for good."""
    mortal = sys.version_info >= (3, 12)
    kind = "i32" if mortal else "i64"
    lasting = "icmp slt i32 %n, 0" if mortal else "icmp eq i64 0, 1"
    start = f"""(ptr %x) alwaysinline {{
  %absent = icmp eq ptr %x, null
  br i1 %absent, label %out, label %counted
counted:
  %n = load {kind}, ptr %x
  %lasting = {lasting}
  br i1 %lasting, label %out, label %go
go:
"""
    more = f"  %m = add {kind} %n, 1\n  store {kind} %m, ptr %x\n  br label %out\n"
    fewer = f"  %m = sub {kind} %n, 1\n  store {kind} %m, ptr %x\n  %last = icmp eq {kind} %m, 0\n"
    fewer += "  br i1 %last, label %dead, label %out\ndead:\n  call void @_Py_Dealloc(ptr %x)\n  br label %out\n"
    end = "out:\n  ret void\n}"
    head = "define internal void @inlined."
    return {"Py_IncRef": f"{head}Py_IncRef{start}{more}{end}", "Py_DecRef": f"{head}Py_DecRef{start}{fewer}{end}"}


def _exact(kind: str) -> str:
    """The start of an accessor: whether %x is a tuple or list itself, of how many items."""
    return f"""alwaysinline {{
  %t = getelementptr i8, ptr %x, i64 {_WORD}
  %type = load ptr, ptr %t
  %exact = icmp eq ptr %type, @is_{kind.lower()}
  br i1 %exact, label %own, label %other
own:
  %s = getelementptr i8, ptr %x, i64 {_SIZE}
  %size = load i64, ptr %s
"""


def _length(kind: str) -> str:
    """Definition of PyTuple_Size or PyList_Size."""
    return f"""define internal i64 @inlined.Py{kind}_Size(ptr %x) {_exact(kind)}  ret i64 %size
other:
  %n = call i64 @Py{kind}_Size(ptr %x)
  ret i64 %n
}}"""


def _item(kind: str) -> str:
    """Definition of PyTuple_GetItem or PyList_GetItem."""
    first = f"%first = getelementptr i8, ptr %x, i64 {_first(kind)}"
    if kind == "List":
        first = f"%held = getelementptr i8, ptr %x, i64 {_first(kind)}\n  %first = load ptr, ptr %held"
    head = f"define internal ptr @inlined.Py{kind}_GetItem(ptr %x, i64 %k) {_exact(kind)}"
    return f"""{head}  %there = icmp ult i64 %k, %size
  br i1 %there, label %take, label %other
take:
  {first}
  %at = getelementptr ptr, ptr %first, i64 %k
  %v = load ptr, ptr %at
  ret ptr %v
other:
  %w = call ptr @Py{kind}_GetItem(ptr %x, i64 %k)
  ret ptr %w
}}"""


def _first(kind: str) -> int:
    """Offset of the first item in a tuple, and of the pointer to it in a list: found by looking."""
    mark = object()
    probe: tuple[object] | list[object] = (mark,) if kind == "Tuple" else [mark]
    for at in range(_SIZE + _WORD, type(probe).__basicsize__ + _WORD, _WORD):
        word = ctypes.c_void_p.from_address(id(probe) + at).value
        if word == id(mark) if kind == "Tuple" else word and ctypes.c_void_p.from_address(word).value == id(mark):
            return at
    raise RuntimeError(f"the items of a {kind.lower()} are not where they are")
