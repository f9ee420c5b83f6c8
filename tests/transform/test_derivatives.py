"""Derivatives as programs: small ones in full, and what must not grow in long ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tenure.ops  # noqa: F401  (fills the table)
from tenure.dtypes import bool_, float64, int64
from tenure.interp import interp
from tenure.interp.interp import interpret
from tenure.ir.aval import Aval
from tenure.ir.primitive import UNSIGNED
from tenure.ir.program import TABLE, Builder, Instruction, Program, Value
from tenure.ir.show import show
from tenure.ir.verify import verify
from tenure.transform import jvp, vjp
from tenure.transform.jvp import push_forward
from tenure.transform.narrow import narrow
from tenure.transform.vjp import pull_back
from tests.compile.random_ir import Random, outputs_of

X = Aval((3,), float64)
SCALAR = Aval((), float64)
getitem, setitem, reduce_sum, sin = (TABLE[n] for n in ("getitem", "setitem", "reduce_sum", "sin"))


def gradient(f: Callable[[Builder, Value], Value], aval: Aval = X) -> Program:
    """The program (x, g) → the cotangent of x."""
    b = Builder()
    x = b.input(aval, tracked=True)
    y = f(b, x)
    g = b.input(y.aval)
    program = b.extract([x.id, g.id], [pull_back(b, {y.id: g}, {x.id}, {})[x.id].id])
    verify(program)
    return program


def tangent(f: Callable[[Builder, Value], Value], aval: Aval = X) -> Program:
    """The program (x, dx) → the tangent of f(x)."""
    b = Builder()
    x, dx = b.input(aval, tracked=True), b.input(aval)
    y = f(b, x)
    program = b.extract([x.id, dx.id], [push_forward(b, {x.id: dx})[y.id].id])
    verify(program)
    return program


def text(program: Program) -> str:
    """The program without its columns of dtypes."""
    lines = [line.split(" : ")[0].rstrip() for line in show(program).splitlines()]
    return "\n".join(line.strip() for line in lines[1:-1])


def test_the_gradient_of_a_product_of_a_sine() -> None:
    assert text(gradient(lambda b, x: sin(x) * x)) == "\n".join(
        ["%2 = sin %0", "%3 = chain %0 %1", "%4 = chain %2 %1", "%5 = cos %0", "%6 = chain %5 %3",
         "%7 = add %4 %6", "return %7"]
    )  # fmt: skip


def test_the_tangent_of_a_product_of_a_sine() -> None:
    assert text(tangent(lambda b, x: sin(x) * x)) == "\n".join(
        ["%2 = sin %0", "%3 = cos %0", "%4 = chain %3 %1", "%5 = chain %0 %4", "%6 = chain %2 %1",
         "%7 = add %5 %6", "return %7"]
    )  # fmt: skip


def test_the_gradient_of_a_sum_is_a_broadcast() -> None:
    assert text(gradient(lambda b, x: reduce_sum(x, axes=(0,)))) == "\n".join(
        ["%2 = reshape %1 shape=(1,)", "%3 = broadcast_to %2 shape=(3,)", "return %3"]
    )


def test_the_gradient_of_broadcasting_is_a_sum() -> None:
    assert text(gradient(lambda b, x: x + b.full((2, 3), 1.0, float64))) == "\n".join(
        ["%2 = reduce_sum %1 axes=(0,)", "return %2"]
    )


def test_a_cotangent_that_is_all_numbers_is_multiplied_plainly_and_settled_at_the_end() -> None:
    b = Builder()
    x, g = b.input(X, tracked=True), b.full((3,), 2, float64)
    found = pull_back(b, {sin(x).id: g}, {x.id}, {})[x.id]
    assert text(b.extract([x.id], [found.id])) == "\n".join(
        ["%1 = full shape=(3,) value=2 dtype=tenure.float64", "%2 = cos %0", "%3 = multiply %1 %2",
         "%4 = full shape=() value=0.0 dtype=tenure.float64", "%5 = add %3 %4", "return %5"]
    )  # fmt: skip


def test_a_gradient_has_no_negative_zero() -> None:
    b = Builder()
    x, c, g = b.input(X, tracked=True), b.input(Aval((3,), bool_)), b.input(X)
    y = TABLE["where"](c, x, x.zeros())
    found = pull_back(b, {y.id: g}, {x.id}, {}, {x.id})[x.id]
    assert text(b.extract([c.id, g.id], [found.id])) == "\n".join(
        ["%2 = full shape=() value=-0.0 dtype=tenure.float64", "%3 = where %0 %1 %2",
         "%4 = full shape=() value=0.0 dtype=tenure.float64", "%5 = add %3 %4", "return %5"]
    )  # fmt: skip


def read_each(n: int) -> Callable[[Builder, Value], Value]:
    """x[0] + x[1] + …, one element at a time."""

    def f(b: Builder, x: Value) -> Value:
        total = getitem(x, b.constant(0, int64), spec=("i",))
        for k in range(1, n):
            total = total + getitem(x, b.constant(k, int64), spec=("i",))
        return total

    return f


def test_the_gradient_of_reads_is_one_accumulator() -> None:
    program = gradient(read_each(3))
    assert text(program) == "\n".join(
        [
            "%2 = full shape=() value=0 dtype=tenure.int64",
            "%3 = full shape=() value=1 dtype=tenure.int64",
            "%4 = full shape=() value=2 dtype=tenure.int64",
            "%5 = full shape=(3,) value=-0.0 dtype=tenure.float64",
            "%6 = additem %5 %1 %4 spec=('i',)",
            "%7 = additem %6 %1 %3 spec=('i',)",
            "%8 = additem %7 %1 %2 spec=('i',)",
            "return %8",
        ]
    )


@pytest.mark.parametrize("n", [10, 100, 1000])
def test_the_gradient_of_n_reads_has_n_additions_and_one_fill(n: int) -> None:
    program = gradient(read_each(n), Aval((n,), float64))
    count = Counter(at.primitive.name for at in program.instructions if at.aval.size == n)
    assert count == {"full": 1, "additem": n}
    assert bytes_made(program, [np.ones(n), np.array(1.0)]) <= 100 * n + 1000


def write_each(n: int) -> Callable[[Builder, Value], Value]:
    """u[k] = sin(u[k-1]) for each k, then the sum of u."""

    def f(b: Builder, u: Value) -> Value:
        for k in range(1, n):
            before = getitem(u, b.constant(k - 1, int64), spec=("i",))
            u = setitem(u, sin(before), b.constant(k, int64), spec=("i",))
        return reduce_sum(u, axes=(0,))

    return f


@pytest.mark.parametrize("n", [10, 100, 1000])
def test_the_gradient_of_n_writes_is_linear_in_instructions_and_bytes(n: int) -> None:
    program = gradient(write_each(n), Aval((n,), float64))
    assert len(program.instructions) <= 12 * n
    assert bytes_made(program, [np.ones(n), np.array(1.0)]) <= 300 * n + 1000
    x = np.random.default_rng(0).standard_normal(n)
    (found,) = interpret(program)([x.copy(), np.array(1.0)])
    wanted, slope, at = 1.0, 1.0, x[0]
    for _ in range(1, n):
        slope, at = slope * np.cos(at), np.sin(at)
        wanted += slope
    assert_allclose(np.asarray(found)[0], wanted, rtol=1e-12)
    assert_array_equal(np.asarray(found)[1:], 0)


def bytes_made(program: Program, xs: list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]) -> int:
    """The bytes of all results that do not take over a buffer, as the interpreter runs the program."""
    made = 0
    step = interp._step

    def counted(values: list[object], at: Instruction, *rest: Any) -> object:
        nonlocal made
        before = {id(v) for v in values}
        y = step(values, at, *rest)
        if isinstance(y, np.ndarray) and y.base is None and id(y) not in before:
            made += y.nbytes
        return y

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interp, "_step", counted)
        interpret(program)([x.copy() for x in xs])
    return made


def test_two_ways_to_a_value_are_added_once() -> None:
    found = interpret(gradient(lambda b, x: x * x + x))([np.array([1.0, 2.0, 3.0]), np.ones(3)])
    assert_array_equal(np.asarray(found[0]), [3.0, 5.0, 7.0])


def test_the_walk_ends_at_the_sources() -> None:
    b = Builder()
    x = b.input(X, tracked=True)
    y = sin(x)
    z = y * y
    g = b.input(X)
    found = pull_back(b, {z.id: g}, {y.id}, {})
    assert set(found) == {y.id}
    assert "cos" not in text(b.extract([x.id, g.id], [found[y.id].id]))


def test_a_source_above_another_takes_what_passes_it_by() -> None:
    b = Builder()
    x = b.input(X, tracked=True)
    y = sin(x)
    z = y * x
    g = b.input(X)
    found = pull_back(b, {z.id: g}, {x.id, y.id}, {})
    program = b.extract([x.id, g.id], [found[x.id].id, found[y.id].id])
    at = np.array([0.5, 1.0, 1.5])
    dx, dy = interpret(program)([at, np.ones(3)])
    assert_allclose(np.asarray(dx), np.sin(at))
    assert_allclose(np.asarray(dy), at)


def test_what_is_not_reached_is_not_found() -> None:
    b = Builder()
    x, other = b.input(X, tracked=True), b.input(X, tracked=True)
    y = sin(x)
    g = b.input(X)
    assert set(pull_back(b, {y.id: g}, {x.id, other.id}, {})) == {x.id}
    assert pull_back(b, {TABLE["floor"](x).id: g}, {x.id}, {}) == {}
    assert pull_back(b, {}, {x.id}, {}) == {}
    assert push_forward(b, {other.id: g}).keys() == {other.id}


def test_a_root_that_is_a_source_keeps_its_cotangent() -> None:
    b = Builder()
    x = b.input(X, tracked=True)
    g = b.input(X)
    assert pull_back(b, {x.id: g}, {x.id}, {})[x.id].id == g.id


def test_what_is_accumulated_into_is_added() -> None:
    b = Builder()
    x, other = b.input(X, tracked=True), b.input(X, tracked=True)
    acc, unused, g = b.input(X), b.input(X), b.input(SCALAR)
    y = getitem(x, b.constant(1, int64), spec=("i",))
    found = pull_back(b, {y.id: g}, {x.id, other.id}, {x.id: acc, other.id: unused})
    assert set(found) == {x.id}
    program = b.extract([acc.id, g.id], [found[x.id].id])
    assert text(program) == "\n".join(
        ["%2 = full shape=() value=1 dtype=tenure.int64", "%3 = additem %0 %1 %2 spec=('i',)", "return %3"]
    )


def test_instructions_recorded_without_tracking_are_constants() -> None:
    b = Builder()
    x = b.input(X, tracked=True)
    b.tracking = False
    c = sin(x)
    b.tracking = True
    y = c * x
    g = b.input(X)
    found = pull_back(b, {y.id: g}, {x.id}, {})
    assert text(b.extract([x.id, g.id], [found[x.id].id])) == "\n".join(
        ["%2 = sin %0", "%3 = chain %2 %1", "return %3"]
    )


def test_a_gradient_without_tracking_is_a_constant() -> None:
    b = Builder()
    x = b.input(X, tracked=True)
    y = x * x
    g = b.input(X)
    b.tracking = False
    found = pull_back(b, {y.id: g}, {x.id}, {})
    assert not b.tracked[found[x.id].id]


def test_third_derivatives() -> None:
    b = Builder()
    x = b.input(SCALAR, tracked=True)
    y = TABLE["power"](x, b.constant(3.0, float64))
    outputs = []
    for _ in range(4):
        y = pull_back(b, {y.id: b.full((), 1, float64)}, {x.id}, {}).get(x.id, x.zeros())
        outputs.append(y.id)
    found = interpret(b.extract([x.id], outputs))([np.array(2.0)])
    assert_array_equal([np.asarray(v) for v in found], [12.0, 12.0, 6.0, 0.0])


# -- templates


def listed(b: Builder) -> list[Any]:
    """All that a builder holds of each value."""
    return [b.avals, b.applications, b.operands, b.origins, b.tracked, b.depths, b.blocks, b.consts]


def differentiated(seed: int) -> tuple[Any, ...]:
    """Lists of a random program with cotangents of its inputs, tangents of these, and cotangents once more."""
    rng, r = np.random.default_rng(seed), Random(np.random.default_rng(seed))
    b = r.b
    for k in range(6):
        b.origin = k
        if seed % 3 == 1:
            b.begin_block()
        r.draw(2, 6)
        if seed % 3 == 1:
            b.end_block()
    sources = [v for v in range(len(b.avals)) if b.made(v) is None and b.tracked[v]]
    ends = [v for v in outputs_of(r) if b.tracked[v.id]]
    b.tracking = seed % 3 == 0
    given = {v.id: b.input(v.aval, tracked=True) for v in ends}
    b.zeros.update({g.id: UNSIGNED for g in given.values() if rng.random() < 0.3})
    final = [v for v in sources if rng.random() < 0.5]
    found = pull_back(b, given, set(sources), {v: b.input(b.avals[v]) for v in sources if rng.random() < 0.3}, final)
    along = {v: b.input(b.avals[v], tracked=True) for v in sources}
    pushed = push_forward(b, along, [v.id for v in (*ends, *found.values())])
    more = {g.id: b.input(g.aval) for g in found.values() if b.tracked[g.id]}
    again = pull_back(b, more, {*sources, *[g.id for g in given.values()]}, {})
    return *listed(b), *[{v: x.id for v, x in part.items()} for part in (found, pushed, again)]


@pytest.mark.parametrize("seed", range(12))
def test_templates_give_what_the_rules_emit(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Random, "input", tracked_input)
    found = differentiated(seed)
    for module in (vjp, jvp):
        monkeypatch.setattr(module, "laid", lambda *args: None)
    assert differentiated(seed) == found


def tracked_input(self: Random, x: Any) -> Value:
    """A random input, differentiated where it can be."""
    v = plain_input(self, x)
    self.b.tracked[v.id] = v.dtype.is_floating
    return v


plain_input = Random.input


def test_elements_of_a_chain_of_any_length() -> None:
    b = Builder()
    x = b.input(Aval((80,), float64), tracked=True)
    y = x
    for _ in range(3000):
        y = TABLE["sin"](y)
    end = TABLE["getitem"](y, b.constant(3, int64), spec=("i",))
    found = pull_back(b, {end.id: b.full((), 1, float64)}, {x.id}, {})
    program = narrow(b.extract([x.id], [end.id, found[x.id].id]))
    assert all(at.aval.size == 1 for at in program.instructions if at.primitive.name in ("sin", "cos"))
