"""Types for annotations: operands of operations, data that tensors are made of, shapes, axes, indices."""

from tenure.values.tensor.typing import Array, ArrayLike, Axes, Index, Number, Operand, Shape, SupportsArray

__all__ = ["Array", "ArrayLike", "Axes", "Index", "Number", "Operand", "Shape", "SupportsArray"]
