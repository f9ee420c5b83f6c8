"""Buffers that say so: places that a module lists among its buffers when they are assigned to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.values.native.hits import add_place
from tenure.values.operations.arithmetic import detach
from tenure.values.operations.boundary import array_of, owned
from tenure.values.operations.factories import zeros
from tenure.values.operations.reading import value_of
from tenure.values.places.var import Var
from tenure.values.trace.given import flag

if TYPE_CHECKING:
    from tenure.values.tensor.typing import ArrayLike


class Buffer(Var):
    """A place that a module lists among its buffers: ``module.mean = nn.Buffer(x)`` is ``register_buffer("mean", x)``.

    Owns a place that starts with the value of ``data``, by default an empty one. One that is not ``persistent`` is
    left out of ``state_dict()``. A buffer is no differentiation leaf.

    >>> layer = nn.Module()
    >>> layer.mean = nn.Buffer(tn.zeros(2))
    >>> layer.state_dict()["mean"]
    tensor([0., 0.])
    """

    __slots__ = ("persistent",)

    def __init__(self, data: ArrayLike | None = None, *, persistent: bool = True) -> None:
        self.persistent = flag("persistent", persistent)
        super().__init__(zeros(0) if data is None else value_of(data))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuild, (type(self), array_of(self.detach()).copy(), self.persistent)

    def __copy__(self) -> Buffer:
        return type(self)(detach(self._read()), persistent=self.persistent)


def _rebuild(cls: Any, array: Any, persistent: bool) -> Any:
    return cls(owned(array), persistent=persistent)


add_place(Buffer)
