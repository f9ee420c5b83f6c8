"""Random tensors of distributions: moments, gradients, parameters that cannot be, examples, places."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tenure as tn
from tenure.values.run.force import COUNTS

N = 40000
R = tn.random
PI2 = math.pi**2
TRUNCATED = 1 - 2 * math.exp(-0.5) / math.sqrt(2 * math.pi) / math.erf(1 / math.sqrt(2))

MOMENTS: dict[str, tuple[Callable[[], Any], float, float]] = {
    "normal": (lambda: tn.normal(2.0, 3.0, (N,)), 2, 9),
    "normal-tensors": (lambda: tn.normal(tn.full((N,), 2.0), tn.full((N,), 3.0)), 2, 9),
    "log_normal": (lambda: R.log_normal(0.5, 0.4, N), math.exp(0.58), (math.exp(0.16) - 1) * math.exp(1.16)),
    "truncated_normal": (lambda: R.truncated_normal(1.0, 2.0, -1.0, 3.0, N), 1, 4 * TRUNCATED),
    "truncated_normal-tail": (lambda: R.truncated_normal(0.0, 1.0, 8.0, 9.0, N), 8.1217, 0.0141),
    "exponential": (lambda: R.exponential(4.0, N), 0.25, 1 / 16),
    "laplace": (lambda: R.laplace(1.0, 2.0, N), 1, 8),
    "gamma": (lambda: R.gamma(2.5, 5.0, N), 0.5, 0.1),
    "beta": (lambda: R.beta(2.0, 3.0, N), 0.4, 0.04),
    "poisson": (lambda: tn.poisson(4.0, N), 4, 4),
    "binomial": (lambda: tn.binomial(20.0, 0.3, N), 6, 4.2),
    "geometric": (lambda: R.geometric(0.25, N), 4, 12),
    "bernoulli": (lambda: tn.bernoulli(tn.full((N,), 0.3)), 0.3, 0.21),
    "bernoulli-number": (lambda: tn.bernoulli(tn.zeros(N), 0.3), 0.3, 0.21),
    "von_mises": (lambda: R.von_mises(1.0, 400.0, N), 1, 1 / 399.5),
    "random_": (lambda: tn.zeros(N).mut().random_(10), 4.5, 8.25),
    "random_-bits": (lambda: tn.zeros(N, dtype=tn.bool).mut().random_().to(tn.float32), 0.5, 0.25),
    "bernoulli_": (lambda: tn.zeros(N, dtype=tn.int64).mut().bernoulli_(0.2).to(tn.float32), 0.2, 0.16),
    "exponential_": (lambda: tn.zeros(N).mut().exponential_(0.5), 2, 4),
    "geometric_": (lambda: tn.zeros(N).mut().geometric_(0.5), 2, 2),
    "log_normal_": (lambda: tn.zeros(N).mut().log_normal_(0.0, 0.5), math.exp(0.125), 0.3647),
    "trunc_normal_": (lambda: tn.nn.init.trunc_normal_(tn.zeros(N).mut(), 1.0, 2.0, -1.0, 3.0), 1, 4 * TRUNCATED),
}


@pytest.mark.parametrize("name", MOMENTS)
def test_mean_and_variance(name: str) -> None:
    draw, mean, variance = MOMENTS[name]
    tn.manual_seed(11)
    x = np.asarray(draw(), np.float64)
    assert abs(x.mean() - mean) < 4.5 * math.sqrt(variance / N)
    kurtosis = max(float(((x - mean) ** 4).mean()), variance**2) - variance**2
    assert abs(((x - mean) ** 2).mean() - variance) < 5 * math.sqrt(kurtosis / N) + 1e-3 * variance


def test_cauchy_has_its_quartiles() -> None:
    for draw in (lambda: R.cauchy(1.0, 2.0, N), lambda: tn.zeros(N).mut().cauchy_(1.0, 2.0)):
        quartiles = np.quantile(np.asarray(draw(), np.float64), [0.25, 0.5, 0.75])
        assert_allclose(quartiles, [-1, 1, 3], atol=0.1)


def test_dirichlet() -> None:
    tn.manual_seed(5)
    a = np.array([0.2, 1.0, 3.0])
    x = np.asarray(R.dirichlet(tn.tensor(a), (N,)))
    assert x.shape == (N, 3) and x.dtype == np.float64
    assert_allclose(x.sum(-1), 1, rtol=1e-12)
    share = a / a.sum()
    assert_allclose(x.mean(0), share, atol=0.01)
    assert_allclose(x.var(0), share * (1 - share) / (a.sum() + 1), rtol=0.05)
    tiny = np.asarray(R.dirichlet(tn.full((4,), 1e-4), (100,)))
    assert np.isfinite(tiny).all()
    assert (tiny.max(-1) > 0.99).mean() > 0.9


MEANS: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "gamma": (lambda a: R.gamma(a), 1.7, 1.0),
    "gamma-small": (lambda a: R.gamma(a), 0.2, 1.0),
    "gamma-square": (lambda a: R.gamma(a) ** 2, 2.0, 5.0),
    "beta": (lambda a: R.beta(a, 3.0), 2.0, 3 / 25),
    "beta-0": (lambda a: R.beta(2.0, a), 3.0, -2 / 25),
    "exponential": (lambda a: R.exponential(a), 2.0, -0.25),
    "laplace": (lambda a: R.laplace(0.0, a).abs(), 2.0, 1.0),
    "log_normal": (lambda a: R.log_normal(a, 0.5), 0.3, math.exp(0.425)),
    "normal": (lambda a: tn.normal(0.0, a) ** 2, 1.5, 3.0),
    "von_mises": (lambda a: R.von_mises(a, 50.0), 0.5, 1.0),
    "von_mises-concentration": (lambda a: R.von_mises(0.0, a).cos(), 1.5, 0.2472030023),
}


@pytest.mark.parametrize("name", MEANS)
def test_the_gradient_of_a_mean(name: str) -> None:
    """Of a function of the sample, whose mean moves with the parameter at a known rate."""
    f, at, rate = MEANS[name]
    tn.manual_seed(2)
    g = np.asarray(tn.grad(lambda a: f(a).sum())(tn.full((N,), at, dtype=tn.float64)))
    assert abs(g.mean() - rate) < 4.5 * g.std() / math.sqrt(N) + 1e-12
    forward = tn.jvp(lambda a: f(a).sum(), (tn.full((5,), at),), (tn.ones(5),))[1]
    assert math.isfinite(forward.item())


def test_the_gradient_of_dirichlet_means() -> None:
    tn.manual_seed(3)
    a = tn.tensor([0.5, 1.0, 2.0], dtype=tn.float64)
    g = np.asarray(tn.jacrev(lambda a: R.dirichlet(a, (20000,)).mean(0))(a))
    total = 3.5
    wanted = np.eye(3) / total - np.array([0.5, 1.0, 2.0])[:, None] / total**2
    assert_allclose(g, wanted, atol=0.02)


@pytest.mark.peers
def test_gradients_beside_pytorch() -> None:
    import torch

    tn.manual_seed(0)
    for dtype, close in (("float32", 2e-3), ("float64", 2e-3)):  # PyTorch's has about four digits
        a = np.geomspace(0.05, 500, 400).astype(dtype)
        v = tn.tensor(a, requires_grad=True)
        x = R.gamma(v)
        x.sum().backward()
        wanted = torch._standard_gamma_grad(torch.tensor(a), torch.tensor(np.asarray(x.detach())))
        assert_allclose(np.asarray(v.grad), wanted.numpy(), rtol=close)


def test_gradients_of_all_parameters_by_their_formulas() -> None:
    loc, scale = tn.tensor([0.5, -1.0], requires_grad=True), tn.tensor([2.0, 0.5], requires_grad=True)
    for draw in (tn.normal, R.laplace, R.cauchy):
        loc.grad = scale.grad = None
        x = draw(loc, scale)
        x.sum().backward()
        assert_allclose(np.asarray(loc.grad), 1)
        assert_allclose(np.asarray(scale.grad), np.asarray((x.detach() - loc.detach()) / scale.detach()), rtol=1e-4)
    assert not tn.bernoulli(tn.ones(2, requires_grad=True)).requires_grad
    assert not tn.poisson(tn.ones(2, requires_grad=True)).requires_grad


def test_a_truncated_sample_moves_with_its_ends() -> None:
    """The quantile at a fixed probability, by differences."""
    at = [tn.tensor(v, dtype=tn.float64) for v in (0.3, 1.2, -0.5, 2.0)]

    def draw(*xs: Any) -> Any:
        return R.truncated_normal(*xs, generator=tn.Generator(4))

    slopes = tn.grad(draw, argnums=(0, 1, 2, 3))(*at)
    for k, slope in enumerate(slopes):
        up, down = ([x + h if j == k else x for j, x in enumerate(at)] for h in (1e-6, -1e-6))
        assert slope.item() == pytest.approx((draw(*up) - draw(*down)).item() / 2e-6, rel=1e-6)


BAD: dict[str, Callable[[Any], Any]] = {
    "bernoulli: p is -0.5": lambda of: tn.bernoulli(of(-0.5)),
    "bernoulli: p is 1.5": lambda of: tn.bernoulli(of(1.5)),
    "bernoulli: p is nan": lambda of: tn.bernoulli(of(math.nan)),
    "normal: std is -1": lambda of: tn.normal(0.0, of(-1.0)),
    "exponential: rate is 0": lambda of: R.exponential(of(0.0)),
    "gamma: concentration is 0": lambda of: R.gamma(of(0.0)),
    "gamma: rate is -2": lambda of: R.gamma(1.0, of(-2.0)),
    "gamma: concentration is inf": lambda of: R.gamma(of(math.inf)),
    "beta: concentration0 is 0": lambda of: R.beta(1.0, of(0.0)),
    "poisson: rate is -1": lambda of: tn.poisson(of(-1.0)),
    "binomial: count is -1": lambda of: tn.binomial(of(-1.0), 0.5),
    "binomial: prob is 2": lambda of: tn.binomial(3.0, of(2.0)),
    "geometric: p is 0": lambda of: R.geometric(of(0.0)),
    "laplace: scale is -1": lambda of: R.laplace(0.0, of(-1.0)),
    "von_mises: concentration is -1": lambda of: R.von_mises(0.0, of(-1.0)),
    "truncated_normal: std is 0": lambda of: R.truncated_normal(0.0, of(0.0)),
}


@pytest.mark.parametrize("said", BAD)
def test_a_parameter_that_cannot_be_is_named_with_its_line(said: str) -> None:
    with pytest.raises(tn.DomainError, match=said):
        BAD[said](float)
    for many in (lambda x: tn.tensor([x]), lambda x: tn.tensor([0.5] * 50 + [x]), lambda x: tn.tensor([[x]]) * 1):
        for context in (tn.eager, None):
            with pytest.raises(tn.DomainError, match=said) as caught:
                if context is None:
                    BAD[said](many).tolist()
                else:
                    with context():
                        BAD[said](many).tolist()
            assert caught.value.at is not None and caught.value.at.filename == __file__
    with pytest.raises(tn.DomainError, match=said):
        BAD[said](lambda x: tn.tensor([0.5, x], dtype=tn.float64)).tolist()


def test_errors_before_anything_is_drawn() -> None:
    tn.manual_seed(3)
    before = tn.get_rng_state().tolist()
    wrong: list[tuple[type[Exception], Callable[[], Any]]] = [
        (tn.ShapeError, lambda: tn.normal(tn.zeros(3), tn.ones(2))),
        (tn.ShapeError, lambda: tn.normal(tn.zeros(3), 1.0, (2,))),
        (tn.DTypeError, lambda: tn.normal(0.0, 1.0, dtype=tn.int64)),
        (tn.DTypeError, lambda: tn.bernoulli("a")),
        (tn.DTypeError, lambda: tn.normal(tn.zeros(2, dtype=tn.complex64), 1.0)),
        (tn.ShapeError, lambda: R.dirichlet(1.0)),
        (tn.DomainError, lambda: R.truncated_normal(0.0, 1.0, 2.0, 1.0)),
        (tn.DomainError, lambda: tn.zeros(2).mut().exponential_(-1.0)),
        (tn.DomainError, lambda: tn.zeros(2).mut().normal_(0.0, -1.0)),
        (tn.DTypeError, lambda: tn.zeros(2, dtype=tn.int64).mut().exponential_()),
        (tn.DTypeError, lambda: tn.normal(0.0, 1.0, generator=3)),  # type: ignore[arg-type]
        (tn.ShapeError, lambda: tn.multinomial(tn.tensor([1.0, 0.0]), 2)),
        (tn.ShapeError, lambda: tn.multinomial(tn.ones(2, 2, 2), 1)),
        (tn.DomainError, lambda: tn.multinomial(tn.tensor([1.0, -1.0]), 1)),
        (tn.DomainError, lambda: tn.multinomial(tn.zeros(3), 1, True)),
        (tn.ShapeError, lambda: R.choice(3, 4, False)),
        (tn.ShapeError, lambda: R.choice(3, 2, p=tn.ones(2))),
        (tn.ShapeError, lambda: tn.zeros(2).mut().random_(3, 3)),
    ]
    for error, call in wrong:
        with pytest.raises(error, match="TN802"):
            call()
    assert tn.get_rng_state().tolist() == before


def test_weights_decide_what_multinomial_draws() -> None:
    tn.manual_seed(8)
    p = tn.tensor([[1.0, 0.0, 3.0], [2.0, 2.0, 0.0]])
    x = np.asarray(tn.multinomial(p, 20000, True))
    assert x.dtype == np.int64 and x.shape == (2, 20000)
    assert_allclose([(x[0] == k).mean() for k in range(3)], [0.25, 0, 0.75], atol=0.015)
    assert_allclose([(x[1] == k).mean() for k in range(3)], [0.5, 0.5, 0], atol=0.015)
    first = np.array([tn.multinomial(tn.tensor([1.0, 2.0, 3.0]), 2).tolist() for _ in range(3000)])
    assert (first[:, 0] != first[:, 1]).all()
    assert_allclose([(first[:, 0] == k).mean() for k in range(3)], [1 / 6, 1 / 3, 1 / 2], atol=0.04)


def test_choices_and_permutations() -> None:
    tn.manual_seed(1)
    x = tn.arange(12).reshape(4, 3)
    assert sorted(R.permutation(x)[:, 0].tolist()) == [0, 3, 6, 9]
    assert sorted(R.permutation(x, 1)[0].tolist()) == [0, 1, 2]
    assert sorted(R.permutation(5).tolist()) == [0, 1, 2, 3, 4]
    assert R.choice(x).shape == (3,) and R.choice(x, (2, 5)).shape == (2, 5, 3) and R.choice(4).shape == ()
    assert R.choice(x, 2, axis=1).shape == (4, 2)
    assert sorted(R.choice(4, 4, False).tolist()) == [0, 1, 2, 3]
    assert set(R.choice(tn.tensor([5.0, 6.0, 7.0]), 50, p=[1.0, 0.0, 1.0]).tolist()) == {5.0, 7.0}
    v = tn.arange(20).mut()
    before = v.value
    assert v.shuffle_() is v and sorted(v.tolist()) == before.tolist() != v.tolist()
    assert before.tolist() == list(range(20))
    like = tn.randint_like(tn.zeros(3, 4), 2, 5)
    assert like.dtype is tn.float32 and set(like.reshape(-1).tolist()) <= {2.0, 3.0, 4.0}
    assert tn.randint_like(tn.zeros(3, dtype=tn.int32), 4).dtype is tn.int32


def test_examples_draw_alike_or_each_their_own() -> None:
    laws: list[Callable[[Any], Any]] = [R.gamma, tn.poisson, lambda a: tn.bernoulli(a / 9), R.exponential, R.dirichlet]
    for law in laws:
        a = tn.full((64, 3), 4.5)
        same = np.asarray(tn.vmap(law, randomness="same")(a))
        assert (same == same[:1]).all()
        own = np.asarray(tn.vmap(law, randomness="different")(a))
        assert len({tuple(row) for row in own.tolist()}) > 4
        with pytest.raises(tn.VmapError):
            tn.vmap(law)(a)
    tn.manual_seed(7)
    whole = R.gamma(tn.full((4, 3), 2.0)).tolist()
    tn.manual_seed(7)
    assert tn.vmap(R.gamma, randomness="different")(tn.full((4, 3), 2.0)).tolist() == whole


def test_the_same_bits_op_by_op_and_fused() -> None:
    def draw() -> Any:
        tn.manual_seed(9)
        a = tn.linspace(0.3, 40.0, 5000)
        p = a / 41
        return [R.gamma(a) * 2 + 1, tn.poisson(a), tn.binomial(a.floor(), p), tn.bernoulli(p) + R.beta(a, 2.0)]

    first = [np.asarray(x) for x in draw()]
    for _ in range(6):
        again = [np.asarray(x) for x in draw()]
    with tn.eager():
        eager = [np.asarray(x) for x in draw()]
    for x, y, z in zip(first, again, eager, strict=True):
        assert_array_equal(x, y)
        assert_array_equal(x, z)


def test_drawing_at_each_step_builds_no_programs() -> None:
    v, counts = tn.zeros(4).mut(), []
    for step in range(12):
        v.exponential_(1.0 + step / 10)
        x = R.gamma(2.0 + step / 7, size=(4,)) + tn.bernoulli(v.value.exp() * 0) + tn.normal(v, 1.0 + step)
        x.sum().item()
        counts.append(COUNTS["programs"])
    assert counts[4] == counts[-1]
