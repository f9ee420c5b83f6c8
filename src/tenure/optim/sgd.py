"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tenure.optim.optimizer import Group, Optimizer, check_options
from tenure.values.var import Var


class SGD(Optimizer):
    """p ← p - lr · b, where b is the gradient, or its running sum b ← momentum · b + (1 - dampening) · g.

    ``weight_decay`` adds weight_decay · p to the gradient; ``nesterov`` looks one step ahead along b;
    ``maximize`` goes up. State: ``momentum_buffer``. Source: Sutskever et al., ICML 2013, in PyTorch's form.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        check_options(lr=(lr, lr >= 0), momentum=(momentum, momentum >= 0))
        check_options(weight_decay=(weight_decay, weight_decay >= 0))
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
            },
        )

    def update(self, p: Any, grad: Any, state: Group, group: Group) -> None:
        """Write one parameter."""
        momentum = group["momentum"]
        if group["maximize"]:
            grad = -grad
        if group["weight_decay"]:
            grad = grad + group["weight_decay"] * p
        if momentum:
            buffer = state.get("momentum_buffer")
            if buffer is None:
                buffer = state["momentum_buffer"] = Var(grad)
            else:
                buffer.copy_(momentum * buffer + (1 - group["dampening"]) * grad)
            grad = grad + momentum * buffer if group["nesterov"] else buffer
        p -= group["lr"] * grad
