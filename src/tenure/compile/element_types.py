"""Types of elements in LLVM IR, in registers and in memory.

LLVM's integers have no sign. ``Unsigned`` is one of them, equal to ``ir.IntType`` of the same width, that remembers
that its numbers have none: what is computed from a value has its type, so a comparison of unsigned numbers knows.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np
from llvmlite import ir

from tenure.compile import packed
from tenure.compile.math.lanes import Unsigned, element
from tenure.dtypes import DTYPES, DType
from tenure.ir.aval import Aval

__all__ = ["I1", "I8", "I64", "LLVM", "folded", "in_memory", "is_float", "mangled", "size_of", "widths"]

I1, I8, I64 = ir.IntType(1), ir.IntType(8), ir.IntType(64)
LLVM: dict[str, ir.Type] = {
    "bool": I1,
    "uint8": Unsigned(8),
    "uint16": Unsigned(16),
    "uint32": Unsigned(32),
    "uint64": Unsigned(64),
    "int8": I8,
    "int16": ir.IntType(16),
    "int32": ir.IntType(32),
    "int64": I64,
    "float32": ir.FloatType(),
    "float64": ir.DoubleType(),
} | {dtype.name: packed.whole(dtype) for dtype in DTYPES if packed.packed(dtype)}
"""The type of an element in a register, by the name of its dtype."""


def in_memory(dtype: DType) -> ir.Type:
    """The type of a stored element; a bool takes a byte."""
    return I8 if dtype.kind == "b" else LLVM[dtype.name]


def size_of(t: ir.Type) -> int:
    """Bytes of a number, or of a vector of them."""
    if isinstance(t, ir.VectorType):
        return int(t.count) * size_of(t.element)
    return t.width // 8 if isinstance(t, ir.IntType) else 4 if isinstance(t, ir.FloatType) else 8


def mangled(t: ir.Type) -> str:
    """A type in the name of an intrinsic."""
    lanes = f"v{t.count}" if isinstance(t, ir.VectorType) else ""
    e = element(t)
    return lanes + ("f32" if isinstance(e, ir.FloatType) else "f64" if isinstance(e, ir.DoubleType) else f"i{e.width}")


def is_float(t: ir.Type) -> bool:
    """Whether an element is a float."""
    return isinstance(element(t), ir.FloatType | ir.DoubleType)


def widths(avals: Sequence[Aval], bits: int) -> int:
    """The number of neighbours to compute at once: registers of ``bits`` full of the widest element, twice."""
    widest = max([a.dtype.itemsize for a in avals], default=4)
    return max(4, min(16, 2 * bits // (8 * widest)))


def folded(operation: str, x: ir.Constant, y: ir.Constant) -> float:
    """Two constants combined, rounded to their type: whoever asks for an exponent sees a number."""
    kind = np.float32 if isinstance(x.type, ir.FloatType) else np.float64
    with np.errstate(all="ignore"):
        return float(FOLDS[operation](kind(x.constant), kind(y.constant)))


FOLDS = {"fadd": operator.add, "fsub": operator.sub, "fmul": operator.mul}
