"""Programs run op by op, with the bits of compiled ones: what is not fused yet, or has failed.

    exp float32[4096, 10]          its generic kernel, made once for exp of float32
    add float32[4096, 10]          NumPy, which rounds as the processor does

Where NumPy's result is the one correctly rounded number, or a copy, NumPy computes it. The rest has generic
kernels: elementary functions, random numbers, and reductions as ``folds`` defines them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tenure.compile.generic_calls import Generic
from tenure.interp.interp import Interpreted, reference
from tenure.ir.program import Instruction, Program
from tenure.runtime.blas import gemm
from tenure.runtime.buffers import empty

Array = np.ndarray[Any, Any]


def stepwise(program: Program) -> Interpreted:
    """The executor."""
    return Interpreted(program, native)


def native(at: Instruction) -> Callable[..., Any]:
    """The function that computes an instruction with a compiled program's bits; that of whole numbers is NumPy's. It is
    kept with the application."""
    rules = at.application.rules
    if "native" not in rules:
        native = at.aval.dtype.kind == "f" and at.aval.size
        rules["native"] = at.primitive.lower.run(Native, at) if native else reference(at)
    return rules["native"]  # type: ignore[no-any-return]


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
    generic = Generic
    multiplied = staticmethod(multiplied)
    turned = staticmethod(turned)
