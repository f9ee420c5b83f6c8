"""Methods of layers that are not the home library's: views of the input, tensors that share, names of PyTorch's."""

from __future__ import annotations

import functools
import math
from typing import Any

from tenure.torch.cautions import DROPPED, NESTED, caution
from tenure.torch.cells import Parameter, Tensor, unwrap, wrap
from tenure.torch.names.forms import implied
from tenure.torch.names.functions import function
from tenure.torch.nn.module import LAYER, Module


def identity(self: Any, input: Any) -> Any:
    """The input itself."""
    return input


def flatten(self: Any, input: Any) -> Any:
    """The input with some axes as one: a view where PyTorch gives one."""
    return input.flatten(self.start_dim, self.end_dim)


def unflatten(self: Any, input: Any) -> Any:
    """The input with one axis as several: a view."""
    return input.unflatten(self.dim, self.unflattened_size)


def from_pretrained(cls: Any, /, embeddings: Any, freeze: bool = True, **options: Any) -> Any:
    """A table made of a matrix, whose elements it shares."""
    if embeddings.dim() != 2:
        raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
    rows, size = embeddings.shape
    made = cls(rows, size, **options)
    made.weight = Parameter(embeddings, requires_grad=not freeze)
    return made


def conv_forward(self: Any, input: Any, weight: Any, bias: Any) -> Any:
    """The convolution of an input with another weight and bias."""
    own = dict(self._parameters)
    try:
        self._parameters.update(weight=weight, bias=bias)
        return wrap(self._home.forward(self, unwrap(input)))
    finally:
        self._parameters.update(own)


def older(self: Any, state_dict: Any, prefix: str, local_metadata: Any, *rest: Any) -> None:
    """State of a version before batches were counted gets the count that the layer has."""
    version = local_metadata.get("version")
    key = f"{prefix}num_batches_tracked"
    if (version is None or version < 2) and self.track_running_stats and key not in state_dict:
        counted = self.num_batches_tracked
        state_dict[key] = Tensor._of(counted._read()) if counted is not None else wrap(0)
    Module._load_from_state_dict(self, state_dict, prefix, local_metadata, *rest)


def averaging(self: Any) -> str:
    """Sizes of a window along one axis, as tuples."""
    return ", ".join(f"{name}={tupled(getattr(self, name), 1)}" for name in ("kernel_size", "stride", "padding"))


def softmax(self: Any, input: Any) -> Any:
    """The softmax along the layer's axis, or that which PyTorch implies."""
    return input.softmax(implied(input, self.dim))


def log_softmax(self: Any, input: Any) -> Any:
    """The logarithm of the softmax, likewise."""
    return input.log_softmax(implied(input, self.dim, "log_softmax"))


def softmin(self: Any, input: Any) -> Any:
    """The softmax of the negative, likewise."""
    return (-input).softmax(implied(input, self.dim, "softmin"))


def distance(name: str, *options: str) -> Any:
    """``forward`` of a loss whose input and target are broadcast: that of the function of a name."""

    def forward(self: Any, input: Any, target: Any) -> Any:
        """The loss of an input and a target."""
        call = functional(name)
        return call(input, target, **{o: getattr(self, o) for o in options})

    options = ("reduction", *options)
    return forward


@functools.cache
def functional(name: str) -> Any:
    """The function of ``torch.nn.functional`` of a name."""
    return function("F", name)


def dropping_channels(name: str) -> Any:
    """``forward`` of a dropout of channels: that of the function of a name."""

    def forward(self: Any, input: Any) -> Any:
        """The input without some of its channels, in training."""
        return functional(name)(input, self.p, self.training, self.inplace)

    return forward


def connectionist(self: Any, log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any) -> Any:
    """The loss of labels that are nowhere aligned with the input, by the function of that name."""
    lengths = input_lengths, target_lengths
    return functional("ctc_loss")(log_probs, targets, *lengths, self.blank, self.reduction, self.zero_infinity)


def tupled(x: Any, n: int) -> Any:
    """A size along each axis."""
    return x if isinstance(x, tuple) else (x,) * n


def bags(self: Any) -> str:
    """The sizes of a table, and what is not the default, but for the kind of its gradient."""
    said = self._home.extra_repr(self)
    return str(said.replace(", sparse=True", ""))


def quantizable(self: Any) -> None:
    """Let the last layer of an attention be of the class that it has in PyTorch."""
    self.out_proj.__class__ = LAYER[0]("NonDynamicallyQuantizableLinear")


def square_mask(sz: int, device: Any = None, dtype: Any = None) -> Any:
    """The causal mask (sz, sz): -∞ above the diagonal, else 0."""
    full, triu = function("torch", "full"), function("torch", "triu")
    return triu(full((sz, sz), -math.inf, dtype=dtype, device=device), 1)


def dropping(self: Any) -> None:
    """The warning of a recurrent layer whose dropout stands behind no layer."""
    if self.dropout and self.num_layers == 1:
        caution(DROPPED.format(self.dropout))


def nesting(self: Any) -> None:
    """The warning of an encoder whose layers take no nested tensors."""
    of, attention = self.layers[0], getattr(self.layers[0], "self_attn", None)
    if not self.enable_nested_tensor:
        return
    if attention is None:
        caution(NESTED, " was not TransformerEncoderLayer")
    elif of.norm_first:
        caution(NESTED, ".norm_first was True")
    elif not attention.batch_first:
        caution(NESTED, ".self_attn.batch_first was not True(use batch_first for better inference performance)")
    elif attention.num_heads % 2 == 1:
        caution(NESTED, ".self_attn.num_heads is odd")


METHODS: dict[str, dict[str, Any]] = {
    "Transformer": {"generate_square_subsequent_mask": staticmethod(square_mask)},
    "Identity": {"forward": identity},
    "Flatten": {"forward": flatten},
    "Unflatten": {"forward": unflatten},
    "Embedding": {"from_pretrained": classmethod(from_pretrained)},
    "EmbeddingBag": {"from_pretrained": classmethod(from_pretrained), "extra_repr": bags},
    "MultiheadAttention": {"_built": quantizable},
    **{name: {"_built": dropping} for name in ("RNN", "LSTM", "GRU")},
    "TransformerEncoder": {"_built": nesting},
    "AvgPool1d": {"extra_repr": averaging},
    "Softmax": {"forward": softmax},
    "LogSoftmax": {"forward": log_softmax},
    "Softmin": {"forward": softmin},
    "CTCLoss": {"forward": connectionist},
    "MSELoss": {"forward": distance("mse_loss")},
    "L1Loss": {"forward": distance("l1_loss")},
    "SmoothL1Loss": {"forward": distance("smooth_l1_loss", "beta")},
    "HuberLoss": {"forward": distance("huber_loss", "delta")},
    **{f"Dropout{n}d": {"forward": dropping_channels(f"dropout{n}d")} for n in "123"},
    "Normalization": {"_load_from_state_dict": older, "_version": 2},
}
for _kind in ("Conv", "ConvTranspose"):
    for _n in "123":
        METHODS[f"{_kind}{_n}d"] = {"_conv_forward": conv_forward} if _kind == "Conv" else {}
