"""The rule shared-dataset-changed (TN499)."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_conflicts
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    message = "this changes the dataset that another subset shares"
    return of_conflicts(facts, RULE, message, lent="the other subset holds the same dataset", used="it is read here")


RULE = Rule(
    name="shared-dataset-changed",
    code="TN499",
    sentence="two subsets of one dataset are not set up differently",
    reason=("`Subset` and `random_split` hold the dataset itself. What is changed through one part changes the other."),
    wrong="""\
from torch.utils.data import Subset
train, val = Subset(data, [0, 1]), Subset(data, [2, 3])
train.dataset.transform = augment
print(val[0])
""",
    right="""\
from torch.utils.data import Subset
train, val = Subset(make(), [0, 1]), Subset(make(), [2, 3])
train.dataset.transform = augment
print(val[0])
""",
    help="give each part a dataset object of its own",
    check=_check,
)
