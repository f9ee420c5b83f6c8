"""``torch.nn.utils.rnn``: sequences of several lengths."""

from __future__ import annotations

from typing import Any, Self

from tenure.nn.utils import rnn as _home
from tenure.torch.cells import Tensor, unwrap, wrap
from tenure.torch.cells.layout import stored
from tenure.torch.cells.tensor import OUTER
from tenure.torch.crossings import functions
from tenure.torch.dtypes import BY_NAME

_NAMES = [
    "pack_padded_sequence", "pad_packed_sequence", "pad_sequence", "pack_sequence", "unpad_sequence",
    "unpack_sequence", "invert_permutation",
]  # fmt: skip
__all__ = ["PackedSequence", *_NAMES]


class PackedSequence(_home.PackedSequence):
    """The home library's packed batch, of tensors: those that were given, the same objects."""

    __slots__ = ()
    __module__ = "torch.nn.utils.rnn"

    def __new__(
        cls, data: Any, batch_sizes: Any = None, sorted_indices: Any = None, unsorted_indices: Any = None
    ) -> Self:
        checked = _home.PackedSequence(*unwrap((data, batch_sizes, sorted_indices, unsorted_indices)))
        if batch_sizes is None:
            data, batch_sizes = data
        if unsorted_indices is None:
            found = checked.unsorted_indices
            unsorted_indices = wrap(found) if isinstance(data, Tensor) else found
        return tuple.__new__(cls, (data, batch_sizes, sorted_indices, unsorted_indices))

    @property
    def is_cuda(self) -> bool:
        """False: everything is on the CPU."""
        return False

    def is_pinned(self) -> bool:
        """False: there is no accelerator."""
        return False

    def pin_memory(self) -> Self:
        """The sequences, whose data is pinned: refused, as there is no accelerator."""
        data: Any = self.data
        return self._replace(data=data.pin_memory())

    def cuda(self, *args: Any, **kwargs: Any) -> Self:
        """The sequences on an accelerator: refused, as there is none."""
        data: Any = self.data
        return self._replace(data=data.cuda(*args, **kwargs))


def _caster(name: str) -> Any:
    def method(self: PackedSequence) -> PackedSequence:
        return self.to(BY_NAME[name])

    method.__doc__ = f"The sequences in {name}."
    return method


for _name, _dtype in {"double": "float64", "float": "float32", "half": "float16", "long": "int64", "int": "int32",
                      "short": "int16", "char": "int8", "byte": "uint8"}.items():  # fmt: skip
    setattr(PackedSequence, _name, _caster(_dtype))
OUTER[_home.PackedSequence] = PackedSequence
_FUNCTIONS = functions(_home, _NAMES, "torch.nn.utils.rnn")
globals().update(_FUNCTIONS)


def pad_packed_sequence(
    sequence: Any, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> Any:
    """The sequences (longest, batch, …) of a packed batch and their lengths; a view of that with the batch first."""
    found, lengths = _FUNCTIONS["pad_packed_sequence"](sequence, batch_first, padding_value, total_length)
    if batch_first and found.ndim > 1:
        stored(found, order=(1, 0, *range(2, found.ndim)))
    return found, lengths
