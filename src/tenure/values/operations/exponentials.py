"""Softmax and its logarithm along an axis. ``axis`` is accepted for ``dim``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tenure.dtypes import DTypeLike
from tenure.errors import DTypeError
from tenure.ops import statistics
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply_one
from tenure.values.operations.axes import check_dim, one_of
from tenure.values.operations.reading import value_of
from tenure.values.trace.operators import recorded

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

# mypy: disable-error-code="empty-body"


SOFTMAX = Operation("softmax", statistics.softmax)
LOG_SOFTMAX = Operation("log_softmax", statistics.log_softmax)


def _along(fn: Operation) -> Callable[..., Tensor]:
    def step(
        input: Any, dim: int | None = None, *, axis: int | None = None, dtype: DTypeLike | None = None
    ) -> Tensor:
        x = value_of(input)
        if dtype is not None:
            x = x.to(dtype)
        at = one_of(axis, dim)
        if at is None:
            raise TypeError("softmax and log_softmax go along an axis: give dim, as in dim=-1")
        if not x._aval.dtype.is_floating:
            raise DTypeError(f"softmax of {x._aval.dtype.name}", help="cast first, or give dtype=tn.float32")
        return apply_one(fn, x, parameters(("axis",), check_dim(at, len(x._aval.shape))))

    return step


@recorded(_along(SOFTMAX))
def softmax(
    input: ArrayLike, dim: int | None = None, *, axis: int | None = None, dtype: DTypeLike | None = None
) -> Tensor:
    """Softmax along an axis: exp(x) / Σ exp(x), in the shape of x; cast first if ``dtype`` is given.

    OutOfRange (TN801) for an axis that is not there; DTypeError (TN802) unless x is floating.

    >>> F.softmax(tn.tensor([0.0, 0.0, 0.0, 0.0]), dim=0)
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """


@recorded(_along(LOG_SOFTMAX))
def log_softmax(
    input: ArrayLike, dim: int | None = None, *, axis: int | None = None, dtype: DTypeLike | None = None
) -> Tensor:
    """Logarithm of the softmax along an axis, within the range of the dtype throughout; errors as in ``softmax``.

    >>> F.log_softmax(tn.tensor([0.0, 0.0]), dim=0)
    tensor([-0.6931, -0.6931])
    """
