"""Cells and windows: the tensors of the face, and what is written and read through them."""

from tenure.torch.cells import copies
from tenure.torch.cells.aliasing import aliasing
from tenure.torch.cells.entering import from_numpy
from tenure.torch.cells.parameter import Parameter
from tenure.torch.cells.tensor import Tensor, unwrap, wrap

__all__ = ["Parameter", "Tensor", "aliasing", "copies", "from_numpy", "unwrap", "wrap"]
