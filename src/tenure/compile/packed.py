"""Elements that registers hold as they lie in memory, as whole numbers: float16, bfloat16 and complex ones.

They are moved like any number. What computes with them takes them apart first: a cast to float32 (float16, bfloat16),
or the real and the imaginary part (complex). x is a scalar or a vector of such numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from tenure.dtypes import DType, bfloat16, float32
from tenure.ops.convert import number_in

I16, I32, HALF, FLOAT, DOUBLE = ir.IntType(16), ir.IntType(32), ir.HalfType(), ir.FloatType(), ir.DoubleType()


def packed(dtype: DType) -> bool:
    """Whether a dtype's elements are held so."""
    return dtype.parts is not dtype


def whole(dtype: DType) -> ir.IntType:
    """The type of an element."""
    return ir.IntType(8 * dtype.itemsize)


def bits_of(value: Any, dtype: DType) -> int:
    """A Python number as an element."""
    with np.errstate(all="ignore"):
        return int.from_bytes(number_in(np, value, dtype).tobytes(), "little")


def shaped(t: ir.Type, like: ir.Value) -> ir.Type:
    """A type, as a vector where x is one."""
    return ir.VectorType(t, like.type.count) if isinstance(like.type, ir.VectorType) else t


def number(t: ir.IntType, value: int, like: ir.Value) -> ir.Value:
    """A whole number in every lane of x."""
    lanes = shaped(t, like)
    return ir.Constant(lanes, [value] * lanes.count if isinstance(lanes, ir.VectorType) else value)


# -- float16 and bfloat16


def to_float(b: ir.IRBuilder, x: ir.Value, dtype: DType) -> ir.Value:
    """The element as a float32, which holds each."""
    if dtype is bfloat16:
        wide = b.shl(b.zext(x, shaped(I32, x)), number(I32, 16, x))
        return b.bitcast(wide, shaped(FLOAT, x))
    return b.fpext(b.bitcast(x, shaped(HALF, x)), shaped(FLOAT, x))


def from_float(b: ir.IRBuilder, x: ir.Value, dtype: DType) -> ir.Value:
    """The nearest element to a float32, of two equally near the even one."""
    if dtype is not bfloat16:
        return b.bitcast(b.fptrunc(x, shaped(HALF, x)), shaped(I16, x))
    bits = b.bitcast(x, shaped(I32, x))
    high = b.lshr(bits, number(I32, 16, x))
    half = b.add(number(I32, 0x7FFF, x), b.and_(high, number(I32, 1, x)))
    near = b.lshr(b.add(bits, half), number(I32, 16, x))
    nan = b.or_(high, number(I32, 0x40, x))
    return b.trunc(b.select(b.fcmp_unordered("uno", x, x), nan, near), shaped(I16, x))


def rounded_to_odd(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """A float64 as float32, odd where it is not exact: rounding that is as rounding x itself."""
    near = b.fptrunc(x, shaped(FLOAT, x))
    back, bits = b.fpext(near, x.type), b.bitcast(near, shaped(I32, x))
    inexact = b.fcmp_ordered("one", back, x)
    above = b.fcmp_ordered("ogt", *[_absolute(b, y) for y in (back, x)])
    bits = b.sub(bits, b.zext(b.and_(inexact, above), bits.type))
    return b.bitcast(b.or_(bits, b.zext(inexact, bits.type)), near.type)


def _absolute(b: ir.IRBuilder, x: ir.Value) -> ir.Value:
    t = ir.IntType(64)
    return b.bitcast(b.and_(b.bitcast(x, shaped(t, x)), number(t, (1 << 63) - 1, x)), x.type)


# -- complex numbers


def part(b: ir.IRBuilder, x: ir.Value, dtype: DType, k: int) -> ir.Value:
    """The real (0) or the imaginary part (1)."""
    t = FLOAT if dtype.parts is float32 else DOUBLE
    count = x.type.count if isinstance(x.type, ir.VectorType) else 1
    both = b.bitcast(x, ir.VectorType(t, 2 * count))
    if not isinstance(x.type, ir.VectorType):
        return b.extract_element(both, ir.Constant(I32, k))
    lanes = ir.Constant(ir.VectorType(I32, count), [2 * i + k for i in range(count)])
    return b.shuffle_vector(both, both, lanes)


def joined(b: ir.IRBuilder, re: ir.Value, im: ir.Value, dtype: DType) -> ir.Value:
    """The complex number of two parts."""
    target = shaped(whole(dtype), re)
    if not isinstance(re.type, ir.VectorType):
        both = ir.Constant(ir.VectorType(re.type, 2), ir.Undefined)
        for k, x in enumerate((re, im)):
            both = b.insert_element(both, x, ir.Constant(I32, k))
        return b.bitcast(both, target)
    count = re.type.count
    order = [k + lane for lane in range(count) for k in (0, count)]
    return b.bitcast(b.shuffle_vector(re, im, ir.Constant(ir.VectorType(I32, 2 * count), order)), target)
