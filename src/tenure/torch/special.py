"""``torch.special``: the table's rows of special functions."""

from tenure.torch.names.namespace import attach

__getattr__, __dir__ = attach("special", globals())
