"""Linear algebra, by the names of the array API standard and PyTorch: products of matrices and vectors,
and norms."""

from tenure.linalg.products import cross, diagonal, trace
from tenure.values.operations.contractions import multi_dot, tensordot
from tenure.values.operations.norms import vector_norm
from tenure.values.operations.products import matmul, outer, vecdot
from tenure.values.operations.shaping import matrix_transpose

__all__ = [
    "cross",
    "diagonal",
    "matmul",
    "matrix_transpose",
    "multi_dot",
    "outer",
    "tensordot",
    "trace",
    "vecdot",
    "vector_norm",
]
