"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from tenure.optim.formula import Formula
from tenure.optim.options import Group, Params, Rate, decays
from tenure.optim.rule import Rule, turned
from tenure.values.places.var import Var
from tenure.values.tensor.tensor import Tensor


def _sgd(
    p: Any, g: Any, kept: list[Any], numbers: list[Any], *, begun: bool, decay: bool, maximize: bool, nesterov: bool
) -> tuple[Any, list[Any]]:
    """The new value of a parameter and of its running sum, if there is one."""
    rate, shrink, momentum, rest = numbers
    g = turned(p, g, shrink, decay=decay, maximize=maximize)
    kept = [momentum * b + rest * g if begun else g for b in kept]
    for b in kept:
        g = g + momentum * b if nesterov else b
    return p - rate * g, kept


class SGD(Formula):
    """Stochastic gradient descent: p ← p - lr · b, where b is the gradient, or with ``momentum`` its running sum.

    That is b ← momentum · b + (1 - dampening) · g.
    ``weight_decay`` adds weight_decay · p to the gradient; ``nesterov`` looks one step ahead along b;
    ``maximize`` goes up. State: ``momentum_buffer``. Source: Sutskever et al., ICML 2013, in PyTorch's form.

    >>> w = tn.tensor([1.0], requires_grad=True)
    >>> opt = optim.SGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w
    tensor([0.8000], requires_grad=True)
    """

    rule = Rule("sgd", _sgd)
    counts = ()

    def __init__(
        self,
        params: Params,
        lr: Rate = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: Rate = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, locals())

    def update_all(self, ps: list[Var], grads: list[Tensor], states: list[Group], group: Group) -> None:
        """Write parameters together; those that have no running sum yet start it with their gradient."""
        momentum, decay = group["momentum"], group["weight_decay"]
        numbers = (group["lr"], decay, momentum, 1 - group["dampening"])
        known = [not momentum or state.get("momentum_buffer") is not None for state in states]
        for begun in (True, False):
            which = [k for k, at in enumerate(known) if at is begun]
            if not which:
                continue
            sums = [states[k]["momentum_buffer"] if begun else Var(grads[k]) for k in which] if momentum else []
            put = [] if begun else [states[k].__setitem__ for k in which]
            also = [(keep, "momentum_buffer", x) for keep, x in zip(put, sums, strict=False)]
            kept = [sums] if momentum else []
            options = (
                ("begun", begun),
                ("decay", decays(decay)),
                ("maximize", bool(group["maximize"])),
                ("nesterov", bool(group["nesterov"])),
            )
            self.rule([ps[k] for k in which], [grads[k] for k in which], kept, numbers, options, also)
