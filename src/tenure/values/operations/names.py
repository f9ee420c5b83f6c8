"""Second names of functions: PyTorch's, NumPy's and the array API's."""

from tenure.values.operations.angles import acos as arccos
from tenure.values.operations.angles import acosh as arccosh
from tenure.values.operations.angles import asin as arcsin
from tenure.values.operations.angles import asinh as arcsinh
from tenure.values.operations.angles import atan as arctan
from tenure.values.operations.angles import atan2 as arctan2
from tenure.values.operations.angles import atanh as arctanh
from tenure.values.operations.arithmetic import clip as clamp
from tenure.values.operations.arithmetic import divide as div
from tenure.values.operations.arithmetic import multiply as mul
from tenure.values.operations.arithmetic import subtract as sub
from tenure.values.operations.bits import bitwise_not as bitwise_invert
from tenure.values.operations.comparison import equal as eq
from tenure.values.operations.comparison import greater as gt
from tenure.values.operations.comparison import greater_equal as ge
from tenure.values.operations.comparison import less as lt
from tenure.values.operations.comparison import less_equal as le
from tenure.values.operations.comparison import not_equal as ne
from tenure.values.operations.complexes import conj as conj_physical
from tenure.values.operations.differences import trapezoid as trapz
from tenure.values.operations.elementary import abs as absolute
from tenure.values.operations.elementary import negative as neg
from tenure.values.operations.elementary import sign as sgn
from tenure.values.operations.gammas import gammainc as igamma
from tenure.values.operations.gammas import gammaincc as igammac
from tenure.values.operations.gammas import multigammaln as mvlgamma
from tenure.values.operations.rounding import trunc as fix

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
    "conj_physical",
    "div",
    "eq",
    "fix",
    "ge",
    "gt",
    "igamma",
    "igammac",
    "le",
    "lt",
    "mul",
    "mvlgamma",
    "ne",
    "neg",
    "sgn",
    "sub",
    "trapz",
]
