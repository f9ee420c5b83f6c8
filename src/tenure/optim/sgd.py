"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from tenure.errors import GradientError
from tenure.optim.formula import Formula
from tenure.optim.options import Group, Params, Rate, decays
from tenure.optim.row_rule import RowRule
from tenure.optim.rule import Rule, turned
from tenure.values.grad.sparse_rows import SparseRows
from tenure.values.places.var import Var


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


def _by_rows(g: Any, kept: list[Any], numbers: list[Any]) -> tuple[Any, list[Any]]:
    return -numbers[0] * g, []


class SGD(Formula):
    """Stochastic gradient descent: p ← p - lr · b, where b is the gradient, or with ``momentum`` its running sum.

    That is b ← momentum · b + (1 - dampening) · g.
    ``weight_decay`` adds weight_decay · p to the gradient; ``nesterov`` looks one step ahead along b;
    ``maximize`` goes up. Of a sparse gradient the rows that are listed are written alone, with ``momentum`` those that
    ever were; it takes no weight_decay. State: ``momentum_buffer``.
    Source: Sutskever et al., ICML 2013, in PyTorch's form.

    >>> w = tn.tensor([1.0], requires_grad=True)
    >>> opt = optim.SGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w
    tensor([0.8000], requires_grad=True)
    """

    rule = Rule("sgd", _sgd)
    row_rule = RowRule("sgd_rows", _by_rows, linear=True)
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

    def _refuse_rows(self, group: Group) -> None:
        if decays(group["weight_decay"]):
            raise GradientError("SGD: weight_decay does not go with sparse gradients")

    def update_all(self, ps: list[Var], grads: list[Any], states: list[Group], group: Group) -> None:
        """Write parameters together; those that have no running sum yet start it with their gradient."""
        if type(grads[0]) is SparseRows:
            self._update_rows(ps, grads, states, group)
            return
        if not group["momentum"]:
            self._write(ps, grads, [], group, True)
            return
        held = [state.get("momentum_buffer") for state in states]
        if {Var}.issuperset(map(type, held)):
            self._write(ps, grads, [held], group, True)
            return
        for k, b in enumerate(held):
            if type(b) is SparseRows:
                held[k] = states[k]["momentum_buffer"] = Var(b.to_dense())
        missing = [k for k, b in enumerate(held) if b is None]
        if len(missing) < len(held):
            which = [k for k, b in enumerate(held) if b is not None]
            self._write([ps[k] for k in which], [grads[k] for k in which], [[held[k] for k in which]], group, True)
        if not missing:
            return
        new = [self._placed(grads[k]) for k in missing]
        also = [(states[k].__setitem__, "momentum_buffer", b) for k, b in zip(missing, new, strict=True)]
        self._write([ps[k] for k in missing], [grads[k] for k in missing], [new], group, False, also)

    def _write(
        self, ps: list[Var], grads: list[Any], kept: list[list[Any]], group: Group, begun: bool, also: Any = ()
    ) -> None:
        """Write parameters and their running sums, all of which have ``begun`` or none."""
        options = (
            ("begun", begun),
            ("decay", decays(group["weight_decay"])),
            ("maximize", bool(group["maximize"])),
            ("nesterov", bool(group["nesterov"])),
        )
        numbers = (group["lr"], group["weight_decay"], group["momentum"], 1 - group["dampening"])
        self.rule(ps, grads, kept, numbers, options, also)

    def _update_rows(self, ps: list[Var], grads: list[Any], states: list[Group], group: Group) -> None:
        """Write rows; a running sum lists those that have had a gradient."""
        momentum, rest = group["momentum"], 1 - group["dampening"]
        if not (momentum or group["maximize"]):
            self.row_rule(ps, grads, (), (group["lr"],), ())
            return
        for p, g, state in zip(ps, grads, states, strict=True):
            b = state.get("momentum_buffer") if momentum else None
            if isinstance(b, Var):
                self.update_all([p], [g.to_dense()], [state], group)
                continue
            g, also = -g if group["maximize"] else g, []
            if momentum:
                b = (g if b is None else b * momentum + g * rest).gathered()
                also = [(state.__setitem__, "momentum_buffer", b)]
                g = g + b * momentum if group["nesterov"] else b
            self.row_rule([p], [g], [], (group["lr"],), (), also)
