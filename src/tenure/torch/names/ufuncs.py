"""NumPy's functions of tensors (``np.add(x, 1)``), as they ask by ``__array_ufunc__``."""

from __future__ import annotations

import operator as operators
from typing import Any

import numpy as np

from tenure.torch.cells import Tensor
from tenure.torch.cells.leaving import elements
from tenure.values.operations.creation import tensor as made

OPERATORS: dict[str, Any] = {
    "add": operators.add, "subtract": operators.sub, "multiply": operators.mul, "divide": operators.truediv,
    "power": operators.pow, "floor_divide": operators.floordiv, "remainder": operators.mod, "less": operators.lt,
    "less_equal": operators.le, "greater": operators.gt, "greater_equal": operators.ge, "equal": operators.eq,
    "not_equal": operators.ne, "matmul": operators.matmul,
}  # fmt: skip
"""Operators of NumPy's functions of two operands."""
COMPARISONS = ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")


def of_numpy(ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """A function of NumPy's: beside a scalar it is the tensor's operator, else its result is a tensor (of an outer
    product an array), with bools as uint8, as in PyTorch. An array is not the first operand of an operator."""
    operator = OPERATORS.get(ufunc.__name__) if method == "__call__" and not kwargs and len(inputs) == 2 else None
    if operator is not None:
        one, other = [x.item() if isinstance(x, np.generic | np.ndarray) and not x.ndim else x for x in inputs]
        if not isinstance(one, np.ndarray) and not isinstance(other, np.ndarray):
            return operator(one, other)
        if isinstance(one, np.ndarray) and ufunc.__name__ not in COMPARISONS:
            return NotImplemented
    if kwargs.get("out") is not None:
        return NotImplemented
    found = getattr(ufunc, method)(*[elements(x) if isinstance(x, Tensor) else x for x in inputs], **kwargs)
    if method == "outer" or not isinstance(found, np.ndarray | np.generic):
        return found
    is_flags = found.dtype == bool and ufunc.__name__ not in ("equal", "not_equal")
    return Tensor._of(made(np.asarray(found, np.uint8 if is_flags else found.dtype)))
