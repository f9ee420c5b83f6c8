"""Joins of joins and crops of crops: small programs in full, and random ones by their values."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import tenure as tn
import tenure.ops
from tenure.dtypes import float64
from tenure.interp.interp import interpret
from tenure.ir.aval import Aval
from tenure.ir.program import TABLE, Builder, Program, Value
from tenure.ir.verify import verify
from tenure.transform.flatten import flattened
from tenure.values.operations import groups

X = Aval((4, 6), float64)


def program(f: Callable[[list[Value]], list[Value]], count: int = 4) -> Program:
    b = Builder()
    xs = [b.input(X) for _ in range(count)]
    return b.extract([x.id for x in xs], [y.id for y in f(xs)])


def names(found: Program) -> list[tuple[str, int]]:
    """Primitives, each with the number of its operands."""
    return [(at.primitive.name, len(operands)) for at, operands in zip(found.applications, found.reads(), strict=True)]


def join(*xs: Value, axis: int = 0) -> Value:
    return TABLE["concat"](*xs, axis=axis)


def crop(x: Value, *widths: tuple[int, int]) -> Value:
    return TABLE["pad"](x, widths=widths)


def test_joins_of_joins_are_one() -> None:
    found = flattened(program(lambda x: [join(join(join(x[0], x[1]), x[2]), join(x[3], x[0]))]))
    assert names(found) == [("concat", 5)]


def test_crops_of_crops_are_one() -> None:
    found = flattened(program(lambda x: [crop(crop(x[0], (-1, 0), (0, -2)), (-1, -1), (-3, 0))]))
    assert names(found) == [("pad", 1)]
    assert found.applications[0].params["widths"] == ((-2, -1), (-3, -2))


def test_what_is_unlike_stays() -> None:
    for f in (
        lambda x: [join(join(x[0], x[1], axis=1), join(x[2], x[3], axis=1))],
        lambda x: [crop(crop(x[0], (1, 0), (0, 0)), (-1, 0), (0, 0))],
        lambda x: [join(x[0] + x[1], x[2])],
    ):
        given = program(f)
        assert flattened(given) is given


@pytest.mark.parametrize("seed", range(12))
def test_values_stay(seed: int) -> None:
    """Joins, crops, pads and sums in random order; some results are read elsewhere too."""
    draw, arrays = random.Random(seed), [np.random.default_rng(seed + k).standard_normal(X.shape) for k in range(4)]

    def f(xs: list[Value]) -> list[Value]:
        pool = list(xs)
        for _ in range(14):
            x = draw.choice(pool)
            axis, kind = draw.randrange(2), draw.randrange(4)
            if kind == 0:
                fit = [y for y in pool if y.shape[1 - axis] == x.shape[1 - axis] and y.shape[axis] < 40]
                pool.append(join(x, *draw.sample(fit, min(len(fit), 2)), axis=axis))
            elif kind == 3:
                pool.append(x * 2)
            else:
                sign = -1 if kind == 1 else 1
                widths = [(sign * draw.randrange(2), sign * draw.randrange(2)) for _ in range(2)]
                fits = all(n + lo + hi > 0 for n, (lo, hi) in zip(x.shape, widths, strict=True))
                pool.append(crop(x, *widths) if fits else x + 1)
        return draw.sample(pool[4:], 4)

    given = program(f)
    found = flattened(given)
    verify(found)
    for one, other in zip(interpret(found)(list(arrays)), interpret(given)(list(arrays)), strict=True):
        assert_array_equal(one, other)


JOINS: dict[str, Callable[..., tn.Tensor]] = {
    **{name: getattr(tn, name) for name in ("stack", "concat", "hstack", "vstack", "dstack", "column_stack")},
    "stack last": lambda xs: tn.stack(xs, -1),
    "concat last": lambda xs: tn.concat(xs, -1),
}


@pytest.mark.parametrize("name", JOINS)
def test_groups_are_not_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The value, the gradients and the name in the graph are those of one join."""
    monkeypatch.setattr(groups, "FIRST", {})
    monkeypatch.setattr(groups, "FEW", 0)
    for count, shape in ((9, (3,)), (15, (2, 3)), (23, (2, 3, 2)), (70, (1, 2))):
        arrays = [np.random.default_rng(k).standard_normal(shape) for k in range(count)]
        found = []
        for most in (groups.MOST, 1 << 20):
            monkeypatch.setattr(groups, "MOST", most)
            xs = [tn.tensor(a, requires_grad=True) for a in arrays]
            y = JOINS[name](xs)
            (y * y.detach().tanh()).sum().backward()
            grads = [x.grad for x in xs]
            found.append([y.detach().numpy(), *[g.numpy() for g in grads if g is not None]])
            found[-1].append(np.array(repr(y.grad_fn)))
        assert len(found[0]) == count + 2
        for one, other in zip(*found, strict=True):
            assert_array_equal(one, other, strict=True)


def test_parts_of_several_dtypes_are_promoted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """In groups, an int64 beside a float32 would be rounded before it meets a float64."""
    monkeypatch.setattr(groups, "FIRST", {})
    monkeypatch.setattr(groups, "FEW", 0)
    xs = [tn.tensor(2**53 + 1), *[tn.tensor(0.5, dtype=tn.float32) for _ in range(9)], tn.tensor(1.0, dtype=tn.float64)]
    assert tn.stack(xs).numpy()[0] == np.stack([np.array(2**53 + 1), *[np.float32(0.5)] * 9, np.float64(1)])[0]
    with pytest.raises(tn.ShapeError, match="stack"):
        tn.stack([*[tn.ones(3)] * 20, tn.ones(4)])
