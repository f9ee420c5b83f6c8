"""Cells and windows: the tensors of the face, and what is written and read through them."""

from tenure.torch.cells.parameter import Parameter
from tenure.torch.cells.tensor import Tensor, unwrap, wrap

__all__ = ["Parameter", "Tensor", "unwrap", "wrap"]
