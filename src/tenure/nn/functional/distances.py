"""Distances and similarities of vectors, pair by pair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.errors import ShapeError
from tenure.nn.functional.caller import named_by_caller
from tenure.nn.functional.reducing import at_least, scalar
from tenure.ops.declare import broadcast_shapes
from tenure.ops.promote import parameters
from tenure.values.native.hits import apply
from tenure.values.operations.axes import check_axis
from tenure.values.operations.diagonals import triu_indices
from tenure.values.operations.norms import vector_norm
from tenure.values.operations.reading import value_of
from tenure.values.operations.shaping import broadcast_to
from tenure.values.tensor.composite import composite
from tenure.values.trace.given import flag, int_of

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


def cosine_similarity(
    x1: ArrayLike, x2: ArrayLike, dim: int = 1, eps: float = 1e-8, *, axis: int | None = None
) -> Tensor:
    """Cosine of the angle between vectors along an axis, x1 · x2 / (|x1| |x2|), each norm at least ``eps``.

    Shapes broadcast together; the result has them without the axis. DTypeError (TN802) unless they are floating;
    ShapeError (TN802) where they do not broadcast; OutOfRange (TN801) for an axis that is not there.

    >>> F.cosine_similarity(tn.tensor([[3.0, 4.0]]), tn.tensor([[4.0, 3.0]]))
    tensor([0.9600])
    """
    x, y = value_of(x1), value_of(x2)
    shape = broadcast_shapes([x.shape, y.shape], "cosine_similarity")
    along = check_axis(int_of(dim if axis is None else axis, "cosine_similarity: dim"), max(len(shape), 1), "dim")
    if not shape:
        x, y, shape = x.reshape(1), y.reshape(1), (1,)
    form = parameters(("axis", "shape"), along, shape)
    return apply(COSINE, (x, y), form, (scalar("cosine_similarity", "eps", eps),))


def _cosine(x: Any, y: Any, eps: Any, *, axis: int, shape: tuple[int, ...]) -> Any:
    x, y = (v if v.shape == shape else broadcast_to(v, shape) for v in (x, y))
    x, y = (v / at_least(vector_norm(v, 2, axis, True), eps) for v in (x, y))
    return (x * y).sum(axis=axis)


COSINE = composite("cosine_similarity", _cosine, "SumBackward1")


def pairwise_distance(
    x1: ArrayLike, x2: ArrayLike, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """The p-norm of x1 - x2 + eps along the last axis.

    Shapes broadcast together; the result has them without the last axis, which ``keepdim`` keeps with size 1.
    DTypeError (TN802) unless they are floating; ShapeError (TN802) where they do not broadcast, or have no axis.

    >>> F.pairwise_distance(tn.tensor([[0.0, 0.0]]), tn.tensor([[3.0, 4.0]]))
    tensor([5.0000])
    """
    x, y = value_of(x1), value_of(x2)
    if not broadcast_shapes([x.shape, y.shape], "pairwise_distance"):
        raise ShapeError("pairwise_distance of vectors along the last axis, and there is no axis")
    numbers = scalar("pairwise_distance", "p", p), flag("pairwise_distance: keepdim", keepdim)
    form = parameters(("p", "keepdim"), *numbers)
    return apply(PAIRWISE, (x, y), form, (scalar("pairwise_distance", "eps", eps),))


def distance(x: Any, y: Any, eps: Any, *, p: float, keepdim: bool = False) -> Any:
    """The distances of expressions."""
    return vector_norm(x - y + eps, p, -1, keepdim)


PAIRWISE = composite("pairwise_distance", distance, "LinalgVectorNormBackward0")


@named_by_caller
def pdist(input: ArrayLike, p: float = 2.0) -> Tensor:
    """The distance, a p-norm, of each two rows of a matrix, those of the first row first.

    Shapes: (n, k) gives (n · (n - 1) / 2,). p is 0 (how many coordinates differ) up to infinity. The gradient at a
    distance of 0 is 0. ShapeError (TN802) for what is no matrix, ValueError for a negative p.

    >>> F.pdist(tn.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]))
    tensor([5.0000, 1.0000, 4.2426])
    """
    x, p = value_of(input), scalar("pdist", "p", p)
    if x.ndim != 2:
        raise ShapeError(f"pdist of an input of shape {list(x.shape)}: it is a matrix, its rows the points")
    if not p >= 0:
        raise ValueError(f"pdist: p is not negative, and {p} is")
    rows, columns = triu_indices(x.shape[0], x.shape[0], 1)
    return vector_norm(x[rows] - x[columns], p, -1)
