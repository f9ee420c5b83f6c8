"""The base of transforms, their inverses, and chains of them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from tenure.distributions import constraints
from tenure.distributions.regions import Constraint
from tenure.distributions.utils import sum_rightmost
from tenure.errors import DomainError, DTypeError, ShapeError, shown
from tenure.values.operations.factories import zeros_like
from tenure.values.operations.reading import value_of
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.given import check_shape, int_of

if TYPE_CHECKING:
    from tenure.values.tensor.typing import ArrayLike, Shape

Sizes = tuple[int, ...]
Sign = int | Tensor


class Transform:
    """Base of transforms y = t(x), with their inverse and the logarithm of the determinant of their Jacobian.

    A subclass defines ``_call``, ``_inverse`` and, if ``bijective``, ``log_abs_det_jacobian``; ``domain`` and
    ``codomain`` are constraints. ``cache_size`` 1 keeps the last pair, for inverses that are costly or lose digits;
    DomainError (TN802) for sizes other than 0 and 1.

    >>> t = tn.distributions.ExpTransform()
    >>> t.inv(t(tn.tensor([1.0]))), t.log_abs_det_jacobian(tn.tensor([1.0]), t(tn.tensor([1.0])))
    (tensor([1.]), tensor([1.]))
    """

    bijective: Any = False
    domain: Constraint
    codomain: Constraint

    def __init__(self, cache_size: int = 0) -> None:
        self._cache_size = int_of(cache_size, f"{type(self).__name__}: cache_size")
        if self._cache_size not in (0, 1):
            raise DomainError(f"{type(self).__name__}: cache_size is {cache_size}, and can be 0 or 1")
        self._inv: Transform | None = None
        self._cached: tuple[Any, Any] = (None, None)

    @property
    def event_dim(self) -> int:
        """The number of axes of an event, where it is the same before and behind; ShapeError (TN802) otherwise."""
        if self.domain.event_dim != self.codomain.event_dim:
            raise ShapeError(f"{type(self).__name__}: .domain.event_dim and .codomain.event_dim differ")
        return int(self.domain.event_dim)

    @property
    def sign(self) -> Sign:
        """Whether a transform of numbers rises (1) or falls (-1); a tensor of both where it depends."""
        raise NotImplementedError(f"{type(self).__name__} has no sign")

    @property
    def inv(self) -> Transform:
        """The inverse transform, whose inverse is this one."""
        if self._inv is None:
            self._inv = _InverseTransform(self)
        return self._inv

    def with_cache(self, cache_size: int = 1) -> Transform:
        """The same transform with another size of its cache."""
        if self._cache_size == cache_size:
            return self
        new = copy.copy(self)
        Transform.__init__(new, cache_size)
        return new

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_inv": None, "_cached": (None, None)}

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    def __call__(self, x: ArrayLike) -> Tensor:
        value = value_of(x)
        if not self._cache_size:
            return self._call(value)
        if self._cached[0] is not value:
            self._cached = (value, self._call(value))
        return self._cached[1]  # type: ignore[no-any-return]

    def _inv_call(self, y: ArrayLike) -> Tensor:
        value = value_of(y)
        if not self._cache_size:
            return self._inverse(value)
        if self._cached[1] is not value:
            self._cached = (self._inverse(value), value)
        return self._cached[0]  # type: ignore[no-any-return]

    def _call(self, x: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} defines no _call")

    def _inverse(self, y: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no inverse")

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The logarithm of the absolute determinant of the Jacobian ∂y / ∂x, an element an event."""
        raise NotImplementedError(f"{type(self).__name__} has no log_abs_det_jacobian")

    def forward_shape(self, shape: Shape) -> Sizes:
        """The shape of t(x) for an x of some shape."""
        return check_shape(shape)

    def inverse_shape(self, shape: Shape) -> Sizes:
        """The shape of x for a t(x) of some shape."""
        return check_shape(shape)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def transform_of(what: str, t: Any) -> Transform:
    """An argument that is a transform; DTypeError (TN802) for anything else."""
    if not isinstance(t, Transform):
        raise DTypeError(f"{what} is a Transform, not {shown(t)}")
    return t


def transforms_of(what: str, parts: Any) -> list[Transform]:
    """An argument that is a list of transforms; DTypeError (TN802) for anything else."""
    if not isinstance(parts, list | tuple):
        raise DTypeError(f"{what} is a list of transforms, not {shown(parts)}")
    return [transform_of(f"{what}: each", t) for t in parts]


class _InverseTransform(Transform):
    """The inverse of a transform."""

    _inv: Transform

    def __init__(self, transform: Transform) -> None:
        super().__init__(transform._cache_size)
        self._inv = transform

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__

    @property
    def domain(self) -> Constraint:  # type: ignore[override]
        """The codomain of the other transform."""
        return self._inv.codomain

    @property
    def codomain(self) -> Constraint:  # type: ignore[override]
        """The domain of the other transform."""
        return self._inv.domain

    @property
    def bijective(self) -> bool:
        """Whether each value has one inverse."""
        return self._inv.bijective  # type: ignore[no-any-return]

    @property
    def sign(self) -> Sign:
        """Whether it rises (1) or falls (-1)."""
        return self._inv.sign

    @property
    def inv(self) -> Transform:
        """The other transform."""
        return self._inv

    def with_cache(self, cache_size: int = 1) -> Transform:
        """The inverse of the other transform with a cache of some size."""
        return self._inv.with_cache(cache_size).inv

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _InverseTransform) and self._inv == other._inv

    __hash__ = object.__hash__

    def __call__(self, x: ArrayLike) -> Tensor:
        return self._inv._inv_call(x)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The logarithm for the other transform with its sign changed."""
        return -self._inv.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape: Shape) -> Sizes:
        """The shape of the inverse."""
        return self._inv.inverse_shape(shape)

    def inverse_shape(self, shape: Shape) -> Sizes:
        """The shape of the other transform's result."""
        return self._inv.forward_shape(shape)

    def __repr__(self) -> str:
        return f"_InverseTransform({self._inv!r})"


class ComposeTransform(Transform):
    """Chain of transforms, one after the other, each with its own cache.

    DTypeError (TN802) for parts that are no transforms.

    >>> D = tn.distributions
    >>> D.ComposeTransform([D.ExpTransform(), D.AffineTransform(1.0, 2.0)])(tn.tensor([0.0]))
    tensor([3.])
    """

    def __init__(self, parts: Sequence[Transform], cache_size: int = 0) -> None:
        super().__init__(cache_size)
        found = transforms_of("ComposeTransform: parts", parts)
        self.parts = [part.with_cache(cache_size) for part in found] if cache_size else found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ComposeTransform) and self.parts == other.parts

    __hash__ = object.__hash__

    def _end(self, parts: list[Transform], last: Constraint, forward: bool) -> Constraint:
        """The constraint at one end, its event widened to what all parts need."""
        axes = (parts[0].domain if forward else parts[0].codomain).event_dim
        for part in parts:
            enters, leaves = (part.domain, part.codomain) if forward else (part.codomain, part.domain)
            axes = max(axes + leaves.event_dim - enters.event_dim, leaves.event_dim)
        return last if axes == last.event_dim else constraints.independent(last, axes - last.event_dim)

    @property
    def domain(self) -> Constraint:  # type: ignore[override]
        """The domain of the first part."""
        return self._end(self.parts[::-1], self.parts[0].domain, False) if self.parts else constraints.real

    @property
    def codomain(self) -> Constraint:  # type: ignore[override]
        """The codomain of the last part."""
        return self._end(self.parts, self.parts[-1].codomain, True) if self.parts else constraints.real

    @property
    def bijective(self) -> bool:
        """Whether all parts are."""
        return all(p.bijective for p in self.parts)

    @property
    def sign(self) -> Sign:
        """The product of the signs of the parts."""
        return prod([p.sign for p in self.parts])

    @property
    def inv(self) -> Transform:
        """The chain of the inverses, the last first."""
        if self._inv is None:
            self._inv = ComposeTransform([p.inv for p in reversed(self.parts)])
            self._inv._inv = self
        return self._inv

    def with_cache(self, cache_size: int = 1) -> Transform:
        """The same chain of parts with caches of some size."""
        return self if self._cache_size == cache_size else ComposeTransform(self.parts, cache_size)

    def __call__(self, x: ArrayLike) -> Tensor:
        value = value_of(x)
        for part in self.parts:
            value = part(value)
        return value

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The sum of those of the parts, each summed over the axes of a common event."""
        if not self.parts:
            return zeros_like(x)
        axes, total = self.domain.event_dim, None
        for k, part in enumerate(self.parts):
            z = y if k == len(self.parts) - 1 else part(x)
            term = sum_rightmost(part.log_abs_det_jacobian(x, z), axes - part.domain.event_dim)
            total = term if total is None else total + term
            axes += part.codomain.event_dim - part.domain.event_dim
            x = z
        assert total is not None
        return total

    def forward_shape(self, shape: Shape) -> Sizes:
        """The shape behind all parts."""
        for part in self.parts:
            shape = part.forward_shape(shape)
        return check_shape(shape)

    def inverse_shape(self, shape: Shape) -> Sizes:
        """The shape in front of all parts."""
        for part in reversed(self.parts):
            shape = part.inverse_shape(shape)
        return check_shape(shape)

    def __repr__(self) -> str:
        return "ComposeTransform(\n    " + ",\n    ".join(map(repr, self.parts)) + "\n)"


identity_transform = ComposeTransform([])
