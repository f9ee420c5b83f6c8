"""Recurrent layers over sequences: plain (RNN), with long short-term memory (LSTM) and gated (GRU).

Names and layouts are PyTorch's; the steps and their formulas are those of the cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, overload

from tenure.dtypes import DTypeLike
from tenure.errors import ShapeError, shown
from tenure.nn import functional
from tenure.nn.cells import GATED, PLAIN, REMEMBERING, Recurrent, State, check_input, known
from tenure.nn.utils.rnn import PackedSequence, counts_of, pack, padded
from tenure.values.operations.arithmetic import where
from tenure.values.operations.creation import check_device
from tenure.values.operations.reading import value_of
from tenure.values.operations.shaping import concat, stack
from tenure.values.places.parameter import Parameter
from tenure.values.trace.given import MOST_BYTES

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


class Kind(NamedTuple):
    """A kind of recurrent layer: parts of a weight, tensors between steps, the step."""

    gates: int
    states: int
    cell: Any


KINDS = {
    "LSTM": Kind(4, 2, REMEMBERING),
    "GRU": Kind(3, 1, GATED),
    "RNN_TANH": Kind(1, 1, PLAIN["tanh"]),
    "RNN_RELU": Kind(1, 1, PLAIN["relu"]),
}
"""Kinds of layers by PyTorch's name of their mode."""


class RNNBase(Recurrent):
    """Base of recurrent layers: one of ``mode`` "LSTM", "GRU", "RNN_TANH" or "RNN_RELU".

    Shapes and parameters as in ``GRU``. Sequences of several lengths come and go as a ``PackedSequence``
    (``nn.utils.rnn``), whose states are those at the end of each.

    >>> out, last = nn.RNNBase("GRU", 3, 4)(tn.ones(5, 2, 3))
    >>> out.shape, last.shape
    ((5, 2, 4), (1, 2, 4))
    """

    def __init__(
        self, mode: str, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
        batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0,
        device: str | None = None, dtype: DTypeLike | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        check_device(device)
        if mode not in KINDS:
            raise ValueError(f"mode is one of {list(KINDS)}, not {shown(mode)}")
        if not 0.0 <= dropout <= 1.0:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {dropout}")
        if not 0 <= proj_size < max(hidden_size, 1):
            raise ShapeError(f"proj_size {proj_size} is smaller than hidden_size {hidden_size}, or 0")
        if proj_size and mode != "LSTM":
            raise ValueError(f"proj_size is an argument of LSTM, not of {mode}")
        if num_layers < 1:
            raise ValueError(f"num_layers is at least 1, not {num_layers}")
        if num_layers * max(4 * hidden_size, 1024) > MOST_BYTES:
            raise ShapeError(f"num_layers {num_layers}: there is no memory for so many layers")
        self.mode = mode
        self.gates, self.states, self._cell = KINDS[mode]
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        for layer in range(num_layers):
            inputs = (proj_size or hidden_size) * len(self._directions()) if layer else input_size
            for end in self._directions():
                self._add_weights(f"_l{layer}{end}", inputs, bias, dtype)
        self.reset_parameters()

    def _directions(self) -> tuple[str, ...]:
        return ("", "_reverse") if self.bidirectional else ("",)

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters, a list for each layer and direction."""
        ends = [f"_l{layer}{end}" for layer in range(self.num_layers) for end in self._directions()]
        own = self._parameters.items()
        return [[p for name, p in own if p is not None and name.partition("_l")[1:] == ("_l", e[2:])] for e in ends]

    def flatten_parameters(self) -> None:
        """Do nothing: parameters need not lie together."""

    if TYPE_CHECKING:

        @overload
        def __call__(self, input: PackedSequence, hx: Any = None) -> tuple[PackedSequence, Any]: ...  # type: ignore[overload-overlap]
        @overload
        def __call__(self, input: ArrayLike, hx: Any = None) -> tuple[Tensor, Any]: ...
        def __call__(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
            """Call ``forward`` and the hooks around it."""

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """The states of the last layer, and the last states; ShapeError (TN802) where the shapes do not fit."""
        if isinstance(input, PackedSequence):
            return self._over_packed(input, hx)
        x = value_of(input)
        check_input(x, self.input_size, (2, 3))
        swapped = self.batch_first and x.ndim == 3
        if not x.shape[int(swapped)]:
            raise ShapeError(f"{type(self).__name__}: an input of shape {list(x.shape)} has no step to go over")
        if swapped:
            x = x.transpose(0, 1)
        x, found = self._over(x, self._start(hx, self._wanted(x), x), None)
        return x.transpose(0, 1) if swapped else x, found if self.states > 1 else found[0]

    def _wanted(self, x: Any) -> tuple[int, ...]:
        """The first sizes of the states for an input (length, …, features)."""
        return (self.num_layers * len(self._directions()), *x.shape[1:-1])

    def _over_packed(self, given: PackedSequence, hx: Any) -> tuple[PackedSequence, Any]:
        """Packed sequences go over padded ones: where one has ended its state stays, or has not begun from the end."""
        check_input(given.data, self.input_size, (2,))
        counts = counts_of(given)
        x, within = padded(given.data, counts)
        starts = self._start(hx, self._wanted(x), x)
        if hx is not None and given.sorted_indices is not None:
            starts = tuple([s[:, given.sorted_indices] for s in starts])
        x, found = self._over(x, starts, within)
        if given.unsorted_indices is not None:
            found = tuple([s[:, given.unsorted_indices] for s in found])
        out = given._replace(data=pack(x, counts))
        return out, found if self.states > 1 else found[0]

    def _over(self, x: Any, starts: State, within: Any) -> tuple[Any, State]:
        """All layers over an input (length, …, features): the states of the last layer, and the last states."""
        last: list[State] = []
        for layer in range(self.num_layers):
            if layer:
                x = functional.dropout(x, self.dropout, self.training)
            outs = []
            for end in self._directions():
                out, state = self._run(x, f"_l{layer}{end}", tuple([s[len(last)] for s in starts]), within)
                outs.append(out)
                last.append(state)
            x = outs[0] if len(outs) == 1 else concat(outs, -1)
        return x, tuple([stack([state[k] for state in last]) for k in range(self.states)])

    def _run(self, x: Any, suffix: str, state: State, within: Any) -> tuple[Any, State]:
        """The states of one layer in one direction, in the order of the input, and the last."""
        own = self._parameters
        gates = functional.linear(x, own[f"weight_ih{suffix}"], own[f"bias_ih{suffix}"])
        weights, steps = self._weights(suffix), range(x.shape[0])
        found = {}
        for k in reversed(steps) if suffix.endswith("_reverse") else steps:
            new = self._next(gates[k], state, *weights)
            if within is not None:
                new = tuple([where(within[k], n, s) for n, s in zip(new, state, strict=True)])
            state = new
            found[k] = state[0]
        return stack([found[k] for k in steps]), state

    def extra_repr(self) -> str:
        """The sizes, and what is not the default."""
        said = [str(self.input_size), str(self.hidden_size)]
        defaults = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0}
        defaults["bidirectional"] = False
        said += [f"{k}={getattr(self, k)}" for k, default in defaults.items() if getattr(self, k) != default]
        return ", ".join(said)


class GRU(RNNBase):
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
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, device: str | None = None, dtype: DTypeLike | None = None,
    ) -> None:  # fmt: skip
        form = (num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype)
        super().__init__("GRU", input_size, hidden_size, *form)


class LSTM(RNNBase):
    """Layers of long short-term memory (LSTM) over a sequence, shaped as those of ``GRU``.

    The state is a pair (h, c); with ``proj_size`` h is projected to that size. Owns the weights of ``GRU`` with four
    gates, and ``weight_hr_l0`` (proj_size, hidden_size) and so on where h is projected.

    >>> out, (h, c) = nn.LSTM(3, 4)(tn.ones(5, 2, 3))
    >>> out.shape, h.shape, c.shape
    ((5, 2, 4), (1, 2, 4), (1, 2, 4))
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0, device: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:  # fmt: skip
        form = (num_layers, bias, batch_first, dropout, bidirectional, proj_size, device, dtype)
        super().__init__("LSTM", input_size, hidden_size, *form)


class RNN(RNNBase):
    """Layers of plain recurrence over a sequence, shaped as those of ``GRU``; ``nonlinearity`` is "tanh" or "relu".

    Owns the weights of ``GRU`` with one gate.

    >>> out, last = nn.RNN(3, 4)(tn.ones(5, 2, 3))
    >>> out.shape, last.shape
    ((5, 2, 4), (1, 2, 4))
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh", bias: bool = True,
        batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, device: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:  # fmt: skip
        self.nonlinearity = known(nonlinearity)
        form = (num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype)
        super().__init__(f"RNN_{self.nonlinearity.upper()}", input_size, hidden_size, *form)
