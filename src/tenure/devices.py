"""Devices by PyTorch's names: there is one, the CPU."""

from __future__ import annotations

from typing import Self

from tenure.errors import DTypeError, shown

__all__ = ["CPU", "device", "sparse_coo", "strided"]


type_of = type
ONE = 'the device is "cpu"'


class device(str):
    """A device: ``"cpu"``, a string that has a type and an index. DTypeError (TN802) for any other.

    >>> tn.device("cpu") == "cpu", tn.zeros(2).device.type
    (True, 'cpu')
    """

    __slots__ = ()

    def __new__(cls, type: str = "cpu", index: int | None = None) -> Self:
        first = type_of(index) is int and index == 0
        if not isinstance(type, str) or type not in ("cpu", "cpu:0") or not (index is None or first):
            said = shown(type) if index is None else f"{shown(type)}, {shown(index)}"
            raise DTypeError(f"there is no device {said}", help=ONE)
        name = "cpu:0" if first else type
        return super().__new__(cls, name)

    @property
    def type(self) -> str:
        """The kind of device, "cpu"."""
        return str(self).partition(":")[0]

    @property
    def index(self) -> int | None:  # type: ignore[override]
        """The number of the device, if it was given."""
        return 0 if self.endswith(":0") else None

    def __repr__(self) -> str:
        return f"device(type='cpu'{'' if self.index is None else f', index={self.index}'})"


class Layout:
    """A layout of elements in memory; every tensor is strided, as far as it shows, and a sparse gradient sparse_coo."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"tenure.{self._name}"

    def __reduce__(self) -> str:
        return self._name


CPU, strided, sparse_coo = device("cpu"), Layout("strided"), Layout("sparse_coo")
