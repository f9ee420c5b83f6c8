"""The rule alias-read-after-write (TN506)."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_conflicts
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    message = "{source} is written while {name} still refers to it"
    return of_conflicts(facts, RULE, message, lent="{name} refers to {source} from here", used="read again here")


RULE = Rule(
    name="alias-read-after-write",
    code="TN506",
    sentence="what a second name refers to is not written while that name is still read",
    reason="Assignment copies nothing: both names are one object, and a write through either is seen by both.",
    wrong="""\
import torch
a = [torch.tensor(1.0), torch.tensor(2.0)]
k = a[0]
a[0].data = a[0].data + 10.0
print(k)
""",
    right="""\
import torch
a = [torch.tensor(1.0), torch.tensor(2.0)]
k = a[0].clone()
a[0].data = a[0].data + 10.0
print(k)
""",
    help="keep a copy, `.clone()` or `.copy()`, or write out of place, `b = b + x`",
    check=_check,
)
