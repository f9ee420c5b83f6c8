"""``tn.special``: PyTorch's names for special functions."""

from tenure.values.angles import exp2, sinc
from tenure.values.elementary import erf, expm1, log1p, ndtr
from tenure.values.elementary import sigmoid as expit
from tenure.values.reductions import logsumexp
from tenure.values.rounding import round
from tenure.values.special import (
    digamma,
    entr,
    erfc,
    erfinv,
    i0,
    i0e,
    i1,
    i1e,
    logit,
    polygamma,
    xlog1py,
    xlogy,
)
from tenure.values.special import digamma as psi
from tenure.values.special import lgamma as gammaln

__all__ = [
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfinv",
    "exp2",
    "expit",
    "expm1",
    "gammaln",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "log1p",
    "logit",
    "logsumexp",
    "ndtr",
    "polygamma",
    "psi",
    "round",
    "sinc",
    "xlog1py",
    "xlogy",
]
