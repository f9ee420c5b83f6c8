"""Modules, losses and optimizers beside PyTorch's."""

import copy
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure import nn
from tenure.nn import functional as F

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers


def build(lib: Any) -> Any:
    """The same architecture from either library."""

    class Net(lib.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.body = lib.Sequential(lib.Flatten(), lib.Linear(6, 5), lib.ReLU(inplace=True), lib.Dropout(0.25))
            self.blocks = lib.ModuleList([lib.Linear(5, 5) for _ in range(3)] + [lib.Tanh()])
            self.named = lib.Sequential(OrderedDict(first=lib.Identity(), second=lib.Linear(5, 3, bias=False)))
            self.loss = lib.CrossEntropyLoss()
            self.other = lib.MSELoss(reduction="sum")
            self.empty = lib.Sequential()

        def forward(self, x: Any) -> Any:
            x = self.body(x)
            for block in self.blocks:
                x = block(x)
            return self.named(x)

    return Net()


def pair() -> tuple[Any, Any]:
    """A network of each library with the same weights."""
    theirs, ours = build(torch.nn), build(nn)
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    return theirs.eval(), ours.eval()


def both(*arrays: Any) -> tuple[list[Any], list[Any]]:
    return [torch.tensor(a) for a in arrays], [tn.tensor(a) for a in arrays]


def close(ours: Any, theirs: Any, rtol: float = 1e-5, atol: float = 1e-6) -> None:
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=rtol, atol=atol)


def test_repr_keys_and_names() -> None:
    theirs, ours = build(torch.nn), build(nn)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [tuple(v.shape) for v in theirs.state_dict().values()] == [v.shape for v in ours.state_dict().values()]
    for name in ("named_parameters", "named_modules", "named_children", "named_buffers"):
        assert [k for k, _ in getattr(ours, name)()] == [k for k, _ in getattr(theirs, name)()]
    p, q = torch.nn.Parameter(torch.ones(2)), nn.Parameter(tn.ones(2))
    assert repr(q) == repr(p)


def test_forward_and_backward() -> None:
    theirs, ours = pair()
    rng = np.random.default_rng(0)
    (x, y), (u, v) = both(rng.normal(size=(4, 2, 3)).astype("float32"), rng.integers(0, 3, 4))
    a, b = theirs.loss(theirs(x), y), ours.loss(ours(u), v)
    close(b, a)
    a.backward()
    b.backward()
    for p, q in zip(theirs.parameters(), ours.parameters(), strict=True):
        close(q.grad, p.grad)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("shape", [(5,), (4, 5), (4, 5, 2, 3)])
def test_cross_entropy(shape: Any, smoothing: float, weighted: bool, reduction: str) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=shape) * 3
    targets = shape[1:] if len(shape) == 1 else (shape[0], *shape[2:])
    y = rng.integers(0, 5, targets)
    if len(shape) > 1:
        y.flat[0] = -100
    w = rng.uniform(0.5, 2, 5)
    soft = np.exp(x) / np.exp(x).sum(axis=min(1, len(shape) - 1), keepdims=True)
    options: dict[str, Any] = {"reduction": reduction, "label_smoothing": smoothing}
    for target in (y, soft):
        (a, t, aw), (b, u, bw) = both(x, target, w)
        a.requires_grad_()
        b = tn.Var(b, requires_grad=True)
        first = torch.nn.functional.cross_entropy(a, t, aw if weighted else None, **options)
        second = F.cross_entropy(b, u, bw if weighted else None, **options)
        close(second, first)
        first.sum().backward()
        second.sum().backward()
        close(b.grad, a.grad)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_other_losses(reduction: str) -> None:
    rng = np.random.default_rng(2)
    (x, y, c), (u, v, d) = both(rng.normal(size=(4, 5)), rng.normal(size=(4, 5)), np.array([0, 4, 2, 2]))
    close(F.mse_loss(u, v, reduction=reduction), torch.nn.functional.mse_loss(x, y, reduction=reduction))
    options: dict[str, Any] = {"reduction": reduction, "ignore_index": 2}
    theirs = torch.nn.functional.nll_loss(torch.log_softmax(x, 1), c, **options)
    close(F.nll_loss(F.log_softmax(u, 1), d, **options), theirs)
    close(F.softmax(u, dim=0), torch.softmax(x, 0))
    close(F.one_hot(d, 6), torch.nn.functional.one_hot(c, 6))


OPTIMIZERS: dict[str, Any] = {
    "sgd": ("SGD", {"lr": 0.1}),
    "momentum": ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.2, "weight_decay": 0.05}),
    "nesterov": ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    "uphill": ("SGD", {"lr": 0.001, "maximize": True, "momentum": 0.5}),
    "adam": ("Adam", {"lr": 0.02}),
    "adam_decay": ("Adam", {"lr": 0.02, "betas": (0.8, 0.99), "eps": 1e-6, "weight_decay": 0.1}),
    "adamw": ("AdamW", {"lr": 0.02, "weight_decay": 0.1}),
    "rmsprop": ("RMSprop", {"lr": 0.002}),
    "rmsprop_centered": ("RMSprop", {"lr": 0.002, "centered": True, "momentum": 0.8, "weight_decay": 0.1}),
    "rmsprop_uphill": ("RMSprop", {"lr": 0.0001, "alpha": 0.9, "maximize": True}),
    "adamw_uphill": ("AdamW", {"lr": 0.001, "maximize": True}),
}


@pytest.mark.parametrize("case", OPTIMIZERS)
def test_trajectories(case: str) -> None:
    name, options = OPTIMIZERS[case]
    theirs, ours = pair()
    theirs, ours = theirs.double(), ours.double()
    rng = np.random.default_rng(3)
    (x, y), (u, v) = both(rng.normal(size=(8, 6)), rng.integers(0, 3, 8))
    first = getattr(torch.optim, name)(theirs.parameters(), **options)
    second = getattr(tn.optim, name)(ours.parameters(), **options)
    for step in range(20):
        for group in (*first.param_groups, *second.param_groups):
            group["lr"] = options["lr"] * (1 - step / 40)
        first.zero_grad()
        second.zero_grad()
        a, b = theirs.loss(theirs(x), y), ours.loss(ours(u), v)
        a.backward()
        b.backward()
        first.step()
        second.step()
        assert b.item() == pytest.approx(a.item(), rel=1e-9)
    for p, q in zip(theirs.parameters(), ours.parameters(), strict=True):
        close(q, p, rtol=1e-8, atol=1e-10)


def test_state_from_pytorch() -> None:
    """A PyTorch optimizer's state goes on in ours."""
    theirs, ours = pair()
    rng = np.random.default_rng(4)
    (x, y), (u, v) = both(rng.normal(size=(8, 6)).astype("float32"), rng.integers(0, 3, 8))
    first, second = torch.optim.Adam(theirs.parameters(), lr=0.02), tn.optim.Adam(ours.parameters())
    for step in range(6):
        if step == 3:
            ours.load_state_dict({k: t.numpy() for k, t in theirs.state_dict().items()})
            saved = copy.deepcopy(first.state_dict())
            for held in saved["state"].values():
                held.update({k: tn.tensor(t.numpy()) for k, t in held.items()})
            second.load_state_dict(saved)
        first.zero_grad()
        theirs.loss(theirs(x), y).backward()
        first.step()
        if step >= 3:
            second.zero_grad()
            ours.loss(ours(u), v).backward()
            second.step()
    for p, q in zip(theirs.parameters(), ours.parameters(), strict=True):
        close(q, p)
    assert set(saved["state"][0]) == set(second.state_dict()["state"][0])


def test_initial_distributions() -> None:
    torch.manual_seed(0)
    tn.manual_seed(0)
    for theirs, ours in ((torch.nn.Linear(400, 300), nn.Linear(400, 300)),):
        for p, q in zip(theirs.parameters(), ours.parameters(), strict=True):
            a, b = np.sort(p.detach().numpy().ravel()), np.sort(q.detach().numpy().ravel())
            assert np.abs(a - b).max() < 0.2 * a.max()
    for name in ("linear", "tanh", "relu", "leaky_relu", "selu"):
        assert nn.init.calculate_gain(name) == pytest.approx(torch.nn.init.calculate_gain(name))
