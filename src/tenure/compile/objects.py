"""Offsets at which native code reads Python's objects, in bytes."""

HEADER: int = object.__basicsize__
DATA = HEADER
"""The offset of the address of the elements in an ndarray object: behind the object's header."""
ITEMS = HEADER + 8
"""The offset of the address of the items in a list object: behind header and length."""
BYTES: int = bytes.__basicsize__ - 1
"""The offset of the content of a bytes object."""
LAYOUT = f"{DATA} {ITEMS} {BYTES}"
"""The layout that such code depends on."""
