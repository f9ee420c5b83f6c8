"""``torch.optim.lr_scheduler``: the home library's schedules, which set numbers in the groups of an optimizer."""

from tenure.optim import lr_scheduler as _home
from tenure.optim.lr_scheduler import *  # noqa: F403

_LRScheduler = _home.LRScheduler


def __getattr__(name: str) -> object:
    return getattr(_home, name)
