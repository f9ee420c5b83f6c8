"""Programs run op by op, with the bits of compiled ones: what is not fused yet, or has failed.

    exp float32[4096, 10]          one native kernel for all sizes, made once for exp of float32
    add float32[4096, 10]          NumPy, which rounds as the processor does

Where NumPy's result is the one correctly rounded number, or a copy, NumPy computes it. The rest has kernels whose
sizes are arguments: elementary functions and random numbers over flat arrays, reductions as ``folds`` defines them.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from tenure.compile.jit import Library, engine
from tenure.compile.late import late
from tenure.compile.objects import LAYOUT
from tenure.dtypes import DType, as_dtype
from tenure.interp.interp import Interpreted, reference
from tenure.ir.aval import Aval
from tenure.ir.program import Instruction, Program
from tenure.ops.order import extent, runs
from tenure.runtime.blas import gemm
from tenure.runtime.buffers import empty

Array = np.ndarray[Any, Any]
MAP = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)
ROWS = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * 2)
COLUMNS = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * 3)


def stepwise(program: Program) -> Interpreted:
    """The executor."""
    return Interpreted(program, native)


def native(at: Instruction) -> Callable[..., Any]:
    """The function that computes an instruction with a compiled program's bits; that of whole numbers is NumPy's."""
    native = at.aval.dtype.kind == "f" and at.aval.size
    return at.primitive.lower.run(Native, at) if native else reference(at)


def mapped(at: Instruction, operands: tuple[Any, ...]) -> Array:
    """An elementwise operation: its kernel, over flat arrays of one size and single numbers."""
    shape, dtype = at.aval.shape, at.aval.dtype
    single = tuple([np.ndim(x) == 0 for x in operands])
    flat = [x if s else np.ascontiguousarray(np.broadcast_to(x, shape)) for x, s in zip(operands, single, strict=True)]
    avals = [Aval(() if s else (2,), as_dtype(x.dtype)) for x, s in zip(operands, single, strict=True)]
    params = {k: (2,) if k == "shape" else v for k, v in at.params.items()}
    key = f"map {at.primitive.name} {' '.join(map(str, avals))} {params} {LAYOUT}"
    out = empty(shape, dtype.numpy)
    flat.append(out)
    function(MAP, key, "map", lambda: late("maps").map_source(at, avals, params))(id(flat), out.size)
    return out


_functions: dict[str, tuple[Any, Library]] = {}


def function(kind: Any, key: str, name: str, source: Callable[[], Any]) -> Any:
    """A native function, by what it depends on; there are as many as there are operations and dtypes."""
    found = _functions.get(key)
    if found is None:
        library = engine().load(source, key=key)
        found = _functions[key] = kind(library.address(name)), library
    return found[0]


def folded(operation: str, x: Array, axes: tuple[int, ...]) -> Array:
    """A reduction: runs of neighbouring axes one after the other."""
    for run in runs(x.shape, axes):
        outer, n, inner = extent(x.shape, run)
        x = np.ascontiguousarray(x)
        out = empty(tuple([size for k, size in enumerate(x.shape) if k not in run]), x.dtype)
        sizes = (outer, n) if inner == 1 else (outer, n, inner)
        fold_function(operation, as_dtype(x.dtype), inner == 1)(x.ctypes.data, out.ctypes.data, *sizes)
        x = out
    return x if axes else np.array(x)


def fold_function(operation: str, dtype: DType, tail: bool) -> Any:
    """The reduction of contiguous data seen as (outer, n), or as (outer, n, inner)."""
    kind, name = (ROWS, "rows") if tail else (COLUMNS, "columns")
    key = f"fold {operation} {dtype.name} {tail}"
    return function(kind, key, name, lambda: late("generic").fold_source(operation, dtype, tail))


def multiplied(x: Array, y: Array, *, selects: int = 0, marks: bool = False) -> Array:
    """A matrix product on the runtime's threads, as programs call it."""
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    out = empty((*batch, x.shape[-2], y.shape[-1]), x.dtype)
    left, right, result = _stacked(x, batch), _stacked(y, batch), out.reshape(-1, *out.shape[-2:])
    if x.shape[-1]:
        gemm(left, right, result, selects=selects, marks=marks)
    else:
        out[...] = 0
    return out


def turned(x: Array, y: Array) -> Array:
    """The product by a transpose."""
    return multiplied(x, y.swapaxes(-1, -2))


def _stacked(x: Array, batch: tuple[int, ...]) -> Array:
    """Matrices along one leading axis, contiguous; one matrix serves for all."""
    if x.size == x.shape[-1] * x.shape[-2]:
        return np.ascontiguousarray(x).reshape(1, *x.shape[-2:])
    return np.ascontiguousarray(np.broadcast_to(x, (*batch, *x.shape[-2:]))).reshape(-1, *x.shape[-2:])


class Native:
    """Functions that compute an instruction on arrays: what kinds of lowering are handed to run op by op."""

    reference = staticmethod(reference)
    multiplied = staticmethod(multiplied)
    turned = staticmethod(turned)

    @staticmethod
    def mapped(at: Instruction) -> Callable[..., Any]:
        """An elementwise operation by its own kernel."""
        return lambda *xs, **params: mapped(at, xs)

    @staticmethod
    def folded(operation: str) -> Callable[..., Any]:
        """A reduction by the kernels of all sizes."""
        return lambda x, *, axes: folded(operation, x, axes)
