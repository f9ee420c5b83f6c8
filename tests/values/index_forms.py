"""Random indices of every form and mixture, each as NumPy and as Tenure write it, and what they select."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import tenure as tn

Array = np.ndarray[Any, Any]


class Case(NamedTuple):
    """A shape, one index of it in both spellings, and the flat positions that it selects, found by NumPy."""

    shape: tuple[int, ...]
    numpy: Any
    tenure: Any
    positions: Array


def draw(rng: np.random.Generator) -> Case:
    """A case: what NumPy refuses is drawn again."""
    while True:
        shape = tuple(int(n) for n in rng.choice([0, 1, 2, 3, 4], rng.integers(1, 6), p=[0.04, 0.16, 0.3, 0.3, 0.2]))
        theirs, ours = entries(rng, shape)
        dots = any(e is Ellipsis for e in theirs)
        if dots and any(isinstance(e, np.ndarray) and e.dtype.kind == "b" and not e.size for e in theirs):
            continue  # an empty mask fits an axis of any size in NumPy, and only its own in Tenure
        if len(theirs) == 1 and rng.random() < 0.7:
            theirs, ours = theirs[0], ours[0]
        try:
            found = np.arange(int(np.prod(shape))).reshape(shape)[theirs]
        except IndexError:
            continue
        if found.size <= 300:
            return Case(shape, theirs, ours, np.asarray(found))


def entries(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """The entries of an index; it need not fit."""
    theirs: list[Any] = []
    ours: list[Any] = []
    block = tuple(int(n) for n in rng.choice([1, 2, 3, 0], rng.integers(0, 3), p=[0.2, 0.4, 0.35, 0.05]))
    advanced = rng.random() < 0.75
    axis, dots = 0, False
    while axis < len(shape) and rng.random() < 0.9:
        way = rng.random()
        if way < 0.08:
            a, b, taken = None, None, 0
        elif way < 0.16 and not dots:
            a, b, taken, dots = Ellipsis, Ellipsis, int(rng.integers(0, len(shape) - axis + 1)), True
        elif way < 0.2 and advanced:
            a = bool(rng.random() < 0.8)
            b, taken = [a, np.bool_(a), np.array(a), tn.tensor(a), tn.tensor(1) == int(a)][rng.integers(5)], 0
        elif way < 0.45 and advanced and shape[axis]:
            a, b = whole(rng, block, shape[axis])
            taken = 1
        elif way < 0.58 and advanced:
            taken = int(rng.integers(1, min(3, len(shape) - axis) + 1))
            a = rng.random(shape[axis : axis + taken]) < rng.choice([0.2, 0.5, 0.9])
            b = [a, a.tolist(), tn.tensor(a), tn.tensor(a.astype(int)) > 0][rng.integers(4)]
            b = a if isinstance(b, list) and not a.size else b
        elif way < 0.8 and shape[axis]:
            a = int(rng.integers(-shape[axis], shape[axis]))
            b, taken = [a, np.int64(a), np.array(a), tn.tensor(a), tn.tensor(a) + 0][rng.integers(5)], 1
        else:
            a = b = some_slice(rng, shape[axis])
            taken = 1
        theirs.append(a)
        ours.append(b)
        axis += taken
    return tuple(theirs), tuple(ours)


def whole(rng: np.random.Generator, block: tuple[int, ...], size: int) -> tuple[Any, Any]:
    """An index array whose shape broadcasts to that of the block, in one of its spellings."""
    cut = int(rng.integers(0, len(block) + 1)) if rng.random() < 0.3 else 0
    a = rng.integers(-size, size, [1 if rng.random() < 0.2 else n for n in block[cut:]])
    spellings = [a, a.tolist(), tn.tensor(a), tn.tensor(a) + 0, tn.tensor(a, dtype=tn.int32), a.astype(np.int16)]
    return a, spellings[rng.integers(len(spellings))] if a.ndim and a.size else a


def some_slice(rng: np.random.Generator, size: int) -> slice:
    def bound() -> int | None:
        return None if rng.random() < 0.4 else int(rng.integers(-size - 2, size + 3))

    step = rng.choice(np.array([None, 1, 2, 3, -1, -2, -3], object))
    return slice(bound(), bound(), None if step is None else int(step))


def value_for(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Small whole numbers in a shape that broadcasts to the given one."""
    cut = int(rng.integers(0, len(shape) + 1)) if rng.random() < 0.3 else 0
    small = [1 if rng.random() < 0.15 else n for n in shape[cut:]]
    return rng.integers(-3, 4, small).astype(float)


def reading(case: Case) -> Array:
    """The matrix of a read: a row for each element of the selection."""
    size = int(np.prod(case.shape))
    out = np.zeros((case.positions.size, size))
    for k, p in enumerate(case.positions.reshape(-1).tolist()):
        out[k, p] = 1
    return out


def source(case: Case, v: Array) -> list[int]:
    """For each element of the selection in C order the element of v that is written there."""
    return [int(k) for k in np.broadcast_to(np.arange(v.size).reshape(v.shape), case.positions.shape).reshape(-1)]


def setting(case: Case, v: Array) -> Array:
    """The matrix of a write: how every element of the result depends on those of the base and, behind them, of v."""
    size = int(np.prod(case.shape))
    out = np.hstack([np.eye(size), np.zeros((size, v.size))])
    for p, k in zip(case.positions.reshape(-1).tolist(), source(case, v), strict=True):
        out[p] = 0
        out[p, size + k] = 1
    return out


def adding(case: Case, v: Array) -> Array:
    """The matrix of an addition, in which every duplicate counts."""
    size = int(np.prod(case.shape))
    out = np.hstack([np.eye(size), np.zeros((size, v.size))])
    for p, k in zip(case.positions.reshape(-1).tolist(), source(case, v), strict=True):
        out[p, size + k] += 1
    return out


def factors(case: Case, x: Array, v: Array, cotangent: Array, way: str) -> tuple[Array, Array, Array]:
    """The result of multiplying or taking the largest or smallest, and the gradients of base and value, place by
    place: the product of all others, or an equal share for each of those that are the result."""
    size, flat, given = int(np.prod(case.shape)), x.reshape(-1), v.reshape(-1)
    met: list[list[int]] = [[] for _ in range(size)]
    for p, k in zip(case.positions.reshape(-1).tolist(), source(case, v), strict=True):
        met[p].append(k)
    out, dx, dv = np.zeros(size), np.zeros(size), np.zeros(v.size)
    for p, ks in enumerate(met):
        all_of = [flat[p], *[given[k] for k in ks]]
        out[p] = {"multiply": np.prod, "max": np.max, "min": np.min}[way](all_of)
        for j, k in enumerate([None, *ks]):
            if way == "multiply":
                slope = np.prod(all_of[:j] + all_of[j + 1 :])
            else:
                slope = (all_of[j] == out[p]) / sum(y == out[p] for y in all_of)
            if k is None:
                dx[p] += slope * cotangent.reshape(-1)[p]
            else:
                dv[k] += slope * cotangent.reshape(-1)[p]
    return out.reshape(case.shape), dx.reshape(case.shape), dv.reshape(v.shape)
