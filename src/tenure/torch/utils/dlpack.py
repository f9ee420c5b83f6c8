"""``torch.utils.dlpack``: exchange with other libraries."""

from __future__ import annotations

from typing import Any

import tenure
from tenure.torch.cells import Tensor


def from_dlpack(ext_tensor: Any) -> Any:
    """A tensor of the elements of another library's."""
    return Tensor._of(tenure.from_dlpack(ext_tensor))


def to_dlpack(tensor: Any) -> Any:
    """A capsule of a tensor's elements."""
    return tensor._read().detach().__dlpack__()
