"""Every distribution with drawn parameters, shapes and checks, beside PyTorch: what it says of itself and of values.

`python -m tests.distributions.test_drawn_peers --seed 3 --cases 20 [--face] [names]` draws more cases than the test.
"""

from __future__ import annotations

import argparse
import collections
import os
import re
import sys
import warnings
from typing import Any

import numpy as np
import pytest

import tenure as tn
import tenure.torch as face
from tests.distributions.drawn import ATTRIBUTES, CALLS, EDGES, FAMILIES, SCORES, Drawn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers
EVERY = bool(os.environ.get("TENURE_FUZZ"))
OWN_LIMITS = (
    "cannot sample n_sample <= 0", "Index tensor must have the same", "Double did not match Float", "'_binomial'",
    "has no attribute 'LogitRelaxedBernoulli'", "lower_bound=tensor([2.2251e-308",
)  # fmt: skip
"""What PyTorch says where it has a limit, or a fault, of its own."""
OURS = {"VonMises": ("has_rsample", "entropy", "perplexity", "rsample")}
"""What a distribution has here alone."""
OPEN = {
    "LogisticNormal": "support.check of a tensor without axes is an IndexError",
    "HalfCauchy": "the density of a float64 value under a scale that is a Python number is float64, there float32",
    "NegativeBinomial": "a mode that takes no gradient, there zeros",
    "Wishart": "class of the errors of a mixture",
    "Kumaraswamy": "under a transformed distribution that checks nothing, its own cdf checks there",
}
"""Differences that are known and not mended: the run by hand tells of them, the test does not go over these."""
TOLERANCE = {"float64": 1e-6, "float32": 2e-3}


class Side:
    """One library, and the parameters of a case as its tensors."""

    def __init__(self, lib: Any, dtype: str, leaves: bool) -> None:
        self.lib, self.D, self.dtype, self.leaves = lib, lib.distributions, getattr(lib, dtype), leaves

    def tensor(self, x: Any) -> Any:
        return self.lib.tensor(x, dtype=self.dtype)

    def made(self, name: str, given: dict[str, Any], wrap: Any, validate: bool | None) -> Any:
        self.given = {k: self.parameter(x) for k, x in given.items()}
        options = {} if validate is None else {"validate_args": validate}
        return wrap(self, getattr(self.D, name)(**self.given, **options))

    def parameter(self, x: Any) -> Any:
        return self.lib.tensor(x, dtype=self.dtype, requires_grad=self.leaves) if isinstance(x, np.ndarray) else x


def plain(x: Any) -> Any:
    """A result as both libraries can be compared in: arrays, tuples, the names of constraints."""
    if hasattr(x, "detach"):
        x = x.detach()
        return np.asarray(x.numpy(force=True) if isinstance(x, torch.Tensor) else x.numpy())
    if isinstance(x, tuple | list):
        return tuple(plain(y) for y in x)
    if isinstance(x, bool | int | float | str) or x is None:
        return x
    return re.sub(r"^_|_$", "", type(x).__name__)


def outcome(work: Any) -> tuple[Any, Any, Exception | None]:
    """What a call gives: in plain form, and as it is; or its error."""
    try:
        found = work()
        return plain(found), found, None
    except Exception as error:
        return None, None, error


def unlike(wanted: Any, found: Any, dtype: str) -> str | None:
    """How two plain results differ."""
    if not isinstance(wanted, np.ndarray) or not isinstance(found, np.ndarray):
        return None if type(wanted) is type(found) and wanted == found else f"{found} here, {wanted} there"
    if wanted.shape != found.shape:
        return f"shape {found.shape} here, {wanted.shape} there"
    if wanted.dtype != found.dtype:
        return f"dtype {found.dtype} here, {wanted.dtype} there"
    close = TOLERANCE[dtype]
    scale = np.abs(wanted[np.isfinite(wanted)]).max(initial=1.0) if wanted.dtype.kind == "f" else 1.0
    if np.allclose(found, wanted, rtol=close, atol=close * min(scale, 10.0), equal_nan=True):
        return None
    return f"{found.ravel()[:6]} here, {wanted.ravel()[:6]} there"


def wrapper(d: Drawn) -> tuple[str, Any]:
    """A distribution made of the one that is drawn, or that itself."""
    kind = d.one(*["itself"] * 5, "independent", "expanded", "mixture", "moved")
    dims, extra = d.size(0, 2), d.size(1, 3)
    weights = d.uniform((extra,))

    def wrap(side: Side, x: Any) -> Any:
        if kind == "independent":
            return side.D.Independent(x, dims)
        if kind == "expanded":
            return x.expand((extra, *x.batch_shape))
        if kind == "moved":
            moves = [side.D.AffineTransform(0.5, -2.0), side.D.TanhTransform()]
            return side.D.TransformedDistribution(x, moves[: max(1, dims)])
        if kind == "mixture":
            mix = side.D.Categorical(probs=side.tensor(weights))
            return side.D.MixtureSameFamily(mix, x.expand((*x.batch_shape, extra)))
        return x

    return kind, wrap


def values(d: Drawn, theirs: Any) -> Any:
    """A value to be scored: one that PyTorch has drawn, or an edge; of a batch's shape, or with axes in front."""
    shape = (*d.one((), (), (2,), (2, 1)), *theirs.batch_shape, *theirs.event_shape)
    if d.flag(0.25):
        return np.asarray(d.rng.choice(EDGES, size=shape if d.flag(0.7) else ()))
    sample, _, _ = outcome(lambda: theirs.sample(shape[: len(shape) - len(theirs.batch_shape + theirs.event_shape)]))
    if sample is None:
        return d.floats(shape)
    if d.flag(0.1):
        sample = sample.reshape(-1)[: d.size(0, 3)]
    return sample


def calls(d: Drawn, theirs: Any) -> list[tuple[str, Any]]:
    """What is asked of a distribution, by name: each a function of a side and its distribution."""
    asked: list[tuple[str, Any]] = [(name, lambda s, x, name=name: getattr(x, name)) for name in ATTRIBUTES]
    shape = d.one((), (2,), (2, 0), (1, 3))
    larger = (d.size(1, 2), *theirs.batch_shape) if d.flag(0.7) else (2,)
    for name in CALLS:
        if "sample" in name:
            asked.append((name, lambda s, x, name=name: np.shape(plain(getattr(x, name)(shape)))))
            asked.append((f"{name} dtype", lambda s, x, name=name: plain(getattr(x, name)(shape)).dtype.name))
        elif name == "expand":
            asked.append((name, lambda s, x: plain(x.expand(larger).mean)))
        else:
            asked.append((name, lambda s, x, name=name: eval(f"x.{name}", {"x": x})))
    for name in SCORES:
        for _ in range(2):
            value = d.uniform(tuple(theirs.batch_shape), 0.0, 1.0) if name == "icdf" and d.flag(0.7) else None
            value = values(d, theirs) if value is None else value
            if name != "support.check" and not theirs._validate_args and is_outside(theirs, value):
                continue
            path = name.split(".")

            def score(s: Side, x: Any, value: Any = value, path: Any = path) -> Any:
                for part in path:
                    x = getattr(x, part)
                return x(s.tensor(value))

            asked.append((f"{name}({np.array2string(value, precision=4, threshold=6)})", score))
    return asked


def gradient_of(side: Side, x: Any) -> Any:
    """The gradients of a result for the parameters, None as zeros."""
    leaves = [p for p in side.given.values() if hasattr(p, "requires_grad") and p.requires_grad]
    found = side.lib.autograd.grad(x.sum(), leaves, allow_unused=True)
    return tuple(
        np.zeros(tuple(p.shape)) if g is None else plain(g).astype(float) for g, p in zip(found, leaves, strict=True)
    )


def compared(name: str, seed: Any, lib: Any) -> list[tuple[str, str | None]]:
    """For each call of a drawn case its name, and how it differs."""
    d = Drawn(seed)
    torch.manual_seed(0)
    given = FAMILIES[name](d)
    dtype, validate, leaves = d.one("float64", "float64", "float32"), d.one(None, None, True, False), d.flag()
    kind, wrap = wrapper(d)
    a, b = Side(torch, dtype, leaves), Side(lib, dtype, leaves)
    said = {k: np.array2string(np.asarray(x), precision=5, threshold=9) for k, x in given.items()}
    head = f"{kind} {dtype} {validate} {said}".replace("\n", " ")
    _, theirs, refusal = outcome(lambda: a.made(name, given, wrap, validate))
    _, ours, error = outcome(lambda: b.made(name, given, wrap, validate))
    if refusal is not None or error is not None:
        return [(f"{head} made", refusals(refusal, error, lib))]
    found = []
    for what, work in calls(d, theirs):
        if what.startswith(OURS.get(name, ("-",))):
            continue
        wanted, x, refusal = outcome(lambda work=work: work(a, theirs))
        got, y, error = outcome(lambda work=work: work(b, ours))
        if refusal is not None or error is not None:
            found.append((f"{head} {what}", refusals(refusal, error, lib)))
            continue
        found.append((f"{head} {what}", unlike(wanted, got, dtype)))
        if found[-1][1] is None and leaves and hasattr(x, "requires_grad") and dtype == "float64":
            slopes, _, refusal = outcome(lambda x=x: gradient_of(a, x))
            own, _, error = outcome(lambda y=y: gradient_of(b, y))
            if refusal is None and error is not None:
                found.append((f"{head} slope of {what}", refusals(None, error, lib)))
            elif refusal is None:
                pairs = zip(slopes, own, strict=True)
                found += [(f"{head} slope of {what}", unlike(p, q, dtype)) for p, q in pairs]
    return found


def is_outside(theirs: Any, value: Any) -> bool:
    """Whether a value lies outside the support: unchecked, what is said of it hangs on the formula."""
    inside, _, error = outcome(lambda: theirs.support.check(torch.tensor(value)))
    return error is not None or not bool(np.all(inside))


def refusals(theirs: Exception | None, ours: Exception | None, lib: Any) -> str | None:
    """How two refusals differ: at home one that is no fault of the library's suffices."""
    if ours is None and any(limit in str(theirs) for limit in OWN_LIMITS):
        return None
    if ours is None or theirs is None:
        there = "accepted" if theirs is None else f"{type(theirs).__name__}: {str(theirs)[:120]}"
        here = "accepted" if ours is None else f"{type(ours).__name__}: {str(ours)[:200]}"
        return f"{here} here, {there} there"
    if {type(theirs), *type(ours).__mro__} >= {NotImplementedError, ValueError} or (
        isinstance(ours, NotImplementedError) and isinstance(theirs, ValueError)
    ):
        return None  # open: which comes first, that the value is outside or that there is no such method
    if lib is not tn and not isinstance(ours, type(theirs)):
        return f"{type(ours).__name__}: {str(ours)[:150]} here, {type(theirs).__name__}: {str(theirs)[:150]} there"
    return None


def run(names: list[str], seed: int, cases: int, lib: Any) -> tuple[collections.Counter[bool], list[str]]:
    """How many calls are alike, and a line for each that is not."""
    counts: collections.Counter[bool] = collections.Counter()
    lines = []
    for name in names:
        for k in range(cases):
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                found = compared(name, [seed, k, *name.encode()], lib)
            counts.update(how is None for _, how in found)
            lines += [f"{name} {k} {what}: {how}".replace("\n", " ") for what, how in found if how is not None]
    return counts, lines


@pytest.mark.parametrize("lib", [tn, face], ids=["home", "face"])
@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in OPEN])
def test_drawn_cases(name: str, lib: Any) -> None:
    counts, lines = run([name], 3, 4 if EVERY else 1, lib)
    assert not lines, counts


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, default=5)
    parser.add_argument("--face", action="store_true", help="tenure.torch in place of tenure")
    given = parser.parse_args()
    names = [n for n in FAMILIES if not given.names or any(re.fullmatch(p, n) for p in given.names)]
    counts, lines = run(names, given.seed, given.cases, face if given.face else tn)
    print(*lines, sep="\n")
    print(f"{counts[True]} of {counts.total()}")
    sys.exit(bool(lines))


if __name__ == "__main__":
    main()
