"""``torch._tensor``: another place of the class of tensors."""

from tenure.torch.cells import Tensor as Tensor
