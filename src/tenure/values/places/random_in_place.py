"""Methods that write random numbers to their place, by PyTorch's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from tenure.dtypes import finfo, iinfo
from tenure.errors import DTypeError
from tenure.values.operations.generator import Generator
from tenure.values.tensor import distributions as of
from tenure.values.tensor.random import rand, randint, randn
from tenure.values.tensor.sampling import permutation
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import public
from tenure.values.trace.given import int_of
from tenure.values.trace.spelling import in_plain_names

if TYPE_CHECKING:
    from tenure.values.tensor.typing import Operand


@in_plain_names
class RandomInPlace(Tensor):
    """The random methods of places and borrows."""

    __slots__ = ()

    def _update(self, v: Any) -> Any:
        raise NotImplementedError

    def _drawn(self, law: of.Distribution, xs: tuple[Any, ...], generator: Generator | None) -> Self:
        """Write numbers of a distribution; whole ones to a place of any dtype."""
        dtype = self.dtype if self.dtype.is_floating else None
        found = law.draw(xs, self.shape, dtype, generator)
        self._update(found if dtype is not None else found.to(self.dtype))
        return self

    def _real(self, law: of.Distribution, xs: tuple[Any, ...], generator: Generator | None) -> Self:
        """The same of numbers that are not whole (DTypeError, TN802, for a place of another dtype)."""
        if not self.dtype.is_floating:
            raise DTypeError(f"{law.name}_ writes floats, and the place has dtype {self.dtype.name}")
        return self._drawn(law, xs, generator)

    @public
    def uniform_(self, a: float = 0.0, b: float = 1.0, *, generator: Generator | None = None) -> Self:
        """Write uniform numbers of [a, b).

        >>> v = tn.zeros(3).mut().uniform_(1, 2)
        >>> bool((v >= 1).all())
        True
        """
        self._update(rand(self.shape, dtype=self.dtype, generator=generator) * (b - a) + a)
        return self

    @public
    def normal_(self, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Self:
        """Write normal numbers of a mean and a standard deviation.

        DomainError (TN802) for a negative one.

        >>> tn.zeros(2).mut().normal_(5.0, 0.0)
        tensor([5., 5.])
        """
        of.STD.check("normal_", std)
        self._update(randn(self.shape, dtype=self.dtype, generator=generator) * std + mean)
        return self

    def log_normal_(self, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None) -> Self:
        """Write numbers whose logarithms are normal, of a mean and a standard deviation of these.

        >>> bool((tn.zeros(3).mut().log_normal_() > 0).all())
        True
        """
        return self._real(of.LOG_NORMALS, (mean, std), generator)

    def exponential_(self, lambd: float = 1.0, *, generator: Generator | None = None) -> Self:
        """Write exponential numbers of a rate.

        DomainError (TN802) for one that is not positive.

        >>> bool((tn.zeros(3).mut().exponential_(2.0) >= 0).all())
        True
        """
        return self._real(of.EXPONENTIALS, (lambd,), generator)

    def cauchy_(self, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None) -> Self:
        """Write Cauchy numbers of a median and a scale.

        >>> tn.zeros(3).mut().cauchy_().shape
        (3,)
        """
        return self._real(of.CAUCHYS, (median, sigma), generator)

    def geometric_(self, p: float, *, generator: Generator | None = None) -> Self:
        """Write numbers of trials up to the first success, 1, 2, …, of a probability.

        >>> tn.zeros(2).mut().geometric_(1.0)
        tensor([1., 1.])
        """
        return self._drawn(of.GEOMETRICS, (p,), generator)

    def bernoulli_(self, p: Operand = 0.5, *, generator: Generator | None = None) -> Self:
        """Write zeros and ones: each is 1 with the probability p, a number or a tensor that broadcasts to the place.

        DomainError (TN802) for what is no probability.

        >>> tn.ones(2).mut().bernoulli_(tn.tensor([0.0, 1.0]))
        tensor([0., 1.])
        """
        return self._drawn(of.BERNOULLIS, (p,), generator)

    @public
    def random_(self, low: int = 0, high: int | None = None, *, generator: Generator | None = None) -> Self:
        """Write random whole numbers of [low, high), or of [0, low).

        Without either, of all from 0 on that the dtype holds, a float dtype each of them. ShapeError (TN802) for an
        empty range.

        >>> bool((tn.zeros(3).mut().random_(5) < 5).all())
        True
        """
        first, end = int_of(low, "random_: low"), high
        if end is None:
            first, end = 0, first or self._end()
        found = randint(first, end, self.shape, generator=generator)
        self._update(found.to(self.dtype))
        return self

    def _end(self) -> int:
        """The number of whole numbers from 0 on that a dtype holds."""
        if self.dtype.kind == "b":
            return 2
        if self.dtype.is_floating:
            return int(2 / finfo(self.dtype).eps)
        return min(iinfo(self.dtype).max, 2**63 - 1)

    @public
    def shuffle_(self, axis: int = 0, *, generator: Generator | None = None) -> Self:
        """Put the parts along an axis into random order.

        >>> sorted(tn.arange(3).mut().shuffle_().tolist())
        [0, 1, 2]
        """
        self._update(permutation(self._read(), axis, generator=generator))
        return self
