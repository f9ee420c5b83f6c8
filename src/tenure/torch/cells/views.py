"""Methods that give views, by PyTorch's rules of what is one."""

from __future__ import annotations

from math import prod
from typing import Any

from tenure.errors import following
from tenure.torch.cautions import TURNED, caution
from tenure.torch.cells.formats import in_order, is_in, name_of
from tenure.torch.cells.geometry import Geometry, Layout, keep, layout, made
from tenure.torch.cells.parts import Parts, axis, axis_of, whole
from tenure.torch.cells.recasts import AsComplex, AsDtype, AsReal
from tenure.torch.cells.steps import Component, Conjugate, Diagonal, Expand, Permute, Reshape, Strided, Unfold
from tenure.torch.cells.windows import detached, geometry, lineage, look, root_of, take, windowed
from tenure.torch.cells.windows import layout as layout_of
from tenure.torch.dtypes import dtype, home_dtype
from tenure.torch.errors import TorchTypeError, refuse
from tenure.torch.messages import spelled
from tenure.values.operations import shaping
from tenure.values.tensor.tensor import Tensor as Value


def ints(given: tuple[Any, ...]) -> tuple[int, ...]:
    """Sizes or axes given one by one or as one sequence."""
    if len(given) == 1 and isinstance(given[0], list | tuple):
        given = tuple(given[0])
    return tuple([n if type(n) is int else whole(n) for n in given])


def filled_in(sizes: tuple[int, ...], count: int) -> tuple[int, ...]:
    """Shape with its −1, if there is one, worked out."""
    unknown = [k for k, n in enumerate(sizes) if n == -1]
    known = prod([n for n in sizes if n != -1])
    if len(unknown) > 1:
        raise refuse("only one dimension can be inferred")
    if unknown and known and count % known == 0:
        k = unknown[0]
        return (*sizes[:k], count // known, *sizes[k + 1 :])
    if unknown and not known and not count:
        raise refuse(
            f"cannot reshape tensor of 0 elements into shape {list(sizes)} because the unspecified dimension size -1"
            " can be any value and is ambiguous"
        )
    if unknown or known != count:
        raise refuse(f"shape '{list(sizes)}' is invalid for input of size {count}")
    return sizes


def is_component(x: Any) -> bool:
    """Whether a tensor shows the real or imaginary parts of complex elements."""
    return any(t._window is not None and type(t._window.step) is Component for t in lineage(x))


def reshaped(of: Layout, shape: Any) -> Any:
    """Step to a shape, given as sizes or as one sequence; the shape where that needs a copy."""
    try:
        found = of.shapes.get(shape)
    except TypeError:  # a list of sizes
        shape = tuple(ints(shape))
        found = of.shapes.get(shape)
    if found is None:
        wanted = filled_in(ints(shape), of.size)
        to = of.viewed(wanted)
        found = wanted if to is None else Reshape(to)
        if not {type(n) for n in shape} - {int, tuple}:
            keep(of.shapes, shape, found)
    return found


def exchanged(of: Layout, dim0: int, dim1: int) -> Permute:
    """Step to two axes exchanged."""
    order = list(range(len(of.shape)))
    a, b = axis_of(len(order), dim0), axis_of(len(order), dim1)
    if order:
        order[a], order[b] = order[b], order[a]
    return Permute(of, order)


def alone(function: str, named: dict[str, Any], *names: str) -> Any:
    """The one argument that was given by its name; TypeError for a name that the function does not have."""
    for name in named:
        if name not in names or len(named) > 1:
            raise refuse(f"{function}() got an unexpected keyword argument '{name}'", TorchTypeError)
    return following(iter(named.values()))


def permuted(of: Layout, dims: tuple[int, ...]) -> Permute:
    """Step to the axes in another order."""
    n = len(of.shape)
    order = tuple([axis_of(n, d) for d in dims])
    if len(order) != n:
        raise refuse(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the"
            f" desired ordering of dimensions i.e. input.dim() = {n} is not equal to len(dims) = {len(order)}"
        )
    if len(set(order)) != n:
        raise refuse("permute(): duplicate dims are not allowed.")
    return Permute(of, order)


def flat(of: Layout, start: int, end: int) -> Any:
    """Step to the axes from one to another made one; the shape where that needs a copy, False where they are one."""
    n = len(of.shape)
    first, last = axis_of(n, start), axis_of(n, end)
    if first > last:
        raise refuse("flatten() has invalid args: start_dim cannot come after end_dim")
    if n and first == last:
        return False
    return reshaped(of, (*of.shape[:first], prod(of.shape[first : last + 1]), *of.shape[last + 1 :]))


def turned(of: Layout) -> Permute:
    """Step to the axes in reverse order."""
    return Permute(of, range(len(of.shape))[::-1])


def without(of: Layout, dims: Any) -> Reshape:
    """Step to no axes of size 1, of all or some."""
    n = len(of.shape)
    given = range(n) if dims is None else [axis_of(n, d) for d in ((dims,) if isinstance(dims, int) else dims)]
    left = [k for k in range(n) if k not in given or of.shape[k] != 1]
    return Reshape(layout(tuple([of.shape[k] for k in left]), tuple([of.strides[k] for k in left])))


def wider(of: Layout, dim: int) -> Reshape:
    """Step to a new axis of size 1."""
    at = axis_of(len(of.shape) + 1, dim)
    step = of.shape[at] * of.strides[at] if at < len(of.shape) else 1
    return Reshape(layout((*of.shape[:at], 1, *of.shape[at:]), (*of.strides[:at], step, *of.strides[at:])))


def expanded(of: Layout, sizes: tuple[int, ...]) -> Expand:
    """Step to a shape that an axis of size 1 is repeated for; −1 keeps the size of an axis."""
    shape = of.shape
    new = len(sizes) - len(shape)
    if new < 0:
        raise refuse(
            f"expand(sizes={list(sizes)}): the number of sizes provided ({len(sizes)}) must be greater or equal to"
            f" the number of dimensions in the tensor ({len(shape)})"
        )
    wanted = []
    for k, n in enumerate(sizes):
        size = 1 if k < new else shape[k - new]
        if n == -1 and k < new:
            raise refuse(f"expand: the expanded size of the tensor (-1) isn't allowed in a leading dimension {k}")
        n = size if n == -1 else n
        if n != size and size != 1:
            raise refuse(
                f"The expanded size of the tensor ({n}) must match the existing size ({size}) at non-singleton"
                f" dimension {k}.  Target sizes: {list(sizes)}.  Tensor sizes: {list(shape)}"
            )
        wanted.append(n)
    return Expand(of, tuple(wanted))


class Views(Parts):
    """Methods of a tensor that give windows of it, or a copy where PyTorch gives one."""

    __slots__ = ()

    def view(self: Any, *shape: Any, **named: Any) -> Any:
        """View of another shape, or of another dtype; RuntimeError where the strides do not allow it."""
        if named:
            shape = (alone("view", named, "size", "dtype"),)
        if len(shape) == 1 and isinstance(shape[0], dtype):
            return self._view(AsDtype(layout_of(self), self._aval.dtype, home_dtype(shape[0])))
        step = reshaped(layout_of(self), shape)
        if type(step) is not Reshape:
            raise refuse(
                "view size is not compatible with input tensor's size and stride (at least one dimension spans across"
                " two contiguous subspaces). Use .reshape(...) instead."
            )
        return windowed(self, step)

    def view_as_real(self: Any) -> Any:
        """View of complex numbers as their parts along a last axis."""
        if not self._aval.dtype.is_complex:
            raise refuse("view_as_real is only supported for complex tensors")
        return self._view(AsReal(layout_of(self)))

    def view_as_complex(self: Any) -> Any:
        """View of pairs along the last axis as complex numbers."""
        if self._aval.dtype.kind != "f":
            raise refuse("view_as_complex is only supported for half, float and double tensors, but got a tensor of"
                         f" scalar type: {spelled(self._aval.dtype.name)}")
        return self._view(AsComplex(layout_of(self)))

    @property
    def _base(self: Any) -> Any:
        """The tensor that a view is of, in PyTorch's graph; None of another tensor."""
        found = root_of(self)
        return self.__dict__.get("_base_before") if found is self else found

    def _is_view(self: Any) -> bool:
        """Whether the tensor is a view in PyTorch's graph."""
        return self._base is not None

    def view_as(self: Any, other: Any) -> Any:
        """View of the shape of another tensor."""
        return self.view(other._aval.shape)

    def reshape(self: Any, *shape: Any, **named: Any) -> Any:
        """View of another shape where the strides allow it, else a copy."""
        if named:
            shape = tuple(alone("reshape", named, "shape"))
        step = reshaped(layout_of(self), shape)
        if type(step) is Reshape:
            return windowed(self, step)
        return self._copied(shaping.reshape(look(self), step))

    def reshape_as(self: Any, other: Any) -> Any:
        """``reshape`` to the shape of another tensor."""
        return self.reshape(other._aval.shape)

    def ravel(self: Any) -> Any:
        """``reshape`` to one axis."""
        return self.reshape(-1)

    def flatten(self: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
        """Axes from one to another made one; the tensor itself where there is but one."""
        step = made(layout_of(self), ("flatten", start_dim, end_dim), flat, start_dim, end_dim)
        if type(step) is Reshape:
            return windowed(self, step)
        return self if step is False else self._copied(shaping.reshape(look(self), step))

    def unflatten(self: Any, dim: int, sizes: Any) -> Any:
        """One axis made several."""
        at, shape = axis(self, dim), self._aval.shape
        return self.view(*shape[:at], *filled_in(tuple(sizes), shape[at]), *shape[at + 1 :])

    def permute(self: Any, *dims: Any, **named: Any) -> Any:
        """View with the axes in another order."""
        order = ints(alone("permute", named, "dims") if named else dims)
        return windowed(self, made(layout_of(self), ("permute", order), permuted, order))

    def transpose(self: Any, dim0: int, dim1: int) -> Any:
        """View with two axes exchanged."""
        of = layout_of(self)
        return windowed(self, made(of, ("transpose", dim0, dim1), exchanged, dim0, dim1))

    swapdims = transpose

    def swapaxes(self: Any, axis0: int, axis1: int) -> Any:
        """``transpose``."""
        return self.transpose(axis0, axis1)

    def t(self: Any) -> Any:
        """View of a matrix with its axes exchanged; of fewer axes, a view of all."""
        of = layout_of(self)
        if len(of.shape) > 2:
            raise refuse(f"t() expects a tensor with <= 2 dimensions, but self is {len(of.shape)}D")
        return windowed(self, made(of, "T", turned))

    @property
    def T(self: Any) -> Any:
        """View with the axes in reverse order."""
        if len(self._aval.shape) != 2:
            caution(TURNED, once=True)
        return windowed(self, made(layout_of(self), "T", turned))

    @property
    def mT(self: Any) -> Any:
        """View with the last two axes exchanged."""
        if len(self._aval.shape) < 2:
            raise refuse(
                f"tensor.mT is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor."
            )
        return self.transpose(-2, -1)

    def movedim(self: Any, source: Any, destination: Any) -> Any:
        """View with axes moved to other positions."""
        sources = (source,) if isinstance(source, int) else tuple(source)
        targets = (destination,) if isinstance(destination, int) else tuple(destination)
        if len(sources) != len(targets):
            raise refuse("movedim: Invalid source or destination dims: source and destination differ in number")
        moved = {axis(self, d): axis(self, s) for s, d in zip(sources, targets, strict=True)}
        if len(moved) != len(sources) or len(set(moved.values())) != len(sources):
            raise refuse("movedim: repeated dim in `source` or `destination`")
        rest = iter([k for k in range(len(self._aval.shape)) if k not in moved.values()])
        order = [moved[k] if k in moved else following(rest) for k in range(len(self._aval.shape))]
        return windowed(self, Permute(layout_of(self), order))

    moveaxis = movedim

    def squeeze(self: Any, dim: Any = None, *more: int, axis: Any = None) -> Any:
        """View without axes of size 1: all, or those given."""
        dim = (dim, *more) if more else dim if axis is None else axis
        dims = dim if dim is None or isinstance(dim, int) else tuple(dim)
        return windowed(self, made(layout_of(self), ("squeeze", dims), without, dims))

    def unsqueeze(self: Any, dim: int) -> Any:
        """View with a new axis of size 1."""
        return windowed(self, made(layout_of(self), ("unsqueeze", dim), wider, dim))

    def expand(self: Any, *sizes: Any, implicit: bool = False, **named: Any) -> Any:
        """View broadcast to a shape; −1 keeps the size of an axis."""
        sizes = ints(alone("expand", named, "size") if named else sizes)
        return windowed(self, made(layout_of(self), ("expand", sizes), expanded, sizes))

    def expand_as(self: Any, other: Any) -> Any:
        """View broadcast to the shape of another tensor."""
        return self.expand(*other._aval.shape)

    def broadcast_to(self: Any, size: Any) -> Any:
        """View broadcast to a shape."""
        return self.expand(*size)

    def diagonal(self: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
        """View of a diagonal of two axes, which comes last."""
        a, b = axis(self, dim1), axis(self, dim2)
        if a == b:
            raise refuse(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
        return self._view(Diagonal(layout_of(self), offset, a, b))

    def unfold(self: Any, dimension: int, size: int, step: int) -> Any:
        """View of the windows of a size along an axis, one every ``step`` elements."""
        at = axis(self, dimension)
        n = self._aval.shape[at] if self._aval.shape else 1
        if size > n:
            raise refuse(f"maximum size for tensor at dimension {at} is {n} but size is {size}")
        if step <= 0:
            raise refuse(f"step is {step} but must be > 0")
        if not self._aval.shape:
            return self.reshape(size)
        return self._view(Unfold(layout_of(self), at, size, step))

    def as_strided(self: Any, size: Any, stride: Any, storage_offset: Any = None) -> Any:
        """View of the owner's elements at an offset and strides."""
        owner = self if self._window is None else self._window.owner
        offset = geometry(self).offset if storage_offset is None else storage_offset
        to = Geometry(offset, layout(tuple(size), tuple(stride)))
        if to.size and to.bounds()[1] >= owner._aval.size:
            raise refuse(
                f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset} are out of bounds for"
                f" storage of size {owner._aval.size}"
            )
        root = root_of(self)
        if layout_of(root) is layout_of(owner):
            return take(root, self._face._blank(), Strided(layout_of(root), to.layout, offset))
        return detached(take(owner, self._face._blank(), Strided(layout_of(owner), to.layout, offset)), False)

    def detach(self: Any) -> Any:
        """Window of all elements, outside the graph."""
        return detached(self, False)

    def contiguous(self: Any, memory_format: Any = None) -> Any:
        """The tensor itself where its strides are those of a memory format (C order unless told), else a copy."""
        if self.is_contiguous(memory_format):
            return self
        if memory_format is not None and memory_format.name == "preserve_format":
            raise refuse("preserve memory format is unsupported by the contiguous operator")
        return in_order(self._copied(Value.clone(look(self))), name_of(memory_format))

    def stride(self: Any, dim: int | None = None) -> Any:
        """Steps of the axes in elements, or of one axis."""
        strides = layout_of(self).strides
        if is_component(self):
            strides = tuple([2 * n for n in strides])
        return strides if dim is None else strides[axis(self, dim)]

    def is_contiguous(self: Any, memory_format: Any = None) -> bool:
        """Whether the strides are those of a memory format, C order unless told otherwise."""
        of = layout_of(self)
        found = of.is_contiguous if memory_format is None else is_in(of, memory_format.name)
        return found and (self._aval.size < 2 or not is_component(self))

    @property
    def real(self: Any) -> Any:
        """View of the real parts; a real tensor itself."""
        return self._view(Component(layout_of(self), True)) if self._aval.dtype.is_complex else self

    @real.setter
    def real(self: Any, v: Any) -> None:
        self.real.copy_(v)

    @property
    def imag(self: Any) -> Any:
        """View of the imaginary parts; RuntimeError for a real tensor."""
        if not self._aval.dtype.is_complex:
            raise refuse("imag is not implemented for tensors with non-complex dtypes.")
        return self._view(Component(layout_of(self), False))

    @imag.setter
    def imag(self: Any, v: Any) -> None:
        self.imag.copy_(v)

    def conj(self: Any) -> Any:
        """View of the complex conjugates; a real tensor itself."""
        return self._view(Conjugate(layout_of(self))) if self._aval.dtype.is_complex else self

    def storage_offset(self: Any) -> int:
        """Offset of the first element in those of the owner."""
        return geometry(self).offset

