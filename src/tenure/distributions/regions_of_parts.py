"""Constraints made of constraints: of the entries of an event, of parts along an axis, of other parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tenure.distributions.regions import Constraint
from tenure.errors import DTypeError, ShapeError, shown
from tenure.values.operations.joining import narrow, select
from tenure.values.operations.reading import value_of
from tenure.values.operations.shaping import concat, stack
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.given import int_of

if TYPE_CHECKING:
    from tenure.values.tensor.typing import ArrayLike


def base_of(name: str, constraint: Any) -> Constraint:
    """An argument that is a constraint; DTypeError (TN802) for anything else."""
    if not isinstance(constraint, Constraint):
        raise DTypeError(f"{name}: {shown(constraint)} is no constraint")
    return constraint


class Dependent(Constraint):
    """Placeholder for a constraint that depends on other parameters, and so cannot be checked by itself."""

    said = "as the other parameters ask"

    def __init__(self, *, is_discrete: bool | None = None, event_dim: int | None = None) -> None:
        self._is_discrete, self._event_dim = is_discrete, event_dim

    @property
    def is_discrete(self) -> bool:
        """Whether the region is of whole numbers; NotImplementedError if that depends too."""
        if self._is_discrete is None:
            raise NotImplementedError(".is_discrete is not known without the parameters")
        return self._is_discrete

    @property
    def event_dim(self) -> int:
        """The number of axes of an event; NotImplementedError if that depends too."""
        if self._event_dim is None:
            raise NotImplementedError(".event_dim is not known without the parameters")
        return self._event_dim

    def __call__(self, *, is_discrete: bool | None = None, event_dim: int | None = None) -> Dependent:
        return Dependent(
            is_discrete=self._is_discrete if is_discrete is None else is_discrete,
            event_dim=self._event_dim if event_dim is None else event_dim,
        )

    def check(self, value: ArrayLike) -> Tensor:
        """ValueError: nothing can be said without the parameters."""
        raise ValueError("a dependent constraint is not checked without the parameters that it depends on")


class dependent_property(property, Dependent):
    """Property that is a constraint: of an object as its parameters give it, of the class a placeholder.

    ``@dependent_property(is_discrete=False, event_dim=0)`` says what does not depend on them.

    >>> from tenure.distributions import Uniform
    >>> Uniform.support.event_dim, Uniform(0.0, 2.0).support.check(3.0)
    (0, tensor(False))
    """

    def __init__(
        self,
        fn: Callable[[Any], Constraint] | None = None,
        *,
        is_discrete: bool | None = None,
        event_dim: int | None = None,
    ) -> None:
        property.__init__(self, fn)
        Dependent.__init__(self, is_discrete=is_discrete, event_dim=event_dim)

    def __call__(self, fn: Callable[[Any], Constraint]) -> dependent_property:  # type: ignore[override]
        return dependent_property(fn, is_discrete=self._is_discrete, event_dim=self._event_dim)


class _Wrapping(Constraint):
    """A constraint on the events of another one."""

    def __init__(self, base_constraint: Constraint) -> None:
        self.base_constraint = base_of(type(self).__name__, base_constraint)

    @property
    def is_discrete(self) -> bool:
        """Whether the region is of whole numbers."""
        return bool(self.base_constraint.is_discrete)

    @property
    def description(self) -> str:
        """The other constraint in words."""
        return self.base_constraint.description


def _all_of_last(x: Any, count: int) -> Any:
    """Whether all hold along so many last axes."""
    for _ in range(count):
        x = x.all(-1)
    return x


def verdict(constraint: Constraint, x: Any) -> Any:
    """Whether each event lies inside: of an array an array where the constraint can tell, else a tensor."""
    return constraint._met(x) if type(constraint).check is Constraint.check else constraint.check(value_of(x))


class IndependentConstraint(_Wrapping):
    """Events of one or more axes, each entry of which another constraint admits."""

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None:
        super().__init__(base_constraint)
        count = int_of(reinterpreted_batch_ndims, "independent: reinterpreted_batch_ndims")
        if count < 0:
            raise ShapeError(f"independent: reinterpreted_batch_ndims is {count}, and counts axes")
        self.reinterpreted_batch_ndims = count

    @property
    def event_dim(self) -> int:
        """The number of axes of an event."""
        return int(self.base_constraint.event_dim + self.reinterpreted_batch_ndims)

    def _met(self, x: Any) -> Any:
        found = verdict(self.base_constraint, x)
        if found.ndim < self.reinterpreted_batch_ndims:
            raise ShapeError(f"independent: a value of {x.ndim} axes, and an event has {self.event_dim}")
        return _all_of_last(found, self.reinterpreted_batch_ndims)

    def __repr__(self) -> str:
        return f"IndependentConstraint({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamilyConstraint(_Wrapping):
    """The support of a mixture, by that of its components, which have one axis more.

    >>> from tenure.distributions import constraints
    >>> constraints.MixtureSameFamilyConstraint(constraints.positive).check(tn.tensor([1.0, -1.0]))
    tensor([ True, False])
    """

    @property
    def event_dim(self) -> int:
        """The number of axes of an event."""
        return int(self.base_constraint.event_dim)

    def _met(self, x: Any) -> Any:
        if x.ndim < self.event_dim:
            raise ShapeError(f"a value of {x.ndim} axes, and an event of the mixture has {self.event_dim}")
        axis = x.ndim - self.event_dim
        found = verdict(self.base_constraint, x.reshape(*x.shape[:axis], 1, *x.shape[axis:]))
        return _all_of_last(found, found.ndim - axis)

    def __repr__(self) -> str:
        return f"MixtureSameFamilyConstraint({self.base_constraint!r})"


class _Parts(Constraint):
    """Constraints on the parts of a value along an axis."""

    said = "made of parts that their constraints admit"

    def __init__(self, cseq: Sequence[Constraint], dim: int) -> None:
        name = type(self).__name__.lower()
        if not isinstance(cseq, list | tuple):
            raise DTypeError(f"{name}: cseq is a list of constraints, not {shown(cseq)}")
        self.cseq, self.dim = [base_of(f"{name}: cseq", c) for c in cseq], int_of(dim, f"{name}: dim")

    @property
    def is_discrete(self) -> bool:
        """Whether a part is of whole numbers."""
        return any(c.is_discrete for c in self.cseq)

    @property
    def event_dim(self) -> int:
        """The number of axes of an event."""
        return int(max(c.event_dim for c in self.cseq))

    def _axis(self, x: Any) -> int:
        if not -x.ndim <= self.dim < x.ndim:
            raise ShapeError(f"{type(self).__name__.lower()}: a value of {x.ndim} axes has no axis {self.dim}")
        return self.dim % int(x.ndim)


class Cat(_Parts):
    """Parts of given lengths, joined along an axis as by ``tn.cat``; each with a constraint of its own."""

    def __init__(self, cseq: Sequence[Constraint], dim: int = 0, lengths: Sequence[int] | None = None) -> None:
        super().__init__(cseq, dim)
        if lengths is not None and not isinstance(lengths, list | tuple):
            raise DTypeError(f"cat: lengths is a list of ints, not {shown(lengths)}")
        self.lengths = [1] * len(self.cseq) if lengths is None else [int_of(n, "cat: lengths: each") for n in lengths]
        if len(self.lengths) != len(self.cseq):
            raise ShapeError(f"cat: {len(self.lengths)} lengths for {len(self.cseq)} constraints")

    def _met(self, x: Any) -> Any:
        x, axis, start, found = value_of(x), self._axis(x), 0, []
        for c, length in zip(self.cseq, self.lengths, strict=True):
            found.append(c.check(narrow(x, axis, start, length)))
            start += length
        return concat(found, self.dim)


class Stack(_Parts):
    """Parts joined along a new axis as by ``tn.stack``; each with a constraint of its own."""

    def __init__(self, cseq: Sequence[Constraint], dim: int = 0) -> None:
        super().__init__(cseq, dim)

    @property
    def event_dim(self) -> int:
        """The number of axes of an event."""
        most = super().event_dim
        return most + 1 if self.dim + most < 0 else most

    def _met(self, x: Any) -> Any:
        x, axis = value_of(x), self._axis(x)
        parts = [select(x, axis, k) for k in range(x.shape[axis])]
        return stack([c.check(v) for c, v in zip(self.cseq, parts, strict=True)], self.dim)
