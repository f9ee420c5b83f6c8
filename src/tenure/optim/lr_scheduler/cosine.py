"""Schedules along a cosine."""

from __future__ import annotations

from math import cos, floor, log, pi

from tenure.optim.lr_scheduler.scheduler import LRScheduler, Rates, own
from tenure.optim.optimizer import Optimizer
from tenure.optim.options import check_options


class CosineAnnealingLR(LRScheduler):
    """Rates that go from the first ones to ``eta_min`` along half a cosine of ``T_max`` epochs, and back.

    ValueError unless ``T_max`` is above zero. Source: Loshchilov, Hutter, ICLR 2017.

    >>> opt = optim.SGD([tn.ones(1, requires_grad=True)], lr=0.4)
    >>> schedule = optim.lr_scheduler.CosineAnnealingLR(opt, T_max=2)
    >>> opt.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.2]
    """

    def __init__(self, optimizer: Optimizer, T_max: float, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        check_options(T_max=(T_max, T_max > 0))
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        self._warn_outside()
        epoch, groups = self.last_epoch, self.optimizer.param_groups
        if self._is_initial:
            return [own(group["lr"]) for group in groups]
        if self._step_count == 1 and epoch > 0:
            return self._get_closed_form_lr()
        if (epoch - 1 - self.T_max) % (2 * self.T_max) == 0:
            rise = (1 - cos(pi / self.T_max)) / 2
            return [g["lr"] + (lr - self.eta_min) * rise for lr, g in zip(self.base_lrs, groups, strict=True)]
        ratio = (1 + cos(pi * epoch / self.T_max)) / (1 + cos(pi * (epoch - 1) / self.T_max))
        return [ratio * (group["lr"] - self.eta_min) + self.eta_min for group in groups]

    def _get_closed_form_lr(self) -> Rates:
        height = 1 + cos(pi * self.last_epoch / self.T_max)
        return [self.eta_min + (lr - self.eta_min) * height / 2 for lr in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Rates that go from the first ones to ``eta_min`` along half a cosine, again and again.

    The first time takes ``T_0`` epochs, each other ``T_mult`` times as many as the one before. ``step`` takes a
    fraction of an epoch, too. ValueError unless ``T_0`` and ``T_mult`` are at least 1.
    Source: Loshchilov, Hutter, ICLR 2017.

    >>> opt = optim.SGD([tn.ones(1, requires_grad=True)], lr=0.4)
    >>> schedule = optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=2)
    >>> opt.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.2]
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        check_options(T_0=(T_0, T_0 >= 1), T_mult=(T_mult, T_mult >= 1))
        self.T_0 = self.T_i = T_0
        self.T_mult, self.eta_min = T_mult, eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        self._warn_outside()
        height = 1 + cos(pi * self.T_cur / self.T_i)
        return [self.eta_min + (lr - self.eta_min) * height / 2 for lr in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Set the rates of the next epoch, or of ``epoch``, which may be within one. ValueError below zero."""
        if epoch is None and self.last_epoch >= 0:
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur, self.T_i = self.T_cur % self.T_i, self.T_i * self.T_mult
            self.last_epoch = floor(self.last_epoch + 1)
        else:
            self._go_to(0 if epoch is None else epoch)
        with self._asking():
            rates = self.get_lr()
        self._put(rates)

    def _go_to(self, epoch: float) -> None:
        """Begin at an epoch."""
        check_options(epoch=(epoch, epoch >= 0))
        if epoch < self.T_0:
            self.T_cur, self.T_i = epoch, self.T_0
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:
            times = int(log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**times - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**times
        self.last_epoch = floor(epoch)
