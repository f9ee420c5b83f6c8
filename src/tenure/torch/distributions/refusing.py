"""Errors of distributions in PyTorch's words: parameters outside their constraints, values outside the support."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

from tenure import distributions as homes
from tenure.errors import TenureError
from tenure.torch.cells import Tensor
from tenure.torch.errors import TorchValueError, refuse

OUTSIDE = re.compile(r"[\w.]+: (\w+) is to be (.*) is not$", re.DOTALL)
"""The home library's sentence for a parameter, or a value, that lies outside."""
NEGATED: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "Uniform": ("low", lambda d: homes.constraints.less_than(d.high))
}
"""Constraints that depend on another parameter, which PyTorch says of the other one."""
MADE_OF = {
    "LogNormal": "Normal loc scale", "LogisticNormal": "Normal loc scale", "InverseGamma": "Gamma concentration rate",
    "OneHotCategorical": "Categorical probs logits", "OneHotCategoricalStraightThrough": "Categorical probs logits",
    "RelaxedOneHotCategorical": "Categorical probs logits", "Multinomial": "Categorical probs logits",
    "RelaxedBernoulli": "LogitRelaxedBernoulli temperature probs logits", "StudentT": "Chi2 df",
    "Pareto": "Exponential alpha",
}  # fmt: skip
"""Distributions that PyTorch makes of another one, which checks the parameters that it takes."""


def of_base(home: Any, name: str, args: Any, kwargs: dict[str, Any], named: Callable[[Any], Any]) -> Any:
    """The error of the distribution that one is made of in PyTorch; None if it takes the parameters."""
    base, *taken = MADE_OF.get(home.__name__, "-").split()
    if name not in taken:
        return None
    given = inspect.signature(home.__init__).bind(None, *args, **kwargs).arguments
    own = list(inspect.signature(getattr(homes, base).__init__).parameters)
    try:
        named(getattr(homes, base))(**{k if k in own else own[1]: x for k, x in given.items() if k in taken})
    except TenureError as error:
        return error
    return None


def refused_parameter(x: Any, error: TenureError, name: str, constraint: Any, value: Any) -> TenureError:
    """The error for a parameter that lies outside its constraint."""
    if type(x).__name__ == "Wishart" and name == "df":
        least = x.event_shape[-1] - 1
        return outside(f"Value of df={value} expected to be greater than ndim - 1 = {least}.", error)
    said = f"Expected parameter {name} (Tensor of shape {tuple(value.shape)}) of distribution {x!r}"
    if type(x).__name__ == "Geometric" and bool(((value >= 0) & (value <= 1)).all()):
        return outside(f"{said} to be positive but found invalid values:\n{value[value == 0]}", error)
    return outside(f"{said} to satisfy the constraint {constraint!r}, but found invalid values:\n{value}", error)


def refused_value(x: Any, error: TenureError, value: Any) -> TenureError:
    """The error of a method, in PyTorch's words where a value lies outside of the support."""
    if OUTSIDE.match(error.message) is None:
        return error
    said = f"Expected value argument (Tensor of shape {tuple(value.shape)}) to be within the support ({x.support!r})"
    return outside(f"{said} of the distribution {x!r}, but found invalid values:\n{value}", error)


def outside(said: str, error: TenureError) -> TenureError:
    """An error with other words, of PyTorch's class for what lies outside."""
    return TorchValueError(said, code=error.code, at=error.at, notes=error.notes, help=error.help)


def refuse_number(x: Any, value: Any) -> None:
    """ValueError where a distribution that checks its arguments is asked about a number."""
    if x._held._validate_args and not isinstance(value, Tensor):
        raise refuse("The value argument to log_prob must be a Tensor", TorchValueError)
