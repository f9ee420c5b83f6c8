"""``torch.masked``: reductions of the elements that a mask selects."""

from tenure.torch.names.namespace import attach

__getattr__, __dir__ = attach("masked", globals())
