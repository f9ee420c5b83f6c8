"""``torch.Generator``: a stream of random numbers, with PyTorch's arguments and states that are tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from tenure.torch.cells import Tensor
from tenure.torch.devices import device
from tenure.torch.errors import TorchTypeError, refuse
from tenure.values.operations.creation import tensor as made
from tenure.values.operations.generator import Generator as Home

__all__ = ["Generator"]
USUAL = 67280421310721
"""The seed of a new generator, as in PyTorch."""
SIZE = 16
"""Bytes of a state: of a seed and the number of the next operation."""


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
        """The state, as a tensor of bytes: PyTorch's has another number of them."""
        return as_bytes(super().get_state())

    def set_state(self, new_state: Any) -> Generator:  # type: ignore[override]
        """Go on from where the state was taken; returns the generator itself."""
        super().set_state(of_bytes(new_state))
        return self

    def clone_state(self) -> Generator:
        """Another generator that goes on from the same place."""
        return Generator(self.device).set_state(self.get_state())

    def __reduce__(self) -> Any:
        return restored, (super().get_state(),)

    def __repr__(self) -> str:
        return f"<torch._C.Generator object at {id(self):#x}>"


def as_bytes(state: Any) -> Any:
    """A state of two numbers as a tensor of bytes."""
    return Tensor._of(made(np.asarray(state).view(np.uint8)))


def of_bytes(state: Any) -> Any:
    """The state that a tensor of bytes has; TypeError for no tensor, or one of another dtype, RuntimeError for another
    number of bytes."""
    if not isinstance(state, Tensor):
        raise refuse(f"expected a torch.ByteTensor, but got {type(state).__name__}", TorchTypeError)
    if state._aval.dtype.name != "uint8":
        raise refuse("RNG state must be a torch.ByteTensor", TorchTypeError)
    if state._aval.shape != (SIZE,):
        raise refuse(
            "RNG state is wrong size",
            help="give what get_rng_state() or get_state() gave: a state of"
            " PyTorch's own generator is of other random numbers",
        )
    return made(np.array(state._read()).view(np.int64))


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
