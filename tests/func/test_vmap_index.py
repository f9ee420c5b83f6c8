"""Every form of index under vmap: over the base, over the index, over what is written, and over any of them at once.

A loop over the examples is the oracle (what one example gives is checked against NumPy elsewhere): of values, of
gradients inside and outside, and of second derivatives.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tenure as tn
from tenure.compile.tiers import compile_program
from tenure.interp.interp import interpret
from tenure.values.rules.rows import ROOT
from tenure.values.run import plan

FUZZ = bool(os.environ.get("TENURE_FUZZ"))
CASES = 8 if FUZZ else 4
"""Cases of a seed."""
SEEDS = {"tiered": 300 if FUZZ else 3, "interpreted": 60 if FUZZ else 1, "compiled": 60 if FUZZ else 1}
EXECUTORS: dict[str, Any] = {"interpreted": interpret, "compiled": compile_program}
RUNS = [(name, seed) for name, seeds in SEEDS.items() for seed in range(seeds)]
COUNT = 3
"""Examples."""
Array = np.ndarray[Any, Any]


class Case(NamedTuple):
    """A shape, an index with a hole for each of its arrays, and for each example what goes there."""

    shape: tuple[int, ...]
    key: tuple[Any, ...]
    arrays: list[list[Array]]

    def filled(self, arrays: Any) -> Any:
        """The index with its arrays."""
        given = iter(arrays)
        return tuple(next(given) if e is HOLE else e for e in self.key)


HOLE = object()


def draw(rng: np.random.Generator) -> Case:
    """A random mixture of arrays, numbers that differ by example, ints, slices, None and an Ellipsis."""
    shape = tuple(int(n) for n in rng.integers(1, 5, rng.integers(1, 5)))
    block = tuple(int(n) for n in rng.choice([1, 2, 3, 0], rng.integers(0, 3), p=[0.2, 0.4, 0.35, 0.05]))
    key: list[Any] = []
    arrays: list[list[Array]] = [[] for _ in range(COUNT)]
    for n in shape[: int(rng.integers(1, len(shape) + 1))]:
        way = rng.random()
        if way < 0.1:
            key.append(None)
        if way < 0.5:
            cut = int(rng.integers(0, len(block) + 1)) if rng.random() < 0.3 else 0
            own = tuple(1 if rng.random() < 0.2 else m for m in block[cut:])
            for each in arrays:
                each.append(np.asarray(rng.integers(-n, n, own)))
            key.append(HOLE)
        elif way < 0.65:
            key.append(int(rng.integers(-n, n)))
        else:
            step = [None, 1, 2, -1, -2][rng.integers(5)]
            bounds = [None if rng.random() < 0.4 else int(rng.integers(-n - 1, n + 2)) for _ in range(2)]
            key.append(slice(*bounds, step))
    if rng.random() < 0.2:
        key.append(Ellipsis)
    return Case(shape, tuple(key), arrays)


WAYS = ["read", "read", "set", "set", "add", "multiply", "max", "min", "place"]


def function(case: Case, way: str) -> Callable[..., Any]:
    """The function of one example: of the base, what is written and the arrays of the index."""

    def f(x: Any, v: Any, *arrays: Any) -> Any:
        key = case.filled(arrays)
        if way == "read":
            return x[key]
        if way == "place":
            u = (x * 1.0).mut()
            u[key] = v
            return u.value
        return getattr(x.at[key], way)(v)

    return f


class Inputs(NamedTuple):
    """What each example is given, and which of it differs between examples."""

    floats: list[list[Array]]
    arrays: list[list[Array]]
    batched: list[bool]

    @property
    def axes(self) -> tuple[int | None, ...]:
        return tuple(0 if has else None for has in self.batched)

    def of(self, k: int) -> list[Any]:
        """The tensors of one example."""
        own = [*self.floats[k], *self.arrays[k]]
        shared = [*self.floats[0], *self.arrays[0]]
        return [tn.tensor(a if has else b) for a, b, has in zip(own, shared, self.batched, strict=True)]

    def all(self) -> list[Any]:
        """Those of all examples."""
        rows = [[*self.floats[k], *self.arrays[k]] for k in range(COUNT)]
        columns = zip(*rows, strict=True)
        return [tn.tensor(np.stack(xs) if has else xs[0]) for xs, has in zip(columns, self.batched, strict=True)]


def inputs(case: Case, rng: np.random.Generator) -> Inputs:
    """Small whole numbers, so that every sum is exact, for the base and for what is written."""
    part = np.empty(case.shape)[case.filled(case.arrays[0])].shape
    cut = int(rng.integers(0, len(part) + 1)) if rng.random() < 0.3 else 0
    small = [1 if rng.random() < 0.15 else n for n in part[cut:]]
    floats = [[rng.integers(-3, 4, s).astype(float) for s in (case.shape, small)] for _ in range(COUNT)]
    while True:
        batched = [bool(rng.random() < 0.6) for _ in range(2 + len(case.arrays[0]))]
        if any(batched):
            return Inputs(floats, case.arrays, batched)


def summed(found: list[Any], given: Inputs, number: int) -> Array:
    """The gradient of one operand, from those of each example."""
    rows = [g[number].detach().numpy() for g in found]
    return np.stack(rows) if given.batched[number] else np.sum(rows, axis=0)


def curvature(slopes: Callable[..., Any], along: list[Any]) -> Callable[..., Any]:
    """The gradients of the slope along a direction."""
    return tn.grad(lambda *xs: sum((g * d).sum() for g, d in zip(slopes(*xs), along, strict=True)), (0, 1))


def check_case(rng: np.random.Generator) -> None:
    case = draw(rng)
    way = WAYS[rng.integers(len(WAYS))]
    try:
        given = inputs(case, rng)
    except IndexError:
        return
    f = function(case, way)
    told = f"{way} of {case}, {given.batched}"
    vmapped = tn.vmap(f, in_axes=given.axes)
    found = vmapped(*given.all())
    each = [f(*given.of(k)) for k in range(COUNT)]
    assert_allclose(found, np.stack([y.numpy() for y in each]), err_msg=told, strict=True)

    w = tn.tensor(rng.integers(-3, 4, each[0].shape).astype(float))
    scalar = lambda x, v, *arrays: (f(x, v, *arrays) ** 3 * w).sum()  # noqa: E731
    slopes = tn.grad(scalar, (0, 1))
    inside = tn.vmap(slopes, in_axes=given.axes)(*given.all())
    one = [slopes(*given.of(k)) for k in range(COUNT)]
    for k in range(2):
        assert_allclose(inside[k], np.stack([g[k].numpy() for g in one]), rtol=1e-11, atol=1e-11, err_msg=told)
    outside = tn.grad(lambda *xs: tn.vmap(scalar, in_axes=given.axes)(*xs).sum(), (0, 1))
    total = outside(*given.all())
    for k in range(2):
        assert_allclose(total[k], summed(one, given, k), rtol=1e-11, atol=1e-11, err_msg=told)

    along = [tn.tensor(rng.integers(-3, 4, x.shape).astype(float)) for x in given.all()[:2]]
    second = curvature(outside, along)(*given.all())
    own = [[d[k] if has else d for d, has in zip(along, given.batched, strict=False)] for k in range(COUNT)]
    wanted = [curvature(slopes, own[k])(*given.of(k)) for k in range(COUNT)]
    for k in range(2):
        assert_allclose(second[k], summed(wanted, given, k), rtol=1e-10, atol=1e-10, err_msg=told)


@pytest.mark.parametrize(("executor", "seed"), RUNS, ids=[f"{name}-{seed}" for name, seed in RUNS])
def test_any_index_is_a_loop(executor: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if executor in EXECUTORS:
        monkeypatch.setattr(plan, "EXECUTOR", EXECUTORS[executor])
        monkeypatch.setattr(ROOT, "next", {})
        monkeypatch.setattr(ROOT, "likely", None)
    rng = np.random.default_rng([seed, len(executor)])
    for _ in range(CASES):
        check_case(rng)


X = tn.tensor(np.arange(12.0).reshape(4, 3) - 5)
FORMS: dict[str, Callable[[Any], Any]] = {
    "take": lambda x: tn.take(x, tn.stack([x.argmax(), x.argmin()]), 0),
    "gather": lambda x: tn.gather(x, 0, tn.stack([x.argmax(), x.argmin()])),
    "masked write": lambda x: x.at[x > 0].set(0.5).at[x < -2].add(x[0]),
    "masked fill": lambda x: x.masked_fill(x * x > 4, 1.0),
    "scatter add": lambda x: tn.scatter_add(tn.zeros(4, dtype=tn.float64), 0, (x > 0).long() + (x > 3).long(), x * x),
    "put along": lambda x: tn.put_along_axis(x, x.argmax(axis=0, keepdims=True), 9.0, 0),
    "index add": lambda x: tn.index_add(x, 0, tn.tensor([0, 0, 2]), x * x),
    "segments": lambda x: tn.segment_sum(x * x, (x > 0).long(), 2),
    "diagonal": lambda x: tn.diagonal(x.unsqueeze(1) * x, 1),
    "constant mask": lambda x: x[tn.tensor([True, False, True])],
    "window": lambda x: x.at[(x > 0).long() + tn.arange(3) // 2].multiply(x),
    "element": lambda x: (x.reshape(3, 1) * x)[x.argmax(), x.argmin()],
    "place": lambda x: written(x),
}


def written(x: Any) -> Any:
    u = tn.zeros((3, 3), dtype=tn.float64).mut()
    u[x.argmax(), [0, 2]] = x[:2]
    u[:, 1] += x
    u[x > 0] = -1.0
    return u


@pytest.mark.parametrize("name", FORMS)
def test_a_form(name: str) -> None:
    f = FORMS[name]
    assert_allclose(tn.vmap(f)(X), np.stack([np.asarray(f(X[k])) for k in range(4)]), strict=True)
    slope = tn.grad(lambda x: (f(x) * 1.0 * f(x)).sum())
    wanted = np.stack([np.asarray(slope(X[k])) for k in range(4)])
    assert_allclose(tn.vmap(slope)(X), wanted, strict=True)
    outside = tn.grad(lambda xs: (tn.vmap(f)(xs) ** 2).sum())
    assert_allclose(outside(X), wanted, strict=True)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: x[x > 0], r"how many elements a mask selects(.|\n)*tn.where"),
        (lambda x: tn.nonzero(x)[0], "how many elements a mask selects"),
        (lambda x: x[x.argmax() :], r"value of one example is read(.|\n)*x\[i \+ tn.arange\(n\)\]"),
    ],
)
def test_what_has_another_shape_in_each_example_is_refused(f: Any, message: str) -> None:
    with pytest.raises(tn.VmapError, match=message):
        tn.vmap(f)(X)


def test_out_of_range_in_any_example_names_the_line_and_no_axis_of_all_examples() -> None:
    for f in (lambda x: x[x.argmax() + 1], lambda x: x.at[x.argmax() + 1].set(0.0), lambda x: x[[0, 1]][x.argmax()]):
        with pytest.raises(tn.OutOfRange, match=r"index [23] is out of range for an axis of size [23]") as error:
            tn.vmap(f)(X).numpy()
        assert "argmax" in str(error.value) and error.value.code == "TN801"
        with pytest.raises(tn.OutOfRange, match=r"index [23] is out of range for an axis of size [23]"):
            tn.vmap(tn.grad(lambda x, f=f: f(x).sum()))(X).numpy()  # type: ignore[misc]
