"""Derive the constants of Bessel's and Airy's functions: `python tools/cylinder.py` rewrites cylinder_constants.py.

Near the origin a function, less its logarithm, over the factors of its zeros, is a polynomial; far from it the factors
of the cosine, the sine or the exponential are (Abramowitz and Stegun, 9.2.5, 10.4.59 ff.).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minimax import TARGET, Polynomial, fit, mp, mpf, parts, show

NEAR, NEAR_K = mpf(8), mpf(2)
"""Up to here the first forms of J and Y, and of K, serve."""
NEAR_Y = mpf(4)
"""Beyond, up to NEAR, Y is a polynomial of its own, since its logarithm and the rest cancel."""
AIRY = {"LEFT": (mpf(-5), mpf(-2)), "MIDDLE": (mpf(-2), mpf("0.5")), "RIGHT": (mpf("0.5"), mpf(2))}
LEFT, RIGHT = -AIRY["LEFT"][0], AIRY["RIGHT"][1]
"""The parts of the first form of Ai, over its zeros there."""
WHOLE = (mpf(-1), mpf(1))
SQUARES = (mpf("1e-30"), mpf(1))


def roots(f: Any, *near: str) -> list[Any]:
    """The zeros of f next to these numbers."""
    return [mp.findroot(f, mpf(x)) for x in near]


J_ROOTS = [roots(lambda x: mp.besselj(0, x), "2.4", "5.5"), roots(lambda x: mp.besselj(1, x), "3.8", "7.0")]
AI_ROOTS = [roots(mp.airyai, "-2.3", "-4.1"), roots(lambda x: mp.airyai(x, derivative=1), "-3.2", "-4.8", "-1")]


def second(n: int, x: Any) -> Any:
    """Yₙ without its logarithm and its pole."""
    pole = 1 / x if n else 0
    return mp.bessely(n, x) - 2 / mp.pi * (mp.log(x) * mp.besselj(n, x) - pole)


def turned(n: int, x: Any) -> tuple[Any, Any]:
    """The factors of the cosine and of the sine in Jₙ, the second times x."""
    t, s = x - (2 * n + 1) * mp.pi / 4, mp.sqrt(mp.pi * x / 2)
    j, y = mp.besselj(n, x), mp.bessely(n, x)
    return s * (j * mp.cos(t) + y * mp.sin(t)), s * x * (y * mp.cos(t) - j * mp.sin(t))


def flat(f: Any) -> Any:
    """The weight of a relative error."""
    return lambda t: 1 / f(t)


def oscillating() -> Iterator[Polynomial]:
    """J and Y of order 0 and 1."""
    for n in (0, 1):

        def near_x(t: Any) -> Any:
            return NEAR * mp.sqrt((t + 1) / 2)

        def first(t: Any, n: int = n) -> Any:
            x = near_x(t) or mpf("1e-25")
            factors = mp.fprod((x - r) * (x + r) for r in J_ROOTS[n])
            return mp.besselj(n, x) / x**n / factors

        def rest(t: Any, n: int = n) -> Any:
            x = NEAR_Y * mp.sqrt((t + 1) / 2)
            return second(n, x) / x**n

        def between(t: Any, n: int = n) -> Any:
            return mp.bessely(n, NEAR_Y + (NEAR - NEAR_Y) * (t + 1) / 2)

        def cosine(w: Any, n: int = n) -> Any:
            return turned(n, NEAR / mp.sqrt(w))[0]

        def sine(w: Any, n: int = n) -> Any:
            return turned(n, NEAR / mp.sqrt(w))[1]

        over = " over x and" if n else " over"
        yield Polynomial(
            f"J{n}_NEAR",
            f"J{n}(x){over} the factors of its zeros, in x^2/32 - 1, x <= 8",
            first,
            flat(first),
            WHOLE,
            15,
        )
        yield Polynomial(
            f"Y{n}_NEAR",
            f"Y{n}(x) without logarithm and pole{' over x' * n}, in x^2/8 - 1, x <= 4",
            rest,
            lambda t: mpf(1),
            WHOLE,
            13,
        )
        yield Polynomial(f"Y{n}_BETWEEN", f"Y{n}(x), in x/2 - 3, 4 <= x <= 8", between, lambda t: mpf(2), WHOLE, 23)
        yield Polynomial(
            f"J{n}_COSINE",
            f"the factor of the cosine in J{n}(x), in (8/x)^2, x >= 8",
            cosine,
            flat(cosine),
            SQUARES,
            12,
        )
        yield Polynomial(
            f"J{n}_SINE",
            "x times that of the sine, in (8/x)^2, x >= 8",
            sine,
            lambda w: mpf(1) / 4,
            SQUARES,
            12,
        )


def grown(n: int, x: Any) -> Any:
    """eˣ·Kₙ(x), by the trapezoidal rule for ∫₀^∞ exp(x − x·cosh t)·cosh(n·t) dt."""
    step = min(mpf(1) / 16, mpf("0.35") / mp.sqrt(x))
    total, k, term = mpf("0.5"), 1, mpf(1)
    while term > mpf(10) ** -60:
        term = mp.exp(-2 * x * mp.sinh(k * step / 2) ** 2) * mp.cosh(n * k * step)
        total, k = total + term, k + 1
    return total * step


def decaying() -> Iterator[Polynomial]:
    """K of order 0 and 1."""
    for n in (0, 1):

        def near(t: Any, n: int = n) -> Any:
            x = NEAR_K * mp.sqrt((t + 1) / 2)
            log = mp.log(x / 2) * mp.besseli(n, x)
            return x * (mp.besselk(1, x) - log) if n else mp.besselk(0, x) + log

        def far(t: Any, n: int = n) -> Any:
            x = 2 * NEAR_K / (t + 1)
            return grown(n, x) * mp.sqrt(x)

        says = ("K0(x) + log(x/2) I0(x)", "x (K1(x) - log(x/2) I1(x))")[n]
        yield Polynomial(
            f"K{n}_NEAR",
            f"{says}, in x^2/2 - 1, x <= 2",
            near,
            flat(near) if n else lambda t: mpf(1),
            WHOLE,
            10,
        )
        yield Polynomial(f"K{n}_FAR", f"sqrt(x) exp(x) K{n}(x), in 4/x - 1, x >= 2", far, flat(far), WHOLE, 22)


def exponent(x: Any) -> Any:
    """2/3·x^(3/2)."""
    return mpf(2) / 3 * x * mp.sqrt(x)


def airy() -> Iterator[Polynomial]:
    """Ai and its derivative."""
    for n, name in enumerate(("AI", "AI_SLOPE")):

        def value(x: Any, n: int = n) -> Any:
            return mp.airyai(x, derivative=n)

        def far(t: Any, n: int = n, value: Any = value) -> Any:
            z = 2 * exponent(RIGHT) / (t + 1)
            x = (3 * z / 2) ** (mpf(2) / 3)
            return value(x) * mp.exp(z) * x ** (mpf(1 - 2 * n) / 4)

        def factors(w: Any, n: int = n, value: Any = value) -> tuple[Any, Any]:
            z = exponent(LEFT) / mp.sqrt(w)
            x = (3 * z / 2) ** (mpf(2) / 3)
            t, s = z - mp.pi / 4, mp.sqrt(mp.pi) * x ** (mpf(1 - 2 * n) / 4)
            a, b = value(-x), mp.airybi(-x, derivative=n)
            c, d = (mp.sin(t), mp.cos(t)) if n else (mp.cos(t), -mp.sin(t))
            return s * (a * c + b * d), z * s * (b * c - a * d)

        def cosine(w: Any, factors: Any = factors) -> Any:
            return factors(w)[0]

        def sine(w: Any, factors: Any = factors) -> Any:
            return factors(w)[1]

        f = ("Ai(x)", "Ai'(x)")[n]
        for part, (low, high) in AIRY.items():
            inside = [r for r in AI_ROOTS[n] if low < r < high]

            def near(t: Any, value: Any = value, low: Any = low, high: Any = high, inside: Any = inside) -> Any:
                x = (low + high) / 2 + (high - low) / 2 * t
                return value(x) / mp.fprod(x - r for r in inside)

            says = f"{f} over the factors of its zeros, {float(low)} <= x <= {float(high)}"
            yield Polynomial(f"{name}_{part}", says, near, flat(near), WHOLE, 21)
        yield Polynomial(
            f"{name}_FAR",
            f"{f} over its decay, in 2 z(2)/z(x) - 1, z = 2/3 x^(3/2), x >= 2",
            far,
            flat(far),
            WHOLE,
            22,
        )
        yield Polynomial(
            f"{name}_COSINE",
            f"the factor of the cosine in {f} (of the sine in Ai'), in (z(5)/z(-x))^2, x <= -5",
            cosine,
            flat(cosine),
            SQUARES,
            12,
        )
        yield Polynomial(
            f"{name}_SINE",
            "z times the other factor, in (z(5)/z(-x))^2, x <= -5",
            sine,
            lambda w: mpf(1) / 4,
            SQUARES,
            12,
        )


def source() -> str:
    """The text of cylinder_constants.py."""
    lines = ['"""Constants of Bessel and Airy functions: written by tools/cylinder.py; not edited by hand."""', ""]
    for family in (oscillating, decaying, airy):
        for p in family():
            values, error = fit(p)
            print(f"{p.name}: 2^{float(mp.log(error, 2)):.1f}", flush=True)
            lines += [show(p.name, values), f'"""{p.says}; weighted error 2^{float(mp.log(error, 2)):.1f}."""']
    zeros = {"J0": J_ROOTS[0], "J1": J_ROOTS[1], "AI": AI_ROOTS[0], "AI_SLOPE": AI_ROOTS[1]}
    for name, found in zeros.items():
        pairs = [f"    {tuple(parts(r, 53, 53))}," for r in found]
        lines += [f"{name}_ROOTS = (", *pairs, ")", '"""Zeros in two parts each."""']
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.with_name("cylinder_constants.py").write_text(source(), encoding="utf-8")
