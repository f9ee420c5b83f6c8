"""Nested lists, tuples and dicts of tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tenure.errors import DTypeError, following
from tenure.values.tensor import Tensor


def leaves(tree: Any) -> list[Any]:
    """The tensors of a tree, in order; dicts by the order of their keys' insertion."""
    return list(_leaves(tree))


def _leaves(tree: Any) -> Iterator[Any]:
    if isinstance(tree, dict):
        for value in tree.values():
            yield from _leaves(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from _leaves(value)
    else:
        yield tree


def rebuild(tree: Any, new: Iterator[Any]) -> Any:
    """A tree of the same form with other leaves."""
    if isinstance(tree, dict):
        return {key: rebuild(value, new) for key, value in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*[rebuild(value, new) for value in tree])
    if isinstance(tree, list | tuple):
        return type(tree)([rebuild(value, new) for value in tree])
    return following(new)


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """A tree of the same form with ``function`` applied to each leaf."""
    return rebuild(tree, iter([function(x) for x in leaves(tree)]))


def tensors(tree: Any, what: str) -> list[Any]:
    """The leaves, which must all be tensors or numbers."""
    found = leaves(tree)
    for x in found:
        if not isinstance(x, Tensor | float | int):
            raise DTypeError(f"{what} holds a {type(x).__name__}, not a tensor")
    return found
