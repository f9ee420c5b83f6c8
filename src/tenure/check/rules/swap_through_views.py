"""The rule swap-through-views (TN502)."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_conflicts
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    message = "this store overwrites what the other half of the swap still reads"
    return of_conflicts(facts, RULE, message, lent="a view, not a copy", used="read here after it was overwritten")


RULE = Rule(
    name="swap-through-views",
    code="TN502",
    sentence="both sides of a swap of rows do not share memory",
    reason=(
        "The right side of `a[0], a[1] = a[1], a[0]` is two views. The first store overwrites what the second "
        "one reads."
    ),
    wrong="""\
import numpy as np
a = np.zeros((2, 2))
a[0], a[1] = a[1], a[0]
""",
    right="""\
import numpy as np
a = np.zeros((2, 2))
a[[0, 1]] = a[[1, 0]]
""",
    help="index with lists, which copies: `a[[i, j]] = a[[j, i]]`, or copy one side",
    check=_check,
)
