"""Every form of index, read and written: values as NumPy has them, gradients as a dense matrix says."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.compile.tiers import compile_program
from tenure.interp.interp import interpret
from tenure.values.rules.rows import ROOT
from tenure.values.run import plan
from tests.values import index_forms
from tests.values.index_forms import Array, Case

FUZZ = bool(os.environ.get("TENURE_FUZZ"))
COUNT = 20
"""Cases of a seed."""
SEEDS = {"tiered": 1000 if FUZZ else 24, "interpreted": 200 if FUZZ else 4, "compiled": 100 if FUZZ else 3}
EXECUTORS: dict[str, Any] = {"interpreted": interpret, "compiled": compile_program}
RUNS = [(name, seed) for name, seeds in SEEDS.items() for seed in range(seeds)]


def whole(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.integers(-3, 4, shape).astype(float)


def check(found: Any, wanted: Array, case: Case, what: str, close: bool = False) -> None:
    """Equal in shape and value."""
    got = np.asarray(found.detach())
    fine = np.allclose(got, wanted, 1e-12, 1e-12) if close else np.array_equal(got, wanted)
    assert got.shape == wanted.shape and fine, f"{what}: x of shape {case.shape}, index {case.numpy!r}\n{got}\n{wanted}"


Checks = list[Callable[[], None]]


def linear(
    case: Case, what: str, function: Callable[..., Any], matrix: Array, shape: Any, zs: list[Array], rng: Any
) -> Checks:
    """Value, gradient and a product with the second derivative of Σ w·f(z)³ for f linear: all are whole numbers."""
    flat = np.concatenate([z.reshape(-1) for z in zs])
    out = matrix @ flat
    w, along = whole(rng, out.shape), [whole(rng, z.shape) for z in zs]
    leaves = [tn.tensor(z, requires_grad=True) for z in zs]
    found = function(*leaves)
    loss = (found.reshape(-1) ** 3 * tn.tensor(w)).sum()
    first = tn.autograd.grad(loss, leaves, create_graph=True, materialize_grads=True)
    product = sum([(g * tn.tensor(u)).sum() for g, u in zip(first, along, strict=True)], tn.tensor(0.0).double())
    second = (
        tn.autograd.grad(product, leaves, materialize_grads=True)
        if product.requires_grad
        else [tn.zeros_like(z) for z in leaves]
    )
    turned = matrix @ np.concatenate([u.reshape(-1) for u in along])
    gradient = matrix.T @ (3 * w * out**2)
    twice = matrix.T @ (6 * w * out * turned)

    def verify() -> None:
        check(found, out.reshape(shape), case, what)
        start = 0
        for k, z in enumerate(zs):
            check(first[k], gradient[start : start + z.size].reshape(z.shape), case, f"{what}, gradient {k}")
            check(second[k], twice[start : start + z.size].reshape(z.shape), case, f"{what}, second {k}")
            start += z.size

    return [verify]


def combining(case: Case, way: str, x: Array, v: Array, rng: Any) -> Checks:
    """Value and gradients of Σ w·f."""
    leaves = [tn.tensor(z, requires_grad=True) for z in (x, v)]
    found = getattr(leaves[0].at[case.tenure], way)(leaves[1])
    w = whole(rng, x.shape)
    dx, dv = tn.autograd.grad((found * tn.tensor(w)).sum(), leaves, materialize_grads=True)
    wanted = index_forms.factors(case, x, v, w, way)

    def verify() -> None:
        for got, want, what in zip((found, dx, dv), wanted, ("value", "base", "written"), strict=True):
            check(got, want, case, f"{way}: {what}", close=True)

    return [verify]


def assigned(key: Any) -> Callable[..., Any]:
    def write(x: Any, v: Any) -> Any:
        place = (x * 1.0).mut()
        place[key] = v
        return place.value

    return write


def one_case(rng: np.random.Generator) -> Checks:
    case = index_forms.draw(rng)
    x, v = whole(rng, case.shape), index_forms.value_for(rng, case.positions.shape)
    key = case.tenure
    way = rng.choice(["read", "set", "set", "add", "multiply", "max", "min"])
    if way == "read":
        return linear(case, "read", lambda x: x[key], index_forms.reading(case), case.positions.shape, [x], rng)
    if way == "set":
        write = assigned(key) if rng.random() < 0.5 else (lambda x, v: x.at[key].set(v))
        return linear(case, "set", write, index_forms.setting(case, v), case.shape, [x, v], rng)
    if way == "add":
        matrix = index_forms.adding(case, v)
        return linear(case, "add", lambda x, v: x.at[key].add(v), matrix, case.shape, [x, v], rng)
    return combining(case, way, x, v, rng)


@pytest.mark.parametrize(("executor", "seed"), RUNS, ids=[f"{name}-{seed}" for name, seed in RUNS])
def test_any_index_is_numpys(executor: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if executor in EXECUTORS:
        monkeypatch.setattr(plan, "EXECUTOR", EXECUTORS[executor])
        monkeypatch.setattr(ROOT, "next", {})
        monkeypatch.setattr(ROOT, "likely", None)
    rng = np.random.default_rng([seed, len(executor)])
    for verify in [f for _ in range(COUNT) for f in one_case(rng)]:
        verify()
