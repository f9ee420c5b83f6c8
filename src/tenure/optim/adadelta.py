"""Adadelta."""

from __future__ import annotations

from typing import Any

from tenure.ops import pointwise
from tenure.optim.formula import Formula, Numbers
from tenure.optim.options import Group, Params, Rate
from tenure.optim.rule import Options, Rule, turned


def _adadelta(
    p: Any, g: Any, kept: list[Any], numbers: list[Any], *, decay: bool, maximize: bool
) -> tuple[Any, list[Any]]:
    rate, rho, rest, eps, shrink = numbers
    g = turned(p, g, shrink, decay=decay, maximize=maximize)
    square = rho * kept[0] + rest * (g * g)
    move = pointwise.sqrt(kept[1] + eps) / pointwise.sqrt(square + eps) * g
    return p - rate * move, [square, rho * kept[1] + rest * (move * move)]


class Adadelta(Formula):
    """Adadelta: p ← p - lr · d, where d = g · √(u + eps) / √(v + eps) has the units of p.

    v and u are running means of the squares of g and of d, each v ← rho · v + (1 - rho) · g².
    ``weight_decay`` adds weight_decay · p to the gradient; ``maximize`` goes up. State: ``step``,
    ``square_avg``, ``acc_delta``. Source: Zeiler, 2012, arXiv:1212.5701.

    >>> w = tn.tensor([1.0], requires_grad=True)
    >>> opt = optim.Adadelta([w], lr=10.0)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w
    tensor([0.9684], requires_grad=True)
    """

    rule = Rule("adadelta", _adadelta)
    timed = False

    def __init__(
        self,
        params: Params,
        lr: Rate = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(params, locals())

    def _kept(self, group: Group) -> tuple[str, ...]:
        return ("square_avg", "acc_delta")

    def _numbers(self, group: Group, *at: Any) -> Numbers:
        return group["lr"], group["rho"], 1 - group["rho"], group["eps"], group["weight_decay"]

    def _options(self, group: Group, *at: Any) -> Options:
        return ("decay", bool(group["weight_decay"])), ("maximize", bool(group["maximize"]))
