"""``tn.special``: PyTorch's names for special functions."""

from tenure.values.operations.angles import exp2, sinc
from tenure.values.operations.elementary import erf, expm1, log1p, ndtr
from tenure.values.operations.elementary import sigmoid as expit
from tenure.values.operations.exponentials import log_softmax, softmax
from tenure.values.operations.gammas import gammainc, gammaincc, multigammaln
from tenure.values.operations.reductions import logsumexp
from tenure.values.operations.rounding import round
from tenure.values.operations.special import (
    digamma,
    entr,
    erfc,
    erfcx,
    erfinv,
    i0,
    i0e,
    i1,
    i1e,
    log_ndtr,
    logit,
    ndtri,
    polygamma,
    xlog1py,
    xlogy,
)
from tenure.values.operations.special import digamma as psi
from tenure.values.operations.special import lgamma as gammaln

__all__ = [
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfcx",
    "erfinv",
    "exp2",
    "expit",
    "expm1",
    "gammainc",
    "gammaincc",
    "gammaln",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "log1p",
    "log_ndtr",
    "log_softmax",
    "logit",
    "logsumexp",
    "multigammaln",
    "ndtr",
    "ndtri",
    "polygamma",
    "psi",
    "round",
    "sinc",
    "softmax",
    "xlog1py",
    "xlogy",
]
