"""In-place methods as functions of the place, by PyTorch's names."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, Concatenate, ParamSpec, TypeVar

from tenure.values.places.writable import Writable
from tenure.values.trace.spelling import write_to_a_value

__all__ = [
    "abs_",
    "acos_",
    "acosh_",
    "arccos_",
    "arccosh_",
    "arcsin_",
    "arcsinh_",
    "arctan_",
    "arctanh_",
    "asin_",
    "asinh_",
    "atan_",
    "atanh_",
    "ceil_",
    "clamp_",
    "clamp_max_",
    "clamp_min_",
    "clip_",
    "cos_",
    "cosh_",
    "deg2rad_",
    "erf_",
    "erfc_",
    "exp2_",
    "exp_",
    "expm1_",
    "fill_",
    "fix_",
    "floor_",
    "frac_",
    "gcd_",
    "i0_",
    "index_put_",
    "lcm_",
    "ldexp_",
    "log1p_",
    "log2_",
    "log10_",
    "log_",
    "logit_",
    "nan_to_num_",
    "neg_",
    "negative_",
    "rad2deg_",
    "reciprocal_",
    "relu_",
    "round_",
    "rsqrt_",
    "sigmoid_",
    "sin_",
    "sinc_",
    "sinh_",
    "sqrt_",
    "square_",
    "tan_",
    "tanh_",
    "trunc_",
    "xlogy_",
    "zero_",
]

P = ParamSpec("P")
Place = TypeVar("Place")


def of(method: Callable[Concatenate[Any, P], Any]) -> Callable[Concatenate[Place, P], Place]:
    """Function that calls a method of the place that it is given (TN594 for a value)."""
    name = method.__name__

    def function(place: Place, /, *args: P.args, **kwargs: P.kwargs) -> Place:
        if not isinstance(place, Writable):
            raise write_to_a_value()
        found: Place = getattr(place, name)(*args, **kwargs)
        return found

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Write the result of ``{name[:-1]}`` to a place, as its method does; returns the place."
    if isinstance(method, FunctionType):
        function.__wrapped__ = method  # type: ignore[attr-defined]
    return function


abs_ = of(Writable.abs_)
acos_ = of(Writable.acos_)
acosh_ = of(Writable.acosh_)
arccos_ = of(Writable.arccos_)
arccosh_ = of(Writable.arccosh_)
arcsin_ = of(Writable.arcsin_)
arcsinh_ = of(Writable.arcsinh_)
arctan_ = of(Writable.arctan_)
arctanh_ = of(Writable.arctanh_)
asin_ = of(Writable.asin_)
asinh_ = of(Writable.asinh_)
atan_ = of(Writable.atan_)
atanh_ = of(Writable.atanh_)
ceil_ = of(Writable.ceil_)
clamp_ = of(Writable.clamp_)
clamp_max_ = of(Writable.clamp_max_)
clamp_min_ = of(Writable.clamp_min_)
clip_ = of(Writable.clip_)
cos_ = of(Writable.cos_)
cosh_ = of(Writable.cosh_)
deg2rad_ = of(Writable.deg2rad_)
erf_ = of(Writable.erf_)
erfc_ = of(Writable.erfc_)
exp2_ = of(Writable.exp2_)
exp_ = of(Writable.exp_)
expm1_ = of(Writable.expm1_)
fill_ = of(Writable.fill_)
fix_ = of(Writable.fix_)
floor_ = of(Writable.floor_)
frac_ = of(Writable.frac_)
gcd_ = of(Writable.gcd_)
i0_ = of(Writable.i0_)
index_put_ = of(Writable.index_put_)
lcm_ = of(Writable.lcm_)
ldexp_ = of(Writable.ldexp_)
log10_ = of(Writable.log10_)
log1p_ = of(Writable.log1p_)
log2_ = of(Writable.log2_)
log_ = of(Writable.log_)
logit_ = of(Writable.logit_)
nan_to_num_ = of(Writable.nan_to_num_)
neg_ = of(Writable.neg_)
negative_ = of(Writable.negative_)
rad2deg_ = of(Writable.rad2deg_)
reciprocal_ = of(Writable.reciprocal_)
relu_ = of(Writable.relu_)
round_ = of(Writable.round_)
rsqrt_ = of(Writable.rsqrt_)
sigmoid_ = of(Writable.sigmoid_)
sin_ = of(Writable.sin_)
sinc_ = of(Writable.sinc_)
sinh_ = of(Writable.sinh_)
sqrt_ = of(Writable.sqrt_)
square_ = of(Writable.square_)
tan_ = of(Writable.tan_)
tanh_ = of(Writable.tanh_)
trunc_ = of(Writable.trunc_)
xlogy_ = of(Writable.xlogy_)
zero_ = of(Writable.zero_)
