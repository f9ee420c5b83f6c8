"""Orthogonal polynomials and the zeta function: by mpmath, and by their orthogonality and derivatives."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import tenure as tn

AT = np.array([-1.7, -1.0, -0.3, 0.0, 0.6, 1.0, 2.4])
KINDS = {
    "chebyshev_polynomial_t": mpmath.chebyt,
    "chebyshev_polynomial_u": mpmath.chebyu,
    "chebyshev_polynomial_v": lambda n, x: mpmath.chebyu(n, x) - (mpmath.chebyu(n - 1, x) if n else 0),
    "chebyshev_polynomial_w": lambda n, x: mpmath.chebyu(n, x) + (mpmath.chebyu(n - 1, x) if n else 0),
    "hermite_polynomial_h": mpmath.hermite,
    "hermite_polynomial_he": lambda n, x: mpmath.hermite(n, x / mpmath.sqrt(2)) / mpmath.sqrt(2) ** n,
    "laguerre_polynomial_l": lambda n, x: mpmath.fsum(
        [mpmath.binomial(n, k) * (-x) ** k / mpmath.factorial(k) for k in range(n + 1)]
    ),
    "legendre_polynomial_p": mpmath.legendre,
}
KINDS |= {f"shifted_{k}": lambda n, x, f=f: f(n, 2 * x - 1) for k, f in KINDS.items() if k.startswith("cheb")}


@pytest.mark.parametrize("name", KINDS)
def test_values_and_slopes(name: str) -> None:
    function = getattr(tn.special, name)
    degrees = [-1, 0, 1, 2, 3, 6]
    for n in degrees:
        wanted = [float(KINDS[name](n, mpmath.mpf(x))) if n >= 0 else 0.0 for x in AT]
        np.testing.assert_allclose(function(tn.tensor(AT), n).numpy(), wanted, rtol=1e-12, atol=1e-12)
    several = function(tn.tensor(AT)[:, None], tn.tensor(degrees)).numpy()
    np.testing.assert_array_equal(several, np.stack([function(tn.tensor(AT), n).numpy() for n in degrees], -1))
    x = tn.tensor(AT, requires_grad=True)
    function(x, 5).sum().backward()
    wanted = [float(mpmath.diff(lambda y: KINDS[name](5, y), x)) for x in AT]
    np.testing.assert_allclose(np.asarray(x.grad), wanted, rtol=1e-8, atol=1e-8)


def test_zeta() -> None:
    x, q = np.array([1.0001, 1.5, 2, 7.5, 20, 50, 3]), np.array([2, 0.3, 1, 100, 1e-3, 3, 1e5])
    with mpmath.workdps(40):
        wanted = [float(mpmath.zeta(a, b)) for a, b in zip(x, q, strict=True)]
    np.testing.assert_allclose(tn.special.zeta(tn.tensor(x), tn.tensor(q)).numpy(), wanted, rtol=1e-13)
    at = tn.tensor([1.0, 0.5, 2.0, 2.0, 1.5, float("inf"), 1e4])
    special = tn.special.zeta(at, tn.tensor([2.0, 1, -1, -0.5, -0.5, 2, 1]))
    wanted = [np.inf, np.nan, np.inf, 4 + np.pi**2 / 2, np.nan, 0.0, 1.0]  # behind its poles below 0 for whole x only
    np.testing.assert_allclose(special.numpy(), np.array(wanted, "float32"), rtol=1e-6)
    a, b = tn.tensor(x[1:4], requires_grad=True), tn.tensor(q[1:4], requires_grad=True)
    tn.special.zeta(a, b).sum().backward()
    np.testing.assert_allclose(b.grad.numpy(), (-a * tn.special.zeta(a + 1, b)).detach().numpy(), rtol=1e-13)
    slopes = [float(mpmath.diff(lambda s, b=b: mpmath.zeta(s, b), a)) for a, b in zip(x[1:4], q[1:4], strict=True)]
    np.testing.assert_allclose(a.grad.numpy(), slopes, rtol=1e-10)
