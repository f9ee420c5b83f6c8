"""TN382: a random generator is not copied into several workers."""

from collections.abc import Iterator

from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.telling import of_events
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(
        facts,
        RULE,
        "every worker draws the same numbers: the generator is copied with the dataset",
        ("drawn here, in each worker", "made once, here", "the workers start here"),
    )


RULE = Rule(
    name="generator-state-forked",
    code="TN382",
    sentence="a random generator is not copied into several workers",
    reason=(
        "Worker processes start with a copy of the dataset. A generator in it starts everywhere in the same "
        "state, so all workers draw the same numbers."
    ),
    wrong="""\
import numpy as np
from torch.utils.data import DataLoader, Dataset
class Noise(Dataset):
    def __init__(self):
        self.rng = np.random.default_rng(0)
    def __getitem__(self, i):
        return self.rng.integers(10)
loader = DataLoader(Noise(), num_workers=2)
""",
    right="""\
import numpy as np
from torch.utils.data import DataLoader, Dataset
class Noise(Dataset):
    def __getitem__(self, i):
        return np.random.default_rng([0, i]).integers(10)
loader = DataLoader(Noise(), num_workers=2)
""",
    help="seed by index, `np.random.default_rng([seed, i])`, or per worker in `worker_init_fn`",
    check=_check,
)
