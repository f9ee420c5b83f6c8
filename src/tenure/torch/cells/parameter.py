"""Parameters: leaves that modules list, and share the elements of what they are made of."""

from __future__ import annotations

from typing import Any

from tenure.torch.cells.tensor import Tensor
from tenure.torch.cells.windows import Window, look, note_window, take
from tenure.values.native.hits import add_place, know
from tenure.values.operations.arithmetic import detach
from tenure.values.operations.creation import tensor as made
from tenure.values.places import parameter
from tenure.values.rules.sites import here


class Parameter(Tensor, parameter.Parameter):  # type: ignore[misc]
    """A tensor that a module lists among its parameters: a leaf, which shares the elements of ``data``."""

    __slots__ = ()
    __module__ = "torch.nn.parameter"

    def __init__(self, data: Any = None, requires_grad: bool = True, **more: Any) -> None:
        if self._window is not None or hasattr(self, "_val"):
            return  # made by a subclass
        self._born = next(parameter.BIRTHS)
        self._holders = None
        if isinstance(data, Tensor) and (data._window or data._borrows or data._leaf or data._lent):
            take(data, self, None)
        elif isinstance(data, Tensor):
            value = look(data)
            self._val = detach(value)
            self._val._held = True
            self._home, self._layout = data._home, data._layout
            shared_with(data, self, value)
        else:
            self._val = made([] if data is None else data)
        if requires_grad:
            self.requires_grad_()

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"

    __str__ = __repr__


def shared_with(x: Any, owner: Any, node: Any) -> None:
    """Make x, an owner without windows, a window of all of another tensor's elements, which were its own."""
    w = x._window = Window(owner, owner, None, True, here())
    w.node = node if node._kind.tracked else None
    note_window(owner, x)


add_place(Parameter)
know("cell_leaf", Parameter)


def subclass(cls: Any, data: Any, require_grad: bool = False) -> Any:
    """A tensor of a subclass that shares the elements of another (``Tensor._make_subclass``)."""
    x = cls._blank()
    if issubclass(cls, Parameter):
        Parameter.__init__(x, data, require_grad)
        return x
    take(data, x, None)
    return x.requires_grad_() if require_grad else x


Tensor._make_subclass = staticmethod(subclass)  # type: ignore[attr-defined]
