"""Adam and its form with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

from tenure.ops import pointwise
from tenure.optim.formula import Formula, Numbers
from tenure.optim.options import Group, Params, Rate, given
from tenure.optim.rule import Options, Rule, turned


def _adam(
    p: Any,
    g: Any,
    kept: list[Any],
    numbers: list[Any],
    *,
    decay: bool,
    decoupled: bool,
    maximize: bool,
    largest: bool,
) -> tuple[Any, list[Any]]:
    """The new value of a parameter and of its means."""
    rate, root, eps, beta1, rest1, beta2, rest2, shrink = numbers
    p = p * shrink if decay and decoupled else p
    g = turned(p, g, shrink, decay=decay and not decoupled, maximize=maximize)
    mean = beta1 * kept[0] + rest1 * g
    new = [mean, beta2 * kept[1] + rest2 * (g * g)]
    if largest:
        new.append(pointwise.maximum(kept[2], new[1]))
    return p - rate * (mean / (pointwise.sqrt(new[-1]) * root + eps)), new


class Adam(Formula):
    """Adam: p ← p - lr · m̂ / (√v̂ + eps), with running means m of the gradient and v of its square.

    m̂ and v̂ are m and v divided by 1 - βᵗ, t the number of steps. ``weight_decay`` adds weight_decay · p to
    the gradient, or with ``decoupled_weight_decay`` makes p smaller; ``amsgrad`` takes the largest v so far;
    ``maximize`` goes up. State: ``step``, ``exp_avg``, ``exp_avg_sq``, ``max_exp_avg_sq``.
    Source: Kingma, Ba, ICLR 2015; Reddi, Kale, Kumar, ICLR 2018.

    >>> w = tn.tensor([1.0], requires_grad=True)
    >>> opt = optim.Adam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w
    tensor([0.9000], requires_grad=True)
    """

    rule = Rule("adam", _adam)

    def __init__(
        self,
        params: Params,
        lr: Rate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(params, locals())

    def _kept(self, group: Group) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if group["amsgrad"] else ("exp_avg", "exp_avg_sq")

    def _numbers(self, group: Group, *at: Any) -> Numbers:
        lr, decay, (beta1, beta2) = group["lr"], group["weight_decay"], group["betas"]
        shrink = 1 - lr * decay if group["decoupled_weight_decay"] else decay
        rate, root = lr / (1 - beta1 ** at[0]), 1 / sqrt(1 - beta2 ** at[0])
        return rate, root, group["eps"], beta1, 1 - beta1, beta2, 1 - beta2, shrink

    def _options(self, group: Group, *at: Any) -> Options:
        return (
            ("decay", bool(group["weight_decay"])),
            ("decoupled", bool(group["decoupled_weight_decay"])),
            ("maximize", bool(group["maximize"])),
            ("largest", bool(group["amsgrad"])),
        )


class AdamW(Adam):
    """Adam with decoupled weight decay: p ← (1 - lr · weight_decay) · p before the update.

    Source: Loshchilov, Hutter, ICLR 2019.

    >>> w = tn.tensor([1.0], requires_grad=True)
    >>> opt = optim.AdamW([w], lr=0.1, weight_decay=0.0)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w
    tensor([0.9000], requires_grad=True)
    """

    def __init__(
        self,
        params: Params,
        lr: Rate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(params, decoupled_weight_decay=True, **given(locals()))

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over state and options, also those of ``Adam``: the decay stays decoupled."""
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
