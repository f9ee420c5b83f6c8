"""``torch.sparse``: functions of sparse tensors in coordinate form."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from tenure.torch.absent import refused
from tenure.torch.names.making import LEGACIES
from tenure.torch.names.sparse import sparse_coo_tensor


def _older(name: str) -> Callable[..., Any]:
    def make(indices: Any, values: Any = None, size: Any = None) -> Any:
        return sparse_coo_tensor(indices, values, size, dtype=LEGACIES[f"{name}Tensor"]().dtype)

    make.__name__ = make.__qualname__ = f"{name}Tensor"
    return make


FloatTensor, DoubleTensor, LongTensor, IntTensor = map(_older, ("Float", "Double", "Long", "Int"))


def mm(mat1: Any, mat2: Any) -> Any:
    """Product of a sparse and a dense matrix."""
    return mat1 @ mat2


def addmm(mat: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """Sum of a dense matrix and a product of a sparse one."""
    return beta * mat + alpha * (mat1 @ mat2)


def sum(input: Any, dim: Any = None, dtype: Any = None) -> Any:
    """The sum of a sparse tensor, or sums along axes."""
    return input.sum(dim, dtype=dtype)


def softmax(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """Softmax of the listed elements along an axis."""
    return input.softmax(dim, dtype=dtype)


def log_softmax(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """Logarithm of the softmax of the listed elements along an axis."""
    return input.log_softmax(dim, dtype=dtype)


def __getattr__(name: str) -> Any:
    if name == "torch":  # PyTorch's module imports the package by this name, and programs find it here
        return sys.modules["tenure.torch"]
    raise AttributeError(f"module 'torch.sparse' has no attribute {name!r}", name=name)


COORDINATES = "sparse tensors are in coordinate form here"
spdiags = refused("sparse", "spdiags", COORDINATES)
SparseSemiStructuredTensor = refused("sparse", "SparseSemiStructuredTensor", COORDINATES)
__all__ = ["addmm", "log_softmax", "mm", "softmax", "sum"]
