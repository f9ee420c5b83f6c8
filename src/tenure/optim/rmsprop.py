"""RMSprop."""

from __future__ import annotations

from typing import Any

from tenure.ops import pointwise
from tenure.optim.formula import Formula, Numbers
from tenure.optim.options import Group, Params, Rate
from tenure.optim.rule import Options, Rule, turned


def _rmsprop(
    p: Any, g: Any, kept: list[Any], numbers: list[Any], *, centered: bool, decay: bool, maximize: bool
) -> tuple[Any, list[Any]]:
    """The new value of a parameter and of the means kept for it."""
    rate, alpha, rest, eps, shrink, momentum = numbers
    g = turned(p, g, shrink, decay=decay, maximize=maximize)
    spread = square = alpha * kept[0] + rest * (g * g)
    means = []
    if centered:
        means = [alpha * kept[-1] + rest * g]
        spread = spread - means[0] * means[0]
    move = g / (pointwise.sqrt(spread) + eps)
    if len(kept) == 1 + len(means):
        return p - rate * move, [square, *means]
    move = momentum * kept[1] + move
    return p - rate * move, [square, move, *means]


class RMSprop(Formula):
    """RMSprop: p ← p - lr · g / (√v + eps), with a running mean v of the squared gradient.

    That is v ← alpha · v + (1 - alpha) · g².
    ``centered`` takes the square of a running mean of g from v; ``momentum`` sums the steps up, b ← momentum ·
    b + step; ``weight_decay`` adds weight_decay · p to the gradient; ``maximize`` goes up. State: ``step``,
    ``square_avg``, ``momentum_buffer``, ``grad_avg``. Source: Tieleman, Hinton, Coursera 2012.

    >>> w = tn.tensor([1.0], requires_grad=True)
    >>> opt = optim.RMSprop([w], lr=0.01)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w
    tensor([0.9000], requires_grad=True)
    """

    rule = Rule("rmsprop", _rmsprop)
    timed = False

    def __init__(
        self,
        params: Params,
        lr: Rate = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(params, locals())

    def _kept(self, group: Group) -> tuple[str, ...]:
        grad_avg, buffer = ["grad_avg"] * bool(group["centered"]), ["momentum_buffer"] * (group["momentum"] > 0)
        return ("square_avg", *buffer, *grad_avg)

    def _numbers(self, group: Group, *at: Any) -> Numbers:
        alpha = group["alpha"]
        return group["lr"], alpha, 1 - alpha, group["eps"], group["weight_decay"], group["momentum"]

    def _options(self, group: Group, *at: Any) -> Options:
        return (
            ("centered", bool(group["centered"])),
            ("decay", bool(group["weight_decay"])),
            ("maximize", bool(group["maximize"])),
        )
