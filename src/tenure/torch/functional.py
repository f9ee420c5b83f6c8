"""``torch.functional``: functions of ``torch`` that PyTorch writes in Python."""

from __future__ import annotations

import importlib
from typing import Any

_NAMES = [
    "align_tensors", "atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "broadcast_shapes", "broadcast_tensors",
    "cartesian_prod", "cdist", "chain_matmul", "einsum", "istft", "lu", "meshgrid", "norm", "pca_lowrank", "split",
    "stft", "svd_lowrank", "tensordot", "unique", "unique_consecutive", "unravel_index",
]  # fmt: skip


def __dir__() -> list[str]:
    return _NAMES


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'torch.functional' has no attribute {name!r}", name=name)
    return getattr(importlib.import_module("tenure.torch"), name)
