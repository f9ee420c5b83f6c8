"""The rule view-read-after-write (TN506)."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_conflicts
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    message = "what {name} shows, {source}, is written while it is still read"
    return of_conflicts(facts, RULE, message, lent="{name} shows {source} from here", used="read again here")


RULE = Rule(
    name="view-read-after-write",
    code="TN506",
    sentence="what a view shows is not written while the view is still read",
    reason=(
        "A view shares memory with what it was taken from. A write to that changes the view too, although its "
        "name was not touched."
    ),
    wrong="""\
import numpy as np
a = np.zeros((2, 2))
row = a[0]
a += 1.0
print(row)
""",
    right="""\
import numpy as np
a = np.zeros((2, 2))
row = a[0].copy()
a += 1.0
print(row)
""",
    help="keep a copy: `.copy()` for NumPy, `.clone()` for PyTorch",
    check=_check,
)
