"""Averages of a model's parameters over a training: stochastic weight averaging, exponential moving averages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from itertools import chain
from math import cos, pi
from typing import Any, Literal

from tenure.errors import shown
from tenure.nn.module import Module
from tenure.nn.normalize import Normalization, _InstanceNorm
from tenure.optim.lr_scheduler.scheduler import LRScheduler, Rates, each, of_kind
from tenure.optim.optimizer import Optimizer
from tenure.optim.options import check_options
from tenure.optim.rule import Rule
from tenure.values.operations.creation import check_device, tensor
from tenure.values.places.var import Var
from tenure.values.rules.guard import own_lock
from tenure.values.rules.modes import no_grad
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import checked_first

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

Count = Tensor | int
Average = Callable[[Tensor, Tensor, Count], Tensor]
"""The new average, of the average so far, a parameter, and the number of models in the average."""
Averages = Callable[[list[Var], list[Tensor], Count], None]
"""The same for lists, the first of which is written."""

AVERAGING = own_lock()
"""Held while a model goes into an average, which its number weighs."""
TOWARDS = Rule("average", lambda p, g, kept, numbers: (p + numbers[0] * (g - p), kept))


def _move(averages: Sequence[Var], currents: Sequence[Tensor], weight: float) -> None:
    """Write averages, each moved by a part of the way: all of one kind of numbers in one recorded step."""
    pairs = list(zip(averages, currents, strict=True))
    exact = [(a, x) for a, x in pairs if a.dtype.has_gradient]
    if exact:
        TOWARDS([a for a, _ in exact], [x.detach() for _, x in exact], (), (weight,), ())
    for a, x in pairs:
        if not a.dtype.has_gradient:
            a.copy_((a + (x - a) * weight).to(a.dtype))


@checked_first
def get_ema_multi_avg_fn(decay: float = 0.999) -> Averages:
    """A ``multi_avg_fn`` for exponential moving averages: a ← decay · a + (1 - decay) · p, all in one recorded step.

    ValueError unless ``decay`` is within 0 and 1.

    >>> average = optim.swa_utils.get_ema_multi_avg_fn(0.75)
    >>> a = tn.zeros(2).mut()
    >>> average([a], [tn.ones(2)], 1)
    >>> a
    tensor([0.2500, 0.2500])
    """
    check_options(decay=(decay, 0 <= decay <= 1))

    @checked_first
    def average(averages: list[Var], currents: list[Tensor], count: Count) -> None:
        no_grad().apply(_move, averages, currents, 1 - decay)

    return average


@checked_first
def get_swa_multi_avg_fn() -> Averages:
    """A ``multi_avg_fn`` for the mean of all models: a ← a + (p - a) / (count + 1), all in one recorded step.

    >>> average = optim.swa_utils.get_swa_multi_avg_fn()
    >>> a = tn.zeros(2).mut()
    >>> average([a], [tn.ones(2)], 1)
    >>> a
    tensor([0.5000, 0.5000])
    """

    @checked_first
    def average(averages: list[Var], currents: list[Tensor], count: Count) -> None:
        no_grad().apply(_move, averages, currents, 1 / (float(count) + 1))

    return average


@checked_first
def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """An ``avg_fn`` for exponential moving averages: decay · a + (1 - decay) · p.

    ValueError unless ``decay`` is within 0 and 1.

    >>> optim.swa_utils.get_ema_avg_fn(0.75)(tn.zeros(2), tn.ones(2), 1)
    tensor([0.2500, 0.2500])
    """
    check_options(decay=(decay, 0 <= decay <= 1))

    @checked_first
    @no_grad()
    def average(averaged: Tensor, current: Tensor, count: Count) -> Tensor:
        return decay * averaged + (1 - decay) * current

    return average


@checked_first
def get_swa_avg_fn() -> Average:
    """An ``avg_fn`` for the mean of all models: a + (p - a) / (count + 1).

    >>> optim.swa_utils.get_swa_avg_fn()(tn.zeros(2), tn.ones(2), 1)
    tensor([0.5000, 0.5000])
    """

    @checked_first
    @no_grad()
    def average(averaged: Tensor, current: Tensor, count: Count) -> Tensor:
        return averaged + (current - averaged) / (count + 1)

    return average


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of those that the model has had.

    ``update_parameters(model)`` takes the parameters of this moment into the average: the mean of all (the default),
    or what ``avg_fn(average, parameter, count)`` returns, or ``multi_avg_fn(averages, parameters, count)`` writes. The
    first call copies. With ``use_buffers`` buffers are averaged too, else they are copied. Owns ``module``, the copy,
    and the buffer ``n_averaged``, their number. ValueError for both functions at once.
    Source: Izmailov et al., UAI 2018.

    >>> model = nn.Linear(1, 1, bias=False)
    >>> average = optim.swa_utils.AveragedModel(model)
    >>> for weight in (1.0, 2.0, 6.0):
    ...     model.weight.data.fill_(weight) and average.update_parameters(model)
    >>> average(tn.ones(1, 1)).item()
    3.0
    """

    n_averaged: Var

    def __init__(
        self,
        model: Module,
        device: str | None = None,
        avg_fn: Average | None = None,
        multi_avg_fn: Averages | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        check_device(device)
        if avg_fn is not None and multi_avg_fn is not None:
            raise ValueError("AveragedModel takes avg_fn or multi_avg_fn, not both")
        for name, function in (("avg_fn", avg_fn), ("multi_avg_fn", multi_avg_fn)):
            if function is not None and not callable(function):
                raise TypeError(f"AveragedModel: {name} is a function, not {shown(function)}")
        self.module = deepcopy(model)
        self.register_buffer("n_averaged", tensor(0))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The result of the averaged model."""
        return self.module(*args, **kwargs)

    @checked_first
    @no_grad()
    def update_parameters(self, model: Module) -> None:
        """Take the parameters of a model into the averages; threads do so one after the other."""
        with AVERAGING:
            self._update(model)

    def _update(self, model: Module) -> None:
        count = self.n_averaged.detach()
        pairs = list(zip(_kept(self.module, self.use_buffers), _kept(model, self.use_buffers), strict=True))
        if count.item() == 0:
            _copy(pairs)
        elif self.avg_fn is not None:
            for average, current in pairs:
                average.copy_(self.avg_fn(average.detach(), current.detach(), count).to(average.dtype))
        else:
            together: dict[Any, list[tuple[Var, Var]]] = {}
            for pair in pairs:
                together.setdefault(pair[0].dtype, []).append(pair)
            write = self.multi_avg_fn or get_swa_multi_avg_fn()
            for alike in together.values():
                write([average for average, _ in alike], [current.detach() for _, current in alike], count)
        if not self.use_buffers:
            _copy(list(zip(self.module.buffers(), model.buffers(), strict=True)))
        self.n_averaged.add_(1)


def _kept(model: Module, buffers: bool) -> Iterable[Var]:
    """Parameters, and buffers if these are averaged too."""
    return chain(model.parameters(), model.buffers()) if buffers else model.parameters()


def _copy(pairs: Sequence[tuple[Var, Var]]) -> None:
    for average, current in pairs:
        average.copy_(current.detach().to(average.dtype))


@checked_first
@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: str | None = None) -> None:
    """Compute the running statistics of a model's batch normalization anew, from one pass over data.

    ``loader`` gives batches, or lists and tuples whose first element is one. The model is in training mode meanwhile,
    and its modules have their ``momentum`` again afterwards.

    >>> model = nn.BatchNorm1d(1)
    >>> optim.swa_utils.update_bn([tn.tensor([[1.0], [3.0]])], model)
    >>> model.running_mean
    tensor([2.])
    """
    check_device(device)
    found = [m for m in model.modules() if isinstance(m, Normalization) and not isinstance(m, _InstanceNorm)]
    if not found:
        return
    momenta, training = [m.momentum for m in found], model.training
    try:
        model.train()
        for module in found:
            module.reset_running_stats()
            module.momentum = None
        for batch in loader:
            model(batch[0] if isinstance(batch, list | tuple) else batch)
    finally:
        for module, momentum in zip(found, momenta, strict=True):
            module.momentum = momentum
        model.train(training)


class SWALR(LRScheduler):
    """Rates that go from what they are to ``swa_lr`` in ``anneal_epochs`` epochs, and stay there.

    ``swa_lr`` is a number, or a list of one for each group; ``anneal_strategy`` is "cos" or "linear".

    >>> opt = optim.SGD([tn.ones(1, requires_grad=True)], lr=0.4)
    >>> schedule = optim.swa_utils.SWALR(opt, swa_lr=0.2, anneal_epochs=1)
    >>> opt.step()
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.2]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        last_epoch: int = -1,
    ) -> None:
        check_options(
            anneal_epochs=(anneal_epochs, anneal_epochs >= 0),
            anneal_strategy=(anneal_strategy, anneal_strategy in ("cos", "linear")),
        )
        for group, rate in zip(of_kind(optimizer).param_groups, each("swa_lr", optimizer, swa_lr), strict=True):
            group["swa_lr"] = rate
        self._anneal_strategy, self.anneal_epochs = anneal_strategy, anneal_epochs
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        self._warn_outside()
        step = self._step_count - 1 if self.anneal_epochs else max(1, self._step_count - 1)
        before, now = self._part(step - 1), self._part(step)
        groups = self.optimizer.param_groups
        starts = [g["swa_lr"] if before == 1 else (g["lr"] - before * g["swa_lr"]) / (1 - before) for g in groups]
        return [g["swa_lr"] * now + lr * (1 - now) for g, lr in zip(groups, starts, strict=True)]

    def _part(self, step: int) -> float:
        """The part of the way that lies behind a step."""
        t = max(0, min(1, step / max(1, self.anneal_epochs)))
        return (1 - cos(pi * t)) / 2 if self._anneal_strategy == "cos" else t
