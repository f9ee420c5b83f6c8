"""Averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from tenure.optim.formula import Formula, Numbers
from tenure.optim.options import Group, Params, Rate, decays
from tenure.optim.rule import Options, Rule, turned
from tenure.values.places.var import Var


def _asgd(
    p: Any, g: Any, kept: list[Any], numbers: list[Any], *, decay: bool, maximize: bool, averages: bool
) -> tuple[Any, list[Any]]:
    eta, smaller, mu, shrink = numbers
    g = turned(p, g, shrink, decay=decay, maximize=maximize)
    p = p * smaller - eta * g
    return p, [kept[0] + mu * (p - kept[0]) if averages else p]


class ASGD(Formula):
    """Averaged stochastic gradient descent: p ← (1 - lambd · η) · p - η · g, and ``ax`` is the mean of p.

    At step t the rate is η = lr / (1 + lambd · lr · t) ^ alpha, and the mean is that since step ``t0``: before, it is
    p itself. ``weight_decay`` adds weight_decay · p to the gradient; ``maximize`` goes up. State: ``step``, ``eta``,
    ``mu``, ``ax``. Source: Polyak, Juditsky, SIAM J. Control Optim. 1992.

    >>> w = tn.tensor([1.0], requires_grad=True)
    >>> opt = optim.ASGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w
    tensor([0.8000], requires_grad=True)
    """

    rule = Rule("asgd", _asgd)
    counts = ("step", "eta", "mu")

    def __init__(
        self,
        params: Params,
        lr: Rate = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        super().__init__(params, locals())

    def _kept(self, group: Group) -> tuple[str, ...]:
        return ("ax",)

    def _begin(self, name: str, p: Var, group: Group) -> Any:
        start = {"eta": lambda: float(group["lr"]), "mu": lambda: 1.0}
        return start[name]() if name in start else super()._begin(name, p, group)

    def _numbers(self, group: Group, *at: Any) -> Numbers:
        _, eta, mu = at
        return eta, 1 - group["lambd"] * eta, mu, group["weight_decay"]

    def _options(self, group: Group, *at: Any) -> Options:
        return (
            ("decay", decays(group["weight_decay"])),
            ("maximize", bool(group["maximize"])),
            ("averages", at[2] != 1),
        )

    def _after(self, group: Group, *at: Any) -> Group:
        step, lr = at[0], float(group["lr"])
        eta = lr / (1 + group["lambd"] * lr * step) ** group["alpha"]
        return {"step": step, "eta": eta, "mu": 1 / max(1, step - group["t0"])}
