"""Optimizers: they own the state of each parameter and write the parameters they were given."""

from typing import TYPE_CHECKING, Any

from tenure._lazy import imported
from tenure.optim.adadelta import Adadelta
from tenure.optim.adafactor import Adafactor
from tenure.optim.adagrad import Adagrad
from tenure.optim.adam import Adam, AdamW
from tenure.optim.adamax import Adamax
from tenure.optim.asgd import ASGD
from tenure.optim.lbfgs import LBFGS
from tenure.optim.lion import Lion
from tenure.optim.muon import Muon
from tenure.optim.nadam import NAdam
from tenure.optim.optimizer import Optimizer
from tenure.optim.radam import RAdam
from tenure.optim.rmsprop import RMSprop
from tenure.optim.rprop import Rprop
from tenure.optim.sgd import SGD
from tenure.optim.sparse_adam import SparseAdam

if TYPE_CHECKING:
    from tenure.optim import lr_scheduler, swa_utils

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SparseAdam",
    "lr_scheduler",
    "swa_utils",
]


def __getattr__(name: str) -> Any:
    """Modules that are imported at their first use: averaged models need ``tenure.nn``."""
    if name in ("lr_scheduler", "swa_utils"):
        return imported(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
