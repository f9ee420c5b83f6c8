"""Losses of triplets: an anchor, what is to be near it, and what is to be away from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tenure.errors import DTypeError, ShapeError, shown
from tenure.nn.functional.caller import named_by_caller
from tenure.nn.functional.distances import distance, pairwise_distance
from tenure.nn.functional.reducing import reduced, scalar, tensors, way
from tenure.ops.promote import parameters
from tenure.values.native.hits import apply
from tenure.values.operations.arithmetic import minimum
from tenure.values.tensor.composite import composite
from tenure.values.trace.given import flag

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


def _triplet(name: str, *given: Any) -> tuple[Any, ...]:
    """The three; TN802 unless they have the same number of axes."""
    found = tensors(given)
    if len({x.ndim for x in found}) > 1 or not found[0].ndim:
        shapes = ", ".join([str(list(x.shape)) for x in found])
        raise ShapeError(f"{name}: anchor, positive and negative of shapes {shapes}; as many axes, at least 1")
    return found


def _margin(name: str, margin: Any) -> float:
    found = scalar(name, "margin", margin)
    if not found > 0:
        raise ValueError(f"{name}: margin is above zero, and {found} is not")
    return found


def triplet_margin_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Loss of triplets, max(0, d(anchor, positive) - d(anchor, negative) + margin), d as ``pairwise_distance``.

    With ``swap`` d(positive, negative) stands for d(anchor, negative) where it is less. ``reduction`` is "mean", "sum"
    or "none"; older flags as in ``mse_loss``. Shapes broadcast; ShapeError (TN802) where they do not; ValueError for a
    margin that is not above zero. Source: Balntas et al., BMVC 2016.

    >>> F.triplet_margin_loss(tn.tensor([[0.0]]), tn.tensor([[2.0]]), tn.tensor([[1.5]]))
    tensor(1.5000)
    """
    name = "triplet_margin_loss"
    numbers = scalar(name, "eps", eps), _margin(name, margin)
    options = scalar(name, "p", p), flag(f"{name}: swap", swap), way(name, reduction, size_average, reduce)
    operands = _triplet(name, anchor, positive, negative)
    return apply(TRIPLET, operands, parameters(("p", "swap", "reduction"), *options), numbers)


def _triplets(a: Any, b: Any, c: Any, eps: Any, margin: Any, *, p: float, swap: bool, reduction: str) -> Any:
    apart = distance(a, c, eps, p=p)
    if swap:
        apart = minimum(apart, distance(b, c, eps, p=p))
    return reduced((margin + distance(a, b, eps, p=p) - apart).clip(0.0, None), None, reduction)


TRIPLET = composite("triplet_margin_loss", _triplets, "MeanBackward0")


@named_by_caller
def triplet_margin_with_distance_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    *,
    distance_function: Callable[..., Any] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """Loss of triplets with a distance of one's own, max(0, d(anchor, positive) - d(anchor, negative) + margin).

    ``distance_function`` of two tensors is ``pairwise_distance`` by default; the rest is as in ``triplet_margin_loss``.

    >>> apart = lambda x, y: (x - y).abs().amax(axis=-1)
    >>> x, y, z = tn.tensor([[0.0]]), tn.tensor([[2.0]]), tn.tensor([[1.5]])
    >>> F.triplet_margin_with_distance_loss(x, y, z, distance_function=apart)
    tensor(1.5000)
    """
    name = "triplet_margin_with_distance_loss"
    if distance_function is not None and not callable(distance_function):
        raise DTypeError(f"{name}: distance_function is a function, not {shown(distance_function)}")
    d = pairwise_distance if distance_function is None else distance_function
    least, swap, reduction = _margin(name, margin), flag(f"{name}: swap", swap), way(name, reduction, None, None)
    a, b, c = _triplet(name, anchor, positive, negative)
    near, apart = d(a, b), d(a, c)
    apart = minimum(apart, d(b, c)) if swap else apart
    return reduced((least + near - apart).clip(0.0, None), None, reduction)  # type: ignore[no-any-return]
