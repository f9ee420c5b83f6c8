"""Views of elements as others: complex numbers as pairs, pairs as complex numbers, bytes as another dtype.

Their strides count other elements than the owner's. So which elements two of them share is not worked out: such a view
counts as one of all the owner's elements.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tenure.torch.cells.geometry import Layout, layout
from tenure.torch.cells.steps import Step
from tenure.torch.errors import refuse
from tenure.values.operations import complexes
from tenure.values.operations.arithmetic import detach
from tenure.values.operations.boundary import array_of
from tenure.values.operations.creation import wrap


class Recast(Step):
    """The same memory as elements of another kind."""

    __slots__ = ()
    recasts = True

    def dtype_of(self, dtype: Any) -> Any:
        """NumPy's dtype of the view of an array of another."""
        raise NotImplementedError


class AsReal(Recast):
    """Complex numbers as real and imaginary parts along a last axis."""

    __slots__ = ()

    def __init__(self, base: Layout) -> None:
        super().__init__(layout((*base.shape, 2), (*[2 * n for n in base.strides], 1)))

    def dtype_of(self, dtype: Any) -> Any:
        return np.dtype(f"f{dtype.itemsize // 2}")

    def see(self, x: Any) -> Any:
        return complexes.view_as_real(x)

    def put(self, x: Any, v: Any) -> Any:
        return complexes.view_as_complex(v)


class AsComplex(Recast):
    """Pairs along the last axis as complex numbers."""

    __slots__ = ()

    def __init__(self, base: Layout) -> None:
        if not base.shape or base.shape[-1] != 2:
            raise refuse("Tensor must have a last dimension of size 2")
        if base.strides[-1] != 1:
            raise refuse("Tensor must have a last dimension with stride 1")
        if any(n % 2 for n in base.strides[:-1]):
            raise refuse("Tensor must have a stride divisible by 2 for all but last dimension")
        super().__init__(layout(base.shape[:-1], tuple([n // 2 for n in base.strides[:-1]])))

    def dtype_of(self, dtype: Any) -> Any:
        return np.dtype(f"c{dtype.itemsize * 2}")

    def see(self, x: Any) -> Any:
        return complexes.view_as_complex(x)

    def put(self, x: Any, v: Any) -> Any:
        return complexes.view_as_real(v)


class AsDtype(Recast):
    """The bytes as elements of another dtype, outside the graph."""

    __slots__ = ("dtype",)
    in_graph = False

    def __init__(self, base: Layout, old: Any, new: Any) -> None:
        self.dtype = new.numpy
        before, after = old.numpy.itemsize, new.numpy.itemsize
        shape, strides = base.shape, base.strides
        if before != after:
            if not shape:
                raise refuse("self.dim() cannot be 0 to view " + changed(old, new))
            if strides[-1] != 1:
                raise refuse("self.stride(-1) must be 1 to view " + changed(old, new))
            if shape[-1] * before % after:
                raise refuse(f"self.size(-1) must be divisible by {after // before} to view " + changed(old, new))
            shape = (*shape[:-1], shape[-1] * before // after)
            strides = (*[n * before // after for n in strides[:-1]], 1)
        super().__init__(layout(shape, strides))

    def dtype_of(self, dtype: Any) -> Any:
        return self.dtype

    def see(self, x: Any) -> Any:
        return wrap(np.ascontiguousarray(array_of(detach(x))).view(self.dtype).reshape(self.layout.shape))

    def put(self, x: Any, v: Any) -> Any:
        back = np.ascontiguousarray(array_of(detach(v))).view(x._aval.dtype.numpy)
        return wrap(back.reshape(x._aval.shape))


def changed(old: Any, new: Any) -> str:
    """End of a message about a view of another size of element."""
    return f"{old.name} as {new.name} (different element sizes), but got another one"
