"""RAdam: Adam with a rectified spread."""

from __future__ import annotations

from math import sqrt
from typing import Any

from tenure.ops import pointwise
from tenure.optim.formula import Formula, Numbers
from tenure.optim.options import Group, Params, Rate
from tenure.optim.rule import Options, Rule, turned


def _radam(
    p: Any,
    g: Any,
    kept: list[Any],
    numbers: list[Any],
    *,
    decay: bool,
    decoupled: bool,
    maximize: bool,
    rectified: bool,
) -> tuple[Any, list[Any]]:
    rate, eps, beta1, rest1, beta2, rest2, shrink = numbers
    p = p * shrink if decay and decoupled else p
    g = turned(p, g, shrink, decay=decay and not decoupled, maximize=maximize)
    mean, square = beta1 * kept[0] + rest1 * g, beta2 * kept[1] + rest2 * (g * g)
    move = mean / (pointwise.sqrt(square) + eps) if rectified else mean
    return p - rate * move, [mean, square]


class RAdam(Formula):
    """RAdam: Adam that divides by the spread of the gradient only once its estimate has little variance.

    Its first steps follow the running mean of the gradient alone; later ones are scaled by the rectification
    √((ρₜ - 4)(ρₜ - 2)ρ / ((ρ - 4)(ρ - 2)ρₜ)), with ρ = 2 / (1 - β₂) - 1 and ρₜ = ρ - 2tβ₂ᵗ / (1 - β₂ᵗ).
    ``weight_decay`` adds weight_decay · p to the gradient, or with ``decoupled_weight_decay`` makes p smaller;
    ``maximize`` goes up. State: ``step``, ``exp_avg``, ``exp_avg_sq``. Source: Liu et al., ICLR 2020.

    >>> w = tn.tensor([1.0], requires_grad=True)
    >>> opt = optim.RAdam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w
    tensor([0.8000], requires_grad=True)
    """

    rule = Rule("radam", _radam)

    def __init__(
        self,
        params: Params,
        lr: Rate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(params, locals())

    def _kept(self, group: Group) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq")

    def _numbers(self, group: Group, *at: Any) -> Numbers:
        lr, decay, (beta1, beta2) = group["lr"], group["weight_decay"], group["betas"]
        rate, length, limit = lr / (1 - beta1 ** at[0]), _length(beta2, at[0]), 2 / (1 - beta2) - 1
        if length > 5:
            ratio = (length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)
            rate = rate * sqrt(ratio * (1 - beta2 ** at[0]))
        shrink = 1 - lr * decay if group["decoupled_weight_decay"] else decay
        return rate, group["eps"], beta1, 1 - beta1, beta2, 1 - beta2, shrink

    def _options(self, group: Group, *at: Any) -> Options:
        return (
            ("decay", bool(group["weight_decay"])),
            ("decoupled", bool(group["decoupled_weight_decay"])),
            ("maximize", bool(group["maximize"])),
            ("rectified", _length(group["betas"][1], at[0]) > 5),
        )


def _length(beta2: float, step: int) -> float:
    """ρₜ, the length of the average that the estimate of the spread amounts to at a step."""
    return float(2 / (1 - beta2) - 1 - 2 * step * beta2**step / (1 - beta2**step))
