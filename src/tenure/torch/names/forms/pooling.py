"""Arguments of poolings that PyTorch checks, or takes, as the home library does not."""

from __future__ import annotations

from typing import Any

from tenure.torch.errors import refuse

__all__ = ["every", "with_elements"]


def with_elements(name: str, x: Any) -> Any:
    """x, of whose sizes only that of the batch may be 0 (of an adaptive pooling the first, batch or channels)."""
    n = int(name[-2])
    if 0 in x.shape[x.ndim == n + 2 or name.startswith("adaptive") :]:
        raise refuse(f"{name}: Expected {n + 1}D or {n + 2}D (batch mode) tensor with optional 0 dim batch size for"
                     f" input, but got:{list(x.shape)}")
    return x


def every(stride: Any) -> Any:
    """A step between windows; an empty list is none, which is the size of a window."""
    return None if isinstance(stride, tuple | list) and not stride else stride
