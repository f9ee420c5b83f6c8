"""``torch.nn.utils.stateless``: the old place of ``torch.func.functional_call``."""

from tenure.torch.func import functional_call

__all__ = ["functional_call"]
