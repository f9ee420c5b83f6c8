"""RMSprop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tenure.ops import pointwise
from tenure.optim.optimizer import Group, Optimizer, check_options
from tenure.optim.rule import Rule
from tenure.values.operations.factories import zeros_like
from tenure.values.places.var import Var

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor


class RMSprop(Optimizer):
    """RMSprop: p ← p - lr · g / (√v + eps), with a running mean v of the squared gradient.

    That is v ← alpha · v + (1 - alpha) · g².
    ``centered`` takes the square of a running mean of g from v; ``momentum`` sums the steps up, b ← momentum ·
    b + step; ``weight_decay`` adds weight_decay · p to the gradient; ``maximize`` goes up. State: ``step``,
    ``square_avg``, ``grad_avg``, ``momentum_buffer``. Source: Tieleman, Hinton, Coursera 2012.

    >>> w = tn.tensor([1.0], requires_grad=True)
    >>> opt = optim.RMSprop([w], lr=0.01)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w
    tensor([0.9000], requires_grad=True)
    """

    squares = True

    def __init__(
        self,
        params: Iterable[Var | Group],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        check_options(lr=(lr, lr >= 0), eps=(eps, eps >= 0), alpha=(alpha, alpha >= 0))
        check_options(momentum=(momentum, momentum >= 0), weight_decay=(weight_decay, weight_decay >= 0))
        super().__init__(
            params,
            {
                "lr": lr,
                "alpha": alpha,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "centered": centered,
                "maximize": maximize,
            },
        )

    def update_all(self, ps: list[Var], grads: list[Tensor], states: list[Group], group: Group) -> None:
        """Write parameters together."""
        alpha, momentum, centered = group["alpha"], group["momentum"], bool(group["centered"])
        names = ["square_avg", *["grad_avg"] * centered, *["momentum_buffer"] * (momentum > 0)]
        for p, state in zip(ps, states, strict=True):
            for name in names:
                if name not in state:
                    state[name] = Var(zeros_like(p))
        numbers = (group["lr"], alpha, 1 - alpha, group["eps"], group["weight_decay"], momentum)
        options = (
            ("centered", centered),
            ("decay", bool(group["weight_decay"])),
            ("maximize", bool(group["maximize"])),
        )
        also = [(state.__setitem__, "step", state.get("step", 0) + 1) for state in states]
        RULE(ps, grads, [[state[name] for state in states] for name in names], numbers, options, also)


def _rmsprop(
    p: Any, g: Any, kept: list[Any], numbers: list[Any], *, centered: bool, decay: bool, maximize: bool
) -> tuple[Any, list[Any]]:
    """The new value of a parameter and of the means kept for it."""
    rate, alpha, rest, eps, shrink, momentum = numbers
    g = -g if maximize else g
    g = g + shrink * p if decay else g
    new = [alpha * kept[0] + rest * (g * g)]
    spread = new[0]
    if centered:
        new.append(alpha * kept[1] + rest * g)
        spread = spread - new[1] * new[1]
    move = g / (pointwise.sqrt(spread) + eps)
    if len(kept) > len(new):
        move = momentum * kept[-1] + move
        new.append(move)
    return p - rate * move, new


RULE = Rule("rmsprop", _rmsprop)
