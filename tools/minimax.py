"""Derive the constants of tenure.compile.math: `python tools/minimax.py` rewrites its coefficients.py.

Each polynomial is the weighted minimax approximation (Remez' exchange on a dense grid, in 60 digits with mpmath).
Its coefficients are rounded to the working precision one after the other, lowest power first, and those left are
fitted again (least squares) after each rounding, so that they make up for it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpmath import MPContext

mp = MPContext()
mp.dps = 60
mpf = mp.mpf
TARGET = Path(__file__).resolve().parent.parent / "src/tenure/compile/math/coefficients.py"
POINTS_PER_COEFFICIENT = 32
Function = Callable[[Any], Any]


@dataclass(frozen=True)
class Polynomial:
    """A polynomial of `degree` for `target` on `interval`; the error counts times `weight`."""

    name: str
    says: str
    target: Function
    weight: Function
    interval: tuple[Any, Any]
    degree: int
    single: bool = False


def to_single(x: Any) -> float:
    """The nearest float32."""
    return float(struct.unpack("f", struct.pack("f", float(x)))[0])


def grid(interval: tuple[Any, Any], count: int) -> list[Any]:
    """Chebyshev's points, the ends left out."""
    low, high = interval
    middle, half = (low + high) / 2, (high - low) / 2
    return [middle - half * mp.cos(mp.pi * (2 * i + 1) / (2 * count)) for i in range(count)]


def remez(xs: list[Any], fs: list[Any], ws: list[Any], powers: range) -> list[Any]:
    """Coefficients of the given powers that minimize max |w·(f − Σ c·xᵏ)| over the grid."""
    count = len(powers) + 1
    picks = [round((i + 0.5) * len(xs) / count) for i in range(count)]
    coefficients: list[Any] = []
    for _ in range(30):
        rows = [[xs[i] ** k * ws[i] for k in powers] + [mpf((-1) ** n)] for n, i in enumerate(picks)]
        *coefficients, level = mp.lu_solve(mp.matrix(rows), mp.matrix([fs[i] * ws[i] for i in picks]))
        errors = [w * (f - evaluate(coefficients, powers, x)) for x, f, w in zip(xs, fs, ws, strict=True)]
        worst = max(abs(e) for e in errors)
        peaks = alternating_peaks(errors)
        if worst <= abs(level) * mpf("1.001") or len(peaks) < count:
            break
        while len(peaks) > count:
            peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
        picks = peaks
    return coefficients


def evaluate(coefficients: list[Any], powers: range, x: Any) -> Any:
    """Σ c·xᵏ."""
    return sum((c * x**k for c, k in zip(coefficients, powers, strict=True)), mpf(0))


def alternating_peaks(errors: list[Any]) -> list[int]:
    """Where |error| is largest in each run of one sign."""
    peaks: list[int] = []
    for i, error in enumerate(errors):
        if not peaks or (error > 0) != (errors[peaks[-1]] > 0):
            peaks.append(i)
        elif abs(error) > abs(errors[peaks[-1]]):
            peaks[-1] = i
    return peaks


def least_squares(xs: list[Any], fs: list[Any], ws: list[Any], powers: range) -> list[Any]:
    """Coefficients of the given powers that minimize Σ (w·(f − Σ c·xᵏ))² over the grid."""
    columns = [[w * x**k for x, w in zip(xs, ws, strict=True)] for k in powers]
    rhs = [w * f for f, w in zip(fs, ws, strict=True)]
    gram = mp.matrix([[mp.fdot(a, b) for b in columns] for a in columns])
    return list(mp.lu_solve(gram, mp.matrix([mp.fdot(a, rhs) for a in columns])))


def fit(p: Polynomial) -> tuple[list[float], Any]:
    """The rounded coefficients, lowest power first, and the largest weighted error."""
    xs = grid(p.interval, POINTS_PER_COEFFICIENT * (p.degree + 2))
    targets, ws = [mpf(p.target(x)) for x in xs], [mpf(p.weight(x)) for x in xs]
    powers = range(p.degree + 1)
    exact = remez(xs, targets, ws, powers)
    rounded: list[float] = []
    for k in powers:
        c = to_single(exact[k]) if p.single else float(exact[k])
        rounded.append(c)
        higher = range(k + 1, p.degree + 1)
        if higher:
            lost = [(exact[k] - mpf(c)) * x**k for x in xs]
            for j, change in zip(higher, least_squares(xs, lost, ws, higher), strict=True):
                exact[j] += change
    errors = [w * (f - evaluate(rounded, powers, x)) for x, f, w in zip(xs, targets, ws, strict=True)]
    return rounded, max(abs(e) for e in errors)


def truncated(x: Any, bits: int) -> Any:
    """x with all but its leading bits cut off."""
    exponent = mp.floor(mp.log(abs(x), 2)) + 1 - bits
    return mp.floor(abs(x) / mpf(2) ** exponent) * mpf(2) ** exponent * mp.sign(x)


def parts(x: Any, *bits: int) -> list[float]:
    """x as a sum of floats with so many bits each, every one cut off, so that all have one sign."""
    found = []
    for count in bits:
        found.append(float(truncated(x, count)))
        x -= mpf(found[-1])
    return found


def pi_digits() -> int:
    """2/π · 2¹²¹⁶, cut off: for Payne and Hanek's reduction of the largest float64."""
    with mp.workprec(1400):
        return int(mp.floor(2 / mp.pi * mpf(2) ** 1216))


HALF_LN2 = mp.log(2) / 2 * mpf("1.0001")
ROOTS = (mp.sqrt(2) / 2 - 1, mp.sqrt(2) - 1)
SQUARE = (mpf(0), (ROOTS[1] / (2 + ROOTS[1])) ** 2)
EIGHTH = (mpf(0), (mp.pi / 4 * mpf("1.001")) ** 2)
SPLIT64 = mpf(1)
PARTS, PART = 16, mpf(17) / 64
NORMAL_PART, NORMAL_NEAR, MILLS_PART, MILLS_SHIFT = mpf(23) / 64, mpf(5), mpf(5) / 8, mpf(4)


def exp_rest(r: Any) -> Any:
    """(eʳ − 1 − r) / r²."""
    return (mp.expm1(r) - r) / r**2


def log_rest(f: Any) -> Any:
    """(log(1 + f) − f + f²/2) / f³."""
    return (mp.log1p(f) - f + f**2 / 2) / f**3


def log_ratio(z: Any, terms: int) -> Any:
    """log((1 + s) / (1 − s)) / s with s = √z, less its first terms, divided by zᵗᵉʳᵐˢ."""
    s = mp.sqrt(z)
    found = 2 * mp.atanh(s) / s
    for k in range(terms):
        found = (found - mpf(2) / (2 * k + 1)) / z
    return found


def sin_rest(z: Any) -> Any:
    """(sin(r) / r − 1) / z with r = √z."""
    r = mp.sqrt(z)
    return (mp.sin(r) / r - 1) / z


def cos_rest(z: Any) -> Any:
    """(cos(r) − 1 + z/2) / z² with r = √z."""
    return (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2


def erf_rest(z: Any) -> Any:
    """erf(x) / x − 1 with x = √z."""
    x = mp.sqrt(z)
    return mp.erf(x) / x - 1


def erfc_log(u: Any) -> Any:
    """log₂ erfc(1 + u)."""
    return mp.log(mp.erfc(1 + u), 2)


def erfc_weight(u: Any) -> Any:
    """What an error of log₂ erfc(1 + u) does to erf(1 + u), relatively."""
    return mp.erfc(1 + u) * mp.log(2) / mp.erf(1 + u)


def normal(x: Any) -> Any:
    """Φ(x), the standard normal distribution function."""
    return mp.erfc(-x / mp.sqrt(2)) / 2


def mills(a: Any) -> Any:
    """Φ(−a) · exp(a²/2): Mills' ratio over √(2π)."""
    return normal(-a) * mp.exp(a**2 / 2)


def polynomials() -> Iterator[Polynomial]:
    """Every polynomial of the library."""
    reduced, half = (-HALF_LN2, HALF_LN2), (mpf("-0.5001"), mpf("0.5001"))
    rest = "(e^r - 1 - r) / r^2, |r| <= log(2)/2"

    def relative_to_exp(r: Any) -> Any:
        return r**2 / mp.exp(r)

    def relative_to_expm1(r: Any) -> Any:
        return r**2 / mp.expm1(r)

    yield Polynomial("EXP_SINGLE", rest, exp_rest, relative_to_exp, reduced, 4, True)
    yield Polynomial("EXP_DOUBLE", rest, exp_rest, relative_to_exp, reduced, 9)
    yield Polynomial("EXPM1_SINGLE", rest, exp_rest, relative_to_expm1, reduced, 5, True)
    yield Polynomial("EXPM1_DOUBLE", rest, exp_rest, relative_to_expm1, reduced, 10)
    shifted = (-HALF_LN2 / 2, HALF_LN2 * 3 / 2)
    says = "(e^r - 1 - r) / r^2, -log(2)/4 <= r <= 3 log(2)/4"
    yield Polynomial("TANH_SINGLE", says, exp_rest, relative_to_expm1, shifted, 5, True)
    yield Polynomial("TANH_DOUBLE", says, exp_rest, relative_to_expm1, shifted, 10)

    def exp2_rest(r: Any) -> Any:
        return mp.expm1(r * mp.log(2)) / r

    def relative_to_exp2(r: Any) -> Any:
        return r / mpf(2) ** r

    says = "(2^r - 1) / r, |r| <= 1/2"
    yield Polynomial("EXP2_COARSE", says, exp2_rest, relative_to_exp2, half, 5, True)
    yield Polynomial("EXP2_MIDDLE", says, exp2_rest, relative_to_exp2, half, 6)
    yield Polynomial("EXP2_FINE", says, exp2_rest, relative_to_exp2, half, 10)
    yield from logarithms()
    yield from others()


def logarithms() -> Iterator[Polynomial]:
    """Those of log, log1p and pow."""
    says = "(log(1 + f) - f + f^2/2) / f^3, 1 + f from sqrt(1/2) to sqrt(2)"
    yield Polynomial("LOG_SINGLE", says, log_rest, lambda f: f**3 / mp.log1p(f), ROOTS, 7, True)
    says = "(2 atanh(s) / s - 2) / z, z = s^2 <= (3 - sqrt(8))^2"
    yield Polynomial("LOG_DOUBLE", says, lambda z: log_ratio(z, 1), lambda z: z / 2, SQUARE, 6)
    says = "((2 atanh(s) / s - 2) / z - 2/3) / z, z = s^2 <= (3 - sqrt(8))^2"
    yield Polynomial("LOG_EXTENDED", says, lambda z: log_ratio(z, 2), lambda z: z**2 / 2, SQUARE, 6)
    says = "log2(1 + f) / f, 1 + f from sqrt(1/2) to sqrt(2)"
    yield Polynomial(
        "LOG2_MIDDLE",
        says,
        lambda f: mp.log1p(f) / mp.log(2) / f,
        lambda f: f * mp.log(2) / mp.log1p(f),
        ROOTS,
        12,
    )


def others() -> Iterator[Polynomial]:
    """Those of sin, cos, erf and ndtr."""

    def relative_to_sin(z: Any) -> Any:
        return z * mp.sqrt(z) / mp.sin(mp.sqrt(z))

    def relative_to_cos(z: Any) -> Any:
        return z**2 / mp.cos(mp.sqrt(z))

    says = "(sin(r) / r - 1) / z, z = r^2 <= (pi/4)^2"
    yield Polynomial("SIN_SINGLE", says, sin_rest, relative_to_sin, EIGHTH, 2, True)
    yield Polynomial("SIN_DOUBLE", says, sin_rest, relative_to_sin, EIGHTH, 5)
    says = "(cos(r) - 1 + z/2) / z^2, z = r^2 <= (pi/4)^2"
    yield Polynomial("COS_SINGLE", says, cos_rest, relative_to_cos, EIGHTH, 2, True)
    yield Polynomial("COS_DOUBLE", says, cos_rest, relative_to_cos, EIGHTH, 5)

    def relative_to_erf(z: Any) -> Any:
        return mp.sqrt(z) / mp.erf(mp.sqrt(z))

    yield Polynomial("ERF_DOUBLE", "erf(x) / x - 1, z = x^2 <= 1", erf_rest, relative_to_erf, (mpf(0), SPLIT64**2), 11)
    says = "log2(erfc(1 + u)), 1 + u from 1 to 6"
    yield Polynomial("ERFC_DOUBLE", says, erfc_log, erfc_weight, (SPLIT64 - 1, mpf(5)), 18)

    def flat(t: Any) -> Any:
        a = MILLS_SHIFT * (1 + t) / (1 - t)
        return mills(a) * (a + MILLS_SHIFT)

    says = "Phi(-a) exp(a^2/2) (a + s), s = MILLS_SHIFT, in t = (a - s) / (a + s), a from 0 to 39"
    ts = (mpf(-1), (39 - MILLS_SHIFT) / (39 + MILLS_SHIFT))
    yield Polynomial("MILLS_DOUBLE", says, flat, lambda t: 1 / flat(t), ts, 23)
    yield from odd_functions()
    yield from gamma_functions()
    yield from bessel_functions()


def odd_functions() -> Iterator[Polynomial]:
    """Those of atan, asin and sinh: (f(x) / x − 1) / z with z = x²."""
    for name, f, limit, degree in (
        ("ATAN", mp.atan, mpf(1), 20),
        ("ASIN", mp.asin, mpf("0.2501"), 12),
        ("SINH", mp.sinh, mpf(1), 6),
    ):

        def rest(z: Any, f: Function = f) -> Any:
            return (f(mp.sqrt(z)) / mp.sqrt(z) - 1) / z

        def weight(z: Any, f: Function = f) -> Any:
            return z * mp.sqrt(z) / f(mp.sqrt(z))

        says = f"({name.lower()}(x) / x - 1) / z, z = x^2 <= {mp.nstr(limit, 4)}"
        yield Polynomial(f"{name}_DOUBLE", says, rest, weight, (mpf(0), limit), degree)


def gamma_functions() -> Iterator[Polynomial]:
    """Those of lgamma and digamma: near 2 and between 1 and 2, and for large arguments."""
    root = digamma_root()

    def lgamma(u: Any) -> Any:
        return mp.loggamma(u + 2) / (u * (u + 1))

    def digamma(u: Any) -> Any:
        return mp.digamma(u + mpf("1.5")) / (u + mpf("1.5") - root)

    def stirling(w: Any) -> Any:
        x = 1 / mp.sqrt(w)
        return (mp.loggamma(x) - (x - mpf("0.5")) * mp.log(x) + x - mp.log(2 * mp.pi) / 2) * x

    def digamma_far(w: Any) -> Any:
        x = 1 / mp.sqrt(w)
        return (mp.digamma(x) - mp.log(x) + 1 / (2 * x)) / w

    def relative_to_lgamma(w: Any) -> Any:
        return mp.sqrt(w) / mp.loggamma(1 / mp.sqrt(w))

    def relative_to_digamma(w: Any) -> Any:
        return w / mp.digamma(1 / mp.sqrt(w))

    middle = (mpf("-0.5"), mpf("0.5"))
    says = "log(gamma(2 + u)) / (u (u + 1)), |u| <= 1/2"
    yield Polynomial("LGAMMA_DOUBLE", says, lgamma, lambda u: 1 / lgamma(u), middle, 18)
    says = "x (log(gamma(x)) - (x - 1/2) log(x) + x - log(2 pi)/2), in 1/x^2, x >= 8"
    yield Polynomial("STIRLING_DOUBLE", says, stirling, relative_to_lgamma, (mpf(0), mpf(1) / 64), 6)
    says = "digamma(y) / (y - DIGAMMA_ROOT), y = 3/2 + u, |u| <= 1/2"
    yield Polynomial("DIGAMMA_DOUBLE", says, digamma, lambda u: 1 / digamma(u), middle, 20)
    says = "x^2 (digamma(x) - log(x) + 1/(2x)), in 1/x^2, x >= 10"
    yield Polynomial("DIGAMMA_FAR", says, digamma_far, relative_to_digamma, (mpf(0), mpf("0.01")), 6)


def digamma_root() -> Any:
    """The positive root of digamma."""
    return mp.findroot(mp.digamma, mpf("1.46"))


def bessel_functions() -> Iterator[Polynomial]:
    """Those of the modified Bessel functions of the first kind, of order 0 and 1: up to 8, and beyond."""
    for n in (0, 1):

        def near(z: Any, n: int = n) -> Any:
            return (mp.besseli(n, 2 * mp.sqrt(z)) / z ** (mpf(n) / 2) - 1) / z

        def relative(z: Any, n: int = n) -> Any:
            return z ** (1 + mpf(n) / 2) / mp.besseli(n, 2 * mp.sqrt(z))

        def far(t: Any, n: int = n) -> Any:
            x = 16 / (t + 1)
            return mp.besseli(n, x) * mp.exp(-x) * mp.sqrt(x)

        says = f"(I{n}(x) / (x/2)^{n} - 1) / z, z = (x/2)^2 <= 16"
        yield Polynomial(f"BESSEL_NEAR_{n}", says, near, relative, (mpf(0), mpf(16)), 16)
        def relative_far(t: Any, far: Function = far) -> Any:
            return 1 / far(t)

        says = f"sqrt(x) exp(-x) I{n}(x), in 16/x - 1, x >= 8"
        yield Polynomial(f"BESSEL_FAR_{n}", says, far, relative_far, (mpf(-1), mpf(1)), 22)


Table = tuple[list[list[float]], Any]
"""For each power, of each part, a coefficient; and the largest relative error."""


def erf_parts() -> Table:
    """The coefficients of erf(n·PART + r) − r for each part n.

    A polynomial in r about the middle of a part; that of the first has no constant term, so that erf(r) / r is close.
    """
    half, columns, worst = PART / 2 * mpf("1.0001"), [], mpf(0)
    for n in range(PARTS):
        middle = n * PART

        def rest(r: Any, middle: Any = middle) -> Any:
            return (mp.erf(middle + r) - r) / (1 if middle else r)

        def weight(r: Any, middle: Any = middle) -> Any:
            return (1 if middle else r) / mp.erf(middle + r)

        interval = (-half, half) if n else (half / 1000, half)
        values, error = fit(Polynomial("ERF_PARTS", "", rest, weight, interval, 5 if n else 4, True))
        columns.append(values if n else [0.0, *values])
        worst = max(worst, error)
    return [list(row) for row in zip(*columns, strict=True)], worst


def normal_parts() -> Table:
    """Those of Φ(−n·NORMAL_PART − r); the error is that up to NORMAL_NEAR."""
    half, columns, worst = NORMAL_PART / 2 * mpf("1.0001"), [], mpf(0)
    for n in range(PARTS):

        def tail(r: Any, middle: Any = n * NORMAL_PART) -> Any:
            return normal(-middle - r)

        def weight(r: Any, tail: Function = tail) -> Any:
            return 1 / tail(r)

        interval = (-half if n else mpf(0), half)
        values, error = fit(Polynomial("", "", tail, weight, interval, 7, True))
        columns.append(values)
        worst = max(worst, error) if n * NORMAL_PART + half < NORMAL_NEAR else worst
    return [list(row) for row in zip(*columns, strict=True)], worst


def mills_parts() -> Table:
    """Those of Mills' ratio of n·MILLS_PART + r, the first as a sum of two floats; n by its last four bits."""
    half, columns, worst = MILLS_PART / 2 * mpf("1.0001"), [], mpf(0)
    for n in (*range(16, 24), *range(8, 16)):
        middle = n * MILLS_PART
        high = to_single(mills(middle))

        def slope(r: Any, middle: Any = middle) -> Any:
            return (mills(middle + r) - mills(middle)) / r

        def weight(r: Any, middle: Any = middle) -> Any:
            return r / mills(middle + r)

        values, error = fit(Polynomial("", "", slope, weight, (-half, half), 5, True))
        columns.append([to_single(mills(middle) - mpf(high)), high, *values])
        worst = max(worst, error)
    return [list(row) for row in zip(*columns, strict=True)], worst


def show(name: str, values: list[float]) -> str:
    """A tuple of floats as Python source, in one line if it fits."""
    line = f"{name} = ({', '.join(map(repr, values))})"
    return line if len(line) <= 120 else "\n".join([f"{name} = (", *numbers(values, "    "), ")  # fmt: skip"])


def show_table(name: str, rows: list[list[float]]) -> str:
    """A tuple of tuples of floats as Python source."""
    lines = [line for row in rows for line in ("    (", *numbers(row, "        "), "    ),")]
    return "\n".join([f"{name} = (", *lines, ")  # fmt: skip"])


def numbers(values: list[float], indent: str) -> list[str]:
    """Lines of source of the elements of a tuple, four a line."""
    return [f"{indent}{', '.join(map(repr, values[k : k + 4]))}," for k in range(0, len(values), 4)]


def source() -> str:
    """The text of coefficients.py."""
    lines = [
        '"""Constants of the elementary functions: written by tools/minimax.py, which says how; not edited by hand.',
        "",
        "Polynomials have their coefficients lowest power first; a constant in parts is their sum.",
        '"""',
        "",
        f"SPLIT_DOUBLE = {float(SPLIT64)!r}",
        '"""The point at which erf changes from its series to the logarithm of erfc."""',
        f"PART = {float(PART)!r}",
        f"NORMAL_PART = {float(NORMAL_PART)!r}",
        f"NORMAL_NEAR = {float(NORMAL_NEAR)!r}",
        '"""Up to here the parts say what Φ(−a) is."""',
        f"NORMAL_DENSITY = {float(1 / mp.sqrt(2 * mp.pi))!r}",
        '"""The density at 0, 1 / sqrt(2 pi)."""',
        f"MILLS_SHIFT = {float(MILLS_SHIFT)!r}",
        f"MILLS_PART = {float(MILLS_PART)!r}",
    ]
    for p in polynomials():
        values, error = fit(p)
        print(f"{p.name}: 2^{float(mp.log(error, 2)):.1f}")
        lines += [show(p.name, values), f'"""{p.says}; weighted error 2^{float(mp.log(error, 2)):.1f}."""']
    for name, says, parts_of in (
        ("ERF_PARTS", "erf(PART n + r) - r, by the power of r, n from 0 to 15", erf_parts),
        ("NORMAL_PARTS", "Phi(-a), a = NORMAL_PART n + r, by the power of r, n from 0 to 15", normal_parts),
        (
            "MILLS_PARTS",
            "Phi(-a) exp(a^2/2), a = MILLS_PART n + r, n = 16 to 23, 8 to 15; first what rounding lost",
            mills_parts,
        ),
    ):
        table, error = parts_of()
        print(f"{name}: 2^{float(mp.log(error, 2)):.1f}")
        lines += [show_table(name, table), f'"""{says}; relative error 2^{float(mp.log(error, 2)):.1f}."""']
    ln2, pi = mp.log(2), mp.pi
    for name, says, values in (
        ("LN2_SINGLE", "log(2), the first part with 15 bits", parts(ln2, 15, 24)),
        ("LN2_DOUBLE", "log(2), the first part with 42 bits", parts(ln2, 42, 53)),
        ("LN2_EXTENDED", "log(2), the first part with 42 bits", parts(ln2, 42, 42, 53)),
        ("TWO_THIRDS", "2/3", parts(mpf(2) / 3, 53, 53)),
        ("HALF_PI_SINGLE", "pi/2", parts(pi / 2, 24, 24, 24)),
        ("HALF_PI_DOUBLE", "pi/2", parts(pi / 2, 53, 53, 53)),
        ("SQRT_2", "sqrt(2)", parts(mp.sqrt(2), 53, 53)),
        ("LOG2_E", "1 / log(2)", parts(1 / ln2, 53, 53)),
        ("LOG10_E", "1 / log(10)", parts(1 / mp.log(10), 53, 53)),
        ("LOG10_2", "log10(2), the first part with 42 bits", parts(mp.log10(2), 42, 53)),
        ("DIGAMMA_ROOT", "the positive root of digamma", parts(digamma_root(), 53, 53)),
    ):
        lines += [show(name, values), f'"""{says}."""']
    digits = f"{pi_digits():x}"
    rows = [f'    "{digits[i : i + 96]}"' for i in range(0, len(digits), 96)]
    lines += ["TWO_OVER_PI = int(", *rows[:-1], rows[-1] + ",", "    16,", ")"]
    lines += ['"""2/pi · 2^1216, cut off."""']
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(source(), encoding="utf-8")
