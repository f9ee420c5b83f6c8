"""Views of parts of axes: brackets, and PyTorch's methods that cut."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tenure.errors import TenureError
from tenure.torch.cautions import BYTES, caution
from tenure.torch.cells.geometry import Layout, keep, made
from tenure.torch.cells.orders import selected
from tenure.torch.cells.steps import Index, index, row
from tenure.torch.cells.windows import layout, look, windowed
from tenure.torch.errors import TorchIndexError, TorchTypeError, refuse, translated
from tenure.values.native.hits import coded
from tenure.values.operations import indexing, keys
from tenure.values.operations.casting import to
from tenure.values.tensor.tensor import Tensor as Value

INDICES = ("int64", "int32", "bool")
"""Dtypes of tensors that are indices, but for bytes, which are a mask."""


def axis(x: Any, dim: int) -> int:
    """Non-negative axis of a tensor; IndexError outside of it."""
    return axis_of(len(x._aval.shape), dim)


def whole(n: Any) -> int:
    """A size or an axis as an int; TypeError for a text."""
    if isinstance(n, str):
        raise refuse(f"type must be tuple of ints,but got {type(n).__name__}", TorchTypeError)
    return int(n)


def axis_of(n: int, dim: int) -> int:
    """Non-negative axis of n; IndexError outside of them."""
    low, high = -max(n, 1), max(n, 1) - 1
    if not low <= dim <= high:
        text = f"Dimension out of range (expected to be in range of [{low}, {high}], but got {dim})"
        raise refuse(text, TorchIndexError)
    return int(dim) % max(n, 1)


def split_key(key: Any) -> tuple[tuple[Any, ...], tuple[Any, ...] | None]:
    """Index as PyTorch takes it, one after the other: the basic part first, then what is left for the arrays, or None.

    A 0-dimensional tensor of whole numbers is an int, but for one example of a vmapped call; bools and bytes
    are a mask.
    """
    entries = key if type(key) is tuple else (key,)
    basic: list[Any] = []
    rest: list[Any] = []
    arrays = False
    for e in entries:
        if isinstance(e, Value):
            value = look(e) if hasattr(e, "_window") else e._read()
            number = not value._aval.shape and value._aval.dtype.kind == "i" and value._kind.level is None
            e = int(value.item()) if number else as_index(value)
        elif isinstance(e, range):
            e = list(e)
        elif is_bytes(e):
            e = e != 0
        if keys.is_array(e):
            arrays = True
            basic.extend([slice(None)] * (e._aval.ndim if is_mask(e) else np.ndim(e) if is_bools(e) else 1))
            rest.append(e)
        else:
            basic.append(e)
            if e is None or isinstance(e, slice):
                rest.append(slice(None))
            elif e is Ellipsis:
                rest.append(e)
    return tuple(basic), tuple(rest) if arrays else None


def as_index(value: Value) -> Value:
    """A tensor as an index: bytes as the mask of those that are not 0; IndexError for dtypes that PyTorch refuses."""
    name = value._aval.dtype.name
    if name == "uint8":
        caution(BYTES, once=True)
        return to(value, "bool")
    if name not in INDICES:
        raise refuse("tensors used as indices must be long, int, byte or bool tensors", TorchIndexError)
    return value


def is_bytes(e: Any) -> bool:
    """Whether an index is a tensor or an array of bytes, which is a mask."""
    if isinstance(e, Value):
        return e._aval.dtype.name == "uint8"
    return isinstance(e, np.ndarray) and e.dtype == np.uint8


def refuse_bytes(key: Any, v: Any) -> None:
    """RuntimeError for one element written at a mask of bytes alone, which PyTorch fills in."""
    arrays = [e for e in (key if type(key) is tuple else (key,)) if keys.is_array(e)]
    if len(arrays) == 1 and is_bytes(arrays[0]) and not (isinstance(v, Value) and v._aval.size != 1):
        raise refuse("masked_fill_ only supports boolean masks, but got mask with dtype unsigned char")


def is_mask(e: Any) -> bool:
    """Whether an index is a tensor of bools."""
    return isinstance(e, Value) and e._aval.dtype.kind == "b"


def is_bools(e: Any) -> bool:
    """Whether an index is an array or list of bools."""
    return not isinstance(e, Value) and np.asarray(e).dtype.kind == "b"


def is_whole(spec: Any) -> bool:
    """Whether a parsed basic index takes all axes as they are."""
    return all(entry == ":" for entry in spec)


def of_index(x: Any, error: TenureError) -> TenureError:
    """An error of an index of a tensor in PyTorch's class and words."""
    mask = re.match(r"a mask of shape (\[.*?\]) for axes of .* they differ in axis (\d+)", error.message)
    if mask is not None:
        shape, k = mask.groups()
        text = f"does not match the shape of the indexed tensor {list(x._aval.shape)} at index {k}"
        return refuse(f"The shape of the mask {shape} at index {k} {text}", TorchIndexError)
    return translated(error)


Outputs = tuple[tuple[Index, ...], tuple[tuple[int, str], ...]]
"""Steps to the views that one function gives, and the flag of each."""


@coded
def several(x: Any, steps: tuple[Index, ...], flags: tuple[tuple[int, str], ...]) -> tuple[Any, ...]:
    """Views of a tensor that one function gives, which are not written in the graph."""
    views = []
    for step, flag in zip(steps, flags, strict=True):
        v = windowed(x, step)
        if v._window.flag is None:
            v._window.flag = flag
        views.append(v)
    return tuple(views)


def outputs(steps: Sequence[Index], name: str) -> Outputs:
    """Steps with the flags of the outputs of a function of this name."""
    return tuple(steps), tuple([(k, name) for k in range(len(steps))])


def rows(of: Layout, dim: int) -> Outputs:
    """Outputs that are each index of an axis."""
    if not of.shape:
        raise refuse("Dimension specified as 0 but tensor has no dimensions", TorchIndexError)
    at = axis_of(len(of.shape), dim)
    return outputs([one_of(of, at, k) for k in range(of.shape[at])], "Unbind")


def chunks_of(of: Layout, chunks: int, dim: int) -> Outputs:
    """Outputs that are at most so many parts of an axis."""
    if not of.shape:
        raise refuse("chunk expects at least a 1-dimensional tensor")
    if chunks < 1:
        raise refuse(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    n = of.shape[axis_of(len(of.shape), dim)]
    return runs(of, max(1, -(-n // chunks)), dim)


def runs(of: Layout, given: Any, dim: int) -> Outputs:
    """Outputs that are parts of an axis: of one size, or of the sizes given."""
    if not of.shape:
        raise refuse("split expects at least a 1-dimensional tensor")
    at = axis_of(len(of.shape), dim)
    n = of.shape[at]
    if isinstance(given, int):
        if given < 0 or (given == 0 and n):
            raise refuse(f"split expects split_size be non-negative, but got split_size={given}")
        sizes = [min(given, n - k) for k in range(0, n, given or 1)] or [0]
    else:
        sizes = list(given)
        if sum(sizes) != n or min(sizes, default=0) < 0:
            raise refuse(
                f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at dimension"
                f" {at}), but got split_sizes={sizes}"
            )
    starts = np.cumsum([0, *sizes]).tolist()
    steps = [slice_of(of, at, start, size) for start, size in zip(starts, sizes, strict=False)]
    return outputs(steps, "Split" if type(given) is int else "SplitWithSizes")


def sizes_of(given: Any) -> Any:
    """Size of all parts, or the sizes given, as ints."""
    return int(given) if isinstance(given, int) else tuple([int(s) for s in given])


def slice_of(of: Layout, at: int, start: int, length: int) -> Index:
    """Step of a run of an axis."""
    return index(of, tuple([(length, 1) if k == at else ":" for k in range(len(of.shape))]), (start,))


def one_of(of: Layout, at: int, k: int) -> Index:
    """Step of one index of an axis."""
    return index(of, tuple(["i" if j == at else ":" for j in range(len(of.shape))]), (k,))


class Parts:
    """Methods of a tensor that give windows of parts of its axes."""

    __slots__ = ()

    def _view(self: Any, step: Any) -> Any:
        return windowed(self, step)

    def _copied(self: Any, value: Any) -> Any:
        return self._of(value)

    def __getitem__(self: Any, key: Any) -> Any:
        try:
            step = self._part(key)
            return self._indexed(key) if step is None else windowed(self, step)
        except TenureError as error:
            raise of_index(self, error) from None

    def _part(self: Any, key: Any) -> Index | None:
        """Step of an int, or of a tuple of ints, slices, None and …; None for any other index."""
        at = layout(self)
        shape = at.shape
        if type(key) is int:
            if not shape or not -shape[0] <= key < shape[0]:
                return None
            return made(at, key, row, key + shape[0] if key < 0 else key)  # type: ignore[no-any-return]
        exact = keys.exact(key if type(key) is tuple else (key,), shape)
        if exact is None:
            return None
        found: Index | None = at.views.get(exact)
        if found is None:
            known: Any = keys.remembered(key, shape)
            self._refuse_index(key if type(key) is tuple else (key,))
            found = Index(at, *known)
            if not any(type(entry) is tuple and entry[1] < 0 for entry in known[0][0][1]):  # of no face alone
                keep(at.views, exact, found)
        return found

    _split = staticmethod(split_key)

    def _refuse_index(self: Any, entries: tuple[Any, ...]) -> None:
        """ValueError for a slice that steps backwards."""
        if any(isinstance(e, slice) and e.step is not None and int(e.step) <= 0 for e in entries):
            raise ValueError("step must be greater than zero")

    def _indexed(self: Any, key: Any) -> Any:
        if isinstance(key, str):
            raise refuse("new(): invalid data type 'str'", TorchTypeError)
        if isinstance(key, float):
            raise refuse(
                f"only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid "
                f"indices (got {type(key).__name__})",
                TorchIndexError,
            )
        basic, rest = ((key,), None) if type(key) in (int, slice) else self._split(key)
        if type(key) is int and not self._aval.shape:
            text = "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++"
            raise refuse(text, TorchIndexError)
        self._refuse_index(basic)
        spec, starts = keys.parse(basic, self._aval.shape)
        if rest is None:
            return windowed(self, index(layout(self), spec, starts))
        value = look(self)
        if not is_whole(spec):
            value = indexing.apply_basic(value, spec, starts)
        found, of = self._copied(indexing.getitem(value, rest)), layout(self)
        if of.is_contiguous:
            return found
        source = of if is_whole(spec) else index(of, spec, starts).layout
        return selected(found, source, rest)

    def __iter__(self: Any) -> Iterator[Any]:
        if not self._aval.shape:
            raise refuse("iteration over a 0-d tensor", TorchTypeError)
        return iter(several(self, *made(layout(self), ("unbind", 0), rows, 0)))

    def narrow(self: Any, dim: int, start: Any, length: int) -> Any:
        """View of a run of an axis."""
        at, size = axis(self, dim), self._aval.shape
        of = getattr(start, "_aval", None)
        if of is not None and (of.shape or of.dtype.kind not in "iu"):
            raise refuse("start must be an 0-dim integral Tensor.")
        start = whole(start)
        if not size:
            raise refuse("narrow() cannot be applied to a 0-dim tensor.")
        if length < 0:
            raise refuse("narrow(): length must be non-negative.")
        n = size[at]
        if not -n <= start <= n:
            text = f"start out of range (expected to be in range of [{-n}, {n}], but got {start})"
            raise refuse(text, TorchIndexError)
        start = start + n if start < 0 else start
        if start + length > n:
            raise refuse(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
        return self._sliced(at, start, length)

    def _sliced(self: Any, at: int, start: int, length: int) -> Any:
        of = layout(self)
        return windowed(self, made(of, ("slice", at, start, length), slice_of, at, start, length))

    def select(self: Any, dim: int, index: Any) -> Any:
        """View of one index of an axis."""
        if not self._aval.shape:
            raise refuse("select() cannot be applied to a 0-dim tensor.", TorchIndexError)
        at, index = axis(self, dim), whole(index)
        n = self._aval.shape[at]
        if not -n <= index < n:
            text = f"select(): index {index} out of range for tensor of size {list(self.shape)} at dimension {at}"
            raise refuse(text, TorchIndexError)
        of, index = layout(self), index % n
        return windowed(self, made(of, ("select", at, index), one_of, at, index))

    def chunk(self: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
        """Views of at most so many parts of an axis, of one size but for the last."""
        return several(self, *made(layout(self), ("chunk", chunks, dim), chunks_of, chunks, dim))

    def split(self: Any, split_size: Any, dim: int = 0) -> tuple[Any, ...]:
        """Views of parts of an axis: of one size, or of the sizes given."""
        given = split_size if type(split_size) is int else sizes_of(split_size)
        return several(self, *made(layout(self), ("split", given, dim), runs, given, dim))

    split_with_sizes = split

    def tensor_split(self: Any, indices_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
        """Views of parts of an axis: so many, or cut at the indices given."""
        at = axis(self, dim)
        n, cuts = self._aval.shape[at], indices_or_sections
        if isinstance(cuts, Value):
            cuts = cuts.tolist()
        if isinstance(cuts, int):
            if cuts <= 0:
                raise refuse(f"number of sections must be larger than 0, got {cuts}")
            small, more = divmod(n, cuts)
            ends = np.cumsum([0] + [small + 1] * more + [small] * (cuts - more)).tolist()
        else:
            ends = [0, *[max(0, min(n, c + n if c < 0 else c)) for c in cuts], n]
        return tuple([self._sliced(at, a, max(0, b - a)) for a, b in pairwise(ends)])

    def hsplit(self: Any, indices_or_sections: Any) -> tuple[Any, ...]:
        """Views of parts of the second axis (of the first, where there is but one)."""
        if not self._aval.shape:
            text = "torch.hsplit requires a tensor with at least 1 dimension, but got a tensor with"
            raise refuse(f"{text} 0 dimensions!")
        return self._equally(indices_or_sections, 1 if len(self._aval.shape) > 1 else 0)  # type: ignore[no-any-return]

    def vsplit(self: Any, indices_or_sections: Any) -> tuple[Any, ...]:
        """Views of parts of the first axis of two or more."""
        if len(self._aval.shape) < 2:
            text = "torch.vsplit requires a tensor with at least 2 dimension, but got a tensor with"
            raise refuse(f"{text} {self.ndim} dimensions!")
        return self._equally(indices_or_sections, 0)  # type: ignore[no-any-return]

    def dsplit(self: Any, indices_or_sections: Any) -> tuple[Any, ...]:
        """Views of parts of the third axis."""
        if len(self._aval.shape) < 3:
            text = "torch.dsplit requires a tensor with at least 3 dimension, but got a tensor with"
            raise refuse(f"{text} {self.ndim} dimensions!")
        return self._equally(indices_or_sections, 2)  # type: ignore[no-any-return]

    def _equally(self: Any, cuts: Any, at: int) -> tuple[Any, ...]:
        n = self._aval.shape[at]
        if isinstance(cuts, int) and (cuts < 1 or n % cuts):
            raise refuse(
                f"attempted to split along dimension {at}, but the size of the dimension {n} is not divisible"
                f" by the split_size {cuts}!"
            )
        return self.tensor_split(cuts, at)  # type: ignore[no-any-return]

    def unbind(self: Any, dim: int = 0) -> tuple[Any, ...]:
        """Views of each index of an axis."""
        return several(self, *made(layout(self), ("unbind", dim), rows, dim))
