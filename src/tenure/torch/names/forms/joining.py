"""Joining and broadcasting, with the face's own tensors where PyTorch gives views."""

from __future__ import annotations

import warnings
from typing import Any

import tenure as tn
from tenure.dtypes import promote
from tenure.torch.cells import Tensor
from tenure.torch.errors import TorchTypeError, refuse
from tenure.torch.names.arguments import lighter
from tenure.torch.sizes import Size

__all__ = ["alike", "at_least", "broadcasts", "expanded", "grids", "in_dtype_of", "joined", "joint_shape", "squeezed",
           "strided_copy", "summed_to", "tiled"]  # fmt: skip


def alike(input: Any, target: Any) -> tuple[Any, Any]:
    """Input and target of a loss, broadcast to one shape with PyTorch's warning where they have two."""
    if input._aval.shape == target._aval.shape:
        return input, target
    warnings.warn(
        f"Using a target size ({Size(target.shape)}) that is different to the input size ({Size(input.shape)}). This"
        " will likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
        stacklevel=3,
    )
    return tuple(tn.broadcast_tensors(input, target))  # type: ignore[return-value]


def joined(tensors: list[Any], dim: int = 0) -> list[Any]:
    """Tensors to be joined along an axis: of one dtype, without the empty vectors that PyTorch passes over."""
    if len({x._aval for x in tensors}) == 1 and tensors[0]._aval.shape != (0,):
        return tensors
    shapes = [x.shape for x in tensors if x.shape != (0,)]
    if len(set(shapes)) > 1:
        refuse_unlike(shapes, dim)
    wide = [x.dtype for x in tensors if x.shape]
    if wide and len({x.dtype for x in tensors}) > 1:
        dtype = wide[0]
        for other in wide:
            dtype = promote(dtype, other)
        tensors = [x if x.shape else lighter(x, dtype) for x in tensors]
    kept = [x for x in tensors if x.shape != (0,)]
    if len(kept) < len(tensors) and any(len(x.shape) > 1 for x in kept):
        dtype = tensors[0].dtype
        for x in tensors:
            dtype = promote(dtype, x.dtype)
        return [tn.astype(x, dtype) for x in kept]
    return tensors


def in_dtype_of(x: Any, other: Any) -> Any:
    """A tensor in the dtype of the one that it is written to."""
    return other if other._aval.dtype is x._aval.dtype else tn.astype(other, x._aval.dtype)


def refuse_unlike(shapes: list[Any], dim: int) -> None:
    """RuntimeError for shapes that differ outside of an axis."""
    first = shapes[0]
    at = dim % max(len(first), 1)
    for k, shape in enumerate(shapes):
        if len(shape) != len(first):
            raise refuse(f"Tensors must have same number of dimensions: got {len(first)} and {len(shape)}")
        wrong = [(m, n) for j, (m, n) in enumerate(zip(first, shape, strict=True)) if m != n and j != at]
        if wrong:
            raise refuse(
                f"Sizes of tensors must match except in dimension {at}. Expected size {wrong[0][0]} but got size"
                f" {wrong[0][1]} for tensor number {k} in the list."
            )


def together(args: Any) -> list[Any]:
    """Tensors given one by one, or as one sequence."""
    if len(args) == 1 and isinstance(args[0], list | tuple):
        args = args[0]
    for x in args:
        if not isinstance(x, Tensor):
            raise refuse(f"expected Tensors, but got {type(x).__name__}", TorchTypeError)
    return list(args)


def joint_shape(shapes: Any) -> Any:
    """The shape that all broadcast to."""
    return Size(tn.broadcast_shapes(*[(s,) if isinstance(s, int) else tuple(s) for s in shapes]))


def broadcasts(args: Any) -> Any:
    """Tensors broadcast together: views, but of those that have the shape."""
    args = together(args)
    shape = joint_shape([x.shape for x in args])
    return tuple(x if x.shape == shape else x.expand(shape) for x in args)


def grids(args: Any, indexing: str | None) -> Any:
    """Coordinates over the grid of vectors, ``"ij"`` unless told otherwise: views."""
    args = together(args)
    if indexing not in (None, "ij", "xy"):
        raise refuse(f"torch.meshgrid: indexing must be one of \"xy\" or \"ij\", but received: {indexing}")
    swap = indexing == "xy" and len(args) > 1
    if swap:
        args[:2] = args[1::-1]
    if any(x.dim() > 1 for x in args):
        raise refuse("torch.meshgrid: Expected 0D or 1D tensor in the tensor list")
    if len({x.dtype for x in args}) > 1:
        raise refuse("torch.meshgrid expects all tensors to have the same dtype")
    shape = [x.numel() for x in args]
    out = [
        x.reshape([-1 if j == k else 1 for j in range(len(args))]).expand(shape) for k, x in enumerate(args)
    ]
    if swap:
        out[:2] = out[1::-1]
    return tuple(out)


def at_least(fn: Any, args: Any) -> Any:
    """Tensors with one, two or three axes at least; itself where it has them."""
    axes = int(fn.__name__[8])
    if len(args) == 1 and isinstance(args[0], Tensor):
        return _with_axes(args[0], axes)
    return tuple(_with_axes(x, axes) for x in together(args))


def _with_axes(x: Any, axes: int) -> Any:
    have = x.dim()
    if have >= axes:
        return x
    if have == 0:
        return x.reshape([1] * axes)
    x = x if have == 2 else x.unsqueeze(0)
    return x.unsqueeze(-1) if axes == 3 else x


def tiled(x: Any, repeats: Any) -> Any:
    """x repeated as a whole along each axis."""
    if len(repeats) < len(x.shape):
        raise refuse(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor"
        )
    if any(n < 0 for n in repeats):
        raise refuse(f"Trying to create tensor with negative dimension {min(repeats)}: {list(repeats)}")
    return tn.tile(x, *repeats) if repeats else tn.clone(x)


def squeezed(x: Any, dim: Any) -> Any:
    """x without axes of size 1, or those of some."""
    if dim is None:
        return tn.squeeze(x)
    dims = [dim] if isinstance(dim, int) else list(dim)
    for d in dims:
        if not -max(len(x.shape), 1) <= d < max(len(x.shape), 1):
            raise IndexError(f"Dimension out of range: {d}")
    drop = tuple(d for d in dims if x.shape and x.shape[d] == 1)
    return tn.squeeze(x, drop) if drop else x


def expanded(x: Any, size: Any) -> Any:
    """x broadcast to a size, in which −1 keeps an axis."""
    new = len(size) - len(x.shape)
    return tn.broadcast_to(x, tuple(x.shape[k - new] if n == -1 and k >= new else n for k, n in enumerate(size)))


def strided_copy(x: Any, size: Any, stride: Any, offset: Any) -> Any:
    """Elements at an offset and strides in those of x."""
    return Tensor._of(x).as_strided(size, stride, offset)._read()


def summed_to(x: Any, size: Any) -> Any:
    """x summed over the axes that a shape does not have, or has with size 1."""
    new = len(x.shape) - len(size)
    if not size:
        return tn.sum(tn.astype(x, tn.int64) if x.dtype.kind in "biu" else x)
    if new < 0 or any(n not in (1, x.shape[new + k]) for k, n in enumerate(size)):
        raise refuse(f"size {{{list(size)}}} is not expandable to size {{{list(x.shape)}}}.")
    if x.dtype.kind == "u" and tuple(size) != tuple(x.shape):
        x = tn.astype(x, tn.int64)
    kept = tuple(new + k for k, n in enumerate(size) if n == 1 and x.shape[new + k] != 1)
    if kept:
        x = tn.sum(x, kept, True)
    return tn.sum(x, tuple(range(new))) if new else x
