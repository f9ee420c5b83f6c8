"""Transforms: inverses, Jacobians by differentiation, shapes, caches, and the way from constraints to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tenure as tn
from tenure import distributions as D

THREE = tn.tensor([1.0, -2.0, 3.0], dtype=tn.float64)
MADE: dict[str, Callable[[], Any]] = {
    "exp": D.ExpTransform,
    "sigmoid": D.SigmoidTransform,
    "softplus": D.SoftplusTransform,
    "tanh": D.TanhTransform,
    "power": lambda: D.ComposeTransform([D.ExpTransform(), D.PowerTransform(THREE)]),
    "affine": lambda: D.AffineTransform(THREE, THREE, event_dim=1),
    "stick": D.StickBreakingTransform,
    "corr": D.CorrCholeskyTransform,
    "chain": lambda: D.ComposeTransform([D.AffineTransform(1.0, 2.0), D.StickBreakingTransform()], cache_size=1),
    "cat": lambda: D.CatTransform([D.ExpTransform(), D.AffineTransform(1.0, 2.0)], -1, [1, 2]),
    "stack": lambda: D.StackTransform([D.ExpTransform(), D.TanhTransform(), D.SigmoidTransform()], -1),
    "cdf": lambda: D.CumulativeDistributionTransform(D.Gumbel(THREE, 2.0)),
    "reshape": lambda: D.ReshapeTransform((3,), (3, 1)),
    "identity": lambda: D.identity_transform,
}
X = tn.tensor(np.random.default_rng(1).standard_normal((2, 3)))


@pytest.mark.parametrize("name", MADE)
def test_inverse_and_jacobian(name: str) -> None:
    t = MADE[name]()
    y = t(X)
    assert_allclose(np.asarray(t.inv(y)), np.asarray(X), rtol=1e-9, atol=1e-10)
    assert t.inv.inv is t and t.forward_shape(X.shape) == y.shape and t.inverse_shape(y.shape) == X.shape
    assert bool(t.codomain.check(y).all()) and bool(t.domain.check(X).all())
    found = t.log_abs_det_jacobian(X, y)
    assert_allclose(np.asarray(t.inv.log_abs_det_jacobian(y, X)), -np.asarray(found), rtol=1e-9)
    whole = found if found.ndim == 1 else found.sum(-1)

    def free(x: Any) -> Any:
        """As many outputs as inputs: the first shares, or the elements below the diagonal."""
        z = t(x)
        return D.utils.tril_matrix_to_vec(z, -1) if name == "corr" else z.reshape(-1)[:3]

    for row, value in zip(X, whole, strict=True):
        slopes = np.asarray(tn.jacrev(free)(row))
        assert_allclose(np.linalg.slogdet(slopes)[1], value.item(), rtol=1e-8, atol=1e-9)


def test_transforms_that_are_not_bijective() -> None:
    assert not any(t.bijective for t in (D.AbsTransform(), D.SoftmaxTransform(), D.PositiveDefiniteTransform()))
    y = D.SoftmaxTransform()(X)
    assert_allclose(np.asarray(D.SoftmaxTransform()(D.SoftmaxTransform().inv(y))), np.asarray(y))
    square = tn.tensor(np.random.default_rng(2).standard_normal((2, 3, 3)))
    for t in (D.LowerCholeskyTransform(), D.PositiveDefiniteTransform()):
        assert bool(t.codomain.check(t(square)).all())
        assert_allclose(np.asarray(t(t.inv(t(square)))), np.asarray(t(square)), rtol=1e-7)
    half = D.TransformedDistribution(D.Normal(0.0, 1.0), D.AbsTransform())
    with pytest.raises(NotImplementedError, match="AbsTransform has no sign"):
        half.cdf(1.0)


def test_a_cache_keeps_the_last_pair() -> None:
    t = D.TanhTransform(cache_size=1)
    y = t(X * 30)
    assert t.inv(y) is not X and np.isfinite(np.asarray(t.inv(y))).all()
    assert np.isinf(np.asarray(D.TanhTransform().inv(y))).any()
    x = X + 0
    assert t(x) is t(x) and t.inv(t(x)) is x
    assert t.with_cache(1) is t and t.with_cache(0) == t and t.with_cache(0)(x) is not t(x)
    flow = D.TransformedDistribution(D.Normal(tn.zeros(3), 20.0), [t])
    assert np.isfinite(np.asarray(flow.log_prob(flow.sample()))).all()


def test_equal_transforms() -> None:
    assert D.ExpTransform() == D.ExpTransform() != D.TanhTransform()
    assert D.ExpTransform().inv == D.ExpTransform().inv
    assert D.AffineTransform(tn.ones(2), 2.0) == D.AffineTransform(tn.ones(2), 2.0) != D.AffineTransform(1.0, 2.0)
    assert D.PowerTransform(2.0) == D.PowerTransform(2.0) != D.PowerTransform(3.0)
    assert D.ComposeTransform([D.ExpTransform()]) == D.ComposeTransform([D.ExpTransform()])


def test_falling_transforms_turn_distribution_functions() -> None:
    base = D.Normal(0.0, 1.0)
    for scale in (2.0, -2.0, tn.tensor(-2.0)):
        d = D.TransformedDistribution(base, D.AffineTransform(1.0, scale))
        x = tn.tensor([-3.0, 1.0, 2.0])
        assert_allclose(np.asarray(d.cdf(x)), np.asarray(D.Normal(1.0, 2.0).cdf(x)), rtol=1e-5)
        assert_allclose(np.asarray(d.icdf(d.cdf(x))), np.asarray(x), rtol=1e-4)


def test_shapes_of_transformed_distributions() -> None:
    d = D.TransformedDistribution(D.Normal(tn.zeros(2, 3), 1.0), D.StickBreakingTransform())
    assert d.batch_shape == (2,) and d.event_shape == (4,) and d.sample((5,)).shape == (5, 2, 4)
    assert d.log_prob(d.sample()).shape == (2,) and d.expand((7, 2)).rsample().shape == (7, 2, 4)
    wide = D.TransformedDistribution(D.Normal(0.0, 1.0), D.AffineTransform(tn.zeros(3), 1.0))
    assert wide.batch_shape == (3,) and wide.sample().shape == (3,)
    image = D.TransformedDistribution(D.Normal(tn.zeros(6), 1.0), D.ReshapeTransform((6,), (2, 3)))
    assert image.event_shape == (2, 3) and image.log_prob(image.sample((4,))).shape == (4,)
    with pytest.raises(tn.ShapeError, match="events of the transforms have 1 axes"):
        D.TransformedDistribution(D.Normal(0.0, 1.0), D.StickBreakingTransform())


def test_unconstrained_numbers_become_parameters_of_every_family() -> None:
    families = [f for f in vars(D).values() if isinstance(f, type) and issubclass(f, D.Distribution)]
    seen = set()
    for family in families:
        for constraint in getattr(family, "arg_constraints", {}).values():
            if D.constraints.is_dependent(constraint) or repr(constraint) in seen:
                continue
            seen.add(repr(constraint))
            x = tn.tensor(np.random.default_rng(4).standard_normal((3, 3)))
            try:
                y = D.transform_to(constraint)(x)
            except NotImplementedError:
                assert constraint.is_discrete
                continue
            assert bool(constraint.check(y).all()), constraint
    assert len(seen) >= 8


ERRORS: dict[str, Callable[[], Any]] = {
    "parts of 3": lambda: D.CatTransform([D.ExpTransform()], 0, [3])(tn.ones(2)),
    "2 lengths for 1 transforms": lambda: D.CatTransform([D.ExpTransform()], 0, [3, 1]),
    "different numbers of elements": lambda: D.ReshapeTransform((2,), (3,)),
    "does not end in": lambda: D.ReshapeTransform((2,), (1, 2))(tn.ones(3)),
    "cache_size is 2": lambda: D.ExpTransform(2),
    "no lower triangle": lambda: D.CorrCholeskyTransform()(tn.ones(2)),
    "event_dim is -1": lambda: D.AffineTransform(0.0, 1.0, event_dim=-1),
    "AffineTransform: scale is a number": lambda: D.AffineTransform(0.0, "a"),  # type: ignore[arg-type]
    "ComposeTransform: parts: each is a Transform": lambda: D.ComposeTransform([3]),  # type: ignore[list-item]
    "an event has 2": lambda: D.IndependentTransform(D.ExpTransform(), 2)(tn.ones(2)),
    "register: 3 is no constraint": lambda: D.biject_to.register(3, lambda c: c),  # type: ignore[call-overload]
    "diag is 5": lambda: D.utils.tril_matrix_to_vec(tn.eye(2), 5),
}


@pytest.mark.parametrize("said", ERRORS)
def test_errors(said: str) -> None:
    with pytest.raises(tn.TenureError, match=said):
        ERRORS[said]()


def test_a_registry_of_ones_own() -> None:
    class Even(D.constraints.Constraint):
        pass

    with pytest.raises(NotImplementedError, match="no transform to Even"):
        D.biject_to(Even())
    own = D.ConstraintRegistry()

    @own.register(Even())
    def twice(constraint: Any) -> Any:
        return D.AffineTransform(0.0, 2.0)

    assert own(Even())(tn.tensor(3.0)).item() == 6.0
    with pytest.raises(NotImplementedError, match="Even defines no check"):
        Even().check(1.0)
