"""From elements to instructions: LLVM for ``width`` neighbours along one loop axis at once.

What does not depend on that axis stays scalar. A lowering rule sees the same indices as in ``symbolic``.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from llvmlite import ir

from tenure import dtypes
from tenure.compile import math, packed, rejection, spread
from tenure.compile.element_types import I1, I8, I64, LLVM, folded, in_memory, is_float, mangled, size_of
from tenure.compile.index import Affine, Read
from tenure.compile.math.lanes import Unsigned, element, unsigned
from tenure.compile.math.quotient import as_float, quotient
from tenure.compile.strided import gathered, scattered
from tenure.compile.symbolic import Symbolic
from tenure.dtypes import DType
from tenure.ir.program import Program

Held = dict[tuple[int, Affine], ir.Value]
"""Elements of stored values that are at hand already, by where they lie."""


class Emitter(Symbolic):
    """Emits instructions at the end of ``b``.

    ``variables`` are the loop counters (i64) by axis, ``lane`` the axis along which ``width`` neighbours are
    computed at once, of which only the first ``live`` are read; ``pointers`` are the buffers of stored values. With
    ``spread`` lanes go over several axes: how far each of them is from the counter, by axis.
    """

    def __init__(
        self,
        program: Program,
        stored: Container[int],
        b: ir.IRBuilder,
        pointers: dict[int, ir.Value],
        variables: dict[int, ir.Value],
        lane: int | None = None,
        width: int = 1,
        live: int | None = None,
    ) -> None:
        super().__init__(program, stored)
        self.b = b
        self.live = width if live is None else live
        self.pointers = pointers
        self.variables = variables
        self.lane = lane
        self.width = width
        self.spread: Mapping[int, Sequence[int]] | None = None
        self.held: Held = {}
        self.streaming = False

    # -- addresses

    def scalar(self, i: Affine) -> ir.Value:
        """The value of a sum at lane 0."""
        total: Any = None
        for axis, c in i.terms:
            if axis in self.variables:
                total = self._plus(total, self._scaled(self.variables[axis], c))
        for read, c in i.reads:
            total = self._plus(total, self._scaled(self._number(read), c))
        if total is None:
            return ir.Constant(I64, i.constant)
        return self.b.add(total, ir.Constant(I64, i.constant)) if i.constant else total

    def _plus(self, total: Any, term: Any) -> Any:
        return term if total is None else self.b.add(total, term)

    def _scaled(self, x: Any, c: int) -> Any:
        return x if c == 1 else self.b.mul(x, self.like(ir.Constant(I64, c), x))

    def _number(self, read: Read) -> Any:
        """The element that is part of an index, as i64, counted from the end where it is negative."""
        x = self.cast(self.at(read.value, read.index), dtypes.int64, self.aval(read.value).dtype)
        if not read.wrap:
            return x
        below = self.b.icmp_signed("<", x, self.like(ir.Constant(I64, 0), x))
        return self.b.select(below, self.b.add(x, self.like(ir.Constant(I64, read.wrap), x)), x)

    def varies(self, i: Affine) -> bool:
        """Whether a sum differs between the lanes in more than its coefficient."""
        return any(self.in_lane(part) for read, _ in i.reads for part in read.index)

    def in_lane(self, i: Affine) -> bool:
        """Whether a sum depends on the lane axis."""
        if self.lane is None:
            return False
        along = (self.lane,) if self.spread is None else self.spread
        return any(i.coefficient(axis) for axis in along) or self.varies(i)

    def steps(self, i: Affine) -> list[int]:
        """The distance of a sum, in each lane, from its value at the counters."""
        spread = self.spread or {self.lane or 0: range(self.width)}
        return [sum([i.coefficient(axis) * away[k] for axis, away in spread.items()]) for k in range(self.width)]

    def position(self, i: Affine) -> ir.Value:
        """The value of an index as a number in every lane."""
        if self.width == 1 or not self.in_lane(i):
            return self.scalar(i)
        if self.varies(i):
            return self._vector_sum(i)
        steps = ir.Constant(ir.VectorType(I64, self.width), self.steps(i))
        return self.b.add(self.splat(self.scalar(i)), steps)

    def coincide(self, i: Affine, j: Affine, size: int, itemsize: int) -> ir.Value:
        """Whether two positions on an axis are the same; lanes along i are counted in 32 bits or an element's."""
        if self.width == 1 or not self.in_lane(i) or size >= 1 << 31 or self.varies(i) or self.in_lane(j):
            return self.compare("==", self.position(i), self.position(j))
        kind, away = I64 if itemsize >= 8 else ir.IntType(32), self.b.sub(self.scalar(j), self.scalar(i))
        steps = ir.Constant(ir.VectorType(kind, self.width), self.steps(i))
        return self.b.icmp_signed("==", self.splat(away if kind is I64 else self.b.trunc(away, kind)), steps)

    def _vector_sum(self, i: Affine) -> ir.Value:
        plain = self.position(Affine(i.terms, i.constant))
        total = plain if isinstance(plain.type, ir.VectorType) else self.splat(plain)
        for read, c in i.reads:
            x = self._number(read)
            total = self.b.add(total, self._scaled(x if isinstance(x.type, ir.VectorType) else self.splat(x), c))
        return total

    # -- memory

    def load(self, x: int, where: Affine) -> ir.Value:
        if (x, where) in self.held:
            return self.held[x, where]
        dtype = self.aval(x).dtype
        t, pointer = in_memory(dtype), self.pointers[x]
        if self.width == 1 or not self.in_lane(where):
            return self.from_memory(self._load(pointer, self.scalar(where), t), dtype)
        fixed = not self.varies(where)
        if fixed and self.spread is not None:
            return self.from_memory(spread.load(self, pointer, where, t), dtype)
        if fixed and where.coefficient(self.lane or 0) in (1, -1):
            return self.from_memory(self._neighbours(pointer, where, t), dtype)
        if fixed:
            start = self.b.gep(pointer, [self.scalar(where)], source_etype=t)
            return self.from_memory(gathered(self.b, start, t, self.steps(where)[: self.live], self.width), dtype)
        return self.from_memory(scattered(self.b, pointer, t, self.position(where), self.live), dtype)

    def _neighbours(self, pointer: ir.Value, where: Affine, t: ir.Type) -> ir.Value:
        """Elements that lie one beside the other, in order or the other way round."""
        back = where.coefficient(self.lane or 0) < 0
        start = self.b.gep(pointer, [self.scalar(where + (1 - self.live) * back)], source_etype=t)
        wide = ir.VectorType(t, self.width)
        if self.live == self.width:
            found = self.b.load(start, typ=wide, align=size_of(t))
        else:
            found = self.masked(start, wide, self._alive())
        if not back:
            return found
        order = [self.live - 1 - k if k < self.live else k for k in range(self.width)]
        return self.b.shuffle_vector(found, found, ir.Constant(ir.VectorType(ir.IntType(32), self.width), order))

    def _alive(self) -> ir.Value:
        return ir.Constant(ir.VectorType(I1, self.width), [int(k < self.live) for k in range(self.width)])

    def _masked_store(self, value: ir.Value, start: ir.Value) -> None:
        """Write the live lanes of a vector."""
        mask = self._alive()
        signature = ir.FunctionType(ir.VoidType(), [value.type, ir.PointerType(), mask.type])
        name = f"llvm.masked.store.{mangled(value.type)}.p0"
        function = self.b.module.globals.get(name) or ir.Function(self.b.module, signature, name)
        self.b.call(function, [value, start, mask])

    def masked(self, start: ir.Value, wide: ir.VectorType, mask: ir.Value) -> ir.Value:
        """The lanes of a vector that a mask selects; the rest is zero and its memory untouched."""
        signature = ir.FunctionType(wide, [ir.PointerType(), mask.type, wide])
        name = f"llvm.masked.load.{mangled(wide)}.p0"
        function = self.b.module.globals.get(name) or ir.Function(self.b.module, signature, name)
        found = self.b.call(function, [start, mask, ir.Constant(wide, None)])
        found.type = wide  # the function's may be that of a signed one
        return found

    def _load(self, pointer: ir.Value, at: ir.Value, t: ir.Type) -> ir.Value:
        return self.b.load(self.b.gep(pointer, [at], source_etype=t), typ=t)

    def from_memory(self, x: ir.Value, dtype: DType) -> ir.Value:
        """The value of a stored element: a bool takes a byte."""
        return self.b.icmp_unsigned("!=", x, ir.Constant(x.type, None)) if dtype.kind == "b" else x

    def store(self, value: ir.Value, pointer: ir.Value, where: Affine, dtype: DType) -> None:
        """Write an element (in every lane) to a buffer."""
        t = in_memory(dtype)
        if self.width > 1 and not isinstance(value.type, ir.VectorType):
            value = self.splat(value)
        if dtype.kind == "b":
            value = self.b.zext(value, ir.VectorType(I8, self.width) if self.width > 1 else I8)
        if self.width == 1:
            self.b.store(value, self.b.gep(pointer, [self.scalar(where)], source_etype=t))
        elif not self.varies(where) and spread.in_a_row(self.steps(where)):
            where = where + self.steps(where)[0]
            start = self.b.gep(pointer, [self.scalar(where)], source_etype=t)
            self._put(value, start, where, dtype.itemsize)
        else:
            positions = self.position(where)
            for k in range(self.live):
                n = ir.Constant(ir.IntType(32), k)
                at = self.b.gep(pointer, [self.b.extract_element(positions, n)], source_etype=t)
                self.b.store(self.b.extract_element(value, n), at)

    def _put(self, value: ir.Value, start: ir.Value, where: Affine, size: int) -> None:
        """Store a vector; past the caches if that is wanted and each one begins at a multiple of its length."""
        if self.live < self.width:
            self._masked_store(value, start)
            return
        steps = [c for axis, c in where.terms if axis not in (self.spread or (self.lane,))] + [where.constant]
        if self.streaming and not where.reads and all(c % self.width == 0 for c in steps):
            module = self.b.module
            instruction = self.b.store(value, start, align=min(64, self.width * size))
            instruction.set_metadata("nontemporal", module.add_metadata([ir.Constant(ir.IntType(32), 1)]))
        else:
            self.b.store(value, start, align=size)

    # -- values

    def splat(self, x: ir.Value) -> ir.Value:
        """A scalar in every lane."""
        if self.width == 1 or isinstance(x.type, ir.VectorType):
            return x
        t = ir.VectorType(x.type, self.width)
        if isinstance(x, ir.Constant):
            return ir.Constant(t, [x.constant] * self.width)
        i32 = ir.IntType(32)
        one = self.b.insert_element(ir.Constant(t, ir.Undefined), x, ir.Constant(i32, 0))
        zeros = ir.Constant(ir.VectorType(i32, self.width), [0] * self.width)
        return self.b.shuffle_vector(one, ir.Constant(t, ir.Undefined), zeros)

    def like(self, x: ir.Value, y: ir.Value) -> ir.Value:
        """x as wide as y."""
        return self.splat(x) if isinstance(y.type, ir.VectorType) else x

    def level(self, *xs: ir.Value) -> list[ir.Value]:
        """Operands of one width."""
        wide = any(isinstance(x.type, ir.VectorType) for x in xs)
        return [self.splat(x) if wide else x for x in xs]

    def constant(self, value: float, dtype: DType) -> ir.Value:
        """A number of a dtype."""
        if packed.packed(dtype):
            return ir.Constant(LLVM[dtype.name], packed.bits_of(value, dtype))
        number = int(value) if dtype.kind in "iu" else dtype.numpy.type(value).item()
        return ir.Constant(LLVM[dtype.name], number)

    def number(self, value: float, like: ir.Value) -> ir.Value:
        """A number of the type of another element."""
        t = like.type.element if isinstance(like.type, ir.VectorType) else like.type
        return self.like(ir.Constant(t, float(value) if is_float(t) else int(value)), like)

    def _binary(self, x: ir.Value, y: ir.Value, real: str, whole: str) -> ir.Value:
        x, y = self.level(x, y)
        if all(isinstance(z, ir.Constant) and isinstance(z.constant, float) for z in (x, y)):
            return ir.Constant(x.type, folded(real, x, y))
        return getattr(self.b, real if is_float(x.type) else whole)(x, y)

    def add(self, x: ir.Value, y: ir.Value) -> ir.Value:
        """x + y."""
        return self._binary(x, y, "fadd", "add")

    def subtract(self, x: ir.Value, y: ir.Value) -> ir.Value:
        """x − y."""
        return self._binary(x, y, "fsub", "sub")

    def multiply(self, x: ir.Value, y: ir.Value) -> ir.Value:
        """x · y."""
        return self._binary(x, y, "fmul", "mul")

    def divide(self, x: ir.Value, y: ir.Value) -> ir.Value:
        """x / y of floats."""
        return quotient(self.b, *self.level(x, y))

    def negative(self, x: ir.Value) -> ir.Value:
        """−x."""
        return self.b.fneg(x) if is_float(x.type) else self.b.neg(x)

    def compare(self, sign: str, x: ir.Value, y: ir.Value) -> ir.Value:
        """x sign y; comparisons with NaN are false, but for !=."""
        x, y = self.level(x, y)
        if not is_float(x.type):
            compare = self.b.icmp_unsigned if unsigned(x.type) else self.b.icmp_signed
            return compare(sign, x, y)
        return self.b.fcmp_unordered(sign, x, y) if sign == "!=" else self.b.fcmp_ordered(sign, x, y)

    def conjunction(self, x: ir.Value, y: ir.Value) -> ir.Value:
        """x and y."""
        return self.b.and_(*self.level(x, y))

    def disjunction(self, x: ir.Value, y: ir.Value) -> ir.Value:
        """x or y."""
        return self.b.or_(*self.level(x, y))

    def exclusive(self, x: ir.Value, y: ir.Value) -> ir.Value:
        """Either x or y."""
        return self.b.xor(*self.level(x, y))

    def negation(self, x: ir.Value) -> ir.Value:
        """Not x."""
        return self.b.xor(x, self.number(1, x))

    def select(self, c: ir.Value, x: ir.Value, y: ir.Value) -> ir.Value:
        """x where c, else y."""
        return self.b.select(*self.level(c, x, y))

    def cast(self, x: ir.Value, dtype: DType, of: DType) -> ir.Value:
        """x of a dtype in another, as NumPy casts."""
        if dtype is of:
            return x
        if of.is_complex:
            return self._of_complex(x, dtype, of)
        if dtype.is_complex:
            real = self.cast(x, dtype.parts, of)
            return packed.joined(self.b, real, self.number(0.0, real), dtype)
        if of.kind == "h":
            return self.cast(packed.to_float(self.b, x, of), dtype, of.parts)
        if dtype.kind == "h":
            exact = of.kind == "b" or (of.is_floating and of.itemsize == 4)
            wide = self.cast(x, dtypes.float32 if exact else dtypes.float64, of)
            return packed.from_float(self.b, wide if exact else packed.rounded_to_odd(self.b, wide), dtype)
        old, new = element(x.type), LLVM[dtype.name]
        target = ir.VectorType(new, x.type.count) if isinstance(x.type, ir.VectorType) else new
        if old == new:
            return x if unsigned(old) == unsigned(new) else self.b.or_(ir.Constant(target, None), x)
        if dtype.kind == "b":
            return self.compare("!=", x, self.number(0, x))
        if is_float(old):
            if is_float(new):
                if isinstance(x, ir.Constant) and isinstance(x.constant, float):
                    return self.constant(x.constant, dtype)
                return self.b.fpext(x, target) if dtype.itemsize == 8 else self.b.fptrunc(x, target)
            return self._to_integer(x, target)
        if is_float(new):
            return as_float(self.b, x, target)
        if new.width < old.width:
            return self.b.trunc(x, target)
        return self.b.zext(x, target) if unsigned(old) else self.b.sext(x, target)

    def _of_complex(self, x: ir.Value, dtype: DType, of: DType) -> ir.Value:
        """A complex number in another dtype: its real part where that has but one."""
        re, im = self.part(x, of, 0), self.part(x, of, 1)
        if dtype.kind == "b":
            return self.disjunction(*[self.cast(y, dtype, of.parts) for y in (re, im)])
        if dtype.is_complex:
            re, im = (self.cast(y, dtype.parts, of.parts) for y in (re, im))
            return packed.joined(self.b, re, im, dtype)
        return self.cast(re, dtype, of.parts)

    def part(self, x: ir.Value, dtype: DType, k: int) -> ir.Value:
        """The real (0) or the imaginary part (1) of a complex number."""
        return packed.part(self.b, x, dtype, k)

    def complex(self, re: ir.Value, im: ir.Value, dtype: DType) -> ir.Value:
        """The complex number of two parts."""
        re, im = self.level(re, im)
        return packed.joined(self.b, re, im, dtype)

    def plus(self, x: ir.Value, y: ir.Value, dtype: DType) -> ir.Value:
        """x + y of a dtype that may be held packed."""
        if dtype.is_complex:
            re, im = (self.add(self.part(x, dtype, k), self.part(y, dtype, k)) for k in (0, 1))
            return self.complex(re, im, dtype)
        if not packed.packed(dtype):
            return self.add(x, y)
        return self.cast(self.add(*[self.cast(z, dtype.parts, dtype) for z in (x, y)]), dtype, dtype.parts)

    def _to_integer(self, x: ir.Value, target: ir.Type) -> ir.Value:
        """Towards zero; what does not fit becomes the nearest that does, NaN zero."""
        signature = ir.FunctionType(target, [x.type])
        name = f"llvm.fpto{'u' if unsigned(target) else 's'}i.sat.{mangled(target)}.{mangled(x.type)}"
        module = self.b.module
        return self.b.call(module.globals.get(name) or ir.Function(module, signature, name), [x])

    def power(self, x: ir.Value, y: ir.Value, uniform: bool) -> ir.Value:
        """x to the power y; a single exponent takes the short forms of 1, 2, 3, ½ and −1."""
        if not is_float(x.type):
            return self._whole_power(*self.level(x, y))
        return math.pow_uniform(self.b, x, y) if uniform else math.pow(self.b, *self.level(x, y))

    def _whole_power(self, x: ir.Value, y: ir.Value) -> ir.Value:
        result = self.number(1, x)
        for _ in range(element(x.type).width - 1):
            odd = self.compare("!=", self.b.and_(y, self.number(1, y)), self.number(0, y))
            result = self.select(odd, self.b.mul(result, x), result)
            x, y = self.b.mul(x, x), self.b.lshr(y, self.number(1, y))
        return result

    def call(self, name: str, *xs: ir.Value, **params: Any) -> ir.Value:
        """An elementary function, whose parameters are constants of its code."""
        if isinstance(element(xs[0].type), Unsigned):
            params["signed"] = False
        return math.FUNCTIONS[name](self.b, *self.level(*xs), **params)

    def random(self, name: str, *xs: ir.Value, **params: Any) -> ir.Value:
        """An element of a random stream: of a seed, an operation's number, a position, and parameters."""
        return rejection.element(self, name, *xs, **params)
