"""The vocabulary of the elementary functions: arithmetic on a scalar or a vector of one float type.

Constants are written as Python numbers and become splats; `fma` is fused always, everything else never.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from llvmlite import ir

__all__ = [
    "DOUBLE", "SINGLE", "Builder", "Format", "Lanes", "Unsigned", "element", "like", "outlined", "splat", "unsigned",
]  # fmt: skip

I32 = ir.IntType(32)


class Unsigned(ir.IntType):  # type: ignore[misc]
    """An integer type whose numbers have no sign; LLVM writes it, and compares it, as any other of its width."""

    _instance_cache: ClassVar[dict[int, ir.Type]] = {}


class Builder(ir.IRBuilder):  # type: ignore[misc]
    """An IRBuilder for a machine whose vector registers have so many bits, of x86-64 if more than 128."""

    def __init__(self, block: ir.Block, registers: int) -> None:
        super().__init__(block)
        self.registers = registers


@dataclass(frozen=True)
class Format:
    """An IEEE 754 binary format."""

    float: Any
    integer: Any
    bits: int
    fraction: int
    """Stored bits of the significand."""
    bias: int

    @property
    def one(self) -> int:
        """The bits of 1.0."""
        return self.bias << self.fraction

    @property
    def smallest_normal(self) -> float:
        """2^(1 − bias)."""
        return 2.0 ** (1 - self.bias)

    @property
    def magic(self) -> float:
        """1.5 · 2^fraction: adding it rounds to a whole number, which then stands in the low bits."""
        return 1.5 * 2.0**self.fraction


TWO_CHAINS = 8
"""From so many coefficients on the latency of one chain costs more than another multiplication."""

SINGLE = Format(ir.FloatType(), ir.IntType(32), 32, 23, 127)
DOUBLE = Format(ir.DoubleType(), ir.IntType(64), 64, 52, 1023)


def element(type_: Any) -> Any:
    """The type of one lane."""
    return type_.element if isinstance(type_, ir.VectorType) else type_


def unsigned(type_: Any) -> bool:
    """Whether the lanes are unsigned integers or bools."""
    lane = element(type_)
    return isinstance(lane, Unsigned) or lane == ir.IntType(1)


def like(type_: Any, lane: Any) -> Any:
    """A type with the lanes of `type_`, each a `lane`."""
    return ir.VectorType(lane, type_.count) if isinstance(type_, ir.VectorType) else lane


def splat(type_: Any, value: float) -> ir.Value:
    """A constant of the type, the same in all lanes; a vector's is printed once, not once a lane."""
    lane = element(type_)
    one = ir.Constant(lane, value)
    if lane is type_:
        return one
    # llvmlite takes the text of a scalar only.
    ans = ir.FormattedConstant(lane, f"splat ({lane} {one.get_reference()})")
    ans.type = type_
    return ans


def outlined(module: ir.Module, signature: ir.FunctionType, name: str) -> ir.Function:
    """A function that stays within its module and is not inlined."""
    function = ir.Function(module, signature, name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    return function


class Lanes:
    """Emits float arithmetic for values of one type (a scalar or a vector of float32 or float64).

    Operands are values of that type, or Python numbers. Nothing here traps, and nothing yields poison on NaN.
    """

    def __init__(self, b: ir.IRBuilder, type_: Any) -> None:
        self.b = b
        self.type = type_
        lane = element(type_)
        if lane not in (SINGLE.float, DOUBLE.float):
            raise TypeError(f"elementary functions take float32 or float64, not {lane}")
        self.format = SINGLE if lane == SINGLE.float else DOUBLE
        self.integers = like(type_, self.format.integer)
        self.registers: int = b.registers if isinstance(b, Builder) else 128

    @property
    def single(self) -> bool:
        """Whether the lanes are float32."""
        return self.format is SINGLE

    def wide(self) -> Lanes:
        """The same lanes in float64."""
        return Lanes(self.b, like(self.type, DOUBLE.float))

    def number(self, x: Any) -> ir.Value:
        """x, where it is a value, else its splat."""
        return splat(self.type, float(x)) if isinstance(x, int | float) else x

    def whole(self, x: Any) -> ir.Value:
        """The same for integers of the lanes' width, by their bits."""
        if not isinstance(x, int):
            return x
        half = 1 << (self.format.bits - 1)
        return splat(self.integers, ((x + half) % (2 * half)) - half)

    def add(self, x: Any, y: Any) -> ir.Value:
        """x + y."""
        return self.b.fadd(self.number(x), self.number(y))

    def sub(self, x: Any, y: Any) -> ir.Value:
        """x − y."""
        return self.b.fsub(self.number(x), self.number(y))

    def mul(self, x: Any, y: Any) -> ir.Value:
        """x · y."""
        return self.b.fmul(self.number(x), self.number(y))

    def div(self, x: Any, y: Any) -> ir.Value:
        """x / y."""
        return self.b.fdiv(self.number(x), self.number(y))

    def neg(self, x: Any) -> ir.Value:
        """−x."""
        return self.b.fneg(x)

    def call(self, name: str, *operands: Any) -> ir.Value:
        """An LLVM intrinsic of operands and result of this type."""
        lanes = f"v{self.type.count}" if isinstance(self.type, ir.VectorType) else ""
        full = f"llvm.{name}.{lanes}f{self.format.bits}"
        function = self.b.module.globals.get(full)
        if function is None:
            signature = ir.FunctionType(self.type, [self.type] * len(operands))
            function = ir.Function(self.b.module, signature, full)
        return self.b.call(function, [self.number(x) for x in operands])

    def fma(self, x: Any, y: Any, z: Any) -> ir.Value:
        """x · y + z, rounded once."""
        return self.call("fma", x, y, z)

    def fabs(self, x: Any) -> ir.Value:
        """|x|."""
        return self.call("fabs", x)

    def copysign(self, x: Any, sign: Any) -> ir.Value:
        """|x| with the sign of the other."""
        return self.call("copysign", x, sign)

    def horner(self, x: Any, coefficients: Sequence[float]) -> ir.Value:
        """Σ cₖ·xᵏ, a fused multiply-add a coefficient; long ones as two chains, of even and of odd powers."""
        if len(coefficients) >= TWO_CHAINS:
            square = self.mul(x, x)
            return self.fma(self._chain(square, coefficients[1::2]), x, self._chain(square, coefficients[::2]))
        return self._chain(x, coefficients)

    def _chain(self, x: Any, coefficients: Sequence[float]) -> ir.Value:
        *rest, last = coefficients
        ans = self.number(last)
        for c in reversed(rest):
            ans = self.fma(ans, x, c)
        return ans

    def compare(self, relation: str, x: Any, y: Any) -> ir.Value:
        """x < y and the like: false beside a NaN."""
        return self.b.fcmp_ordered(relation, self.number(x), self.number(y))

    def unordered(self, x: Any) -> ir.Value:
        """Whether x is NaN."""
        return self.b.fcmp_unordered("uno", x, x)

    def select(self, condition: Any, x: Any, y: Any) -> ir.Value:
        """x where the condition holds, else y."""
        return self.b.select(condition, self.number(x), self.number(y))

    def at_most(self, x: Any, bound: float) -> ir.Value:
        """min(x, bound); NaN stays."""
        return self.select(self.compare(">", x, bound), bound, x)

    def at_least(self, x: Any, bound: float) -> ir.Value:
        """max(x, bound); NaN stays."""
        return self.select(self.compare("<", x, bound), bound, x)

    def bits(self, x: Any) -> ir.Value:
        """The bits of x, as integers."""
        return self.b.bitcast(x, self.integers)

    def from_bits(self, i: Any) -> ir.Value:
        """The floats that have these bits."""
        return self.b.bitcast(i, self.type)

    def shift_left(self, i: Any, count: int) -> ir.Value:
        """i · 2^count."""
        return self.b.shl(i, self.whole(count))

    def shift_right(self, i: Any, count: int) -> ir.Value:
        """⌊i / 2^count⌋ of an unsigned i."""
        return self.b.lshr(i, self.whole(count))

    def any(self, condition: Any) -> ir.Value:
        """Whether the condition holds in some lane."""
        if not isinstance(self.type, ir.VectorType):
            return condition
        mask = ir.IntType(self.type.count)
        return self.b.icmp_unsigned("!=", self.b.bitcast(condition, mask), ir.Constant(mask, 0))

    def rarely(self, condition: Any, ordinary: ir.Value, function: ir.Function, x: ir.Value) -> ir.Value:
        """`ordinary`, but function(x, ordinary) if the condition holds in some lane: enters another block."""
        b, some, before = self.b, self.any(condition), self.b.block
        rare, done = b.append_basic_block("rare"), b.append_basic_block("done")
        # Without weights the allocator keeps no constant in a register across the call.
        b.cbranch(some, rare, done).set_weights([1, 1 << 20])
        b.position_at_end(rare)
        replaced = b.call(function, [x, ordinary])
        b.branch(done)
        b.position_at_end(done)
        ans = b.phi(self.type)
        ans.add_incoming(ordinary, before)
        ans.add_incoming(replaced, rare)
        return ans

    def two_sum(self, x: Any, y: Any) -> tuple[ir.Value, ir.Value]:
        """x + y and what its rounding lost (Knuth, TAOCP 4.2.2)."""
        total = self.add(x, y)
        part = self.sub(total, x)
        return total, self.add(self.sub(x, self.sub(total, part)), self.sub(y, part))

    def fast_two_sum(self, x: Any, y: Any) -> tuple[ir.Value, ir.Value]:
        """The same where |x| ≥ |y| (Dekker 1971)."""
        total = self.add(x, y)
        return total, self.sub(y, self.sub(total, x))

    def two_product(self, x: Any, y: Any) -> tuple[ir.Value, ir.Value]:
        """x · y and what its rounding lost."""
        product = self.mul(x, y)
        return product, self.fma(x, y, self.neg(product))
