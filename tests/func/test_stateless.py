"""functional_call: a module with other tensors for its parameters, for one call."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tenure as tn
from tenure import nn

X = tn.tensor(np.random.default_rng(4).standard_normal((5, 3)).astype(np.float32))


def model() -> Any:
    tn.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def own(module: Any) -> dict[str, Any]:
    return {name: p.value for name, p in module.named_parameters()}


def test_it_is_the_module_with_other_parameters() -> None:
    m, other = model(), {name: p * 2 for name, p in own(model()).items()}
    before = dict(m.named_parameters())
    found = tn.func.functional_call(m, other, X)
    hidden = (X @ other["0.weight"].T + other["0.bias"]).tanh()
    assert_allclose(found.detach(), (hidden @ other["2.weight"].T + other["2.bias"]).detach(), rtol=1e-5)
    assert all(p is before[name] for name, p in m.named_parameters())
    part = tn.func.functional_call(m, {"2.bias": other["2.bias"]}, (X,))
    assert_allclose(part.detach(), (m(X) - m[2].bias + other["2.bias"]).detach(), rtol=1e-5, atol=1e-6)


def test_gradients_go_to_what_was_given_and_not_to_the_module() -> None:
    m = model()
    given = own(m)
    loss = lambda p, x: (tn.func.functional_call(m, p, x) ** 2).sum()  # noqa: E731
    found = tn.grad(loss)({name: p.detach() for name, p in given.items()}, X)
    (m(X) ** 2).sum().backward()
    for name, p in m.named_parameters():
        assert_allclose(found[name], p.grad, rtol=1e-4, atol=1e-5)
    each = tn.vmap(tn.grad(loss), in_axes=(None, 0))({name: p.detach() for name, p in given.items()}, X)
    for name, p in m.named_parameters():
        assert each[name].shape == (5, *p.shape)
        assert_allclose(each[name].sum(axis=0), p.grad, rtol=1e-4, atol=1e-5)


def test_models_side_by_side() -> None:
    models = [model() for _ in range(3)]
    stacked = {
        name: tn.stack([own(m)[name] * (k + 1) for k, m in enumerate(models)]).detach() for name in own(models[0])
    }
    found = tn.vmap(lambda p, x: tn.func.functional_call(models[0], p, x), in_axes=(0, None))(stacked, X)
    for k in range(3):
        alone = tn.func.functional_call(models[0], {name: p[k] for name, p in stacked.items()}, X)
        assert_allclose(found[k], alone.detach(), rtol=1e-5, atol=1e-6)


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(3, 3, bias=False)
        self.b = nn.Linear(3, 3, bias=False)
        self.b.weight = self.a.weight
        self.register_buffer("scale", tn.tensor(2.0))

    def forward(self, x: Any, shift: float = 0.0) -> Any:
        return self.b(self.a(x)) * self.scale + shift


def test_what_is_held_twice_is_replaced_twice_and_buffers_are_too() -> None:
    m, w = Tied(), tn.eye(3) * 3
    assert_allclose(tn.func.functional_call(m, {"a.weight": w}, X).detach(), X * 18, rtol=1e-6)
    both = {"a.weight": w, "b.weight": tn.eye(3), "scale": tn.tensor(1.0)}
    found = tn.func.functional_call(m, both, X, {"shift": 1.0}, tie_weights=False)
    assert_allclose(found.detach(), X * 3 + 1, rtol=1e-6)


def test_refused_and_left_as_it_was() -> None:
    m = model()
    wanted = m(X).tolist()
    with pytest.raises(KeyError, match="has no parameter or buffer 'nothing'"):
        tn.func.functional_call(m, {"nothing": X}, X)
    with pytest.raises(tn.ShapeError, match=r"0.bias is given a tensor of shape \[3\], and the module's own has \[4\]"):
        tn.func.functional_call(m, {"0.bias": tn.zeros(3)}, X)
    with pytest.raises(tn.DTypeError, match="0.bias is given float64"):
        tn.func.functional_call(m, {"0.bias": tn.zeros(4, dtype=tn.float64)}, X)
    with pytest.raises(tn.DTypeError, match="0.bias is given a float"):
        tn.func.functional_call(m, {"0.bias": 1.0}, X)
    with pytest.raises(tn.ShapeError) as error:
        tn.func.functional_call(m, {"0.bias": tn.zeros(4)}, X[:, :2]).numpy()
    assert "TN802" in str(error.value)
    assert m(X).tolist() == wanted
