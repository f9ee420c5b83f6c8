"""NAdam: Adam with Nesterov momentum."""

from __future__ import annotations

from typing import Any

from tenure.ops import pointwise
from tenure.optim.formula import Formula, Numbers
from tenure.optim.options import Group, Params, Rate
from tenure.optim.rule import Options, Rule, turned
from tenure.values.places.var import Var


def _nadam(
    p: Any, g: Any, kept: list[Any], numbers: list[Any], *, decay: bool, decoupled: bool, maximize: bool
) -> tuple[Any, list[Any]]:
    here, ahead, whole, eps, beta1, rest1, beta2, rest2, shrink = numbers
    p = p * shrink if decay and decoupled else p
    g = turned(p, g, shrink, decay=decay and not decoupled, maximize=maximize)
    mean, square = beta1 * kept[0] + rest1 * g, beta2 * kept[1] + rest2 * (g * g)
    spread = pointwise.sqrt(square / whole) + eps
    return p - here * (g / spread) - ahead * (mean / spread), [mean, square]


class NAdam(Formula):
    """NAdam: Adam that looks one step ahead along its running mean of the gradient.

    The weight of that mean at step t is μₜ = β₁ · (1 - 0.96 ^ (t · momentum_decay) / 2).
    ``weight_decay`` adds weight_decay · p to the gradient, or with ``decoupled_weight_decay`` makes p smaller;
    ``maximize`` goes up. State: ``step``, ``mu_product``, ``exp_avg``, ``exp_avg_sq``. Source: Dozat, ICLR 2016.

    >>> w = tn.tensor([1.0], requires_grad=True)
    >>> opt = optim.NAdam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w
    tensor([0.8944], requires_grad=True)
    """

    rule = Rule("nadam", _nadam)
    counts = ("step", "mu_product")

    def __init__(
        self,
        params: Params,
        lr: Rate = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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

    def _begin(self, name: str, p: Var, group: Group) -> Any:
        return 1.0 if name == "mu_product" else super()._begin(name, p, group)

    def _numbers(self, group: Group, *at: Any) -> Numbers:
        (step, before), lr, decay, (beta1, beta2) = at, group["lr"], group["weight_decay"], group["betas"]
        mu, coming = _mu(group, step), _mu(group, step + 1)
        product = before * mu
        here, ahead = lr * ((1 - mu) / (1 - product)), lr * (coming / (1 - product * coming))
        shrink = 1 - lr * decay if group["decoupled_weight_decay"] else decay
        return here, ahead, 1 - beta2**step, group["eps"], beta1, 1 - beta1, beta2, 1 - beta2, shrink

    def _options(self, group: Group, *at: Any) -> Options:
        return (
            ("decay", bool(group["weight_decay"])),
            ("decoupled", bool(group["decoupled_weight_decay"])),
            ("maximize", bool(group["maximize"])),
        )

    def _after(self, group: Group, *at: Any) -> Group:
        return {"step": at[0], "mu_product": at[1] * _mu(group, at[0])}


def _mu(group: Group, step: int) -> float:
    """The weight of the running mean at a step."""
    return float(group["betas"][0] * (1 - 0.5 * 0.96 ** (step * group["momentum_decay"])))
