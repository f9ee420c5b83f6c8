"""Results of several parts: tuples with names, which print as PyTorch's (``torch.return_types.max``)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from operator import itemgetter
from typing import Any


class _Structure(tuple[Any, ...]):
    __slots__ = ()
    _names: tuple[str, ...] = ()

    def __repr__(self) -> str:
        parts = ",\n".join(f"{name}={part!r}" for name, part in zip(self._names, self, strict=True))
        return f"torch.return_types.{type(self).__name__}(\n{parts})"

    def __reduce__(self) -> Any:
        return _again, (type(self).__name__, self._names, tuple(self))


@cache
def structure(name: str, fields: tuple[str, ...]) -> type[_Structure]:
    """The class of a function's results: a tuple whose parts have names."""
    parts: dict[str, Any] = {field: property(itemgetter(k)) for k, field in enumerate(fields)}
    body = {"__slots__": (), "__module__": "torch.return_types", "_names": fields, "n_fields": len(fields), **parts}
    return type(name, (_Structure,), body)


def _again(name: str, fields: tuple[str, ...], parts: Iterable[Any]) -> Any:
    return structure(name, fields)(parts)
