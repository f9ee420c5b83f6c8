"""RMSprop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tenure.optim.optimizer import Group, Optimizer, check_options
from tenure.values.creation import zeros_like
from tenure.values.var import Var


class RMSprop(Optimizer):
    """p ← p - lr · g / (√v + eps), with a running mean v ← alpha · v + (1 - alpha) · g² of the squared gradient.

    ``centered`` takes the square of a running mean of g from v; ``momentum`` sums the steps up, b ← momentum ·
    b + step; ``weight_decay`` adds weight_decay · p to the gradient; ``maximize`` goes up. State: ``step``,
    ``square_avg``, ``grad_avg``, ``momentum_buffer``. Source: Tieleman, Hinton, Coursera 2012.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        check_options(lr=(lr, lr >= 0), eps=(eps, eps >= 0), alpha=(alpha, alpha >= 0))
        check_options(momentum=(momentum, momentum >= 0), weight_decay=(weight_decay, weight_decay >= 0))
        super().__init__(
            params,
            {
                "lr": lr,
                "alpha": alpha,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "centered": centered,
                "maximize": maximize,
            },
        )

    def update(self, p: Any, grad: Any, state: Group, group: Group) -> None:
        """Write one parameter."""
        alpha, momentum = group["alpha"], group["momentum"]
        kept = ["square_avg", *["grad_avg"] * group["centered"], *["momentum_buffer"] * (momentum > 0)]
        for name in kept:
            if name not in state:
                state[name] = Var(zeros_like(p))
        state["step"] = state.get("step", 0) + 1
        if group["maximize"]:
            grad = -grad
        if group["weight_decay"]:
            grad = grad + group["weight_decay"] * p
        square = state["square_avg"]
        square.copy_(alpha * square + (1 - alpha) * (grad * grad))
        spread = square.value
        if group["centered"]:
            mean = state["grad_avg"]
            mean.copy_(alpha * mean + (1 - alpha) * grad)
            spread = spread - mean * mean
        move = grad / (spread.sqrt() + group["eps"])
        if momentum:
            buffer = state["momentum_buffer"]
            buffer.copy_(momentum * buffer + move)
            move = buffer
        p -= group["lr"] * move
