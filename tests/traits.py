"""Traits of primitives, read off their declarations: the one place in the tests that knows how they are stated."""

from __future__ import annotations

import os
from functools import cache
from typing import Any
from zlib import crc32

import numpy as np

import tenure.ops  # noqa: F401  (fills the table)
from tenure.dtypes import DTYPES, DType
from tenure.ir.primitive import Primitive
from tenure.ir.program import TABLE
from tenure.ops.lowering import Product, Scan, Search, Write

EVERY = bool(os.environ.get("TENURE_FUZZ"))
COMMON = {"bool", "int64", "float32", "float64"}
"""Dtypes that each primitive is tested in."""
Sample = tuple[list[np.ndarray[Any, Any]], dict[str, Any]]


def dtypes_of(of: Primitive) -> list[DType]:
    """The dtypes that it claims, the widest floats first."""
    return [d for d in reversed(DTYPES) if d.kind in of.dtypes]


def sampled(of: Primitive) -> list[DType]:
    """The dtypes that it claims, but of the rarer ones of a kind, which mostly differ in width, only one, by its name;
    all of them where TENURE_FUZZ is set."""
    claimed = [d for d in DTYPES if d.kind in of.dtypes]
    if EVERY:
        return claimed
    rare: dict[str, list[DType]] = {}
    for d in claimed:
        if d.name not in COMMON:
            rare.setdefault(d.kind, []).append(d)
    number = crc32(of.name.encode())
    kept = [few[number % len(few)] for few in rare.values()]
    return [d for d in claimed if d.name in COMMON or d in kept]


def few(of: Primitive, sweep: str) -> list[DType]:
    """Two of those, others for each sweep over the table; all that it claims where TENURE_FUZZ is set."""
    kept = sampled(of)
    first = crc32(f"{of.name} {sweep}".encode()) % len(kept) if kept else 0
    return kept if EVERY else [*kept[first:], *kept[:first]][:2]


def samples(of: Primitive, dtype: DType, seed: int = 0) -> list[Sample]:
    """Operands and parameters from its domain."""
    return [([np.asarray(x) for x in xs], p) for xs, p in of.samples(np.random.default_rng(seed), dtype)]


@cache
def sample(of: Primitive) -> Sample:
    """The first of its samples, in its widest dtype."""
    return samples(of, dtypes_of(of)[0])[0]


def arity(of: Primitive) -> int:
    """The number of its operands, in the first of its samples."""
    return len(sample(of)[0])


def parameters(of: Primitive) -> frozenset[str]:
    """The names of its parameters."""
    return frozenset(sample(of)[1])


def elementwise(of: Primitive) -> bool:
    """Whether each element of its result is made of the elements at the same index, operands broadcasting."""
    return of.lower.alike


def plain(of: Primitive) -> bool:
    """Whether it is elementwise, of operands of one dtype, and without parameters."""
    xs, params = sample(of)
    return elementwise(of) and not params and len({x.dtype for x in xs}) == 1


def heavy(of: Primitive) -> bool:
    """Whether it is elementwise, and costs more than reading its operands again."""
    return of.lower.heavy


def reduces(of: Primitive) -> bool:
    """Whether it reduces axes."""
    return of.lower.reduces


def searches(of: Primitive) -> bool:
    """Whether it finds a position along an axis."""
    return isinstance(of.lower, Search)


def multiplies(of: Primitive) -> bool:
    """Whether it is a matrix product."""
    return isinstance(of.lower, Product)


def cancels(of: Primitive) -> bool:
    """Whether it adds products or the beginnings of an axis, so that it is as exact as its terms are large."""
    return multiplies(of) or (isinstance(of.lower, Scan) and of.lower.operation in ("add", "recurrence"))


def draws(of: Primitive) -> bool:
    """Whether it makes random numbers, of a seed and a number."""
    xs, params = sample(of)
    return "shape" in params and len(xs) == 2 and all(x.shape == () and x.dtype.kind == "i" for x in xs)


def looks_up(of: Primitive) -> bool:
    """Whether its last operand holds positions along the last axis of its first, and nothing else is said of them."""
    xs, params = sample(of)
    return len(xs) > 1 and not params and xs[0].dtype.kind == "f" and xs[-1].dtype.kind == "i"


def blank(of: Primitive) -> bool:
    """Whether elements of its result may be anything."""
    return isinstance(of.lower, Write) and of.lower.blank


def parted(of: Primitive) -> bool:
    """Whether it is one of the blocks that a long reduction is computed in, or one of the steps of a long scan."""
    if isinstance(of.lower, Scan):
        return of.lower.part != "whole"
    return reduces(of) and "block" in parameters(of)


def lasts(of: Primitive) -> bool:
    """Whether programs hold it, and with a definite result: aliases and what only the compiler makes aside."""
    return of.alias is None and not blank(of) and not parted(of)


PLAIN = {name: arity(of) for name, of in TABLE.items() if plain(of)}
"""The plain elementwise primitives, with the number of their operands."""
