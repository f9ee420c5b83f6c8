"""Adam and its form with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import Any

from tenure.optim.optimizer import Group, Optimizer, check_options
from tenure.values.creation import zeros_like
from tenure.values.var import Var


class Adam(Optimizer):
    """p ← p - lr · m̂ / (√v̂ + eps), with running means m of the gradient and v of its square.

    m̂ and v̂ are m and v divided by 1 - βᵗ, t the number of steps. ``weight_decay`` adds weight_decay · p to
    the gradient; ``maximize`` goes up. State: ``step``, ``exp_avg``, ``exp_avg_sq``.
    Source: Kingma, Ba, ICLR 2015.
    """

    decoupled = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        check_options(
            lr=(lr, lr >= 0),
            eps=(eps, eps >= 0),
            betas=(betas, len(betas) == 2 and all(0 <= b < 1 for b in betas)),
            weight_decay=(weight_decay, weight_decay >= 0),
        )
        super().__init__(
            params,
            {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize},
        )

    def update(self, p: Any, grad: Any, state: Group, group: Group) -> None:
        """Write one parameter."""
        lr, decay, (beta1, beta2) = group["lr"], group["weight_decay"], group["betas"]
        if not state:
            state.update(step=0, exp_avg=Var(zeros_like(p)), exp_avg_sq=Var(zeros_like(p)))
        if group["maximize"]:
            grad = -grad
        if decay and self.decoupled:
            p *= 1 - lr * decay
        elif decay:
            grad = grad + decay * p
        state["step"] += 1
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        mean.copy_(beta1 * mean + (1 - beta1) * grad)
        square.copy_(beta2 * square + (1 - beta2) * (grad * grad))
        scale = 1 - beta1 ** state["step"]
        root = 1 / sqrt(1 - beta2 ** state["step"])
        p -= (lr / scale) * (mean / (square.sqrt() * root + group["eps"]))


class AdamW(Adam):
    """Adam with decoupled weight decay: p ← (1 - lr · weight_decay) · p before the update.

    Source: Loshchilov, Hutter, ICLR 2019.
    """

    decoupled = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, maximize=maximize)
