"""Helpers that distributions share, among them PyTorch's: broadcasting of parameters, probabilities and logits."""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import numpy as np

from tenure.dtypes import default_float, finfo
from tenure.errors import DTypeError, ShapeError, shown
from tenure.ops.declare import broadcast_shapes
from tenure.values.operations import elementary
from tenure.values.operations.angles import logaddexp
from tenure.values.operations.arithmetic import clip, where
from tenure.values.operations.creation import tensor
from tenure.values.operations.exponentials import softmax
from tenure.values.operations.factories import full
from tenure.values.operations.reading import value_of
from tenure.values.operations.shaping import broadcast_to, concat
from tenure.values.rules.modes import enable_grad
from tenure.values.tensor.tensor import Tensor

if TYPE_CHECKING:
    from tenure.values.tensor.typing import ArrayLike, Operand

EULER = 0.57721566490153286060
"""Euler's constant γ."""
T = TypeVar("T")
R = TypeVar("R")


def broadcast_all(*values: Operand) -> tuple[Tensor, ...]:
    """Tensors and numbers in one shape; numbers take the dtype of the first tensor, or the default one.

    ShapeError (TN802) for shapes that do not broadcast together, DTypeError for what is no number or tensor.

    >>> from tenure.distributions.utils import broadcast_all
    >>> broadcast_all(tn.zeros(2), 1.0)[1]
    tensor([1., 1.])
    """
    for x in values:
        if not isinstance(x, Tensor | np.ndarray | np.generic | bool | int | float):
            raise DTypeError(f"broadcast_all: {shown(x)} is no number and no tensor")
    dtypes = [x.dtype for x in values if isinstance(x, Tensor)]
    dtype = dtypes[0] if dtypes else default_float
    found = [value_of(x) if isinstance(x, Tensor) else tensor(x, dtype=dtype) for x in values]
    shape = broadcast_shapes([x.shape for x in found], "broadcast_all")
    return tuple([x if x.shape == shape else broadcast_to(x, shape) for x in found])


def logits_to_probs(logits: ArrayLike, is_binary: bool = False) -> Tensor:
    """Probabilities of logits: of one event each if ``is_binary``, else of the classes along the last axis.

    >>> from tenure.distributions.utils import logits_to_probs
    >>> logits_to_probs(tn.zeros(2))
    tensor([0.5000, 0.5000])
    """
    return elementary.sigmoid(logits) if is_binary else softmax(logits, -1)


def clamp_probs(probs: ArrayLike) -> Tensor:
    """Probabilities kept one rounding away from 0 and 1.

    >>> from tenure.distributions.utils import clamp_probs
    >>> clamp_probs(tn.tensor([0.0, 0.5])).shape
    (2,)
    """
    x = value_of(probs)
    eps = float(finfo(x.dtype).eps)
    return clip(x, eps, 1 - eps)


def probs_to_logits(probs: ArrayLike, is_binary: bool = False) -> Tensor:
    """Logits of probabilities, which are first kept away from 0 and 1; the inverse of ``logits_to_probs``.

    >>> from tenure.distributions.utils import probs_to_logits
    >>> probs_to_logits(tn.tensor([0.5]), is_binary=True)
    tensor([0.])
    """
    x = clamp_probs(probs)
    return x.log() - (-x).log1p() if is_binary else x.log()


class lazy_property(Generic[T, R]):
    """Property that is computed at its first use, and kept in the object.

    >>> from tenure.distributions.utils import lazy_property
    >>> class Square:
    ...     @lazy_property
    ...     def area(self):
    ...         return 4.0
    >>> Square().area
    4.0
    """

    def __init__(self, wrapped: Callable[[T], R]) -> None:
        self.wrapped = wrapped
        self.__doc__ = wrapped.__doc__

    @overload
    def __get__(self, instance: None, owner: Any = None) -> lazy_property[T, R]: ...
    @overload
    def __get__(self, instance: T, owner: Any = None) -> R: ...
    def __get__(self, instance: T | None, owner: Any = None) -> R | lazy_property[T, R]:
        if instance is None:
            return self
        with enable_grad():
            value = self.wrapped(instance)
        instance.__dict__[self.wrapped.__name__] = value
        return value


def _lower(n: int, diag: int) -> Any:
    """The places of a lower triangle, row by row: indices of rows and of columns."""
    return np.tril_indices(n, diag)


def tril_matrix_to_vec(mat: ArrayLike, diag: int = 0) -> Tensor:
    """The lower triangles of square matrices, row by row, as vectors. ShapeError (TN802) for a ``diag`` outside.

    >>> from tenure.distributions.utils import tril_matrix_to_vec
    >>> tril_matrix_to_vec(tn.tensor([[1.0, 0.0], [2.0, 3.0]]))
    tensor([1., 2., 3.])
    """
    x = value_of(mat)
    n = x.shape[-1]
    if not -n <= diag < n:
        raise ShapeError(f"tril_matrix_to_vec: diag is {diag}, and lies between {-n} and {n - 1}")
    return x[(..., *_lower(n, diag))]


def vec_to_tril_matrix(vec: ArrayLike, diag: int = 0) -> Tensor:
    """Square matrices with vectors as their lower triangles, row by row, and zeros above.

    ShapeError (TN802) for a length that no triangle has.

    >>> from tenure.distributions.utils import vec_to_tril_matrix
    >>> vec_to_tril_matrix(tn.tensor([1.0, 2.0, 3.0]))
    tensor([[1., 0.],
            [2., 3.]])
    """
    x = value_of(vec)
    length = x.shape[-1]
    n = (isqrt((1 + 2 * diag) ** 2 + 8 * length + 4 * abs(diag) * (diag + 1)) - 1 - 2 * diag) // 2
    place = _lower(n, diag)
    if len(place[0]) != length:
        raise ShapeError(f"vec_to_tril_matrix: {length} elements are no lower triangle of a square matrix")
    return full((*x.shape[:-1], n, n), 0, dtype=x.dtype).at[(..., *place)].set(x)


def sum_rightmost(x: Tensor, count: int) -> Tensor:
    """The sum over so many last axes."""
    return x.sum(tuple(range(-count, 0))) if count > 0 else x


def softplus(x: Tensor) -> Tensor:
    """log(1 + eˣ)."""
    return logaddexp(x, 0.0)


def either(condition: Tensor, x: Any, y: Any) -> Tensor:
    """One operand where a condition holds, elsewhere the other."""
    return where(condition, x, y)


def edged(x: Tensor, left: bool, number: float) -> Tensor:
    """A tensor with a number in front of the last axis, or behind it."""
    edge = full((*x.shape[:-1], 1), number, dtype=x.dtype)
    return concat([edge, x] if left else [x, edge], -1)


def tiny(x: Any) -> float:
    """The smallest normal number of a dtype."""
    return float(finfo(x.dtype).smallest_normal)


def eps(x: Any) -> float:
    """The distance of 1 from the next number of a dtype."""
    return float(finfo(x.dtype).eps)
