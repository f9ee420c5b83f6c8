"""Functions of matrices: laws of what they compute, errors with the matrix of a batch, derivatives, conventions where a
decomposition is degenerate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tenure as tn
from tenure.compile.executable import compiled
from tenure.ir.aval import Aval
from tenure.ir.program import Builder
from tenure.ops.linear.spectra import eigh

L = tn.linalg
RNG = np.random.default_rng(5)
DTYPES = ("float32", "float64", "complex64", "complex128")


def random(shape: tuple[int, ...], dtype: str = "float64", shift: float = 0.0) -> Any:
    x = RNG.standard_normal(shape)
    x = x + 1j * RNG.standard_normal(shape) if "complex" in dtype else x
    return (x + shift * np.eye(*shape[-2:]) if shift else x).astype(dtype)


def definite(shape: tuple[int, ...], dtype: str = "float64") -> Any:
    x = random(shape, dtype)
    return (x @ x.conj().swapaxes(-1, -2) + 2 * np.eye(shape[-1])).astype(dtype)


def close(found: Any, wanted: Any) -> None:
    wanted = np.asarray(wanted)
    least = 2e-4 if found.numpy().dtype.name in ("float32", "complex64") else 1e-11
    assert_allclose(found.numpy(), wanted, rtol=least, atol=least * max(1.0, float(np.abs(wanted).max(initial=0))))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 4), (3, 5, 5), (2, 1, 3, 3), (40, 2, 2), (90, 90), (1, 1), (0, 0), (0, 2, 2)])
def test_square_matrices(shape: tuple[int, ...], dtype: str) -> None:
    n = shape[-1]
    a, s = random(shape, dtype, 2.0 * n), definite(shape, dtype)
    x, h = tn.tensor(a), tn.tensor(s)
    b = random((*shape[:-1], 3), dtype)
    close(L.inv(x), np.linalg.inv(a))
    close(L.solve(x, tn.tensor(b)), np.linalg.solve(a, b))
    close(L.solve(x, tn.tensor(b).mT, left=False) @ x, b.swapaxes(-1, -2))
    for found, wanted in zip(L.slogdet(x), np.linalg.slogdet(a), strict=True):
        close(found, wanted)
    if n < 10:
        close(L.det(x), np.linalg.det(a))
    c = L.cholesky(h)
    close(c, np.linalg.cholesky(s))
    close(L.cholesky(h, upper=True).mH, c.numpy())
    close(tn.cholesky_solve(tn.tensor(b), c), np.linalg.solve(s, b))
    close(tn.cholesky_inverse(c), np.linalg.inv(s))
    w, v = L.eigh(h)
    close(w, np.linalg.eigvalsh(s))
    close(v * w.to(v.dtype).unsqueeze(-2) @ v.mH, s)
    w, v = L.eig(x)
    close(v * w.unsqueeze(-2), (x.to(v.dtype) @ v).numpy())
    p, low, up = L.lu(x)
    close(p @ low @ up, a)
    assert not np.triu(low.numpy(), 1).any() and not np.tril(up.numpy(), -1).any()
    close(L.lu_solve(*L.lu_factor(x), tn.tensor(b)), np.linalg.solve(a, b))
    close(L.matrix_power(x, -2), np.linalg.matrix_power(a, -2))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (3, 5, 4), (2, 4, 5), (70, 30), (3, 0), (0, 3, 2)])
def test_any_matrices(shape: tuple[int, ...], dtype: str) -> None:
    a = random(shape, dtype, 3.0)
    x = tn.tensor(a)
    for mode in ("reduced", "complete"):
        q, r = L.qr(x, mode=mode)
        close(q @ r, a)
        close(q.mH @ q, np.broadcast_to(np.eye(q.shape[-1]), (*shape[:-2], q.shape[-1], q.shape[-1])))
        assert not np.tril(r.numpy(), -1).any()
    for full in (True, False):
        u, s, vh = L.svd(x, full_matrices=full)
        k = min(shape[-2:])
        close(u[..., :k] * s.to(u.dtype).unsqueeze(-2) @ vh[..., :k, :], a)
        close(u.mH @ u, np.broadcast_to(np.eye(u.shape[-1]), (*shape[:-2], u.shape[-1], u.shape[-1])))
    p, low, up = L.lu(x)
    close(p @ low @ up, a)
    if a.size:
        close(L.svdvals(x), np.linalg.svd(a, compute_uv=False))
        close(L.pinv(x), np.linalg.pinv(a))
        assert (L.matrix_rank(x).numpy() == np.linalg.matrix_rank(a)).all()
        for order in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf):
            close(L.matrix_norm(x, order), np.linalg.norm(a, order, axis=(-2, -1)))
        close(L.matrix_norm(x, 1, axis=(-1, -2), keepdims=True), np.linalg.norm(a, 1, axis=(-1, -2), keepdims=True))


def test_below_full_rank() -> None:
    a = random((5, 2)) @ random((2, 4))
    x, b = tn.tensor(a), random((5, 3))
    close(L.pinv(x), np.linalg.pinv(a))
    assert L.matrix_rank(x).item() == 2
    found = L.lstsq(x, tn.tensor(b))
    wanted = np.linalg.lstsq(a, b, rcond=None)
    close(found.solution, wanted[0])
    assert found.rank.item() == 2
    assert L.matrix_rank(x, atol=1e9).item() == 0
    assert L.matrix_rank(tn.tensor([[3.0, 0.0], [0.0, 1.0]]), atol=tn.tensor([0.5, 2.0, 4.0])).tolist() == [2, 1, 0]


def test_exponentials() -> None:
    a = random((3, 4, 4))
    for scale in (1e-3, 1.0, 30.0):
        w, v = np.linalg.eig(a * scale)
        close(L.matrix_exp(tn.tensor(a * scale)), (v * np.exp(w)[:, None] @ np.linalg.inv(v)).real)
    close(L.matrix_exp(tn.zeros(2, 2)), np.eye(2))


FAILING: dict[str, tuple[Callable[[Any], Any], str]] = {
    "inv": (L.inv, "singular: pivot 2"),
    "solve": (lambda x: L.solve(x, x), "singular: pivot 2"),
    "lu_factor": (lambda x: L.lu_factor(x).LU, "singular: pivot 2"),
    "cholesky": (L.cholesky, "not positive definite: the leading minor of order 2"),
    "solve_triangular": (lambda x: L.solve_triangular(x - x.flip(-1), x, upper=True), "pivot 1"),
    "matrix_power": (lambda x: L.matrix_power(x, -1), "singular: pivot 2"),
}


@pytest.mark.parametrize("name", FAILING)
def test_a_matrix_without_a_result_is_an_error_that_names_it(name: str) -> None:
    f, said = FAILING[name]
    a = np.stack([np.eye(2)] * 6).reshape(2, 3, 2, 2)
    a[1, 1] = 1.0
    for given, which in ((a, "matrix 4 of the batch"), (a[1, 1], "the matrix")):
        found = f(tn.tensor(given))
        with pytest.raises(L.LinAlgError, match=f"TN802: {which} is .*{said}") as error:
            found.numpy()
        assert "test_linalg.py" in str(error.value)
        assert isinstance(error.value, RuntimeError) and isinstance(error.value, ValueError)
    close(f(tn.tensor(a[0])), f(tn.tensor(a[0])).numpy())


def test_an_example_without_a_result_is_named() -> None:
    a = np.stack([np.eye(2), np.eye(2), np.ones((2, 2))])
    with pytest.raises(L.LinAlgError, match="matrix 2 of the batch is singular"):
        tn.vmap(L.inv)(tn.tensor(a)).numpy()


def test_reports_of_systems_in_place_of_errors() -> None:
    x = tn.tensor(np.stack([np.eye(2), np.ones((2, 2))]))
    for info in (L.inv_ex(x).info, L.solve_ex(x, tn.ones(2, 1, dtype=tn.float64)).info, L.lu_factor_ex(x).info):
        assert info.tolist() == [0, 2]
        assert info.dtype == tn.int32
    with pytest.raises(L.LinAlgError, match="singular: pivot 2"):
        L.inv_ex(x, check_errors=True).inverse.numpy()


@pytest.mark.parametrize("pivots", [[1, 2, -3], [0, 2, 3], [4, 2, 3], [-1, 2, 3], [-2, -9, 3], [-2, -3, -3]])
def test_pivots_that_are_none_are_an_error_before_lapack_uses_them(pivots: list[int]) -> None:
    given = tn.tensor(np.stack([[1, 2, 3], pivots]).astype(np.int32))
    found = L.ldl_solve(tn.eye(3).expand(2, 3, 3), given, tn.ones(2, 3, 1))
    with pytest.raises(L.LinAlgError, match="factors of matrix 1 of the batch are none: pivot"):
        found.numpy()


@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 3), (2, 3, 5), (0, 2, 2)])
def test_factors_one_by_one(shape: tuple[int, ...]) -> None:
    x = tn.tensor(np.random.default_rng(3).standard_normal(shape))
    p, low, up = tn.lu_unpack(*L.lu_factor(x))
    close(p @ low @ up, x.numpy())
    assert tn.lu_unpack(*L.lu_factor(x), unpack_data=False)[1].numel() == 0


@pytest.mark.parametrize("shape", [(0, 0), (0, 2, 2), (2, 0, 0)])
def test_the_check_of_no_matrix_is_no_kernel(shape: tuple[int, ...]) -> None:
    b = Builder()
    x = b.input(Aval(shape, tn.float64))
    found = eigh(x, upper=False)
    run = compiled(b.extract([x.id], [y.id for y in found]))
    assert [y.shape for y in run([np.zeros(shape)])] == [shape[:-1], shape]


def test_reports_in_place_of_errors() -> None:
    info = L.cholesky_ex(tn.tensor(np.stack([np.eye(2), np.ones((2, 2)) - 2 * np.eye(2)]))).info
    assert info.numpy().tolist() == [0, 1]
    sign, size = L.slogdet(tn.ones(2, 2))
    assert sign.item() == 0 and size.item() == -np.inf
    assert L.det(tn.ones(2, 2)).item() == 0
    assert L.cond(tn.ones(2, 2), 1).item() == np.inf


def test_the_gradient_of_a_determinant_at_a_singular_matrix_is_an_error() -> None:
    x = tn.tensor(np.ones((2, 2)), requires_grad=True)
    L.det(x).backward()
    with pytest.raises(L.LinAlgError, match="singular"):
        x.grad.numpy()


def test_nan_does_not_converge() -> None:
    for f in (L.svdvals, L.eigvalsh):
        try:
            assert np.isnan(f(tn.full((3, 3), float("nan"))).numpy()).all()
        except L.LinAlgError as error:
            assert "converge" in str(error)


SMOOTH: dict[str, tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]] = {
    "cholesky": (lambda a: L.cholesky(a @ a.mT), ((3, 3),)),
    "solve": (L.solve, ((3, 3), (3, 2))),
    "solve one": (L.solve, ((3, 3), (2, 3, 1))),
    "solve right": (lambda a, b: L.solve(a, b, left=False), ((3, 3), (2, 3))),
    "inv": (L.inv, ((3, 3),)),
    "det": (L.det, ((3, 3),)),
    "logdet": (lambda a: tn.logdet(a @ a.mT), ((3, 3),)),
    "qr": (lambda a: L.qr(a)[0] @ L.qr(a)[1].mT, ((3, 3),)),
    "svd": (lambda a: L.svd(a, full_matrices=False)[0].abs(), ((4, 3),)),
    "eigh": (lambda a: L.eigh(a + a.mT)[1].abs(), ((3, 3),)),
    "pinv": (L.pinv, ((4, 3),)),
    "exp": (L.matrix_exp, ((3, 3),)),
    "householder": (L.householder_product, ((4, 3), (2,))),
    "ldl": (lambda b: L.ldl_solve(*L.ldl_factor(tn.tensor(np.eye(3) - 2.0)), b), ((3, 2),)),
    "ormqr": (lambda a, t, c: tn.ormqr(a, t, c, transpose=True), ((4, 3), (2,), (4, 2))),
    "eigvals": (lambda a: L.eigvals(a).abs(), ((3, 3),)),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives_are_slopes_and_examples_go_alone(name: str) -> None:
    f, shapes = SMOOTH[name]
    xs = [tn.tensor(random(s, shift=3.0 if len(s) > 1 else 0.0)) for s in shapes]
    dxs = [tn.tensor(random(s)) for s in shapes]
    step = 1e-5
    ans, tangent = tn.jvp(f, tuple(xs), tuple(dxs))
    ahead, behind = (f(*[x + k * step * dx for x, dx in zip(xs, dxs, strict=True)]) for k in (1.0, -1.0))
    assert_allclose(tangent.numpy(), (ahead - behind).numpy() / (2 * step), rtol=1e-6, atol=1e-7)
    g = tn.tensor(random(tuple(ans.shape)) if ans.ndim > 1 else RNG.standard_normal(ans.shape))
    pulled = tn.vjp(f, *xs)[1](g)
    pulled = pulled if isinstance(pulled, tuple) else (pulled,)
    inner = sum((p * dx).sum().item() for p, dx in zip(pulled, dxs, strict=True))
    assert_allclose(inner, (g * tangent).sum().item(), rtol=1e-8)
    many = [tn.stack([x, x + 0.1 * dx, x * 2.0]) for x, dx in zip(xs, dxs, strict=True)]
    found = tn.vmap(f)(*many)
    for k in range(3):
        assert_allclose(found[k].numpy(), f(*[m[k] for m in many]).numpy(), rtol=1e-9, atol=1e-11)

    def slope(*given: Any) -> Any:
        return (tn.grad(lambda first: (f(first, *given[1:]) * g).sum())(given[0]) * dxs[0]).sum()

    second = tn.grad(slope)(*xs)
    at = [slope(xs[0] + k * step * dxs[0], *xs[1:]).item() for k in (1.0, -1.0)]
    assert_allclose((second * dxs[0]).sum().item(), (at[0] - at[1]) / (2 * step), rtol=1e-5, atol=1e-5)


def test_equal_values_have_gradients_and_equal_vectors_do_not() -> None:
    for f in (L.eigvalsh, L.svdvals):
        x = tn.tensor(np.eye(3), requires_grad=True)
        (f(x) * tn.tensor(np.array([1.0, 2.0, 4.0]))).sum().backward()
        assert np.isfinite(x.grad.numpy()).all()
        assert_allclose(np.linalg.eigvalsh(x.grad.numpy()), [1, 2, 4], atol=1e-12)
    x = tn.tensor(np.eye(3), requires_grad=True)
    (L.eigh(x).eigenvectors * tn.tensor(random((3, 3)))).sum().backward()
    assert not np.isfinite(x.grad.numpy()).all()
    x = tn.tensor(np.eye(3), requires_grad=True)
    L.pinv(x).sum().backward()
    assert_allclose(x.grad.numpy(), -np.ones((3, 3)), atol=1e-12)


def test_only_one_triangle_counts() -> None:
    a = definite((3, 3))
    lower, upper = tn.tensor(np.tril(a)), tn.tensor(np.triu(a))
    close(L.cholesky(lower), np.linalg.cholesky(a))
    close(L.eigvalsh(lower), np.linalg.eigvalsh(a))
    close(L.eigvalsh(upper, UPLO="U"), np.linalg.eigvalsh(a))
    x = tn.tensor(a, requires_grad=True)
    L.cholesky(x).sum().backward()
    assert_allclose(x.grad.numpy(), x.grad.numpy().T, atol=1e-12)


@pytest.mark.parametrize("f", [L.inv, L.cholesky, L.svd, L.qr, L.eigh, L.eig, L.det, L.lu, L.matrix_exp, L.pinv])
def test_what_is_refused(f: Any) -> None:
    for x in (tn.ones(2, 2).half(), tn.ones(2, 2).bfloat16(), tn.ones(2, 2, dtype=tn.int64)):
        with pytest.raises(tn.DTypeError, match="TN802.*is not defined for"):
            f(x)
    with pytest.raises(tn.ShapeError, match="TN802.*where a matrix is wanted"):
        f(tn.ones(2))
    if f not in (L.svd, L.qr, L.lu, L.pinv):
        with pytest.raises(tn.ShapeError, match="TN802.*where square ones are wanted"):
            f(tn.ones(2, 3))


def test_gradients_that_do_not_exist_are_refused() -> None:
    x = tn.tensor(random((4, 2)), requires_grad=True)
    with pytest.raises(tn.GradientError, match="no gradient"):
        L.qr(x, mode="complete").Q.sum().backward()
    L.svd(x).S.sum().backward()
    close(x.grad, (L.svd(x.detach(), full_matrices=False).U @ L.svd(x.detach(), full_matrices=False).Vh).numpy())


def test_what_two_libraries_read_differently_is_refused() -> None:
    with pytest.raises(tn.ShapeError, match="a batch of vectors in PyTorch, and matrices in the array API"):
        L.solve(tn.ones(2, 2, 2), tn.ones(2, 2))


def test_a_call_of_the_library_is_explained() -> None:
    L.inv(tn.tensor(random((20, 20), "float32", 9.0))).numpy()
    said = str(tn.explain())
    assert "LAPACK sgetrf, called since" in said and "LAPACK sgetrs, called since" in said


def test_pivots_that_are_no_rows_are_refused() -> None:
    found, pivots = L.lu_factor(tn.tensor(random((3, 4, 4)) + 4 * np.eye(4)))
    wrong = pivots.numpy().copy()
    wrong[1, 2] = 9
    unpacked: list[Any] = [lambda p, k=k: tn.lu_unpack(found, p)[k] for k in range(3)]
    for read in (lambda p: L.lu_solve(found, p, tn.ones(3, 4, 1)), *unpacked):
        read(pivots).numpy()
        with pytest.raises(L.LinAlgError, match="pivots of matrix 1 of the batch are none: pivot 3 is no row"):
            read(tn.tensor(wrong)).numpy()


def test_an_order_is_no_tensor() -> None:
    for f in (L.matrix_norm, L.norm, L.cond):
        with pytest.raises(tn.DTypeError, match="is a Python number, not a tensor"):
            f(tn.eye(2), tn.tensor(2.0))
