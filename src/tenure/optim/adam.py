"""Adam and its form with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import TYPE_CHECKING, Any

from tenure.ops import pointwise
from tenure.optim.optimizer import Group, Optimizer, check_options
from tenure.optim.rule import Rule
from tenure.values.operations.factories import zeros_like
from tenure.values.places.var import Var

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor


class Adam(Optimizer):
    """Adam: p ← p - lr · m̂ / (√v̂ + eps), with running means m of the gradient and v of its square.

    m̂ and v̂ are m and v divided by 1 - βᵗ, t the number of steps. ``weight_decay`` adds weight_decay · p to
    the gradient; ``maximize`` goes up. State: ``step``, ``exp_avg``, ``exp_avg_sq``.
    Source: Kingma, Ba, ICLR 2015.

    >>> w = tn.tensor([1.0], requires_grad=True)
    >>> opt = optim.Adam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w
    tensor([0.9000], requires_grad=True)
    """

    decoupled = False

    squares = True

    def __init__(
        self,
        params: Iterable[Var | Group],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        check_options(
            lr=(lr, lr >= 0),
            eps=(eps, eps >= 0),
            betas=(betas, len(betas) == 2 and all(0 <= b < 1 for b in betas)),
            weight_decay=(weight_decay, weight_decay >= 0),
        )
        super().__init__(
            params,
            {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize},
        )

    def update_all(self, ps: list[Var], grads: list[Tensor], states: list[Group], group: Group) -> None:
        """Write parameters: those with as many steps behind them together."""
        by_step: dict[int, list[tuple[Any, ...]]] = {}
        for p, grad, state in zip(ps, grads, states, strict=True):
            if not state:
                state.update(step=0, exp_avg=Var(zeros_like(p)), exp_avg_sq=Var(zeros_like(p)))
            row = p, grad, state["exp_avg"], state["exp_avg_sq"], state.__setitem__
            by_step.setdefault(state["step"] + 1, []).append(row)
        lr, decay, (beta1, beta2) = group["lr"], group["weight_decay"], group["betas"]
        options = (("decay", bool(decay)), ("decoupled", self.decoupled), ("maximize", bool(group["maximize"])))
        shrink = (1 - lr * decay if self.decoupled else decay) if decay else 0.0
        for step, rows in by_step.items():
            rate, root = lr / (1 - beta1**step), 1 / sqrt(1 - beta2**step)
            numbers = (rate, root, group["eps"], beta1, 1 - beta1, beta2, 1 - beta2, shrink)
            places, given, *kept, count = zip(*rows, strict=True)
            RULE(places, given, kept, numbers, options, [(put, "step", step) for put in count])


def _adam(
    p: Any, g: Any, kept: list[Any], numbers: list[Any], *, decay: bool, decoupled: bool, maximize: bool
) -> tuple[Any, list[Any]]:
    """The new value of a parameter and of its two means."""
    rate, root, eps, beta1, rest1, beta2, rest2, shrink = numbers
    g = -g if maximize else g
    if decay and decoupled:
        p = p * shrink
    elif decay:
        g = g + shrink * p
    mean = beta1 * kept[0] + rest1 * g
    square = beta2 * kept[1] + rest2 * (g * g)
    return p - rate * (mean / (pointwise.sqrt(square) * root + eps)), [mean, square]


RULE = Rule("adam", _adam)


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

    decoupled = True

    def __init__(
        self,
        params: Iterable[Var | Group],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, maximize=maximize)
