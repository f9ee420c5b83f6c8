"""Constraints: the regions that parameters and samples lie in, by PyTorch's names.

``constraint.check(value)`` says of each event whether it lies inside. Singletons, as ``positive`` and ``simplex``, are
objects; families, as ``greater_than`` and ``interval``, are classes.
"""

from __future__ import annotations

from tenure.distributions.regions import (
    Boolean,
    Constraint,
    CorrCholesky,
    GreaterThan,
    GreaterThanEq,
    HalfOpenInterval,
    IntegerGreaterThan,
    IntegerInterval,
    IntegerLessThan,
    Interval,
    LessThan,
    LowerCholesky,
    LowerTriangular,
    Multinomial,
    OneHot,
    PositiveDefinite,
    PositiveSemidefinite,
    Real,
    Simplex,
    Square,
    Symmetric,
)
from tenure.distributions.regions_of_parts import (
    Cat,
    Dependent,
    IndependentConstraint,
    MixtureSameFamilyConstraint,
    Stack,
    dependent_property,
)

__all__ = [
    "Constraint",
    "MixtureSameFamilyConstraint",
    "boolean",
    "cat",
    "corr_cholesky",
    "dependent",
    "dependent_property",
    "greater_than",
    "greater_than_eq",
    "half_open_interval",
    "independent",
    "integer_interval",
    "interval",
    "is_dependent",
    "less_than",
    "lower_cholesky",
    "lower_triangular",
    "multinomial",
    "nonnegative",
    "nonnegative_integer",
    "one_hot",
    "positive",
    "positive_definite",
    "positive_integer",
    "positive_semidefinite",
    "real",
    "real_vector",
    "simplex",
    "square",
    "stack",
    "symmetric",
    "unit_interval",
]


def is_dependent(constraint: Constraint) -> bool:
    """Whether a constraint stands for one that depends on other parameters, and cannot be checked by itself.

    >>> from tenure.distributions import constraints
    >>> constraints.is_dependent(constraints.positive)
    False
    """
    return isinstance(constraint, Dependent)


dependent = Dependent()
independent, cat, stack = IndependentConstraint, Cat, Stack
boolean, one_hot, simplex, multinomial = Boolean(), OneHot(), Simplex(), Multinomial
integer_interval, integer_less_than, integer_greater_than = IntegerInterval, IntegerLessThan, IntegerGreaterThan
nonnegative_integer, positive_integer = IntegerGreaterThan(0), IntegerGreaterThan(1)
real = Real()
real_vector = IndependentConstraint(real, 1)
greater_than, greater_than_eq, less_than = GreaterThan, GreaterThanEq, LessThan
interval, half_open_interval = Interval, HalfOpenInterval
positive, nonnegative, unit_interval = GreaterThan(0.0), GreaterThanEq(0.0), Interval(0.0, 1.0)
lower_triangular, lower_cholesky, corr_cholesky = LowerTriangular(), LowerCholesky(), CorrCholesky()
square, symmetric = Square(), Symmetric()
positive_semidefinite, positive_definite = PositiveSemidefinite(), PositiveDefinite()
