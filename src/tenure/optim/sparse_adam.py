"""Adam for sparse gradients."""

from __future__ import annotations

from math import sqrt
from typing import Any

from tenure.errors import DTypeError, GradientError
from tenure.ops import pointwise
from tenure.optim.formula import Formula, Numbers
from tenure.optim.options import Group, Params, Rate, check_options
from tenure.optim.row_rule import RowRule
from tenure.optim.rule import Options
from tenure.values.grad.sparse_rows import SparseRows
from tenure.values.places.var import Var


def _sparse_adam(g: Any, kept: list[Any], numbers: list[Any], *, maximize: bool) -> tuple[Any, list[Any]]:
    rate, eps, rest1, rest2 = numbers
    g = -g if maximize else g
    mean, square = rest1 * (g - kept[0]), rest2 * (g * g - kept[1])
    return -rate * ((kept[0] + mean) / (pointwise.sqrt(kept[1] + square) + eps)), [mean, square]


class SparseAdam(Formula):
    """Adam for sparse gradients: the rows that they do not list stay as they are, and so do their running means.

    ``maximize`` goes up. State: ``step``, ``exp_avg``, ``exp_avg_sq``. GradientError (TN804) for gradients that are not
    sparse, DTypeError (TN802) for complex parameters.

    >>> w = nn.Parameter(tn.ones(2, 1))
    >>> opt = optim.SparseAdam([w], lr=0.1)
    >>> F.embedding(tn.tensor([0]), w, sparse=True).sum().backward()
    >>> opt.step()
    >>> w.detach()
    tensor([[0.9000],
            [1.0000]])
    """

    row_rule = RowRule("sparse_adam", _sparse_adam)

    def __init__(
        self,
        params: Params,
        lr: Rate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        check_options(lr=(lr, bool(lr > 0)), eps=(eps, eps > 0))
        super().__init__(params, locals())

    def _refuse(self, p: Var, name: str) -> None:
        if p.dtype.is_complex:
            raise DTypeError(f"SparseAdam takes real parameters, and {name} is {p.dtype.name}")

    def update_all(self, ps: list[Var], grads: list[Any], states: list[Group], group: Group) -> None:
        """Write the rows that gradients list."""
        if type(grads[0]) is not SparseRows:
            raise GradientError("SparseAdam does not support dense gradients", help="optim.Adam takes them")
        super().update_all(ps, grads, states, group)

    def _saved(self, name: str, x: Any) -> Any:
        """The step as an int, which it is in PyTorch's SparseAdam alone."""
        return x if name == "step" else super()._saved(name, x)

    def _kept(self, group: Group) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq")

    def _numbers(self, group: Group, *at: Any) -> Numbers:
        beta1, beta2 = group["betas"]
        rate = group["lr"] * (sqrt(1 - beta2 ** at[0]) / (1 - beta1 ** at[0]))
        return rate, group["eps"], 1 - beta1, 1 - beta2

    def _options(self, group: Group, *at: Any) -> Options:
        return (("maximize", bool(group["maximize"])),)
