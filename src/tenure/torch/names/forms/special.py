"""Special functions without a gradient, computed by NumPy in float64: Bessel functions, zeta.

Bessel functions are their integrals (DLMF 10.9, 10.32), by rules that converge faster than any power where the
integrand is periodic or decays doubly exponentially.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

import tenure as tn
from tenure.dtypes import promote
from tenure.torch.errors import TorchTypeError, refuse
from tenure.torch.names.forms.arithmetic import default

Array = Any
__all__ = ["by_array"]


def by_array(fn: Callable[..., Array], *xs: Any) -> Any:
    """A function of arrays, element by element, in the dtype of its arguments; whole numbers become floats."""
    dtype = None
    for x in xs:
        if isinstance(x, tn.Tensor):
            dtype = x.dtype if dtype is None else promote(dtype, x.dtype)
    if dtype is None:
        raise refuse("special functions take a tensor", TorchTypeError)
    dtype = dtype if dtype.has_gradient else default()
    arrays = [np.asarray(x.numpy() if isinstance(x, tn.Tensor) else x, dtype=np.float64) for x in
              (tn.detach(x).to(tn.float64) if isinstance(x, tn.Tensor) else x for x in xs)]  # fmt: skip
    with np.errstate(all="ignore"):
        return tn.tensor(np.asarray(fn(*np.broadcast_arrays(*arrays))), dtype=dtype)


def _integral(f: Callable[[Array, Array], Array], x: Array, low: float, high: float) -> Array:
    """The integral of f(x, t) over t, for each x."""
    points, weights = _rule()
    t = (high - low) / 2 * points + (high + low) / 2
    return (high - low) / 2 * (f(x[..., None], t) @ weights)


@cache
def _rule() -> tuple[Array, Array]:
    """Points and weights of Gauss and Legendre's rule."""
    return np.polynomial.legendre.leggauss(400)


def _periodic(f: Callable[[Array, Array], Array], x: Array, count: int = 400) -> Array:
    """The mean of f(x, t) over t in [0, π], of an even periodic f."""
    t = np.pi * (np.arange(count) + 0.5) / count
    return f(x[..., None], t).mean(axis=-1)


def bessel_j0(x: Array) -> Array:
    """The Bessel function of the first kind of order 0."""
    return _periodic(lambda x, t: np.cos(x * np.sin(t)), x)


def bessel_j1(x: Array) -> Array:
    """The Bessel function of the first kind of order 1."""
    return _periodic(lambda x, t: np.cos(t - x * np.sin(t)), x)


def _second_kind(x: Array, order: int) -> Array:
    first = _integral(lambda x, t: np.sin(x * np.sin(t) - order * t), x, 0.0, np.pi) / np.pi
    sign = 1 if order == 0 else -1
    top = np.arcsinh(750 / np.maximum(x, 1e-300))[..., None]
    points, weights = _rule()
    s = (points + 1) / 2 * top
    f = (np.exp(order * s) + sign * np.exp(-order * s)) * np.exp(-x[..., None] * np.sinh(s))
    found = first - top[..., 0] / 2 * (f @ weights) / np.pi
    return np.where(x > 0, found, np.where(x == 0, -np.inf, np.nan))


def bessel_y0(x: Array) -> Array:
    """The Bessel function of the second kind of order 0."""
    return _second_kind(x, 0)


def bessel_y1(x: Array) -> Array:
    """The Bessel function of the second kind of order 1."""
    return _second_kind(x, 1)


def modified_bessel_i0(x: Array) -> Array:
    """The modified Bessel function of the first kind of order 0."""
    return np.exp(np.abs(x)) * _periodic(lambda x, t: np.exp(np.abs(x) * (np.cos(t) - 1)), x)


def modified_bessel_i1(x: Array) -> Array:
    """The modified Bessel function of the first kind of order 1."""
    grown = _periodic(lambda x, t: np.exp(np.abs(x) * (np.cos(t) - 1)) * np.cos(t), x)
    return np.sign(x) * np.exp(np.abs(x)) * grown


def _scaled_third(x: Array, order: int) -> Array:
    """exp(x) times the modified Bessel function of the second kind."""
    top = np.arccosh(1 + 750 / np.maximum(x, 1e-300))[..., None]
    s = np.linspace(0, 1, 2000) * top
    f = np.exp(x[..., None] * (1 - np.cosh(s))) * np.cosh(order * s)
    found = np.trapezoid(f, s, axis=-1)
    return np.where(x > 0, found, np.where(x == 0, np.inf, np.nan))


def scaled_modified_bessel_k0(x: Array) -> Array:
    """exp(x) times the modified Bessel function of the second kind of order 0."""
    return _scaled_third(x, 0)


def scaled_modified_bessel_k1(x: Array) -> Array:
    """exp(x) times the modified Bessel function of the second kind of order 1."""
    return _scaled_third(x, 1)


def modified_bessel_k0(x: Array) -> Array:
    """The modified Bessel function of the second kind of order 0."""
    return np.exp(-x) * _scaled_third(x, 0)


def modified_bessel_k1(x: Array) -> Array:
    """The modified Bessel function of the second kind of order 1."""
    return np.exp(-x) * _scaled_third(x, 1)


def airy_ai(x: Array) -> Array:
    """The Airy function Ai, by its integral along a line of steepest descent (DLMF 9.5)."""
    t = np.linspace(-12, 12, 4000)
    shift = np.sqrt(np.maximum(x, 0.25))[..., None]
    z = shift + 1j * t
    low = np.minimum(x, 0)
    right = np.trapezoid(np.exp(z**3 / 3 - x[..., None] * z).real, t, axis=-1) / (2 * np.pi)
    return np.where(low < -100, np.nan, right)


def zeta(x: Array, q: Array) -> Array:
    """The Hurwitz zeta function, by Euler and Maclaurin's sum."""
    terms = 12
    total = sum((q + k) ** -x for k in range(terms))
    a = q + terms
    total = total + a ** (1 - x) / (x - 1) + a**-x / 2
    factor, power = x, a ** (-x - 1)
    for k, b in enumerate(BERNOULLI, start=1):
        total = total + b * factor * power
        factor, power = factor * (x + 2 * k - 1) * (x + 2 * k), power / a**2
    pole, undefined = (q <= 0) & (q == np.floor(q)), (q <= 0) & (x != np.floor(x))
    return np.where(x == 1, np.inf, np.where(x < 1, np.nan, np.where(pole, np.inf, np.where(undefined, np.nan, total))))


BERNOULLI = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600)
"""Bernoulli's numbers over factorials, of even index."""


__all__ += ["airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "modified_bessel_i0"]
__all__ += ["modified_bessel_i1", "modified_bessel_k0", "modified_bessel_k1", "scaled_modified_bessel_k0"]
__all__ += ["scaled_modified_bessel_k1", "zeta"]
