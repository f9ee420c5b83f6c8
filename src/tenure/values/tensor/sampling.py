"""Random functions with parameters, as the user calls them: distributions, choices and permutations."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from tenure import dtypes
from tenure.dtypes import DTypeLike
from tenure.errors import DomainError, ShapeError
from tenure.ops import philox
from tenure.values.operations import lookup
from tenure.values.operations.axes import check_axis
from tenure.values.operations.boundary import array_of
from tenure.values.operations.creation import check_device, tensor
from tenure.values.operations.generator import Generator, chosen_or_default
from tenure.values.operations.indexing import is_int
from tenure.values.operations.reading import value_of
from tenure.values.tensor import distributions as of
from tenure.values.tensor.random import randint, randperm
from tenure.values.trace.blame import public
from tenure.values.trace.given import check_shape, flag, int_of

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Operand, Shape


def normal(
    mean: Operand = 0.0, std: Operand = 1.0, size: Shape | None = None, *,
    dtype: DTypeLike | None = None, device: str | None = None, generator: Generator | None = None,
) -> Tensor:
    """Normal random numbers of a mean and a standard deviation, differentiable in both.

    Numbers or tensors, which broadcast together and to ``size``; float32 unless these or ``dtype`` say otherwise.
    DomainError (TN802) for a negative std, of a tensor when the result is read.

    >>> tn.normal(tn.zeros(3), 1.0).shape, tn.normal(0.0, 1.0, (2, 2)).shape
    ((3,), (2, 2))
    """
    return of.NORMALS.draw((mean, std), size, dtype, generator, device)


def log_normal(
    mean: Operand = 0.0, std: Operand = 1.0, size: Shape | None = None, *,
    dtype: DTypeLike | None = None, device: str | None = None, generator: Generator | None = None,
) -> Tensor:
    """Random numbers whose logarithms are normal, differentiable in the mean and the standard deviation of these.

    Sizes, dtype and errors as of ``tn.normal``.

    >>> bool((tn.random.log_normal(0.0, 1.0, 100) > 0).all())
    True
    """
    return of.LOG_NORMALS.draw((mean, std), size, dtype, generator, device)


def truncated_normal(
    mean: Operand = 0.0, std: Operand = 1.0, low: Operand = -2.0, high: Operand = 2.0, size: Shape | None = None, *,
    dtype: DTypeLike | None = None, device: str | None = None, generator: Generator | None = None,
) -> Tensor:
    """Normal random numbers of those that lie in [low, high], by the quantile; differentiable in all parameters.

    Sizes and dtype as of ``tn.normal``. DomainError (TN802) for a std that is not positive, and for numbers low > high.

    >>> x = tn.random.truncated_normal(0.0, 1.0, -1.0, 1.0, 100)
    >>> bool((x.abs() <= 1).all())
    True
    """
    if isinstance(low, bool | int | float) and isinstance(high, bool | int | float) and not low <= high:
        raise DomainError(f"truncated_normal: there are no numbers from {low:g} to {high:g}")
    return of.TRUNCATED.draw((mean, std, low, high), size, dtype, generator, device)


def exponential(
    rate: Operand = 1.0, size: Shape | None = None, *,
    dtype: DTypeLike | None = None, device: str | None = None, generator: Generator | None = None,
) -> Tensor:
    """Exponential random numbers of a rate, of mean 1 / rate; differentiable in it.

    Sizes and dtype as of ``tn.normal``. DomainError (TN802) for a rate that is not positive.

    >>> bool((tn.random.exponential(2.0, 100) >= 0).all())
    True
    """
    return of.EXPONENTIALS.draw((rate,), size, dtype, generator, device)


def laplace(
    loc: Operand = 0.0, scale: Operand = 1.0, size: Shape | None = None, *,
    dtype: DTypeLike | None = None, device: str | None = None, generator: Generator | None = None,
) -> Tensor:
    """Laplace random numbers of density exp(-\\|x - loc\\| / scale) / (2 · scale), differentiable in both parameters.

    Sizes and dtype as of ``tn.normal``. DomainError (TN802) for a negative scale.

    >>> tn.random.laplace(tn.zeros(3), 1.0).shape
    (3,)
    """
    return of.LAPLACES.draw((loc, scale), size, dtype, generator, device)


def cauchy(
    loc: Operand = 0.0, scale: Operand = 1.0, size: Shape | None = None, *,
    dtype: DTypeLike | None = None, device: str | None = None, generator: Generator | None = None,
) -> Tensor:
    """Cauchy random numbers of a median and a scale, differentiable in both.

    Sizes and dtype as of ``tn.normal``. DomainError (TN802) for a negative scale.

    >>> tn.random.cauchy(tn.zeros(3), 1.0).shape
    (3,)
    """
    return of.CAUCHYS.draw((loc, scale), size, dtype, generator, device)


def gamma(
    concentration: Operand, rate: Operand = 1.0, size: Shape | None = None, *,
    dtype: DTypeLike | None = None, device: str | None = None, generator: Generator | None = None,
) -> Tensor:
    """Random numbers of the gamma distribution of a concentration (shape) and a rate, of mean concentration / rate.

    Differentiable in both, implicitly in the concentration, as PyTorch's; to any order. The least number is the
    smallest normal float. Sizes and dtype as of ``tn.normal``. DomainError (TN802) for parameters that are not
    positive.

    >>> bool((tn.random.gamma(2.0, size=100) > 0).all())
    True
    """
    return of.GAMMAS.draw((concentration, rate), size, dtype, generator, device)


def beta(
    concentration1: Operand, concentration0: Operand, size: Shape | None = None, *,
    dtype: DTypeLike | None = None, device: str | None = None, generator: Generator | None = None,
) -> Tensor:
    """Random numbers of the beta distribution, of mean concentration1 / (concentration1 + concentration0).

    The share of one gamma number in the sum of two, drawn by their logarithms; differentiable in both parameters
    through these. Sizes and dtype as of ``tn.normal``. DomainError (TN802) for parameters that are not positive.

    >>> x = tn.random.beta(2.0, 3.0, 100)
    >>> bool(((x >= 0) & (x <= 1)).all())
    True
    """
    laws, given = of.LOG_GAMMAS[1:], (concentration1, concentration0)
    a, b = (of.of_parameter("beta", law.given[0], x) for law, x in zip(laws, given, strict=True))
    tensors = [x for x in (a, b) if type(x) is not float]
    target = of.floating("beta", dtype, tensors)
    shape = of.together("beta", [x.shape for x in tensors], size, target)
    first, second = (law.draw((x,), shape, target, generator, device) for law, x in zip(laws, (a, b), strict=True))
    return (first - second).sigmoid()


def dirichlet(
    concentration: ArrayLike, size: Shape | None = None, *,
    dtype: DTypeLike | None = None, device: str | None = None, generator: Generator | None = None,
) -> Tensor:
    """Random shares of the Dirichlet distribution: along the last axis they add up to 1.

    The shares of gamma numbers in their sum, drawn by their logarithms; differentiable in the concentration through
    these. ``size`` is that of the axes before the last. ShapeError (TN802) without an axis, DomainError (TN802) for a
    concentration that is not positive.

    >>> tn.random.dirichlet(tn.ones(3), (2,)).shape
    (2, 3)
    """
    x = value_of(concentration)
    if x.ndim == 0:
        raise ShapeError("dirichlet: the concentration of one share has no axis of shares")
    whole = None if size is None else (*check_shape(size), x.shape[-1])
    y = of.LOG_GAMMAS[0].draw((x,), whole, dtype, generator, device)
    return (y - y.logsumexp(-1, keepdim=True)).exp()


def von_mises(
    loc: Operand, concentration: Operand, size: Shape | None = None, *,
    dtype: DTypeLike | None = None, device: str | None = None, generator: Generator | None = None,
) -> Tensor:
    """Random angles of [-π, π] of the von Mises distribution, the normal one of the circle.

    Differentiable in both parameters, implicitly in the concentration; to any order.
    Sizes and dtype as of ``tn.normal``. DomainError (TN802) for a negative concentration.

    >>> x = tn.random.von_mises(0.0, 4.0, 100)
    >>> bool((x.abs() <= 3.1416).all())
    True
    """
    return of.VON_MISES.draw((loc, concentration), size, dtype, generator, device)


def bernoulli(x: Operand, p: float | None = None, *, generator: Generator | None = None) -> Tensor:
    """Random zeros and ones: each is 1 with the probability that x says there, or with p.

    The shape and the dtype are those of x, a floating one. Not differentiable. DomainError (TN802) for what is no
    probability, of a tensor when the result is read.

    >>> tn.bernoulli(tn.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    if p is None:
        return of.BERNOULLIS.draw((x,), None, None, generator)
    x = value_of(x)
    return of.BERNOULLIS.draw((p,), x.shape, x.dtype, generator)


def poisson(
    rate: Operand, size: Shape | None = None, *,
    dtype: DTypeLike | None = None, device: str | None = None, generator: Generator | None = None,
) -> Tensor:
    """Poisson counts of a rate, as floats; not differentiable.

    Sizes and dtype as of ``tn.normal``. DomainError (TN802) for a rate that is negative or above 2⁵³.

    >>> tn.poisson(tn.tensor([0.0, 0.0]))
    tensor([0., 0.])
    """
    return of.POISSONS.draw((rate,), size, dtype, generator, device)


def binomial(
    count: Operand, prob: Operand, size: Shape | None = None, *,
    dtype: DTypeLike | None = None, device: str | None = None, generator: Generator | None = None,
) -> Tensor:
    """Numbers of successes among so many trials of a probability, as floats; not differentiable.

    Sizes and dtype as of ``tn.normal``. DomainError (TN802) for a count that is negative or above 2⁵³, and for what is
    no probability.

    >>> tn.binomial(tn.tensor([3.0, 5.0]), tn.tensor([0.0, 1.0]))
    tensor([0., 5.])
    """
    return of.BINOMIALS.draw((count, prob), size, dtype, generator, device)


def geometric(
    p: Operand, size: Shape | None = None, *,
    dtype: DTypeLike | None = None, device: str | None = None, generator: Generator | None = None,
) -> Tensor:
    """Numbers of trials up to the first success, 1, 2, …, as floats; not differentiable.

    Sizes and dtype as of ``tn.normal``. DomainError (TN802) for a probability p that is not in (0, 1].

    >>> tn.random.geometric(1.0, 2)
    tensor([1., 1.])
    """
    return of.GEOMETRICS.draw((p,), size, dtype, generator, device)


@public
def multinomial(
    x: ArrayLike, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Random indices, int64, of shape (…, num_samples): each row of x says how likely each index is, in any unit.

    Without replacement no index comes twice. x is read, and the indices are drawn at once. ShapeError (TN802) for more
    than two axes, and for more samples than there are likely indices; DomainError (TN802) for rows that are negative,
    not finite or all 0.

    >>> tn.multinomial(tn.tensor([0.0, 3.0, 0.0]), 2, replacement=True)
    tensor([1, 1])
    """
    x, count = value_of(x), int_of(num_samples, "multinomial: num_samples")
    again = flag("multinomial: replacement", replacement)
    if x.ndim not in (1, 2) or not x.dtype.is_floating:
        raise ShapeError(f"multinomial of a tensor of shape {list(x.shape)} and dtype {x.dtype.name}: rows of floats")
    weights = np.asarray(array_of(x), np.float64).reshape(-1, x.shape[-1])
    if count < 1 or (not again and count > int((weights > 0).sum(-1).min(initial=x.shape[-1]))):
        raise ShapeError(f"multinomial: {count} indices of {x.shape[-1]}, not all of which are likely", help=AGAIN)
    if not (np.isfinite(weights).all() and (weights >= 0).all() and (weights.sum(-1) > 0).all()):
        raise DomainError("multinomial: a row that is negative, not finite, or 0 everywhere")
    shape = (len(weights), count) if again else weights.shape
    u = philox.uniform(*chosen_or_default(generator).take(), shape, np.float64)
    found = _with_replacement(weights, u) if again else _without(weights, u, count)
    return tensor(found.reshape(*x.shape[:-1], count))


AGAIN = "there are no more indices than likely ones without replacement=True, and at least one"


def _with_replacement(weights: Any, u: Any) -> Any:
    """By the distribution function; an index of weight 0 has no share of it."""
    share = np.cumsum(weights, -1)
    least = u * share[:, -1:]
    rows = [np.searchsorted(row, at, side="right") for row, at in zip(share, least, strict=True)]
    last = weights.shape[1] - 1 - np.argmax(weights[:, ::-1] > 0, -1)
    return np.minimum(np.array(rows, np.int64).reshape(u.shape), last[:, None])


def _without(weights: Any, u: Any, count: int) -> Any:
    """The first of exponential times, whose rates are the weights (Efraimidis and Spirakis, 2006)."""
    with np.errstate(divide="ignore"):
        times = np.where(weights > 0, -np.log1p(-u) / weights, np.inf)
    return np.argsort(times, -1, kind="stable")[:, :count]


@public
def permutation(x: int | ArrayLike, axis: int = 0, *, generator: Generator | None = None) -> Tensor:
    """x with its parts along an axis in random order; of an int n, the numbers 0 … n - 1. Differentiable.

    ShapeError (TN802) for a tensor without axes.

    >>> sorted(tn.random.permutation(tn.tensor([3, 1, 2])).tolist())
    [1, 2, 3]
    """
    if is_int(x):
        return randperm(int_of(x, "permutation: x"), generator=generator)
    x = value_of(x)
    k = check_axis(axis, x.ndim)
    return lookup.take(x, randperm(x.shape[k], generator=generator), k)


@public
def choice(
    x: int | ArrayLike, size: Shape | None = None, replace: bool = True, p: ArrayLike | None = None, axis: int = 0, *,
    generator: Generator | None = None,
) -> Tensor:
    """Parts of x along an axis, chosen at random; of an int n, of the numbers 0 … n - 1. As NumPy's ``choice``.

    One part without ``size``. ``p`` says how likely each is, in any unit. ShapeError (TN802) for more parts than there
    are without ``replace``; DomainError (TN802) for weights that are negative or all 0.

    >>> x = tn.random.choice(tn.tensor([3, 5, 7]), (2, 4))
    >>> x.shape, bool(((x == 3) | (x == 5) | (x == 7)).all())
    ((2, 4), True)
    """
    again = flag("choice: replace", replace)
    of_numbers = is_int(x)
    whole: Any = None if of_numbers else value_of(x)
    k = 0 if of_numbers else check_axis(axis, whole.ndim)
    n = int_of(x, "choice: x") if of_numbers else whole.shape[k]
    shape = () if size is None else check_shape(size, dtypes.int64)
    count = prod(shape)
    if n < 1 or (count > n and not again):
        raise ShapeError(f"choice: {count} parts of {n}", help="there are no more without replace=True")
    if p is not None:
        weights = value_of(p)
        if weights.shape != (n,):
            raise ShapeError(f"choice: weights p of shape {list(weights.shape)} for {n} parts")
        index = multinomial(weights, max(count, 1), again, generator=generator)[:count]
    elif again:
        index = randint(0, n, (count,), generator=generator)
    else:
        index = randperm(n, generator=generator)[:count]
    if of_numbers:
        return index.reshape(shape)
    taken = lookup.take(whole, index, k)
    return taken.reshape(*whole.shape[:k], *shape, *whole.shape[k + 1 :])


@public
def randint_like(
    x: ArrayLike, low: int, high: int | None = None, *,
    dtype: DTypeLike | None = None, device: str | None = None, generator: Generator | None = None,
) -> Tensor:
    """Random whole numbers of [low, high), or of [0, low), in the shape and dtype of x.

    ShapeError (TN802) for an empty range.

    >>> tn.randint_like(tn.zeros(2, 3), 5).shape
    (2, 3)
    """
    x = value_of(x)
    if high is None:
        low, high = 0, low
    check_device(device)
    target = x.dtype if dtype is None else dtype
    if dtypes.as_dtype(target).kind in "iu":
        return randint(low, high, x.shape, dtype=target, generator=generator)
    return randint(low, high, x.shape, generator=generator).to(target)
