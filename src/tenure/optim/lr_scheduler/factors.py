"""Schedules that multiply the rates by a factor."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tenure.optim.lr_scheduler.scheduler import LRScheduler, Rates, functions, own, saved_function
from tenure.optim.optimizer import Optimizer
from tenure.optim.options import Group, check_options

Factor = Callable[[int], float]


class Factors(LRScheduler):
    """A schedule whose rate is the one before times a number, and the first one times another."""

    def _by_last(self) -> float | None:
        """The rate by that before; None where it stays."""
        raise NotImplementedError

    def _by_first(self) -> float:
        """The rate by the first one."""
        raise NotImplementedError

    def get_lr(self) -> Rates:
        self._warn_outside()
        factor = self._by_last()
        return [own(g["lr"]) if factor is None else g["lr"] * factor for g in self.optimizer.param_groups]

    def _get_closed_form_lr(self) -> Rates:
        return [lr * self._by_first() for lr in self.base_lrs]


class Functions(LRScheduler):
    """A schedule by functions of the user."""

    lr_lambdas: list[Factor]

    def __init__(self, optimizer: Optimizer, lr_lambda: Factor | list[Factor], last_epoch: int = -1) -> None:
        self.optimizer = optimizer
        self.lr_lambdas = functions("lr_lambda", optimizer, lr_lambda)
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> Group:
        """Everything but the optimizer, and of the functions the attributes of those that are objects."""
        return {**super().state_dict(), "lr_lambdas": [saved_function(f) for f in self.lr_lambdas]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where a schedule was saved; functions are kept, objects take over their attributes."""
        super().load_state_dict({k: x for k, x in state_dict.items() if k != "lr_lambdas"})
        for f, saved in zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=True):
            if saved is not None:
                vars(f).update(saved)


class LambdaLR(Functions):
    """Rates that are the first ones times a function of the epoch, ``lr_lambda``, or one for each group.

    ValueError where there are not as many functions as groups.

    >>> opt = optim.SGD([tn.ones(1, requires_grad=True)], lr=0.4)
    >>> schedule = optim.lr_scheduler.LambdaLR(opt, lambda epoch: 1 / (1 + epoch))
    >>> opt.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.2]
    """

    def get_lr(self) -> Rates:
        self._warn_outside()
        return [lr * f(self.last_epoch) for f, lr in zip(self.lr_lambdas, self.base_lrs, strict=True)]


class MultiplicativeLR(Functions):
    """Rates that are those before times a function of the epoch, ``lr_lambda``, or one for each group.

    ValueError where there are not as many functions as groups.

    >>> opt = optim.SGD([tn.ones(1, requires_grad=True)], lr=0.4)
    >>> schedule = optim.lr_scheduler.MultiplicativeLR(opt, lambda epoch: 0.5)
    >>> opt.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.2]
    """

    def get_lr(self) -> Rates:
        self._warn_outside()
        groups = zip(self.lr_lambdas, self.optimizer.param_groups, strict=True)
        return [own(g["lr"]) if self._is_initial else g["lr"] * f(self.last_epoch) for f, g in groups]


class StepLR(Factors):
    """Rates times ``gamma`` every ``step_size`` epochs. ValueError unless ``step_size`` is above zero.

    >>> opt = optim.SGD([tn.ones(1, requires_grad=True)], lr=0.4)
    >>> schedule = optim.lr_scheduler.StepLR(opt, step_size=1, gamma=0.5)
    >>> opt.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.2]
    """

    def __init__(self, optimizer: Optimizer, step_size: float, gamma: float = 0.1, last_epoch: int = -1) -> None:
        check_options(step_size=(step_size, step_size > 0))
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def _by_last(self) -> float | None:
        return None if self.last_epoch == 0 or self.last_epoch % self.step_size else self.gamma

    def _by_first(self) -> float:
        return float(self.gamma ** (self.last_epoch // self.step_size))


class MultiStepLR(Factors):
    """Rates times ``gamma`` at each epoch of ``milestones``.

    >>> opt = optim.SGD([tn.ones(1, requires_grad=True)], lr=0.4)
    >>> schedule = optim.lr_scheduler.MultiStepLR(opt, milestones=[1, 5], gamma=0.5)
    >>> opt.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.2]
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[float], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def _by_last(self) -> float | None:
        times = self.milestones.get(self.last_epoch)
        return None if times is None else float(self.gamma**times)

    def _by_first(self) -> float:
        return float(self.gamma ** bisect_right(sorted(self.milestones.elements()), self.last_epoch))


class ConstantLR(Factors):
    """Rates times ``factor`` until epoch ``total_iters``. ValueError unless ``factor`` is within 0 and 1.

    >>> opt = optim.SGD([tn.ones(1, requires_grad=True)], lr=0.4)
    >>> schedule = optim.lr_scheduler.ConstantLR(opt, factor=0.5, total_iters=3)
    >>> schedule.get_last_lr()
    [0.2]
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: float = 5, last_epoch: int = -1
    ) -> None:
        check_options(factor=(factor, 0 <= factor <= 1))
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def _by_last(self) -> float | None:
        return self.factor if self.last_epoch == 0 else 1 / self.factor if self.last_epoch == self.total_iters else None

    def _by_first(self) -> float:
        return self.factor + (self.last_epoch >= self.total_iters) * (1 - self.factor)


class LinearLR(Factors):
    """Rates times a number that goes from ``start_factor`` to ``end_factor`` in ``total_iters`` epochs.

    ValueError unless the first is above zero and both are at most 1.

    >>> opt = optim.SGD([tn.ones(1, requires_grad=True)], lr=0.4)
    >>> schedule = optim.lr_scheduler.LinearLR(opt, start_factor=0.5, total_iters=2)
    >>> opt.step()
    >>> schedule.step()
    >>> round(schedule.get_last_lr()[0], 6)
    0.3
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: float = 5,
        last_epoch: int = -1,
    ) -> None:
        check_options(
            start_factor=(start_factor, 0 < start_factor <= 1),
            end_factor=(end_factor, 0 <= end_factor <= 1),
            total_iters=(total_iters, total_iters > 0),
        )
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def _by_last(self) -> float | None:
        if self.last_epoch == 0:
            return self.start_factor
        if self._is_initial or self.last_epoch > self.total_iters:
            return None
        rise = self.end_factor - self.start_factor
        return 1.0 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise)

    def _by_first(self) -> float:
        rise = self.end_factor - self.start_factor
        return self.start_factor + rise * min(self.total_iters, self.last_epoch) / self.total_iters


class ExponentialLR(Factors):
    """Rates times ``gamma`` at every epoch.

    >>> opt = optim.SGD([tn.ones(1, requires_grad=True)], lr=0.4)
    >>> schedule = optim.lr_scheduler.ExponentialLR(opt, gamma=0.5)
    >>> opt.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.2]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _by_last(self) -> float | None:
        return None if self._is_initial else self.gamma

    def _by_first(self) -> float:
        return float(self.gamma**self.last_epoch)


class PolynomialLR(Factors):
    """Rates times (1 - epoch / total_iters) ^ power, down to zero at epoch ``total_iters``.

    ValueError unless ``total_iters`` is above zero.

    >>> opt = optim.SGD([tn.ones(1, requires_grad=True)], lr=0.4)
    >>> schedule = optim.lr_scheduler.PolynomialLR(opt, total_iters=2)
    >>> opt.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.2]
    """

    def __init__(self, optimizer: Optimizer, total_iters: float = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        check_options(total_iters=(total_iters, total_iters > 0))
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def _by_last(self) -> float | None:
        if self._is_initial or self.last_epoch > self.total_iters:
            return None
        left, before = 1 - self.last_epoch / self.total_iters, 1 - (self.last_epoch - 1) / self.total_iters
        return float((left / before) ** self.power)

    def _by_first(self) -> float:
        return float((1 - min(self.total_iters, self.last_epoch) / self.total_iters) ** self.power)
