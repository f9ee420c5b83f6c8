"""Bases that programs derive distributions, transforms and constraints from, and home objects that stand for these."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from tenure.distributions import Distribution as HomeDistribution
from tenure.distributions import Transform as HomeTransform
from tenure.distributions.constraints import is_dependent as depends
from tenure.distributions.regions import Constraint as HomeConstraint
from tenure.torch.cells import unwrap, wrap
from tenure.torch.distributions.outer import FAMILIES, STAND, Outer, hide
from tenure.torch.sizes import Size
from tenure.values.rules.modes import no_grad
from tenure.values.tensor.tensor import Tensor as Value

SIZES = re.compile(r": (\[[\d, ]*\])")
"""A shape in the text of a home distribution."""
NAMES = re.compile(r"(\w+): ")
"""A parameter in that text."""
FIRST = {"Pareto": "alpha", "MultivariateNormal": "loc", "Binomial": "total_count", "NegativeBinomial": "total_count"}
"""The parameter that PyTorch shows first, where it is another one."""
MADE = """
LogNormal HalfNormal HalfCauchy Beta Chi2 Multinomial TransformedDistribution RelaxedBernoulli InverseGamma
RelaxedOneHotCategorical OneHotCategorical OneHotCategoricalStraightThrough LogisticNormal
"""
BARE = frozenset(MADE.split())
"""Distributions made of others, of which PyTorch shows no parameters."""


def is_dependent(constraint: Any) -> bool:
    """Whether a constraint hangs on other parameters."""
    held = hide(constraint)
    return bool(getattr(constraint, "is_dependent", False) or (isinstance(held, HomeConstraint) and depends(held)))


def of_one(x: Any) -> str:
    """A parameter by its number, or its shape if there are several."""
    if not isinstance(x, Value):
        return str(x)
    return f"{wrap(x)}" if x.numel() == 1 else f"torch.Size({list(x.shape)})"


class Distribution(Outer):
    """Base of probability distributions."""

    __module__ = "torch.distributions.distribution"
    has_rsample = False
    has_enumerate_support = False
    _validate_args = __debug__
    arg_constraints: ClassVar[Any] = {}

    def __init__(self, batch_shape: Any = (), event_shape: Any = (), validate_args: bool | None = None) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            for name, constraint in getattr(self, "arg_constraints", {}).items():
                value = self.__dict__.get(name)
                if value is not None and not is_dependent(constraint):
                    ok = constraint.check(value)
                    if not bool(ok.all()):
                        raise ValueError(
                            f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of"
                            f" distribution {self!r} to satisfy the constraint {constraint!r}, but found invalid"
                            f" values:\n{value}"
                        )

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions check their arguments unless told otherwise."""
        Distribution._validate_args = value
        HomeDistribution.set_default_validate_args(value)

    @property
    def batch_shape(self) -> Any:
        """The shape of the batch."""
        return self._batch_shape if "_held" not in self.__dict__ else Size(self._held.batch_shape)

    @property
    def event_shape(self) -> Any:
        """The shape of an event."""
        return self._event_shape if "_held" not in self.__dict__ else Size(self._held.event_shape)

    def __repr__(self) -> str:
        name = type(self).__name__
        if "_held" not in self.__dict__ or name in BARE:
            return f"{name}()"
        text = repr(self._held)
        if text.count("(") > 1:
            return SIZES.sub(r": torch.Size(\1)", text)  # the home library shows shapes as lists
        parts = NAMES.findall(text)
        parts.sort(key=lambda part: part != FIRST.get(name))
        return f"{name}({', '.join(f'{part}: {of_one(getattr(self._held, part))}' for part in parts)})"

    @property
    def stddev(self) -> Any:
        """The standard deviation."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = ()) -> Any:
        """Random events without a gradient."""
        return no_grad().apply(self.rsample, sample_shape)

    def sample_n(self, n: int) -> Any:
        """n random events."""
        return self.sample(Size((n,)))

    def perplexity(self) -> Any:
        """The exponential of the entropy."""
        return self.entropy().exp()

    def _extended_shape(self, sample_shape: Any = ()) -> Any:
        return Size((*sample_shape, *self.batch_shape, *self.event_shape))

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        if _instance is None and type(self).__init__ is not cls.__init__:  # type: ignore[misc]
            raise NotImplementedError(
                f"Subclass {type(self).__name__} of {cls.__name__} that defines a custom __init__ method must also"
                " define a custom .expand() method."
            )
        return type(self).__new__(type(self)) if _instance is None else _instance


def _lacking(name: str) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define {name}")

    method.__name__ = name
    return method


for _name in ("expand", "rsample", "log_prob", "cdf", "icdf", "entropy", "enumerate_support"):
    setattr(Distribution, _name, _lacking(_name))
for _name in ("mean", "mode", "variance", "support"):
    setattr(Distribution, _name, property(_lacking(_name)))


class Transform(Outer):
    """Base of transforms y = t(x)."""

    __module__ = "torch.distributions.transforms"
    bijective = False
    domain: Any
    codomain: Any

    def __init__(self, cache_size: int = 0) -> None:
        self._cache_size = cache_size
        self._inv: Any = None
        if cache_size not in (0, 1):
            raise ValueError("cache_size must be 0 or 1")

    @property
    def event_dim(self) -> int:
        """The number of axes of an event."""
        if self.domain.event_dim == self.codomain.event_dim:
            return int(self.domain.event_dim)
        raise ValueError("Please use either .domain.event_dim or .codomain.event_dim")

    @property
    def inv(self) -> Any:
        """The inverse transform."""
        return Inverse(self)

    @property
    def sign(self) -> Any:
        """Whether the transform rises or falls."""
        raise NotImplementedError

    def with_cache(self, cache_size: int = 1) -> Any:
        """The transform."""
        return self

    def __call__(self, x: Any) -> Any:
        return self._call(x)

    def _inv_call(self, y: Any) -> Any:
        return self._inverse(y)

    def _call(self, x: Any) -> Any:
        raise NotImplementedError

    def _inverse(self, y: Any) -> Any:
        raise NotImplementedError

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """The logarithm of the absolute determinant of the Jacobian."""
        raise NotImplementedError

    def forward_shape(self, shape: Any) -> Any:
        """The shape of t(x)."""
        return shape

    def inverse_shape(self, shape: Any) -> Any:
        """The shape of x."""
        return shape


class Inverse(Transform):
    """The inverse of a program's transform."""

    def __init__(self, of: Any) -> None:
        super().__init__()
        self._inv = of
        self.bijective = of.bijective

    @property
    def domain(self) -> Any:
        """The codomain of the transform."""
        return self._inv.codomain

    @property
    def codomain(self) -> Any:
        """The domain of the transform."""
        return self._inv.domain

    @property
    def inv(self) -> Any:
        """The transform."""
        return self._inv

    def __call__(self, x: Any) -> Any:
        return self._inv._inv_call(x)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """The negative of the transform's."""
        return -self._inv.log_abs_det_jacobian(y, x)


class Constraint(Outer):
    """Base of constraints: ``check(value)`` says of each event whether it lies inside."""

    __module__ = "torch.distributions.constraints"
    is_discrete = False
    event_dim = 0

    def check(self, value: Any) -> Any:
        """Whether events lie inside."""
        raise NotImplementedError


FAMILIES.update({HomeDistribution: Distribution, HomeTransform: Transform, HomeConstraint: Constraint})


def _of_distribution(x: Any) -> Any:
    def given(name: str) -> Any:
        return lambda self, *args, **kw: hide(getattr(x, name)(*wrap(args)))

    def read(name: str) -> Any:
        return property(lambda self: hide(getattr(x, name)))

    space = {name: given(name) for name in ("rsample", "sample", "log_prob", "cdf", "icdf", "entropy", "expand")}
    space |= {name: read(name) for name in ("mean", "mode", "variance", "support")}
    kind: Any = type(type(x).__name__, (HomeDistribution,), {**space, "has_rsample": x.has_rsample})
    kind.arg_constraints = {}
    return kind(tuple(x.batch_shape), tuple(x.event_shape), validate_args=False)


def _of_transform(x: Any) -> Any:
    space = {
        "_call": lambda self, v: unwrap(x(wrap(v))), "_inverse": lambda self, v: unwrap(x._inv_call(wrap(v))),
        "log_abs_det_jacobian": lambda self, a, b: unwrap(x.log_abs_det_jacobian(wrap(a), wrap(b))),
        "bijective": x.bijective, "domain": hide(x.domain), "codomain": hide(x.codomain),
        "sign": property(lambda self: unwrap(x.sign)),
    }  # fmt: skip
    return type(type(x).__name__, (HomeTransform,), space)()


def _of_constraint(x: Any) -> Any:
    space = {"check": lambda self, v: unwrap(x.check(wrap(v))), "event_dim": x.event_dim}
    return type(type(x).__name__, (HomeConstraint,), {**space, "is_discrete": x.is_discrete})()


STAND.update({Distribution: _of_distribution, Transform: _of_transform, Constraint: _of_constraint})
