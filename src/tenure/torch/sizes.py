"""``torch.Size``: shapes that print and join as PyTorch's do."""

from __future__ import annotations

from math import prod
from typing import Any


class Size(tuple[int, ...]):
    """The shape of a tensor: a tuple of ints whose slices, sums and products are again sizes."""

    __slots__ = ()
    __module__ = "torch"

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        return prod(self)

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(repr, self))}])"

    def __getitem__(self, key: Any) -> Any:
        found = tuple.__getitem__(self, key)
        return Size(found) if isinstance(key, slice) else found

    def __add__(self, other: Any) -> Any:
        return Size(tuple.__add__(self, tuple(other)))

    def __radd__(self, other: Any) -> Any:
        return Size((*other, *self))

    def __mul__(self, n: Any) -> Any:
        return Size(tuple.__mul__(self, n))

    __rmul__ = __mul__

    def __reduce__(self) -> Any:
        return Size, (tuple(self),)
