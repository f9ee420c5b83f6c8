"""Fourier transforms by NumPy's, and by what they keep: sums of squares, shifts, products; derivatives of any order."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.compile.tiers import compile_program
from tenure.errors import DTypeError, OutOfRange, ShapeError
from tenure.interp.interp import interpret
from tenure.runtime import fourier, threads
from tenure.values.run import plan

RNG = np.random.default_rng(17)
REAL = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
FULL = ("fft", "ifft", "irfft", "hfft")
NORMS = ("backward", "ortho", "forward")
CLOSE = {"float32": 2e-6, "complex64": 2e-6, "float64": 1e-14, "complex128": 1e-14}


def drawn(shape: Any, dtype: str) -> Any:
    x = RNG.standard_normal(shape)
    return (x + 1j * RNG.standard_normal(shape) if dtype[0] == "c" else x).astype(dtype)


def near(found: Any, wanted: Any, dtype: str) -> None:
    x = np.asarray(found.detach())
    assert x.dtype == wanted.dtype and x.shape == wanted.shape
    assert np.abs(x - wanted).max(initial=0) <= CLOSE[dtype] * max(1, np.abs(wanted).max(initial=0))


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("name", REAL)
def test_values_are_numpys(name: str, dtype: str) -> None:
    if dtype[0] == "c" and name not in FULL:
        return
    x = drawn((4, 5, 6), dtype)
    for n, axis, norm in itertools.product((None, 1, 4, 5, 9), (-1, 0, 1), NORMS):
        near(getattr(tn.fft, name)(tn.tensor(x), n, axis, norm), getattr(np.fft, name)(x, n, axis, norm), dtype)


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_several_axes(dtype: str) -> None:
    x = drawn((3, 4, 5), dtype)
    names = ("fft2", "ifft2", "irfft2", "fftn", "ifftn", "irfftn")
    for name in (*names, *(("rfft2", "rfftn") if dtype[0] == "f" else ())):
        for s, axes in ((None, (0, 2)), ((2, 7), (2, 0)), ((5, 3), (-2, -1))):
            wanted = getattr(np.fft, name)(x, s, axes, "ortho").astype(np.result_type(x.dtype, np.complex64))
            wanted = wanted.real if name[0] == "i" and name[1] == "r" else wanted
            near(getattr(tn.fft, name)(tn.tensor(x), s=s, dim=axes, norm="ortho"), wanted, dtype)
    near(tn.fft.fftn(tn.tensor(x), s=(-1, 3)), np.fft.fftn(x, (4, 3), (1, 2)).astype(np.result_type(x, 1j)), dtype)
    whole = tn.fft.fftn(tn.tensor(x)).detach()
    near(tn.fft.hfftn(tn.fft.ihfftn(tn.tensor(x.real)), s=(3, 4, 5)), x.real, x.real.dtype.name)
    near(tn.fft.hfft2(tn.fft.ihfft2(tn.tensor(x.real)), s=(4, 5)), x.real, x.real.dtype.name)
    assert np.abs(np.asarray(tn.fft.ifftn(whole)) - x).max() < 1e-5


@pytest.mark.parametrize("n", [1, 2, 3, 8, 30, 97, 128, 1009])
def test_laws(n: int) -> None:
    x, y = drawn((3, n), "complex128"), drawn((3, n), "complex128")
    a, b = tn.fft.fft(tn.tensor(x)), tn.fft.fft(tn.tensor(y))
    near(tn.fft.ifft(a), x, "complex128")
    assert np.allclose((a.abs() ** 2).sum().item(), n * (np.abs(x) ** 2).sum())
    circular = np.stack([sum(x[k, j] * np.roll(y[k], j) for j in range(n)) for k in range(3)])
    near(tn.fft.ifft(a * b), circular, "complex128")
    turned = np.exp(-2j * np.pi * np.arange(n) / n) * np.asarray(a)
    assert np.allclose(np.asarray(tn.fft.fft(tn.roll(tn.tensor(x), 1, -1))), turned)
    near(tn.fft.irfft(tn.fft.rfft(tn.tensor(x.real)), n=n), x.real, "float64")


def test_executors_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled, op by op and by the reference, on one thread and several: the same bits."""
    before = threads.get_num_threads()
    x = drawn((40, 33, 8), "float32")

    def every() -> list[Any]:
        z = tn.fft.rfft(tn.tensor(x) * 2, dim=1, norm="ortho")
        return [np.asarray(z), np.asarray(tn.fft.ifft(z * 3, dim=0)), np.asarray(tn.fft.irfft(z, dim=1) + 1)]

    plain = every()
    for executor, count in ((compile_program, 1), (compile_program, 3), (interpret, 1)):
        monkeypatch.setattr(plan, "EXECUTOR", executor)
        threads.set_num_threads(count)
        for found, wanted in zip(every(), plain, strict=True):
            np.testing.assert_array_equal(found, wanted)
    threads.set_num_threads(before)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_lengths_with_small_factors(dtype: str) -> None:
    """Radices of every kind, whole and partial blocks, along both axes; a vector's bits are its own in any batch."""
    for n, count in itertools.product((2, 60, 98, 128, 512), (4, 11)):
        x = drawn((count, n), dtype)
        z = (x + 1j * drawn((count, n), dtype)).astype(np.result_type(x.dtype, np.complex64))
        cases = (("fft", z), ("ifft", z), ("rfft", x), ("irfft", z))
        for (name, given), axis in itertools.product(cases, (0, 1)):
            given = np.ascontiguousarray(given.T) if axis == 0 else given
            found = np.asarray(getattr(tn.fft, name)(tn.tensor(given), dim=axis))
            wide = given.astype(np.result_type(given.dtype, np.float64))
            wanted = getattr(np.fft, name)(wide, axis=axis)
            error = np.sqrt((np.abs(found - wanted) ** 2).mean() / (np.abs(wanted) ** 2).mean())
            assert error < (3e-7 if dtype == "float32" else 1e-15), (n, count, name, axis)
            half = np.take(given, range(count - 4, count), 1 - axis)
            apart = np.asarray(getattr(tn.fft, name)(tn.tensor(half), dim=axis))
            np.testing.assert_array_equal(apart, np.take(found, range(count - 4, count), 1 - axis))


def test_dtypes() -> None:
    for dtype in ("float16", "bfloat16", "int64", "bool"):
        x = tn.tensor([1, 0, 1, 1]).to(getattr(tn, dtype))
        for name in ("fft", "rfft"):
            assert getattr(tn.fft, name)(x).dtype is tn.complex64
        assert tn.fft.fft(x).tolist()[0] == 3


def dense(name: str, n: int, size: int | None, dtype: str, **more: Any) -> Any:
    """The matrix of a transform over the reals: of each real or imaginary part, one after the other."""
    f = getattr(np.fft, name)
    units = [unit * np.eye(n, dtype=dtype)[k] for k in range(n) for unit in ((1, 1j) if dtype[0] == "c" else (1,))]
    return np.stack([flat(f(u, size, **more)) for u in units], -1)


def flat(z: Any) -> Any:
    return np.stack([z.real, z.imag], -1).reshape(-1) if np.iscomplexobj(z) else np.asarray(z)


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("size", [None, 1, 3, 6, 7])
def test_derivatives_are_the_matrix(name: str, size: int | None) -> None:
    dtype = "complex128" if name in FULL else "float64"
    x, dx = drawn(5, dtype), drawn(5, dtype)
    matrix = dense(name, 5, size, dtype, norm="ortho")
    f = lambda v: getattr(tn.fft, name)(v, size, norm="ortho")  # noqa: E731
    y, dy = tn.jvp(f, (tn.tensor(x),), (tn.tensor(dx),))
    assert np.allclose(flat(np.asarray(dy)), matrix @ flat(dx)) and np.allclose(flat(np.asarray(y)), matrix @ flat(x))
    _, pull = tn.vjp(f, tn.tensor(x))
    g = drawn(y.shape, np.asarray(y).dtype.name)
    (back,) = pull(tn.tensor(g))
    assert np.allclose(flat(np.asarray(back)), matrix.T @ flat(g))


def test_second_order() -> None:
    """Energy of a spectrum, cubed: f = (n Σ x²)³ has the gradient 6 n³ (Σ x²)² x."""
    x = drawn(6, "float64")
    energy = lambda v: (tn.fft.fft(v).abs() ** 2).sum() ** 3  # noqa: E731
    s, n = (x**2).sum(), 6
    grad = tn.grad(energy)(tn.tensor(x))
    assert np.allclose(np.asarray(grad), 6 * n**3 * s**2 * x)
    second = 6 * n**3 * (s**2 * np.eye(n) + 4 * s * np.outer(x, x))
    assert np.allclose(np.asarray(tn.hessian(energy)(tn.tensor(x))), second)


def test_vmap() -> None:
    x = drawn((3, 4, 6), "float32")
    for f in (lambda v: tn.fft.rfft(v, dim=0), lambda v: tn.fft.irfft(v, 5), lambda v: tn.fft.fftn(v, s=(3, 7))):
        every = np.stack([np.asarray(f(tn.tensor(row))) for row in x])
        np.testing.assert_allclose(np.asarray(tn.vmap(f)(tn.tensor(x))), every, rtol=1e-5, atol=1e-5)
        one = np.stack([np.asarray(f(tn.tensor(x[:, k]))) for k in range(4)])
        np.testing.assert_allclose(np.asarray(tn.vmap(f, in_dims=1)(tn.tensor(x))), one, rtol=1e-5, atol=1e-5)


def test_no_examples() -> None:
    assert tn.fft.fft(tn.zeros(0, 4)).shape == (0, 4)
    assert tn.fft.rfft(tn.zeros(2, 0), n=4).tolist() == [[0, 0, 0]] * 2
    with pytest.raises(ShapeError, match="fft: a transform of 0 elements"):
        tn.fft.fft(tn.zeros(2, 0))


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_frequencies_and_shifts(n: int) -> None:
    for name in ("fftfreq", "rfftfreq"):
        found = getattr(tn.fft, name)(n, d=0.25, dtype=tn.float64)
        np.testing.assert_array_equal(np.asarray(found), getattr(np.fft, name)(n, 0.25))
    x = RNG.integers(0, 9, (n, 4, 3))
    for name, axes in itertools.product(("fftshift", "ifftshift"), (None, 0, (1, -1), ())):
        found = getattr(tn.fft, name)(tn.tensor(x), axes)
        np.testing.assert_array_equal(np.asarray(found), getattr(np.fft, name)(x, axes))


def test_errors() -> None:
    x, z = tn.ones(3, 4), tn.ones(4) + 1j
    for error, said, call in (
        (ShapeError, "a transform of 0 elements along axis 1", lambda: tn.fft.fft(x, 0)),
        (ShapeError, "a transform of 0 elements", lambda: tn.fft.irfft(tn.ones(1))),
        (OutOfRange, "axis 2 is out of range", lambda: tn.fft.fft(x, dim=2)),
        (OutOfRange, "axis -1 is out of range", lambda: tn.fft.fft(tn.tensor(1.0))),
        (DTypeError, "norm is one of 'backward'", lambda: tn.fft.ifft(x, norm="unitary")),
        (DTypeError, "rfft is not defined for complex64", lambda: tn.fft.rfft(z)),
        (DTypeError, "fft: n is an int", lambda: tn.fft.fft(x, 2.5)),
        (ShapeError, "named twice", lambda: tn.fft.fftn(x, dim=(0, -2))),
        (ShapeError, "2 sizes for 1 axes", lambda: tn.fft.fftn(x, (2, 2), (0,))),
        (ShapeError, "3 sizes for a tensor of 2", lambda: tn.fft.fftn(x, (2, 2, 2))),
        (ShapeError, "goes along 2 axes, not 1", lambda: tn.fft.fft2(x, dim=(0,))),
        (ShapeError, "no axis to transform", lambda: tn.fft.rfftn(x, dim=())),
        (ShapeError, "n is at least 1", lambda: tn.fft.fftfreq(0)),
        (ValueError, "distance d of 0", lambda: tn.fft.rfftfreq(3, 0.0)),
        (TypeError, "two names", lambda: tn.fft.fft(x, dim=0, axis=0)),
    ):
        with pytest.raises(error, match=said):
            call()


def test_explain_names_the_library() -> None:
    x = tn.tensor(drawn((300, 77), "float32"))
    for _ in range(3):
        np.asarray(tn.fft.rfft(x * 2).abs())
    found = tn.explain()
    assert found.host_calls == ("pocketfft r2c",)
    assert "pocketfft r2c, called since it has a fast plan for every length" in str(found)
    np.asarray(tn.fft.rfft(tn.tensor(drawn((300, 64), "float32")) * 2).abs())
    assert tn.explain().host_calls == ()


def test_loops_are_where_numpy_says() -> None:
    for name in fourier.LOOPS:
        address, _ = fourier.loop(name)
        assert address
