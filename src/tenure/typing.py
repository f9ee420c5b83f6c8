"""Types for annotations: what operations take beside a tensor (``Operand``), shapes, axes, indices."""

from tenure.values.typing import Array, ArrayLike, Axes, Index, Number, Operand, Shape, SupportsArray

__all__ = ["Array", "ArrayLike", "Axes", "Index", "Number", "Operand", "Shape", "SupportsArray"]
