"""The rule sent-value-overwritten (TN506)."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(
        facts, RULE, "this value was sent away before, and its receiver sees this write", ("written here", "sent here")
    )


RULE = Rule(
    name="sent-value-overwritten",
    code="TN506",
    sentence="what was handed to another thread or process is not written any more",
    reason="A queue passes the reference (or shared memory): the receiver sees what is written until it reads.",
    wrong="""\
import torch
import torch.multiprocessing as mp
q = mp.Queue()
buf = torch.ones(3)
q.put(buf)
buf.zero_()
""",
    right="""\
import torch
import torch.multiprocessing as mp
q = mp.Queue()
buf = torch.ones(3)
q.put(buf.clone())
buf.zero_()
""",
    help="send a copy: `q.put(buf.clone())`",
    check=_check,
)
