"""What native code reads out of Python's objects, by byte."""

HEADER: int = object.__basicsize__
DATA = HEADER
"""Where an ndarray object keeps the address of its elements: behind the object's header."""
ITEMS = HEADER + 8
"""Where a list object keeps the address of its items: behind header and length."""
BYTES: int = bytes.__basicsize__ - 1
"""Where the content of a bytes object begins."""
LAYOUT = f"{DATA} {ITEMS} {BYTES}"
"""What code that reads them depends on."""
