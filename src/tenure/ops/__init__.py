"""Every primitive, declared once. Importing this fills the table."""

from tenure.ops import (
    advanced,
    angles,
    chain,
    combine,
    contract,
    gamma,
    index,
    integers,
    move,
    normal,
    ordering,
    pointwise,
    random,
    reduce,
    rounding,
    special,
)

__all__ = [
    "advanced",
    "angles",
    "chain",
    "combine",
    "contract",
    "gamma",
    "index",
    "integers",
    "move",
    "normal",
    "ordering",
    "pointwise",
    "random",
    "reduce",
    "rounding",
    "special",
]
