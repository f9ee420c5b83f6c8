"""``torch.utils.tensorboard``: the writer of the package tensorboardX, or of tensorboard, where one is installed."""

from __future__ import annotations

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    try:
        return getattr(importlib.import_module("tensorboardX"), name)
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"torch.utils.tensorboard.{name} needs a package that writes TensorBoard's files: pip install tensorboardX",
            name="tensorboardX",
        ) from None
