"""The rule thread-race (TN499)."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(
        facts,
        RULE,
        "several threads write this tensor",
        ("written by each of them", "the tensor", "the threads are made here"),
    )


RULE = Rule(
    name="thread-race",
    code="TN499",
    sentence="two threads do not write the same tensor",
    reason="Kernels run without the interpreter's lock: updates of the same memory from two threads get lost.",
    wrong="""\
import threading
import torch
x = torch.zeros(3)
def work():
    x.add_(1.0)
ts = [threading.Thread(target=work) for _ in range(4)]
""",
    right="""\
import threading
import torch
parts = [torch.zeros(3) for _ in range(4)]
def work(part):
    part.add_(1.0)
ts = [threading.Thread(target=work, args=(part,)) for part in parts]
""",
    help="give each thread a tensor of its own, or hold a lock",
    check=_check,
)
