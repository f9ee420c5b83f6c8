"""Warnings and refusals of the face: their classes and words are PyTorch's."""

from __future__ import annotations

import re
import warnings

import pytest

import tenure.torch as face
from tenure.torch import cautions

pytestmark = pytest.mark.peers
WARNED = """
F.softmax(A)
F.log_softmax(A)
F.softmin(A)
nn.LogSoftmax()(A)
(w * 2).grad
torch.tensor(A)
A.new_tensor(A)
torch.zeros(2, 3, 4).T
torch.range(0, 3)
F.upsample(I, scale_factor=2)
nn.LSTM(2, 2, dropout=0.5)
F.grid_sample(I, torch.zeros(1, 2, 2, 2))
F.kl_div(A, A)
F.mse_loss(A, A, size_average=False)
nn.MSELoss(size_average=False)
torch.zeros(2, 1).std(1)
torch.var_mean(torch.zeros(1))
torch.cov(torch.zeros(2, 1))
torch.meshgrid(torch.zeros(2), torch.zeros(3))
nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2), 1)
F.grid_sample(I, torch.zeros(1, 2, 2, 2), align_corners=False)
torch.zeros(2, 3).std(1)
w.grad
len(dir(w * 2)) > 0
len(dir(torch.zeros(2, 3, 4))) > 0
float(w.sum())
complex(w.sum())
int(w.sum())
w.sum().item()
float(w.sum().detach())
nn.utils.weight_norm(nn.Linear(2, 2))
torch.sparse_coo_tensor([[0, 1]], [1.0, 2.0], (2,))
torch.sparse_coo_tensor([[0, 1]], [1.0, 2.0], (2,), check_invariants=False)
torch.sparse_coo_tensor(size=(2, 3))
torch.sparse_csr_tensor([0, 1, 2], [0, 1], [1.0, 2.0])
torch.eye(2).to_sparse().to_sparse_csr()
torch.ones(3).index_reduce(0, torch.tensor([0]), torch.ones(1), "prod")
F.dropout2d(A)
F.dropout2d(A, 0.0)
F.dropout2d(torch.zeros(2, 2, 2, 2, 2))
F.dropout3d(A)
F.dropout1d(A)
nn.Dropout2d()(A)
nn.Dropout2d()(I)
hooked(nn.Linear(3, 2), A)
hooked(nn.Linear(3, 2), A + w)
not_a_number(w)
"""
REFUSED = """
D.MultivariateNormal(torch.zeros(2), torch.tensor([[1.0, 2.0], [2.0, 1.0]]))
D.MultivariateNormal(torch.zeros(2))
D.Bernoulli(probs=0.5, logits=0.2)
D.Uniform(2, 1)
D.Categorical(torch.tensor(0.5))
D.LogNormal(0.0, -1.0)
D.Normal('a', 1.0)
D.Bernoulli(0.5).log_prob(torch.tensor(0.5))
D.Bernoulli(0.5).log_prob(torch.full((), 0.5))
D.Normal(torch.zeros(2), 1.0).log_prob(torch.zeros(7, 3))
D.Normal(0.0, 1.0).log_prob(0.5)
D.Poisson(1.0).icdf(torch.tensor(0.5))
D.Poisson(1.0).rsample()
D.Normal(0.0, 1.0).sample(3)
D.kl_divergence(D.Uniform(0.0, 1.0), D.Bernoulli(0.5))
D.biject_to(D.constraints.boolean)
D.LKJCholesky(3).mode
D.Normal(torch.zeros(2), 1.0).expand((7,))
D.Independent(D.Normal(0.0, 1.0), 1)
D.ExpTransform(cache_size=2)
"""


def warned(library, source: str) -> list[tuple[str, str]]:
    """Categories and texts of the warnings of an expression, without the place in PyTorch's own source."""
    nn = library.nn
    scope = {
        "torch": library, "nn": nn, "F": nn.functional, "A": library.zeros(2, 3), "I": library.zeros(1, 1, 4, 4),
        "w": library.ones(3, requires_grad=True),
    }  # fmt: skip


    def hooked(module, x):
        """A backward through a module with a hook."""
        module.register_full_backward_hook(lambda *_: None)
        module(x).sum().backward()

    def not_a_number(x):
        """A backward that makes a NaN, in anomaly mode."""
        with pytest.raises(RuntimeError, match="SqrtBackward0"), library.autograd.set_detect_anomaly(True):
            ((x * 0).sqrt() * 0).sum().backward()

    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        eval(source, scope | {"hooked": hooked, "not_a_number": not_a_number})
    ends = re.compile(r" \(Triggered| that caused the error")
    return [(x.category.__name__, ends.split(str(x.message))[0]) for x in found]


@pytest.mark.parametrize("source", WARNED.strip().split("\n"))
def test_a_call_gives_pytorchs_warning(source):
    import torch

    cautions.GIVEN.clear()
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    try:
        assert warned(face, source) == warned(torch, source)
    finally:
        torch.set_warn_always(before)


def refused(library, source: str) -> tuple[str, str]:
    """Class and words of what an expression raises, within a ``try`` of the program's."""
    try:
        eval(source, {"torch": library, "D": library.distributions})
    except Exception as error:
        return type(error).__name__, str(error)
    return "", ""


@pytest.mark.parametrize("source", REFUSED.strip().split("\n"))
def test_a_distribution_refuses_in_pytorchs_words(source):
    import torch

    said = refused(face, source)
    assert said[0]
    assert said == refused(torch, source)
