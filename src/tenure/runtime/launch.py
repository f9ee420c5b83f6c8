"""Launch of a compiled program on arrays, with little overhead.

A ``Call`` describes the arguments and results of its program. Where there are generated builtins, one of them makes the
arrays, packs the numbers, and calls the program without Python's lock; ``Call.plainly`` does the same in Python.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Sequence
from functools import cache
from math import prod
from typing import Any

import numpy as np

from tenure.dtypes import BFLOAT16
from tenure.runtime import buffers
from tenure.runtime.assembler import NULL, Function, Module
from tenure.runtime.extension import AVAILABLE, Extension
from tenure.runtime.lots import is_sole, unshared
from tenure.runtime.pauses import PAUSED

__all__ = ["RUN", "Call"]

MAIN = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)
POOLED = 1 << 12
"""Size in bytes from which a buffer comes from the pool; NumPy keeps small ones itself, and is quicker with them."""
Made = tuple[Sequence[int], str]
"""Shape and dtype of an array to make."""


@cache
def dtype_of(name: str) -> np.dtype[Any]:
    """The NumPy dtype of a name."""
    return BFLOAT16 if name == "bfloat16" else np.dtype(name)


class Call:
    """Calling convention of the code at ``address``.

    ``made`` are the shapes and dtypes of the arrays to make, the arena last; ``donors`` are pairs of a made array and
    the input whose buffer may serve, if only the call holds it; ``kinds`` has a letter of ``struct`` for each number;
    ``outputs`` count inputs first, then the made arrays. ``given`` is how many arrays it takes: where there are more,
    the call goes on where one has stopped (``pauses``). The words of ``head`` stand before the numbers, and ``kept`` is
    what they refer to.
    """

    __slots__ = ("address", "counts", "donors", "given", "head", "kinds", "made", "outputs", "spec")

    def __init__(
        self,
        address: int,
        given: int,
        made: Sequence[Made],
        donors: Sequence[tuple[int, int]],
        kinds: str,
        outputs: Sequence[int],
        head: bytes = b"",
        kept: Any = None,
    ) -> None:
        self.address = address
        self.given = given
        self.head = head
        self.made = [(tuple(shape), dtype_of(dtype)) for shape, dtype in made]
        self.donors = taken = dict(donors)
        self.kinds = kinds
        self.outputs = outputs
        self.counts = np.zeros(1 + max(taken.values(), default=0), np.int64)
        makers: tuple[list[Any], list[Any]] = ([], [])
        for k, (shape, dtype) in enumerate(self.made):
            extents, pooled = struct.pack(f"={len(shape)}q", *shape), _size(shape, dtype) >= POOLED
            own = None if pooled or k < len(made) - 1 or given + k in outputs else np.empty(shape, dtype)
            makers[pooled].append((k, extents, dtype, taken.get(k, -1), own))
        counts = self.counts.ctypes.data
        told = kinds.encode(), tuple(outputs), counts, given, head, kept
        self.spec = (address, len(made), *map(tuple, makers), *told)

    def __call__(self, arrays: list[Any], numbers: Sequence[Any]) -> list[Any] | int | None:
        """Run the program. Result: the outputs; None, and nothing done, if an array is not plain; the status if the
        program fails. ``arrays`` grows by the arrays made."""
        return self.plainly(arrays, numbers)

    def into(self, out: list[Any], arrays: list[Any], numbers: Sequence[Any]) -> None:
        """Run the program as ``__call__`` does, into a given list."""
        out.append(self(arrays, numbers))

    def plainly(self, arrays: list[Any], numbers: Sequence[Any]) -> list[Any] | int | None:
        """Run the program as ``__call__`` does, in Python."""
        if not set(map(type, arrays[: self.given])) <= {np.ndarray}:
            return None
        if len(arrays) != self.given + len(self.made) + 1:  # else it goes on
            del arrays[self.given :]
            self._make(arrays, numbers)
        return MAIN(self.address)(id(arrays)) or [arrays[k] for k in self.outputs]

    def _make(self, arrays: list[Any], numbers: Sequence[Any]) -> None:
        """Append the arrays to make."""
        for k, (shape, dtype) in enumerate(self.made):
            arrays.append((buffers.empty if _size(shape, dtype) >= POOLED else np.empty)(shape, dtype))
            donor = self.donors.get(k, -1)
            if donor >= 0:
                base = arrays[donor].base
                if is_sole(arrays, donor) and arrays[donor].flags.writeable and (base is None or unshared(base)):
                    arrays[self.given + k] = arrays[donor]
                else:
                    self.counts[donor] += 1
        packed = struct.pack(f"={len(self.head)}s{self.kinds}", self.head, *numbers)
        arrays.insert(-1, packed)  # bytes of this call alone: the code keeps in them how far it has come

    @property
    def held(self) -> dict[int, int]:
        """Number of calls in which an input that could have donated its buffer was shared."""
        return {donor: int(n) for donor, n in enumerate(self.counts) if n}


def _size(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    return prod(shape) * dtype.itemsize


_API = (
    *(
        "PyBytes_AsString",
        "PyBytes_FromStringAndSize",
        "PyBytes_Size",
        "PyContext_Copy",
        "PyContext_Enter",
        "PyContext_Exit",
    ),
    *("PyErr_Occurred", "PyEval_RestoreThread", "PyEval_SaveThread", "PyFloat_AsDouble", "PyList_Append"),
    *("PyList_GetItem", "PyList_Insert", "PyList_New", "PyList_SetItem", "PyList_SetSlice", "PyList_Size"),
    "PyLong_AsLongLong",
    *(
        "PyLong_AsVoidPtr",
        "PyLong_FromLong",
        "PyObject_CallFunctionObjArgs",
        "PyObject_Vectorcall",
        "PySequence_GetItem",
    ),
    *("PyTuple_GetItem", "PyTuple_Size", "Py_DecRef", "Py_IncRef"),
)
_BASE, _FLAGS, _WRITEABLE = 48, 64, 0x400
"""Offsets of base and flags in NumPy's array objects; the flag of writable ones."""
_EMPTY = 184
"""Place of PyArray_Empty in NumPy's C API, which is fixed: number of axes, extents, dtype, whether in Fortran's order.
It takes half the time of ``numpy.empty``, which looks at its arguments."""


def _item(f: Function, of: str, k: int) -> str:
    return f.call("PyTuple_GetItem", of, f"i64 {k}")


def _number(f: Function, of: str, k: int) -> str:
    return f.call("PyLong_AsLongLong", _item(f, of, k), returns="i64")


def _free(m: Module[Function]) -> None:
    """Whether an array has no other holder and is writable; -1 with an error."""
    with m.function("free", "ptr %array", returns="i32") as f:
        count = f.load("ptr %array", "i32")
        flags = f.load(f.at("ptr %array", f"i64 {_FLAGS}", "i8"), "i32")
        writeable = f.negation(f.equal(f.do("and", flags, f"i32 {_WRITEABLE}"), "i32 0"))
        with f.unless(f.both(f.equal(count, "i32 1"), writeable)):
            f.ret("i32 0")
        base = f.load(f.at("ptr %array", f"i64 {_BASE}", "i8"))
        with f.when(f.equal(base, NULL)):
            f.ret("i32 1")
        answer = f.call("PyObject_CallFunctionObjArgs", f.load("ptr @unshared"), base, NULL, variadic=True)
        with f.when(f.equal(answer, NULL)):
            f.ret("i32 -1")
        f.call("Py_DecRef", answer, returns="void")
        f.ret(f.value("i32", f"zext {f.equal(answer, f.load('ptr @true'))} to i32"))


def _make(m: Module[Function]) -> None:
    """Append arrays to the given ones: a small arena is the call's own, where no other run has it, and an array has a
    donor's buffer where that is free. 0, or 1 with an error."""
    names = ("ptr %arrays", "i64 %given", "ptr %makers", "ptr %counts")
    with m.function("make", *names, returns="i32") as f:
        array = f.local()
        with f.each(f.call("PyTuple_Size", "ptr %makers", returns="i64")) as k:
            maker = f.call("PyTuple_GetItem", "ptr %makers", k)
            donor = _number(f, maker, 3)
            f.store(NULL, array)
            with f.when(f.value("i1", f"icmp sge {donor}, 0")):
                old = f.call("PyList_GetItem", "ptr %arrays", donor)
                free = f.call("free", old, returns="i32")
                with f.when(f.equal(free, "i32 -1")):
                    f.ret("i32 1")
                with f.when(f.equal(free, "i32 1")):
                    f.call("Py_IncRef", old, returns="void")
                    f.store(old, array)
                with f.when(f.equal(free, "i32 0")):
                    counter = f.at(f.call("PyLong_AsVoidPtr", "ptr %counts"), donor, "i64")
                    f.store(f.do("add", f.load(counter, "i64"), "i64 1"), counter)
            own = _item(f, maker, 4)
            with f.when(f.equal(f.load(own, "i32"), "i32 1")):  # None has many references
                f.call("Py_IncRef", own, returns="void")
                f.store(own, array)
            with f.when(f.equal(f.load(array), NULL)):
                extents, dtype = _item(f, maker, 1), _item(f, maker, 2)
                axes = f.do("lshr", f.call("PyBytes_Size", extents, returns="i64"), "i64 3")
                f.call("Py_IncRef", dtype, returns="void")  # which the array takes over
                given_as = f.value("i32", f"trunc {axes} to i32"), f.call("PyBytes_AsString", extents), dtype, "i32 0"
                f.store(f.call_at(f.load("ptr @empty"), *given_as), array)
            new = f.load(array)
            with f.when(f.equal(new, NULL)):
                f.ret("i32 1")
            at = f.do("add", "i64 %given", _number(f, maker, 0))
            f.call("PyList_SetItem", "ptr %arrays", at, new, returns="i32")
        f.ret("i32 0")


def _pooled(m: Module[Function]) -> None:
    """Append arrays with the pool's allocator in force; 0, or 1 with an error."""
    names = ("ptr %context", "ptr %arrays", "i64 %given", "ptr %makers", "ptr %counts")
    with m.function("pooled", *names, returns="i32") as f:
        with f.when(f.equal(f.call("PyTuple_Size", "ptr %makers", returns="i64"), "i64 0")):
            f.ret("i32 0")
        f.call("PyContext_Enter", "ptr %context", returns="i32")
        out = f.call("make", "ptr %arrays", "i64 %given", "ptr %makers", "ptr %counts", returns="i32")
        f.call("PyContext_Exit", "ptr %context", returns="i32")
        f.ret(out)


def _pack(m: Module[Function]) -> None:
    """Return the head and the numbers as bytes, eight for each; NULL, with an error, where one does not fit."""
    with m.function("pack", "ptr %head", "ptr %kinds", "ptr %numbers") as f:
        letters = f.call("PyBytes_AsString", "ptr %kinds")
        count = f.call("PyBytes_Size", "ptr %kinds", returns="i64")
        before = f.call("PyBytes_Size", "ptr %head", returns="i64")
        out = f.call("PyBytes_FromStringAndSize", NULL, f.do("add", before, f.do("mul", count, "i64 8")))
        with f.when(f.equal(out, NULL)):
            f.ret(NULL)
        first, to = f.call("PyBytes_AsString", "ptr %head"), f.call("PyBytes_AsString", out)
        with f.each(f.do("lshr", before, "i64 3")) as k:
            f.store(f.load(f.at(first, k, "i64"), "i64"), f.at(to, k, "i64"))
        words = f.at(to, before, "i8")
        with f.each(count) as k:
            number, to = f.call("PySequence_GetItem", "ptr %numbers", k), f.at(words, k, "i64")
            with f.when(f.equal(number, NULL)):
                f.call("Py_DecRef", out, returns="void")
                f.ret(NULL)
            real = f.equal(f.load(f.at(letters, k, "i8"), "i8"), f"i8 {ord('d')}")
            with f.when(real):
                f.store(f.call("PyFloat_AsDouble", number, returns="double"), to)
            with f.unless(real):
                f.store(f.call("PyLong_AsLongLong", number, returns="i64"), to)
            f.call("Py_DecRef", number, returns="void")
        with f.unless(f.equal(f.call("PyErr_Occurred"), NULL)):
            f.call("Py_DecRef", out, returns="void")
            f.ret(NULL)
        f.ret(out)


_GROWING = ("ptr %spec", "ptr %arrays", "ptr %numbers", "ptr %context")


def _make_all(m: Module[Function]) -> None:
    """Append the arrays of a call to the given ones; 0, or 1 with an error."""
    with m.function("make_all", *_GROWING, returns="i32") as f:
        given, counts = _number(f, "ptr %spec", 7), _item(f, "ptr %spec", 6)
        with f.each(_number(f, "ptr %spec", 1)):
            f.call("PyList_Append", "ptr %arrays", f.load("ptr @none"), returns="i32")
        small = f.call("make", "ptr %arrays", given, _item(f, "ptr %spec", 2), counts, returns="i32")
        with f.unless(f.equal(small, "i32 0")):
            f.ret("i32 1")
        f.ret(f.call("pooled", "ptr %context", "ptr %arrays", given, _item(f, "ptr %spec", 3), counts, returns="i32"))


def _pack_in(m: Module[Function]) -> None:
    """Insert the packed numbers before the last array; 0, or 1 with an error."""
    with m.function("pack_in", *_GROWING, returns="i32") as f:
        packed = f.call("pack", _item(f, "ptr %spec", 8), _item(f, "ptr %spec", 4), "ptr %numbers")
        with f.when(f.equal(packed, NULL)):
            f.ret("i32 1")
        last = f.do("sub", f.call("PyList_Size", "ptr %arrays", returns="i64"), "i64 1")
        f.call("PyList_Insert", "ptr %arrays", last, packed, returns="i32")
        f.call("Py_DecRef", packed, returns="void")
        f.ret("i32 0")


def _fill(m: Module[Function]) -> None:
    """fill(spec, arrays, numbers, context, out): run, and put the outputs into a list of their number: None, or the
    status of a program that fails. No object is made that the garbage collector tracks, and the context is the call's
    own, as one cannot be entered twice at once."""
    with m.function("fill", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        spec, arrays, numbers, context, out = (f.load(f.at("ptr %args", f"i64 {k}")) for k in range(5))
        none = f.load("ptr @none")
        size, given = f.call("PyList_Size", arrays, returns="i64"), _number(f, spec, 7)
        whole = f.do("add", f.do("add", given, _number(f, spec, 1)), "i64 1")
        with f.unless(f.equal(size, whole)):  # else it goes on
            f.call("PyList_SetSlice", arrays, given, size, NULL, returns="i32")
            for step in ("make_all", "pack_in"):
                with f.unless(f.equal(f.call(step, spec, arrays, numbers, context, returns="i32"), "i32 0")):
                    f.ret(NULL)
        code = f.call("PyLong_AsVoidPtr", _item(f, spec, 0))
        thread = f.call("PyEval_SaveThread")
        failed = f.call_at(code, arrays, returns="i64")
        f.call("PyEval_RestoreThread", thread, returns="void")
        with f.when(f.equal(failed, f"i64 {PAUSED}")), f.unless(f.equal(f.call("PyErr_Occurred"), NULL)):
            f.ret(NULL)
        with f.unless(f.equal(failed, "i64 0")):
            f.ret(f.call("PyLong_FromLong", failed))
        outputs = _item(f, spec, 5)
        with f.each(f.call("PyTuple_Size", outputs, returns="i64")) as k:
            at = f.call("PyLong_AsLongLong", f.call("PyTuple_GetItem", outputs, k), returns="i64")
            array = f.call("PyList_GetItem", arrays, at)
            f.call("Py_IncRef", array, returns="void")
            f.call("PyList_SetItem", out, k, array, returns="i32")
        f.call("Py_IncRef", none, returns="void")
        f.ret(none)


def _run(m: Module[Function]) -> None:
    """run(spec, arrays, numbers, context): as ``Call.__call__``."""
    with m.function("run", "ptr %self", "ptr %args", "i64 %n", exported=True) as f:
        spec, arrays, numbers, context = (f.load(f.at("ptr %args", f"i64 {k}")) for k in range(4))
        none, box = f.load("ptr @none"), f.local(count=5)
        with f.each(_number(f, spec, 7)) as k:
            kind = f.load(f.at(f.call("PyList_GetItem", arrays, k), "i64 8", "i8"))
            with f.unless(f.equal(kind, f.load("ptr @ndarray"))):
                f.call("Py_IncRef", none, returns="void")
                f.ret(none)
        out = f.call("PyList_New", f.call("PyTuple_Size", _item(f, spec, 5), returns="i64"))
        own, status = f.call("PyContext_Copy", context), f.local()
        f.store(NULL, status)
        with f.unless(f.do("or", f.equal(out, NULL), f.equal(own, NULL))):
            for n, v in enumerate((spec, arrays, numbers, own, out)):
                f.store(v, f.at(box, f"i64 {n}"))
            f.store(f.call("fill", NULL, box, "i64 5"), status)
        f.call("Py_DecRef", own, returns="void")
        done = f.load(status)
        with f.when(f.equal(done, none)):
            f.call("Py_DecRef", done, returns="void")
            f.ret(out)
        f.call("Py_DecRef", out, returns="void")
        f.ret(done)


def _load() -> tuple[Callable[..., Any], int]:
    module = Module(Function)
    for define in (_free, _make, _pooled, _pack, _make_all, _pack_in, _fill, _run):
        define(module)
    objects = {"unshared": unshared, "ndarray": np.ndarray, "none": None, "true": True}
    variables = (*objects, "empty")
    source = "\n".join([*[f"@{name} = global ptr null" for name in variables], str(module)])
    code = Extension(source, _API, variables, ("fill", "run"))
    code.number("empty", buffers.numpy_function(_EMPTY))
    for name, to in objects.items():
        code.point(name, to)
    return code.function("run", Call.__call__), code.address("fill")


def _as_known() -> bool:
    """Whether NumPy lays out flags and base of an array as the generated code expects."""
    whole = np.empty(2)
    part = whole[:1]
    part.flags.writeable = False
    flags = [ctypes.c_int32.from_address(id(a) + _FLAGS).value & _WRITEABLE for a in (whole, part)]
    bases = [ctypes.c_void_p.from_address(id(a) + _BASE).value for a in (whole, part)]
    return flags == [_WRITEABLE, 0] and bases == [None, id(whole)]


RUN = 0
"""Address of ``fill``, for other generated code."""
if AVAILABLE and _as_known():
    _builtin, RUN = _load()

    def _quickly(self: Call, arrays: list[Any], numbers: Sequence[Any]) -> Any:
        return _builtin(self.spec, arrays, numbers, buffers.context())

    def _into(self: Call, out: list[Any], arrays: list[Any], numbers: Sequence[Any]) -> None:
        call = map(_builtin, (self.spec,), (arrays,), (numbers,), (buffers.context(),))
        out.extend(call)

    Call.__call__, Call.into = _quickly, _into  # type: ignore[method-assign]
