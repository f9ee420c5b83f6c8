"""PyTorch's rectifiers: values and gradients, where their pieces meet too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure import nn
from tenure.nn import functional

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers
JOINTS = [0.0, 1.0, -1.0, 3.0, -3.0, 6.0, 0.5, -0.5, 0.7, -0.7, 100.0, -100.0]
X = np.concatenate([np.random.default_rng(31).standard_normal(48) * 3, JOINTS])
CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("hardtanh", ()), ("hardtanh", (-0.5, 2.0)), ("relu6", ()), ("hardsigmoid", ()), ("hardswish", ()),
    ("hardshrink", ()), ("softshrink", (0.7,)), ("threshold", (1.0, -3.0)), ("celu", (2.0,)), ("selu", ()),
    ("mish", ()), ("softsign", ()), ("tanhshrink", ()), ("softmin", (0,)), ("glu", ()),
]  # fmt: skip
LAYERS = [
    "CELU(0.5)", "GLU()", "Hardshrink()", "Hardsigmoid()", "Hardswish()", "Hardtanh()", "LogSigmoid()", "Mish()",
    "PReLU()", "ReLU6()", "SELU()", "Softmin(0)", "Softshrink()", "Softsign()", "Tanhshrink()", "Threshold(0.1, 20.0)",
]  # fmt: skip


@pytest.mark.parametrize(("name", "args"), CALLS)
def test_functions(name: str, args: tuple[Any, ...]) -> None:
    theirs, ours = torch.tensor(X, requires_grad=True), tn.tensor(X, requires_grad=True)
    y, z = getattr(torch.nn.functional, name)(theirs, *args), getattr(functional, name)(ours, *args)
    np.testing.assert_allclose(np.asarray(z.detach()), y.detach().numpy(), rtol=1e-12, atol=1e-15)
    g = np.random.default_rng(1).standard_normal(y.shape)
    y.backward(torch.tensor(g))
    z.backward(tn.tensor(g))
    np.testing.assert_allclose(np.asarray(ours.grad.detach()), theirs.grad.numpy(), rtol=1e-7, atol=1e-14)


@pytest.mark.parametrize("channels", [1, 4])
def test_prelu(channels: int) -> None:
    x, w = X.reshape(3, 4, 5), np.linspace(0.1, 0.5, channels)
    theirs = [torch.tensor(v, requires_grad=True) for v in (x, w)]
    ours = [tn.tensor(v, requires_grad=True) for v in (x, w)]
    torch.nn.functional.prelu(*theirs).square().sum().backward()
    functional.prelu(*ours).square().sum().backward()
    for wanted, found in zip(theirs, ours, strict=True):
        np.testing.assert_allclose(np.asarray(found.grad.detach()), wanted.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("layer", LAYERS)
def test_layers(layer: str) -> None:
    x = X.astype(np.float32)
    wanted = eval(layer, vars(torch.nn))(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(np.asarray(eval(layer, vars(nn))(tn.tensor(x)).detach()), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore:reduction")
@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "batchmean"])
def test_losses_between_probabilities(reduction: str) -> None:
    rng = np.random.default_rng(2)
    p = np.array([[0.2, 0.0, 1.0, 0.0], [0.7, 1.0, 0.5, 1.0]])
    q = np.array([[0.3, 0.0, 0.0, 1.0], [1.0, 1.0, 0.0, 0.0]])
    logs, w = rng.standard_normal((2, 4)), rng.uniform(0.5, 2.0, 4)
    for call in (
        lambda of, t: of.binary_cross_entropy(t(p), t(q), t(w).detach(), reduction=reduction),
        lambda of, t: of.kl_div(t(logs), t(q), reduction=reduction),
        lambda of, t: of.kl_div(t(logs), t(logs.copy()[::-1].copy()), reduction=reduction, log_target=True),
    ):
        made: dict[str, list[Any]] = {"torch": [], "tn": []}

        def leaf(lib: Any, name: str, v: Any, made: Any = made) -> Any:
            made[name].append(lib.tensor(v, requires_grad=True))
            return made[name][-1]

        if reduction == "batchmean" and call.__code__.co_names[0] == "binary_cross_entropy":
            continue
        y = call(torch.nn.functional, lambda v, leaf=leaf: leaf(torch, "torch", v))
        z = call(functional, lambda v, leaf=leaf: leaf(tn, "tn", v))
        np.testing.assert_allclose(np.asarray(z.detach()), y.detach().numpy(), rtol=1e-12)
        y.sum().backward()
        z.sum().backward()
        wanted, found = made["torch"][0].grad.numpy(), np.asarray(made["tn"][0].grad.detach())
        np.testing.assert_allclose(found, wanted, rtol=1e-7)  # theirs divides by a float32
