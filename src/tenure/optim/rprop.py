"""Rprop: resilient backpropagation."""

from __future__ import annotations

from typing import Any

from tenure.ops import pointwise
from tenure.optim.formula import Formula, Numbers, filled
from tenure.optim.options import Group, Params, Rate
from tenure.optim.rule import Options, Rule
from tenure.values.places.var import Var


def _rprop(p: Any, g: Any, kept: list[Any], numbers: list[Any], *, maximize: bool) -> tuple[Any, list[Any]]:
    shorter, longer, least, most = numbers
    g = -g if maximize else g
    product, one, zero = g * kept[0], g.coerce(1), g.coerce(0)
    turned = pointwise.less(product, zero)
    factor = pointwise.where(turned, shorter, pointwise.where(pointwise.greater(product, zero), longer, one))
    size = pointwise.minimum(pointwise.maximum(kept[1] * factor, least), most)
    g = pointwise.where(turned, zero, g)
    step = pointwise.where(pointwise.greater(g, zero), size, pointwise.where(pointwise.less(g, zero), -size, zero))
    return p - step, [g, size]


class Rprop(Formula):
    """Resilient backpropagation: each element goes a step of its own size against the sign of its gradient.

    The size begins with ``lr``. It grows by the factor ``etas[1]`` while the sign stays, and shrinks by ``etas[0]``
    where the sign has changed, which also leaves the element where it is; it stays within ``step_sizes``.
    An element whose gradient is NaN stays. ``maximize`` goes up. State: ``step``, ``prev``, ``step_size``.
    Source: Riedmiller, Braun, ICNN 1993.

    >>> w = tn.tensor([1.0], requires_grad=True)
    >>> opt = optim.Rprop([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w
    tensor([0.9000], requires_grad=True)
    """

    rule = Rule("rprop", _rprop)
    timed = False

    def __init__(
        self,
        params: Params,
        lr: Rate = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(params, locals())

    def _kept(self, group: Group) -> tuple[str, ...]:
        return ("prev", "step_size")

    def _begin(self, name: str, p: Var, group: Group) -> Any:
        if name == "step_size":
            return filled(p, float(group["lr"]))
        return super()._begin(name, p, group)

    def _numbers(self, group: Group, *at: Any) -> Numbers:
        return (*group["etas"], *group["step_sizes"])

    def _options(self, group: Group, *at: Any) -> Options:
        return (("maximize", bool(group["maximize"])),)
