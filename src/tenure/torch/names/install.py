"""The methods of a tensor: those of the table, made when first asked for, and none of the home library's own."""

from __future__ import annotations

from typing import Any

from tenure.torch.cells import Tensor
from tenure.torch.names.functions import function
from tenure.torch.names.methods import CASTS, RANDOM, Methods, cast, drawn
from tenure.torch.names.operators import STEPS
from tenure.torch.names.rows import ROWS
from tenure.values.places.var import Var


class Late:
    """Method that is made of the table's rows when it is first asked for, and then stands in the class itself."""

    def __init__(self, place: str, name: str) -> None:
        self.place, self.name = place, name

    def __get__(self, x: Any, of: Any = None) -> Any:
        made = function(self.place, self.name)
        setattr(Tensor, made.__name__, made)
        return made if x is None else made.__get__(x, of)


class Absent:
    """A name of the home library that PyTorch's tensors do not have."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, x: Any, of: Any = None) -> Any:
        owner = "type object 'Tensor'" if x is None else "'Tensor' object"
        raise AttributeError(f"{owner} has no attribute {self.name!r}", name=self.name, obj=x)

    def __set__(self, x: Any, value: Any) -> None:
        x.__dict__[self.name] = value


def install() -> None:
    """Give the class of tensors its methods."""
    own = {name for of in Tensor.__mro__ if of.__module__.startswith(("tenure.torch", "torch")) for name in vars(of)}
    mine = {**{n: v for n, v in vars(Methods).items() if n not in ("__slots__", "__module__", "__dict__", "__doc__")},
            **STEPS, **{n: cast(n) for n in CASTS}, **{n: drawn(n) for n in RANDOM}}  # fmt: skip
    for name, value in mine.items():
        setattr(Tensor, name, value)
    inherited = {n for n in vars(Tensor) if getattr(vars(Tensor)[n], "__qualname__", "") == n}
    for place, end in (("Tensor", ""), ("Tensor_", "_")):
        for name in ROWS[place]:
            if f"{name}{end}" not in mine and (f"{name}{end}" not in own or f"{name}{end}" in inherited):
                setattr(Tensor, f"{name}{end}", Late(place, name))
    for name in dir(Var):
        given = vars(Tensor).get(name)
        if not name.startswith("_") and (name not in own and given is None or (name in inherited and name not in mine
                                                                               and not isinstance(given, Late))):
            setattr(Tensor, name, Absent(name))


install()
