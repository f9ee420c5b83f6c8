"""The cell: a place that owns its elements, or a window of one that does, whatever library it is a face of.

A cell is a home place. Reading it gives its value at that moment, so every home function takes one. A write gives it
another value, and every name of the object sees that (``writes``). A view is a window (``windows``).
"""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn, Self

from tenure.torch.cells.spreading import count, spread
from tenure.torch.cells.turns import TURN, in_turn
from tenure.torch.cells.views import Views
from tenure.torch.cells.windows import described, look, present
from tenure.torch.cells.writes import Writes
from tenure.values.places.loans import absent
from tenure.values.places.var import Var
from tenure.values.rules.modes import no_grad
from tenure.values.tensor.tensor import Tensor as Value
from tenure.values.trace.record import RECORDER


def _through(name: str) -> Any:
    """Attribute of the present value, which is no read of its elements."""

    def get(self: Any) -> Any:
        try:
            value = self._val
        except AttributeError:
            value = described(self)
        return getattr(value, name)

    return property(get)


class Absent:
    """A name of the home library's places that a face does not have."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, x: Any, of: Any = None) -> Any:
        owner = f"type object {of.__name__!r}" if x is None else f"{type(x).__name__!r} object"
        raise AttributeError(f"{owner} has no attribute {self.name!r}", name=self.name, obj=x)

    def __set__(self, x: Any, value: Any) -> None:
        x.__dict__[self.name] = value


class Cell(Views, Writes, Var):  # type: ignore[misc]
    """A cell: every name of it sees what is written to it, and its views write through. Those are of the class
    ``_face``, as results are."""

    __slots__ = ("__dict__", "_layout", "_lent", "_window")
    _aval, _kind, _src, _rule = _through("_aval"), _through("_kind"), _through("_src"), _through("_rule")
    _face: ClassVar[Any]
    _is_replaced: ClassVar = True
    """Whether a gradient with a graph is another tensor than the one that it was added to."""
    requires_grad: Any
    _layout: Any
    _lent: Any
    _window: Any

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        return cls._blank()

    @classmethod
    def _blank(cls) -> Self:
        """Cell without contents."""
        x: Any = object.__new__(cls)
        x._leaf = x._loans = x._ties = x._window = x._layout = x._lent = None
        x._home = RECORDER.home
        x._borrows = ()
        return x  # type: ignore[no-any-return]

    @classmethod
    def _of(cls, value: Any) -> Any:
        """Cell that owns its elements, those of a home value."""
        x = cls._face._blank()
        x._val = value
        value._held = True
        return x

    def _read(self) -> Any:
        value = getattr(self, "_val", None)
        if value is None:
            return look(self)
        return value if type(value) is Value else self._healed(value)

    def _gone(self) -> Any:
        return absent(self)

    def _keep(self, new: Any, writer: Any = None, key: Any = ..., known: Any = None) -> bool:
        """Store new contents that are a leaf's if the tensor is one: the way of the home library's optimizers."""
        if self._window is not None or self._lent is not None or (self._leaf is None and self._val._kind.tracked):
            self._put(new, False)
            return True
        with TURN:
            new._held = True
            self._val = new
            count(self)
            if self._borrows:
                spread(self)
        return True

    @in_turn
    def _write(self, v: Any, writer: Any = None, key: Any = ..., **how: Any) -> bool:
        """Write as the home library does: a gradient that grows, statistics of a layer."""
        seen = how.get("seen")
        if seen is not None and present(self) is not seen:
            return False
        if key is ... and type(v) is Value and v._aval.shape == self._aval.shape:
            if seen is None or self._leaf is None:
                self._assign(v)
            else:
                no_grad().apply(self._assign, v)  # a gradient that is a leaf itself grows outside its graph
        else:
            self[key] = v if type(v) is not Value else self._of(v)
        return True

    def _expire(self, *args: Any) -> NoReturn:
        raise NotImplementedError

    def __hash__(self) -> int:
        return id(self)
