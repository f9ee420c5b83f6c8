"""Adagrad."""

from __future__ import annotations

from typing import Any

from tenure.errors import GradientError
from tenure.ops import pointwise
from tenure.optim.formula import Formula, Numbers, filled
from tenure.optim.options import Group, Params, Rate
from tenure.optim.row_rule import RowRule
from tenure.optim.rule import Options, Rule, turned
from tenure.values.places.var import Var


def _adagrad(
    p: Any, g: Any, kept: list[Any], numbers: list[Any], *, decay: bool, maximize: bool
) -> tuple[Any, list[Any]]:
    rate, eps, shrink = numbers
    g = turned(p, g, shrink, decay=decay, maximize=maximize)
    total = kept[0] + g * g
    return p - rate * (g / (pointwise.sqrt(total) + eps)), [total]


def _by_rows(
    g: Any, kept: list[Any], numbers: list[Any], *, decay: bool, maximize: bool
) -> tuple[Any, list[Any]]:
    rate, eps, _ = numbers
    g = -g if maximize else g
    square = g * g
    return -rate * (g / (pointwise.sqrt(kept[0] + square) + eps)), [square]


class Adagrad(Formula):
    """Adagrad: p ← p - lr · g / (√s + eps), with the sum s of all squared gradients.

    At step t the rate is lr / (1 + (t - 1) · lr_decay). s begins with ``initial_accumulator_value``.
    ``weight_decay`` adds weight_decay · p to the gradient, and not to a sparse one, of which the rows that are listed
    are written alone; ``maximize`` goes up. State: ``step``, ``sum``.
    Source: Duchi, Hazan, Singer, JMLR 2011.

    >>> w = tn.tensor([1.0], requires_grad=True)
    >>> opt = optim.Adagrad([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w
    tensor([0.9000], requires_grad=True)
    """

    rule = Rule("adagrad", _adagrad)
    row_rule = RowRule("adagrad_rows", _by_rows)

    def __init__(
        self,
        params: Params,
        lr: Rate = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(params, locals())
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p].update(step=0, sum=self._begin("sum", p, group))

    def _refuse_rows(self, group: Group) -> None:
        if group["weight_decay"]:
            raise GradientError("Adagrad: weight_decay does not go with sparse gradients")

    def _kept(self, group: Group) -> tuple[str, ...]:
        return ("sum",)

    def _begin(self, name: str, p: Var, group: Group) -> Any:
        return 0 if name == "step" else filled(p, self.defaults["initial_accumulator_value"])

    def _numbers(self, group: Group, *at: Any) -> Numbers:
        return group["lr"] / (1 + (at[0] - 1) * group["lr_decay"]), group["eps"], group["weight_decay"]

    def _options(self, group: Group, *at: Any) -> Options:
        return ("decay", bool(group["weight_decay"])), ("maximize", bool(group["maximize"]))
