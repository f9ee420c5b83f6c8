"""``torch.utils.dlpack``: exchange with other libraries."""

from __future__ import annotations

from typing import Any

from tenure.torch.names.making import from_dlpack as from_dlpack


def to_dlpack(tensor: Any) -> Any:
    """A capsule of a tensor's elements."""
    return tensor._read().detach().__dlpack__()
