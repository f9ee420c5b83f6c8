"""Elementary functions as LLVM IR, emitted inline for a scalar or a vector of float32 or float64.

Each is `function(b, x) -> ir.Value`; the type of x decides. At most 2 units in the last place from the true value (of
float64, 4 for the gamma function's, the modified Bessel functions and the normal quantile, 5 for other Bessel functions
and Airy's, beside zeros of the function's size elsewhere), special values as IEEE 754-2019 and the array
API standard say, and the same bits at every vector width and on every machine: no fast-math flags, no contraction,
fused multiply-adds only where they are written.

sin, cos, tan, Bessel's J and Y, Airy's function, lgamma, digamma, polygamma, gamma_slope, gammainc, ndtr of float32,
floor_divide, quotient, remainder, fmod, gcd, pow of integers and pow_uniform branch (on rare or uniform conditions), so
they leave the builder in another basic block. All others are straight-line code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenure.compile.math import arithmetic, bits, cylinder, exponential
from tenure.compile.math.bases import log2, log10
from tenure.compile.math.bessel import i0, i0e, i1, i1e
from tenure.compile.math.error import erf
from tenure.compile.math.gamma import digamma, lgamma, polygamma, sinc
from tenure.compile.math.hyperbolic import acosh, asinh, atanh, cosh, sinh
from tenure.compile.math.implicit import gamma_slope, gammainc
from tenure.compile.math.inverse import acos, asin, atan, atan2
from tenure.compile.math.logarithm import log, log1p
from tenure.compile.math.normal import erfc, erfcx, ndtr
from tenure.compile.math.power import pow, pow_uniform
from tenure.compile.math.quantile import erfinv, ndtri
from tenure.compile.math.trigonometric import cos, sin, tan

__all__ = ["FUNCTIONS", "pow", "pow_uniform"]

EXACT = (
    *(arithmetic.absolute, arithmetic.floor, arithmetic.floor_divide, arithmetic.maximum, arithmetic.minimum),
    *(arithmetic.quotient, arithmetic.remainder, arithmetic.sign, arithmetic.sqrt, arithmetic.unselected),
    *(bits.bitcast, bits.bitwise_not, bits.ceil, bits.copysign, bits.exponent, bits.fmod, bits.gcd, bits.left_shift),
    *(bits.mantissa, bits.nextafter, bits.order_key, bits.right_shift, bits.round, bits.signbit, bits.trunc),
)
CLOSE = (
    *(exponential.exp, exponential.exp2, exponential.exp_product, exponential.expm1, exponential.sigmoid),
    *(exponential.tanh, bits.hypot, log, log1p, log2, log10, sin, sinc, cos, tan, asin, acos, atan, atan2),
    *(sinh, cosh, asinh, acosh, atanh, erf, erfc, erfcx, erfinv, ndtr, ndtri, lgamma, digamma, polygamma),
    *(i0, i0e, i1, i1e, gamma_slope, gammainc),
)
FUNCTIONS: dict[str, Callable[..., Any]] = {f.__name__: f for f in (*EXACT, *CLOSE)} | cylinder.CYLINDER
FUNCTIONS |= {"power": pow}
"""By the name of the primitive. Those that take integers too have a keyword `signed`, which floats ignore."""
