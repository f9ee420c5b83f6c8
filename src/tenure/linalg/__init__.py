"""Linear algebra, by the names of the array API standard and PyTorch: products, decompositions, systems, spectra."""

from tenure.errors import LinAlgError
from tenure.linalg.products import cross, diagonal, trace
from tenure.values.operations.contractions import multi_dot, tensordot
from tenure.values.operations.matrices.decompositions import (
    cholesky,
    cholesky_ex,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    lu,
    lu_factor,
    qr,
    svd,
    svdvals,
)
from tenure.values.operations.matrices.indefinite import ldl_factor, ldl_factor_ex, ldl_solve
from tenure.values.operations.matrices.reflections import householder_product
from tenure.values.operations.matrices.reports import inv_ex, lu_factor_ex, solve_ex
from tenure.values.operations.matrices.spectra import (
    cond,
    matrix_exp,
    matrix_norm,
    matrix_power,
    matrix_rank,
    norm,
    vander,
)
from tenure.values.operations.matrices.systems import (
    det,
    inv,
    lstsq,
    lu_solve,
    pinv,
    slogdet,
    solve,
    solve_triangular,
    tensorinv,
    tensorsolve,
)
from tenure.values.operations.norms import vector_norm
from tenure.values.operations.products import matmul, outer, vecdot
from tenure.values.operations.shaping import matrix_transpose

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "householder_product",
    "inv",
    "inv_ex",
    "ldl_factor",
    "ldl_factor_ex",
    "ldl_solve",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_ex",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "trace",
    "vander",
    "vecdot",
    "vector_norm",
]
