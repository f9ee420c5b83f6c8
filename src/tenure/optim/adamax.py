"""Adamax."""

from __future__ import annotations

from typing import Any

from tenure.ops import pointwise
from tenure.optim.formula import Formula, Numbers
from tenure.optim.options import Group, Params, Rate
from tenure.optim.rule import Options, Rule, turned


def _adamax(
    p: Any, g: Any, kept: list[Any], numbers: list[Any], *, decay: bool, maximize: bool
) -> tuple[Any, list[Any]]:
    rate, eps, beta1, rest1, beta2, shrink = numbers
    g = turned(p, g, shrink, decay=decay, maximize=maximize)
    mean = beta1 * kept[0] + rest1 * g
    largest = pointwise.maximum(beta2 * kept[1], pointwise.absolute(g) + eps)
    return p - rate * (mean / largest), [mean, largest]


class Adamax(Formula):
    """Adamax: p ← p - lr · m̂ / u, with a running mean m of the gradient and a running largest magnitude u.

    That is u ← max(β₂ · u, |g| + eps), and m̂ is m / (1 - β₁ᵗ), t the number of steps.
    ``weight_decay`` adds weight_decay · p to the gradient; ``maximize`` goes up. State: ``step``, ``exp_avg``,
    ``exp_inf``. Source: Kingma, Ba, ICLR 2015.

    >>> w = tn.tensor([1.0], requires_grad=True)
    >>> opt = optim.Adamax([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w
    tensor([0.9000], requires_grad=True)
    """

    rule = Rule("adamax", _adamax)

    def __init__(
        self,
        params: Params,
        lr: Rate = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        super().__init__(params, locals())

    def _kept(self, group: Group) -> tuple[str, ...]:
        return ("exp_avg", "exp_inf")

    def _numbers(self, group: Group, *at: Any) -> Numbers:
        beta1, beta2 = group["betas"]
        return group["lr"] / (1 - beta1 ** at[0]), group["eps"], beta1, 1 - beta1, beta2, group["weight_decay"]

    def _options(self, group: Group, *at: Any) -> Options:
        return ("decay", bool(group["weight_decay"])), ("maximize", bool(group["maximize"]))
