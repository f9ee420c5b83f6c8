"""Statements over more operations: sorting, scattering, masks, complex numbers, views of views, ``out=``, sizes."""

from tests.torch.law.templates import Templates, table

ROWS = table("wide.txt")
PRELUDE = """
import copy, io, pickle
import numpy as np
def saved(value):
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return file
"""


class Wide(Templates):
    """Statements of many operations, and those of the plain kind."""

    prelude = PRELUDE
    rows = ROWS["rows"]
