"""Numbers of an interval from 0 on: others are an error when they are computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tenure.ops import draws
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply_one
from tenure.values.rules.sites import at_users_line

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor

WITHIN = Operation("within", draws.within)
FORM = ("what", "open", "most")


def from_zero_to(most: float, x: Any, what: str) -> Tensor:
    """The floats x, all of which are from 0 to ``most``; DomainError (TN802), when they are computed, for others."""
    return at_users_line(apply_one(WITHIN, x, parameters(FORM, what, False, most)))


def not_negative(x: Any, what: str) -> Tensor:
    """The floats x, all of which are not negative and finite; DomainError (TN802), when computed, for others."""
    return from_zero_to(float(np.finfo(x.dtype.numpy).max), x, what)
