"""The value of a tensor, a place or a borrow at this moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from tenure.dtypes import DType, promote_scalar
from tenure.errors import DTypeError, following
from tenure.ops.promote import Operation
from tenure.values.native.hits import coded
from tenure.values.operations import creation
from tenure.values.trace import record
from tenure.values.trace.given import beside, stands_beside_wide, to_array

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor


@coded
def value_of(x: Any) -> Tensor:
    """The value of a tensor, place or borrow now; numbers and arrays become tensors."""
    if type(x) is record._Tensor:
        return x  # type: ignore[no-any-return]
    if isinstance(x, record._Tensor):
        return x._read()  # type: ignore[no-any-return]
    if isinstance(x, list | tuple | float | complex):
        return creation.wrap(to_array(x, None, stands_beside_wide(x)))
    return creation.tensor(x)


def written_of(v: Any, dtype: DType) -> Any:
    """Value to be written to a place: a number or nested ones, which take the place's dtype, or a tensor's value."""
    if type(v) in (bool, int, float):
        return v
    if isinstance(v, list | tuple):
        return creation.wrap(beside(v, dtype))
    return v.item() if isinstance(v, np.generic) and v.dtype.kind in "biuf" else value_of(v)


def as_operand(x: Any) -> Any:
    """Operand beside a tensor: a value or a Python number (a complex one too); NotImplemented for anything else."""
    if isinstance(x, record._Tensor):
        return x._read()
    if type(x) in (bool, int, float):
        return x
    if isinstance(x, np.generic) and x.dtype.kind in "biufc":
        return x.item()
    if type(x) is complex:
        return x
    if isinstance(x, np.ndarray):
        return creation.tensor(x)
    if isinstance(x, list | tuple):
        raise DTypeError(f"a {type(x).__name__} stands beside a tensor", help="make a tensor of it: tn.tensor([…])")
    kinds: tuple[Any, ...] = (bool, int, float, complex)
    if isinstance(x, kinds):
        return following(kind(x) for kind in kinds if isinstance(x, kind))
    return NotImplemented


def complex_beside(number: complex, x: Any) -> Tensor:
    """A Python complex number beside a tensor, in the complex dtype of the tensor's precision."""
    return creation.tensor(number, dtype=promote_scalar(x._aval.dtype, complex))


def refuse_operands(fn: Operation, x: Any, y: Any) -> NoReturn:
    """Raise DTypeError (TN802): a function was called on what is no operand."""
    raise DTypeError(f"{fn.name}: the operands must be tensors or numbers, and at least one a tensor")
