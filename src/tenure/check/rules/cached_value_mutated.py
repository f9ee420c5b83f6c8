"""The rule cached-value-mutated (TN594)."""

from collections.abc import Iterator

from tenure.check.analysis.conflicts import note
from tenure.check.analysis.events import Events
from tenure.check.analysis.machine import Machine
from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.check.values import Holder, Ref, Write
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(
        facts,
        RULE,
        "this writes to a value that the cache will give to every other caller",
        ("written here", "it comes from the cache here"),
    )


def _written(m: Machine, ref: Ref, holder: Holder | None, write: Write) -> None:
    if ref.obj.text == "cached":
        note(m, RULE.name, write.node, ref.loan.node if ref.loan else ref.obj.node, detail=write.text)


RULE = Rule(
    name="cached-value-mutated",
    code="TN594",
    sentence="what a cached function gives back is not written",
    reason=(
        "`lru_cache` hands the same object to every caller. Whoever writes to it changes the results of all "
        "later calls."
    ),
    wrong="""\
import functools
import numpy as np
@functools.lru_cache
def window(n):
    return np.hanning(n)
w = window(4)
w *= 2.0
""",
    right="""\
import functools
import numpy as np
@functools.lru_cache
def window(n):
    return np.hanning(n)
w = window(4) * 2.0
""",
    help="compute out of place, or copy first",
    check=_check,
    on=Events(written=(_written,)),
)
