"""``torch.nn.utils.rnn``: sequences of several lengths."""

from tenure.nn.utils import rnn as _home
from tenure.nn.utils.rnn import PackedSequence
from tenure.torch.crossings import functions

_NAMES = [
    "pack_padded_sequence", "pad_packed_sequence", "pad_sequence", "pack_sequence", "unpad_sequence",
    "unpack_sequence", "invert_permutation",
]  # fmt: skip
globals().update(functions(_home, _NAMES, "torch.nn.utils.rnn"))
__all__ = ["PackedSequence", *_NAMES]
