"""Decompositions of matrices: primitives that LAPACK computes, with their derivatives.

A decomposition has one result, its parts one after the other along the last axis (``parts.unpacked``), and behind them
what LAPACK reports. Matrices are the last two axes, all before are a batch.
"""

from tenure.ops.linear import (
    cholesky,
    eig,
    eigh,
    exchanges,
    factors,
    indefinite,
    powers,
    pseudoinverse,
    qr,
    reflections,
    svd,
    triangular,
)

__all__ = [
    "cholesky",
    "eig",
    "eigh",
    "exchanges",
    "factors",
    "indefinite",
    "powers",
    "pseudoinverse",
    "qr",
    "reflections",
    "svd",
    "triangular",
]
