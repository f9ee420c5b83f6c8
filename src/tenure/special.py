"""``tn.special``: PyTorch's names for special functions."""

from tenure.values.operations.angles import exp2, sinc
from tenure.values.operations.elementary import erf, expm1, log1p, ndtr
from tenure.values.operations.elementary import sigmoid as expit
from tenure.values.operations.exponentials import log_softmax, softmax
from tenure.values.operations.gammas import gammainc, gammaincc, multigammaln, zeta
from tenure.values.operations.polynomials import (
    chebyshev_polynomial_t,
    chebyshev_polynomial_u,
    chebyshev_polynomial_v,
    chebyshev_polynomial_w,
    hermite_polynomial_h,
    hermite_polynomial_he,
    laguerre_polynomial_l,
    legendre_polynomial_p,
    shifted_chebyshev_polynomial_t,
    shifted_chebyshev_polynomial_u,
    shifted_chebyshev_polynomial_v,
    shifted_chebyshev_polynomial_w,
)
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
    "chebyshev_polynomial_t",
    "chebyshev_polynomial_u",
    "chebyshev_polynomial_v",
    "chebyshev_polynomial_w",
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
    "hermite_polynomial_h",
    "hermite_polynomial_he",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "laguerre_polynomial_l",
    "legendre_polynomial_p",
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
    "shifted_chebyshev_polynomial_t",
    "shifted_chebyshev_polynomial_u",
    "shifted_chebyshev_polynomial_v",
    "shifted_chebyshev_polynomial_w",
    "sinc",
    "softmax",
    "xlog1py",
    "xlogy",
    "zeta",
]
