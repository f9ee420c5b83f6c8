"""Gated recurrent units, with PyTorch's names and layouts of parameters.

r = σ(W_ir x + b_ir + W_hr h + b_hr), z = σ(W_iz x + b_iz + W_hz h + b_hz),
n = tanh(W_in x + b_in + r · (W_hn h + b_hn)), h' = (1 - z) · n + z · h; the rows of r, z and n lie one under
the other in each weight. Source: Cho et al., EMNLP 2014, in the form of PyTorch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tenure.dtypes import DTypeLike
from tenure.errors import ShapeError
from tenure.nn import functional, init
from tenure.nn.module import Module
from tenure.values.native.hits import apply
from tenure.values.operations.creation import check_device
from tenure.values.operations.factories import zeros
from tenure.values.operations.reading import value_of
from tenure.values.operations.shaping import concat, stack
from tenure.values.places.parameter import Parameter
from tenure.values.tensor.composite import composite

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


def _step(gates: Any, h: Any, weight: Any, bias: Any) -> Tensor:
    """The next state, from the input's part of the gates (…, 3 · hidden) and the state (…, hidden).

    ``weight`` is transposed, which a sequence does once.
    """
    return apply(STEP, (gates, h, weight) if bias is None else (gates, h, weight, bias))


def _next(gates: Any, h: Any, weight: Any, bias: Any = None) -> Any:
    to_r, to_z, to_new = gates.chunk(3, -1)
    from_r, from_z, from_new = (h @ weight if bias is None else h @ weight + bias).chunk(3, -1)
    r, z = (to_r + from_r).sigmoid(), (to_z + from_z).sigmoid()
    new = (to_new + r * from_new).tanh()
    return new + z * (h - new)


STEP = composite("gru_step", _next, "AddBackward0")


class _Recurrent(Module):
    def _add_weights(self, suffix: str, inputs: int, bias: bool, dtype: DTypeLike | None) -> None:
        """Weights and biases from the input and from the state to the three gates."""
        rows = 3 * self.hidden_size
        for name, shape in (("weight_ih", (rows, inputs)), ("weight_hh", (rows, self.hidden_size))):
            self.register_parameter(name + suffix, Parameter(zeros(shape, dtype=dtype)))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name + suffix, Parameter(zeros(rows, dtype=dtype)) if bias else None)

    def reset_parameters(self) -> None:
        """Start anew, uniform within ± 1 / √hidden_size."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size else 0
        for p in self.parameters():
            init.uniform_(p, -bound, bound)


class GRUCell(_Recurrent):
    """One step of a gated recurrent unit: from input (…, input_size) and state (…, hidden_size) to the next state.

    Owns ``weight_ih`` (3 · hidden, input), ``weight_hh`` (3 · hidden, hidden), ``bias_ih`` and ``bias_hh``
    (3 · hidden,) or None. Without a state it starts at zero.

    >>> nn.GRUCell(3, 4)(tn.ones(2, 3)).shape
    (2, 4)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        check_device(device)
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        self._add_weights("", input_size, bias, dtype)
        self.reset_parameters()

    def forward(self, input: ArrayLike, hx: ArrayLike | None = None) -> Tensor:
        """The next state (…, hidden_size); ShapeError (TN802) where input or state have another shape."""
        x = value_of(input)
        _check_input(x, self.input_size, (1, 2))
        wanted = (*x.shape[:-1], self.hidden_size)
        h = zeros(wanted, dtype=x.dtype) if hx is None else _checked_state(hx, wanted)
        gates = functional.linear(x, self.weight_ih, self.bias_ih)
        bias = self.bias_hh
        return _step(gates, h, self.weight_hh.T, None if bias is None else bias.value)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")


class GRU(_Recurrent):
    """Layers of gated recurrent units (GRU) over a sequence.

    Input (length, batch, input_size), (batch, length, input_size) with ``batch_first``, or without the batch;
    gives the states of the last layer (…, directions · hidden_size) and the last state of every layer and
    direction (directions · layers, batch, hidden_size). ``dropout`` acts between layers, in training. Owns
    ``weight_ih_l0``, ``weight_hh_l0``, ``bias_ih_l0``, ``bias_hh_l0`` and so on, with ``_reverse`` for those
    that run from the end.

    >>> out, last = nn.GRU(3, 4)(tn.ones(5, 2, 3))
    >>> out.shape, last.shape
    ((5, 2, 4), (1, 2, 4))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        check_device(device)
        if not 0.0 <= dropout <= 1.0:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {dropout}")
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        for layer in range(num_layers):
            inputs = hidden_size * len(self._directions()) if layer else input_size
            for end in self._directions():
                self._add_weights(f"_l{layer}{end}", inputs, bias, dtype)
        self.reset_parameters()

    def _directions(self) -> tuple[str, ...]:
        return ("", "_reverse") if self.bidirectional else ("",)

    def forward(self, input: ArrayLike, hx: ArrayLike | None = None) -> tuple[Tensor, Tensor]:
        """The states of the last layer, and the last states; ShapeError (TN802) where the shapes do not fit."""
        x = value_of(input)
        _check_input(x, self.input_size, (2, 3))
        swapped = self.batch_first and x.ndim == 3
        if not x.shape[int(swapped)]:
            raise ShapeError(f"GRU: an input of shape {list(x.shape)} has no step to go over")
        if swapped:
            x = x.transpose(0, 1)
        count = self.num_layers * len(self._directions())
        wanted = (count, *x.shape[1:-1], self.hidden_size)
        starts = zeros(wanted, dtype=x.dtype) if hx is None else _checked_state(hx, wanted)
        last: list[Any] = []
        for layer in range(self.num_layers):
            if layer:
                x = functional.dropout(x, self.dropout, self.training)
            runs = [self._run(x, f"_l{layer}{end}", starts[len(last) + k]) for k, end in enumerate(self._directions())]
            last += [h for _, h in runs]
            x = runs[0][0] if len(runs) == 1 else concat([out for out, _ in runs], -1)
        return x.transpose(0, 1) if swapped else x, stack(last)

    def _run(self, x: Any, suffix: str, h: Any) -> tuple[Any, Any]:
        """The states of one layer in one direction, in the order of the input, and the last."""
        own = self._parameters
        gates = functional.linear(x, own[f"weight_ih{suffix}"], own[f"bias_ih{suffix}"])
        weight, bias = own[f"weight_hh{suffix}"].T, own[f"bias_hh{suffix}"]
        bias = None if bias is None else bias.value
        steps = range(x.shape[0])
        states = {}
        for k in reversed(steps) if suffix.endswith("_reverse") else steps:
            h = states[k] = _step(gates[k], h, weight, bias)
        return stack([states[k] for k in steps]), h

    def extra_repr(self) -> str:
        """The sizes, and what is not the default."""
        shown = [str(self.input_size), str(self.hidden_size)]
        defaults = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False}
        shown += [f"{k}={getattr(self, k)}" for k, default in defaults.items() if getattr(self, k) != default]
        return ", ".join(shown)


def _check_input(x: Any, size: int, ndims: tuple[int, int]) -> None:
    if x.ndim not in ndims or x.shape[-1] != size:
        axes = " or ".join(map(str, ndims))
        raise ShapeError(f"an input of shape {list(x.shape)}, where {axes} axes are expected, the last of size {size}")


def _checked_state(hx: Any, wanted: tuple[int, ...]) -> Tensor:
    h = value_of(hx)
    if h.shape != wanted:
        raise ShapeError(f"a state of shape {list(h.shape)}, where {list(wanted)} is expected")
    return h
