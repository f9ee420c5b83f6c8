"""The batching rule of every primitive: its result is that of each example, one above the other."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tenure.compile.tiers import compile_program
from tenure.dtypes import DTYPES, DType, complex128, float64, int64
from tenure.interp.interp import Executor, interpret
from tenure.ir.program import TABLE, Builder
from tenure.ir.verify import verify
from tenure.transform.batch import batch
from tests.ops.programs import Array, Arrays, aval_of, build, cut
from tests.traits import EVERY, blank, few, multiplies

NAMES = [n for n in sorted(TABLE) if next(iter(TABLE[n].samples(np.random.default_rng(0), float64)))[0]]
CLAIMED = [(n, d) for n in NAMES for d in few(TABLE[n], "batching")]
INEXACT = {n for n in NAMES if multiplies(TABLE[n])} | {"power"}
"""A product of examples is BLAS's own in its last bits; a power has short forms for one exponent for all."""

each = pytest.mark.parametrize(("name", "dtype"), CLAIMED, ids=[f"{n}-{d.name}" for n, d in CLAIMED])


def several(name: str, dtype: DType, count: int) -> Iterator[tuple[list[Arrays], dict[str, Any]]]:
    """For each sample of a primitive, the operands of so many examples."""
    drawn = []
    for k in range(count):
        rng = np.random.default_rng([crc32(name.encode()), k])
        drawn.append(list(TABLE[name].samples(rng, dtype)))
    for same in zip(*drawn, strict=True):
        yield [[np.asarray(x) for x in xs] for xs, _ in same], same[0][1]


def stacked(xs: list[Arrays], batched: tuple[bool, ...]) -> Arrays:
    """The operands with the batched ones one above the other; of the others the first example's."""
    return [np.stack([x[k] for x in xs]) if has else xs[0][k] for k, has in enumerate(batched)]


def check(name: str, xs: list[Arrays], params: dict[str, Any], batched: tuple[bool, ...], run: Executor) -> None:
    prim = TABLE[name]
    b, inputs = build(xs[0])
    program = batch(cut(b, inputs, [b.emit(prim, inputs, params)]), batched, len(xs))
    verify(program)
    (found,) = run(program)(stacked(xs, batched))
    own = [[x[k] if has else xs[0][k] for k, has in enumerate(batched)] for x in xs]
    with np.errstate(all="ignore"):
        wanted = np.stack([np.asarray(prim.ref(np, *x, **params)) for x in own])
    if name in INEXACT and wanted.dtype.kind == "f":
        assert_allclose(found, wanted, rtol=1e-5 if wanted.dtype.itemsize == 4 else 1e-12, strict=True)
    else:
        assert_array_equal(found, wanted, strict=True)


def subsets(operands: int) -> list[tuple[bool, ...]]:
    """Which operands may be batched: all ways but none."""
    return [way for way in itertools.product((True, False), repeat=operands) if any(way)]


@each
def test_the_rule_gives_the_result_of_each_example(name: str, dtype: DType) -> None:
    for xs, params in several(name, dtype, 3):
        for batched in subsets(len(xs[0])):
            check(name, xs, params, batched, interpret)


@pytest.mark.parametrize("name", [n for n in NAMES if not blank(TABLE[n])])
def test_the_rule_compiles(name: str) -> None:
    """Samples of a primitive in one program, as compiled, each in one way (all ways where TENURE_FUZZ is set); but what
    is left blank is anything."""
    kinds = TABLE[name].dtypes
    dtype = float64 if "f" in kinds else complex128 if "c" in kinds else DTYPES[0] if "b" in kinds else int64
    b, arrays, outputs, wanted = Builder(), [], [], []
    for k, (xs, params) in enumerate(several(name, dtype, 2)):
        ways = subsets(len(xs[0]))
        for batched in ways if EVERY else [ways[k % len(ways)]]:
            given = stacked(xs, batched)
            arrays += given
            inputs = [b.input(aval_of(x)) for x in given]
            outputs.append(TABLE[name].batch(TABLE[name], batched, *inputs, **params))
    inputs = [k for k, at in enumerate(b.applications) if at is None]
    program = b.extract(inputs, [y.id for y in outputs])
    wanted = interpret(program)([x.copy() for x in arrays])
    for found, expected in zip(compile_program(program)([x.copy() for x in arrays]), wanted, strict=True):
        if expected.dtype.kind == "V":
            assert_array_equal(found, expected, strict=True)
        else:
            assert_allclose(np.asarray(found), np.asarray(expected), rtol=1e-12, atol=1e-12, strict=True)


@each
def test_of_no_example_there_is_no_result(name: str, dtype: DType) -> None:
    for (xs,), params in several(name, dtype, 1):
        for batched in subsets(len(xs)):
            b, inputs = build(xs)
            program = batch(cut(b, inputs, [b.emit(TABLE[name], inputs, params)]), batched, 0)
            verify(program)
            empty = [np.zeros((0, *x.shape), x.dtype) if has else x for x, has in zip(xs, batched, strict=True)]
            (found,) = interpret(program)(empty)
            with np.errstate(all="ignore"):
                one = np.asarray(TABLE[name].ref(np, *xs, **params))
            assert_array_equal(found, np.zeros((0, *one.shape), one.dtype), strict=True)


SPECS: list[tuple[tuple[int, ...], tuple[Any, ...], list[tuple[int, ...]]]] = [
    ((4,), ("i",), [(2,), (0,), (3,)]),
    ((5,), ((2, 2),), [(1,), (0,), (2,)]),
    ((3, 4), ("i", (2, -1)), [(1, 3), (0, 1), (2, 2)]),
    ((2, 3, 2), ((2, 1), "+", "i", ":"), [(0, 1), (0, 0), (0, 2)]),
]


@pytest.mark.parametrize(("shape", "spec", "starts"), SPECS)
@pytest.mark.parametrize("name", ["getitem", "setitem", "additem"])
def test_each_example_has_its_own_position(name: str, shape: Any, spec: Any, starts: Any) -> None:
    rng = np.random.default_rng(0)
    own: list[Arrays] = []
    for at in starts:
        x = rng.standard_normal(shape)
        part = TABLE["getitem"].ref(np, x, *at, spec=spec)
        operands: list[Array] = [x] if name == "getitem" else [x, rng.standard_normal(part.shape) * 0.0 - 0.0]
        own.append([*operands, *[np.asarray(s) for s in at]])
    for batched in subsets(len(own[0])):
        check(name, own, {"spec": spec}, batched, interpret)
