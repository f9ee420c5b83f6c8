"""Pooling by the largest element, with the places of the elements: PyTorch's names of ``return_indices=True``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tenure.nn.functional import fractional, max_pooling
from tenure.values.trace.given import flag

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor


def both(function: Callable[..., Any], order: tuple[str, ...]) -> Callable[..., tuple[Tensor, Tensor]]:
    """A pooling function that always returns the pair (elements, places), whatever ``return_indices`` is.

    ``order`` are the names of the arguments by position.
    """

    def pooled(input: Any, *args: Any, return_indices: bool = True, **kwargs: Any) -> tuple[Tensor, Tensor]:
        if len(args) > len(order):
            raise TypeError(f"{pooled.__name__}: takes {len(order) + 1} arguments by position, not {len(args) + 1}")
        given = dict(zip(order, args, strict=False))
        flag(f"{pooled.__name__}: return_indices", given.pop("return_indices", return_indices))
        return function(input, **given, **kwargs, return_indices=True)  # type: ignore[no-any-return]

    pooled.__name__ = pooled.__qualname__ = f"{function.__name__}_with_indices"
    axes = int(function.__name__[-2])
    arguments = f"tn.ones{(1, *(4,) * axes)}, {'2, 2' if order is RATIO else 2}"
    pooled.__doc__ = f"""The pair of ``{function.__name__}``: the largest elements of windows, and their places.

    >>> [x.shape for x in F.{pooled.__name__}({arguments})]
    [{(1, *(2,) * axes)}, {(1, *(2,) * axes)}]
    """
    return pooled


WINDOW = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
SIZE = ("output_size", "return_indices")
RATIO = ("kernel_size", "output_size", "output_ratio", "return_indices", "_random_samples")

max_pool1d_with_indices = both(max_pooling.max_pool1d, WINDOW)
max_pool2d_with_indices = both(max_pooling.max_pool2d, WINDOW)
max_pool3d_with_indices = both(max_pooling.max_pool3d, WINDOW)
adaptive_max_pool1d_with_indices = both(max_pooling.adaptive_max_pool1d, SIZE)
adaptive_max_pool2d_with_indices = both(max_pooling.adaptive_max_pool2d, SIZE)
adaptive_max_pool3d_with_indices = both(max_pooling.adaptive_max_pool3d, SIZE)
fractional_max_pool2d_with_indices = both(fractional.fractional_max_pool2d, RATIO)
fractional_max_pool3d_with_indices = both(fractional.fractional_max_pool3d, RATIO)
