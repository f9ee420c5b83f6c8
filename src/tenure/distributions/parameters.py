"""Parameters of distributions, declared once each: what they are, how they broadcast, and when they are checked.

A parameter that is a place is read whenever it is used, as a module reads its own; any other is a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Self, overload

import numpy as np

from tenure.distributions.validity import checked
from tenure.dtypes import DType, default_float, promote
from tenure.errors import DTypeError, ShapeError, shown
from tenure.ops.declare import broadcast_shapes
from tenure.values.operations.creation import tensor
from tenure.values.operations.reading import value_of
from tenure.values.operations.shaping import broadcast_to
from tenure.values.tensor.tensor import Tensor

if TYPE_CHECKING:
    from tenure.distributions.distribution import Distribution
    from tenure.distributions.regions import Constraint

Form = Callable[[Any], Tensor]


class Parameter:
    """A parameter under the name it is assigned to: its constraint, and its last axes that belong to one event.

    ``otherwise`` computes it, from the distribution, where another parameter was given in its place; ``form`` brings
    what is given into its form, as shares that add up to 1, once it is checked by the constraint ``first``. One that
    is ``noted`` is shown in print once it was computed.
    """

    def __init__(
        self,
        constraint: Constraint,
        otherwise: Form | None = None,
        form: Form | None = None,
        first: Constraint | None = None,
        noted: bool = False,
    ) -> None:
        self.constraint, self.otherwise, self.form, self.noted = constraint, otherwise, form, noted
        self.first = first or constraint
        self.event_dim = constraint.event_dim

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, d: None, owner: Any = None) -> Self: ...
    @overload
    def __get__(self, d: Distribution, owner: Any = None) -> Tensor: ...
    def __get__(self, d: Distribution | None, owner: Any = None) -> Tensor | Self:
        if d is None:
            return self
        x = self.raw(d)
        if x is None:
            if self.otherwise is None:
                raise AttributeError(f"{type(d).__name__} was made without {self.name}")
            x = self.otherwise(d)
            if self.noted:
                self.note(d)
        shape = (*d._batch_shape, *x.shape[x.ndim - self.event_dim :])
        return x if x.shape == shape else broadcast_to(x, shape)

    def __set__(self, d: Distribution, x: Any) -> None:
        d.__dict__[self.name] = x

    def note(self, d: Distribution) -> None:
        """Show it in print from now on, as PyTorch does once it was computed."""
        d.__dict__.setdefault("_asked", set()).add(self.name)

    def raw(self, d: Distribution) -> Tensor | None:
        """The parameter as it was given, before it broadcasts; None if another was given."""
        x = d.__dict__.get(self.name)
        return x if x is None or type(x) is Tensor else self.taken(d, x)

    def taken(self, d: Distribution, x: Any) -> Tensor:
        """A value of the distribution's dtype, in the form of the parameter and checked."""
        value = value_of(x)
        if value.dtype is not d._dtype and not value.dtype.is_complex:
            value = value.to(d._dtype)
        if d._validate_args and not is_dependent(self.first):
            value = checked(f"{d._name}: {self.name}", value, self.first, again=type(x) is not Tensor)
        return value if self.form is None else self.form(value)

    def given_to(self, d: Distribution) -> bool:
        """Whether a distribution was made with it, and not with another in its place."""
        return self.name in d.__dict__


class OfBase(Parameter):
    """A parameter of the base distribution, by its name, or, by a path to it, of that one's base."""

    def __init__(self, constraint: Constraint, path: str = "base_dist") -> None:
        super().__init__(constraint)
        self.base = attrgetter(path)

    def raw(self, d: Distribution) -> Tensor | None:
        """The parameter of the base."""
        return getattr(self.base(d), self.name)  # type: ignore[no-any-return]

    def given_to(self, d: Distribution) -> bool:
        """Whether the base was made with it."""
        return self.name in self.base(d).__dict__


def is_dependent(constraint: Constraint) -> bool:
    """Whether a constraint cannot be checked without other parameters."""
    return hasattr(constraint, "_event_dim")


def given(what: str, x: Any) -> Any:
    """A parameter as a tensor or place, of real numbers; DTypeError (TN802) for anything else."""
    if not isinstance(x, Tensor | np.ndarray | np.generic | bool | int | float | list | tuple):
        raise DTypeError(f"{what} is a number or a tensor, not {shown(x)}")
    if not isinstance(x, Tensor):
        x = tensor(x)
    if x.dtype.is_complex:
        raise DTypeError(f"{what} is real, not {x.dtype.name}")
    return x


PLAIN = (float, int, bool, np.float64, np.float32, np.int64)
"""Numbers, which take the dtype of the tensors beside them."""


def together(values: Iterable[Any]) -> DType:
    """The floating dtype of parameters: that of the floating tensors, which numbers follow."""
    found: DType | None = None
    for x in values:
        if isinstance(x, Tensor) and x.dtype.is_floating and x.dtype is not found:
            found = x.dtype if found is None else promote(found, x.dtype)
    return found or default_float


def take(d: Distribution, event_shape: tuple[int, ...] | None = None, **values: Any) -> None:
    """Give a distribution its parameters, its dtype and its batch shape.

    The event has the last axes of the first parameter unless its shape is given.
    """
    name = d._name
    declared = type(d).parameters
    raw = {k: x if type(x) in PLAIN else given(f"{name}: {k}", x) for k, x in values.items()}
    d._dtype = together(raw.values())
    raw = {k: tensor(x, dtype=d._dtype) if type(x) in PLAIN else x for k, x in raw.items()}
    shapes, events = [], []
    for k, x in raw.items():
        axes = x.ndim - declared[k].event_dim
        if axes < 0:
            raise ShapeError(
                f"{name}: {k} of shape {list(x.shape)} has less axes than one event of it, which has {x.ndim - axes}"
            )
        shapes.append(x.shape[:axes])
        events.append(x.shape[axes:])
    d._batch_shape = broadcast_shapes(shapes, name)
    d._event_shape = events[0] if event_shape is None else event_shape
    for k, x in raw.items():
        value = declared[k].taken(d, x)
        d.__dict__[k] = value if type(x) is Tensor else x
