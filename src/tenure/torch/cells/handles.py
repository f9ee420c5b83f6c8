"""Handles of tensors' hooks, by PyTorch's name."""

from __future__ import annotations

from typing import Any

from tenure.values.grad.handlers import RemovableHandle


class HookHandle(RemovableHandle):
    """Handle of a tensor's hook: ``remove()`` takes it away again."""

    __slots__ = ()
    __module__ = "torch.utils.hooks"

    @property
    def id(self) -> int:
        """Number of the hook."""
        return self._number


HookHandle.__name__ = HookHandle.__qualname__ = "RemovableHandle"


def handled(handle: RemovableHandle) -> Any:
    """A handle of the home library as one of PyTorch's name."""
    handle.__class__ = HookHandle
    return handle
