"""Registries from constraints to the transforms that lead there from unconstrained numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, overload

from tenure.distributions import constraints
from tenure.distributions.regions import Constraint
from tenure.distributions.transform import ComposeTransform, Transform, identity_transform
from tenure.distributions.transforms_of_events import IndependentTransform
from tenure.distributions.transforms_of_numbers import AffineTransform, ExpTransform, SigmoidTransform
from tenure.distributions.transforms_of_parts import CatTransform, StackTransform
from tenure.distributions.transforms_of_vectors import (
    CorrCholeskyTransform,
    LowerCholeskyTransform,
    PositiveDefiniteTransform,
    SoftmaxTransform,
    StickBreakingTransform,
)
from tenure.errors import DTypeError, shown

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]

Factory = Callable[[Any], Transform]
Region = Constraint | type[Constraint]


class ConstraintRegistry:
    """Registry that gives the transform from unconstrained numbers to a region, by the class of its constraint.

    ``register(constraint)`` decorates the function that makes a transform for constraints of a class.
    NotImplementedError for a constraint of a class that is not registered.

    >>> D = tn.distributions
    >>> D.transform_to(D.Normal.arg_constraints["scale"])(tn.tensor([0.0]))
    tensor([1.])
    """

    def __init__(self) -> None:
        self._registry: dict[type[Constraint], Factory] = {}

    @overload
    def register(self, constraint: Region, factory: None = None) -> Callable[[Factory], Factory]: ...
    @overload
    def register(self, constraint: Region, factory: Factory) -> Factory: ...
    def register(
        self, constraint: Region, factory: Factory | None = None
    ) -> Factory | Callable[[Factory], Factory]:
        """Register what makes the transform for constraints of a class; without ``factory`` as a decorator."""
        kind = type(constraint) if isinstance(constraint, Constraint) else constraint
        if not isinstance(kind, type) or not issubclass(kind, Constraint):
            raise DTypeError(f"register: {shown(constraint)} is no constraint")
        if factory is not None:
            return self._put(kind, factory)
        return partial(self._put, kind)

    def _put(self, kind: type[Constraint], factory: Factory) -> Factory:
        if not callable(factory):
            raise DTypeError(f"register: {shown(factory)} makes no transform")
        self._registry[kind] = factory
        return factory

    def __call__(self, constraint: Constraint) -> Transform:
        if not isinstance(constraint, Constraint):
            raise DTypeError(f"{shown(constraint)} is no constraint")
        factory = self._registry.get(type(constraint))
        if factory is None:
            raise NotImplementedError(f"there is no transform to {type(constraint).__name__} constraints")
        return factory(constraint)


biject_to = ConstraintRegistry()
"""Bijections, whose Jacobians are known."""
transform_to = ConstraintRegistry()
"""Transforms that may have more inputs than outputs, for optimization."""


def _to_interval(c: Any) -> Transform:
    numbers = isinstance(c.lower_bound, int | float) and isinstance(c.upper_bound, int | float)
    if numbers and (c.lower_bound, c.upper_bound) == (0, 1):
        return SigmoidTransform()
    return ComposeTransform([SigmoidTransform(), AffineTransform(c.lower_bound, c.upper_bound - c.lower_bound)])


def _above(c: Any) -> Transform:
    return ComposeTransform([ExpTransform(), AffineTransform(c.lower_bound, 1)])


BOTH: dict[Any, Factory] = {
    constraints.real: lambda c: identity_transform,
    constraints.greater_than: _above,
    constraints.greater_than_eq: _above,
    constraints.less_than: lambda c: ComposeTransform([ExpTransform(), AffineTransform(c.upper_bound, -1)]),
    constraints.interval: _to_interval,
    constraints.half_open_interval: _to_interval,
    constraints.corr_cholesky: lambda c: CorrCholeskyTransform(),
}
"""Transforms of both registries, by constraint."""

for _constraint, _factory in BOTH.items():
    biject_to.register(_constraint, _factory)
    transform_to.register(_constraint, _factory)

biject_to.register(constraints.simplex, lambda c: StickBreakingTransform())
transform_to.register(constraints.simplex, lambda c: SoftmaxTransform())
transform_to.register(constraints.lower_cholesky, lambda c: LowerCholeskyTransform())
transform_to.register(constraints.positive_definite, lambda c: PositiveDefiniteTransform())
transform_to.register(constraints.positive_semidefinite, lambda c: PositiveDefiniteTransform())


def _register_parts(registry: ConstraintRegistry) -> None:
    """The transforms of constraints that are made of others."""
    registry.register(
        constraints.independent,
        lambda c: IndependentTransform(registry(c.base_constraint), c.reinterpreted_batch_ndims),
    )
    registry.register(constraints.cat, lambda c: CatTransform([registry(x) for x in c.cseq], c.dim, c.lengths))
    registry.register(constraints.stack, lambda c: StackTransform([registry(x) for x in c.cseq], c.dim))


_register_parts(biject_to)
_register_parts(transform_to)
