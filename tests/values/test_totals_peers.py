"""Reductions and scans beside PyTorch's: values, gradients and their gradients, with zeros and ties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tenure as tn

pytestmark = pytest.mark.peers
INF, NAN = float("inf"), float("nan")
RNG = np.random.default_rng(0)
PLAIN = RNG.standard_normal((3, 4, 5))
ZEROS = PLAIN.copy()
ZEROS[0, [1, 3], 2] = ZEROS[1, 0, 0] = ZEROS[2] = 0
TIES = np.round(PLAIN)
MISSING = PLAIN.copy()
MISSING[0, 0, 0] = MISSING[:, 2, 2] = NAN
LONG = RNG.standard_normal((2, 3000))
PLACES = np.sort(RNG.uniform(size=(5,)))
Call = Callable[[Any, Any], Any]


def prod(lib: Any, x: Any, axis: int) -> Any:
    return x.prod(axis) if lib is not tn else x.prod(axis=axis)


ONCE: dict[str, tuple[Call, Any]] = {
    "amax": (lambda lib, x: lib.amax(x, dim=1), TIES),
    "aminmax": (lambda lib, x: tuple(lib.aminmax(x, dim=0)), TIES),
    "cummax": (lambda lib, x: tuple(lib.cummax(x, 1)), TIES),
    "cummin": (lambda lib, x: tuple(lib.cummin(x, dim=2)), TIES),
    "cummax of NaN": (lambda lib, x: tuple(lib.cummax(x, 1)), MISSING),
    "cummax, long": (lambda lib, x: tuple(lib.cummax(x, 1)), LONG),
    "logcumsumexp, long": (lambda lib, x: lib.logcumsumexp(x, 1), LONG),
    "cumprod, long": (lambda lib, x: lib.cumprod(1 + x / 100, 1), LONG),
    "std_mean": (lambda lib, x: lib.std_mean(x, dim=1), PLAIN),
    "var_mean": (lambda lib, x: lib.var_mean(x, dim=(0, 2), unbiased=False, keepdim=True), PLAIN),
    "nansum": (lambda lib, x: lib.nansum(x, dim=0), MISSING),
    "nanmean": (lambda lib, x: lib.nanmean(x, dim=2), MISSING),
    "linalg.vector_norm": (lambda lib, x: lib.linalg.vector_norm(x, 3, dim=(0, 2), keepdim=True), TIES),
    **{f"norm {p} of zeros": (lambda lib, x, p=p: lib.norm(x, p, dim=1), ZEROS) for p in (0.5, 1, 2, 3, INF, -INF)},
    **{f"norm {p} of ties": (lambda lib, x, p=p: lib.norm(x, p), TIES) for p in (1, 2, "fro", INF, -INF)},
    "norm -1": (lambda lib, x: lib.norm(x, -1.0, dim=0), PLAIN),
}
TWICE: dict[str, tuple[Call, Any]] = {
    **{
        f"{name} of {of}": (lambda lib, x, name=name: getattr(lib, name)(x, 1) * x, x)
        for name in ("cumsum", "cumprod", "logcumsumexp")
        for of, x in (("numbers", PLAIN), ("zeros", ZEROS))
        if (name, of) != ("logcumsumexp", "zeros")  # PyTorch takes the logarithm of the cotangent, which is 0 there
    },
    "prod of zeros": (lambda lib, x: prod(lib, x, 1), ZEROS),
    "prod of all": (lambda lib, x: x.prod(), ZEROS[0]),
    "norm": (lambda lib, x: x.norm(), PLAIN),
    "norm 3": (lambda lib, x: lib.norm(x, 3, dim=0), PLAIN),
    "diff": (lambda lib, x: lib.diff(x * x, n=2, dim=1, prepend=x[:, :2]), PLAIN),
    "trapezoid": (lambda lib, x: lib.trapezoid(x * x, lib.tensor(PLACES), dim=-1), PLAIN),
    "cumulative_trapezoid": (lambda lib, x: lib.cumulative_trapezoid(x * x, dx=0.5, dim=0), PLAIN),
}


def results(lib: Any, call: Call, x: Any, twice: bool) -> list[Any]:
    """The values, the gradient of a weighted sum of those that have one, and that of the gradient."""
    leaf = lib.tensor(x, requires_grad=True)
    found = call(lib, leaf)
    found = list(found) if isinstance(found, tuple) else [found]
    rng = np.random.default_rng(1)

    def weighted(ys: list[Any]) -> Any:
        terms = [(y * lib.tensor(rng.standard_normal(tuple(y.shape)))).sum() for y in ys if y.requires_grad]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total

    (first,) = lib.autograd.grad(weighted(found), [leaf], create_graph=twice)
    found.append(first)
    if twice and first.requires_grad:
        found += lib.autograd.grad(weighted([first]), [leaf])
    return [y.detach().numpy() for y in found]


@pytest.mark.parametrize("name", [*ONCE, *TWICE])
def test_values_and_gradients(name: str) -> None:
    torch = pytest.importorskip("torch")
    call, x = {**ONCE, **TWICE}[name]
    for found, wanted in zip(*[results(lib, call, x, name in TWICE) for lib in (tn, torch)], strict=True):
        assert found.dtype == wanted.dtype and found.shape == wanted.shape
        assert_allclose(found, wanted, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("dtype", ["bool", "int32", "int64"])
def test_whole_numbers(dtype: str) -> None:
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(2).integers(0, 3, (3, 4)).astype(dtype)
    for call in (
        lambda lib, x: lib.cumsum(x, 1),
        lambda lib, x: lib.cumprod(x, 0),
        lambda lib, x: lib.cummax(x, 1).indices,
        lambda lib, x: lib.cummin(x, 0).values,
        lambda lib, x: prod(lib, x, 1),
        lambda lib, x: x.prod(),
        lambda lib, x: lib.count_nonzero(x, 1),
        lambda lib, x: lib.diff(x),
        lambda lib, x: lib.nansum(x),
    ):
        found, wanted = call(tn, tn.tensor(x)).numpy(), call(torch, torch.tensor(x)).numpy()
        assert found.dtype == wanted.dtype
        assert_allclose(found, wanted, rtol=1e-6)
