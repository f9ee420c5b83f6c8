"""Inspection of the namespace, as the Python array API standard (2024.12) has it."""

from __future__ import annotations

from typing import Any

from tenure import dtypes
from tenure.dtypes import DTYPES, DType, isdtype
from tenure.errors import following
from tenure.values.operations.creation import check_device
from tenure.values.trace.given import MOST_AXES

VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")
"""Versions of the array API standard, each of which holds the ones before it."""
__array_api_version__ = VERSIONS[-1]


class Namespace:
    """Facts of the library for code that is written for any array library."""

    __slots__ = ()

    def capabilities(self) -> dict[str, Any]:
        """The optional parts of the standard that are there, and the largest number of axes.

        >>> tn.__array_namespace_info__().capabilities()["max dimensions"]
        64
        """
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": MOST_AXES}

    def default_device(self) -> str:
        """The device of tensors for which none is named.

        >>> tn.__array_namespace_info__().default_device()
        'cpu'
        """
        return "cpu"

    def devices(self) -> list[str]:
        """The devices that there are.

        >>> tn.__array_namespace_info__().devices()
        ['cpu']
        """
        return ["cpu"]

    def default_dtypes(self, *, device: str | None = None) -> dict[str, DType]:
        """The dtypes of tensors for which none is named, by kind. DTypeError (TN802) for another device.

        >>> tn.__array_namespace_info__().default_dtypes()["integral"]
        tenure.int64
        """
        check_device(device)
        by_kind = {kind: self.dtypes(kind=kind) for kind in ("real floating", "complex floating", "integral")}
        found = {kind: following(iter(known.values())) for kind, known in by_kind.items() if known}
        found |= {"real floating": dtypes.default_float, "integral": dtypes.default_int}
        return found | {"indexing": dtypes.int64}

    def dtypes(
        self, *, device: str | None = None, kind: str | tuple[str, ...] | None = None
    ) -> dict[str, DType]:
        """The standard's dtypes of a kind, or of several, by name; all unless given. ``kind`` is as in ``isdtype``.

        DTypeError (TN802) for another kind or device.

        >>> list(tn.__array_namespace_info__().dtypes(kind="signed integer"))
        ['int8', 'int16', 'int32', 'int64']
        """
        check_device(device)
        standard = [d for d in DTYPES if d.itemsize >= 4 or not d.is_floating]
        return {d.name: d for d in standard if kind is None or isdtype(d, kind)}


def __array_namespace_info__() -> Namespace:
    """Information on the library for code that is written for any array library (array API, 2024.12).

    >>> tn.__array_namespace_info__().default_dtypes()["real floating"]
    tenure.float32
    """
    return Namespace()
