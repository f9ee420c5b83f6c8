"""Pooling by the largest element of windows at random places."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from tenure.errors import DTypeError, ShapeError
from tenure.nn.functional.convolution import Sizes, sizes_of
from tenure.nn.functional.pooling import of_axes
from tenure.values.operations.creation import tensor
from tenure.values.operations.lookup import gather
from tenure.values.operations.ranges import arange
from tenure.values.operations.reading import value_of
from tenure.values.tensor.random import rand
from tenure.values.trace.given import flag, number

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


@overload
def fractional_max_pool2d(
    input: ArrayLike, kernel_size: Sizes, output_size: Sizes | None = None, output_ratio: Any = None,
    return_indices: Literal[False] = False, _random_samples: ArrayLike | None = None,
) -> Tensor: ...  # fmt: skip
@overload
def fractional_max_pool2d(
    input: ArrayLike, kernel_size: Sizes, output_size: Sizes | None = None, output_ratio: Any = None, *,
    return_indices: Literal[True], _random_samples: ArrayLike | None = None,
) -> tuple[Tensor, Tensor]: ...  # fmt: skip
def fractional_max_pool2d(
    input: ArrayLike, kernel_size: Sizes, output_size: Sizes | None = None, output_ratio: Any = None,
    return_indices: bool = False, _random_samples: ArrayLike | None = None,
) -> Tensor | tuple[Tensor, Tensor]:  # fmt: skip
    """The largest element of windows that lie at random places over two axes, in order; with their places, if asked.

    Shapes: input (N, C, H, W) or (C, H, W); the result has ``output_size``, or the input's times ``output_ratio``,
    between 0 and 1. ``_random_samples`` (N, C, 2) in [0, 1) say where the windows lie. ValueError unless one of size
    and ratio is given; ShapeError (TN802) where so many windows do not fit. Source: Graham, arXiv:1412.6071.

    >>> F.fractional_max_pool2d(tn.ones(1, 1, 5, 5), 2, output_size=3).shape
    (1, 1, 3, 3)
    """
    form = (kernel_size, output_size, output_ratio, return_indices, _random_samples)
    return _fractional("fractional_max_pool2d", 2, input, *form)  # type: ignore[no-any-return]


@overload
def fractional_max_pool3d(
    input: ArrayLike, kernel_size: Sizes, output_size: Sizes | None = None, output_ratio: Any = None,
    return_indices: Literal[False] = False, _random_samples: ArrayLike | None = None,
) -> Tensor: ...  # fmt: skip
@overload
def fractional_max_pool3d(
    input: ArrayLike, kernel_size: Sizes, output_size: Sizes | None = None, output_ratio: Any = None, *,
    return_indices: Literal[True], _random_samples: ArrayLike | None = None,
) -> tuple[Tensor, Tensor]: ...  # fmt: skip
def fractional_max_pool3d(
    input: ArrayLike, kernel_size: Sizes, output_size: Sizes | None = None, output_ratio: Any = None,
    return_indices: bool = False, _random_samples: ArrayLike | None = None,
) -> Tensor | tuple[Tensor, Tensor]:  # fmt: skip
    """The largest element of windows that lie at random places over three axes, as ``fractional_max_pool2d``.

    Shapes: input (N, C, D, H, W) or (C, D, H, W), ``_random_samples`` (N, C, 3). ShapeError (TN802) where so many
    windows do not fit.

    >>> F.fractional_max_pool3d(tn.ones(1, 1, 5, 5, 5), 2, output_ratio=0.5).shape
    (1, 1, 2, 2, 2)
    """
    form = (kernel_size, output_size, output_ratio, return_indices, _random_samples)
    return _fractional("fractional_max_pool3d", 3, input, *form)  # type: ignore[no-any-return]


def checked_sizes(name: str, n: int, size: Any, ratio: Any) -> tuple[Any, Any]:
    """Sizes of the result, or their ratios to those of the input, the other None."""
    if (size is None) is (ratio is None):
        raise ValueError(f"{name}: one of output_size and output_ratio is given, not both")
    if size is not None:
        return sizes_of(name, "output_size", size, n), None
    ratios = tuple(ratio) if isinstance(ratio, tuple | list) else (ratio,) * n
    if len(ratios) != n:
        raise ShapeError(f"{name}: output_ratio has {len(ratios)} numbers, for {n} axes")
    found = tuple([float(number(name, "output_ratio", r)) for r in ratios])
    if not all(0 < r < 1 for r in found):
        raise ValueError(f"{name}: output_ratio lies between 0 and 1, and {found} does not")
    return None, found


def _fractional(
    name: str, n: int, input: Any, kernel: Any, size: Any, ratio: Any, return_indices: Any, samples: Any
) -> Any:
    x, window = of_axes(name, input, n), sizes_of(name, "kernel_size", kernel, n)
    if not x.dtype.is_floating:
        raise DTypeError(f"{name} of {x.dtype.name}", help="the input is floating")
    size, ratio = checked_sizes(name, n, size, ratio)
    axes = x.shape[x.ndim - n :]
    if ratio is not None:
        size = tuple([int(a * r) for a, r in zip(axes, ratio, strict=True)])
    for a, out, k in zip(axes, size, window, strict=True):
        if out < 1 or out + k - 1 > a:
            raise ShapeError(f"{name}: {out} windows of {k} in an axis of {a}; at least 1 and at most {a - k + 1} fit")
    lead = (1, *x.shape[:1]) if x.ndim == n + 1 else x.shape[:2]
    wanted = (*lead, n)
    draws = rand(wanted, dtype=x.dtype) if samples is None else value_of(samples)
    if draws.shape != wanted or draws.dtype is not x.dtype:
        said = f"{list(draws.shape)} and {draws.dtype.name}, not {list(wanted)} and {x.dtype.name}"
        raise ShapeError(f"{name}: _random_samples are of shape {said}")
    # PyTorch takes the first draw for the last axis of two, and for the first of three
    order = (1, 0) if n == 2 else (0, 1, 2)
    starts = [_starts(draws[..., order[k]], axes[k], size[k], window[k]) for k in range(n)]
    places = _places(starts, axes, size, window)
    rows = gather(x.reshape(*lead, prod(axes)), 2, places.flatten(2)).reshape(places.shape)
    best = rows.argmax(axis=-1, keepdims=True)
    shape = (*x.shape[: x.ndim - n], *size)
    found = gather(rows, -1, best).reshape(shape)
    return (found, gather(places, -1, best).reshape(shape)) if flag("return_indices", return_indices) else found


def _starts(draw: Any, length: int, count: int, window: int) -> Any:
    """The begin of each window along an axis, for each channel: (N, C, count)."""
    last = length - window
    if count == 1:
        return (draw * 0.0).long().unsqueeze(-1) + last
    step = last / (count - 1)
    at = ((arange(count, dtype=draw.dtype) + draw.unsqueeze(-1)) * step).floor() - (draw * step).floor().unsqueeze(-1)
    at = at.long()
    ends = tensor(np.arange(count) == count - 1)
    return at * ends.logical_not().long() + ends.long() * last


def _places(starts: list[Any], axes: tuple[int, ...], size: tuple[int, ...], window: tuple[int, ...]) -> Any:
    """The places of all elements of all windows in a flat channel: (N, C, windows, elements)."""
    n, total, stride = len(axes), None, 1
    for k in reversed(range(n)):
        at = starts[k].unsqueeze(-1) + arange(window[k])  # (N, C, count, window)
        shape = [1] * (2 * n)
        shape[k], shape[n + k] = size[k], window[k]
        part = at.reshape(*at.shape[:2], *shape) * stride
        total, stride = part if total is None else total + part, stride * axes[k]
    assert total is not None
    return total.reshape(*total.shape[:2], prod(size), prod(window))
