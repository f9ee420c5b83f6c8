"""``torch.signal``: windows."""

from tenure.torch.signal import windows

__all__ = ["windows"]
