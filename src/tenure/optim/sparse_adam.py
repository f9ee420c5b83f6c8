"""Adam for gradients most of whose rows are zero."""

from __future__ import annotations

from math import sqrt
from typing import Any

from tenure.errors import DTypeError
from tenure.ops import pointwise, promote
from tenure.optim.formula import Formula, Numbers
from tenure.optim.options import Group, Params, Rate, check_options
from tenure.optim.rule import Options, Rule
from tenure.values.places.var import Var


def _sparse_adam(p: Any, g: Any, kept: list[Any], numbers: list[Any], *, maximize: bool) -> tuple[Any, list[Any]]:
    rate, eps, rest1, rest2 = numbers
    g = -g if maximize else g
    size = promote.total(pointwise.absolute(g), axes=tuple(range(1, g.ndim)), keepdims=True)
    present = pointwise.not_equal(size, g.coerce(0))
    mean, square = kept[0] + rest1 * (g - kept[0]), kept[1] + rest2 * (g * g - kept[1])
    new = (p - rate * (mean / (pointwise.sqrt(square) + eps)), mean, square)
    first, *others = [promote.choose(present, x, old) for x, old in zip(new, (p, *kept), strict=True)]
    return first, others


class SparseAdam(Formula):
    """Adam that leaves rows alone whose gradient is zero: their elements and their running means stay as they are.

    A row is an index of the first axis, as of an embedding; of a vector, an element. Gradients are stored whole here:
    the rows that PyTorch's sparse gradients list are those in which an element is not zero. ``maximize`` goes up.
    State: ``step``, ``exp_avg``, ``exp_avg_sq``. DTypeError (TN802) for complex parameters.

    >>> w = tn.tensor([1.0, 1.0], requires_grad=True)
    >>> opt = optim.SparseAdam([w], lr=0.1)
    >>> (w[0] * w[0]).backward()
    >>> opt.step()
    >>> w
    tensor([0.9000, 1.0000], requires_grad=True)
    """

    rule = Rule("sparse_adam", _sparse_adam)

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

    def _kept(self, group: Group) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq")

    def _numbers(self, group: Group, *at: Any) -> Numbers:
        beta1, beta2 = group["betas"]
        rate = group["lr"] * (sqrt(1 - beta2 ** at[0]) / (1 - beta1 ** at[0]))
        return rate, group["eps"], 1 - beta1, 1 - beta2

    def _options(self, group: Group, *at: Any) -> Options:
        return (("maximize", bool(group["maximize"])),)
