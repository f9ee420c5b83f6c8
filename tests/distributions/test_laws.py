"""What holds of all distributions: checks of arguments, places, shapes, programs of training loops, own families."""

from __future__ import annotations

import copy
import math
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import tenure as tn
from tenure import distributions as D
from tenure import nn, optim
from tenure.values.run.force import COUNTS
from tests.distributions.families import Case, distinct

BAD: dict[str, Callable[[Any], Any]] = {
    "Normal: scale is to be greater than 0": lambda of: D.Normal(0.0, of(-1.0)),
    "Normal: loc is to be a number": lambda of: D.Normal(of(math.nan), 1.0),
    "LogNormal: scale is to be greater than 0": lambda of: D.LogNormal(0.0, of(0.0)),
    "HalfCauchy: scale is to be greater than 0": lambda of: D.HalfCauchy(of(-2.0)),
    "Bernoulli: probs is to be at least 0 and at most 1": lambda of: D.Bernoulli(of(1.5)),
    "Geometric: probs is to be greater than 0": lambda of: D.Geometric(of(0.0)),
    "NegativeBinomial: probs is to be at least 0 and less than 1": lambda of: D.NegativeBinomial(2, of(1.0)),
    "Binomial: total_count is to be a whole number at least 0": lambda of: D.Binomial(of(2.5), 0.5),
    "Poisson: rate is to be at least 0": lambda of: D.Poisson(of(-1.0)),
    "Uniform: high is to be greater than low": lambda of: D.Uniform(1.0, of(0.5)),
    "^TN802: RelaxedBernoulli: probs is to be at least 0": lambda of: D.RelaxedBernoulli(1.0, of(-0.5)),
    "Normal.log_prob: value is to be a number": lambda of: D.Normal(0.0, 1.0).log_prob(of(math.nan)),
    "Bernoulli.log_prob: value is to be 0 or 1": lambda of: D.Bernoulli(0.5).log_prob(of(0.5)),
    "Uniform.log_prob: value is to be between low and high": lambda of: D.Uniform(0.0, 1.0).log_prob(of(2.0)),
    "Poisson.log_prob: value is to be a whole number at least 0": lambda of: D.Poisson(1.0).log_prob(of(1.5)),
    "Categorical.log_prob: value is to be an index of 3 cl": lambda of: D.Categorical(tn.ones(3)).log_prob(of(3.0)),
    "Binomial.log_prob: value is to be a whole number from 0 to total_count": (
        lambda of: D.Binomial(2, 0.5).log_prob(of(3.0))
    ),
}


@pytest.mark.parametrize("said", BAD)
def test_what_cannot_be_is_refused_by_name(said: str) -> None:
    """A number and a known tensor at once, a pending tensor at the line that used it, when the result is read."""
    for known in (lambda x: x, tn.tensor, lambda x: tn.tensor([0.5, x]), lambda x: tn.tensor([x]).mut()):
        with pytest.raises((tn.DomainError, ValueError), match=said) as caught:
            BAD[said](known)
        assert "TN802" in str(caught.value) and "is not" in str(caught.value)
    found = BAD[said](lambda x: tn.tensor([x]) * 1)
    with pytest.raises(tn.DomainError, match=said) as caught:
        (found.sample() if isinstance(found, D.Distribution) else found).tolist()
    assert caught.value.at is not None and caught.value.at.filename == __file__


MATRICES: dict[str, Callable[[], Any]] = {
    "covariance_matrix is to be a positive definite matrix": (
        lambda: D.MultivariateNormal(tn.zeros(2), tn.tensor([[1.0, 2.0], [2.0, 1.0]]))
    ),
    "scale_tril is to be a lower triangular matrix": (
        lambda: D.MultivariateNormal(tn.zeros(2), scale_tril=tn.tensor([[1.0, 2.0], [0.0, 1.0]]))
    ),
    "Wishart: df is to be greater than 1": lambda: D.Wishart(tn.tensor(0.5), tn.eye(2)),
    "not negative, of the sum 1": lambda: D.Dirichlet(tn.ones(2)).log_prob(tn.tensor([0.5, 0.4])),
    "probs is to be not negative, of a positive": lambda: D.Categorical(tn.tensor([0.5, -0.5])),
    "logits is to be less than inf": lambda: D.Categorical(logits=tn.tensor([0.5, math.inf])),
    "a loc of 3 elements, and a matrix of 2 rows": lambda: D.MultivariateNormal(tn.zeros(3), tn.eye(2)),
    "a square matrix": lambda: D.MultivariateNormal(tn.zeros(3), tn.ones(2, 3)),
    "give one of probs and logits": lambda: D.Categorical(),
    "give one of probs": lambda: D.Bernoulli(0.5, 0.5),
    "has less axes than one event": lambda: D.Dirichlet(tn.tensor(1.0)),
    "do not broadcast": lambda: D.Normal(tn.zeros(3), tn.ones(2)),
    "Normal.log_prob: value and batch": lambda: D.Normal(tn.zeros(3), 1.0).log_prob(tn.zeros(2)),
    "no event": lambda: D.Dirichlet(tn.ones(3)).log_prob(tn.ones(2)),
    "Normal: scale is a number or a tensor": lambda: D.Normal(0.0, "a"),  # type: ignore[arg-type]
    "does not broadcast to": lambda: D.Normal(tn.zeros(3), 1.0).expand((1,)),
    "Independent: reinterpreted_batch_ndims is 2": lambda: D.Independent(D.Normal(tn.zeros(3), 1.0), 2),
}


@pytest.mark.parametrize("said", MATRICES)
def test_arguments_that_do_not_fit(said: str) -> None:
    with pytest.raises(tn.TenureError, match=said):
        result = MATRICES[said]()
        (result.sample() if isinstance(result, D.Distribution) else result).tolist()


def test_checks_can_be_left_out() -> None:
    d = D.Normal(0.0, -1.0, validate_args=False)
    assert d.log_prob(math.nan).isnan().item()
    D.Distribution.set_default_validate_args(False)
    try:
        D.Uniform(1.0, 0.0)
    finally:
        D.Distribution.set_default_validate_args(True)


def test_making_and_scoring_reads_nothing() -> None:
    """A pending parameter stays pending, so the trace goes on."""
    x = tn.rand(4)
    before = COUNTS["runs"]
    p = D.Normal(x, x + 1)
    q = D.Independent(D.Gamma(x + 1, 2.0), 1)
    c = D.Categorical(logits=x)
    total = p.log_prob(p.sample()).sum() + q.log_prob(q.rsample()) + c.log_prob(c.sample()) + c.entropy()
    total = total + D.kl_divergence(p, D.Normal(0.0, 1.0)).sum()
    assert COUNTS["runs"] == before
    assert math.isfinite(total.item()) and COUNTS["runs"] == before + 1


def test_places_are_read_at_each_use() -> None:
    loc = tn.tensor([1.0], requires_grad=True)
    d = D.Normal(loc, 1.0)
    snapshot = D.Normal(loc.value, 1.0)
    opt = optim.SGD([loc], lr=0.5)
    for _ in range(6):
        opt.zero_grad()
        (-d.log_prob(3.0)).mean().backward()
        opt.step()
    assert d.mean.item() == pytest.approx(3 - 2 / 2**6) and snapshot.mean.item() == 1.0
    scale = tn.tensor(1.0).mut()
    half = D.HalfNormal(scale)
    scale.fill_(2.0)
    assert half.scale.item() == 2.0
    scale.fill_(-1.0)
    with pytest.raises(tn.DomainError, match="scale is to be greater than 0"):
        half.sample().item()
    covariance = tn.eye(2).mut()
    normal = D.MultivariateNormal(tn.zeros(2), covariance)
    covariance.mul_(4.0)
    assert_allclose(np.asarray(normal.scale_tril), 2 * np.eye(2))
    with tn.no_grad():
        d.sample()
    assert d.log_prob(0.0).requires_grad


class Coder(nn.Module):
    """A variational autoencoder of four numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Linear(8, 8), nn.Linear(4, 8)

    def forward(self, x: Any) -> Any:
        mean, spread = self.encoder(x).split(4, -1)
        q = D.Normal(mean, spread.exp())
        return D.Independent(D.Bernoulli(logits=self.decoder(q.rsample())), 1), q


def test_a_variational_autoencoder_trains_without_new_programs() -> None:
    tn.manual_seed(0)
    part = (tn.rand(64, 2) < 0.5).to(tn.float32)
    data = tn.concat([part] * 4, 1)
    model, counts, losses = Coder(), [], []
    opt = optim.Adam(model.parameters(), lr=0.03)
    for step in range(60):
        x = data[(step % 4) * 16 : (step % 4 + 1) * 16]
        p, q = model(x)
        loss = (D.kl_divergence(q, D.Normal(0.0, 1.0)).sum(-1) - p.log_prob(x)).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
        counts.append(COUNTS["programs"])
    assert np.mean(losses[-8:]) < 0.8 * np.mean(losses[:4])
    assert counts[20] == counts[-1]


def test_reinforce_learns_without_new_programs() -> None:
    tn.manual_seed(0)
    policy = nn.Linear(3, 3)
    opt = optim.Adam(policy.parameters(), lr=0.1)
    counts, rewards = [], []
    for step in range(60):
        state = tn.randint(0, 3, (32,))
        d = D.Categorical(logits=policy((state.unsqueeze(-1) == tn.arange(3)).to(tn.float32)))
        action = d.sample()
        reward = (action == state).to(tn.float32)
        loss = -(d.log_prob(action) * (reward - reward.mean())).mean() - 0.01 * d.entropy().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 7 == 0:
            loss.item()
        rewards.append(reward.mean())
        counts.append(COUNTS["programs"])
    assert rewards[-1].item() > 0.9
    assert counts[40] == counts[-1]


def test_numbers_that_change_build_no_programs() -> None:
    counts = []
    for step in range(12):
        d = D.Normal(0.1 * step, 1.0 + step)
        u = D.Uniform(-1.0 - step, 2.0 + step)
        g = D.Gamma(1.0 + step, 2.0).expand((3,))
        (d.log_prob(0.5) + u.log_prob(u.sample()) + g.rsample().sum() + d.cdf(1.0)).item()
        counts.append(COUNTS["programs"])
    assert counts[4] == counts[-1]


@pytest.mark.parametrize("case", distinct(), ids=str)
def test_expanded_copied_and_described(case: Case) -> None:
    d = case.made(D, tn.tensor)
    wide = d.expand((2, *d.batch_shape))
    assert type(wide) is type(d) and wide.batch_shape == (2, *d.batch_shape) and wide.event_shape == d.event_shape
    x = d.sample()
    twice = np.asarray(tn.stack([d.log_prob(x)] * 2)).reshape(2, *d.batch_shape)
    assert_allclose(np.asarray(wide.log_prob(x)), twice, rtol=1e-6)
    for other in (pickle.loads(pickle.dumps(d)), copy.deepcopy(d)):
        assert_array_equal(np.asarray(other.log_prob(x)), np.asarray(d.log_prob(x)))
    whole = D.Independent(d, len(d.batch_shape))
    assert_allclose(whole.log_prob(x).item(), d.log_prob(x).sum().item(), rtol=1e-6)
    assert repr(d).startswith(f"{case.name}(") and "tensor" not in repr(d)
    assert set(type(d).arg_constraints) >= {k for k in case.given if k not in ("dim", "temperature")} - {"total_count"}


class Tilted(D.Distribution):
    """A family as PyTorch's users write one."""

    arg_constraints = {"loc": D.constraints.real, "scale": D.constraints.positive}  # noqa: RUF012
    support = D.constraints.interval(-1.0, 1.0)
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = D.utils.broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    def rsample(self, sample_shape: Any = ()) -> Any:  # type: ignore[override]
        return (self.loc + self.scale * tn.randn(self._extended_shape(sample_shape))).tanh()

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        return D.Normal(self.loc, self.scale).log_prob(value.atanh()) - (1 - value**2).log()

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(Tilted, _instance)
        new.loc, new.scale = self.loc.expand(batch_shape), self.scale.expand(batch_shape)
        super(Tilted, new).__init__(batch_shape, validate_args=False)
        return new


def test_a_family_in_pytorchs_words() -> None:
    d = Tilted(0.0, tn.ones(2))
    same = D.TransformedDistribution(D.Normal(0.0, tn.ones(2)), D.TanhTransform(cache_size=1))
    x = d.sample((3,))
    assert x.shape == (3, 2) and not x.requires_grad and d.expand((4, 2)).sample().shape == (4, 2)
    assert_allclose(np.asarray(d.log_prob(x)), np.asarray(same.log_prob(x)), rtol=2e-3, atol=2e-3)
    assert D.Independent(d, 1).log_prob(x).shape == (3,)
    with pytest.raises(tn.DomainError, match="Tilted: scale is to be greater than 0"):
        Tilted(0.0, -1.0)
    with pytest.raises(tn.DomainError, match="log_prob: value is to be at least lower_bound"):
        d.log_prob(tn.tensor([0.5, 2.0]))
    assert repr(d) == "Tilted(loc: [2], scale: [2])"

    class Wider(D.Normal):
        def __init__(self, loc: Any) -> None:
            super().__init__(loc, 2.0)

    assert Wider(tn.zeros(2)).expand((3, 2)).stddev.shape == (3, 2)
    assert D.kl_divergence(Wider(0.0), D.Normal(0.0, 2.0)).item() == 0.0


def test_the_closest_divergence_is_taken() -> None:
    class A(D.Normal):
        pass

    class B(A):
        pass

    one, two = tn.tensor(1.0), tn.tensor(2.0)
    D.register_kl(A, D.Normal)(lambda p, q: one)
    assert D.kl_divergence(B(0.0, 1.0), D.Normal(0.0, 1.0)).item() == 1.0
    D.register_kl(D.Normal, A)(lambda p, q: two)
    with pytest.warns(RuntimeWarning, match="ambiguous"):
        assert D.kl_divergence(B(0.0, 1.0), B(0.0, 1.0)).item() == 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        D.register_kl(A, A)(lambda p, q: two)
        assert D.kl_divergence(B(0.0, 1.0), B(0.0, 1.0)).item() == 2.0
    with pytest.raises(NotImplementedError, match="Normal from Cauchy"):
        D.kl_divergence(D.Normal(0.0, 1.0), D.Cauchy(0.0, 1.0))


PAIRS: list[Callable[[], tuple[Any, Any]]] = [
    lambda: (D.Wishart(5.0, tn.eye(2)), D.Wishart(4.0, 2 * tn.eye(2))),
    lambda: (D.LogNormal(0.0, 1.0), D.LogNormal(0.5, 2.0)),
    lambda: (D.InverseGamma(3.0, 1.0), D.InverseGamma(2.0, 2.0)),
    lambda: (D.Chi2(3.0), D.Gamma(2.0, 1.0)),
    lambda: (D.Gamma(2.0, 1.0), D.Gumbel(1.0, 2.0)),
]


@pytest.mark.parametrize("make", PAIRS)
def test_divergences_are_means(make: Callable[[], tuple[Any, Any]]) -> None:
    p, q = make()
    tn.manual_seed(5)
    x = p.sample((8000,))
    ratio = np.asarray(p.log_prob(x) - q.log_prob(x))
    assert abs(ratio.mean() - D.kl_divergence(p, q).item()) < 5 * ratio.std() / math.sqrt(len(ratio))


def test_examples_of_vmap_and_derivatives() -> None:
    means = tn.arange(3).to(tn.float32)
    found = tn.vmap(lambda m: D.Normal(m, 1.0).log_prob(0.0))(means)
    assert_allclose(np.asarray(found), np.asarray(D.Normal(means, 1.0).log_prob(0.0)))
    assert tn.grad(lambda s: D.Normal(0.0, s).entropy())(tn.tensor(2.0)).item() == 0.5
    own = tn.vmap(lambda x: D.Categorical(logits=x).sample((4,)), randomness="different")(tn.zeros(5, 3))
    assert own.shape == (5, 4) and len({tuple(row) for row in own.tolist()}) > 1
    with pytest.raises(tn.DomainError, match="scale is to be"):
        tn.vmap(lambda s: D.Normal(0.0, s).log_prob(0.0))(tn.tensor([1.0, -1.0])).tolist()
    slope = tn.grad(lambda a: D.Gamma(a, 1.0).cdf(2.0))(tn.tensor(1.5, dtype=tn.float64)).item()
    assert slope == pytest.approx(-0.27743356420871, rel=1e-10)


def test_the_room_is_imported_at_its_first_use() -> None:
    code = "import sys, tenure; tenure.nn; assert 'tenure.distributions' not in sys.modules; tenure.distributions.kl"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["Weibull", "InverseGamma"])
def test_nothing_lies_up_to_the_bound_of_an_open_support(name: str) -> None:
    d = getattr(D, name)(tn.tensor([0.5, 2.0]), tn.tensor([1.5, 3.0]), validate_args=True)
    assert d.cdf(tn.zeros(2)).tolist() == [0.0, 0.0]
    with pytest.raises(tn.DomainError):
        d.log_prob(tn.zeros(2)).tolist()
    with pytest.raises(tn.DomainError):
        d.cdf(tn.tensor([-1.0, 1.0])).tolist()
