"""Every primitive, declared once. Importing this fills the table."""

from tenure.ir.program import TABLE
from tenure.ops import (
    advanced,
    angles,
    chain,
    combine,
    complex_functions,
    complexes,
    contract,
    draws,
    fourier,
    gamma,
    implicit,
    index,
    integers,
    linear,
    move,
    normal,
    ordering,
    pointwise,
    random,
    reduce,
    rounding,
    scan,
    special,
    windows,
)

__all__ = [
    "advanced",
    "angles",
    "chain",
    "combine",
    "complex_functions",
    "complexes",
    "contract",
    "draws",
    "fourier",
    "gamma",
    "implicit",
    "index",
    "integers",
    "linear",
    "move",
    "normal",
    "ordering",
    "pointwise",
    "random",
    "reduce",
    "rounding",
    "scan",
    "special",
    "windows",
]

for _name, _rule in (complexes.SPLIT | complex_functions.FUNCTIONS).items():
    TABLE[_name].split = _rule
