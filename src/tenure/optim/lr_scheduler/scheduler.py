"""Base of schedules of the learning rate, and how they read and write the groups of an optimizer."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Real
from types import FunctionType
from typing import Any

from tenure.errors import DTypeError, shown
from tenure.optim.optimizer import Optimizer
from tenure.optim.options import Group, Rate
from tenure.report.frames import is_own
from tenure.values.operations.factories import full_like
from tenure.values.places.var import Var
from tenure.values.rules.modes import no_grad
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import check_methods

Rates = list[Rate]
"""A number for each group; a tensor where that of the group is one."""


class LRScheduler:
    """The base of schedules: they set the learning rate of each group anew at ``step()``.

    A subclass defines ``get_lr``, which gives the rates of epoch ``last_epoch``. Call ``step()`` after
    ``optimizer.step()``; a new rate compiles nothing. ``last_epoch`` is -1 to begin; to go on elsewhere, the groups
    have an "initial_lr" (KeyError without).

    >>> class Halving(optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [lr * 0.5**self.last_epoch for lr in self.base_lrs]
    >>> opt = optim.SGD([tn.ones(1, requires_grad=True)], lr=0.4)
    >>> schedule = Halving(opt)
    >>> opt.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.2]
    """

    _get_lr_called_within_step = False
    _is_initial = False

    optimizer: Optimizer
    base_lrs: Rates
    last_epoch: int

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_methods(cls, "__init__", "step", "load_state_dict")

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = of_kind(optimizer)
        for k, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", own(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param_groups[{k}] has no 'initial_lr', which a schedule that goes on at last_epoch={last_epoch}"
                    " needs: load the state of the optimizer first"
                )
        self.base_lrs = values(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        if "_scheduled_step" not in vars(optimizer):
            optimizer._scheduled_step = vars(optimizer).get("step")  # type: ignore[attr-defined]
            optimizer._opt_called = False
        self._initial_step()

    def _initial_step(self) -> None:
        """Set the rates of the first epoch."""
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def __repr__(self) -> str:
        epoch = f"epoch={self.last_epoch}, " if "last_epoch" in vars(self) else ""
        return f"{type(self).__name__}({epoch}lr={getattr(self, '_last_lr', None)})"

    def state_dict(self) -> Group:
        """Everything but the optimizer, by PyTorch's names."""
        return {key: x for key, x in vars(self).items() if key != "optimizer"}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where a schedule was saved."""
        vars(self).update(state_dict)

    def get_last_lr(self) -> Rates:
        """The rates set last, one for each group."""
        return self._last_lr

    def get_lr(self) -> Rates:
        """The rates of epoch ``last_epoch``, one for each group."""
        raise NotImplementedError(f"{type(self).__name__} does not define get_lr")

    def step(self, epoch: int | None = None) -> None:
        """Set the rates of the next epoch, or of ``epoch``.

        Warns, at the first call, where there was no ``optimizer.step()`` before, and of a given ``epoch``.
        """
        if self._step_count == 1:
            if vars(self.optimizer).get("step") is not vars(self.optimizer).get("_scheduled_step"):
                warn(
                    "Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization."
                    " Please, make sure to call `optimizer.step()` before `lr_scheduler.step()`."
                )
            elif not self.optimizer._opt_called:
                warn(
                    "Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first value of the"
                    " schedule is skipped. Call them in the opposite order."
                )
        self._step_count += 1
        if epoch is not None:
            warn_of_epoch()
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        with self._asking():
            self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
            closed = getattr(self, "_get_closed_form_lr", None)
            rates = self.get_lr() if epoch is None or closed is None else closed()
        self._put(rates)

    def _put(self, rates: Rates) -> None:
        """Set the rates."""
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            put(group, "lr", lr)
        self._last_lr = values(self.optimizer, "lr")

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Let ``get_lr`` be called without a warning."""
        self._get_lr_called_within_step = True
        try:
            yield
        finally:
            self._get_lr_called_within_step = False

    def _warn_outside(self) -> None:
        """Warn where a user calls ``get_lr``."""
        if not self._get_lr_called_within_step:
            warn("To get the last learning rate computed by the scheduler, please use `get_last_lr()`.")


check_methods(LRScheduler, "__init__", "step", "load_state_dict")


class _LRScheduler(LRScheduler):
    """PyTorch's older name of the base."""


def warn(text: str) -> None:
    """Warn at the user's line."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and is_own(frame):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, UserWarning, stacklevel=level)


def warn_of_epoch() -> None:
    """Warn of an epoch given to ``step``."""
    warn(
        "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible."
        " Please use `scheduler.step()` to step the scheduler."
    )


def of_kind(optimizer: Any) -> Optimizer:
    """An optimizer; TypeError for what is none."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer: a schedule sets the rates of an optimizer, not of {shown(optimizer)}")
    return optimizer


def own(x: Any) -> Any:
    """A number; of a tensor a copy, since a face writes the tensor in the group."""
    return x.detach().clone() if isinstance(x, Tensor) else x


def values(optimizer: Optimizer, key: str) -> Rates:
    """An option of each group."""
    return [own(group[key]) for group in optimizer.param_groups]


def put(group: Group, key: str, x: Any) -> None:
    """Set an option of a group: a place is written, a tensor followed by a tensor."""
    old = group[key]
    if isinstance(old, Var):
        no_grad().apply(old.fill_, float(x))
    elif isinstance(old, Tensor):
        group[key] = x.to(old.dtype).reshape(old.shape) if isinstance(x, Tensor) else full_like(old, x)
    else:
        group[key] = x


def each(name: str, optimizer: Optimizer, x: Any) -> list[Any]:
    """A number for each group: one for all, or a list; ValueError where the list does not fit."""
    for one in x if isinstance(x, list | tuple) else [x]:
        if not isinstance(one, Real | Tensor | Var):
            raise TypeError(f"{name} is a number, or a list of one for each group, not {shown(one)}")
    return spread(name, optimizer, x)


def spread(name: str, optimizer: Optimizer, x: Any) -> list[Any]:
    """An argument for each group: one thing for all, or a list; ValueError where the list does not fit."""
    count = len(optimizer.param_groups)
    if not isinstance(x, list | tuple):
        return [own(x)] * count
    if len(x) != count:
        raise ValueError(f"{name} has {len(x)} values, and the optimizer {count} groups")
    return [own(y) for y in x]


def functions(name: str, optimizer: Optimizer, x: Any) -> list[Callable[..., Any]]:
    """A function for each group; DTypeError for what is none."""
    found = spread(name, optimizer, x)
    for f in found:
        if not callable(f):
            raise DTypeError(f"{name} is a function, or a list of them, not {shown(f)}")
    return found


def saved_function(f: Any) -> dict[str, Any] | None:
    """The attributes of an object that is called; None for a function, which a state_dict does not keep."""
    return None if f is None or isinstance(f, FunctionType) else dict(vars(f))
