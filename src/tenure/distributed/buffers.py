"""Buffers of a module in training, by the way they become equal on all ranks.

Floating ones are averaged over the shards. Others are those of the first shard: small ones, such as the count of a
batch normalization, travel with the gradients, large ones by themselves.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tenure.nn.module import Module

SMALL = 4096
"""Bytes of a buffer that travels with the gradients, at most."""


class Buffers(NamedTuple):
    """The buffers of each kind."""

    floats: list[Any]
    small: list[Any]
    large: list[Any]

    @classmethod
    def of(cls, module: Module) -> Buffers:
        """The buffers of a module, none outside of training."""
        found = cls([], [], [])
        for b in module.buffers() if module.training else ():
            aval = b._read()._aval
            kind = found.floats if aval.dtype.has_gradient else found.small if aval.nbytes <= SMALL else found.large
            kind.append(b)
        return found

    @property
    def every(self) -> list[Any]:
        """All buffers, the averaged ones first."""
        return [*self.floats, *self.small, *self.large]

    @property
    def of_first(self) -> list[Any]:
        """The buffers that are those of the first shard."""
        return [*self.small, *self.large]
