"""The methods of a tensor: those of the table, made when first asked for, and none of the home library's own."""

from __future__ import annotations

from typing import Any

from tenure.errors import following
from tenure.torch.cells import Tensor
from tenure.torch.cells.cell import Absent
from tenure.torch.cells.turns import in_turn
from tenure.torch.cells.windows import take
from tenure.torch.dtypes import get_default_dtype
from tenure.torch.names.functions import function
from tenure.torch.names.kinds import CASTS, RANDOM, RESEATED, cast, drawn, reseated
from tenure.torch.names.making import older
from tenure.torch.names.methods import Methods
from tenure.torch.names.operators import STEPS
from tenure.torch.names.overriding import Dispatch
from tenure.torch.names.rows import ROWS
from tenure.values.places.var import Var


class Late:
    """Method that is made of the table's rows when it is first asked for, and then stands in the class itself."""

    def __init__(self, place: str, name: str) -> None:
        self.place, self.name = place, name

    def __get__(self, x: Any, of: Any = None) -> Any:
        made = function(self.place, self.name)
        setattr(Tensor, f"{self.name}_" if self.place == "Tensor_" else self.name, made)
        return made if x is None else made.__get__(x, of)


def begun(self: Any, *data: Any, device: Any = None, **more: Any) -> None:
    """``torch.Tensor(…)``: of sizes, or of elements in the default dtype; of a tensor, a window of it. A subclass that
    makes its tensors itself has arguments of its own."""
    if self._window is not None or hasattr(self, "_val"):
        return
    if more:
        raise TypeError(f"Tensor() got an unexpected keyword argument {following(iter(more))!r}")
    made = older(get_default_dtype().home, data, device)
    if data and made is data[0]:
        take(made, self, None)
        return
    self._val = made._read()
    self._val._held = True


def new(cls: Any, *data: Any, **more: Any) -> Any:
    """A tensor that is yet to be filled; one of a subclass of the program's, filled: its ``__init__`` is its own."""
    x = cls._blank()
    if not Dispatch.classes.isdisjoint(cls.__mro__):
        begun(x, *data, **more)
    return x


def install() -> None:
    """Give the class of tensors its methods."""
    for name, value in OWN.items():
        setattr(Tensor, name, value)
    cells = {n for of in Tensor.__mro__ if of.__module__.startswith(("tenure.torch", "torch")) for n in vars(of)}
    for place, end in (("Tensor", ""), ("Tensor_", "_")):
        for name in ROWS[place]:
            if f"{name}{end}" not in cells:
                setattr(Tensor, f"{name}{end}", Late(place, name))
    for name in dir(Tensor):
        if name.endswith("_") and name[0] != "_" and type(vars(Tensor).get(name)) is not Late:
            method = getattr(Tensor, name)
            if callable(method):
                setattr(Tensor, name, in_turn(method))
    for name in dir(Var):
        if not name.startswith("_") and name not in cells and name not in vars(Tensor):
            setattr(Tensor, name, Absent(name))


PLAIN = ("__slots__", "__module__", "__dict__", "__doc__", "__weakref__")
OWN: dict[str, Any] = {
    "__new__": staticmethod(new),
    "__init__": begun,
    **{n: v for n, v in vars(Methods).items() if n not in PLAIN},
    **STEPS,
    **{n: cast(n) for n in CASTS},
    **{n: drawn(n) for n in RANDOM},
    **{n: reseated(n) for n in RESEATED},
}
"""Attributes and methods beside the table."""

install()
