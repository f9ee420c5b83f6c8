"""Every primitive, declared once. Importing this fills the table."""

from tenure.ops import advanced, chain, combine, contract, index, move, normal, pointwise, random, reduce, special

__all__ = [
    "advanced",
    "chain",
    "combine",
    "contract",
    "index",
    "move",
    "normal",
    "pointwise",
    "random",
    "reduce",
    "special",
]
