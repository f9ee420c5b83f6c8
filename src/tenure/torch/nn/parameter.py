"""``torch.nn.parameter``."""

from tenure.torch.cells import Parameter
from tenure.torch.nn.places import Buffer, UninitializedBuffer, UninitializedParameter
from tenure.torch.nn.places import Waiting as UninitializedTensorMixin


def is_lazy(param: object) -> bool:
    """Whether a parameter has no shape so far."""
    return isinstance(param, UninitializedTensorMixin)


__all__ = [
    "Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "UninitializedTensorMixin", "is_lazy",
]  # fmt: skip
