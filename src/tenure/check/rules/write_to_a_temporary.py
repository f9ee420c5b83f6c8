"""The rule write-to-a-temporary (TN594)."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(
        facts, RULE, "this writes to a temporary, and the write is lost", ("lost here", "the temporary is made here")
    )


RULE = Rule(
    name="write-to-a-temporary",
    code="TN594",
    sentence="a write goes to something that somebody keeps",
    reason=(
        "Indexing with a mask or a list copies. A second index step, or an in-place method, then writes to "
        "that copy, which is dropped at once."
    ),
    wrong="""\
import numpy as np
a = np.array([-1.0, 2.0])
a[a > 0][0] = 99.0
""",
    right="""\
import numpy as np
a = np.array([-1.0, 2.0])
a[np.flatnonzero(a > 0)[0]] = 99.0
""",
    help="write in one indexing step on the left",
    check=_check,
)
