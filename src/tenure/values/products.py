"""Products of matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.ops import promote
from tenure.ops.promote import Operation
from tenure.values.operators import binary, recorded

if TYPE_CHECKING:
    from tenure.values.tensor import Tensor
    from tenure.values.typing import Operand

MATMUL = Operation("matmul", promote.product, "MmBackward0")
AFFINE = Operation("linear", promote.affine, "MmBackward0")


@recorded(binary(MATMUL, operator=False))
def matmul(x: Operand, y: Operand) -> Tensor:  # type: ignore[empty-body]
    """Matrix product, as ``x @ y``: rows of x times columns of y, summed.

    Shapes: (…, m, k) and (…, k, n) give (…, m, n), the leading axes broadcast together. A vector is a row on the left
    and a column on the right, and that axis is gone from the result: two vectors give their inner product. ShapeError
    (TN802) where the shapes do not fit.

    >>> tn.matmul(tn.tensor([[1, 2], [3, 4]]), tn.tensor([1, 10]))
    tensor([21, 43])
    """
