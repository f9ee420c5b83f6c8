"""Names of ``torch`` itself that are not in its index: the table's functions, dtypes, formats, older classes."""

from __future__ import annotations

from functools import partial
from typing import Any

from tenure.torch import devices, dtypes
from tenure.torch.cells import Tensor
from tenure.torch.names.functions import function
from tenure.torch.names.making import LEGACIES
from tenure.torch.names.rows import ROWS

OBJECTS: dict[str, Any] = {**dtypes.PUBLIC, **devices.PUBLIC, **LEGACIES}
WRITES = ("detach_", "zero_", "fill_", "resize_as_", "dropout_")


def named(name: str) -> Any:
    """Object of a name of ``torch``; AttributeError for one that is not there."""
    if name in OBJECTS:
        return OBJECTS[name]
    if name in ROWS["torch"]:
        return function("torch", name)
    if name.endswith("_") and (name[:-1] in ROWS["Tensor_"] or name in WRITES) and not name.startswith("_"):
        return getattr(Tensor, name)
    if name.endswith("_") and any("inplace" in r.parameters for r in ROWS["F"].get(name[:-1], ())):
        return partial(function("F", name[:-1]), inplace=True)
    raise AttributeError(f"module 'torch' has no attribute {name!r}", name=name)


def names() -> set[str]:
    """The names of ``torch`` that are found here."""
    return {*OBJECTS, *ROWS["torch"], *(f"{n}_" for n in ROWS["Tensor_"])}


def attach(place: str, space: dict[str, Any]) -> tuple[Any, Any]:
    """``__getattr__`` and ``__dir__`` of the module of a namespace, whose globals are ``space``."""
    module = space["__name__"].replace("tenure.torch", "torch")

    def get(name: str) -> Any:
        if name[-1] == "_" and any("inplace" in r.parameters for r in ROWS[place].get(name[:-1], ())):
            found: Any = partial(function(place, name[:-1]), inplace=True)
        elif name in ROWS[place]:
            found = function(place, name)
        else:
            raise AttributeError(f"module {module!r} has no attribute {name!r}", name=name)
        space[name] = found
        return found

    return get, lambda: sorted({*space, *ROWS[place]})
