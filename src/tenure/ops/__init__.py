"""Every primitive, declared once. Importing this fills the table."""

from tenure.ops import contract, index, move, pointwise, random, reduce, special

__all__ = ["contract", "index", "move", "pointwise", "random", "reduce", "special"]
