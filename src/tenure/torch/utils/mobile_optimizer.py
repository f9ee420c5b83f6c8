"""``torch.utils.mobile_optimizer``: not here."""

from __future__ import annotations

from typing import Any, NoReturn

from tenure.torch.absent import missing


def optimize_for_mobile(*args: Any, **kwargs: Any) -> NoReturn:
    """NotImplementedError: there is no TorchScript."""
    raise missing("torch.utils.mobile_optimizer", "there is no TorchScript")
