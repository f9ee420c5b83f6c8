"""Adafactor: means of squared gradients as a product of a row's and a column's."""

from __future__ import annotations

from math import sqrt
from typing import Any

from tenure.dtypes import finfo
from tenure.errors import DTypeError
from tenure.ops import pointwise, promote
from tenure.optim.formula import Formula, Numbers
from tenure.optim.options import Group, Params, Rate, check_options
from tenure.optim.rule import Options, Rule
from tenure.values.operations.factories import zeros
from tenure.values.places.var import Var
from tenure.values.tensor.tensor import Tensor

FACTORS = {"row_var": -1, "col_var": -2}
"""The axis that each of the two factors is a mean over."""


def _adafactor(
    p: Any, g: Any, kept: list[Any], numbers: list[Any], *, decay: bool, maximize: bool, least: bool
) -> tuple[Any, list[Any]]:
    rate, limit, weight, eps1, eps2, bound, shrink = numbers
    eps1 = eps1 if least else g.coerce(finfo(p.dtype).eps)
    g = -g if maximize else g
    scale = pointwise.maximum(eps2, _magnitude(p)) * pointwise.minimum(rate, limit)
    p = p * shrink if decay else p
    if len(kept) == 2:
        means = [promote.average(g * g, axes=(g.ndim + axis,), keepdims=True) for axis in FACTORS.values()]
        new = [old + weight * (mean - old) for old, mean in zip(kept, means, strict=True)]
        size = promote.average(new[0], axes=(g.ndim - 2,), keepdims=True)
        square = new[0] * new[1] / pointwise.maximum(size, eps1)
    else:
        new = [kept[0] + weight * (g * g - kept[0])]
        square = new[0]
    move = g / pointwise.sqrt(pointwise.maximum(square, eps1 * eps1))
    return p - scale / pointwise.maximum(g.coerce(1), _magnitude(move) / bound) * move, new


def _magnitude(x: Any) -> Any:
    """The root of the mean square of all elements."""
    return pointwise.sqrt(promote.average(x * x, axes=tuple(range(x.ndim)), keepdims=False))


class Adafactor(Formula):
    """Adafactor: steps scaled by the magnitude of the parameter, with little state.

    For a matrix, the running mean v of the squared gradient is the product of means over its rows and over its
    columns. At step t its weight is t ^ ``beta2_decay``. The step u = g / √v is clipped where its root mean square is
    above ``d``, and multiplied by min(lr, 1 / √t) · max(eps₂, root mean square of p); v is at least eps₁²
    (None: the machine epsilon). ``weight_decay`` makes p smaller first, by lr · weight_decay; ``maximize`` goes up.
    State: ``step``, and ``row_var``, ``col_var``, or ``variance`` for a vector. DTypeError (TN802) for complex
    parameters. Source: Shazeer, Stern, ICML 2018.

    >>> w = tn.tensor([1.0], requires_grad=True)
    >>> opt = optim.Adafactor([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w
    tensor([0.9000], requires_grad=True)
    """

    rule = Rule("adafactor", _adafactor)

    def __init__(
        self,
        params: Params,
        lr: Rate = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_options(eps=(eps, isinstance(eps, tuple | list) and len(eps) == 2))
        super().__init__(params, locals())

    def _refuse(self, p: Var, name: str) -> None:
        if p.dtype.is_complex:
            raise DTypeError(f"Adafactor takes real parameters, and {name} is {p.dtype.name}")

    def update_all(self, ps: list[Var], grads: list[Tensor], states: list[Group], group: Group) -> None:
        """Write parameters: vectors, and those that have rows and columns."""
        columns: tuple[list[Any], ...] = (ps, grads, states)
        for factored in (False, True):
            which = [k for k, p in enumerate(ps) if (p.ndim > 1) is factored]
            if which:
                chosen: list[Any] = [[column[k] for k in which] for column in columns]
                super().update_all(chosen[0], chosen[1], chosen[2], {**group, "factored": factored})

    def _kept(self, group: Group) -> tuple[str, ...]:
        return tuple(FACTORS) if group["factored"] else ("variance",)

    def _begin(self, name: str, p: Var, group: Group) -> Any:
        return 0 if name == "step" else Var(zeros(self._shape_of(name, p), dtype=p.dtype))

    def _shape_of(self, name: str, p: Tensor) -> tuple[int, ...]:
        axis = FACTORS.get(name)
        return p.shape if axis is None else tuple([1 if k == p.ndim + axis else n for k, n in enumerate(p.shape)])

    def _numbers(self, group: Group, *at: Any) -> Numbers:
        (eps1, eps2), lr, step = group["eps"], group["lr"], at[0]
        weight, shrink = step ** group["beta2_decay"], 1 - lr * group["weight_decay"]
        return lr, 1 / sqrt(step), weight, eps1 or 0.0, eps2, group["d"], shrink

    def _options(self, group: Group, *at: Any) -> Options:
        return (
            ("decay", bool(group["weight_decay"])),
            ("maximize", bool(group["maximize"])),
            ("least", group["eps"][0] is not None),
        )
