"""``torch.nn.functional``: the table's rows of functions of layers."""

from tenure.torch.names.namespace import attach

__getattr__, __dir__ = attach("F", globals())
