"""gradcheck and gradgradcheck find wrong derivatives, and right ones right, in each mode."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.autograd import gradcheck, gradgradcheck

RNG = np.random.default_rng(0)


def leaf(*shape: int, kind: Any = np.float64) -> Any:
    """A leaf of random numbers."""
    x = RNG.standard_normal(shape) + (1j * RNG.standard_normal(shape) if kind is np.complex128 else 0)
    return tn.tensor(x.astype(kind), requires_grad=True)


RIGHT: list[Any] = [
    (lambda x: x @ x.T, [leaf(2, 3)]),
    (lambda x, y: (x * y, y.exp().sum()), [leaf(2, 3), leaf(3)]),
    (lambda x, n, y: x.sin() * n + y, [leaf(2), 3, tn.ones(2, dtype=tn.float64)]),
    (lambda z: (z * z).abs(), [leaf(3, kind=np.complex128)]),
    (lambda z: z.exp() * z.conj(), [leaf(2, kind=np.complex128)]),
    (lambda x: tn.complex(x, x * x), [leaf(2)]),
    (lambda x: x.sum(), [leaf(0, 2)]),
]


@pytest.mark.parametrize("k", range(len(RIGHT)))
def test_right_derivatives(k: int) -> None:
    f, args = RIGHT[k]
    modes = {"check_forward_ad": True, "check_batched_grad": True, "check_batched_forward_grad": True}
    assert gradcheck(f, args, **modes)
    assert gradgradcheck(f, args, check_fwd_over_rev=True, check_batched_grad=True)


def wrong(first: float, second: float) -> Any:
    """x³ with a factor of its derivative, and of its second derivative."""

    @tn.custom_vjp
    def cube(x: Any) -> Any:
        return x**3

    @tn.custom_vjp
    def slope(x: Any) -> Any:
        return 3 * x * x

    slope.defvjp(lambda x: (3 * x * x, x), lambda x, g: (g * 6 * x * second,))
    cube.defvjp(lambda x: (x**3, x), lambda x, g: (g * slope(x) * first,))
    return cube


def test_wrong_derivatives() -> None:
    x = leaf(3)
    assert gradcheck(wrong(1, 1), x) and gradgradcheck(wrong(1, 1), x)
    assert not gradcheck(wrong(1.1, 1), x, raise_exception=False)
    assert gradcheck(wrong(1, 1.1), x) and not gradgradcheck(wrong(1, 1.1), x, raise_exception=False)
    with pytest.raises(tn.GradientError, match=r"the Jacobian of result 0 by input 0:\nnumerical:"):
        gradcheck(wrong(1.1, 1), (x,))
    assert gradcheck(wrong(1.1, 1), x, rtol=0.2) and gradcheck(wrong(1.1, 1), x, check_backward_ad=False)


def test_what_is_not_deterministic() -> None:
    calls: list[int] = []

    @tn.custom_vjp
    def f(x: Any) -> Any:
        return x * 1

    def back(residuals: Any, g: Any) -> Any:
        calls.append(1)
        return (g * (1 + 1e-7 * len(calls)),)

    f.defvjp(lambda x: (x * 1, ()), back)
    assert not gradcheck(f, leaf(2), raise_exception=False)
    assert gradcheck(f, leaf(2), nondet_tol=1e-3)


def test_refusals() -> None:
    with pytest.raises(tn.GradientError, match="no input requires grad"):
        gradcheck(tn.sin, tn.ones(2))
    with pytest.raises(tn.DTypeError, match="the function returned 3"):
        gradcheck(lambda x: 3, leaf(2))
    with pytest.raises(tn.GradientError, match="2 grad_outputs for 1 results"):
        gradgradcheck(tn.sin, leaf(2), [tn.ones(2), tn.ones(2)])
