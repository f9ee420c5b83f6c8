"""Calls of generic kernels: an instruction on arrays of any shape, by the one function of its rank class.

    add float32[3, 5] float32[5]   and   add float32[100, 7] float32[7]     call one function

A rank class is the primitive with the parameters that hold no extent, the dtypes and ranks, and which operands are
vectors along the last axis. A reduction has one for each operation and dtype: it is called for each run of axes.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from tenure.compile.jit import Library, engine
from tenure.compile.late import late
from tenure.dtypes import as_dtype
from tenure.ir.aval import Aval
from tenure.ir.program import Instruction
from tenure.ops.order import extent, runs
from tenure.runtime.buffers import empty

Array = np.ndarray[Any, Any]
GENERIC = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
functions: dict[str, tuple[Any, Library]] = {}
"""The compiled functions, by rank class."""


def call_generic(at: Instruction, arrays: Sequence[Array]) -> Array:
    """The result of an instruction whose ranges were checked."""
    xs = [np.asarray(x) for x in arrays]
    if not at.primitive.lower.reduces:
        return called(at, xs, at.params, at.aval)
    (x,) = xs
    for run in runs(x.shape, at.params["axes"]):
        sizes = extent(x.shape, run)
        kept = tuple([n for k, n in enumerate(x.shape) if k not in run])
        whole = np.ascontiguousarray(x).reshape(sizes)
        found = called(at, [whole], {"axes": (1,)}, Aval((sizes[0], sizes[2]), as_dtype(x.dtype)))
        x = found.reshape(kept)
    return x if at.params["axes"] else np.array(x)


def called(at: Instruction, xs: Sequence[Array], params: Any, ans: Aval) -> Array:
    """The generic kernel on arrays."""
    primitive, lower = at.primitive, at.primitive.lower
    lanes = vectors(xs, ans.shape) if lower.inline and lower.alike else None
    avals = [Aval((2,) * x.ndim, as_dtype(x.dtype)) for x in xs]
    result = Aval((2,) * ans.ndim, ans.dtype)
    kinds = " ".join(map(str, [*avals, result]))
    key = f"generic {primitive.name} {kinds} {lanes} {sorted(primitive.traits.sized(None, params).items())}"
    if key not in functions:
        engine_ = engine()
        library = engine_.load(
            lambda: late("generic_kernels").generic_source(
                primitive, params, avals, result, lanes, engine_.target.vector_bits
            ),
            key=key,
        )
        functions[key] = GENERIC(library.address("generic")), library
    out = empty(ans.shape, ans.dtype.numpy)
    numbers = [n for x in xs for n in (*x.shape, *steps(x))]
    numbers += [*ans.shape, *lower.parts([x.shape for x in xs], params)]
    addresses = (ctypes.c_void_p * (len(xs) + 1))(*[x.ctypes.data for x in xs], out.ctypes.data)
    functions[key][0](addresses, (ctypes.c_int64 * len(numbers))(*numbers))
    return out


def steps(x: Array) -> list[int]:
    """The strides in elements, 0 along axes of size 1, whatever index is taken there."""
    return [0 if n == 1 else s // x.itemsize for n, s in zip(x.shape, x.strides, strict=True)]


def vectors(xs: Sequence[Array], shape: tuple[int, ...]) -> tuple[bool, ...] | None:
    """Which operands are vectors along the last axis, the others single numbers; None if some are neither."""
    if not shape:
        return None
    out = []
    for x in xs:
        single = x.ndim == 0 or x.shape[-1] == 1
        if x.size and not single and x.strides[-1] != x.itemsize:
            return None
        out.append(not single)
    return tuple(out)
