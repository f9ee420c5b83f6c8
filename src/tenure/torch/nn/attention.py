"""``torch.nn.attention``: choices of a way to compute attention, of which there is one."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator
from typing import Any

from tenure.torch import virtual
from tenure.torch.absent import missing

__all__ = ["SDPBackend", "sdpa_kernel"]


class SDPBackend(enum.IntEnum):
    """Ways to compute attention."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3


@contextlib.contextmanager
def sdpa_kernel(backends: Any, set_priority: bool = False) -> Iterator[None]:
    """Context of a way: accepted."""
    yield


def _absent(name: str) -> Any:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise missing(f"torch.nn.attention.flex_attention.{name}", "scaled_dot_product_attention takes a mask")

    return type(name, (), {"__new__": refuse}) if name[0].isupper() else refuse


_FLEX = ["BlockMask", "create_block_mask", "create_mask", "flex_attention"]
virtual.room("nn.attention.flex_attention", _absent, _FLEX)
