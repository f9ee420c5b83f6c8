"""Constructors of tensors of one dtype, by PyTorch's old names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tenure.dtypes import DType, bool_, float32, float64, int32, int64
from tenure.values.operations.creation import tensor
from tenure.values.operations.factories import empty
from tenure.values.operations.indexing import is_int

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

__all__ = ["BoolTensor", "DoubleTensor", "FloatTensor", "IntTensor", "LongTensor"]


def made(given: tuple[Any, ...], dtype: DType, device: str | None) -> Tensor:
    """Tensor of data, which is one argument, or of sizes."""
    if len(given) == 1 and not is_int(given[0]):
        return tensor(given[0], dtype=dtype, device=device)
    return empty(*given or (0,), dtype=dtype, device=device)


def _named(name: str, dtype: DType) -> Callable[..., Tensor]:
    def function(*given: ArrayLike, device: str | None = None) -> Tensor:
        return made(given, dtype, device)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""A tensor of {dtype.name}, of data or of sizes; as ``tn.tensor`` or ``tn.empty``.

    >>> tn.{name}([0, 1]).dtype, tn.{name}(2, 3).shape
    (tenure.{dtype.name}, (2, 3))
    """
    return function


BoolTensor = _named("BoolTensor", bool_)
DoubleTensor = _named("DoubleTensor", float64)
FloatTensor = _named("FloatTensor", float32)
IntTensor = _named("IntTensor", int32)
LongTensor = _named("LongTensor", int64)
