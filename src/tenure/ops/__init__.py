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
    pointwise,
    random,
    reduce,
    rounding,
    scan,
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
    "pointwise",
    "random",
    "reduce",
    "rounding",
    "scan",
    "special",
]
