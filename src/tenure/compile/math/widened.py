"""float32 by way of float64: one rounding, of a result that is exact to some thirty bits more."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from llvmlite import ir

from tenure.compile.math.lanes import Lanes

__all__ = ["in_double"]


def in_double(emit: Callable[..., ir.Value]) -> Callable[..., ir.Value]:
    """Emitter for both formats from ``emit(v, *operands)`` for float64 lanes ``v``."""

    @wraps(emit)
    def function(b: ir.IRBuilder, *xs: Any) -> ir.Value:
        v = Lanes(b, xs[0].type)
        if not v.single:
            return emit(v, *xs)
        w = v.wide()
        return b.fptrunc(emit(w, *[b.fpext(x, w.type) for x in xs]), v.type)

    return function
