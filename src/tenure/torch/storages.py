"""Storages: how large the elements are that a tensor shows some of, to be read."""

from __future__ import annotations

from typing import Any


class UntypedStorage:
    """Elements of a tensor's owner as bytes: their number, and where they begin. They are written through tensors."""

    __module__ = "torch"
    _unit = 1

    def __init__(self, of: Any) -> None:
        self._owner = of if of._window is None else of._window.owner

    def size(self) -> int:
        """The number of bytes."""
        return self.nbytes() // self._unit

    __len__ = size

    def nbytes(self) -> int:
        """The number of bytes."""
        return int(self._owner.nbytes)

    def data_ptr(self) -> int:
        """A number that the tensors have in common that show these elements."""
        return int(self._owner.data_ptr())

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, UntypedStorage) and self._owner is other._owner

    def __hash__(self) -> int:
        return id(self._owner)


class TypedStorage(UntypedStorage):
    """Elements of a tensor's owner, as numbers of its dtype."""

    def __init__(self, of: Any) -> None:
        super().__init__(of)
        self._unit = self.element_size()

    def element_size(self) -> int:
        """The bytes of an element."""
        return int(self._owner.itemsize)

    def untyped(self) -> UntypedStorage:
        """The same elements as bytes."""
        return UntypedStorage(self._owner)

    def tolist(self) -> Any:
        """The elements, in their order."""
        return self._owner.detach().reshape(-1).tolist()

    def __getitem__(self, k: Any) -> Any:
        return self.tolist()[k]


__all__ = ["TypedStorage", "UntypedStorage"]
