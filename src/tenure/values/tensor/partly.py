"""Partial writes outside the graph: the written elements are constants, the rest keeps its gradient.

    v = (p * 3).mut()
    with no_grad(): v[0] = 5.0        v is still computed from p, but for its first element
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenure.values.operations import indexing, keys, scattering
from tenure.values.operations.arithmetic import detach, where
from tenure.values.rules.modes import enable_grad
from tenure.values.tensor.tensor import Tensor


def written(x: Any, key: Any, v: Any) -> Any:
    """x with v at x[key]. Where v has no graph, and is written to all of x, nothing of the graph is left."""
    plain = not (isinstance(v, Tensor) and v._kind.tracked)
    if plain and keys.is_basic(key) and all(entry == ":" for entry in keys.parse(key, x._aval.shape)[0]):
        return indexing.written(x, key, v)
    return enable_grad().apply(indexing.written, x, key, v)


def changed(name: str, x: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Result of a method that changes some elements, with x's graph at the others."""
    args = tuple([constant(a) for a in args])
    kwargs = {k: constant(a) for k, a in kwargs.items()}
    new = getattr(detach(x), name)(*args, **kwargs)
    return enable_grad().apply(PARTS[name], x, new, *args, **kwargs)


def constant(v: Any) -> Any:
    """An argument without its graph."""
    return detach(v) if isinstance(v, Tensor) else v


def _along(x: Any, new: Any, dim: int, index: Any, *_: Any, **__: Any) -> Any:
    return x.scatter(dim, index, new.gather(dim, index))


def _rows(x: Any, new: Any, dim: int, index: Any, *_: Any, **__: Any) -> Any:
    return x.index_copy(dim, index, new.index_select(dim, index))


def _masked(x: Any, new: Any, mask: Any, *_: Any, **__: Any) -> Any:
    return where(mask, new, x)


def _put(x: Any, new: Any, indices: Any, *_: Any, **__: Any) -> Any:
    key = scattering.key_of(indices)
    return x.at[key].set(new[key])


PARTS: dict[str, Callable[..., Any]] = {
    "scatter": _along,
    "scatter_add": _along,
    "scatter_reduce": _along,
    "index_add": _rows,
    "index_copy": _rows,
    "index_fill": _rows,
    "masked_fill": _masked,
    "masked_scatter": _masked,
    "index_put": _put,
}
"""In-place methods by name, each with the function that puts the elements it changes, of a new value, into another."""
