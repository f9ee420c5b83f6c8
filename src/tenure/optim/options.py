"""Options of optimizers: their defaults as constructors were given them, and the limits of their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tenure.errors import shown
from tenure.values.places.shared import Shared
from tenure.values.places.var import Var
from tenure.values.tensor.tensor import Tensor

Group = dict[str, Any]
Params = Iterable[Var | Shared | Group | tuple[str, Var]]
"""Places, or Shareds, places with names, or groups of either with options of their own."""
Rate = float | Tensor
"""An option that may change at each step: a number, or a tensor of one element."""


def given(arguments: Mapping[str, Any]) -> Group:
    """The options among the arguments of a constructor, ``locals()`` at its begin; ValueError for one out of limits."""
    options = {k: v for k, v in arguments.items() if k not in ("self", "params", "__class__")}
    for name, value in options.items():
        if isinstance(value, tuple):
            value = options[name] = tuple([x.item() if isinstance(x, Tensor) else x for x in value])
        check_options(**{name: (value, name not in LIMITS or LIMITS[name](value))})
    if options.get("fused") and options.get("foreach"):
        raise ValueError("fused and foreach are two ways to update parameters: at most one of them is True")
    if options.get("differentiable"):
        raise ValueError(
            "differentiable: a step of an optimizer is outside the graph: to differentiate through updates, compute"
            " them with operations, as in p = p - lr * tn.grad(loss)(p)"
        )
    return options


def check_options(**options: tuple[Any, bool]) -> None:
    """ValueError for the first option whose condition does not hold."""
    for name, (value, valid) in options.items():
        if not valid:
            raise ValueError(f"invalid {name}: {shown(value)}")


def decays(shrink: Any) -> bool:
    """Whether there is weight decay; one that is a tensor is not read."""
    return isinstance(shrink, Tensor) or bool(shrink)


def _not_negative(x: Any) -> bool:
    return bool(x >= 0)


def _fractions(x: Any) -> bool:
    return len(x) == 2 and all(0 <= b < 1 for b in x)


LIMITS: dict[str, Callable[[Any], bool]] = {
    "lr": _not_negative,
    "eps": lambda x: all(e is None or e >= 0 for e in (x if isinstance(x, tuple) else (x,))),
    "weight_decay": _not_negative,
    "momentum": _not_negative,
    "momentum_decay": _not_negative,
    "lr_decay": _not_negative,
    "initial_accumulator_value": _not_negative,
    "alpha": _not_negative,
    "rho": lambda x: 0 <= x <= 1,
    "betas": _fractions,
    "etas": lambda x: len(x) == 2 and 0 < x[0] < 1 < x[1],
    "d": lambda x: x >= 1,
    "beta2_decay": lambda x: x <= 0,
}
