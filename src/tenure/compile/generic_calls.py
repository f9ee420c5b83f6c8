"""Calls of an operation's generic functions on arrays: one instruction by itself."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from tenure.compile.rules import rule_of
from tenure.dtypes import as_dtype
from tenure.ir.applications import applied
from tenure.ir.aval import Aval
from tenure.ir.program import Instruction
from tenure.runtime.buffers import empty
from tenure.runtime.table_plan import CONSTANT, RESULT, TEMP

Array = np.ndarray[Any, Any]
GENERIC = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)


class Generic:
    """An instruction whose rule has calls, on arrays whose ranges were checked."""

    __slots__ = ("at",)

    def __init__(self, at: Instruction) -> None:
        self.at = at

    def __call__(self, *xs: Array, **params: Any) -> Array:
        aval, given = self.at.aval, [np.asarray(x, order="C") for x in xs]
        avals = tuple([Aval(x.shape, as_dtype(x.dtype)) for x in given])
        application = applied(self.at.primitive, self.at.params, avals)
        rule = rule_of(application).whole(application)
        out = empty(aval.shape, aval.dtype.numpy)
        constant = np.array([rule.number or 0], np.int64)
        temps = [empty(size, np.uint8) for size in rule.temps]
        held = {RESULT: out, CONSTANT: constant, **{TEMP - k: x for k, x in enumerate(temps)}}
        for call, numbers in zip(rule.calls, rule.numbers, strict=True):
            buffers = [(held[k] if k < 0 else given[k]).ctypes.data for k in call.spots]
            GENERIC(call.function.address)(
                (ctypes.c_int64 * len(buffers))(*buffers), numbers.buffer_info()[0] + 8
            )
        return out
