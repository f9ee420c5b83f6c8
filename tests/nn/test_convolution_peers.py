"""Convolution and pooling beside PyTorch's: values and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tenure as tn
import tenure.nn.functional as F

pytestmark = pytest.mark.peers
RNG = np.random.default_rng(4)
CONVOLUTIONS: list[dict[str, Any]] = [
    {},
    {"stride": 2, "padding": 1},
    {"padding": "same", "dilation": 2},
    {"stride": 2, "padding": 1, "groups": 2},
    {"groups": 4, "dilation": 2},
    {"stride": 2, "padding": 1, "groups": 2, "complex": True},
]
TRANSPOSED: list[dict[str, Any]] = [
    {},
    {"stride": 2, "padding": 1, "output_padding": 1},
    {"stride": 2, "dilation": 2, "groups": 2},
    {"stride": 2, "padding": 1, "groups": 2, "complex": True},
]
POOLS: list[tuple[str, dict[str, Any]]] = [
    ("max_pool", {"kernel_size": 2, "return_indices": True}),
    ("max_pool", {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "return_indices": True}),
    ("max_pool", {"kernel_size": 2, "stride": 1, "dilation": 2, "return_indices": True}),
    ("avg_pool", {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    ("avg_pool", {"kernel_size": 2, "padding": 1, "count_include_pad": False}),
    ("lp_pool", {"kernel_size": 2, "norm_type": 2}),
    ("adaptive_max_pool", {"output_size": 3, "return_indices": True}),
    ("adaptive_avg_pool", {"output_size": 4}),
]
AXES = pytest.mark.parametrize("n", [1, 2, 3])


def both(name: str, arrays: list[Any], **form: Any) -> None:
    """Values, and gradients by a random cotangent."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    found: list[list[Any]] = []
    weight: Any = None
    if form.pop("complex", False):
        arrays = [a + 1j * RNG.standard_normal(a.shape) for a in arrays]
    for library, functions in ((torch, torch.nn.functional), (tn, F)):
        leaves = [library.tensor(a, requires_grad=True) for a in arrays]
        out = getattr(functions, name)(*leaves, **form)
        out, *places = out if isinstance(out, tuple) else (out,)
        weight = RNG.standard_normal(out.shape) if weight is None else weight
        (out * out.conj() * library.tensor(weight)).sum().real.backward()
        found.append([out.detach().numpy(), *[p.numpy() for p in places], *[v.grad.numpy() for v in leaves]])
    for ours, theirs in zip(found[1], found[0], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


@AXES
@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("form", CONVOLUTIONS, ids=str)
def test_convolutions(n: int, form: dict[str, Any]) -> None:
    shapes = [(2, 4, *(8, 7, 6)[:n]), (8, 4 // form.get("groups", 1), *(3, 2, 3)[:n]), (8,)]
    both(f"conv{n}d", [RNG.standard_normal(s) for s in shapes], **form)


@AXES
@pytest.mark.parametrize("form", TRANSPOSED, ids=str)
def test_transposed_convolutions(n: int, form: dict[str, Any]) -> None:
    shapes = [(2, 4, *(5, 4, 3)[:n]), (4, 6 // form.get("groups", 1), *(3, 2, 3)[:n]), (6,)]
    both(f"conv_transpose{n}d", [RNG.standard_normal(s) for s in shapes], **form)


@AXES
@pytest.mark.parametrize(("name", "form"), POOLS, ids=str)
def test_pools(n: int, name: str, form: dict[str, Any]) -> None:
    low = 1 if name == "lp_pool" else -3
    both(f"{name}{n}d", [RNG.integers(low, 4, (2, 3, *(9, 8, 7)[:n])).astype(float)], **form)


def test_a_network_of_convolutions_takes_pytorchs_weights() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    def made(nn: Any) -> Any:
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=4, bias=False), nn.ReLU(),
            nn.ConvTranspose2d(8, 4, 2, stride=2), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 5),
        )  # fmt: skip

    theirs, ours = made(torch.nn), made(tn.nn)
    ours.load_state_dict({k: tn.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    x = RNG.standard_normal((4, 3, 12, 12)).astype(np.float32)
    y, z = theirs(torch.tensor(x)), ours(tn.tensor(x))
    np.testing.assert_allclose(z.detach().numpy(), y.detach().numpy(), atol=2e-5)
    (y**2).sum().backward()
    (z**2).sum().backward()
    for p, q in zip(theirs.parameters(), ours.parameters(), strict=True):
        np.testing.assert_allclose(q.grad.numpy(), p.grad.numpy(), atol=2e-4, rtol=2e-4)
