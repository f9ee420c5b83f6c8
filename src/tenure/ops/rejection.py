"""Random numbers by rejection: each element has draws of its own, of which it takes the first that is accepted.

Draw j of element i reads block (i + 2⁴⁸·j) of the stream of its operation (``ops.philox``), so that an element depends
on nothing but its parameters and its number. ``compile.rejection`` reproduces this, within the rounding of logarithms.

Sources: Marsaglia and Tsang, "A simple method for generating gamma variables", TOMS 26 (2000); Hörmann, "The
transformed rejection method for generating Poisson random variables", Insurance: Mathematics and Economics 12 (1993);
Hörmann, "The generation of binomial random variates", JSCS 46 (1993); Loader, "Fast and accurate computation of
binomial probabilities" (2000); Best and Fisher, "Efficient simulation of the von Mises distribution", JRSS C 28 (1979).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tenure.ops.philox import philox4x32

Array = np.ndarray[Any, Any]
DRAW = 48
"""The bits of an element's number in that of a block."""
MOST_DRAWS = 1 << 15
NARROW = 1e7
"""A concentration from which the von Mises distribution is normal, to 1e-7 of itself."""
FEW = 10.0
"""The mean from which counts are drawn by transformed rejection, below it by going through them."""
SMALL = 16
"""The least argument for which Stirling's series has all digits."""


class Stream:
    """The draws of elements: of some seed, operation number and positions."""

    def __init__(self, seed: Any, number: Any, position: Any) -> None:
        seed, number, position = np.broadcast_arrays(seed, number, position)
        self.key = _halves(seed.astype(np.int64).view(np.uint64))
        self.number = _halves(number.astype(np.int64).view(np.uint64))
        self.position, self.shape = position.astype(np.uint64), position.shape

    def words(self, draw: int) -> tuple[Array, ...]:
        """The four words of a draw."""
        block = self.position | np.uint64(draw << DRAW)
        return philox4x32((*_halves(block), *self.number), self.key)

    def pairs(self, draw: int) -> tuple[Array, Array]:
        """Two uniform float64 of [0, 1)."""
        a, b, c, d = self.words(draw)
        return double(a, b), double(c, d)


def _halves(x: Array) -> tuple[Array, Array]:
    return (x & np.uint64(0xFFFFFFFF)).astype(np.uint32), (x >> np.uint64(32)).astype(np.uint32)


def single(word: Array) -> Array:
    """A float32 of [0, 1) from 24 bits."""
    return (word >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def double(high: Array, low: Array) -> Array:
    """A float64 of [0, 1) from 53 bits."""
    wide = (high >> np.uint32(5)).astype(np.float64) * 2.0**26
    return (wide + (low >> np.uint32(6))) * 2.0**-53


Attempt = Callable[[int, list[Array]], tuple[list[Array], Array]]


def until_accepted(active: Array, held: list[Array], attempt: Attempt) -> list[Array]:
    """``attempt(draw, held)`` gives new numbers and which of them are rejected; each of the active elements keeps the
    first that are not."""
    for draw in range(MOST_DRAWS):
        if not active.any():
            break
        found, rejected = attempt(draw, held)
        held = [np.where(active, new, old) for new, old in zip(found, held, strict=True)]
        active = active & rejected
    return held


def gamma(alpha: Array, seed: Any, number: Any, position: Any, *, logarithm: bool) -> Array:
    """The gamma distribution of a concentration and rate 1, or the logarithm of such numbers."""
    real = alpha.dtype.type
    stream = Stream(seed, number, position)
    shape = np.broadcast_shapes(alpha.shape, stream.shape)
    alpha = np.broadcast_to(alpha, shape)
    below = alpha < 1
    d = np.where(below, alpha + real(1), alpha) - real(1 / 3)
    c = real(1) / np.sqrt(real(9) * d)

    def attempt(draw: int, held: list[Array]) -> tuple[list[Array], Array]:
        if real is np.float32:
            u0, u1, u, boost = (single(w) for w in stream.words(draw))
        else:
            (u0, u1), (u, boost) = stream.pairs(2 * draw), stream.pairs(2 * draw + 1)
        z = np.sqrt(real(-2) * np.log(real(1) - u0)) * np.cos(real(2 * math.pi) * u1)
        t = c * z
        most = real(0.5) * z * z + d * (real(3) * np.log1p(t) - t * (real(3) + t * (real(3) + t)))
        return [t, boost], (t <= -1) | (np.log(real(1) - u) >= most)

    zero = np.zeros(shape, alpha.dtype)
    t, boost = until_accepted(np.ones(shape, bool), [zero, zero], attempt)
    power = np.log(real(1) - boost) / alpha
    if logarithm:
        return np.asarray(np.log(d) + real(3) * np.log1p(t) + np.where(below, power, zero))
    x: Array = d * ((real(1) + t) * (real(1) + t) * (real(1) + t))
    return np.asarray(np.maximum(np.where(below, x * np.exp(power), x), np.finfo(real).tiny))


def log_factorial_rest(x: Array) -> Array:
    """log x! − (x·log x − x), by Stirling's series from 16 on."""
    far, near = np.maximum(x, SMALL), np.minimum(x, SMALL)
    inverse = 1 / far
    square = inverse * inverse
    series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)))
    factorial = np.vectorize(lambda n: math.lgamma(n + 1), otypes=[float])(np.maximum(near, 0)) if near.size else near
    small = factorial - near * np.log(np.maximum(near, 1)) + near
    return np.where(x < SMALL, small, 0.5 * np.log(2 * math.pi * far) + series)


def deviance(x: Array, mean: Array) -> Array:
    """x·log(x / mean) + mean − x, without the difference of large terms."""
    away = x - mean
    return np.where(x == 0, mean, x * np.log1p(away / mean) - away)


def poisson(rate: Array, seed: Any, number: Any, position: Any) -> Array:
    """Poisson counts, as floats."""
    dtype, stream = rate.dtype, Stream(seed, number, position)
    shape = np.broadcast_shapes(rate.shape, stream.shape)
    rate = np.broadcast_to(rate.astype(np.float64), shape)
    few = rate < FEW
    counts = _gone_through(stream, few, np.exp(-rate), lambda k: rate / k, shape)
    mean = np.where(few, FEW, rate)
    a, b, limit, scale = _table_mountain(mean)

    def attempt(draw: int, held: list[Array]) -> tuple[list[Array], Array]:
        u, v = stream.pairs(draw)
        u, v = u - 0.5, 1 - v
        edge = 0.5 - np.abs(u)
        k = np.floor((2 * a / edge + b) * u + mean + 0.43)
        least = np.log(v * scale / (a / (edge * edge) + b))
        unlikely = least > -log_factorial_rest(k) - deviance(k, mean)
        quick = (edge >= 0.07) & (v <= limit)
        return [k], ~quick & ((k < 0) | ((edge < 0.013) & (v > edge)) | unlikely)

    (many,) = until_accepted(rate >= FEW, [counts], attempt)
    return many.astype(dtype)


def _table_mountain(mean: Array) -> tuple[Array, Array, Array, Array]:
    """The numbers a, b, v_r and 1/α of PTRS."""
    b = 0.931 + 2.53 * np.sqrt(mean)
    return 0.02483 * b - 0.059, b, 0.9277 - 3.6224 / (b - 2), 1.1239 + 1.1328 / (b - 3.4)


def _gone_through(stream: Stream, active: Array, first: Array, ratio: Any, shape: tuple[int, ...]) -> Array:
    """The count at which the distribution function passes a uniform number, from the probability of 0 and the ratio of
    that of k to that of k − 1."""
    u = np.broadcast_to(stream.pairs(0)[0], shape)

    def attempt(draw: int, held: list[Array]) -> tuple[list[Array], Array]:
        k, p, total = held
        p = p * ratio(k + 1)
        return [k + 1, p, total + p], (u >= total + p) & (k < 400)

    zero = np.zeros(shape)
    return until_accepted(active & (u >= first), [zero, first, first], attempt)[0]


def binomial(count: Array, probability: Array, seed: Any, number: Any, position: Any) -> Array:
    """Binomial counts, as floats."""
    dtype, stream = count.dtype, Stream(seed, number, position)
    shape = np.broadcast_shapes(count.shape, probability.shape, stream.shape)
    n = np.broadcast_to(np.floor(count.astype(np.float64)), shape)
    p = np.broadcast_to(probability.astype(np.float64), shape)
    turned = p > 0.5
    p = np.where(turned, 1 - p, p)
    odds, few, enough = p / (1 - p), n * p < FEW, n * p >= FEW
    first = np.exp(n * np.log1p(-p))
    counts = _gone_through(stream, few, first, lambda k: np.maximum(n - k + 1, 0) / k * odds, shape)
    n, p = np.where(few, 4 * FEW, n), np.where(few, 0.5, p)
    mean, rest = n * p, n * (1 - p)
    spread = np.sqrt(mean * (1 - p))
    b = 1.15 + 2.53 * spread
    a, limit, scale = 0.0248 * b - 0.0873 + 0.01 * p, 0.92 - 4.2 / b, (2.83 + 5.1 / b) * spread
    mode = np.floor((n + 1) * p)

    def height(k: Array) -> Array:
        other = n - k
        return -log_factorial_rest(k) - log_factorial_rest(other) - deviance(k, mean) - deviance(other, rest)

    top = height(mode)

    def attempt(draw: int, held: list[Array]) -> tuple[list[Array], Array]:
        u, v = stream.pairs(draw)
        u, v = u - 0.5, 1 - v
        edge = 0.5 - np.abs(u)
        k = np.floor((2 * a / edge + b) * u + mean + 0.5)
        outside = (k < 0) | (k > n)
        quick = (edge >= 0.07) & (v <= limit)
        unlikely = np.log(v * scale / (a / (edge * edge) + b)) > height(k) - top
        return [k], outside | (~quick & unlikely)

    (many,) = until_accepted(enough, [counts], attempt)
    whole = np.floor(count.astype(np.float64))
    return np.where(turned, whole - many, many).astype(dtype)


def von_mises(concentration: Array, seed: Any, number: Any, position: Any) -> Array:
    """Angles of [−π, π] around 0. Beyond ``NARROW`` they are those of that concentration, made narrower as those of a
    normal distribution are: the terms by which a draw is rejected would round to nothing there."""
    dtype, stream = concentration.dtype, Stream(seed, number, position)
    shape = np.broadcast_shapes(concentration.shape, stream.shape)
    wanted = np.broadcast_to(concentration.astype(np.float64), shape)
    wide = wanted < NARROW
    kappa, width = np.where(wide, wanted, NARROW), np.where(wide, 1.0, np.sqrt(NARROW / np.where(wide, 1.0, wanted)))
    root = np.sqrt(1 + 4 * kappa * kappa)
    r = np.sqrt(1 + root)
    share = 2 * r / ((1 + root) * (r + math.sqrt(2)))
    rho = share * kappa
    inverse, height = 2 * rho / (1 + rho * rho), (1 + rho * rho) / (2 * share)

    def attempt(draw: int, held: list[Array]) -> tuple[list[Array], Array]:
        (u0, u1), (u2, _) = stream.pairs(2 * draw), stream.pairs(2 * draw + 1)
        z, u1 = np.cos(math.pi * u0), 1 - u1
        cosine = (inverse + z) / (1 + z * inverse)
        c = height * (1 - cosine * inverse)
        angle = np.arccos(np.minimum(np.maximum(cosine, -1), 1))
        rejected = (c * (2 - c) <= u1) & (np.log(c / u1) + 1 - c < 0)
        return [np.where(u2 < 0.5, -angle, angle)], rejected

    (found,) = until_accepted(wanted >= 0, [np.zeros(shape)], attempt)
    return (found * width).astype(dtype)
