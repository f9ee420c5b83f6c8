"""Tenure's random numbers: a pure function of (seed, operation number, element index).

Each random operation reads its own stream of 32-bit lanes. Lane j is word j mod 4 of block j div 4,
and a block is one application of Philox4x32-10:

    counter = (block low, block high, number low, number high)
    key     = (seed low, seed high)

Elements are numbered in C order, and element i reads lanes fixed by i alone, so a shape only says
how many elements are wanted. This is the meaning that compiled code reproduces: bit for bit where
only integers and exact scaling are involved, within the rounding of log, cos and sin for `normal`.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["bits", "integers", "lanes", "normal", "philox4x32", "uniform"]

Words: TypeAlias = NDArray[np.uint32]
Word: TypeAlias = Words | int
_Wide: TypeAlias = NDArray[np.uint64]

_ROUNDS = 10
_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (np.uint64(0x9E3779B9), np.uint64(0xBB67AE85))
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def philox4x32(counter: tuple[Word, Word, Word, Word], key: tuple[Word, Word]) -> tuple[Words, Words, Words, Words]:
    """Philox4x32-10 of every counter, as four uint32 arrays; counter and key words broadcast.

    For a fixed key it is a bijection of the 128-bit counters.
    """
    # The words are kept in 64 bits, below 2**32, so that no product or sum ever wraps.
    c0, c1, c2, c3, k0, k1 = np.broadcast_arrays(
        *(np.asarray(word, dtype=np.uint32).astype(np.uint64) for word in (*counter, *key))
    )
    for _ in range(_ROUNDS):
        p0, p1 = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ k0, p1 & _LOW, (p0 >> _HALF) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + _WEYL[0]) & _LOW, (k1 + _WEYL[1]) & _LOW
    return c0.astype(np.uint32), c1.astype(np.uint32), c2.astype(np.uint32), c3.astype(np.uint32)


def lanes(seed: int, number: int, count: int) -> Words:
    """The first `count` 32-bit lanes of the stream of operation `number` under `seed`.

    `seed` is any integer in [-2**63, 2**64), taken modulo 2**64; `number` lies in [0, 2**64).
    Raises ValueError outside these.
    """
    if not -(2**63) <= seed < 2**64:
        raise ValueError(f"a seed lies in [-2**63, 2**64), and {seed} does not")
    if not 0 <= number < 2**64:
        raise ValueError(f"an operation number lies in [0, 2**64), and {number} does not")
    block = np.arange(-(-count // 4), dtype=np.uint64)
    block_low, block_high = (block & _LOW).astype(np.uint32), (block >> _HALF).astype(np.uint32)
    words = philox4x32((block_low, block_high, *_halves(number)), _halves(seed % 2**64))
    return np.stack(words, axis=-1).reshape(-1)[:count]


def uniform(seed: int, number: int, shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
    """Uniform numbers in [0, 1), of dtype float32 or float64.

    float32: element i is (lane i >> 8) · 2⁻²⁴. float64: element i is
    ((lane 2i >> 5) · 2²⁶ + (lane 2i+1 >> 6)) · 2⁻⁵³. Both are exact multiples of their last factor.
    """
    return _uniforms(seed, number, math.prod(shape), _floating(dtype)).reshape(shape)


def normal(seed: int, number: int, shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
    """Standard normal numbers, of dtype float32 or float64, computed in that dtype (Box-Muller).

    With u the elements of `uniform` of the same seed, number and dtype, and r = √(-2 log(1 - u₂ₖ)),
    elements 2k and 2k+1 are r · cos(2π · u₂ₖ₊₁) and r · sin(2π · u₂ₖ₊₁). 1 - u is exact and never 0,
    so every element is finite: at most 5.77 in size in float32 and 8.58 in float64.
    """
    floating = _floating(dtype)
    size = math.prod(shape)
    pairs = _uniforms(seed, number, size + size % 2, floating).reshape(-1, 2)
    one, minus_two, turn = floating.type(1), floating.type(-2), floating.type(2 * math.pi)
    radius = np.sqrt(minus_two * np.log(one - pairs[:, 0]))
    angle = turn * pairs[:, 1]
    elements = np.stack((radius * np.cos(angle), radius * np.sin(angle)), axis=-1)
    return elements.reshape(-1)[:size].reshape(shape)


def bits(seed: int, number: int, shape: Sequence[int]) -> NDArray[np.int64]:
    """Raw lanes as int64 in [0, 2**32): element i is lane i."""
    return lanes(seed, number, math.prod(shape)).astype(np.int64).reshape(shape)


def integers(seed: int, number: int, low: int, high: int, shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
    """Integers in [low, high), of any integer dtype that holds them.

    Element i is low + (w · n >> 64) with n = high - low and w = lane 2i · 2³² + lane 2i+1. Bias: the
    probability of each value differs from 1/n by less than 2⁻⁶⁴ (relatively, by less than n · 2⁻⁶⁴),
    and is exactly 1/n when n is a power of two. Raises ValueError for an empty range, or one
    that the dtype does not hold.
    """
    info = np.iinfo(np.dtype(dtype))
    if not info.min <= low < high <= int(info.max) + 1:
        raise ValueError(f"[{low}, {high}) is empty or not within {info.dtype}")
    pairs = lanes(seed, number, 2 * math.prod(shape)).astype(np.uint64).reshape(-1, 2)
    offsets = _multiply_high(pairs[:, 0], pairs[:, 1], high - low)
    # Modulo 2**64, where negative bounds and unsigned dtypes agree.
    return (offsets + np.uint64(low % 2**64)).view(np.int64).astype(info.dtype).reshape(shape)


def _uniforms(seed: int, number: int, count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype == np.float32:
        return (lanes(seed, number, count) >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
    pairs = lanes(seed, number, 2 * count).reshape(-1, 2)
    high, low = (pairs[:, 0] >> np.uint32(5)).astype(np.float64), pairs[:, 1] >> np.uint32(6)
    return (high * 2.0**26 + low) * 2.0**-53


def _floating(dtype: DTypeLike) -> np.dtype[Any]:
    known = np.dtype(dtype)
    if known not in (np.float32, np.float64):
        raise ValueError(f"random floats are float32 or float64, not {known}")
    return known


def _halves(word: int) -> tuple[int, int]:
    """The low and high 32 bits of a 64-bit word."""
    return word & 0xFFFFFFFF, word >> 32


def _multiply_high(high: _Wide, low: _Wide, factor: int) -> _Wide:
    """The upper 64 bits of (high · 2³² + low) · factor, for 0 < factor <= 2**64; no step wraps."""
    factor_low, factor_high = (np.uint64(half) for half in _halves(factor))
    middle = high * factor_low + (low * factor_low >> _HALF)
    carry = low * factor_high + (middle & _LOW)
    product: _Wide = high * factor_high + (middle >> _HALF) + (carry >> _HALF)
    return product
