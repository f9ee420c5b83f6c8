"""Every optimizer beside PyTorch's: fifty steps, whose second half each library makes from the other's state too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tenure as tn

pytestmark = pytest.mark.peers
torch = pytest.importorskip("torch")

CASES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "maximize": True}),
    ("Adam", {"amsgrad": True, "weight_decay": 0.1}),
    ("Adam", {"decoupled_weight_decay": True, "weight_decay": 0.1, "maximize": True, "betas": (0.8, 0.9)}),
    ("AdamW", {"amsgrad": True, "eps": 1e-3}),
    ("RMSprop", {"weight_decay": 0.1, "alpha": 0.95, "eps": 1.0}),
    ("RMSprop", {"momentum": 0.5, "centered": True, "maximize": True, "eps": 1e-2}),
    ("Adagrad", {"lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.1}),
    ("Adagrad", {"maximize": True, "eps": 1e-3}),
    ("Adadelta", {"weight_decay": 0.1}),
    ("Adadelta", {"rho": 0.5, "eps": 1e-3, "maximize": True}),
    ("Adamax", {"weight_decay": 0.1}),
    ("Adamax", {"maximize": True, "betas": (0.5, 0.7), "eps": 1e-2}),
    ("NAdam", {"weight_decay": 0.1}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True, "momentum_decay": 0.01}),
    ("RAdam", {"weight_decay": 0.1}),
    ("RAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True, "betas": (0.5, 0.7)}),
    ("Rprop", {}),
    ("Rprop", {"etas": (0.3, 1.5), "step_sizes": (1e-3, 0.1), "maximize": True}),
    ("ASGD", {"lambd": 0.1, "weight_decay": 0.1}),
    ("ASGD", {"t0": 10.0, "lambd": 0.1, "alpha": 0.5, "maximize": True}),
    ("Adafactor", {"weight_decay": 0.1}),
    ("Adafactor", {"eps": (1e-3, 1e-2), "d": 2.0, "beta2_decay": -0.5, "maximize": True}),
    ("Muon", {}),
    ("Muon", {"nesterov": False, "adjust_lr_fn": "match_rms_adamw", "momentum": 0.5, "weight_decay": 0.0}),
]
SHAPES = [(3, 4), (5,), (), (2, 3, 2)]
MATRICES = [(3, 4), (5, 2)]
REAL_ONLY = ("Adafactor", "Muon")


@pytest.fixture(autouse=True)
def _as_tenure(monkeypatch: pytest.MonkeyPatch) -> Any:
    """PyTorch's Muon in the dtype of its parameters, as Tenure's is."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda x: x.clone())
    default = torch.get_default_dtype()
    yield
    torch.set_default_dtype(default)


def numbers(name: str, dtype: str) -> list[Any]:
    """Where the parameters begin."""
    rng = np.random.default_rng(3)
    out = []
    for shape in MATRICES if name == "Muon" else SHAPES:
        x = np.asarray(rng.standard_normal(shape))
        out.append(np.asarray(x + 1j * rng.standard_normal(shape) if dtype[0] == "c" else x, dtype))
    return out


def made(lib: Any, name: str, options: dict[str, Any], start: list[Any]) -> tuple[list[Any], Any]:
    """Parameters, and an optimizer of them with two groups."""
    ps = [lib.tensor(x, requires_grad=True) for x in start]
    groups = [{"params": ps[:1], "lr": 0.01}, {"params": ps[1:]}]
    return ps, getattr(lib.optim, name)(groups, lr=0.02, **options)


def steps(ps: list[Any], optimizer: Any, which: range) -> list[Any]:
    """The parameters after some steps; one of them has no gradient now and then."""
    for k in which:
        optimizer.zero_grad()
        loss = 0
        for i, p in enumerate(ps if k % 5 else ps[:-1]):
            d = (p - 0.3).abs() if p.is_complex() else p - 0.3
            loss = loss + (d * d * (1 + 0.1 * k)).sum() + (d.sin() * (i + 1)).sum()
        loss.backward()
        optimizer.step()
    return [np.asarray(p.detach().numpy()) for p in ps]


def as_torch(x: Any) -> Any:
    """A state_dict of the other library."""
    if isinstance(x, tn.Tensor):
        return torch.tensor(x.numpy())
    if isinstance(x, dict):
        return {k: as_torch(y) for k, y in x.items()}
    return [as_torch(y) for y in x] if isinstance(x, list) else x


def as_tenure(x: Any) -> Any:
    """The way back."""
    if isinstance(x, torch.Tensor):
        return tn.tensor(x.detach().numpy())
    if isinstance(x, dict):
        return {k: as_tenure(y) for k, y in x.items()}
    return [as_tenure(y) for y in x] if isinstance(x, list) else x


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize(("name", "options"), CASES, ids=[f"{n}{k}" for k, (n, _) in enumerate(CASES)])
def test_fifty_steps_are_torchs_and_states_are_exchanged(name: str, options: dict[str, Any], dtype: str) -> None:
    if dtype[0] == "c" and name in REAL_ONLY:
        return
    torch.set_default_dtype(torch.float32 if dtype == "float32" else torch.float64)
    close = {"rtol": 1e-9, "atol": 1e-11} if dtype != "float32" else {"rtol": 2e-3, "atol": 1e-4}
    mine, own = made(tn, name, options, numbers(name, dtype))
    theirs, other = made(torch, name, options, numbers(name, dtype))
    middle = steps(mine, own, range(25)), steps(theirs, other, range(25))
    saved = own.state_dict(), other.state_dict()
    for a, b in zip(saved[0]["param_groups"], saved[1]["param_groups"], strict=True):
        assert a == b
    assert {k: set(v) for k, v in saved[0]["state"].items()} == {k: set(v) for k, v in saved[1]["state"].items()}
    crossed, from_other = made(tn, name, options, middle[1])
    from_other.load_state_dict(as_tenure(saved[1]))
    across, from_own = made(torch, name, options, middle[0])
    from_own.load_state_dict(as_torch(saved[0]))
    rest = range(25, 50)
    expected = steps(theirs, other, rest)
    for ps, optimizer in ((mine, own), (crossed, from_other), (across, from_own)):
        for x, y in zip(steps(ps, optimizer, rest), expected, strict=True):
            assert np.allclose(x, y, **close), np.abs(x - y).max()


LBFGS: list[dict[str, Any]] = [
    {},
    {"lr": 0.1, "max_iter": 4, "max_eval": 3},
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "history_size": 3, "max_iter": 7, "lr": 5.0},
]


def valley(ps: list[Any], optimizer: Any) -> Any:
    """A closure with a curved valley, and a parameter that it does not reach."""

    def closure() -> Any:
        optimizer.zero_grad()
        w, z = ps[0], ps[1]
        loss = 100 * (w[1] - w[0] ** 2) ** 2 + (1 - w[0]) ** 2 + (z.abs() ** 4).sum() + (z - 3).abs().sum()
        loss.backward()
        return loss

    return closure


@pytest.mark.parametrize("options", LBFGS)
def test_lbfgs_is_torchs_and_states_are_exchanged(options: dict[str, Any]) -> None:
    start = [np.array([-0.5, 0.5]), np.array([1 + 2j, -1j]), np.ones(2)]
    ran: dict[str, Any] = {}
    for lib in (tn, torch):
        ps = [lib.tensor(x, requires_grad=True) for x in start]
        optimizer = lib.optim.LBFGS(ps, **options)
        losses = [optimizer.step(valley(ps, optimizer)).item() for _ in range(3)]
        ran[lib.__name__] = ps, optimizer, losses
    (mine, own, losses), (theirs, other, expected) = ran["tenure"], ran["torch"]
    assert np.allclose(losses, expected, rtol=1e-9)
    state = [optimizer.state[ps[0]] for ps, optimizer in ((mine, own), (theirs, other))]
    assert all(state[0][key] == state[1][key] for key in ("func_evals", "n_iter"))
    saved = own.state_dict(), other.state_dict()
    for lib, begin, given in ((tn, theirs, as_tenure(saved[1])), (torch, mine, as_torch(saved[0]))):
        ps = [lib.tensor(p.detach().numpy(), requires_grad=True) for p in begin]
        optimizer = lib.optim.LBFGS(ps, **options)
        optimizer.load_state_dict(given)
        losses.append(optimizer.step(valley(ps, optimizer)).item())
        losses.append(valley(ps, optimizer)().item())
    other.step(valley(theirs, other))
    final = valley(theirs, other)().item()
    assert np.allclose([losses[-3], losses[-1]], final, rtol=1e-6, atol=1e-9)
