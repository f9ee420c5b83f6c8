"""Losses and distances beside PyTorch's: values and gradients, with every argument and reduction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tenure as tn
from tenure import nn
from tenure.nn import functional

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::UserWarning")]
RNG = np.random.default_rng(0)
X, Y, Z = RNG.standard_normal((3, 4, 5))
X[0] = Y[0]
POSITIVE = RNG.uniform(0.1, 2.0, (4, 5))
SIGNS = np.where(RNG.random((4, 5)) < 0.5, -1.0, 1.0)
COUNTS = RNG.integers(0, 6, (4, 5)).astype(float)
C = np.array([1, 4, 0, 4])
LABELS = np.array([[3, 0, -1, 1, 2], [-1, 0, 0, 0, 0], [0, 1, 2, 3, 4], [4, 4, 2, -1, -1]])
WEIGHT = RNG.uniform(0.2, 2.0, 5)
NEAR = np.array([[0.0] * 5, [1e-9] * 5, [3.0] * 5, [-2.0] * 5])
REDUCED = ("mean", "sum", "none")
Call = Callable[..., Any]


def case(name: str, *arrays: Any, constants: tuple[Any, ...] = (), **options: Any) -> tuple[Any, ...]:
    """A call of a function of leaves and constants, with options, of which arrays become tensors."""
    return name, arrays, constants, options


PLAIN = [
    case("cosine_similarity", X, Y),
    case("cosine_similarity", X, Y, dim=0, eps=2.5),
    case("cosine_similarity", NEAR, X, dim=-1),
    case("cosine_similarity", X, Y[:1]),
    case("pairwise_distance", X, Y),
    case("pairwise_distance", X, Y[0], p=1, eps=0.1, keepdim=True),
    case("pairwise_distance", X, Y, p=np.inf),
    case("pairwise_distance", X, X, eps=0.0),
    case("pdist", X),
    case("pdist", X, p=1),
    case("pdist", X, p=np.inf),
    case("pdist", NEAR, p=3.5),
    case("pdist", X[:1]),
]
LOSSES = [
    case("mse_loss", X, Y, weight=POSITIVE),
    case("l1_loss", X, Y, weight=POSITIVE),
    case("huber_loss", X, Y, weight=POSITIVE, delta=0.3),
    case("huber_loss", X, Y),
    case("smooth_l1_loss", X, Y, beta=0.3),
    case("smooth_l1_loss", X, Y, beta=0.0),
    case("soft_margin_loss", X, constants=(SIGNS,)),
    case("margin_ranking_loss", X, Y, constants=(SIGNS,)),
    case("margin_ranking_loss", X, Y[:1], constants=(SIGNS[:, :1],), margin=0.7),
    case("hinge_embedding_loss", X, constants=(SIGNS,)),
    case("hinge_embedding_loss", POSITIVE, constants=(np.where(SIGNS > 0, 0.0, -1.0),), margin=0.5),
    case("cosine_embedding_loss", X, Y, constants=(SIGNS[:, 0],)),
    case("cosine_embedding_loss", X, Y, constants=(SIGNS[:, 0],), margin=0.1),
    case("cosine_embedding_loss", X[1], Y[1], constants=(np.array(1),)),
    case("cosine_embedding_loss", NEAR, Y, constants=(np.array([1, -1, 1, -1]),)),
    case("poisson_nll_loss", X, constants=(COUNTS,)),
    case("poisson_nll_loss", X, constants=(COUNTS,), full=True),
    case("poisson_nll_loss", POSITIVE, COUNTS + 0.25, log_input=False, full=True, eps=0.1),
    case("gaussian_nll_loss", X, Y, POSITIVE),
    case("gaussian_nll_loss", X, Y, POSITIVE[:, 0], full=True, eps=0.5),
    case("gaussian_nll_loss", X, Y, POSITIVE[:, :1] - 0.1 * (POSITIVE[:, :1] == POSITIVE[0, 0])),
    case("gaussian_nll_loss", X, Y, POSITIVE[:1], eps=0.3),
    case("gaussian_nll_loss", X, Y, constants=(0.7,)),
    case("multi_margin_loss", X, constants=(C,)),
    case("multi_margin_loss", X, constants=(C,), p=2, margin=0.4, weight=WEIGHT),
    case("multi_margin_loss", X[1], constants=(C[0],)),
    case("multi_margin_loss", X[1], constants=(C[:1],), weight=WEIGHT),
    case("multilabel_margin_loss", X, constants=(LABELS,)),
    case("multilabel_margin_loss", X[2], constants=(LABELS[0],)),
    case("multilabel_soft_margin_loss", X, constants=((SIGNS > 0) * 1.0,)),
    case("multilabel_soft_margin_loss", X, constants=((SIGNS > 0) * 1.0,), weight=WEIGHT),
    case("triplet_margin_loss", X, Y, Z),
    case("triplet_margin_loss", X, Y, Z, swap=True, p=1, eps=0.01, margin=2.5),
    case("triplet_margin_loss", X[1], Y[1], Z[1]),
    case("triplet_margin_with_distance_loss", X, Y, Z, swap=True),
    case("triplet_margin_with_distance_loss", X, Y, Z, distance_function=lambda a, b: ((a - b) ** 4).sum(-1)),
    case("linear_cross_entropy", X, Y, constants=(np.array([1, 3, 0, 2]),)),
    case("linear_cross_entropy", X[1], Y, constants=(np.array(3),), label_smoothing=0.1),
    case("linear_cross_entropy", X, Y, constants=(np.array([1, 3, 0, 2]),), linear_bias=WEIGHT[:4], ignore_index=3),
    case("linear_cross_entropy", X, RNG.standard_normal((3, 2, 5)), constants=(np.array([[1, 2], [0, 0]] * 2),)),
]


def found(lib: Any, F: Any, name: str, arrays: Any, constants: Any, options: Any) -> list[Any]:
    """The result and the gradients of the leaves."""
    leaves = [lib.tensor(a, requires_grad=True) for a in arrays]
    fixed = [lib.tensor(a) if isinstance(a, np.ndarray | np.generic) else a for a in constants]
    given = {k: lib.tensor(a) if isinstance(a, np.ndarray) else a for k, a in options.items()}
    y = getattr(F, name)(*leaves, *fixed, **given)
    w = np.random.default_rng(1).standard_normal(tuple(y.shape))
    (y * lib.tensor(w)).sum().backward()
    return [y.detach().numpy(), *[np.asarray(x.grad.numpy()) for x in leaves]]


def same(name: str, arrays: Any, constants: Any, options: Any) -> None:
    """Both libraries find the same."""
    ours = found(tn, functional, name, arrays, constants, options)
    theirs = found(torch, torch.nn.functional, name, arrays, constants, options)
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        assert_allclose(a, b, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("k", range(len(PLAIN)))
def test_distances(k: int) -> None:
    same(*PLAIN[k])


def test_the_number_of_coordinates_that_differ() -> None:
    ours, theirs = functional.pdist(tn.tensor(LABELS * 1.0), 0), torch.pdist(torch.tensor(LABELS * 1.0), 0)
    assert_allclose(ours.numpy(), theirs.numpy())


@pytest.mark.parametrize("k", range(len(LOSSES)))
def test_losses(k: int) -> None:
    name, arrays, constants, options = LOSSES[k]
    for reduction in REDUCED:
        same(name, arrays, constants, {**options, "reduction": reduction})


OLDER: list[tuple[str, Call]] = [
    ("MSELoss", lambda lib: (X, Y)),
    ("L1Loss", lambda lib: (X, Y)),
    ("SmoothL1Loss", lambda lib: (X, Y)),
    ("KLDivLoss", lambda lib: (X, POSITIVE)),
    ("BCELoss", lambda lib: (POSITIVE / 3, POSITIVE / 3)),
    ("BCEWithLogitsLoss", lambda lib: (X, POSITIVE / 3)),
    ("CrossEntropyLoss", lambda lib: (X, C)),
    ("NLLLoss", lambda lib: (X, C)),
    ("SoftMarginLoss", lambda lib: (X, SIGNS)),
    ("PoissonNLLLoss", lambda lib: (X, COUNTS)),
    ("MarginRankingLoss", lambda lib: (X, Y, SIGNS)),
    ("HingeEmbeddingLoss", lambda lib: (X, SIGNS)),
    ("CosineEmbeddingLoss", lambda lib: (X, Y, SIGNS[:, 0])),
    ("MultiMarginLoss", lambda lib: (X, C)),
    ("MultiLabelMarginLoss", lambda lib: (X, LABELS)),
    ("MultiLabelSoftMarginLoss", lambda lib: (X, (SIGNS > 0) * 1.0)),
    ("TripletMarginLoss", lambda lib: (X, Y, Z)),
]


@pytest.mark.parametrize(("name", "arrays"), OLDER)
def test_older_flags_of_modules(name: str, arrays: Call) -> None:
    for average in (None, True, False):
        for reduce in (None, True, False):
            given = {"size_average": average, "reduce": reduce}
            ours, theirs = getattr(nn, name)(**given), getattr(torch.nn, name)(**given)
            assert ours.reduction == theirs.reduction and repr(ours) == repr(theirs)
            a, b = (loss(*map(lib.tensor, arrays(lib))) for loss, lib in ((ours, tn), (theirs, torch)))
            assert_allclose(a.numpy(), b.numpy(), rtol=1e-7)


MODULES: list[tuple[Call, tuple[Any, ...]]] = [
    (lambda nn, lib: nn.CosineSimilarity(0, 0.1), (X, Y)),
    (lambda nn, lib: nn.PairwiseDistance(1.0, 0.1, True), (X, Y)),
    (lambda nn, lib: nn.GaussianNLLLoss(full=True, eps=0.5, reduction="sum"), (X, Y, POSITIVE)),
    (lambda nn, lib: nn.PoissonNLLLoss(False, True, eps=0.1, reduction="none"), (POSITIVE, COUNTS)),
    (lambda nn, lib: nn.MultiMarginLoss(2, 0.5, lib.tensor(WEIGHT), reduction="none"), (X, C)),
    (lambda nn, lib: nn.TripletMarginLoss(0.5, 3.0, 0.1, True, reduction="sum"), (X, Y, Z)),
    (lambda nn, lib: nn.TripletMarginWithDistanceLoss(swap=True, margin=0.5), (X, Y, Z)),
    (lambda nn, lib: nn.MarginRankingLoss(0.5, reduction="none"), (X, Y, SIGNS)),
]


@pytest.mark.parametrize("k", range(len(MODULES)))
def test_modules(k: int) -> None:
    make, arrays = MODULES[k]
    a, b = (make(nn, lib)(*map(lib.tensor, arrays)) for nn, lib in ((tn.nn, tn), (torch.nn, torch)))
    assert_allclose(a.numpy(), b.numpy(), rtol=1e-7)
    assert repr(make(tn.nn, tn)) == repr(make(torch.nn, torch))
