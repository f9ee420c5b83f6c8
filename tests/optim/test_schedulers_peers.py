"""Every schedule beside PyTorch's: rates and momenta of fifty steps, to the bit, and states exchanged half-way."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tenure as tn

pytestmark = pytest.mark.peers
torch = pytest.importorskip("torch")

CASES: dict[str, Callable[[Any, Any], Any]] = {
    "lambda": lambda s, o: s.LambdaLR(o, [lambda e: 1 / (1 + e), lambda e: 0.9**e]),
    "multiplicative": lambda s, o: s.MultiplicativeLR(o, lambda e: 0.9 + 0.01 * e),
    "step": lambda s, o: s.StepLR(o, 7, gamma=0.3),
    "milestones": lambda s, o: s.MultiStepLR(o, [3, 9, 9, 20], gamma=0.4),
    "constant": lambda s, o: s.ConstantLR(o, 0.3, 9),
    "linear": lambda s, o: s.LinearLR(o, 0.2, 0.9, 12),
    "exponential": lambda s, o: s.ExponentialLR(o, 0.93),
    "polynomial": lambda s, o: s.PolynomialLR(o, 30, 1.7),
    "cosine": lambda s, o: s.CosineAnnealingLR(o, 11, 0.01),
    "restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 4, 2, 0.01),
    "chained": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.3, 5), s.ExponentialLR(o, 0.9)]),
    "sequence": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, 1.0, 5), s.CosineAnnealingLR(o, 20), s.StepLR(o, 3)], [5, 25]
    ),
    "chain in a sequence": lambda s, o: s.SequentialLR(
        o, [CASES["chained"](s, o), s.LambdaLR(o, lambda e: 0.5**e)], [8]
    ),
    "cycles": lambda s, o: s.CyclicLR(o, [0.01, 0.02], 0.3, 5, 7),
    "halving cycles": lambda s, o: s.CyclicLR(
        o, 0.01, 0.3, 5, mode="triangular2", base_momentum=0.7, max_momentum=[0.8, 0.95]
    ),
    "shrinking cycles": lambda s, o: s.CyclicLR(o, 0.01, 0.3, 5, mode="exp_range", gamma=0.97, cycle_momentum=False),
    "own cycles": lambda s, o: s.CyclicLR(o, 0.01, 0.3, 5, scale_fn=lambda x: 1 / (1 + x), scale_mode="iterations"),
    "one cycle": lambda s, o: s.OneCycleLR(o, 0.5, 60),
    "three phases": lambda s, o: s.OneCycleLR(
        o, [0.5, 0.2], epochs=6, steps_per_epoch=10, three_phase=True, anneal_strategy="linear", pct_start=0.25
    ),
    "one cycle of rates": lambda s, o: s.OneCycleLR(
        o, 0.5, 60, cycle_momentum=False, div_factor=5.0, final_div_factor=10.0
    ),
}


def made(lib: Any, make: Any, kind: str, rate: Any = 0.1) -> tuple[Any, Any]:
    """An optimizer with two groups, and its schedule."""
    ps = [lib.tensor(np.ones(2), requires_grad=True) for _ in range(2)]
    options = {"momentum": 0.9} if kind == "SGD" else {}
    lr = lib.tensor(rate, dtype=lib.float64) if rate == 0.2 else rate
    optimizer = getattr(lib.optim, kind)([{"params": ps[:1]}, {"params": ps[1:], "lr": 0.05}], lr=lr, **options)
    return optimizer, make(lib.optim.lr_scheduler, optimizer)


def ran(optimizer: Any, schedule: Any, steps: int) -> list[list[float]]:
    """The rates and momenta of some steps."""
    out = []
    for _ in range(steps):
        optimizer.step()
        schedule.step()
        momenta = [g["betas"][0] if "betas" in g else g["momentum"] for g in optimizer.param_groups]
        rates = [*[g["lr"] for g in optimizer.param_groups], *schedule.get_last_lr()]
        out.append([*map(float, rates), *momenta])
    return out


@pytest.mark.filterwarnings("ignore:Detected call")
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("name", CASES)
def test_rates_are_torchs_to_the_bit(name: str, kind: str) -> None:
    pairs = [made(lib, CASES[name], kind) for lib in (tn, torch)]
    middle = [ran(*pair, 25) for pair in pairs]
    assert middle[0] == middle[1]
    saved = [(optimizer.state_dict(), schedule.state_dict()) for optimizer, schedule in pairs]
    assert {k: x for k, x in saved[0][1].items() if not callable(x)} == saved[1][1]
    for lib, (of_optimizer, of_schedule) in ((tn, saved[1]), (torch, saved[0])):
        pair = made(lib, CASES[name], kind)
        pair[0].load_state_dict(of_optimizer)
        pair[1].load_state_dict(of_schedule)
        pairs.append(pair)
    rest = [ran(*pair, 25) for pair in pairs]
    assert rest[0] == rest[1] == rest[2] == rest[3]


@pytest.mark.filterwarnings("ignore:Detected call")
@pytest.mark.parametrize("name", CASES)
def test_rates_that_are_tensors(name: str) -> None:
    mine, theirs = (ran(*made(lib, CASES[name], "SGD", 0.2), 30) for lib in (tn, torch))
    assert np.allclose(mine, theirs, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", [name for name in CASES if "chain" not in name and name != "sequence"])
def test_an_epoch_that_is_given(name: str) -> None:
    out = []
    for lib in (tn, torch):
        optimizer, schedule = made(lib, CASES[name], "SGD")
        optimizer.step()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for epoch in (3, None, 11, None, 9):
                schedule.step(epoch)
                out.append([*schedule.get_last_lr(), schedule.last_epoch])
    assert out[:5] == out[5:]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mode": "max", "patience": 2, "factor": 0.5, "cooldown": 3, "min_lr": [1e-3, 1e-2]},
        {"threshold_mode": "abs", "threshold": 0.3, "patience": 1},
        {"mode": "max", "threshold_mode": "abs", "patience": 1, "eps": 0.01, "min_lr": 0.002},
    ],
)
def test_plateaus(options: dict[str, Any]) -> None:
    measures = np.abs(np.random.default_rng(0).standard_normal(60)) + 1 / np.arange(1, 61)
    out, states = [], []
    for lib in (tn, torch):
        _, schedule = made(lib, lambda s, o: s.ReduceLROnPlateau(o, **options), "SGD")
        for k, m in enumerate(measures.tolist()):
            schedule.step(m if k % 2 else lib.tensor(m, dtype=lib.float64))
            out.append([*schedule.get_last_lr(), schedule.best, schedule.num_bad_epochs, schedule.in_cooldown])
        states.append(schedule.state_dict())
    assert out[:60] == out[60:] and states[0] == states[1]


def test_a_schedule_goes_on_at_an_epoch() -> None:
    out = []
    for lib in (tn, torch):
        p = lib.tensor(np.ones(2), requires_grad=True)
        optimizer = lib.optim.SGD([{"params": [p], "initial_lr": 0.3}], lr=0.3)
        for make in (CASES["cosine"], CASES["exponential"], CASES["step"]):
            schedule = type(make(lib.optim.lr_scheduler, optimizer))
            options = {"CosineAnnealingLR": {"T_max": 9}, "ExponentialLR": {"gamma": 0.9}, "StepLR": {"step_size": 2}}
            schedule = schedule(optimizer, **options[schedule.__name__], last_epoch=4)
            out.append(schedule.get_last_lr())
    assert out[:3] == out[3:]


AVERAGES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "mean": lambda u: {},
    "mean one by one": lambda u: {"avg_fn": u.get_swa_avg_fn()},
    "moving": lambda u: {"multi_avg_fn": u.get_ema_multi_avg_fn(0.9), "use_buffers": True},
    "moving one by one": lambda u: {"avg_fn": u.get_ema_avg_fn(0.9), "use_buffers": True},
    "own": lambda u: {"avg_fn": lambda a, p, n: a + (p - a) / (n + 2)},
}


@pytest.mark.parametrize("name", AVERAGES)
@pytest.mark.parametrize("strategy", ["cos", "linear"])
def test_averages_of_models(name: str, strategy: str) -> None:
    out: list[list[Any]] = []
    for lib in (tn, torch):
        rng = np.random.default_rng(0)
        utils, nn = lib.optim.swa_utils, lib.nn
        model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
        with lib.no_grad():
            for p in model.parameters():
                p.copy_(lib.tensor(rng.standard_normal(tuple(p.shape)).astype("float32")))
        average = utils.AveragedModel(model, **AVERAGES[name](utils))
        optimizer = lib.optim.SGD(model.parameters(), lr=0.01, momentum=0.5)
        schedule = utils.SWALR(optimizer, swa_lr=0.005, anneal_epochs=5, anneal_strategy=strategy)
        batches = [lib.tensor(rng.standard_normal((8, 3)).astype("float32")) for _ in range(12)]
        rates: list[float] = []
        for x in batches:
            optimizer.zero_grad()
            (model(x) ** 2).mean().backward()
            optimizer.step()
            rates += schedule.get_last_lr()
            schedule.step()
            average.update_parameters(model)
        state = {k: v.detach().numpy().copy() for k, v in average.state_dict().items()}
        utils.update_bn([(x,) for x in batches], average)
        out.append([*state.values(), *[b.detach().numpy() for b in average.buffers()], np.array(rates), list(state)])
    assert out[0].pop() == out[1].pop()
    for x, y in zip(*out, strict=True):
        assert np.allclose(x, y, rtol=1e-4, atol=1e-6)
