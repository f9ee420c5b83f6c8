"""Second names of functions: PyTorch's, NumPy's and the array API's."""

from tenure.values.angles import acos as arccos
from tenure.values.angles import acosh as arccosh
from tenure.values.angles import asin as arcsin
from tenure.values.angles import asinh as arcsinh
from tenure.values.angles import atan as arctan
from tenure.values.angles import atan2 as arctan2
from tenure.values.angles import atanh as arctanh
from tenure.values.arithmetic import clip as clamp
from tenure.values.arithmetic import divide as div
from tenure.values.arithmetic import multiply as mul
from tenure.values.arithmetic import subtract as sub
from tenure.values.bits import bitwise_not as bitwise_invert
from tenure.values.comparison import equal as eq
from tenure.values.comparison import greater as gt
from tenure.values.comparison import greater_equal as ge
from tenure.values.comparison import less as lt
from tenure.values.comparison import less_equal as le
from tenure.values.comparison import not_equal as ne
from tenure.values.elementary import abs as absolute
from tenure.values.elementary import negative as neg
from tenure.values.elementary import sign as sgn
from tenure.values.rounding import trunc as fix

__all__ = [
    "absolute",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "bitwise_invert",
    "clamp",
    "div",
    "eq",
    "fix",
    "ge",
    "gt",
    "le",
    "lt",
    "mul",
    "ne",
    "neg",
    "sgn",
    "sub",
]
