"""Parameters of distributions: the tensors that were given, where PyTorch gives these back."""

from __future__ import annotations

from typing import Any

import pytest

import tenure.torch as face

pytestmark = pytest.mark.peers
MADE = """
D.Normal(m, s).loc
D.Normal(m, s).scale
D.Normal(m, s).mean
D.Normal(m, 1.0).loc
D.Normal(m, one).scale
D.Bernoulli(probs=p).probs
D.Bernoulli(probs=p).logits
D.Categorical(p).probs
D.Poisson(s).rate
D.Laplace(m, scale=s).scale
D.Uniform(m - 5, s).high
D.MultivariateNormal(m, E).loc
"""


@pytest.mark.parametrize("source", MADE.strip().splitlines())
def test_a_parameter_is_the_tensor_that_was_given(source: str) -> None:
    def said(torch: Any) -> Any:
        m, s = torch.zeros(2, requires_grad=True), torch.full((2,), 2.0, requires_grad=True).exp()
        names = {"m": m, "s": s, "p": torch.tensor([0.25, 0.75]), "one": torch.ones(1), "E": torch.eye(2)}
        found = eval(source, names | {"D": torch.distributions})
        return [name for name, x in names.items() if x is found], [round(x, 4) for x in found.tolist()]

    assert said(face) == said(pytest.importorskip("torch"))
