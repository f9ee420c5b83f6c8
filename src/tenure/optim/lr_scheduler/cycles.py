"""Schedules that go up and down, and momentum against them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import cos, floor, pi
from typing import Any, Literal

from tenure.errors import DTypeError, shown
from tenure.optim.lr_scheduler.scheduler import LRScheduler, Rates, each, of_kind, put, saved_function
from tenure.optim.optimizer import Optimizer
from tenure.optim.options import Group, check_options

MODES = ("triangular", "triangular2", "exp_range")


class Cycling(LRScheduler):
    """A schedule that may also set the momentum of each group: ``momentum``, or the first of ``betas``."""

    cycle_momentum: bool
    use_beta1: bool

    def _begin_momentum(self, base: Any, most: Any, last_epoch: int) -> None:
        """Take the limits of momentum; ValueError for an optimizer that has none."""
        known = self.optimizer.defaults
        if "momentum" not in known and "betas" not in known:
            raise ValueError("cycle_momentum: the optimizer has neither momentum nor betas: give cycle_momentum=False")
        self.use_beta1 = "betas" in known
        lows, highs = each("base_momentum", self.optimizer, base), each("max_momentum", self.optimizer, most)
        if last_epoch == -1:
            for group, low, high in zip(self.optimizer.param_groups, lows, highs, strict=True):
                self._put_momentum(group, high)
                group.update(max_momentum=high, base_momentum=low)
        self._momentums = lows, highs

    def _put_momentum(self, group: Group, x: Any) -> None:
        if self.use_beta1:
            group["betas"] = (x, *group["betas"][1:])
        else:
            group["momentum"] = x


class CyclicLR(Cycling):
    """Rates that go from ``base_lr`` to ``max_lr`` in ``step_size_up`` steps and back in ``step_size_down``, in cycles.

    ``base_lr`` and ``max_lr`` are numbers, or lists of one for each group; ``step_size_down`` is ``step_size_up``
    unless given. ``mode`` "triangular" has equal cycles, "triangular2" halves each, "exp_range" scales by gamma ^ step;
    ``scale_fn`` takes its place, a function of the cycle or of the step, as ``scale_mode`` "cycle" or "iterations"
    says. With ``cycle_momentum`` momentum goes the other way, from ``max_momentum`` to ``base_momentum``. ValueError
    for a mode that is unknown, and for an optimizer without momentum. Source: Smith, WACV 2017.

    >>> opt = optim.SGD([tn.ones(1, requires_grad=True)], lr=0.4)
    >>> schedule = optim.lr_scheduler.CyclicLR(opt, base_lr=0.1, max_lr=0.3, step_size_up=2)
    >>> opt.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.2]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: float = 2000,
        step_size_down: float | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        check_options(
            step_size_up=(step_size_up, step_size_up > 0),
            step_size_down=(step_size_down, step_size_down is None or step_size_down > 0),
            mode=(mode, mode in MODES or scale_fn is not None),
            scale_mode=(scale_mode, scale_mode in ("cycle", "iterations")),
        )
        if scale_fn is not None and not callable(scale_fn):
            raise DTypeError(f"scale_fn is a function, not {shown(scale_fn)}")
        self.optimizer = of_kind(optimizer)
        base_lrs = each("base_lr", optimizer, base_lr)
        self.max_lrs = each("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for lr, group in zip(base_lrs, optimizer.param_groups, strict=True):
                put(group, "lr", lr)
        self.total_size = float(step_size_up + (step_size_down or step_size_up))
        self.step_ratio = step_size_up / self.total_size
        self.mode, self.gamma, self._scale_fn_custom = mode, gamma, scale_fn
        self.scale_mode = scale_mode if scale_fn is not None else "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._begin_momentum(base_momentum, max_momentum, last_epoch)
            self.base_momentums, self.max_momentums = vars(self).pop("_momentums")
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """The height of a cycle: of cycle x, or at step x."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular":
            return 1.0
        return float(0.5 ** (x - 1) if self.mode == "triangular2" else self.gamma**x)

    def get_lr(self) -> Rates:
        self._warn_outside()
        cycle = floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            limits = zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True)
            for group, low, high in limits:
                self._put_momentum(group, high - (high - low) * height * scale)
        return [low + (high - low) * height * scale for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self) -> Group:
        """Everything but the optimizer; of ``scale_fn`` the attributes, if it is an object."""
        return {**super().state_dict(), "_scale_fn_custom": saved_function(self._scale_fn_custom)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where a schedule was saved; ``scale_fn`` is kept, an object takes over its attributes."""
        saved = state_dict["_scale_fn_custom"]
        super().load_state_dict({k: x for k, x in state_dict.items() if k != "_scale_fn_custom"})
        if saved is not None:
            vars(self._scale_fn_custom).update(saved)


class OneCycleLR(Cycling):
    """Rates that rise to ``max_lr`` once, and fall to far less than they began with.

    They begin at max_lr / div_factor, reach ``max_lr`` after the part ``pct_start`` of ``total_steps``, and end at
    1 / final_div_factor of the begin; ``three_phase`` first goes back to the begin. ``anneal_strategy`` is "cos" or
    "linear". With ``cycle_momentum`` momentum goes the other way, from ``max_momentum`` to ``base_momentum`` and back.
    The number of steps is ``total_steps``, or epochs · steps_per_epoch. ValueError where neither is given, for a step
    beyond the last, and for an optimizer without momentum. Source: Smith, Topin, 2017, arXiv:1708.07120.

    >>> opt = optim.SGD([tn.ones(1, requires_grad=True)], lr=0.4, momentum=0.9)
    >>> schedule = optim.lr_scheduler.OneCycleLR(opt, max_lr=0.5, total_steps=10)
    >>> round(schedule.get_last_lr()[0], 6), opt.param_groups[0]["momentum"]
    (0.02, 0.95)
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = of_kind(optimizer)
        self.total_steps = _steps(total_steps, epochs, steps_per_epoch)
        check_options(
            pct_start=(pct_start, 0 <= pct_start <= 1),
            anneal_strategy=(anneal_strategy, anneal_strategy in ("cos", "linear")),
        )
        self._schedule_phases = _phases(pct_start, self.total_steps, three_phase)
        self._anneal_func_type = anneal_strategy
        most = each("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, high in zip(optimizer.param_groups, most, strict=True):
                first = high / div_factor
                group.update(initial_lr=first, max_lr=high, min_lr=first / final_div_factor)
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._begin_momentum(base_momentum, max_momentum, last_epoch)
            del self._momentums
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        self._warn_outside()
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(f"step {step} is beyond the last one: total_steps is {self.total_steps}")
        start = 0.0
        for phase in self._schedule_phases:
            if step <= phase["end_step"] or phase is self._schedule_phases[-1]:
                break
            start = phase["end_step"]
        length = phase["end_step"] - start
        part = (step - start) / length if length else 1.0
        groups = self.optimizer.param_groups
        if self.cycle_momentum:
            for g in groups:
                self._put_momentum(g, self._anneal(g[phase["start_momentum"]], g[phase["end_momentum"]], part))
        return [self._anneal(g[phase["start_lr"]], g[phase["end_lr"]], part) for g in groups]

    def _anneal(self, start: Any, end: Any, part: float) -> Any:
        if self._anneal_func_type == "linear":
            return (end - start) * part + start
        return end + (start - end) / 2.0 * (cos(pi * part) + 1)


def _steps(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    """The number of steps of one cycle."""
    given = {"total_steps": total_steps, "epochs": epochs, "steps_per_epoch": steps_per_epoch}
    check_options(**{name: (n, n is None or n > 0) for name, n in given.items()})
    if total_steps is not None:
        return total_steps
    if epochs is None or steps_per_epoch is None:
        raise ValueError("OneCycleLR takes total_steps, or epochs and steps_per_epoch")
    return epochs * steps_per_epoch


def _phases(part: float, steps: int, three: bool) -> list[dict[str, Any]]:
    """The last step of each phase, and from what to what rates and momentum go in it."""
    names = [("initial_lr", "max_lr"), ("max_lr", "min_lr")]
    ends: list[float] = [float(part * steps) - 1, steps - 1]
    if three:
        names[1:] = [("max_lr", "initial_lr"), ("initial_lr", "min_lr")]
        ends.insert(1, float(2 * part * steps) - 2)
    turns = [("max_momentum", "base_momentum"), ("base_momentum", "max_momentum"), ("max_momentum", "max_momentum")]
    return [
        {"end_step": end, "start_lr": a, "end_lr": b, "start_momentum": m, "end_momentum": n}
        for end, (a, b), (m, n) in zip(ends, names, turns, strict=False)
    ]
