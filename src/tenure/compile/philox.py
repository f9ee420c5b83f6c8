"""Random numbers in native code: the same streams as ``ops.philox``, element by element."""

from __future__ import annotations

from math import pi
from typing import TYPE_CHECKING, Any

from llvmlite import ir

from tenure import dtypes
from tenure.dtypes import DType

if TYPE_CHECKING:
    from tenure.compile.elements import Emitter

I64 = ir.IntType(64)
LOW = 0xFFFFFFFF
ROUNDS = 10
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)


class Words:
    """Arithmetic on 64-bit words in all lanes; constants are Python ints."""

    def __init__(self, e: Emitter) -> None:
        self.e = e

    def of(self, x: Any, like: Any) -> Any:
        """A constant, or a word, as wide as another word."""
        if isinstance(x, int):
            x = ir.Constant(I64, x if x < 2**63 else x - 2**64)
        return self.e.like(x, like)

    def op(self, name: str, x: Any, y: Any) -> Any:
        """One instruction."""
        x, y = self.e.level(x, self.of(y, x))
        return getattr(self.e.b, name)(x, y)

    def low(self, x: Any) -> Any:
        """The low half."""
        return self.op("and_", x, LOW)

    def high(self, x: Any) -> Any:
        """The high half."""
        return self.op("lshr", x, 32)


def block(w: Words, seed: Any, number: Any, counter: Any) -> list[Any]:
    """The four 32-bit words of a block, each in 64 bits. Source: Salmon et al., SC'11."""
    c = [w.low(counter), w.high(counter), w.low(number), w.high(number)]
    k = [w.low(seed), w.high(seed)]
    for _ in range(ROUNDS):
        p0, p1 = w.op("mul", c[0], MULTIPLIERS[0]), w.op("mul", c[2], MULTIPLIERS[1])
        c = [
            w.op("xor", w.op("xor", w.high(p1), c[1]), k[0]),
            w.low(p1),
            w.op("xor", w.op("xor", w.high(p0), c[3]), k[1]),
            w.low(p0),
        ]
        k = [w.low(w.op("add", k[n], WEYL[n])) for n in range(2)]
    return c


def element(e: Emitter, name: str, seed: Any, number: Any, position: Any, **params: Any) -> Any:
    """The element of a stream at a position."""
    w = Words(e)
    if name == "integers":
        return integer(w, seed, number, position, params["low"], params["count"])
    dtype: DType = params["dtype"]
    if name == "uniform":
        return uniform(w, seed, number, position, dtype)
    return normal(w, seed, number, position, dtype)


def choose(w: Words, bit: Any, zero: Any, one: Any) -> Any:
    """one where the bit is set, else zero."""
    return w.e.select(w.e.compare("!=", bit, w.of(0, bit)), one, zero)


def uniform(w: Words, seed: Any, number: Any, position: Any, dtype: DType) -> Any:
    """[0, 1)."""
    if dtype.itemsize == 4:
        c = block(w, seed, number, w.op("lshr", position, 2))
        odd, upper = w.op("and_", position, 1), w.op("and_", position, 2)
        return from_word(w, choose(w, upper, choose(w, odd, c[0], c[1]), choose(w, odd, c[2], c[3])))
    c = block(w, seed, number, w.op("lshr", position, 1))
    odd = w.op("and_", position, 1)
    return from_pair(w, choose(w, odd, c[0], c[2]), choose(w, odd, c[1], c[3]))


def from_word(w: Words, x: Any) -> Any:
    """A float32 from 24 bits."""
    u = w.e.cast(w.op("lshr", x, 8), dtypes.float32, dtypes.int32)
    return w.e.multiply(u, w.e.number(2.0**-24, u))


def from_pair(w: Words, high: Any, low: Any) -> Any:
    """A float64 from 53 bits."""
    bits = w.op("or_", w.op("shl", w.op("lshr", high, 5), 26), w.op("lshr", low, 6))
    u = w.e.cast(bits, dtypes.float64, dtypes.int64)
    return w.e.multiply(u, w.e.number(2.0**-53, u))


def normal(w: Words, seed: Any, number: Any, position: Any, dtype: DType) -> Any:
    """Standard normal, by Box and Muller's transform of two neighbours of the uniform stream."""
    e = w.e
    if dtype.itemsize == 4:
        c = block(w, seed, number, w.op("lshr", position, 2))
        second = w.op("and_", position, 2)
        u, v = (from_word(w, choose(w, second, c[k], c[k + 2])) for k in range(2))
    else:
        c = block(w, seed, number, w.op("lshr", position, 1))
        u, v = from_pair(w, c[0], c[1]), from_pair(w, c[2], c[3])
    logarithm = e.call("log", e.subtract(e.number(1, u), u))
    radius = e.call("sqrt", e.multiply(e.number(-2, u), logarithm))
    angle = e.multiply(e.number(dtype.numpy.type(2 * pi).item(), v), v)
    odd = w.op("and_", position, 1)
    return e.multiply(radius, choose(w, odd, e.call("cos", angle), e.call("sin", angle)))


def integer(w: Words, seed: Any, number: Any, position: Any, low: Any, n: Any) -> Any:
    """low + ⌊word · n / 2⁶⁴⌋, by halves; n is modulo 2⁶⁴, and 0 for all words."""
    c = block(w, seed, number, w.op("lshr", position, 1))
    odd = w.op("and_", position, 1)
    upper, lower = choose(w, odd, c[0], c[2]), choose(w, odd, c[1], c[3])
    few, many = w.low(n), w.high(n)
    middle = w.op("add", w.op("mul", upper, few), w.high(w.op("mul", lower, few)))
    carry = w.op("add", w.op("mul", lower, many), w.low(middle))
    product = w.op("add", w.op("mul", upper, many), w.op("add", w.high(middle), w.high(carry)))
    count, word = w.e.level(n, w.op("or_", w.op("shl", upper, 32), lower))
    return w.op("add", choose(w, count, word, product), low)
