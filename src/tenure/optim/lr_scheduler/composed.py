"""Schedules made of schedules."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from tenure.errors import shown
from tenure.optim.lr_scheduler.plateau import ReduceLROnPlateau
from tenure.optim.lr_scheduler.scheduler import LRScheduler, own, put, values
from tenure.optim.optimizer import Optimizer
from tenure.optim.options import Group


class Composed(LRScheduler):
    """A schedule made of others of the same optimizer."""

    _schedulers: Sequence[LRScheduler]

    def _take(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> None:
        """Take schedules; ValueError where there are none, or one does not fit."""
        if not schedulers:
            raise ValueError(f"schedulers: {type(self).__name__} is made of at least one schedule")
        for k, schedule in enumerate(schedulers):
            if not isinstance(schedule, LRScheduler):
                raise TypeError(f"schedulers: element {k} is no schedule, but {shown(schedule)}")
            if isinstance(schedule, ReduceLROnPlateau):
                raise ValueError(f"schedulers: element {k} is a ReduceLROnPlateau, whose step takes a measure")
            if schedule.optimizer is not (optimizer or schedulers[0].optimizer):
                raise ValueError(f"schedulers: element {k} is of another optimizer")
        self._schedulers = schedulers
        self.optimizer = optimizer or schedulers[0].optimizer

    def state_dict(self) -> Group:
        """Everything but the optimizer, and the state of each schedule."""
        return {**super().state_dict(), "_schedulers": [schedule.state_dict() for schedule in self._schedulers]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where a schedule was saved."""
        super().load_state_dict({k: x for k, x in state_dict.items() if k != "_schedulers"})
        for schedule, saved in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            schedule.load_state_dict(saved)


class ChainedScheduler(Composed):
    """Several schedules at once: each goes on from the rates that the one before has set.

    ValueError for no schedules, for a ReduceLROnPlateau, and for schedules of several optimizers.

    >>> opt = optim.SGD([tn.ones(1, requires_grad=True)], lr=0.4)
    >>> one, two = (optim.lr_scheduler.ExponentialLR(opt, gamma) for gamma in (0.5, 0.25))
    >>> schedule = optim.lr_scheduler.ChainedScheduler([one, two])
    >>> opt.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.05]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self._take(schedulers, optimizer)
        self._last_lr = values(self.optimizer, "lr")

    def step(self) -> None:  # type: ignore[override]
        """Set the rates of the next epoch."""
        for schedule in self._schedulers:
            schedule.step()
        self._last_lr = values(self.optimizer, "lr")


class SequentialLR(Composed):
    """Several schedules one after the other: at each epoch of ``milestones`` the next one begins.

    ValueError unless there is one schedule more than milestones, for a ReduceLROnPlateau, and for schedules of several
    optimizers.

    >>> opt = optim.SGD([tn.ones(1, requires_grad=True)], lr=0.4)
    >>> warmup = optim.lr_scheduler.ConstantLR(opt, factor=0.5, total_iters=2)
    >>> then = optim.lr_scheduler.ExponentialLR(opt, gamma=0.5)
    >>> schedule = optim.lr_scheduler.SequentialLR(opt, [warmup, then], milestones=[2])
    >>> rates = []
    >>> for epoch in range(4):
    ...     rates += schedule.get_last_lr()
    ...     opt.step()
    ...     schedule.step()
    >>> rates
    [0.2, 0.2, 0.4, 0.2]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[float], last_epoch: int = -1
    ) -> None:
        self._take(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"milestones: {len(schedulers)} schedules change at {len(schedulers) - 1} epochs, not {len(milestones)}"
            )
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        for group in optimizer.param_groups:
            put(group, "lr", own(group["initial_lr"]))
        _undo(self)
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:  # type: ignore[override]
        """Set the rates of the next epoch."""
        self.last_epoch += 1
        k = bisect_right(self._milestones, self.last_epoch)
        schedule = self._schedulers[k]
        if k > 0 and self._milestones[k - 1] == self.last_epoch:
            schedule._update_lr(0)
        else:
            schedule.step()
        self._last_lr = schedule.get_last_lr()


def _undo(schedule: LRScheduler) -> None:
    """Take back the first step that each schedule has made when it was made."""
    if isinstance(schedule, Composed):
        for inner in schedule._schedulers:
            _undo(inner)
    else:
        schedule.last_epoch -= 1
