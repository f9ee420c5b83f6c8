"""Distributions beside PyTorch's: values, shapes and gradients over all families."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tenure as tn
import tenure.torch as face
from tenure import distributions as D
from tests.distributions.families import CASES, Case, any_of, chances, covariance, up

torch = pytest.importorskip("torch")
TD = torch.distributions
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore:Low df values", "ignore:Singular sample")]

OURS = {
    ("VonMises", "entropy"),
    ("LogisticNormal", "icdf"),
    ("GeneralizedPareto", "log_prob"),
    ("GeneralizedPareto", "cdf"),
}
"""PyTorch has none, or none of float64."""


def array(x: Any) -> Any:
    """The elements as NumPy has them."""
    return x.detach().numpy() if isinstance(x, torch.Tensor) else np.asarray(x.detach())


def both(wanted: Callable[[], Any], found: Callable[[], Any], close: float = 1e-9) -> None:
    """The same shape and numbers of both libraries, or nothing in either."""
    try:
        expected = array(wanted())
    except NotImplementedError:
        with pytest.raises(NotImplementedError):
            found()
        return
    result = array(found())
    assert result.shape == expected.shape
    assert_allclose(result.astype(float), expected.astype(float), rtol=close, atol=close)


def made(case: Case) -> tuple[Any, Any, float]:
    """The distribution of both libraries, and how close their numbers are."""
    numbers = not any(isinstance(x, np.ndarray) for x in case.given.values())
    close = {"VonMises": 1e-6, "Multinomial": 1e-6}.get(case.name, 1e-5 if numbers else 1e-9)
    return case.made(TD, torch.tensor), case.made(D, tn.tensor), close


@pytest.mark.parametrize("case", CASES, ids=str)
def test_all_that_it_says_of_itself(case: Case) -> None:
    t, d, close = made(case)
    assert d.batch_shape == tuple(t.batch_shape) and d.event_shape == tuple(t.event_shape)
    assert d.has_rsample == (t.has_rsample or case.name == "VonMises")
    for name in ("mean", "variance", "stddev", "mode"):
        both(lambda name=name: getattr(t, name), lambda name=name: getattr(d, name), close)
    if (case.name, "entropy") not in OURS:
        both(t.entropy, d.entropy, close)
    both(t.enumerate_support, d.enumerate_support)
    both(lambda: t.enumerate_support(False), lambda: d.enumerate_support(False))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_it_says_of_values(case: Case) -> None:
    t, d, close = made(case)
    torch.manual_seed(0)
    x = t.sample((4,))
    y = tn.tensor(x.numpy())
    for name in ("log_prob", "cdf"):
        if (case.name, name) not in OURS:
            both(lambda name=name: getattr(t, name)(x), lambda name=name: getattr(d, name)(y), close)
    p = torch.rand(4, *t.batch_shape, dtype=torch.float64).to(x.dtype if x.dtype.is_floating_point else torch.float64)
    if (case.name, "icdf") not in OURS:
        both(lambda: t.icdf(p), lambda: d.icdf(tn.tensor(p.numpy())), 100 * close)
    wide, ours = t.expand((2, *t.batch_shape)), d.expand((2, *d.batch_shape))
    if case.name != "GeneralizedPareto":
        both(lambda: wide.log_prob(x[0]), lambda: ours.log_prob(y[0]), close)
    assert ours.batch_shape == tuple(wide.batch_shape)
    assert array(d.support.check(y)).all()


GRADIENTS = [case for case in CASES if any(isinstance(x, np.ndarray) for x in case.given.values())]
GRADIENTS = [case for case in GRADIENTS if case.name not in ("GeneralizedPareto", "Wishart", "NegativeBinomial")]
"""PyTorch's have an error in float64, elements above the diagonal, and NaN for no trials."""


@pytest.mark.parametrize("case", GRADIENTS, ids=str)
def test_gradients_of_densities(case: Case) -> None:
    arrays = {k: x for k, x in case.given.items() if isinstance(x, np.ndarray)}
    t, _, close = made(case)
    torch.manual_seed(1)
    x = t.sample((2,))

    def gradients(module: Any, tensor: Any, value: Any) -> list[Any]:
        leaves = {k: tensor(v, requires_grad=True) for k, v in arrays.items()}
        getattr(module, case.name)(**{**case.given, **leaves}).log_prob(value).sum().backward()
        return [v.grad for v in leaves.values()]

    wanted, found = gradients(TD, torch.tensor, x), gradients(D, tn.tensor, tn.tensor(x.numpy()))
    for a, b in zip(wanted, found, strict=True):
        if a is not None and b is not None:
            assert_allclose(array(b), array(a), rtol=100 * close, atol=100 * close)


PARAMETERS: dict[str, dict[str, Any]] = {
    "Bernoulli": {"probs": chances(3)},
    "Beta": {"concentration1": up(3), "concentration0": up(3)},
    "Binomial": {"total_count": 5, "probs": chances(3)},
    "Categorical": {"logits": any_of(3, 4)},
    "OneHotCategorical": {"logits": any_of(3, 4)},
    "Cauchy": {"loc": any_of(3), "scale": up(3)},
    "ContinuousBernoulli": {"probs": chances(3)},
    "Dirichlet": {"concentration": up(3, 3)},
    "Exponential": {"rate": up(3)},
    "Gamma": {"concentration": up(3), "rate": up(3)},
    "Geometric": {"probs": chances(3)},
    "Gumbel": {"loc": any_of(3), "scale": up(3)},
    "HalfNormal": {"scale": up(3)},
    "Laplace": {"loc": any_of(3), "scale": up(3)},
    "Normal": {"loc": any_of(3), "scale": up(3)},
    "Pareto": {"scale": up(3) / 9, "alpha": up(3) * 2},
    "Poisson": {"rate": up(3)},
    "Uniform": {"low": 0.3 * chances(3) + 0.4, "high": 0.9 * np.ones(3)},
    "MultivariateNormal": {"loc": any_of(3, 3), "covariance_matrix": covariance(3)},
    "LowRankMultivariateNormal": {"loc": any_of(3, 3), "cov_factor": any_of(3, 1), "cov_diag": up(3)},
}


def turned(x: Any) -> Any:
    """Other parameters of the same kind: the batch the other way around."""
    return x[::-1].copy() if isinstance(x, np.ndarray) and len(x) == 3 and x.shape != (3, 3) else x


def test_divergences_of_all_pairs() -> None:
    from torch.distributions.kl import _KL_REGISTRY

    pairs = {(p.__name__, q.__name__) for p, q in _KL_REGISTRY}
    for p, q in sorted(pairs):
        if p not in PARAMETERS:
            continue
        a, b = Case(p, PARAMETERS[p]), Case(q, {k: turned(x) for k, x in PARAMETERS[q].items()})
        wanted = TD.kl_divergence(a.made(TD, torch.tensor), b.made(TD, torch.tensor))
        found = D.kl_divergence(a.made(D, tn.tensor), b.made(D, tn.tensor))
        assert_allclose(array(found), array(wanted), rtol=1e-8, atol=1e-12, err_msg=f"{p} {q}")
    assert {p for p, _ in pairs} - PARAMETERS.keys() == {"ExponentialFamily", "Independent", "TransformedDistribution"}


def transforms(M: Any, normal: Any, tensor: Any) -> dict[str, Any]:
    """Transforms of a library of tensors (…, 5, 3)."""
    three = np.array([1.0, -2.0, 3.0])
    return {
        "exp": M.ExpTransform(),
        "sigmoid": M.SigmoidTransform(),
        "softplus": M.SoftplusTransform(),
        "tanh": M.TanhTransform(cache_size=1),
        "abs": M.AbsTransform(),
        "power": M.ComposeTransform([M.ExpTransform(), M.PowerTransform(tensor(three))]),
        "affine": M.AffineTransform(tensor(three), tensor(three)),
        "affine-event": M.AffineTransform(tensor(three), 2.0, event_dim=2),
        "softmax": M.SoftmaxTransform(),
        "stick": M.StickBreakingTransform(),
        "corr": M.CorrCholeskyTransform(),
        "independent": M.IndependentTransform(M.ExpTransform(), 2),
        "reshape": M.ReshapeTransform((5, 3), (15,)),
        "chain": M.ComposeTransform([M.AffineTransform(1.0, 2.0), M.StickBreakingTransform()]),
        "events": M.ComposeTransform([M.ReshapeTransform((5, 3), (3, 5)), M.ExpTransform()], cache_size=1),
        "cat": M.CatTransform([M.ExpTransform(), M.AffineTransform(1.0, 2.0)], dim=-1, lengths=[1, 2]),
        "stack": M.StackTransform([M.ExpTransform(), M.TanhTransform(), M.AffineTransform(1.0, 2.0)], dim=-1),
        "cdf": M.CumulativeDistributionTransform(normal(tensor(three), tensor(np.abs(three)))),
        "identity": M.identity_transform,
    }


@pytest.mark.parametrize("name", transforms(D.transforms, D.Normal, tn.tensor))
def test_transforms(name: str) -> None:
    t = transforms(TD.transforms, TD.Normal, torch.tensor)[name]
    d = transforms(D.transforms, D.Normal, tn.tensor)[name]
    data = np.random.default_rng(5).standard_normal((2, 5, 3))
    x, z = torch.tensor(data), tn.tensor(data)
    y, w = t(x), d(z)
    both(lambda: y, lambda: w)
    both(lambda: t.inv(y), lambda: d.inv(w), 1e-7)
    both(lambda: t.log_abs_det_jacobian(x, y), lambda: d.log_abs_det_jacobian(z, w), 1e-8)
    both(lambda: t.inv.log_abs_det_jacobian(y, x), lambda: d.inv.log_abs_det_jacobian(w, z), 1e-8)
    for name in ("domain", "codomain"):
        assert getattr(t, name).event_dim == getattr(d, name).event_dim
    assert t.bijective == d.bijective
    assert tuple(t.forward_shape((2, 5, 3))) == d.forward_shape((2, 5, 3)) == w.shape
    assert tuple(t.inverse_shape(y.shape)) == d.inverse_shape(w.shape)


def test_transforms_to_constraints() -> None:
    z = np.random.default_rng(1).standard_normal((3, 3))

    def several(C: Any) -> list[Any]:
        names = "real positive nonnegative unit_interval simplex lower_cholesky positive_definite corr_cholesky boolean"
        parts = [C.positive, C.real, C.unit_interval]
        return [
            *[getattr(C, name) for name in names.split()],
            *[C.greater_than(2.0), C.less_than(-1.0), C.interval(-1.0, 3.0), C.half_open_interval(-1.0, 3.0)],
            *[C.independent(C.positive, 1), C.cat(parts[:2], 0, [1, 2]), C.stack(parts, 0), C.real_vector],
        ]

    for a, b in zip(several(TD.constraints), several(D.constraints), strict=True):
        for registry in ("biject_to", "transform_to"):
            both(
                lambda a=a, r=registry: getattr(TD, r)(a)(torch.tensor(z)),
                lambda b=b, r=registry: getattr(D, r)(b)(tn.tensor(z)),
            )
        assert repr(a).replace("_", "") == repr(b).replace("_", "") or "Part" in repr(b)


VALUES = [
    np.array([0.0, 1.0, 2.0, -1.0, 0.5, np.nan, np.inf]),
    np.array([[0.5, 0.5], [1.0, 0.0], [0.3, 0.6]]),
    np.eye(3),
    np.array([[1.0, 2.0], [2.0, 1.0]]),
    np.array([[[1.0, 0], [0.6, 0.8]], [[1.0, 0.1], [0, 1]]]),
    np.array([[1, 0, 0], [0, 1, 1], [0, 0, 1.0]]),
]


def test_constraints() -> None:
    from tenure.distributions.regions_of_parts import verdict

    def several(C: Any) -> list[Any]:
        names = "boolean one_hot simplex real positive nonnegative unit_interval nonnegative_integer positive_integer"
        names += " lower_triangular lower_cholesky corr_cholesky square symmetric positive_semidefinite"
        names += " positive_definite real_vector"
        return [
            *[getattr(C, name) for name in names.split()],
            *[C.greater_than(1.0), C.less_than(1.0), C.interval(0.0, 1.0), C.half_open_interval(0.0, 1.0)],
            *[C.integer_interval(0, 2), C.multinomial(3), C.MixtureSameFamilyConstraint(C.positive)],
        ]

    for a, b in zip(several(TD.constraints), several(D.constraints), strict=True):
        for value in VALUES:
            square = value.ndim > 1 and value.shape[-1] == value.shape[-2]
            if value.ndim < a.event_dim or (a.event_dim == 2 and not square):
                continue
            wanted = a.check(torch.tensor(value)).numpy()
            assert np.array_equal(np.asarray(b.check(tn.tensor(value))), wanted), (b, value)
            with np.errstate(invalid="ignore"):
                assert np.array_equal(np.asarray(verdict(b, value)), wanted), (b, value)


PRINTED = {
    "Categorical": {}, "Bernoulli": {}, "OneHotCategorical": {}, "Geometric": {}, "ContinuousBernoulli": {},
    "Binomial": {"total_count": 4}, "NegativeBinomial": {"total_count": 4},
}  # fmt: skip


@pytest.mark.parametrize("name", PRINTED)
@pytest.mark.parametrize("given", ["probs", "logits"])
def test_prints_show_what_was_computed(name: str, given: str) -> None:
    seen: list[list[str]] = []
    for lib in (torch, face):
        texts = []
        for act in ("mean", "variance", "sample", "expand"):
            d = getattr(lib.distributions, name)(**PRINTED[name], **{given: lib.tensor([0.2, 0.3, 0.5])})
            if act == "sample":
                d.log_prob(d.sample())
            elif act == "expand":
                texts.append(str(d))
                d = d.expand((2, *d.batch_shape))
                texts += [str(d.logits.shape), str(d.probs.shape)]
            else:
                getattr(d, act)
            texts += [str(d), str(d.support)]
        seen.append(texts)
    assert seen[0] == seen[1]
