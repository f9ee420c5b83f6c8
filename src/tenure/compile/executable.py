"""A compiled program, ready to run: one native call."""

from __future__ import annotations

import ctypes
import json
import struct
import threading
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakSet

import numpy as np

from tenure.compile.jit import Engine, Library, engine
from tenure.compile.late import late
from tenure.compile.objects import LAYOUT
from tenure.compile.stepwise import stepwise
from tenure.compile.target import checks_bounds
from tenure.errors import InternalError
from tenure.ir.program import Program
from tenure.ops.lowering import Product
from tenure.runtime import threads
from tenure.runtime.blas import blas
from tenure.runtime.buffers import empty
from tenure.runtime.lots import is_sole, unshared

MAIN = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)
PLAIN = {np.ndarray}
POOLED = 1 << 12
"""Bytes from which a buffer comes from the pool; NumPy keeps small ones itself, and is quicker with them."""


class Compiled:
    """A program as machine code. ``about`` says where its outputs come from.

    ``made`` are the shapes and dtypes of the arrays to make; ``outputs`` are slots: inputs first, then those;
    ``donors`` are pairs of a made array and the input whose buffer may serve, if only the call holds it; ``held``
    counts the calls in which it was not alone.
    """

    __slots__ = (
        "accesses",
        "arena",
        "call",
        "donors",
        "held",
        "library",
        "makers",
        "numbers",
        "outputs",
        "pack",
        "program",
    )

    def __init__(self, program: Program) -> None:
        self.program = program
        self.library = load(program)
        about = json.loads(ctypes.string_at(self.library.address("about")))
        self.call = MAIN(self.library.address("main"))
        weak = [aval.dtype.kind for aval in program.inputs if aval.weak]
        self.numbers = len(weak)
        self.pack = struct.Struct("=" + "".join(["d" if kind == "f" else "q" for kind in weak])).pack
        self.makers = [maker(tuple(shape), np.dtype(dtype)) for shape, dtype in about["made"]]
        self.donors: list[tuple[int, int]] = about["donors"]
        self.held: dict[int, int] = {}
        self.accesses: list[str] = about["accesses"]
        arrays = len(program.inputs) - self.numbers
        self.outputs = [s if s < arrays else s - self.numbers for s in about["outputs"]]
        self.arena = maker((about["arena"],), np.dtype(np.uint8))

    def __call__(self, arrays: list[Any], numbers: Sequence[Any] = ()) -> list[Any]:
        if not set(map(type, arrays)) <= PLAIN:
            return stepwise(self.program)(arrays, numbers)
        given = len(arrays)
        for make, shape, dtype in self.makers:
            arrays.append(make(shape, dtype))
        for k, donor in self.donors:
            base = arrays[donor].base
            if is_sole(arrays, donor) and arrays[donor].flags.writeable and (base is None or unshared(base)):
                arrays[given + k] = arrays[donor]
            else:
                self.held[donor] = self.held.get(donor, 0) + 1
        make, shape, dtype = self.arena
        arrays.append(self.pack(*numbers))
        arrays.append(make(shape, dtype))
        failed = self.call(id(arrays))
        if failed:
            if failed < 0:
                raise InternalError(f"{self.accesses[-failed - 1]}, is out of bounds")
            del arrays[given:]
            return stepwise(self.program)(arrays, numbers)
        return [arrays[k] for k in self.outputs]


def maker(shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Callable[..., Any], Any, Any]:
    """What makes an array: the pool, or NumPy where it is small."""
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    return (empty if size >= POOLED else np.empty), shape, dtype


def load(program: Program) -> Library:
    """The code of a program, from a cache if one has it."""
    products = any(isinstance(at.primitive.lower, Product) and at.aval.dtype.kind == "f" for at in program.instructions)
    found = linked(products)
    key = f"{LAYOUT} {checks_bounds()} {structure(program)}"
    return found.load(lambda: late("build").build(program, found.target.vector_bits), key=key)


def structure(program: Program) -> str:
    """All that the code of a program depends on."""
    n = len(program.inputs)
    lines = [" ".join(f"{aval}{'~' if aval.weak else ''}" for aval in program.inputs)]
    for k, at in enumerate(program.instructions, n):
        params = ",".join(f"{name}={value!r}" for name, value in at.params.items())
        lines.append(f"{k} {at.primitive.name} {at.operands} {params} {at.aval}")
    return "\n".join([*lines, str(program.outputs)])


def linked(products: bool = False) -> Engine:
    """The engine, with the runtime's entry points defined; BLAS only where it is needed, as it may be missing."""
    found = engine()
    with _linking:
        if found not in _linked:
            found.define("parallel", threads.address)
            _linked.add(found)
        if products and found not in _multiplying:
            library = blas()
            found.define("sgemm", library.sgemm, library)
            found.define("dgemm", library.dgemm, library)
            _multiplying.add(found)
    return found


_linking = threading.Lock()
_linked: WeakSet[Engine] = WeakSet()
_multiplying: WeakSet[Engine] = WeakSet()
