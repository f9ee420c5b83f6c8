"""Random programs that read and write a place: values against NumPy, gradients against slopes and PyTorch.

What was read before a write is kept and looked at in the end, so a write that reached it would show.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import tenure as tn
from tests.random_programs import Array, Key, Numpy, Torch, keys, weights

FUNCTIONS: dict[str, Any] = {
    "tanh": lambda m, x: m.tanh(x),
    "sin": lambda m, x: m.sin(x) * 0.5,
    "square": lambda m, x: x * x * 0.25,
    "shift": lambda m, x: 0.5 - x,
}
Step = tuple[Any, ...]


@dataclass
class Program:
    """A place of some shape, leaves that are written into it, and steps that write and read it."""

    start: Array
    differentiable: bool  # whether the place starts with a computed value, not with a constant
    leaves: list[Array]
    steps: list[Step]


@st.composite
def writing_programs(draw: Any) -> Program:
    shape = tuple(draw(st.lists(st.sampled_from([3, 2, 4, 1, 0]), min_size=1, max_size=3)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    leaves = [rng.standard_normal(shape), rng.standard_normal(())]
    sizes = [shape, ()]  # of what has been read, and could be written
    steps: list[Step] = []
    for _ in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from(["write", "write", "add", "scale", "read", "apply", "whole", "copy", "walk"]))
        if kind in ("write", "add"):
            key = keys(draw, shape)
            selected = np.empty(shape)[key].shape
            fitting = [k for k, s in enumerate(sizes) if fits(s, selected)]
            source = draw(st.sampled_from(fitting))
            steps.append((kind, key, source, draw(st.sampled_from(sorted(FUNCTIONS)))))
        elif kind == "scale":
            steps.append((kind, keys(draw, shape), draw(st.sampled_from([0.5, -1.5, 0.0]))))
        elif kind == "read":
            key = keys(draw, shape)
            steps.append((kind, key))
            sizes.append(np.empty(shape)[key].shape)
        elif kind == "apply":
            source = draw(st.integers(0, len(sizes) - 1))
            steps.append((kind, source, draw(st.sampled_from(sorted(FUNCTIONS)))))
            sizes.append(sizes[source])
        elif kind == "walk":
            steps.append((kind, draw(st.sampled_from([1, 1, 2, 30]))))
        else:
            steps.append((kind, draw(st.sampled_from([k for k, s in enumerate(sizes) if fits(s, shape)]))))
    return Program(rng.standard_normal(shape), draw(st.booleans()), leaves, steps)


def fits(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether the one broadcasts to the other."""
    if len(one) > len(other):
        return False
    return all(n in (1, m) for n, m in zip(one[::-1], other[::-1], strict=False))


def path(shape: tuple[int, ...], rounds: int) -> Iterator[tuple[int, int]]:
    """Neighbours along the first axis, again and again."""
    for _ in range(rounds):
        for k in range(1, shape[0]):
            yield k, k - 1


def on_values(m: Any, program: Program, start: Any, leaves: Sequence[Any]) -> list[Any]:
    """The program by functions that copy: everything read, and what the place holds in the end."""
    pool, u = list(leaves), start
    for kind, *args in program.steps:
        if kind == "write":
            key, source, f = args
            u = m.write(u, key, FUNCTIONS[f](m, pool[source]))
        elif kind == "add":
            key, source, f = args
            u = m.add_at(u, key, FUNCTIONS[f](m, pool[source]))
        elif kind == "scale":
            u = m.write(u, args[0], m.read(u, args[0]) * args[1])
        elif kind == "read":
            pool.append(m.read(u, args[0]) + 0)
        elif kind == "apply":
            pool.append(FUNCTIONS[args[1]](m, pool[args[0]]))
        elif kind == "whole":
            u = u + pool[args[0]]
        elif kind == "copy":
            u = m.write(u, (...,), pool[args[0]])
        else:
            for k, j in path(program.start.shape, args[0]):
                u = m.write(u, (k,), m.sin(m.read(u, (j,))) + pool[1])
    return [*pool[2:], u]


def on_a_place(program: Program, u: Any, leaves: Sequence[Any]) -> list[Any]:
    """The same by writing a place."""
    pool = list(leaves)
    for kind, *args in program.steps:
        if kind == "write":
            key, source, f = args
            u[key] = FUNCTIONS[f](tn, pool[source])
        elif kind == "add":
            key, source, f = args
            u[key] += FUNCTIONS[f](tn, pool[source])
        elif kind == "scale":
            u[args[0]] *= args[1]
        elif kind == "read":
            pool.append(u[args[0]])
        elif kind == "apply":
            pool.append(FUNCTIONS[args[1]](tn, pool[args[0]]))
        elif kind == "whole":
            u += pool[args[0]]
        elif kind == "copy":
            u.copy_(pool[args[0]])
        else:
            for k, j in path(program.start.shape, args[0]):
                u[k] = tn.sin(u[j]) + pool[1]
    return [*pool[2:], u.value]


def run(program: Program) -> list[Array]:
    """What Tenure computes."""
    place = tn.Var(tn.tensor(program.start))
    return [y.numpy() for y in on_a_place(program, place, [tn.tensor(x) for x in program.leaves])]


def differentiated(program: Program) -> list[Array]:
    """The gradients of the leaves, and of the value that the place starts with."""
    leaves = [tn.tensor(x, requires_grad=True) for x in [*program.leaves, program.start]]
    place = (leaves[-1] * 1.0 if program.differentiable else tn.tensor(program.start)).mut()
    total = tn.tensor(0.0, dtype=tn.float64)
    for k, x in enumerate(on_a_place(program, place, leaves[:-1])):
        total = total + (x * tn.tensor(weights(k, x.shape, "float64"))).sum()
    if total.requires_grad:
        total.backward()
    return [np.zeros(v.shape) if v.grad is None else v.grad.numpy() for v in leaves]


def weighted(xs: Sequence[Any], const: Any = lambda x: x) -> Any:
    return sum((x * const(weights(k, tuple(x.shape), "float64"))).sum() for k, x in enumerate(xs))


@settings(max_examples=max(100, settings.default.max_examples))  # type: ignore[union-attr]
@given(writing_programs())
def test_values_are_numpys(program: Program) -> None:
    wanted = on_values(Numpy(), program, program.start, program.leaves)
    found = run(program)
    for y, expected in zip(found, wanted, strict=True):
        assert_allclose(y, np.asarray(expected), rtol=1e-9, atol=1e-12, strict=True)
    with tn.eager():
        assert [y.tobytes() for y in run(program)] == [y.tobytes() for y in found]
    assert [y.tobytes() for y in run(program)] == [y.tobytes() for y in found]


@given(writing_programs())
def test_gradients_are_slopes(program: Program) -> None:
    rng = np.random.default_rng(0)
    found = differentiated(program)
    points = [*program.leaves, program.start]
    along = [rng.standard_normal(x.shape) for x in points]
    if not program.differentiable:
        along[-1] = np.zeros(program.start.shape)
        assert_array_equal(found[-1], along[-1])

    def at(t: float) -> float:
        *leaves, start = [np.asarray(x + t * d) for x, d in zip(points, along, strict=True)]
        return float(weighted([np.asarray(y) for y in on_values(Numpy(), program, start, leaves)]))

    step = 1e-4
    wanted = (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step)
    scale = 1 + sum(float(np.sum(np.abs(g))) for g in found)
    slope = sum(float(np.sum(g * d)) for g, d in zip(found, along, strict=True))
    assert slope == pytest.approx(wanted, rel=1e-6, abs=1e-7 * scale)
    with tn.eager():
        assert [g.tobytes() for g in differentiated(program)] == [g.tobytes() for g in found]


@pytest.mark.peers
@given(writing_programs())
def test_gradients_are_pytorchs(program: Program) -> None:
    torch = pytest.importorskip("torch")
    leaves = [torch.tensor(x, requires_grad=True) for x in [*program.leaves, program.start]]
    start = leaves[-1] if program.differentiable else leaves[-1].detach()
    total = weighted(on_values(Torch(torch), program, start, leaves[:-1]), torch.tensor)
    if total.requires_grad:
        total.backward()
    for found, leaf in zip(differentiated(program), leaves, strict=True):
        wanted = np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.numpy()
        assert_allclose(found, wanted, rtol=1e-8, atol=1e-9, strict=True)


@st.composite
def borrowing(draw: Any) -> tuple[Array, list[tuple[Key, Key, str, float]]]:
    """A place, and writes through a borrow of it: which part, which part of that, how, and what."""
    shape = tuple(draw(st.lists(st.sampled_from([3, 4, 2, 1]), min_size=1, max_size=3)))
    start = np.arange(float(np.prod(shape))).reshape(shape)
    writes = []
    for _ in range(draw(st.integers(1, 5))):
        outer = keys(draw, shape)
        inner = keys(draw, start[outer].shape)
        how = draw(st.sampled_from(["set", "add", "fill", "multiply"]))
        writes.append((outer, inner, how, draw(st.sampled_from([0.5, -2.0, 3.0]))))
    return start, writes


def viewed(x: Array, key: Key) -> Array:
    """x[key], a view even if it is one element."""
    return x[key if Ellipsis in key else (*key, ...)]  # type: ignore[no-any-return]


@settings(max_examples=max(100, settings.default.max_examples))  # type: ignore[union-attr]
@given(borrowing())
def test_writes_through_sub_borrows_are_numpys(case: tuple[Array, list[Any]]) -> None:
    """NumPy's views of views write through; so do borrows of borrows, and what was read before stays."""
    start, writes = case
    place, array = tn.Var(tn.tensor(start)), start.copy()
    before: list[tuple[Any, Array]] = []
    for outer, inner, how, number in writes:
        before.append((place.value, array.copy()))
        window, view = place.data[outer], viewed(array, outer)
        before.append((window.value, view.copy()))
        part, spot = window[inner], viewed(view, inner)
        if how == "set":
            window[inner] = number
        else:
            {"add": part.add_, "fill": part.fill_, "multiply": part.mul_}[how](number)
        spot[...] = {"add": spot + number, "multiply": spot * number}.get(how, number)
    assert_array_equal(place.numpy(), array)
    for value, copy in before:
        assert_array_equal(value.numpy(), copy, strict=True)


def test_nothing_is_written_through_an_empty_part_of_a_new_axis() -> None:
    for shape in [(3,), ()]:
        place = tn.Var(tn.tensor(np.ones(shape)))
        place.data[None][:0].fill_(5.0)
        place.data[None, ...][:0] += 1.0
        assert_array_equal(place.numpy(), np.ones(shape))
