"""``torch.optim``: the home library's optimizers over tensors of the face."""

from __future__ import annotations

import importlib
from typing import Any

from tenure.torch import virtual
from tenure.torch.optim.optimizer import Optimizer, named

NAMES = [
    "ASGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "LBFGS", "Muon", "NAdam", "RAdam",
    "RMSprop", "Rprop", "SGD", "SparseAdam",
]  # fmt: skip
ROOMS = ("lr_scheduler", "swa_utils")
MODULES = {
    "sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "lbfgs": "LBFGS",
    "adagrad": "Adagrad", "adadelta": "Adadelta", "adamax": "Adamax", "nadam": "NAdam", "radam": "RAdam",
    "asgd": "ASGD", "_adafactor": "Adafactor", "rprop": "Rprop", "sparse_adam": "SparseAdam",
}  # fmt: skip
"""Modules of PyTorch's that have one class each."""
__all__ = ["Optimizer", *NAMES, *ROOMS]


def __getattr__(name: str) -> Any:
    if name in ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in NAMES:
        raise AttributeError(f"module 'torch.optim' has no attribute {name!r}", name=name)
    found = globals()[name] = named(name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


virtual.rooms("optim", MODULES, named)
for _name in NAMES:  # programs walk the names of this module
    __getattr__(_name)
