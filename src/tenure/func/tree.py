"""Nested lists, tuples and dicts of tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tenure.errors import DTypeError, ShapeError, following, shown
from tenure.values.tensor.tensor import Tensor


def leaves(tree: Any) -> list[Any]:
    """The tensors of a tree, in order; dicts by the order of their keys' insertion."""
    out: list[Any] = []
    try:
        _gather(tree, out)
    except RecursionError:
        raise ShapeError("a nested list contains itself, or is deeper than Python goes") from None
    return out


def _gather(tree: Any, out: list[Any]) -> None:
    if isinstance(tree, dict | list | tuple):
        for part in tree.values() if isinstance(tree, dict) else tree:
            _gather(part, out)
    else:
        out.append(tree)


def form(tree: Any) -> Any:
    """A tree with None for each leaf."""
    if isinstance(tree, dict):
        return {key: form(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        parts = [form(part) for part in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    return None


def rebuild(tree: Any, new: Iterator[Any]) -> Any:
    """A tree of the same form with other leaves."""
    if not isinstance(tree, dict | list | tuple):
        return following(new)
    if isinstance(tree, dict):
        return {key: rebuild(value, new) for key, value in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*[rebuild(value, new) for value in tree])
    return type(tree)([rebuild(value, new) for value in tree])


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """A tree of the same form with ``function`` applied to each leaf."""
    return rebuild(tree, iter([function(x) for x in leaves(tree)]))


def tensors(tree: Any, what: str) -> list[Any]:
    """The leaves, which must all be tensors or numbers."""
    found = leaves(tree)
    for x in found:
        if not isinstance(x, Tensor | float | int):
            raise DTypeError(f"{what} holds {shown(x)}, not a tensor")
    return found
