"""Memory formats by PyTorch's names: they make no difference, for layout is not the user's concern."""

from __future__ import annotations

from typing import Any

from tenure.errors import DTypeError, shown

__all__ = ["MemoryFormat", "channels_last", "channels_last_3d", "contiguous_format", "preserve_format"]


class MemoryFormat:
    """A memory format of PyTorch's: ``tn.channels_last`` and its kin.

    >>> tn.zeros(2, 3).contiguous(memory_format=tn.contiguous_format).shape
    (2, 3)
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"tenure.{self.name}"


contiguous_format, preserve_format = MemoryFormat("contiguous_format"), MemoryFormat("preserve_format")
channels_last, channels_last_3d = MemoryFormat("channels_last"), MemoryFormat("channels_last_3d")


def check_format(name: str, memory_format: Any) -> None:
    """DTypeError (TN802) for what is no memory format."""
    if memory_format is not None and not isinstance(memory_format, MemoryFormat):
        raise DTypeError(f"{name}: memory_format is tn.contiguous_format or its like, not {shown(memory_format)}")
