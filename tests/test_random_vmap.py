"""Random programs on examples: vmap is a loop, of values, of gradients inside and of gradients outside.

An example near a step or a tie, where the last bits of a product decide, is left out: what a shake of its inputs
changes by more than in proportion.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import tenure as tn
from tests.random_programs import Array, Program, Tenure, loss, programs

FEW = 30
some = settings(max_examples=max(FEW, settings.default.max_examples // 2))  # type: ignore[union-attr]
Case = tuple[Program, list[list[Array]], list[bool]]


@st.composite
def cases(draw: Any) -> Case:
    """A program, two or three examples of its inputs, and which inputs differ between them."""
    program = draw(programs())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(2, 3))
    batched = [draw(st.booleans()) for _ in program.inputs]
    batched[draw(st.integers(0, len(batched) - 1))] = True
    examples = [program.inputs]
    for _ in range(count - 1):
        own = [rng.integers(-8, 9, x.shape) / 4 if has else x for x, has in zip(program.inputs, batched, strict=True)]
        examples.append([np.asarray(x) for x in own])
    return program, examples, batched


def axes(batched: list[bool]) -> Any:
    return tuple(0 if has else None for has in batched)


def stacked(examples: list[list[Array]], batched: list[bool]) -> list[Any]:
    """The inputs of all examples."""
    return [tn.tensor(np.stack([e[k] for e in examples]) if has else examples[0][k]) for k, has in enumerate(batched)]


def steady(f: Callable[..., list[Any]], example: list[Array]) -> tuple[list[Array], bool]:
    """What f gives for an example, and whether a shake of it changes that in proportion."""
    runs = [[y.detach().numpy() for y in f(*[tn.tensor(x + e) for x in example])] for e in (0.0, 1e-11, -1e-11)]
    wanted = runs[0]
    calm = all(
        np.allclose(y, z, rtol=1e-6, atol=1e-6, equal_nan=True)
        for other in runs[1:]
        for y, z in zip(wanted, other, strict=True)
    )
    return wanted, calm


def check(case: Case, f: Callable[..., list[Any]]) -> None:
    """vmap(f) is a loop of f."""
    _, examples, batched = case
    found = tn.vmap(f, in_axes=axes(batched))(*stacked(examples, batched))
    rows = [y.detach().numpy() for y in found]
    for k, example in enumerate(examples):
        wanted, calm = steady(f, example)
        assert [y.shape[1:] for y in rows] == [y.shape for y in wanted]
        if calm:
            for y, z in zip(rows, wanted, strict=True):
                assert_allclose(y[k], z, rtol=1e-8, atol=1e-8)


@some
@given(cases())
def test_values(case: Case) -> None:
    assume(case[0].steps)
    check(case, lambda *xs: case[0].run(Tenure(), xs))


def gradients(program: Program) -> Callable[..., list[Any]]:
    """The gradients of the loss with respect to all inputs."""
    numbers = tuple(range(len(program.inputs)))
    return lambda *xs: list(tn.grad(lambda *xs: loss(Tenure(), program, xs), numbers)(*xs))


@some
@given(cases())
def test_gradients_inside(case: Case) -> None:
    assume(case[0].steps)
    check(case, gradients(case[0]))


@some
@given(cases())
def test_gradients_outside(case: Case) -> None:
    program, examples, batched = case
    assume(program.steps)
    numbers = tuple(range(len(batched)))
    one = lambda *xs: loss(Tenure(), program, xs)  # noqa: E731
    each = [steady(gradients(program), example) for example in examples]
    assume(all(calm for _, calm in each))
    weights = tn.arange(float(len(examples)), dtype=tn.float64) + 1
    found = tn.grad(lambda *xs: (tn.vmap(one, in_axes=axes(batched))(*xs) * weights).sum(), numbers)(
        *stacked(examples, batched)
    )
    for k, has in enumerate(batched):
        parts = [(i + 1) * gs[k] for i, (gs, _) in enumerate(each)]
        scale = max([float(np.abs(p).max()) for p in parts if p.size], default=1.0)
        assert_allclose(found[k].detach(), np.stack(parts) if has else sum(parts), rtol=1e-8, atol=1e-8 * (1 + scale))
