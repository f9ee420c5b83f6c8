"""Gradients at singular points beside PyTorch's: every row of the table in docs/transforms.md, and where it marks that
they differ, that they do."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tenure as tn

pytestmark = pytest.mark.peers
PAGE = Path(__file__).parents[2] / "docs" / "transforms.md"
INF, NAN = float("inf"), float("nan")
ENDS = [-INF, INF]
Function = Callable[..., Any]


def F(m: Any) -> Any:
    return m.nn.functional


def named(names: str, *more: Any) -> dict[str, Function]:
    """Functions of one array by name, with further arguments."""
    return {n: lambda m, x, n=n: by_name(m, n)(x, *more) for n in names.split()}


def of_two(names: str) -> dict[str, Function]:
    return {n: lambda m, x, y, n=n: by_name(m, n)(x, y) for n in names.split()}


def by_name(library: Any, name: str) -> Any:
    for part in name.split("."):
        library = getattr(library, part)
    return library


def weights(m: Any, count: int = 3) -> Any:
    return m.tensor([2.0, 3.0, 5.0][:count], dtype=m.float64)


def weighed(names: str, first: bool = False, **more: Any) -> dict[str, Function]:
    """Functions along an axis, each element of the result, or the first of the results, with a weight of its own."""

    def made(name: str) -> Function:
        def function(m: Any, x: Any) -> Any:
            found = getattr(m, name)(x, dim=0, **more)
            return (found[0] if first else found) * weights(m)

        return function

    return {name + ", descending" * ("descending" in more): made(name) for name in names.split()}


def gathered(m: Any, x: Any, how: str) -> Any:
    """All elements reduced into one that is 0."""
    return m.zeros(1, dtype=m.float64).scatter_reduce(0, m.tensor([0, 0, 0]), x, how)


# Groups of functions, and the points at which each of a group has PyTorch's gradient.
ELEMENTWISE: list[tuple[dict[str, Function], list[float]]] = [
    (named("abs sinc i0 special.i1 special.i1e special.spherical_bessel_j0 relu"), [0.0]),
    (named("sign floor ceil trunc round frac"), [0.0, 0.5, *ENDS]),
    (named("sqrt log log2 log10 rsqrt reciprocal lgamma digamma"), [0.0, INF]),
    (named("asin acos atanh erfinv"), [-1.0, 1.0]),
    (named("log1p special.ndtri logit"), [0.0, 1.0]),
    (named("acosh"), [1.0, 0.5, INF]),
    (named("exp exp2 expm1 sigmoid tanh erf erfc asinh atan nan_to_num square"), ENDS),
    ({f"power {e}": lambda m, x, e=e: m.pow(x, e) for e in (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0)}, [0.0]),
    ({f"{b} to a power": lambda m, x, b=b: m.pow(b, x) for b in (0.0, 1.0)}, [-1.0, 0.0, 0.5, 2.0]),
    ({"clip": lambda m, x: m.clip(x, -1.0, 2.0)}, [-1.0, 2.0, *ENDS]),
    ({f"F.{n}": lambda m, x, n=n: getattr(F(m), n)(x) for n in (
        "elu", "selu", "celu", "leaky_relu", "relu6", "hardtanh", "hardshrink", "softshrink", "softsign", "tanhshrink",
        "logsigmoid", "softplus", "gelu", "silu", "mish",
    )}, [0.0, -1.0, 1.0, 0.5, -0.5, 6.0]),
    ({f"F.{n}": lambda m, x, n=n: getattr(F(m), n)(x) for n in ("hardswish", "hardsigmoid")}, [-3.0, 0.0, 3.0]),
    ({"F.threshold": lambda m, x: F(m).threshold(x, 0.5, 2.0)}, [0.5]),
]  # fmt: skip
PAIRS: list[tuple[dict[str, Function], list[tuple[float, float]]]] = [
    (of_two("maximum minimum fmax fmin"), [(1.0, 1.0), (0.0, -0.0), (INF, INF), (-INF, 1.0), (NAN, 1.0), (1.0, NAN)]),
    (of_two("atan2 hypot"), [(0.0, 0.0), (0.0, 2.0), (-1.0, 0.0)]),
    (of_two("copysign"), [(0.0, -1.0), (0.0, 1.0), (-2.0, 0.0)]),
    (of_two("pow float_power"), [(0.0, 0.0), (0.0, 0.5), (0.0, 1.0), (0.0, 2.0), (2.0, 0.0), (-2.0, 3.0), (0.0, -1.0)]),
    (of_two("fmod remainder"), [(3.0, 1.5), (-3.0, 1.5), (0.0, 2.0), (7.0, INF)]),
    (of_two("divide multiply"), [(1.0, 0.0), (0.0, 0.0), (INF, 2.0), (0.0, INF)]),
    (of_two("logaddexp logaddexp2"), [(0.0, 0.0), (-INF, 0.0), (INF, 0.0)]),
    (of_two("xlogy"), [(0.0, 2.0), (2.0, 0.0), (0.0, 1.0)]),
    (of_two("special.xlog1py"), [(0.0, 2.0), (2.0, -1.0)]),
    (of_two("clip"), [(1.0, 1.0), (0.5, 1.0), (2.0, 1.0)]),
    (of_two("dist"), [(1.0, 1.0), (0.0, 0.0)]),
    ({f"F.{n}": lambda m, x, y, n=n: getattr(F(m), n)(x, y) for n in ("l1_loss", "huber_loss", "smooth_l1_loss")},
     [(1.0, 1.0), (2.0, 1.0), (0.0, 1.0)]),
    ({"F.cosine_similarity": lambda m, x, y: F(m).cosine_similarity(x.reshape(1), y.reshape(1), dim=0)},
     [(0.0, 0.0), (0.0, 1.0)]),
]  # fmt: skip
TIES = [[0.0, 0.0, 0.0], [2.0, 0.0, 3.0], [0.0, 2.0, 0.0], [3.0, 3.0, 1.0], [1.0, 3.0, 3.0], [-1.0, 1.0, -1.0]]
ARRAYS: list[tuple[dict[str, Function], list[list[float]]]] = [
    (named("amax amin max min median nanmedian prod nansum nanmean norm linalg.vector_norm"), TIES),
    ({f"norm {p}": lambda m, x, p=p: m.norm(x, p) for p in (0, 0.5, 1, 1.5, 2, 3, INF, -INF, -1, -2)}, TIES),
    ({"linalg.matrix_norm": lambda m, x: m.linalg.matrix_norm(x.reshape(3, 1))}, TIES),
    ({f"{n} by dim": lambda m, x, n=n: getattr(m, n)(x, dim=0)[0] for n in ("max", "min", "median")}, TIES),
    ({n: lambda m, x, n=n: getattr(m, n)(x, dim=0) for n in ("std", "var")}, TIES[:2]),
    (named("quantile", 0.4) | {"mode": lambda m, x: m.mode(x, dim=0)[0]}, TIES[2:]),
    (weighed("softmax log_softmax cumsum cumprod logcumsumexp"), TIES),
    (weighed("cummax cummin", first=True), TIES),
    (weighed("sort", first=True, stable=True) | weighed("sort", first=True, stable=True, descending=True), TIES),
    ({"msort": lambda m, x: (m.msort(x) * weights(m)).sum()}, TIES),
    ({"topk": lambda m, x: (m.topk(x, 2, dim=0)[0] * weights(m, 2)).sum()}, TIES),
    ({"F.normalize": lambda m, x: (F(m).normalize(x, dim=0) * weights(m)).sum()}, TIES),
    ({"renorm": lambda m, x: m.renorm(x.reshape(3, 1), 2, 0, 1.0).reshape(3) * weights(m)}, TIES),
    ({"cdist": lambda m, x: m.cdist(x.reshape(3, 1), x.detach().reshape(3, 1))}, TIES),
    ({"F.pdist": lambda m, x: F(m).pdist(x.reshape(3, 1))}, TIES),
    ({"F.max_pool1d": lambda m, x: F(m).max_pool1d(x.reshape(1, 1, 3), 2, 1) * weights(m, 2)}, TIES),
    ({f"scatter_reduce {n}": lambda m, x, n=n: gathered(m, x, n) for n in ("amax", "amin", "prod", "mean")}, TIES),
    (named("logsumexp", 0), [*TIES, [-INF, 1.0, 2.0]]),
    (named("nansum nanmean"), [[NAN, 1.0, NAN]]),
]
# What the table marks: function, operands, the gradients here. PyTorch has others.
OTHERWISE: list[tuple[dict[str, Function], tuple[Any, ...], list[Any]]] = [
    (named("abs"), (NAN,), [NAN]),
    (named("acosh"), (-2.0,), [NAN]),
    (named("digamma"), (-1.0,), [INF]),
    (named("i0"), (INF,), [INF]),
    (of_two("copysign"), (INF, -1.0), [-1.0, 0.0]),
    ({"clip": lambda m, x: m.clip(x, 0.0, 1.0)}, (NAN,), [1.0]),
    (of_two("logaddexp"), (INF, INF), [0.5, 0.5]),
    (of_two("xlogy"), (0.0, 0.0), [0.0, 0.0]),
    (of_two("xlogy"), (0.0, INF), [0.0, 0.0]),
    (named("special.entr"), (0.0,), [0.0]),
    (named("amax"), ([1.0, NAN, 2.0],), [[0.0, 1.0, 0.0]]),
    (named("prod"), ([INF, INF, 1.0],), [[INF, INF, INF]]),
    (named("cumprod", 0), ([1.0, INF, 0.0],), [[INF, 1.0, INF]]),
    ({"kthvalue": lambda m, x: m.kthvalue(x, 2, dim=0)[0]}, ([1.0, 1.0, 1.0],), [[0.0, 1.0, 0.0]]),
    (named("quantile", 0.4), ([1.0, NAN, 2.0],), [[0.0, 0.0, 0.0]]),
    (named("norm", 1), ([1.0, NAN, 2.0],), [[1.0, NAN, 1.0]]),
    (named("logsumexp", 0), ([INF, INF, 1.0],), [[0.5, 0.5, 0.0]]),
    ({"logcumsumexp": lambda m, x: m.logcumsumexp(x, 0)[1]}, ([INF, INF, 1.0],), [[0.5, 0.5, 0.0]]),
    (named("nanmean"), ([NAN, NAN, NAN],), [[0.0, 0.0, 0.0]]),
]
ELSEWHERE = {"nextafter", "heaviside", "mode", "axis", "complete", "dim"}
"""Words in the table's code that are no function, or one without a gradient."""
MATRICES = {"svd", "eig", "eigh", "slogdet", "logdet", "lu", "lstsq", "matrix_rank"}
"""Functions of tests/values/test_linalg_peers.py."""


def gradients(m: Any, function: Function, points: tuple[Any, ...]) -> list[Any]:
    leaves = [m.tensor(x, dtype=m.float64, requires_grad=True) for x in points]
    y = function(m, *leaves).sum()
    found = m.autograd.grad(y, leaves, allow_unused=True) if y.requires_grad else [None] * len(leaves)
    return [np.zeros(np.shape(x)) if g is None else g.detach().numpy() for g, x in zip(found, points, strict=True)]


CASES: list[tuple[str, Function, list[tuple[Any, ...]]]] = []
CASES += [(name, f, [(p,) for p in points]) for group, points in ELEMENTWISE for name, f in group.items()]
CASES += [(name, f, list(points)) for group, points in PAIRS for name, f in group.items()]
CASES += [(name, f, [(p,) for p in points]) for group, points in ARRAYS for name, f in group.items()]
MARKED = [(name, f, at, wanted) for group, at, wanted in OTHERWISE for name, f in group.items()]


def equal(xs: list[Any], ys: list[Any]) -> bool:
    return all(np.allclose(x, y, rtol=1e-6, atol=1e-9, equal_nan=True) for x, y in zip(xs, ys, strict=True))


@pytest.mark.filterwarnings("ignore")
@np.errstate(all="ignore")
@pytest.mark.parametrize(("name", "function", "points"), CASES, ids=[c[0] for c in CASES])
def test_gradients(name: str, function: Function, points: list[tuple[Any, ...]]) -> None:
    import torch

    for at in points:
        ours, theirs = gradients(tn, function, at), gradients(torch, function, at)
        assert equal(ours, theirs), (at, ours, theirs)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "function", "at", "wanted"), MARKED, ids=[f"{c[0]} {c[2]}" for c in MARKED])
def test_what_is_marked_differs(name: str, function: Function, at: tuple[Any, ...], wanted: list[Any]) -> None:
    import torch

    ours = gradients(tn, function, at)
    assert equal(ours, wanted), ours
    assert not equal(ours, gradients(torch, function, at)), "PyTorch's is the same"


LOSSES = ("huber_loss", "smooth_l1_loss")


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_curved_where_it_is_0(name: str) -> None:
    slope = tn.grad(lambda x: getattr(F(tn), name)(x, tn.tensor(0.0)))
    assert tn.grad(slope)(tn.tensor(0.0)).item() == 1.0


def test_a_norm_is_flat_where_it_is_0() -> None:
    for order in (2, 3, 1.5, -1):
        found = tn.func.hessian(lambda x, p=order: tn.norm(x, p))(tn.zeros(2))
        assert found.tolist() == [[0.0, 0.0], [0.0, 0.0]], order


def test_every_row_of_the_page_is_here() -> None:
    table = PAGE.read_text(encoding="utf-8").split("## Slopes that are infinite")[1]
    heads = [line.split("|")[1] for line in table.splitlines() if line.startswith("| ")]
    spelled = [code for head in heads for code in re.findall(r"`([^`]+)`", head)]
    names = {n for code in spelled for n in re.findall(r"[A-Za-z_][A-Za-z_0-9.]*", code) if not n.startswith("linalg.")}
    cases = [re.split("[, ]", name)[0] for name in (*[c[0] for c in CASES], *[c[0] for c in MARKED])]
    missing = names - set(cases) - {c.split(".")[-1] for c in cases} - MATRICES - ELSEWHERE
    assert not missing
