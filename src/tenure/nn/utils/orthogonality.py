"""Orthogonal matrices as functions of matrices without a constraint."""

from __future__ import annotations

from typing import Any

import numpy as np

from tenure.dtypes import finfo
from tenure.errors import ShapeError
from tenure.nn.module import Module
from tenure.values.operations.boundary import array_alone
from tenure.values.operations.creation import tensor
from tenure.values.operations.factories import eye
from tenure.values.operations.matrices.decompositions import qr
from tenure.values.operations.matrices.reflections import householder_product
from tenure.values.operations.matrices.spectra import matrix_exp
from tenure.values.operations.matrices.systems import solve
from tenure.values.operations.shaping import broadcast_to, concat
from tenure.values.rules.modes import no_grad
from tenure.values.tensor.random import randn
from tenure.values.tensor.tensor import Tensor

MAPS = ("matrix_exp", "cayley", "householder")


class _Orthogonal(Module):
    """A matrix as an orthogonal one, by one of ``MAPS``; relative to ``base``, if it has one.

    Of the matrix (n, k), n ≥ k, the exponential and Cayley's map take the lower triangle, as a skew-symmetric matrix;
    Householder's takes reflectors below the diagonal, and signs on it.
    """

    def __init__(self, weight: Tensor, by: str, trivial: bool) -> None:
        super().__init__()
        self.shape, self.by, self.trivial = tuple(weight.shape), by, trivial
        if trivial:
            self.register_buffer("base", None)

    def forward(self, x: Tensor) -> Tensor:
        """The orthogonal matrix."""
        wide = x.shape[-2] < x.shape[-1]
        x = x.mT if wide else x
        q = _reflected(x) if self.by == "householder" else _turned(x, self.by)
        if self.trivial:
            q = self.base @ q
        return q.mT if wide else q  # type: ignore[no-any-return]

    @no_grad()
    def right_inverse(self, q: Tensor) -> Tensor:
        """A matrix from which an orthogonal one comes; ``base`` takes it, where there is one."""
        if tuple(q.shape) != self.shape:
            raise ShapeError(f"orthogonal: a value of shape {list(q.shape)} for a weight of {list(self.shape)}")
        wide = q.shape[-2] < q.shape[-1]
        tall = q.mT if wide else q
        if not self.trivial:
            if self.by != "householder":
                raise NotImplementedError(f"orthogonal: {self.by} without use_trivialization takes no value")
            found = _reflectors(tall)
            return found.mT if wide else found  # type: ignore[no-any-return]
        n, k = tall.shape[-2:]
        if n != k:
            tall = concat([tall, randn(*tall.shape[:-2], n, n - k, dtype=tall.dtype.parts).to(tall.dtype)], axis=-1)
        self.base = tall.detach() if n == k and _is_orthogonal(tall) else _orthonormal(tall)
        zeros = q.detach() * 0
        return zeros - eye(*zeros.shape[-2:], dtype=zeros.dtype)


def _turned(x: Any, by: str) -> Any:
    """The first columns of the rotation that a skew-symmetric matrix gives."""
    n, k = x.shape[-2:]
    x = x.tril()
    if n != k:
        x = concat([x, (x[..., :1] * 0).expand(*x.shape[:-1], n - k)], axis=-1)
    a = x - x.mH
    one = eye(n, dtype=a.dtype)
    q = matrix_exp(a) if by == "matrix_exp" else solve(broadcast_to(one - 0.5 * a, a.shape), one + 0.5 * a)
    return q[..., :k]


def _reflected(x: Any) -> Any:
    """The product of Householder's reflectors, its columns with the signs on the diagonal."""
    a = x.tril(-1)
    q = householder_product(a, 2.0 / (1.0 + (a * a).sum(axis=-2)))
    return q * x.detach().diagonal(axis1=-2, axis2=-1).trunc().unsqueeze(-2)


def _reflectors(q: Any) -> Any:
    """Householder's reflectors of an orthonormal matrix below the diagonal, the signs of R on it."""
    raw, tau = np.linalg.qr(array_alone(q), mode="raw")
    a = np.swapaxes(raw, -1, -2).copy()
    at = np.arange(a.shape[-1])
    signs = np.sign(a[..., at, at])
    a[..., at, at] = np.where(tau == 0.0, -signs, signs)
    return tensor(np.ascontiguousarray(a), dtype=q.dtype)


def _is_orthogonal(q: Any) -> bool:
    n = q.shape[-1]
    least = 10.0 * n * finfo(q.dtype.parts).eps
    return bool(((q.mH @ q - eye(n, dtype=q.dtype)).abs() <= least).all())


def _orthonormal(a: Any) -> Any:
    """The orthogonal factor of a square matrix, of which R has a positive diagonal."""
    q, r = qr(a)
    return (q * r.diagonal(axis1=-2, axis2=-1).sign().unsqueeze(-2)).detach()
