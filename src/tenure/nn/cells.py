"""Steps of recurrent layers, plain (RNN), with long short-term memory (LSTM) and gated (GRU), and cells of one step.

RNN: h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu of it.

LSTM: i = σ(…), f = σ(…), g = tanh(…), o = σ(…), each of such a sum, c' = f · c + i · g, h' = o · tanh(c'), times W_hr
where there is a projection. Source: Hochreiter, Schmidhuber, Neural Computation 1997, with Gers' forget gate.

GRU: r = σ(W_ir x + b_ir + W_hr h + b_hr), z = σ(W_iz x + b_iz + W_hz h + b_hz),
n = tanh(W_in x + b_in + r · (W_hn h + b_hn)), h' = (1 - z) · n + z · h. Source: Cho et al., EMNLP 2014.

The rows of the gates lie one under the other in each weight, in that order.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tenure.dtypes import DTypeLike
from tenure.errors import DTypeError, ShapeError, shown
from tenure.nn import functional, init
from tenure.nn.module import Module
from tenure.values.native.hits import apply
from tenure.values.operations.creation import check_device
from tenure.values.operations.factories import zeros
from tenure.values.operations.reading import value_of
from tenure.values.places.parameter import Parameter
from tenure.values.tensor.composite import composite

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

State = tuple[Any, ...]
"""The state between steps: h, or of an LSTM h and c."""


def _sum(h: Any, weight: Any, bias: Any) -> Any:
    return h @ weight if bias is None else h @ weight + bias


def _gated(gates: Any, h: Any, weight: Any, bias: Any = None) -> Any:
    to_r, to_z, to_new = gates.chunk(3, -1)
    from_r, from_z, from_new = _sum(h, weight, bias).chunk(3, -1)
    r, z = (to_r + from_r).sigmoid(), (to_z + from_z).sigmoid()
    new = (to_new + r * from_new).tanh()
    return new + z * (h - new)


def _remembering(gates: Any, h: Any, c: Any, weight: Any, bias: Any = None) -> Any:
    to_i, to_f, to_g, to_o = (gates + _sum(h, weight, bias)).chunk(4, -1)
    new = to_f.sigmoid() * c + to_i.sigmoid() * to_g.tanh()
    return to_o.sigmoid() * new.tanh(), new


def _plain(gates: Any, h: Any, weight: Any, bias: Any = None) -> Any:
    return (gates + _sum(h, weight, bias)).tanh()


def _rectified(gates: Any, h: Any, weight: Any, bias: Any = None) -> Any:
    return (gates + _sum(h, weight, bias)).relu()


GATED = composite("gru_step", _gated, "AddBackward0")
REMEMBERING = composite("lstm_step", _remembering, "MulBackward0")
PLAIN = {"tanh": composite("rnn_step", _plain, "TanhBackward0")}
PLAIN["relu"] = composite("rnn_step", _rectified, "ReluBackward0")


class Recurrent(Module):
    """Base of cells and layers: ``gates`` parts of a weight, ``states`` tensors between steps."""

    gates: int
    states: int = 1
    _cell: Any = None
    hidden_size: int
    proj_size: int = 0

    def _add_weights(self, suffix: str, inputs: int, bias: bool, dtype: DTypeLike | None) -> None:
        """Weights and biases from the input and from the state to the gates, and the projection."""
        rows, given = self.gates * self.hidden_size, self.proj_size or self.hidden_size
        for name, shape in (("weight_ih", (rows, inputs)), ("weight_hh", (rows, given))):
            self.register_parameter(name + suffix, Parameter(zeros(shape, dtype=dtype)))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name + suffix, Parameter(zeros(rows, dtype=dtype)) if bias else None)
        if self.proj_size:
            shape = (self.proj_size, self.hidden_size)
            self.register_parameter("weight_hr" + suffix, Parameter(zeros(shape, dtype=dtype)))

    def reset_parameters(self) -> None:
        """Start anew, uniform within ± 1 / √hidden_size."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size else 0
        for p in self.parameters():
            init.uniform_(p, -bound, bound)

    def _start(self, given: Any, wanted: tuple[int, ...], like: Any) -> State:
        """The state given, or zeros."""
        shapes = [(*wanted, self.proj_size or self.hidden_size), (*wanted, self.hidden_size)][: self.states]
        if given is None:
            return tuple([zeros(shape, dtype=like.dtype) for shape in shapes])
        parts = given if self.states > 1 and isinstance(given, tuple | list) else (given,)
        if len(parts) != self.states:
            raise ShapeError(f"a state of {self.states} tensors is expected, not {shown(given)}")
        return tuple([_checked_state(h, shape) for h, shape in zip(parts, shapes, strict=True)])

    def _next(self, gates: Any, state: State, weight: Any, bias: Any, projection: Any) -> State:
        """The state after a step, from the input's part of the gates."""
        found: Any = apply(self._cell, (gates, *state, weight, *(() if bias is None else (bias,))))
        if self.states == 1:
            return (found,)
        h, c = found
        return (h if projection is None else h @ projection), c

    def _weights(self, suffix: str) -> tuple[Any, Any, Any]:
        """The weights from the state, transposed, which a sequence does once; their bias; the projection."""
        own = self._parameters
        bias, projection = own[f"bias_hh{suffix}"], own.get(f"weight_hr{suffix}")
        weight = value_of(own[f"weight_hh{suffix}"]).T
        parts = None if bias is None else value_of(bias), None if projection is None else value_of(projection).T
        return weight, *parts


class RNNCellBase(Recurrent):
    """The base of cells: weights from the input and from the state to ``num_chunks`` gates; it has no step itself.

    >>> isinstance(nn.GRUCell(3, 4), nn.RNNCellBase)
    True
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        check_device(device)
        if num_chunks < 1:
            raise ShapeError(f"{type(self).__name__}: num_chunks is at least 1, not {num_chunks}")
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        self.gates = num_chunks
        self._add_weights("", input_size, bias, dtype)
        self.reset_parameters()

    def forward(self, input: ArrayLike, hx: Any = None) -> Any:
        """The next state (…, hidden_size); ShapeError (TN802) where input or state have another shape."""
        if self._cell is None:
            raise NotImplementedError(f"{type(self).__name__} has no step: take GRUCell, LSTMCell or RNNCell")
        x = value_of(input)
        check_input(x, self.input_size, (1, 2))
        state = self._start(hx, x.shape[:-1], x)
        gates = functional.linear(x, self.weight_ih, self.bias_ih)
        found = self._next(gates, state, *self._weights(""))
        return found if self.states > 1 else found[0]

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")


class GRUCell(RNNCellBase):
    """One step of a gated recurrent unit: from input (…, input_size) and state (…, hidden_size) to the next state.

    Owns ``weight_ih`` (3 · hidden, input), ``weight_hh`` (3 · hidden, hidden), ``bias_ih`` and ``bias_hh``
    (3 · hidden,) or None. Without a state it starts at zero.

    >>> nn.GRUCell(3, 4)(tn.ones(2, 3)).shape
    (2, 4)
    """

    _cell = GATED

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)


class LSTMCell(RNNCellBase):
    """One step of a long short-term memory: from input (…, input_size) and a state (h, c) to the next (h, c).

    Owns ``weight_ih`` (4 · hidden, input), ``weight_hh`` (4 · hidden, hidden), ``bias_ih`` and ``bias_hh``
    (4 · hidden,) or None. Without a state it starts at zero.

    >>> h, c = nn.LSTMCell(3, 4)(tn.ones(2, 3))
    >>> h.shape, c.shape
    ((2, 4), (2, 4))
    """

    states = 2
    _cell = REMEMBERING

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)


class RNNCell(RNNCellBase):
    """One step of a plain recurrent layer: from input (…, input_size) and state (…, hidden_size) to the next state.

    ``nonlinearity`` is "tanh" or "relu". Owns ``weight_ih`` (hidden, input), ``weight_hh`` (hidden, hidden),
    ``bias_ih`` and ``bias_hh`` (hidden,) or None. Without a state it starts at zero.

    >>> nn.RNNCell(3, 4)(tn.ones(2, 3)).shape
    (2, 4)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        self.nonlinearity = known(nonlinearity)
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)

    def extra_repr(self) -> str:
        """The sizes, and what is not the default."""
        return super().extra_repr() + ("" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}")

    @property
    def _cell(self) -> Any:
        """The step of its nonlinearity."""
        return PLAIN[self.nonlinearity]


def known(nonlinearity: Any) -> str:
    """A nonlinearity by its name; DTypeError (TN802) for another."""
    if nonlinearity not in ("tanh", "relu"):
        raise DTypeError(f"nonlinearity is 'tanh' or 'relu', not {shown(nonlinearity)}")
    return nonlinearity  # type: ignore[no-any-return]


def check_input(x: Any, size: int, ndims: tuple[int, ...]) -> None:
    """ShapeError (TN802) for an input of other axes, or of another number of features."""
    if x.ndim not in ndims or x.shape[-1] != size:
        axes = " or ".join(map(str, ndims))
        raise ShapeError(f"an input of shape {list(x.shape)}, where {axes} axes are expected, the last of size {size}")


def _checked_state(hx: Any, wanted: tuple[int, ...]) -> Tensor:
    h = value_of(hx)
    if h.shape != wanted:
        raise ShapeError(f"a state of shape {list(h.shape)}, where {list(wanted)} is expected")
    return h
