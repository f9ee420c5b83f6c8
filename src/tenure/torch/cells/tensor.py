"""The face's tensor: a cell that owns its elements, or a window of one.

A cell is a home place. Reading it gives its value at that moment, so every home function takes one. A write gives it
another value, and every name of the object sees that (``writes``). A view is a window (``windows``).
"""

from __future__ import annotations

from typing import Any, NoReturn, Self

from tenure.torch.cells.autograd import Autograd
from tenure.torch.cells.geometry import Layout
from tenure.torch.cells.leaving import Leaving
from tenure.torch.cells.parts import Parts
from tenure.torch.cells.steps import Step
from tenure.torch.cells.views import Views
from tenure.torch.cells.windows import Window, look, present, spread
from tenure.torch.cells.writes import Writes
from tenure.values.native.hits import add_cell, add_place, coded, methods
from tenure.values.operations.creation import tensor as made
from tenure.values.places.loans import absent
from tenure.values.places.var import Var
from tenure.values.tensor.tensor import Tensor as Value
from tenure.values.trace.record import RECORDER


def _through(name: str) -> Any:
    """Attribute of the present value, which is no read of its elements."""

    def get(self: Any) -> Any:
        try:
            value = self._val
        except AttributeError:
            value = present(self)
        return getattr(value, name)

    return property(get)


class Tensor(Views, Writes, Autograd, Leaving, Var):  # type: ignore[misc]
    """A tensor with PyTorch's meaning: every name of it sees what is written to it, and its views write through.

    It owns its elements, or is a window of a tensor that does; reading a window that another name has written behind
    is refused (TN597), unless under ``torch.aliasing("pytorch")``.
    """

    __slots__ = ("__dict__", "_layout", "_lent", "_window")
    __module__ = "torch"
    _aval, _kind, _src, _rule = _through("_aval"), _through("_kind"), _through("_src"), _through("_rule")
    requires_grad: Any
    _layout: Any
    _lent: Any
    _window: Any

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        return cls._blank(cls)  # type: ignore[return-value]

    def __init__(self, *data: Any, **kwargs: Any) -> None:
        self._val = value = made(data[0]) if data else made([])
        value._held = True

    @staticmethod
    def _blank(cls: type | None = None) -> Tensor:
        """Tensor without contents, of a class."""
        x: Any = object.__new__(cls or Tensor)
        x._leaf = x._loans = x._ties = x._window = x._layout = x._lent = None
        x._home = RECORDER.vmap
        x._borrows = ()
        return x  # type: ignore[no-any-return]

    _of: Any
    def _read(self) -> Any:
        try:
            value = self._val
        except AttributeError:
            return look(self)
        return value if type(value) is Value else self._healed(value)

    def _gone(self) -> Any:
        return absent(self)

    def _keep(self, new: Any, writer: Any = None, key: Any = ..., known: Any = None) -> bool:
        """Store new contents that are a leaf's if the tensor is one: the way of the home library's optimizers."""
        if self._window is not None or self._lent is not None:
            self._put(new, False)
            return True
        new._held = True
        self._val = new
        if self._borrows:
            spread(self)
        return True

    def _write(self, v: Any, writer: Any = None, key: Any = ..., **how: Any) -> bool:
        """Write as the home library does: a gradient that grows, statistics of a layer."""
        seen = how.get("seen")
        if seen is not None and present(self) is not seen:
            return False
        if key is ... and type(v) is Value and v._aval.shape == self._aval.shape:
            self._assign(v)
        else:
            self[key] = v if type(v) is not Value else Tensor._of(v)
        return True

    def _expire(self, *args: Any) -> NoReturn:
        raise NotImplementedError

    def __hash__(self) -> int:
        return id(self)


@coded
def cell(value: Any) -> Tensor:
    """Tensor that owns its elements, those of a home value."""
    x = Tensor._blank()
    x._val = value
    value._held = True
    return x


Tensor._of = staticmethod(cell)
add_cell(Tensor, window=Window, step=Step, layout=Layout)
Tensor._face = Tensor  # type: ignore[attr-defined]
add_place(Tensor)
methods(Parts, __getitem__="part")


def wrap(x: Any) -> Any:
    """A home value as a tensor that owns it; several in a tuple, list or dict likewise; anything else as it is."""
    if type(x) is Value:
        return Tensor._of(x)
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*[wrap(v) for v in x])
    if type(x) in (tuple, list):
        return type(x)([wrap(v) for v in x])
    if type(x) is dict:
        return {k: wrap(v) for k, v in x.items()}
    if isinstance(x, Value) and not isinstance(x, Tensor):
        return Tensor._of(x._read())
    return x


def unwrap(x: Any) -> Any:
    """A tensor as its value now; several in a tuple, list or dict likewise; anything else as it is."""
    if isinstance(x, Tensor):
        return x._read()
    if type(x) in (tuple, list):
        return type(x)([unwrap(v) for v in x])
    if type(x) is dict:
        return {k: unwrap(v) for k, v in x.items()}
    return x
