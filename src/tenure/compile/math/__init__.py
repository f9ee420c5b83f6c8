"""Elementary functions as LLVM IR, emitted inline for a scalar or a vector of float32 or float64.

Each is `function(b, x) -> ir.Value`; the type of x decides. At most 2 units in the last place from the true value,
special values as IEEE 754-2019 and the array API standard say, and the same bits at every vector width and on
every machine: no fast-math flags, no contraction, fused multiply-adds only where they are written.

sin, cos, ndtr of float32, floor_divide, remainder, pow of integers and pow_uniform branch (on rare or uniform
conditions), so they leave the builder in another basic block. All others are straight-line code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenure.compile.math.arithmetic import (
    absolute,
    floor,
    floor_divide,
    maximum,
    minimum,
    remainder,
    sign,
    sqrt,
    unselected,
)
from tenure.compile.math.error import erf
from tenure.compile.math.exponential import exp, exp_product, expm1, sigmoid, tanh
from tenure.compile.math.logarithm import log, log1p
from tenure.compile.math.normal import ndtr
from tenure.compile.math.power import pow, pow_uniform
from tenure.compile.math.trigonometric import cos, sin

__all__ = [
    "FUNCTIONS",
    "absolute",
    "cos",
    "erf",
    "exp",
    "exp_product",
    "expm1",
    "floor",
    "floor_divide",
    "log",
    "log1p",
    "maximum",
    "minimum",
    "ndtr",
    "pow",
    "pow_uniform",
    "remainder",
    "sigmoid",
    "sign",
    "sin",
    "sqrt",
    "tanh",
    "unselected",
]

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "absolute": absolute,
    "cos": cos,
    "erf": erf,
    "exp": exp,
    "exp_product": exp_product,
    "expm1": expm1,
    "floor": floor,
    "floor_divide": floor_divide,
    "log": log,
    "log1p": log1p,
    "maximum": maximum,
    "minimum": minimum,
    "ndtr": ndtr,
    "power": pow,
    "remainder": remainder,
    "sigmoid": sigmoid,
    "sign": sign,
    "sin": sin,
    "sqrt": sqrt,
    "tanh": tanh,
    "unselected": unselected,
}
"""By the name of the primitive. Those that take integers too have a keyword `signed`, which floats ignore."""
