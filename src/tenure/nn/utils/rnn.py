"""Sequences of several lengths: padded to one, or packed step after step without padding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from tenure.dtypes import int64
from tenure.errors import DTypeError, ShapeError, shown
from tenure.values.operations.arithmetic import where
from tenure.values.operations.creation import tensor
from tenure.values.operations.factories import full
from tenure.values.operations.reading import value_of
from tenure.values.operations.shaping import concat, stack
from tenure.values.operations.sorting import argsort
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import checked_first
from tenure.values.trace.given import MOST_BYTES, flag, int_of, number

if TYPE_CHECKING:
    from tenure.values.tensor.typing import ArrayLike

__all__ = [
    "PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence",
    "pad_sequence", "unpack_sequence", "unpad_sequence",
]  # fmt: skip


class _Fields(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Fields):
    """Packed batch of sequences: all their first steps, then all second ones, and so on, the longest sequence first.

    ``data`` is (steps of all, …), ``batch_sizes`` how many sequences have each step; ``sorted_indices`` is the order of
    the sequences by length, and ``unsorted_indices`` its inverse, or None where they came in that order. Made by
    ``pack_padded_sequence`` and ``pack_sequence``. ShapeError (TN802) for sizes that do not fit.

    >>> packed = nn.utils.rnn.pack_sequence([tn.tensor([1, 2, 3]), tn.tensor([4])])
    >>> packed.data, packed.batch_sizes
    (tensor([1, 4, 2, 3]), tensor([2, 1, 1]))
    """

    __slots__ = ()

    def __new__(
        cls,
        data: ArrayLike,
        batch_sizes: ArrayLike | None = None,
        sorted_indices: ArrayLike | None = None,
        unsorted_indices: ArrayLike | None = None,
    ) -> Self:
        if batch_sizes is None:
            if not isinstance(data, tuple | list) or len(data) != 2:
                raise DTypeError("PackedSequence: batch_sizes is missing, or data is a pair of data and batch_sizes")
            data, batch_sizes = data
        x, sizes = value_of(data), _indices("batch_sizes", batch_sizes)
        order = None if sorted_indices is None else _indices("sorted_indices", sorted_indices)
        back = None if unsorted_indices is None else _indices("unsorted_indices", unsorted_indices)
        counts = np.asarray(sizes)
        falling = counts.size and counts[-1] > 0 and bool((np.diff(counts) <= 0).all())
        if not falling or not x.ndim or x.shape[0] != counts.sum():
            raise ShapeError(
                f"PackedSequence: batch_sizes {shown(counts.tolist())} for data of shape {list(x.shape)}:"
                " they fall, and their sum is the number of rows"
            )
        for p in (order, back):
            if p is not None and p.shape != (counts[0],):
                raise ShapeError(f"PackedSequence: {p.shape[0]} indices for {counts[0]} sequences")
        back = invert_permutation(order) if back is None else back
        return super().__new__(cls, x, sizes, order, back)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """The sequences with their data in another dtype; arguments as those of ``Tensor.to``."""
        return self._replace(data=self.data.to(*args, **kwargs))

    def double(self) -> Self:
        """The sequences in float64."""
        return self.to("float64")

    def float(self) -> Self:
        """The sequences in float32."""
        return self.to("float32")

    def half(self) -> Self:
        """The sequences in float16."""
        return self.to("float16")

    def long(self) -> Self:
        """The sequences in int64."""
        return self.to("int64")

    def int(self) -> Self:
        """The sequences in int32."""
        return self.to("int32")

    def cpu(self) -> Self:
        """Itself: everything is on the CPU."""
        return self


def counts_of(packed: PackedSequence) -> Any:
    """The number of sequences that have each step, as an array."""
    return np.asarray(packed.batch_sizes)


def _indices(name: str, x: Any) -> Tensor:
    """An argument as a vector of whole numbers."""
    found = value_of(x)
    if found.dtype.kind not in "iu" or found.ndim != 1:
        raise DTypeError(f"{name} is a vector of ints, not {shown(x)}")
    return found.to(int64)


def pack(x: Any, sizes: Any) -> Tensor:
    """The rows of an input (length, batch, …) that count, step after step."""
    batch = x.shape[1]
    index = np.concatenate([k * batch + np.arange(n) for k, n in enumerate(sizes)])
    return x.reshape(x.shape[0] * batch, *x.shape[2:])[tensor(index)]  # type: ignore[no-any-return]


def padded(data: Any, sizes: Any) -> tuple[Tensor, Tensor]:
    """Packed rows as (length, batch, …), arbitrary behind the end of a sequence, and a mask (length, batch, 1, …) of
    what is within."""
    within = np.arange(sizes[0])[None] < sizes[:, None]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    index = np.where(within, starts[:, None] + np.arange(sizes[0])[None], 0)
    mask = tensor(within.reshape(*within.shape, *[1] * (data.ndim - 1)))
    return data[tensor(index.ravel())].reshape(*within.shape, *data.shape[1:]), mask


def _lengths(lengths: Any, batch: int, longest: int) -> Any:
    """Lengths as an array, each within an input."""
    found = value_of(lengths)
    if found.dtype.kind not in "iu" or found.shape != (batch,):
        raise ShapeError(f"lengths are {batch} ints, one for each sequence, not {shown(lengths)}")
    array = np.asarray(found).astype(np.int64)
    if array.size and (array.min() < 1 or array.max() > longest):
        raise ShapeError(f"lengths lie between 1 and {longest}, the size of the input, not {shown(array.tolist())}")
    return array


@checked_first
def pack_padded_sequence(
    input: ArrayLike, lengths: ArrayLike, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """The steps within the lengths of a padded batch, packed; its gradient goes back to them.

    Shapes: input (length, batch, …), with ``batch_first`` (batch, length, …), lengths (batch,), which are read. With
    ``enforce_sorted`` they fall, else the sequences are sorted. ShapeError (TN802) for lengths that are not sorted, or
    not within the input.

    >>> nn.utils.rnn.pack_padded_sequence(tn.tensor([[1, 4], [2, 0]]), [2, 1]).data
    tensor([1, 4, 2])
    """
    x = value_of(input)
    if x.ndim < 2 or not x.numel():
        raise ShapeError(f"pack_padded_sequence: an input of shape {list(x.shape)}; it is (length, batch, …)")
    x = x.transpose(0, 1) if flag("batch_first", batch_first) else x
    array, order = _lengths(lengths, x.shape[1], x.shape[0]), None
    if not flag("enforce_sorted", enforce_sorted):
        at = np.argsort(-array, kind="stable")
        array, order = array[at], tensor(at)
        x = x[:, order]
    elif (np.diff(array) > 0).any():
        raise ShapeError(
            f"pack_padded_sequence: lengths {shown(array.tolist())} do not fall",
            help="enforce_sorted=False sorts the sequences, and puts them back at the end",
        )
    sizes = (array[None] > np.arange(array[0])[:, None]).sum(1)
    return PackedSequence(pack(x, sizes), tensor(sizes), order)


@checked_first
def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """The padded batch of packed sequences, in the order in which they came, and their lengths.

    The batch is (length, batch, …), with ``batch_first`` (batch, length, …), of the longest length or of
    ``total_length``. ValueError for one that is shorter.

    >>> packed = nn.utils.rnn.pack_sequence([tn.tensor([1, 2]), tn.tensor([4])])
    >>> nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
    (tensor([[1, 2],
            [4, 0]]), tensor([2, 1]))
    """
    sizes = counts_of(_packed("pad_packed_sequence", sequence))
    x, within = padded(sequence.data, sizes)
    x = where(within, x, value_of(padding_value).to(x.dtype))
    total = len(sizes) if total_length is None else int_of(total_length, "pad_packed_sequence: total_length")
    if total < len(sizes):
        raise ValueError(f"pad_packed_sequence: total_length {total} is below {len(sizes)}, the longest length")
    if total > len(sizes):
        more = (total - len(sizes), *x.shape[1:])
        _bounded("pad_packed_sequence", more, x)
        x = concat([x, full(more, padding_value, dtype=x.dtype)])
    lengths = tensor((sizes[:, None] > np.arange(sizes[0])[None]).sum(0))
    if sequence.unsorted_indices is not None:
        x, lengths = x[:, sequence.unsorted_indices], lengths[sequence.unsorted_indices]
    return x.transpose(0, 1) if flag("batch_first", batch_first) else x, lengths


def _bounded(name: str, shape: tuple[int, ...], x: Any) -> None:
    count = 1
    for n in shape:
        count *= n
    if count * x.dtype.itemsize > MOST_BYTES:
        raise ShapeError(f"{name}: {list(shape)} is a shape for which there is no memory")


def _packed(name: str, x: Any) -> PackedSequence:
    if not isinstance(x, PackedSequence):
        raise DTypeError(f"{name} takes a PackedSequence, not {shown(x)}")
    return x


def _sequences(name: str, given: Any) -> list[Any]:
    """An argument as sequences of one kind."""
    if not isinstance(given, Tensor | Iterable) or isinstance(given, str | bytes | dict):
        raise DTypeError(f"{name}: sequences is a list of tensors, not {shown(given)}")
    found = [value_of(x) for x in given]
    if not found:
        raise ShapeError(f"{name}: sequences is an empty list")
    for x in found:
        if not x.ndim or x.shape[1:] != found[0].shape[1:]:
            shapes = f"{list(found[0].shape)} and {list(x.shape)}"
            raise ShapeError(f"{name}: sequences of shapes {shapes} differ in more than their length")
        if x.dtype is not found[0].dtype:
            raise DTypeError(f"{name}: sequences of {found[0].dtype.name} and of {x.dtype.name}")
    return found


@checked_first
def pad_sequence(
    sequences: Iterable[ArrayLike], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Sequences (length, …) in one batch, the shorter ones filled up with a number.

    The result is (longest length, batch, …), with ``batch_first`` (batch, longest length, …). ``padding_side`` is
    "right", behind each, or "left". ShapeError (TN802) for sequences that differ in another size.

    >>> nn.utils.rnn.pad_sequence([tn.tensor([1, 2]), tn.tensor([4])], batch_first=True)
    tensor([[1, 2],
            [4, 0]])
    """
    if padding_side not in ("right", "left"):
        raise ValueError(f"pad_sequence: padding_side is 'right' or 'left', not {shown(padding_side)}")
    found, value = _sequences("pad_sequence", sequences), number("pad_sequence", "padding_value", padding_value)
    longest = max(x.shape[0] for x in found)
    rows = []
    for x in found:
        rest = full((longest - x.shape[0], *x.shape[1:]), value, dtype=x.dtype)
        rows.append(concat([x, rest] if padding_side == "right" else [rest, x]) if rest.shape[0] else x)
    return stack(rows, 0 if flag("batch_first", batch_first) else 1)


@checked_first
def pack_sequence(sequences: Sequence[ArrayLike], enforce_sorted: bool = True) -> PackedSequence:
    """Sequences (length, …), packed; with ``enforce_sorted`` the longest is first, else they are sorted.

    >>> nn.utils.rnn.pack_sequence([tn.tensor([4]), tn.tensor([1, 2])], enforce_sorted=False).data
    tensor([1, 4, 2])
    """
    found = _sequences("pack_sequence", sequences)
    return pack_padded_sequence(pad_sequence(found), [x.shape[0] for x in found], enforce_sorted=enforce_sorted)


@checked_first
def unpad_sequence(padded_sequences: ArrayLike, lengths: ArrayLike, batch_first: bool = False) -> list[Tensor]:
    """The sequences of a padded batch, each of its length; lengths are read.

    >>> nn.utils.rnn.unpad_sequence(tn.tensor([[1, 4], [2, 0]]), [2, 1])
    [tensor([1, 2]), tensor([4])]
    """
    x = value_of(padded_sequences)
    if x.ndim < 2:
        raise ShapeError(f"unpad_sequence: a batch of shape {list(x.shape)}; it is (length, batch, …)")
    x = x if flag("batch_first", batch_first) else x.transpose(0, 1)
    return [x[k, :n] for k, n in enumerate(_lengths(lengths, x.shape[0], x.shape[1]).tolist())]


@checked_first
def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences that have been packed, each of its length.

    >>> nn.utils.rnn.unpack_sequence(nn.utils.rnn.pack_sequence([tn.tensor([1, 2]), tn.tensor([4])]))
    [tensor([1, 2]), tensor([4])]
    """
    return unpad_sequence(*pad_packed_sequence(_packed("unpack_sequence", packed_sequences), batch_first=True), True)


@checked_first
def invert_permutation(permutation: ArrayLike | None) -> Tensor | None:
    """The permutation that undoes another; None of None.

    >>> nn.utils.rnn.invert_permutation(tn.tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
    return None if permutation is None else argsort(_indices("invert_permutation: permutation", permutation))
