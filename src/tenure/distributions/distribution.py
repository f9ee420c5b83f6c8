"""The base of all distributions: shapes, parameters, samples and densities, checked in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, TypeVar

from tenure.distributions.parameters import Parameter, is_dependent, take
from tenure.distributions.regions import Constraint, GreaterThan, GreaterThanEq
from tenure.distributions.validity import Doubt, assured, checked, doubt
from tenure.dtypes import default_float, float64
from tenure.errors import DTypeError, ShapeError, shown
from tenure.ops.declare import broadcast_shapes
from tenure.values.operations.creation import wrap
from tenure.values.operations.generator import Generator
from tenure.values.operations.reading import value_of
from tenure.values.rules.modes import no_grad
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.given import check_shape, flag, to_array

if TYPE_CHECKING:
    from tenure.dtypes import DType
    from tenure.values.tensor.typing import ArrayLike, Shape

Base = TypeVar("Base", bound="Distribution")


class Distribution:
    """Base of probability distributions: a batch of them, of ``batch_shape``, of events of ``event_shape``.

    A subclass declares parameters and says its formulas (``_log_prob``, ``_draw``, ``_mean``, …), or defines the
    public methods themselves, as in PyTorch. ``validate_args`` says whether parameters and values are checked
    (DomainError, TN802): those that are known at once, others when they are computed. Sampling takes a ``generator``.

    >>> class Zero(tn.distributions.Distribution):
    ...     arg_constraints = {}
    ...     def log_prob(self, value):
    ...         return -(tn.as_tensor(value) != 0) * tn.inf
    >>> Zero().batch_shape
    ()
    """

    has_rsample: Any = False
    has_enumerate_support: Any = False
    parameters: ClassVar[dict[str, Parameter]] = {}
    arg_constraints: ClassVar[Any]
    support: Any
    _validate_args = __debug__
    _called = ""
    _asked: set[str]
    """Parameters that were computed of others, for a face that shows those."""
    _dtype: DType = default_float
    _batch_shape: tuple[int, ...]
    _event_shape: tuple[int, ...]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own = {name: x for name, x in vars(cls).items() if isinstance(x, Parameter)}
        if own:
            cls.parameters = {**cls.parameters, **own}
            cls.arg_constraints = {name: x.constraint for name, x in cls.parameters.items()}

    def __init__(self, batch_shape: Shape = (), event_shape: Shape = (), validate_args: bool | None = None) -> None:
        self._batch_shape, self._event_shape = check_shape(batch_shape), check_shape(event_shape)
        self._validating(validate_args)
        if self._validate_args:
            for name, constraint in getattr(self, "arg_constraints", {}).items():
                value = self.__dict__.get(name)
                if isinstance(value, Tensor) and not is_dependent(constraint):
                    found = checked(f"{self._name}: {name}", value_of(value), constraint)
                    self.__dict__[name] = found if type(value) is Tensor else value

    def _validating(self, validate_args: bool | None) -> None:
        if validate_args is not None:
            self._validate_args = flag(f"{self._name}: validate_args", validate_args)

    def _take(self, validate_args: bool | None, event_shape: tuple[int, ...] | None = None, **values: Any) -> None:
        """Take parameters by their names: what a subclass with declared ones does first."""
        self._validating(validate_args)
        take(self, event_shape, **values)

    def _choose(self, **values: Any) -> dict[str, Any]:
        """Alternatives, of which one is to be given."""
        if sum(x is not None for x in values.values()) != 1:
            raise DTypeError(f"{self._name}: give one of {' and '.join(values)}")
        return {name: x for name, x in values.items() if x is not None}

    def _base(self, kind: type[Base], *given: Any) -> Base:
        """A base distribution, whose errors name this one."""
        base: Any = object.__new__(kind)
        base._called = self._name
        base.__init__(*given, validate_args=self._validate_args)
        return base  # type: ignore[no-any-return]

    @property
    def _name(self) -> str:
        """The name in errors."""
        return self._called or type(self).__name__

    def _raw(self, name: str) -> Tensor:
        """A parameter before it broadcasts."""
        x = type(self).parameters[name].raw(self)
        return getattr(self, name) if x is None else x

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions check their arguments unless told otherwise; they do at first."""
        Distribution._validate_args = flag("set_default_validate_args: value", value)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The shape of the batch of distributions."""
        return self._batch_shape

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one sample of one distribution."""
        return self._event_shape

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Self:
        """The same distributions for a larger batch shape, to which the present one broadcasts (else ShapeError)."""
        if not type(self).parameters:
            self._lacks("expand")
        return self._widened(batch_shape, _instance)

    def _widened(self, batch_shape: Shape, instance: Any = None) -> Self:
        wanted = check_shape(batch_shape)
        if broadcast_shapes([self._batch_shape, wanted], f"{self._name}.expand") != wanted:
            old = list(self._batch_shape)
            raise ShapeError(f"{self._name}.expand: the batch {old} does not broadcast to {list(wanted)}")
        new: Self = object.__new__(type(self)) if instance is None else instance
        new.__dict__.update(self.__dict__)
        if "_asked" in self.__dict__:
            new._asked = {*self._asked}
        new._batch_shape = wanted
        return new

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        """An instance for ``expand`` to fill, as subclasses written for PyTorch ask for it."""
        return object.__new__(type(self)) if _instance is None else _instance

    @property
    def mean(self) -> Tensor:
        """The mean of each distribution: of the batch shape, and that of an event."""
        return self._mean()

    @property
    def mode(self) -> Tensor:
        """The most likely event of each distribution: of the batch shape, and that of an event."""
        return self._mode()

    @property
    def variance(self) -> Tensor:
        """The variance of each distribution: of the batch shape, and that of an event."""
        return self._variance()

    @property
    def stddev(self) -> Tensor:
        """The standard deviation of each distribution: of the batch shape, and that of an event."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Shape = (), *, generator: Generator | None = None) -> Tensor:
        """Random events without a gradient: of shape sample_shape, batch shape, event shape."""
        with no_grad():
            if type(self)._draw is Distribution._draw:
                return self.rsample(sample_shape, **with_generator(generator))
            return self._draw(self._extended_shape(sample_shape), generator)

    def rsample(self, sample_shape: Shape = (), *, generator: Generator | None = None) -> Tensor:
        """Random events that move with the parameters, as far as ``has_rsample``; in the shape of ``sample``."""
        if not self.has_rsample:
            self._lacks("rsample")
        return self._draw(self._extended_shape(sample_shape), generator)

    def log_prob(self, value: ArrayLike) -> Tensor:
        """The logarithm of the density or the probability of events; without the axes of an event."""
        return self._log_prob(self._value("log_prob", value))

    def cdf(self, value: ArrayLike) -> Tensor:
        """The probability of events up to a value."""
        if type(self)._cdf is Distribution._cdf:
            self._lacks("cdf")
        return self._cdf(self._value("cdf", value))

    def icdf(self, value: ArrayLike) -> Tensor:
        """The quantile: the value up to which events have a probability."""
        if type(self)._icdf is Distribution._icdf:
            self._lacks("icdf")
        return self._icdf(self._floats(self._number("icdf", value)))

    def entropy(self) -> Tensor:
        """The entropy of each distribution, in nats: of the batch shape."""
        return self._entropy()

    def perplexity(self) -> Tensor:
        """The exponential of the entropy: of the batch shape."""
        return self.entropy().exp()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values of a discrete distribution along a new first axis; with ``expand`` in the batch shape."""
        if not self.has_enumerate_support:
            self._lacks("enumerate_support")
        return self._enumerated(flag(f"{self._name}.enumerate_support: expand", expand))

    def sample_n(self, n: int) -> Tensor:
        """n samples, as ``sample((n,))``."""
        return self.sample((n,))

    def _mean(self) -> Tensor:
        self._lacks("mean")

    def _mode(self) -> Tensor:
        self._lacks("mode")

    def _variance(self) -> Tensor:
        self._lacks("variance")

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        self._lacks("sample")

    def _log_prob(self, x: Tensor) -> Tensor:
        self._lacks("log_prob")

    def _cdf(self, x: Tensor) -> Tensor:
        self._lacks("cdf")

    def _icdf(self, p: Tensor) -> Tensor:
        self._lacks("icdf")

    def _entropy(self) -> Tensor:
        self._lacks("entropy")

    def _enumerated(self, expand: bool) -> Tensor:
        self._lacks("enumerate_support")

    def _lacks(self, what: str) -> NoReturn:
        raise NotImplementedError(f"{self._name} has no {what}")

    def _extended_shape(self, sample_shape: Shape = ()) -> tuple[int, ...]:
        """The shape of a sample."""
        return check_shape((*check_shape(sample_shape), *self._batch_shape, *self._event_shape))

    def _number(self, method: str, value: Any) -> Tensor:
        """A value as a tensor of real numbers."""
        if isinstance(value, str | bytes | set | dict) or value is None:
            raise DTypeError(f"{self._name}.{method}: value is a tensor, not {shown(value)}")
        if isinstance(value, list | tuple | float):
            value = wrap(to_array(value, None, self._dtype is float64))
        x = value_of(value)
        if x.dtype.is_complex:
            raise DTypeError(f"{self._name}.{method}: value is real, not {x.dtype.name}")
        return x

    def _floats(self, x: Tensor) -> Tensor:
        return x if x.dtype.is_floating else x.to(self._dtype)

    def _value(self, method: str, value: Any) -> Tensor:
        """A value to be scored, as floats; checked if the distribution checks its arguments."""
        x = self._floats(self._number(method, value))
        return self._validate_sample(x, method) if self._validate_args else x

    def _validate_sample(self, value: Any, method: str = "log_prob") -> Tensor:
        """The value, of shapes that fit and in the support; ShapeError and DomainError (TN802) otherwise."""
        x = value_of(value)
        found = self._doubt(x, method)
        return x if found is None else assured(x, *found)

    def _doubt(self, x: Tensor, method: str) -> Doubt | None:
        """The check that is left until a value is computed; ShapeError and DomainError (TN802) for a known one."""
        what = f"{self._name}.{method}: value"
        axes = x.ndim - len(self._event_shape)
        if axes < 0 or x.shape[axes:] != self._event_shape:
            raise ShapeError(f"{what} of shape {list(x.shape)}, whose last axes are no event {list(self._event_shape)}")
        broadcast_shapes([x.shape, (*self._batch_shape, *self._event_shape)], f"{what} and batch")
        support = getattr(self, "support", None)
        if method == "cdf" and type(support) is GreaterThan:  # nothing lies up to the bound itself
            support = GreaterThanEq(support.lower_bound)
        return doubt(what, x, support) if isinstance(support, Constraint) else None

    def __repr__(self) -> str:
        declared = type(self).parameters
        names = [k for k in getattr(self, "arg_constraints", {}) if k in self.__dict__ and k not in declared]
        asked = self.__dict__.get("_asked", ())
        names += [k for k, parameter in declared.items() if parameter.given_to(self) or k in asked]
        return f"{type(self).__name__}({', '.join(f'{k}: {_summary(getattr(self, k))}' for k in names)})"


def with_generator(generator: Generator | None) -> dict[str, Any]:
    """The argument for samples of another distribution, which may have been written without one."""
    return {} if generator is None else {"generator": generator}


def _summary(x: Any) -> str:
    """A parameter by its number, or its shape if there are several."""
    if not isinstance(x, Tensor):
        return str(x)
    if x.numel() != 1:
        return str(list(x.shape))
    return str(x.detach().numpy().reshape(-1)[0])
