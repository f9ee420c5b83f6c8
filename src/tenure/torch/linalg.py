"""``torch.linalg``: the table's rows of linear algebra."""

from tenure.torch.errors import LinAlgError as LinAlgError
from tenure.torch.names.namespace import attach

__getattr__, __dir__ = attach("linalg", globals())
