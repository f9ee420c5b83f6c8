"""Checks of parameters and samples: of what is known at once, of what is pending when it is computed.

A check reads nothing, so making a distribution ends no trace. The error of a pending value names the line at which the
distribution, or its method, was called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tenure.distributions.regions_of_parts import verdict
from tenure.dtypes import default_float
from tenure.errors import DomainError
from tenure.ops import draws
from tenure.ops.promote import Operation, as_type, parameters
from tenure.values.operations.reading import value_of
from tenure.values.tensor.distributions import at_line
from tenure.values.tensor.tensor import Tensor

if TYPE_CHECKING:
    from tenure.distributions.regions import Constraint

UNCHECKED = "validate_args=False leaves this unchecked"


def _assured(x: Any, condition: Any, *, said: str) -> Any:
    """x plus −0, which changes no number, if a condition holds."""
    flag = draws.holds(as_type(condition, default_float), said=said)
    return x + as_type(-(flag - 1), x.dtype)


ASSURED = Operation("assured", _assured, "CloneBackward0")


def assured(x: Tensor, condition: Tensor, said: str) -> Tensor:
    """A value; DomainError (TN802) with a message when it is computed, if a condition, of one bool, does not hold."""
    return at_line(ASSURED, (x, condition), parameters(("said",), said), ())


def array_if_known(x: Tensor) -> Any:
    """The array of a tensor that is computed already; None of any other, and where NumPy does not know the dtype."""
    data = x._data
    return data if isinstance(data, np.ndarray) and data.dtype.kind in "biuf" else None


Doubt = tuple[Tensor, str]
"""A condition that is pending, of one bool, and the message if it does not hold."""


def doubt(what: str, x: Tensor, constraint: Constraint, again: bool = False, said: str = "") -> Doubt | None:
    """A pending condition that each event of a value lies in a region; of a known value None, or DomainError (TN802).

    ``again`` asks for the condition though the value is known, so that the program stays the same where it is pending
    later; ``said`` describes the region in place of the constraint.
    """
    known = array_if_known(x)
    if known is not None:
        with np.errstate(invalid="ignore"):
            met = verdict(constraint, known)
        if isinstance(met, np.ndarray | np.bool_):
            if not met.all():
                raise refused(f"{what} is to be {said or constraint.description}", known, met)
            if not again:
                return None
    condition = value_of(constraint.check(x.detach()))
    condition = condition.all() if condition.ndim else condition
    return condition, f"{what} is to be {said or constraint.description}, which an element is not"


def checked(what: str, x: Tensor, constraint: Constraint, again: bool = False, said: str = "") -> Tensor:
    """A value of which each event lies in a region, else DomainError (TN802), now or when the value is computed."""
    found = doubt(what, x, constraint, again, said)
    return x if found is None else assured(x, *found)


def refused(message: str, array: Any, met: Any) -> DomainError:
    """The error for an array, with the first event that lies outside."""
    axes = array.ndim - np.ndim(met)
    first = np.argwhere(~np.broadcast_to(met, array.shape[: array.ndim - axes]))[0] if np.ndim(met) else ()
    wrong = array[tuple(first)]
    found = f"{wrong:g}" if wrong.ndim == 0 else str(np.array2string(wrong, precision=4, threshold=8, edgeitems=2))
    return DomainError(f"{message}, and {' '.join(found.split())} is not", help=UNCHECKED)
