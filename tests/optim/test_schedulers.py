"""Schedules of the learning rate: what they warn of and refuse, and how they write the groups."""

from __future__ import annotations

import copy
import importlib
import pickle
import warnings
from typing import Any

import pytest

import tenure as tn
from tenure import nn, optim
from tenure.optim import lr_scheduler as schedules
from tenure.optim import swa_utils
from tests.values.test_borrows import line


def made(lr: Any = 0.4, **options: Any) -> Any:
    return optim.SGD([tn.ones(1, requires_grad=True)], lr=lr, **options)


def test_order_of_steps() -> None:
    optimizer = made()
    schedule = schedules.ExponentialLR(optimizer, 0.5)
    with pytest.warns(UserWarning, match="Detected call of `lr_scheduler.step\\(\\)` before") as caught:
        schedule.step()
    assert (caught[0].filename, caught[0].lineno) == (__file__, line(-1))
    schedule.step()
    optimizer = made()
    optimizer.step()
    schedule = schedules.ExponentialLR(optimizer, 0.5)
    with pytest.warns(UserWarning, match="Detected call"):
        schedule.step()
    optimizer = made()
    schedule = schedules.ExponentialLR(optimizer, 0.5)
    optimizer.step = lambda: None
    with pytest.warns(UserWarning, match="`optimizer.step\\(\\)` has been overridden"):
        schedule.step()


def test_other_warnings() -> None:
    optimizer = made()
    schedule = schedules.ExponentialLR(optimizer, 0.5)
    optimizer.step()
    with pytest.warns(UserWarning, match="please use `get_last_lr"):
        schedule.get_lr()
    with pytest.warns(UserWarning, match="The epoch parameter in `scheduler.step"):
        schedule.step(3)
    assert schedule.get_last_lr() == [0.05]


def test_a_group_keeps_the_kind_of_its_rate() -> None:
    for lr in (tn.tensor(0.4), tn.tensor([0.4]), tn.tensor(0.4).mut()):
        optimizer = made(lr)
        schedule = schedules.StepLR(optimizer, 1, 0.5)
        first = schedule.get_last_lr()[0]
        optimizer.step()
        schedule.step()
        rate = optimizer.param_groups[0]["lr"]
        assert isinstance(rate, tn.Tensor) and rate.shape == lr.shape and (rate is lr) == isinstance(lr, tn.Var)
        assert first.item() == pytest.approx(0.4) and schedule.get_last_lr()[0].item() == pytest.approx(0.2)


class Falling:
    """A factor that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, epoch: float) -> float:
        self.calls += 1
        return 1 / (1 + epoch)


def test_functions_and_their_state() -> None:
    optimizer = made()
    schedule = schedules.LambdaLR(optimizer, Falling())
    optimizer.step()
    schedule.step()
    saved = schedule.state_dict()
    assert saved["lr_lambdas"] == [{"calls": 2}] and "optimizer" not in saved
    other = schedules.LambdaLR(made(), Falling())
    other.load_state_dict(saved)
    assert (other.last_epoch, other.lr_lambdas[0].calls) == (1, 2)  # type: ignore[attr-defined]
    cycles = schedules.CyclicLR(made(momentum=0.9), 0.1, 0.2, 3, scale_fn=Falling())
    again = schedules.CyclicLR(made(momentum=0.9), 0.1, 0.2, 3, scale_fn=Falling())
    again.load_state_dict(cycles.state_dict())
    assert again.state_dict() == cycles.state_dict()
    with pytest.raises(ValueError, match="lr_lambda has 2 values, and the optimizer 1 groups"):
        schedules.LambdaLR(made(), [Falling(), Falling()])
    with pytest.raises(tn.errors.DTypeError, match="lr_lambda is a function"):
        schedules.MultiplicativeLR(made(), [3])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda o: schedules.StepLR(o, 0), "invalid step_size: 0"),
        (lambda o: schedules.ConstantLR(o, factor=2.0), "invalid factor: 2.0"),
        (lambda o: schedules.LinearLR(o, start_factor=0.0), "invalid start_factor: 0.0"),
        (lambda o: schedules.PolynomialLR(o, total_iters=0), "invalid total_iters: 0"),
        (lambda o: schedules.CosineAnnealingLR(o, 0), "invalid T_max: 0"),
        (lambda o: schedules.CosineAnnealingWarmRestarts(o, 0), "invalid T_0: 0"),
        (lambda o: schedules.CyclicLR(o, 0.1, 0.2, mode="a"), "invalid mode: 'a'"),
        (lambda o: schedules.CyclicLR(o, [0.1, 0.2], 0.2), "base_lr has 2 values, and the optimizer 1 groups"),
        (lambda o: schedules.CyclicLR(optim.Rprop([tn.ones(1).mut()]), 0.1, 0.2), "neither momentum nor betas"),
        (lambda o: schedules.OneCycleLR(o, 0.1), "total_steps, or epochs and steps_per_epoch"),
        (lambda o: schedules.OneCycleLR(o, 0.1, 5, pct_start=2.0), "invalid pct_start: 2.0"),
        (lambda o: schedules.ReduceLROnPlateau(o, factor=1.0), "invalid factor: 1.0"),
        (lambda o: schedules.ReduceLROnPlateau(o, mode="a"), "invalid mode: 'a'"),
        (lambda o: schedules.ChainedScheduler([]), "at least one schedule"),
        (lambda o: schedules.ChainedScheduler([schedules.ReduceLROnPlateau(o)]), "whose step takes a measure"),
        (lambda o: schedules.ChainedScheduler([schedules.StepLR(o, 1)], made()), "element 0 is of another optimizer"),
        (lambda o: schedules.SequentialLR(o, [schedules.StepLR(o, 1)], [1]), "1 schedules change at 0 epochs, not 1"),
        (lambda o: swa_utils.SWALR(o, 0.1, anneal_strategy="a"), "invalid anneal_strategy: 'a'"),
        (lambda o: swa_utils.get_ema_avg_fn(2.0), "invalid decay: 2.0"),
        (lambda o: swa_utils.AveragedModel(nn.Identity(), avg_fn=max, multi_avg_fn=max), "not both"),
    ],
)
def test_refused_arguments(make: Any, message: str) -> None:
    with pytest.raises((ValueError, tn.errors.DTypeError), match=message):
        make(made(momentum=0.9))


def test_what_is_no_optimizer() -> None:
    with pytest.raises((TypeError, tn.errors.DTypeError), match="optimizer"):
        schedules.StepLR(nn.Linear(1, 1), 1)  # type: ignore[arg-type]
    with pytest.raises(KeyError, match=r"param_groups\[0\] has no 'initial_lr'"):
        schedules.StepLR(made(), 1, last_epoch=3)
    with pytest.raises(NotImplementedError, match="LRScheduler does not define get_lr"):
        schedules.LRScheduler(made())


def test_a_step_beyond_the_last_one() -> None:
    optimizer = made(momentum=0.9)
    schedule = schedules.OneCycleLR(optimizer, 0.1, total_steps=2, pct_start=0.5)
    optimizer.step()
    for _ in range(2):
        schedule.step()
    with pytest.raises(ValueError, match="step 3 is beyond the last one: total_steps is 2"):
        schedule.step()


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_an_optimizer_and_its_schedule_are_copied_together(twin: Any) -> None:
    optimizer = made()
    schedule = schedules.CosineAnnealingLR(optimizer, 5)
    optimizer.step()
    schedule.step()
    other, again = twin((optimizer, schedule))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again.step()
    assert again.optimizer is other and again.last_epoch == 2 and schedule.last_epoch == 1


def test_ones_own_average_writes_the_averages() -> None:
    model = nn.Linear(2, 1)

    def average(averages: Any, currents: Any, count: Any) -> None:
        for a, x in zip(averages, currents, strict=True):
            a.lerp_(x, 1 / (count + 1)) if hasattr(a, "lerp_") else a.copy_(a + (x - a) / (count + 1))

    both = [swa_utils.AveragedModel(model, multi_avg_fn=average), swa_utils.AveragedModel(model)]
    for k in range(3):
        model.weight.data.fill_(float(k))
        for averaged in both:
            averaged.update_parameters(model)
    assert both[0].module.weight.tolist() == both[1].module.weight.tolist() == [[1.0, 1.0]]
    assert int(both[1].n_averaged) == 3 and both[1].module.weight.is_leaf
    restored = swa_utils.AveragedModel(nn.Linear(2, 1))
    restored.load_state_dict(both[1].state_dict())
    assert int(restored.n_averaged) == 3 and restored.module.weight.tolist() == [[1.0, 1.0]]


def test_statistics_are_computed_anew_and_modes_put_back() -> None:
    model = nn.Sequential(nn.BatchNorm1d(1, momentum=0.3), nn.InstanceNorm1d(1)).eval()
    swa_utils.update_bn([[tn.tensor([[[1.0, 3.0]]]), 0], tn.tensor([[[4.0, 6.0]]])], model)
    norm = model[0]
    assert norm.running_mean.tolist() == [3.5] and norm.momentum == 0.3 and not norm.training  # type: ignore[union-attr]
    swa_utils.update_bn([], nn.Linear(1, 1))


def test_a_schedule_shows_its_rates() -> None:
    optimizer = made()
    assert repr(schedules.StepLR(optimizer, 3)) == "StepLR(epoch=0, lr=[0.4])"
    assert repr(schedules.ChainedScheduler([schedules.StepLR(optimizer, 3)])) == "ChainedScheduler(lr=[0.4])"


@pytest.mark.parametrize("name", ["torch", "home"])
def test_a_rate_that_is_a_tensor_keeps_its_start(name: str) -> None:
    """The schedule reads the rate that it began with, though the one in the group is written at each step."""
    lib = importlib.import_module("tenure.torch" if name == "torch" else "tenure")
    p = lib.tensor([1.0, 2.0], requires_grad=True)
    optimizer = lib.optim.Adamax([p], lr=lib.tensor(0.5))
    schedule = lib.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 2)
    rates = []
    for _ in range(4):
        (p**2).sum().backward()
        optimizer.step()
        schedule.step()
        rates.append(float(optimizer.param_groups[0]["lr"]))
    assert rates == pytest.approx([0.25, 0.5, 0.25, 0.5])
