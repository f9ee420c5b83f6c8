"""``torch.Generator``: a stream of random numbers, with PyTorch's arguments and states that are tensors."""

from __future__ import annotations

from typing import Any

from tenure.torch.cells import Tensor
from tenure.torch.devices import device
from tenure.torch.errors import refuse
from tenure.values.operations.generator import Generator as Home

__all__ = ["Generator"]
USUAL = 67280421310721
"""The seed of a new generator, as in PyTorch."""


class Generator(Home):
    """A stream of random numbers on the CPU; RuntimeError for another device."""

    __slots__ = ("device",)
    __module__ = "torch._C"

    def __init__(self, device: Any = "cpu") -> None:
        super().__init__(USUAL)
        self.device = on_the_cpu(device)

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream of a seed; returns the generator itself."""
        super().manual_seed(seed)
        return self

    def get_state(self) -> Any:
        """The state, as a tensor."""
        return Tensor._of(super().get_state())

    def set_state(self, new_state: Any) -> Generator:  # type: ignore[override]
        """Go on from where the state was taken; returns the generator itself."""
        super().set_state(new_state._read())
        return self

    def clone_state(self) -> Generator:
        """Another generator that goes on from the same place."""
        return Generator(self.device).set_state(self.get_state())

    def __reduce__(self) -> Any:
        return restored, (super().get_state(),)

    def __repr__(self) -> str:
        return f"<torch._C.Generator object at {id(self):#x}>"


def on_the_cpu(asked: Any) -> device:
    """The device asked for, the CPU; RuntimeError for another."""
    found = device(asked)
    if found.type != "cpu":
        raise refuse(f"Device type {found.type.upper()} is not supported for torch.Generator() api.")
    return found


def restored(state: Any) -> Generator:
    """The generator of a pickled state."""
    made = Generator()
    Home.set_state(made, state)
    return made
