"""Traits stand in the declaration: what fails at the run fails alike however a program runs, under whatever name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tenure
import tenure.ops
from tenure import dtypes
from tenure.compile.executable import compiled
from tenure.compile.stepwise import stepwise
from tenure.errors import OutOfRange
from tenure.interp.interp import interpret
from tenure.ir.aval import Aval
from tenure.ir.primitive import Primitive
from tenure.ir.program import TABLE, Builder
from tenure.nn import functional
from tenure.ops.index import take_along
from tests.ops.declared import only_here, picked, softshrink
from tests.ops.passing import passes_the_tables_tests
from tests.ops.programs import aval_of, extent
from tests.traits import sampled

RUNS: dict[str, Callable[..., Any]] = {"compiled": compiled, "op by op": stepwise, "interpreted": interpret}
FAILING = [(p, d) for p in TABLE.values() for d in sampled(p) if p.traits.fails]


def outcome(run: Callable[..., Any], primitive: Primitive, arrays: list[Any], params: dict[str, Any]) -> Any:
    """What a run of one instruction gives."""
    b = Builder()
    xs = [b.input(Aval(np.shape(a), dtypes.as_dtype(np.asarray(a).dtype))) for a in arrays]
    program = b.extract([x.id for x in xs], [b.emit(primitive, xs, params).id])
    return run(program)([np.array(a) for a in arrays])[0]


def indices_of(primitive: Primitive, arrays: list[Any], params: dict[str, Any]) -> list[int]:
    """The operands of indices that have an element."""
    assert primitive.traits.indices is not None
    return [w.operand for w in primitive.traits.indices(*map(aval_of, arrays), **params) if arrays[w.operand].size]


def breaking(primitive: Primitive, arrays: list[Any], params: dict[str, Any]) -> Iterator[list[Any]]:
    """The operands, each time with one element that breaks what the primitive asks for."""
    traits = primitive.traits
    wrong: list[tuple[int, float]] = []
    if traits.indices is not None:
        for operand in indices_of(primitive, [np.asarray(a) for a in arrays], params):
            size = extent(primitive, arrays, params, operand)
            wrong += [(operand, size), (operand, -size - 1), (operand, 2**40)]
    if traits.limit is not None and traits.limit.concerns(np.asarray(arrays[traits.limit.operand]).dtype.kind):
        wrong.append((traits.limit.operand, -1 if traits.limit.zero else 0))
    if traits.interval is not None:
        interval = traits.interval(**params)
        wrong += [(interval.operand, x) for x in (-1.0, 1.5, np.inf, np.nan, *[0.0] * interval.open)]
    for operand, number in wrong:
        changed = [np.array(a) for a in arrays]
        if changed[operand].size and all(a.size for a in changed):
            changed[operand].reshape(-1)[-1] = number
            yield changed


@pytest.mark.parametrize(("primitive", "dtype"), FAILING, ids=[f"{p.name}-{d.name}" for p, d in FAILING])
def test_what_breaks_a_trait_raises_the_same_however_it_runs(primitive: Primitive, dtype: Any) -> None:
    seen = 0
    for arrays, params in primitive.samples(np.random.default_rng(3), dtype):
        for broken in breaking(primitive, list(arrays), params):
            seen += 1
            errors = [outcome(run, primitive, broken, params).error for run in RUNS.values()]
            assert len({(type(e), str(e)) for e in errors}) == 1
    assert seen or (primitive.traits.limit is not None and dtype.kind != "i")


@pytest.mark.parametrize("way", RUNS)
def test_an_index_is_checked_under_whatever_name(way: str) -> None:
    with only_here():
        primitive = picked()
        x, fine, bad = np.arange(4.0), np.array([3, -4]), np.array([0, 4])
        assert outcome(RUNS[way], primitive, [x, fine], {}).tolist() == [3, 0]
        error = outcome(RUNS[way], primitive, [x, bad], {}).error
        assert isinstance(error, OutOfRange) and "TN801" in str(error) and "index 4" in str(error)


@pytest.mark.parametrize("index", [4, -5, -(2**61) - 5, -(2**62) - 2, -(2**63), 2**63 - 1])
@pytest.mark.parametrize("way", RUNS)
def test_the_error_names_the_index_given(way: str, index: int) -> None:
    error = outcome(RUNS[way], take_along, [np.arange(4.0), np.array([index])], {}).error
    assert isinstance(error, OutOfRange) and f"index {index} is out of range for axis 0 of size 4" in str(error)


@pytest.mark.parametrize("index", [3, -1, -7, -(2**40)])
def test_the_error_names_the_class_given(index: int) -> None:
    with pytest.raises(OutOfRange, match=f"index {index} is out of range"):
        functional.one_hot(tenure.tensor([index]), 3).tolist()


def test_an_elementwise_primitive_may_have_parameters() -> None:
    with only_here():
        primitive = softshrink()
        passes_the_tables_tests(primitive)
        out = outcome(compiled, primitive, [np.array([-2.0, -0.25, 0.0, 0.75])], {"λ": 0.5})
        assert out.tolist() == [-1.5, 0.0, 0.0, 0.25]


def test_nothing_outside_the_declarations_asks_for_a_name() -> None:
    asks = re.compile(r"primitive\.name (==|!=|in|not in)|\[[a-z.]*primitive\.name\]|\bof\.name (==|in)")
    root = Path(tenure.__file__).parent
    for room in ("compile", "transform", "values", "interp", "runtime", "func", "nn", "ops"):
        for path in (root / room).rglob("*.py"):
            assert not asks.search(path.read_text(encoding="utf-8")), path
