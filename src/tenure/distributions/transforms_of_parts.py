"""Transforms of the parts of a tensor along an axis, each by one of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenure.distributions import constraints
from tenure.distributions.regions import Constraint
from tenure.distributions.transform import Transform, transforms_of
from tenure.distributions.utils import sum_rightmost
from tenure.errors import DTypeError, ShapeError, shown
from tenure.values.operations.joining import narrow, select
from tenure.values.operations.shaping import concat, stack
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.given import int_of


class _Parts(Transform):
    """Transforms of parts; a subclass says how these are taken and joined."""

    def __init__(self, tseq: Sequence[Transform], dim: int, cache_size: int) -> None:
        super().__init__(cache_size)
        name = type(self).__name__
        found = transforms_of(f"{name}: tseq", tseq)
        self.transforms = [t.with_cache(cache_size) for t in found] if cache_size else found
        self.dim = int_of(dim, f"{name}: dim")

    def with_cache(self, cache_size: int = 1) -> Transform:
        """The same with parts that have caches of some size."""
        new: Any = super().with_cache(cache_size)
        if new is not self:
            new.transforms = [t.with_cache(cache_size) for t in self.transforms]
        return new  # type: ignore[no-any-return]

    @property
    def bijective(self) -> bool:
        """Whether all parts are."""
        return all(t.bijective for t in self.transforms)

    def _length(self) -> int:
        return len(self.transforms)

    def _axis(self, x: Tensor) -> int:
        name = type(self).__name__
        if not -x.ndim <= self.dim < x.ndim:
            raise ShapeError(f"{name}: a tensor of {x.ndim} axes has no axis {self.dim}")
        axis = self.dim % x.ndim
        if x.shape[axis] != self._length():
            raise ShapeError(f"{name}: {x.shape[axis]} elements along axis {self.dim}, and parts of {self._length()}")
        return axis

    def _taken(self, x: Tensor) -> list[Tensor]:
        axis = self._axis(x)
        return [select(x, axis, k) for k in range(len(self.transforms))]

    def _joined(self, parts: list[Tensor]) -> Tensor:
        return stack(parts, self.dim)

    def _call(self, x: Tensor) -> Tensor:
        return self._joined([t(v) for t, v in zip(self.transforms, self._taken(x), strict=True)])

    def _inverse(self, y: Tensor) -> Tensor:
        return self._joined([t.inv(v) for t, v in zip(self.transforms, self._taken(y), strict=True)])

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The logarithms of the parts, joined along the axis."""
        rows = zip(self.transforms, self._taken(x), self._taken(y), strict=True)
        return self._joined([t.log_abs_det_jacobian(v, w) for t, v, w in rows])


class StackTransform(_Parts):
    """Transforms of the entries along an axis, one for each, which are joined as by ``tn.stack``.

    DTypeError (TN802) for what is no transform; ShapeError for an axis of another size.

    >>> D = tn.distributions
    >>> D.StackTransform([D.ExpTransform(), D.identity_transform])(tn.zeros(2))
    tensor([1., 0.])
    """

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(tseq, dim, cache_size)

    @property
    def domain(self) -> Constraint:  # type: ignore[override]
        """The domains of the parts."""
        return constraints.stack([t.domain for t in self.transforms], self.dim)

    @property
    def codomain(self) -> Constraint:  # type: ignore[override]
        """The codomains of the parts."""
        return constraints.stack([t.codomain for t in self.transforms], self.dim)


class CatTransform(_Parts):
    """Transforms of parts of given lengths along an axis, which are joined as by ``tn.cat``.

    DTypeError (TN802) for what is no transform; ShapeError for other lengths than parts.

    >>> D = tn.distributions
    >>> D.CatTransform([D.ExpTransform(), D.identity_transform], lengths=[1, 2])(tn.zeros(3))
    tensor([1., 0., 0.])
    """

    def __init__(
        self, tseq: Sequence[Transform], dim: int = 0, lengths: Sequence[int] | None = None, cache_size: int = 0
    ) -> None:
        super().__init__(tseq, dim, cache_size)
        self.lengths = [1] * len(self.transforms)
        if lengths is not None:
            if not isinstance(lengths, list | tuple):
                raise DTypeError(f"CatTransform: lengths is a list of ints, not {shown(lengths)}")
            self.lengths = [int_of(n, "CatTransform: lengths: each") for n in lengths]
        if len(self.lengths) != len(self.transforms):
            raise ShapeError(f"CatTransform: {len(self.lengths)} lengths for {len(self.transforms)} transforms")

    @property
    def event_dim(self) -> int:
        """The most axes that an event of a part has."""
        return max(t.event_dim for t in self.transforms)

    @property
    def length(self) -> int:
        """The length of all parts together."""
        return sum(self.lengths)

    def _length(self) -> int:
        return self.length

    def _taken(self, x: Tensor) -> list[Tensor]:
        axis = self._axis(x)
        starts = [sum(self.lengths[:k]) for k in range(len(self.lengths))]
        return [narrow(x, axis, start, n) for start, n in zip(starts, self.lengths, strict=True)]

    def _joined(self, parts: list[Tensor]) -> Tensor:
        return concat(parts, self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """The logarithms of the parts: joined along an axis of the batch, added along one of an event."""
        found = []
        for t, v, w in zip(self.transforms, self._taken(x), self._taken(y), strict=True):
            found.append(sum_rightmost(t.log_abs_det_jacobian(v, w), self.event_dim - t.event_dim))
        axis = (self.dim if self.dim < 0 else self.dim - x.ndim) + self.event_dim
        if axis < 0:
            return concat(found, axis)
        total = found[0]
        for term in found[1:]:
            total = total + term
        return total

    @property
    def domain(self) -> Constraint:  # type: ignore[override]
        """The domains of the parts."""
        return constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths)

    @property
    def codomain(self) -> Constraint:  # type: ignore[override]
        """The codomains of the parts."""
        return constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths)
