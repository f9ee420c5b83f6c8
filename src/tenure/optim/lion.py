"""Lion: the sign of a running mean."""

from __future__ import annotations

from typing import Any

from tenure.ops import pointwise
from tenure.optim.formula import Formula, Numbers
from tenure.optim.options import Group, Params, Rate
from tenure.optim.rule import Options, Rule


def _lion(p: Any, g: Any, kept: list[Any], numbers: list[Any], *, decay: bool, maximize: bool) -> tuple[Any, list[Any]]:
    rate, beta1, rest1, beta2, rest2, shrink = numbers
    g = -g if maximize else g
    p = p * shrink if decay else p
    return p - rate * pointwise.sign(beta1 * kept[0] + rest1 * g), [beta2 * kept[0] + rest2 * g]


class Lion(Formula):
    """Lion: p ← p - lr · sign(β₁ · m + (1 - β₁) · g), with the running mean m ← β₂ · m + (1 - β₂) · g.

    ``weight_decay`` makes p smaller first, p ← (1 - lr · weight_decay) · p; ``maximize`` goes up. A step has one size
    in every element, so the rate is smaller than Adam's. State: ``exp_avg``. Source: Chen et al., NeurIPS 2023.

    >>> w = tn.tensor([1.0], requires_grad=True)
    >>> opt = optim.Lion([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w
    tensor([0.9000], requires_grad=True)
    """

    rule = Rule("lion", _lion)
    counts = ()
    timed = False

    def __init__(
        self,
        params: Params,
        lr: Rate = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, locals())

    def _kept(self, group: Group) -> tuple[str, ...]:
        return ("exp_avg",)

    def _numbers(self, group: Group, *at: Any) -> Numbers:
        beta1, beta2 = group["betas"]
        return group["lr"], beta1, 1 - beta1, beta2, 1 - beta2, 1 - group["lr"] * group["weight_decay"]

    def _options(self, group: Group, *at: Any) -> Options:
        return ("decay", bool(group["weight_decay"])), ("maximize", bool(group["maximize"]))
