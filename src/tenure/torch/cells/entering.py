"""Tensors of NumPy's arrays, which lend their elements."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from tenure.torch.cells.aliasing import is_safe
from tenure.torch.cells.geometry import layout
from tenure.torch.cells.guards import SMALL, Guard, put_under
from tenure.torch.cells.leaving import Lent, lend
from tenure.torch.cells.outdated import check_current
from tenure.torch.cells.sharing import join, others_of, root_of
from tenure.torch.cells.tensor import Tensor
from tenure.torch.cells.windows import geometry
from tenure.values.operations.creation import tensor as made
from tenure.values.rules.sites import here


def from_numpy(array: Any) -> Any:
    """A tensor of an array's elements, which the array lends: neither is written while the other lives."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(array).__name__})")
    check_current(array)
    size = array.itemsize
    if any(n < 0 or n % size for n in array.strides):
        raise ValueError("At least one stride in the given numpy array is negative, and tensors with negative strides"
                         " are not currently supported. (You can probably work around this by making a copy of your"
                         " array  with array.copy().)")
    ours = array.flags.writeable or root_of(array).flags.writeable or others_of(None, array)  # else it is a constant
    copied = is_safe() and array.nbytes <= SMALL and ours
    x: Any = Tensor._of(value := made(array.copy() if copied else array))
    x._layout = layout(array.shape, tuple([n // size for n in array.strides]))
    x._lent = Lent()
    where = here()
    guard = Guard(array, geometry(x), 0, where, is_given=True) if copied and array.size else None
    x._lent.add(array, geometry(x), None, where, guard)
    if not is_safe():
        lend(x, array)
        return x
    join(x, array)
    if guard is not None:
        put_under(x, value, guard)
    elif array.flags.writeable:
        array.flags.writeable = False
        weakref.finalize(x, _returned, weakref.ref(array))
    return x


def _returned(array: Any) -> None:
    """Make an array writable again, once the tensor of its elements is gone."""
    if (found := array()) is not None:
        found.flags.writeable = True
