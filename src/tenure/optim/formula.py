"""Optimizers that are a formula: what is kept for each parameter, the numbers of a step, and a rule.

All parameters of a group that have equally many steps behind them are updated by one recorded step. Numbers, the
learning rate among them, are its operands: new ones make no new program.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from tenure.dtypes import float32, float64
from tenure.errors import StateDictError
from tenure.optim.optimizer import Optimizer
from tenure.optim.options import Group, given
from tenure.optim.row_rule import RowRule
from tenure.optim.rule import Options, Rule
from tenure.values.grad.sparse_rows import SparseRows
from tenure.values.operations.creation import tensor
from tenure.values.operations.factories import full, full_like, zeros, zeros_like
from tenure.values.places.shared import Shared
from tenure.values.places.var import Var
from tenure.values.tensor.tensor import Tensor

Numbers = tuple[Any, ...]


class Formula(Optimizer):
    """The base of optimizers whose update of a parameter is a formula."""

    rule: ClassVar[Rule]

    row_rule: ClassVar[RowRule | None] = None
    """The formula on sparse gradients, if there is one."""

    counts: ClassVar[tuple[str, ...]] = ("step",)
    """Numbers kept for each parameter."""

    timed: ClassVar[bool] = True
    """Whether the numbers of a step depend on those kept for the parameter."""

    def __init__(self, params: Any, arguments: Group) -> None:
        super().__init__(params, given(arguments))

    def _kept(self, group: Group) -> tuple[str, ...]:
        """Names of the tensors kept for each parameter."""
        raise NotImplementedError

    def _begin(self, name: str, p: Var, group: Group) -> Any:
        """The start of what is kept under a name."""
        if name in self.counts:
            return 0
        return zeros_of(p)

    def _placed(self, x: Tensor) -> Any:
        """The place of a value that is kept."""
        return Var(x)

    def _shape_of(self, name: str, p: Tensor) -> tuple[int, ...]:
        """The shape of a tensor kept for a parameter."""
        return p.shape

    def _numbers(self, group: Group, *at: Any) -> Numbers:
        """The numbers of a step; ``at``: which step it is, then the others of ``counts``."""
        raise NotImplementedError

    def _options(self, group: Group, *at: Any) -> Options:
        """Choices that make another formula."""
        raise NotImplementedError

    def _after(self, group: Group, *at: Any) -> Group:
        """The numbers to keep after a step."""
        return {"step": at[0]}

    def update_all(self, ps: list[Var], grads: list[Tensor], states: list[Group], group: Group) -> None:
        """Write parameters: those at the same step together."""
        counts = self.counts
        columns = self._columns(counts + self._kept(group), ps, states, group)
        counted, kept = columns[: len(counts)], columns[len(counts) :]
        now = []
        for column in counted:
            first = column[0]
            if column.count(first) < len(column):
                return self._apart(counted, [ps, grads, states, *kept], group)
            now.append(first)
        return self._together(ps, grads, states, kept, group, now)

    def _refuse_rows(self, group: Group) -> None:
        if self.row_rule is None:
            super()._refuse_rows(group)

    def _rule_of(self, grads: Sequence[Any]) -> Any:
        """The rule for gradients all of which are sparse, or none."""
        return self.row_rule if type(grads[0]) is SparseRows else self.rule

    def _together(self, ps: Any, grads: Any, states: list[Group], kept: Any, group: Group, at: Sequence[Any]) -> None:
        """Write parameters that are at the same step."""
        also: Any = ()
        if self.counts:
            at = (at[0] + 1, *at[1:])
            after = self._after(group, *at)
            also = [(state.update, after) for state in states]
        self._rule_of(grads)(ps, grads, kept, self._numbers(group, *at), self._options(group, *at), also)

    def _apart(self, counted: list[list[Any]], columns: list[list[Any]], group: Group) -> None:
        """Write parameters that are at several steps."""
        if not self.timed:
            ps, grads, states, *kept = columns
            also = [(state.update, self._after(group, state["step"] + 1)) for state in states]
            self._rule_of(grads)(ps, grads, kept, self._numbers(group), self._options(group), also)
            return
        which: dict[Any, list[int]] = {}
        for k, at in enumerate(zip(*counted, strict=True)):
            which.setdefault(at, []).append(k)
        for at, chosen in which.items():
            ps, grads, states, *kept = [[column[k] for k in chosen] for column in columns]
            self._together(ps, grads, states, kept, group, at)

    def _columns(self, names: tuple[str, ...], ps: list[Var], states: list[Group], group: Group) -> list[list[Any]]:
        """Numbers and tensors kept for parameters, by their names; begun where they are missing."""
        try:
            return [[state[name] for state in states] for name in names]
        except KeyError:
            for p, state in zip(ps, states, strict=True):
                state.update({name: self._begin(name, p, group) for name in names if name not in state})
        return [[state[name] for state in states] for name in names]

    def _saved(self, name: str, x: Any) -> Any:
        """A kept number as a tensor, as PyTorch has it."""
        if name in self.counts:
            return tensor(float(x), dtype=float32 if name == "step" else float64)
        return super()._saved(name, x)

    def _restored(self, name: str, x: Any, p: Any) -> Any:
        if name in self.counts:
            number = x.item() if isinstance(x, Tensor) else x
            return int(number) if name == "step" else float(number)
        expected = self._shape_of(name, p)
        if isinstance(x, Tensor) and x.shape != expected:
            raise StateDictError(f"{name} has shape {list(x.shape)} in the state_dict, and {list(expected)} here")
        return super()._restored(name, x, p)


def zeros_of(p: Any) -> Any:
    """A place of zeros, or a Shared, of the shape and dtype of a parameter."""
    return Shared(zeros(p.shape, dtype=p.dtype)) if isinstance(p, Shared) else Var(zeros_like(p))


def filled(p: Any, x: float) -> Any:
    """A place, or a Shared, of the shape and dtype of a parameter with one number in it, in both parts of complex
    ones."""
    number: Any = complex(x, x) if p.dtype.is_complex else x
    if isinstance(p, Shared):
        return Shared(full(p.shape, number, dtype=p.dtype))
    return Var(full_like(p, number))
