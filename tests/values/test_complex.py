"""Complex numbers: NumPy is the meaning; gradients are ∂L/∂re + i ∂L/∂im, as finite differences give them."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.errors import DTypeError, ShapeError

RNG = np.random.default_rng(5)
Case = tuple[Callable[..., Any], Callable[..., Any]]


def named(name: str, numpy_name: str = "") -> Case:
    return lambda x, y: getattr(tn, name)(x), lambda x, y: getattr(np, numpy_name or name)(x)


def alike(function: Callable[..., Any]) -> Case:
    return function, function


CASES: dict[str, Case] = {
    **{n: named(n) for n in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "square", "conj")},
    **{n: named(n) for n in ("abs", "angle", "real", "imag", "log2", "log10", "log1p", "expm1", "exp2", "reciprocal")},
    **{n: named(n, n.replace("a", "arc", 1)) for n in ("asin", "acos", "atan", "asinh", "acosh", "atanh")},
    "sign": named("sign"),
    "add": alike(lambda x, y: x + y),
    "subtract": alike(lambda x, y: 2 - x - y * 3),
    "multiply": alike(lambda x, y: x * y + 1j),
    "divide": alike(lambda x, y: x / y),
    "power": alike(lambda x, y: x**y),
    "by numbers": alike(lambda x, y: (2 + 1j) * x + x * 0.5),
    "matmul": alike(lambda x, y: x @ y.T),
    "sum": alike(lambda x, y: x.sum(axis=1)),
    "mean": alike(lambda x, y: x.mean(axis=0)),
    "part": alike(lambda x, y: x[1:, ::-2]),
    "picked": alike(lambda x, y: x[[0, 2, 0]] * y[0]),
    "adjoint": (lambda x, y: x.mH, lambda x, y: x.conj().T),
    "vecdot": (lambda x, y: tn.vecdot(x, y), lambda x, y: (x.conj() * y).sum(-1)),
    "joined": (lambda x, y: tn.concat([x, y], axis=1), lambda x, y: np.concatenate([x, y], axis=1)),
    "choice": (lambda x, y: tn.where(x.real > 0, x, y), lambda x, y: np.where(x.real > 0, x, y)),
    "einsum": (lambda x, y: tn.einsum("ij,ik->jk", x, y), lambda x, y: np.einsum("ij,ik->jk", x, y)),
    "parts": (lambda x, y: tn.view_as_real(x), lambda x, y: np.stack([x.real, x.imag], -1)),
    "variance": (lambda x, y: x.var(axis=1, correction=1), lambda x, y: x.var(axis=1, ddof=1)),
    "polar": (lambda x, y: tn.polar(x.abs(), y.angle()), lambda x, y: abs(x) * np.exp(1j * np.angle(y))),
}
each = pytest.mark.parametrize("name", CASES)


def numbers(*shape: int) -> Any:
    return RNG.standard_normal(shape) + 1j * RNG.standard_normal(shape)


@each
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_values_are_numpys(name: str, dtype: Any) -> None:
    x, y = (numbers(3, 4).astype(dtype) for _ in range(2))
    ours, theirs = CASES[name]
    found, wanted = ours(tn.tensor(x), tn.tensor(y)).numpy(), theirs(x, y)
    assert found.dtype == wanted.dtype and found.shape == wanted.shape
    tolerance = 1e-5 if dtype is np.complex64 else 1e-13
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


@each
def test_gradients_are_the_slopes_along_both_parts(name: str) -> None:
    x, y = numbers(3, 4), numbers(3, 4)
    ours, theirs = CASES[name]
    out = theirs(x, y)
    weight = numbers(*out.shape) if np.iscomplexobj(out) else RNG.standard_normal(out.shape)

    def loss(x: Any, y: Any) -> float:
        return float(np.sum((theirs(x, y) * weight).real))

    leaves = [tn.tensor(v, requires_grad=True) for v in (x, y)]
    product = ours(*leaves) * tn.tensor(weight)
    tn.real(product).sum().backward()
    for k, leaf in enumerate(leaves):
        step = 1e-6
        direction = numbers(3, 4)
        for turn in (1, 1j):
            moved = [[v, v] for v in (x, y)]
            moved[k] = [v + s * step * turn * direction for s, v in zip((1, -1), moved[k], strict=True)]
            slope = (loss(moved[0][0], moved[1][0]) - loss(moved[0][1], moved[1][1])) / (2 * step)
            grad = np.zeros_like(x) if leaf.grad is None else leaf.grad.numpy()
            assert slope == pytest.approx(np.sum((grad.conj() * turn * direction).real), rel=1e-5, abs=1e-6)


EDGES = [0.0, -0.0, 1.0, -1.0, 2.5, -0.3, 1e-30, 1e30]


NAMED = "exp log sqrt sin cos sinh cosh tanh asin acos atan asinh acosh atanh abs"


@pytest.mark.parametrize("name", NAMED.split(" "))
def test_signs_branch_cuts_and_large_numbers(name: str) -> None:
    z = np.array([complex(a, b) for a in EDGES for b in EDGES])
    ours, theirs = CASES[name]
    with np.errstate(all="ignore"):
        found, wanted = ours(tn.tensor(z), None).numpy(), theirs(z, None)
    for part in ("real", "imag"):
        a, b = getattr(found, part), getattr(wanted, part)
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=0)
        np.testing.assert_array_equal(np.signbit(a) & (a == 0), np.signbit(b) & (b == 0))


def test_gradient_of_the_absolute_value_at_zero_is_zero() -> None:
    z = tn.tensor([0j, 3 + 4j], requires_grad=True)
    (z.abs().sum() + tn.sign(z).real.sum()).backward()
    assert z.grad is not None and z.grad[0].item() == 0


def test_second_derivatives_and_vmap() -> None:
    x = tn.tensor(numbers(3))

    def energy(t: Any) -> Any:
        return (x * tn.complex(tn.cos(t), tn.sin(t))).exp().abs().sum()

    t, h = tn.tensor(0.3, dtype=tn.float64), 1e-4
    first = tn.func.grad(energy)
    second = tn.func.grad(first)(t).item()
    assert second == pytest.approx((first(t + h) - first(t - h)).item() / (2 * h), rel=1e-6)
    rows = tn.tensor(numbers(4, 3))
    mapped = tn.func.vmap(lambda r: (r * r.conj()).sum() + r.exp()[0])(rows)
    np.testing.assert_allclose(mapped.numpy(), [((r * r.conj()).sum() + np.exp(r)[0]) for r in rows.numpy()])


def test_numbers_come_in_and_leave() -> None:
    z = tn.tensor([1 + 2j, 3])
    assert z.dtype is tn.complex64 and z.tolist() == [1 + 2j, 3 + 0j] and complex(z[0]) == 1 + 2j
    assert repr(z) == "tensor([1.+2.j, 3.+0.j])"
    a = numbers(2, 3)
    assert tn.tensor(a).dtype is tn.complex128
    np.testing.assert_array_equal(tn.tensor(a).numpy(), a)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(tn.tensor(a))).numpy(), a)
    assert tn.full((2,), 1j).tolist() == [1j, 1j] and tn.zeros(2, dtype=tn.complex64).tolist() == [0j, 0j]
    assert (tn.tensor(0.1, dtype=tn.float64) * 1j).item() == 0.1j


def test_promotion() -> None:
    single, double = tn.ones(2, dtype=tn.complex64), tn.ones(2, dtype=tn.complex128)
    assert (single + double).dtype is tn.complex128 and (single + tn.ones(2, dtype=tn.float64)).dtype is tn.complex128
    assert (single * 1.5).dtype is tn.complex64 and (single + tn.tensor([1, 2])).dtype is tn.complex64
    assert (tn.ones(2) * 1j).dtype is tn.complex64 and (tn.ones(2, dtype=tn.float64) + 1j).dtype is tn.complex128
    assert (tn.tensor([1, 2]) * 1j).dtype is tn.complex64
    assert tn.ones(2, dtype=tn.bfloat16).cfloat().dtype is tn.complex64


def test_what_is_not_defined_says_so() -> None:
    z = tn.tensor([1j, 2])
    for refused in (lambda: z < z, lambda: z.max(), lambda: z // 2, lambda: tn.floor(z), lambda: tn.maximum(z, z)):
        with pytest.raises(DTypeError, match="complex64"):
            refused()
    with pytest.raises(DTypeError, match="imaginary part would be lost"):
        z.to(tn.float32)
    with pytest.raises(DTypeError, match="imag is not defined for float32"):
        tn.imag(tn.ones(2))
    with pytest.raises(ShapeError, match="last axis has the two parts"):
        tn.view_as_complex(tn.ones(3))
    with pytest.raises(DTypeError, match=r"complex numbers do not go into float32"):
        tn.tensor([1j], dtype=tn.float32)


def test_places_of_complex_numbers() -> None:
    v = tn.tensor([0j, 0j, 0j], requires_grad=True)
    place = tn.Var(tn.zeros(3, dtype=tn.complex64))
    place[1] = 2 + 1j
    place += 1
    place[2] = tn.tensor(5j)
    assert place.tolist() == [1 + 0j, 3 + 1j, 5j]
    loss = (v - place).abs().square().sum()
    loss.backward()
    with tn.no_grad():
        v -= 0.5 * v.grad
    np.testing.assert_allclose(v.detach().numpy(), place.numpy())


def test_random_complex_numbers_have_variance_one() -> None:
    tn.manual_seed(0)
    z = tn.randn(20000, dtype=tn.complex128).numpy()
    assert abs(np.mean(abs(z) ** 2) - 1) < 0.03 and abs(np.mean(z * z)) < 0.03
    u = tn.rand(1000, dtype=tn.complex64).numpy()
    assert u.real.min() >= 0 and u.imag.max() < 1 and abs(u.mean() - (0.5 + 0.5j)) < 0.05


def test_an_optimizer_takes_complex_parameters() -> None:
    z = tn.nn.Parameter(tn.ones(2, dtype=tn.complex64))
    opt = tn.optim.SGD([z], lr=0.5)
    (z - 1j).abs().square().sum().backward()
    opt.step()
    np.testing.assert_allclose(z.detach().numpy(), [1j, 1j], atol=1e-6)
