"""The Poisson distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.distributions import constraints
from tenure.distributions.exp_family import ExponentialFamily
from tenure.distributions.parameters import Parameter
from tenure.values.operations.special import xlogy
from tenure.values.tensor import sampling
from tenure.values.tensor.tensor import Tensor

if TYPE_CHECKING:
    from tenure.values.operations.generator import Generator
    from tenure.values.tensor.typing import Operand


class Poisson(ExponentialFamily):
    """Poisson distribution of counts, of the mean ``rate``.

    DomainError (TN802) for a negative rate.

    >>> tn.distributions.Poisson(2.0).log_prob(0)
    tensor(-2.)
    """

    rate = Parameter(constraints.nonnegative)
    support = constraints.nonnegative_integer

    def __init__(self, rate: Operand, validate_args: bool | None = None) -> None:
        self._take(validate_args, rate=rate)

    def _mean(self) -> Tensor:
        return self.rate

    _variance = _mean

    def _mode(self) -> Tensor:
        return self.rate.floor()

    def _draw(self, shape: tuple[int, ...], generator: Generator | None) -> Tensor:
        return sampling.poisson(self._raw("rate"), shape, generator=generator)

    def _log_prob(self, x: Tensor) -> Tensor:
        return xlogy(x, self.rate) - self.rate - (x + 1).lgamma()

    def _entropy(self) -> Tensor:
        self._lacks("entropy")

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.rate.log(),)

    def _log_normalizer(self, x: Tensor) -> Tensor:
        return x.exp()
