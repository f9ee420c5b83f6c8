"""Functions of matrices beside PyTorch: values and gradients of float64 and complex128, at regular matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tenure as tn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers
RNG = np.random.default_rng(7)
FIRST = RNG.bit_generator.state


@pytest.fixture(autouse=True)
def same_arrays() -> None:
    """The arrays of a case, whatever ran before: libraries differ in the order of some eigenvalues."""
    RNG.bit_generator.state = FIRST


def both(shape: tuple[int, ...], dtype: str) -> Any:
    x = RNG.standard_normal(shape)
    return (x + 1j * RNG.standard_normal(shape) if dtype == "complex128" else x).astype(dtype)


def definite(x: Any) -> Any:
    """A positive definite matrix of any one, in either library."""
    return x @ x.mH + 2.0 * (x @ x.mH * 0 + eye(x))


def eye(x: Any) -> Any:
    one = np.eye(x.shape[-1])
    return torch.tensor(one) if isinstance(x, torch.Tensor) else tn.tensor(one)


def phaseless(x: Any) -> Any:
    """What of vectors does not depend on their phases."""
    return x.abs()


Case = tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]
SQUARE, TALL, WIDE = (2, 3, 3), (2, 4, 3), (2, 3, 4)


def top(linalg: Any) -> Any:
    """The library that a namespace of linear algebra belongs to."""
    return torch if linalg is torch.linalg else tn


CASES: dict[str, Case] = {
    "cholesky": (lambda L, a: L.cholesky(definite(a)), (SQUARE,)),
    "cholesky upper": (lambda L, a: L.cholesky(definite(a), upper=True), (SQUARE,)),
    "inv": (lambda L, a: L.inv(a), (SQUARE,)),
    "det": (lambda L, a: L.det(a), (SQUARE,)),
    "slogdet": (lambda L, a: L.slogdet(a)[1], (SQUARE,)),
    "slogdet sign": (lambda L, a: L.slogdet(a)[0], (SQUARE,)),
    "solve": (lambda L, a, b: L.solve(a, b), (SQUARE, (2, 3, 2))),
    "solve one": (lambda L, a, b: L.solve(a, b), ((3, 3), (2, 3, 2))),
    "solve vector": (lambda L, a, b: L.solve(a, b), ((3, 3), (3,))),
    "solve vectors": (lambda L, a, b: L.solve(a, b), (SQUARE, (2, 3))),
    "solve right": (lambda L, a, b: L.solve(a, b, left=False), (SQUARE, (2, 2, 3))),
    "triangular": (lambda L, a, b: L.solve_triangular(a, b, upper=True), (SQUARE, (2, 3, 2))),
    "triangular right": (lambda L, a, b: L.solve_triangular(a, b, upper=False, left=False), (SQUARE, (2, 2, 3))),
    "triangular unit": (
        lambda L, a, b: L.solve_triangular(a, b, upper=False, unitriangular=True),
        (SQUARE, (2, 3, 2)),
    ),
    "lu": (lambda L, a: L.lu(a), (SQUARE,)),
    "lu tall": (lambda L, a: L.lu(a), (TALL,)),
    "lu wide": (lambda L, a: L.lu(a), (WIDE,)),
    "lu_factor": (lambda L, a: L.lu_factor(a)[0], (SQUARE,)),
    "lu_factor_ex": (lambda L, a: L.lu_factor_ex(a)[0], (SQUARE,)),
    "inv_ex": (lambda L, a: L.inv_ex(a)[0], (SQUARE,)),
    "solve_ex": (lambda L, a, b: L.solve_ex(a, b)[0], (SQUARE, (2, 3, 2))),
    "lu_solve": (lambda L, a, b: L.lu_solve(*L.lu_factor(a), b), (SQUARE, (2, 3, 2))),
    "lu_solve adjoint": (lambda L, a, b: L.lu_solve(*L.lu_factor(a), b, adjoint=True), (SQUARE, (2, 3, 2))),
    "qr": (lambda L, a: L.qr(a), (SQUARE,)),
    "qr tall": (lambda L, a: L.qr(a), (TALL,)),
    "qr wide": (lambda L, a: L.qr(a), (WIDE,)),
    "eigvalsh": (lambda L, a: L.eigvalsh(definite(a)), (SQUARE,)),
    "eigh": (lambda L, a: phaseless(L.eigh(definite(a))[1]), (SQUARE,)),
    "svdvals": (lambda L, a: L.svdvals(a), (TALL,)),
    "svd tall": (lambda L, a: [phaseless(x) for x in L.svd(a, full_matrices=False)], (TALL,)),
    "svd wide": (lambda L, a: [phaseless(x) for x in L.svd(a, full_matrices=False)], (WIDE,)),
    "pinv": (lambda L, a: L.pinv(a), (TALL,)),
    "pinv wide": (lambda L, a: L.pinv(a), (WIDE,)),
    "lstsq": (lambda L, a, b: L.lstsq(a, b).solution, (TALL, (2, 4, 2))),
    "norm fro": (lambda L, a: L.matrix_norm(a), (TALL,)),
    "norm nuc": (lambda L, a: L.matrix_norm(a, "nuc"), (TALL,)),
    "norm 2": (lambda L, a: L.matrix_norm(a, 2), (TALL,)),
    "norm -2": (lambda L, a: L.matrix_norm(a, -2), (TALL,)),
    "norm 1": (lambda L, a: L.matrix_norm(a, 1), (TALL,)),
    "norm inf": (lambda L, a: L.matrix_norm(a, float("inf")), (TALL,)),
    "norm": (lambda L, a: L.norm(a), (TALL,)),
    "norm of matrices": (lambda L, a: L.norm(a, "nuc", dim=(-2, -1), keepdim=True), (TALL,)),
    "norm of vectors": (lambda L, a: L.norm(a, 3, dim=1), (TALL,)),
    "norm of a matrix": (lambda L, a: L.norm(a, 1), ((4, 3),)),
    "cond": (lambda L, a: L.cond(a), (SQUARE,)),
    "cond 1": (lambda L, a: L.cond(a.detach(), 1), (SQUARE,)),
    "power": (lambda L, a: L.matrix_power(a, 5), (SQUARE,)),
    "power -2": (lambda L, a: L.matrix_power(a, -2), (SQUARE,)),
    "exp": (lambda L, a: L.matrix_exp(a), (SQUARE,)),
    "exp large": (lambda L, a: L.matrix_exp(a * 9), (SQUARE,)),
    "ldl": (lambda L, a: L.ldl_factor(a.detach(), hermitian=True), (SQUARE,)),
    "ldl symmetric": (lambda L, a: L.ldl_factor_ex(a.detach() - 3), (SQUARE,)),
    "ldl_solve": (
        lambda L, a, b: L.ldl_solve(*L.ldl_factor(a.detach() - 3, hermitian=True), b.detach(), hermitian=True),
        (SQUARE, (2, 3, 2)),
    ),
    "geqrf": (lambda L, a: top(L).geqrf(a.detach()), (TALL,)),
    "geqrf wide": (lambda L, a: top(L).geqrf(a.detach()), (WIDE,)),
    "ormqr": (lambda L, a, t, c: top(L).ormqr(a, t, c), (TALL, (2, 3), (2, 4, 3))),
    "ormqr right": (lambda L, a, t, c: top(L).ormqr(a, t, c, False, True), (TALL, (2, 3), (2, 3, 4))),
    "householder": (lambda L, a, t: L.householder_product(a, t), (TALL, (2, 2))),
    "tensorinv": (lambda L, a: L.tensorinv(a.reshape(2, 3, 6)), ((6, 6),)),
    "tensorsolve": (lambda L, a, b: L.tensorsolve(a.reshape(2, 3, 6), b), ((6, 6), (2, 3))),
    "vander": (lambda L, a: L.vander(a), ((2, 3),)),
    "eigvals": (lambda L, a: L.eigvals(definite(a) + a), (SQUARE,)),
    "eig": (lambda L, a: phaseless(L.eig(definite(a) + a)[1]), (SQUARE,)),
}


def listed(x: Any) -> list[Any]:
    return list(x) if isinstance(x, tuple | list) else [x]


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_are_pytorchs(name: str, dtype: str) -> None:
    f, shapes = CASES[name]
    arrays = [both(s, dtype) + 3 * np.eye(*s[-2:]) if len(s) > 1 and s[-1] > 2 else both(s, dtype) for s in shapes]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    ours = [tn.tensor(a, requires_grad=True) for a in arrays]
    wanted, found = listed(f(torch.linalg, *theirs)), listed(f(tn.linalg, *ours))
    weights = []
    for x, y in zip(found, wanted, strict=True):
        scale = max(float(y.detach().abs().max()), 1.0)
        np.testing.assert_allclose(x.detach().numpy(), y.detach().resolve_conj().numpy(), rtol=1e-9, atol=1e-11 * scale)
        assert str(x.dtype).removeprefix("tenure.") == str(y.dtype).removeprefix("torch.")
        weights.append(RNG.standard_normal(x.shape))
    for library, results in ((torch, wanted), (tn, found)):
        total: Any = 0.0
        for x, w in zip(results, weights, strict=True):
            if x.requires_grad:
                part = x * library.tensor(w)
                total = total + (part.real + part.imag if "complex" in str(x.dtype) else part).sum()
        if hasattr(total, "backward"):
            total.backward()
    for a, b in zip(ours, theirs, strict=True):
        if b.grad is None:
            continue
        scale = max(float(b.grad.abs().max()), 1.0)
        np.testing.assert_allclose(a.grad.numpy(), b.grad.resolve_conj().numpy(), rtol=1e-8, atol=1e-10 * scale)
