"""``torch.nn.attention``: choices of a way to compute attention, of which there is one."""

from __future__ import annotations

from typing import Any

from tenure.nn.backends import SDPBackend, sdpa_kernel
from tenure.torch import virtual
from tenure.torch.absent import missing

__all__ = ["SDPBackend", "sdpa_kernel"]


def _absent(name: str) -> Any:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise missing(f"torch.nn.attention.flex_attention.{name}", "scaled_dot_product_attention takes a mask")

    return type(name, (), {"__new__": refuse}) if name[0].isupper() else refuse


_FLEX = ["BlockMask", "create_block_mask", "create_mask", "flex_attention"]
virtual.room("nn.attention.flex_attention", _absent, _FLEX)
