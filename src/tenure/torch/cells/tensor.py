"""PyTorch's tensor: a cell with autograd, and arrays that share its elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenure.torch.cells.autograd import Autograd
from tenure.torch.cells.cell import Cell
from tenure.torch.cells.geometry import Layout
from tenure.torch.cells.leaving import Leaving
from tenure.torch.cells.parts import Parts
from tenure.torch.cells.steps import Step
from tenure.torch.cells.windows import Window
from tenure.values.native.hits import add_cell, add_place, coded, methods
from tenure.values.operations.creation import tensor as made
from tenure.values.tensor.tensor import Tensor as Value


class Tensor(Autograd, Leaving, Cell):  # type: ignore[misc]
    """A tensor with PyTorch's meaning: every name of it sees what is written to it, and its views write through.

    It owns its elements, or is a window of a tensor that does; reading a window that another name has written behind
    is refused (TN597), unless under ``torch.aliasing("pytorch")``.
    """

    __slots__ = ()
    __module__ = "torch"

    def __init__(self, *data: Any, **kwargs: Any) -> None:
        self._val = value = made(data[0]) if data else made([])
        value._held = True


@coded
def cell(value: Any) -> Tensor:
    """Tensor that owns its elements, those of a home value."""
    x = Tensor._blank()
    x._val = value
    value._held = True
    return x


Tensor._of = staticmethod(cell)  # type: ignore[method-assign]
add_cell(Tensor, window=Window, step=Step, layout=Layout)
Tensor._face = Tensor
add_place(Tensor)
methods(Parts, __getitem__="part")


def wrap(x: Any) -> Any:
    """A home value as a tensor that owns it; several in a tuple, list or dict likewise; anything else as it is."""
    if type(x) is Value:
        return Tensor._of(x)
    if isinstance(x, tuple | list | dict):
        return mapped(wrap, x)
    if isinstance(x, Value) and not isinstance(x, Tensor):
        return Tensor._of(x._read())
    return x


def unwrap(x: Any) -> Any:
    """A tensor as its value now; several in a tuple, list or dict likewise; anything else as it is."""
    if isinstance(x, Tensor):
        return x._read()
    return mapped(unwrap, x)


OUTER: dict[type, Any] = {}
"""For tuples with names that are home classes of their own: the face's."""


def mapped(f: Callable[[Any], Any], x: Any) -> Any:
    """A tuple, list or dict, with names or without, whose parts went through a function; other classes as they are."""
    kind = type(x)
    if kind is dict:
        return {k: f(v) for k, v in x.items()}
    if kind is tuple or kind is list:
        return kind([f(v) for v in x])
    if not isinstance(x, tuple):
        return x
    if hasattr(x, "_fields"):
        return OUTER.get(kind, kind)(*[f(v) for v in x])
    return kind([f(v) for v in x]) if hasattr(x, "n_fields") else x
