"""``torch.optim.swa_utils``: averages of a model's parameters."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

from tenure.optim.swa_utils import SWALR
from tenure.torch.cells import Tensor, wrap
from tenure.torch.cells.turns import TURN
from tenure.torch.nn.mirror import named
from tenure.torch.nn.module import Module
from tenure.values.operations.creation import tensor
from tenure.values.rules.modes import no_grad

__all__ = [
    "SWALR", "AveragedModel", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn",
    "update_bn",
]  # fmt: skip


def _many(one: Callable[[Any, Any, Any], Any]) -> Callable[[Any, Any, Any], None]:
    """Function that writes a list of averages, each by the formula of one."""

    @no_grad()
    def average(averages: Any, currents: Any, count: Any) -> None:
        for a, x in zip(averages, currents, strict=True):
            a.copy_(one(a, x, count))

    return average


def get_ema_avg_fn(decay: float = 0.999) -> Callable[[Any, Any, Any], Any]:
    """The formula of exponential moving averages: decay · a + (1 - decay) · p."""
    if decay < 0.0 or decay > 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")
    return no_grad()(lambda averaged, current, count: decay * averaged + (1 - decay) * current)


def get_swa_avg_fn() -> Callable[[Any, Any, Any], Any]:
    """The formula of the mean of all models: a + (p - a) / (count + 1)."""
    return no_grad()(lambda averaged, current, count: averaged + (current - averaged) / (count + 1))


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[[Any, Any, Any], None]:
    """The same as ``get_ema_avg_fn`` for lists."""
    return _many(get_ema_avg_fn(decay))


def get_swa_multi_avg_fn() -> Callable[[Any, Any, Any], None]:
    """The same as ``get_swa_avg_fn`` for lists."""
    return _many(get_swa_avg_fn())


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of those that the model has had."""

    __module__ = "torch.optim.swa_utils"
    n_averaged: Any

    def __init__(
        self, model: Any, device: Any = None, avg_fn: Any = None, multi_avg_fn: Any = None, use_buffers: bool = False
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", wrap(tensor(0)))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The result of the averaged model."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Any) -> None:
        """Take the parameters of this moment into the average."""
        with TURN:
            no_grad().apply(self._update, model)

    def _update(self, model: Any) -> None:
        def places(m: Any) -> list[Tensor]:
            return list(itertools.chain(m.parameters(), m.buffers()) if self.use_buffers else m.parameters())

        mine, theirs = places(self.module), places(model)
        if self.n_averaged == 0:
            for a, p in zip(mine, theirs, strict=True):
                a.copy_(p)
        elif self.multi_avg_fn is not None:
            self.multi_avg_fn(mine, theirs, self.n_averaged.clone())
        else:
            formula = self.avg_fn or get_swa_avg_fn()
            for a, p in zip(mine, theirs, strict=True):
                a.copy_(formula(a, p, self.n_averaged.clone()))
        if not self.use_buffers:
            for a, b in zip(self.module.buffers(), model.buffers(), strict=True):
                a.copy_(b)
        self.n_averaged += 1


@no_grad()
def update_bn(loader: Iterable[Any], model: Any, device: Any = None) -> None:
    """Compute the statistics of batch normalization anew, from the batches of a loader."""
    norm: Any = named("_BatchNorm")
    momenta = {}
    for module in model.modules():
        if isinstance(module, norm):
            module.reset_running_stats()
            momenta[module] = module.momentum
    if not momenta:
        return
    training = model.training
    model.train()
    for module in momenta:
        module.momentum = None
    for given in loader:
        batch = given[0] if isinstance(given, list | tuple) else given
        model(batch if device is None else batch.to(device))
    for module, momentum in momenta.items():
        module.momentum = momentum
    model.train(training)
