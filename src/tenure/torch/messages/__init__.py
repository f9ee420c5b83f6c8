"""PyTorch's words for errors of the home library, where programs are known to print them."""

from __future__ import annotations

from typing import Any

from tenure.torch.messages.distributions import DISTRIBUTIONS
from tenure.torch.messages.forms import spelled
from tenure.torch.messages.layers import LAYERS
from tenure.torch.messages.tensors import TENSORS

__all__ = ["spelled", "words"]

def words(message: str) -> tuple[str | None, str] | None:
    """PyTorch's class and words for a message of the home library; None where it has none of its own here."""
    for pattern, kind, says in (*DISTRIBUTIONS, *LAYERS, *TENSORS):
        found = pattern.match(message)
        if found is not None:
            groups: list[Any] = [g and spelled(g) for g in found.groups()]
            return kind, says.format(*groups) if isinstance(says, str) else says(*groups)
    return None
