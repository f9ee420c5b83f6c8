"""Methods of PyTorch that a value does not have, each with the advice for its error."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tenure.errors import WriteError
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor


def _refusal(name: str) -> property:
    def refuse(x: Any) -> Any:
        x._read()
        plain = hasattr(Tensor, name[:-1])
        raise WriteError(
            f"{name}() would change a value",
            at=site(here()),
            help=(f"take the new value, `x = x.{name[:-1]}(…)`, or " if plain else "") + "make a place: `x = x.mut()`",
        )

    return property(refuse)


def refuse_in_place(names: Iterable[str]) -> None:
    """TN594 for these methods of places on values. (Not by ``__getattr__``: it would slow every attribute.)"""
    for name in names:
        if not hasattr(Tensor, name):
            setattr(Tensor, name, _refusal(name))


OWN = "memory is not the user's concern; x.numpy() gives a copy, read-only"
SHAPED = "a place keeps its shape; the method without the underscore gives a value of the new one"
MEMORY = {
    **dict.fromkeys(("storage", "untyped_storage", "data_ptr", "stride", "is_contiguous", "storage_offset"), OWN),
    **dict.fromkeys(("resize_", "transpose_", "t_", "squeeze_", "unsqueeze_", "swapaxes_"), SHAPED),
    "share_memory_": "what several processes write is a tn.Shared(value)",
    "detach_": "x.detach() gives a value without a graph",
    **dict.fromkeys(("cuda", "pin_memory"), "there is one device, the CPU"),
}
"""PyTorch's names for memory that several tensors share, each with the advice for its error."""


def _missing(name: str, instead: str) -> property:
    def refuse(x: Any) -> Any:
        raise AttributeError(f"a tensor has no attribute {name!r}: {instead}", name=name, obj=x)

    return property(refuse)


for _name, _instead in MEMORY.items():
    setattr(Tensor, _name, _missing(_name, _instead))
