"""Calls of generic kernels: an instruction on arrays of any shape, by the one function of its rank class.

    add float32[3, 5] float32[5]   and   add float32[100, 7] float32[7]     call one function

A rank class is the primitive with the parameters that hold no extent, the dtypes and ranks, and which operands are
vectors along the last axis; elementwise operations on arrays of one shape are of rank 1. A reduction has one for each
operation and dtype: it is called for each run of axes.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
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
Lanes = tuple[bool, ...] | None
GENERIC = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
functions: dict[str, tuple[Any, Library]] = {}
"""The compiled functions, by rank class."""


class Generic:
    """An instruction, called with arrays of any shape whose ranges were checked; ``known`` are its functions."""

    __slots__ = ("aval", "known", "lower", "numpy", "params", "primitive")

    def __init__(self, at: Instruction) -> None:
        self.primitive, self.lower, self.params, self.aval = at.primitive, at.primitive.lower, at.params, at.aval
        self.numpy = at.aval.dtype.numpy
        self.known: dict[Any, Any] = {}

    def __call__(self, *xs: Array, **params: Any) -> Array:
        shape = self.aval.shape
        if self.lower.reduces:
            return self.reduced(*xs)
        if not self.lower.alike:
            lanes = None if any(x.ndim for x in xs) else (False,) * len(xs)
            return self.called(xs, self.params, shape, lanes)
        if all(x.size == 1 or (x.shape == shape and x.flags.c_contiguous) for x in xs):
            flat = [x.reshape(-1) if x.ndim else x for x in xs]
            return self.called(flat, self.params, (self.aval.size,), vectors(flat)).reshape(shape)
        return self.called(xs, self.params, shape, vectors(xs))

    def reduced(self, x: Array) -> Array:
        """Runs of neighbouring axes one after the other."""
        axes = self.params["axes"]
        for run in runs(x.shape, axes):
            sizes = extent(x.shape, run)
            kept = tuple([n for k, n in enumerate(x.shape) if k not in run])
            whole = np.ascontiguousarray(x).reshape(sizes)
            x = self.called([whole], {"axes": (1,)}, (sizes[0], sizes[2]), None).reshape(kept)
        return x if axes else np.array(x)

    def called(self, xs: Sequence[Array], params: Mapping[str, Any], shape: tuple[int, ...], lanes: Lanes) -> Array:
        """The generic kernel on arrays."""
        key = (lanes, *[(x.ndim, x.dtype.num) for x in xs])
        function = self.known.get(key)
        if function is None:
            function = self.known[key] = self.function(xs, params, len(shape), lanes)
        out = empty(shape, self.numpy)
        numbers: list[int] = []
        for x in xs:
            numbers += x.shape
            numbers += steps(x)
        numbers += shape
        numbers += self.lower.parts([x.shape for x in xs], params)
        addresses = [x.ctypes.data for x in xs]
        addresses.append(out.ctypes.data)
        function((ctypes.c_int64 * len(addresses))(*addresses), (ctypes.c_int64 * len(numbers))(*numbers))
        return out

    def function(self, xs: Sequence[Array], params: Mapping[str, Any], rank: int, lanes: Lanes) -> Any:
        """The function of the rank class of some arrays."""
        avals = [Aval((2,) * x.ndim, as_dtype(x.dtype)) for x in xs]
        ans = Aval((2,) * rank, self.aval.dtype)
        kinds = " ".join(map(str, [*avals, ans]))
        sized = sorted(self.primitive.traits.sized(None, params).items())
        key = f"generic {self.primitive.name} {kinds} {lanes} {sized}"
        if key not in functions:
            bits = engine().target.vector_bits
            given = (self.primitive, params, avals, ans, lanes, bits)
            library = engine().load(lambda: late("generic_kernels").generic_source(*given), key=key)
            functions[key] = GENERIC(library.address("generic")), library
        return functions[key][0]


def steps(x: Array) -> list[int]:
    """The strides in elements, 0 along axes of size 1, whatever index is taken there."""
    size = x.itemsize
    return [0 if n == 1 else s // size for n, s in zip(x.shape, x.strides, strict=True)]


def vectors(xs: Sequence[Array]) -> Lanes:
    """The operands that are vectors along the last axis, the others single numbers; None if some are neither."""
    out = []
    for x in xs:
        single = x.ndim == 0 or x.shape[-1] == 1
        if x.size and not single and x.strides[-1] != x.itemsize:
            return None
        out.append(not single)
    return tuple(out)
