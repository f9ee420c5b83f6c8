"""``torch._utils``: tensors joined to one and parted again, and errors that are carried from a worker."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

from tenure.torch.names.functions import function


def _flatten_dense_tensors(tensors: Sequence[Any]) -> Any:
    """The elements of tensors of one dtype, one after the other."""
    return function("torch", "cat")([t.contiguous().view(-1) for t in tensors], dim=0)


def _unflatten_dense_tensors(flat: Any, tensors: Sequence[Any]) -> tuple[Any, ...]:
    """Parts of a vector, in the shapes of tensors."""
    found, at = [], 0
    for t in tensors:
        found.append(flat.narrow(0, at, t.numel()).view_as(t))
        at += t.numel()
    return tuple(found)


def _reorder_tensors_as(tensors: Sequence[Any], ordered_tensors: Sequence[Any]) -> tuple[Any, ...]:
    """Tensors in the order of the types of others."""
    waiting: dict[str, list[Any]] = {}
    for t in tensors:
        waiting.setdefault(t.type(), []).append(t)
    return tuple(waiting[t.type()].pop(0) for t in ordered_tensors)


def _take_tensors(tensors: Sequence[Any], size_limit: int) -> Iterator[list[Any]]:
    """Tensors in groups of one type, of a size in bytes at most, unless one alone is larger."""
    groups: dict[str, list[Any]] = {}
    for t in tensors:
        group = groups.setdefault(t.type(), [])
        if group and sum(x.nbytes for x in group) + t.nbytes > size_limit:
            yield group
            group = groups[t.type()] = []
        group.append(t)
    yield from (group for group in groups.values() if group)


def _import_dotted_name(name: str) -> Any:
    """The object of a dotted name."""
    first, *rest = name.split(".")
    found: Any = importlib.import_module(first)
    for part in rest:
        found = getattr(found, part)
    return found


def _get_device_index(device: Any, optional: bool = False, allow_cpu: bool = False) -> int:
    """The number of a device: −1 of the CPU where that is allowed."""
    if isinstance(device, int):
        return device
    if (device is None and optional) or allow_cpu:
        return -1
    raise ValueError(f"Expected a torch.device with a specified index or an integer, but got:{device}")


class KeyErrorMessage(str):
    """Text that a KeyError shows as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def caught(kind: Any, where: str, trace: str) -> Exception:
    """An exception of a class, whose message tells where one was caught and has its traceback."""
    said = f"Caught {kind.__name__} {where}.\nOriginal {trace}"
    try:
        error = kind(KeyErrorMessage(said) if kind is KeyError else said)
    except Exception:
        error = RuntimeError(said)
    return error if isinstance(error, Exception) else RuntimeError(said)


class ExceptionWrapper:
    """An exception as text, to be raised again in another thread or process."""

    def __init__(self, exc_info: Any = None, where: str = "in background") -> None:
        kind, value, trace = sys.exc_info() if exc_info is None else exc_info
        self.exc_type: Any = kind
        self.exc_msg = "".join(traceback.format_exception(kind, value, trace))
        self.where = where

    def reraise(self) -> None:
        """Raise an exception of the same class, whose message tells where the first one was."""
        raise caught(self.exc_type, self.where, self.exc_msg) from None
