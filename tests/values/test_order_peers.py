"""PyTorch's calls of functions of order, letter for letter: the same numbers, dtypes and gradients, ties too."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import tenure as tn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers

CALLS = """
t.sort(x, dim=-1, stable=True); x.sort(dim=0, descending=True, stable=True); t.sort(s, dim=0); x.argsort()
x.argsort(dim=0, descending=True, stable=True); t.argsort(b, dim=1, stable=True); t.msort(x)
x.topk(2); t.topk(x, k=2, dim=0)
x.topk(2, largest=False); t.topk(x, 1, -1, False, True); x.topk(0); t.topk(s, 1); x.kthvalue(2); t.kthvalue(b, 2, 1)
t.kthvalue(x, k=1, dim=0, keepdim=True); x.median(); t.median(x, 1); x.median(dim=0, keepdim=True); x.nanmedian()
t.nanmedian(x, dim=1); t.mode(v); x.mode(dim=0, keepdim=True); x.mode(1); x.quantile(0.4); t.quantile(x, 0.5, dim=1)
x.quantile(q, dim=0, keepdim=True); t.quantile(x, q, interpolation="nearest"); x.quantile(0.3, 1, interpolation="lower")
t.quantile(x, 0.3, 1, interpolation="higher"); t.quantile(x, 0.3, 1, True, interpolation="midpoint")
t.nanquantile(x, q, dim=1); x.nanquantile(0.6); t.unique(i); t.unique(i, return_inverse=True, return_counts=True)
i.unique(dim=0, return_counts=True); t.unique(i, sorted=True, return_inverse=True, dim=1); i.unique_consecutive()
t.unique_consecutive(i, return_inverse=True, return_counts=True, dim=1); t.searchsorted(v.sort(dim=0).values, x)
t.searchsorted(x.sort(dim=1).values, b[0], right=True); t.searchsorted(v.sort(dim=0).values, 0.5, side="right")
t.searchsorted(v, x, sorter=v.argsort(), out_int32=True); t.bucketize(x, v.sort(dim=0)[0], right=True)
t.bincount(i[0]); i[1].bincount(minlength=9); t.bincount(i[0], weights=v.detach()); t.histc(x, bins=5, min=-1, max=1)
x.detach().histc(4); t.histc(x * 0 + 1, 3); t.histogram(x.detach(), 4)
t.histogram(x.detach(), bins=3, range=(-1.0, 1.0), density=True); t.histogram(x.detach() * 0, 4)
t.histogramdd(x.detach(), [2, 3, 1, 2]); t.histogramdd(b.detach(), 2, range=(-1.0, 1.0) * 4)
 t.isin(i, i[0, :2]); t.isin(i, 1); t.isin(elements=i, test_elements=i[1], invert=True)
"""


def lines(text: str) -> list[str]:
    return [call.strip() for call in text.replace("\n", ";").split(";") if call.strip()]


def operands(t: Any, leaf: bool, tied: bool) -> dict[str, Any]:
    rng = np.random.default_rng(7)
    shapes = {"x": (3, 4), "v": (3,), "b": (2, 3, 4), "s": ()}
    made = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    made = {name: np.asarray(np.round(a) if tied else a, "f4") for name, a in made.items()}
    found = {n: t.tensor(a, requires_grad=leaf) for n, a in made.items()}
    return {"t": t, "i": t.tensor([[0, 2, 1], [1, 1, 0]]), "q": t.tensor([0.2, 0.9]), **found}


def flat(found: Any) -> list[Any]:
    return [y for x in found for y in flat(x)] if isinstance(found, tuple | list) else [found]


def plain(x: Any) -> Any:
    return x.detach().numpy() if hasattr(x, "detach") else x


ANY = ("topk", "kthvalue", "median", "mode")
"""Functions whose index may be that of any equal element; so may their gradient."""


@pytest.mark.parametrize(("call", "tied"), list(itertools.product(lines(CALLS), (False, True))))
def test_calls(call: str, tied: bool) -> None:
    found = []
    indices = tied and any(name in call for name in ANY) and "edian()" not in call
    for t in (torch, tn):
        names = operands(t, True, tied)
        out = flat(eval(call, dict(names)))
        given = [x for x in out if getattr(x, "requires_grad", False)]
        if given:
            sum(((x * x * (k + 1)).sum() for k, x in enumerate(given)), t.zeros(())).backward()
        found.append(([plain(x) for x in out], [names[n].grad for n in "xvbs"]))
    (theirs, slopes), (ours, own) = found
    assert len(theirs) == len(ours)
    for k, (a, b) in enumerate(zip(theirs, ours, strict=True)):
        assert np.asarray(a).dtype == np.asarray(b).dtype and np.shape(a) == np.shape(b)
        assert (indices and k) or np.allclose(a, b, rtol=1e-5)
    for a, b in zip(slopes, own, strict=True):
        if not indices:
            zero = np.zeros(1)
            assert np.allclose(zero if a is None else plain(a), zero if b is None else plain(b), rtol=1e-5)
        elif a is not None:
            assert np.isclose(plain(a).sum(), plain(b).sum())


def test_equal_medians_share_the_gradient() -> None:
    for numbers in (
        [2.0, 2.0, 1.0, 3.0, 2.0],
        [float("-inf")] * 3 + [1.0],
        [float("inf")] * 3 + [1.0],
        [0.0, -0.0, 0.0],
    ):
        ours, theirs = (t.tensor(numbers, requires_grad=True) for t in (tn, torch))
        ours.median().backward()
        theirs.median().backward()
        assert ours.grad.tolist() == pytest.approx(theirs.grad.tolist())
    holed = [float("nan"), 1.0, float("nan")]
    ours, theirs = (t.tensor(holed, requires_grad=True) for t in (tn, torch))
    ours.nanmedian().backward()
    theirs.nanmedian().backward()
    assert ours.grad.tolist() == theirs.grad.tolist()


def test_quantiles_have_a_gradient_of_their_place() -> None:
    x, q = np.random.default_rng(1).random(9), [0.31, 0.8]
    ours, theirs = (t.tensor(q, dtype=t.float64, requires_grad=True) for t in (tn, torch))
    tn.quantile(tn.tensor(x), ours).sum().backward()
    torch.quantile(torch.tensor(x), theirs).sum().backward()
    assert ours.grad.tolist() == pytest.approx(theirs.grad.tolist())
