"""Schedule that waits for a measure to stop improving."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any, Literal, SupportsFloat

from tenure.optim.lr_scheduler.scheduler import LRScheduler, each, of_kind, put, values, warn_of_epoch
from tenure.optim.optimizer import Optimizer
from tenure.optim.options import check_options
from tenure.values.trace.given import int_of


class ReduceLROnPlateau(LRScheduler):
    """Rates times ``factor`` once a measure has not improved for more than ``patience`` epochs.

    ``step(metrics)`` takes the measure, which is better where it is smaller (``mode`` "min") or larger ("max") than
    the best so far: by the part ``threshold`` of it (``threshold_mode`` "rel"), or by that number ("abs"). After a
    reduction ``cooldown`` epochs do not count. Rates stay at ``min_lr`` or above, a number or a list of one for each
    group, and a change of at most ``eps`` is not made. ValueError unless ``factor`` is below 1.

    >>> opt = optim.SGD([tn.ones(1, requires_grad=True)], lr=0.4)
    >>> schedule = optim.lr_scheduler.ReduceLROnPlateau(opt, factor=0.5, patience=0)
    >>> for loss in (1.0, 0.5, 0.7):
    ...     schedule.step(loss)
    >>> schedule.get_last_lr()
    [0.2]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        check_options(
            factor=(factor, factor < 1),
            mode=(mode, mode in ("min", "max")),
            threshold_mode=(threshold_mode, threshold_mode in ("rel", "abs")),
        )
        self.optimizer = of_kind(optimizer)
        self.factor, self.patience, self.cooldown, self.eps = factor, patience, cooldown, eps
        self.default_min_lr = None if isinstance(min_lr, list | tuple) else min_lr
        self.min_lrs = each("min_lr", optimizer, min_lr)
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode
        self.mode_worse = inf if mode == "min" else -inf
        self.last_epoch = 0
        self._last_lr = values(optimizer, "lr")
        self._reset()

    def _reset(self) -> None:
        self.best = self.mode_worse
        self.cooldown_counter = self.num_bad_epochs = 0

    def step(self, metrics: SupportsFloat, epoch: int | None = None) -> None:  # type: ignore[override]
        """Take the measure of an epoch, and set the rates."""
        current = float(metrics)
        if epoch is not None:
            warn_of_epoch()
        self.last_epoch = self.last_epoch + 1 if epoch is None else int_of(epoch, "epoch")
        if self._is_better(current, self.best):
            self.best, self.num_bad_epochs = current, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = values(self.optimizer, "lr")

    def _reduce(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise ValueError(f"min_lr has {len(self.min_lrs)} values, and the optimizer {len(groups)} groups now")
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, least in zip(groups, self.min_lrs, strict=True):
            old = float(group["lr"])
            new = max(old * self.factor, least)
            if old - new > self.eps:
                put(group, "lr", new)

    @property
    def in_cooldown(self) -> bool:
        """Whether a reduction was so recently that epochs do not count."""
        return self.cooldown_counter > 0

    def _is_better(self, now: float, best: float) -> bool:
        margin = self.threshold if self.threshold_mode == "abs" else 0.0
        part = self.threshold if self.threshold_mode == "rel" else 0.0
        return now < best * (1 - part) - margin if self.mode == "min" else now > best * (1 + part) + margin

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where a schedule was saved."""
        super().load_state_dict(state_dict)
        self.mode_worse = inf if self.mode == "min" else -inf
