"""Bits of elements as other dtypes, elements at offsets and strides, neighbours among halves: all as in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tenure as tn

NUMPYS = [tn.bool, tn.int8, tn.uint8, tn.int16, tn.float16, tn.uint32, tn.float32, tn.int64, tn.float64, tn.complex64]


def numbers(dtype: Any) -> Any:
    return (np.random.default_rng(0).standard_normal((3, 16)) * 3).astype(dtype.numpy)


@pytest.mark.parametrize("to", NUMPYS, ids=str)
@pytest.mark.parametrize("of", NUMPYS, ids=str)
def test_a_view_as_another_dtype_has_numpys_bits(of: Any, to: Any) -> None:
    x = numbers(of)
    if tn.bool in (of, to) and of.itemsize != to.itemsize:
        with pytest.raises((tn.DTypeError, tn.ShapeError)):
            tn.tensor(x).view(to)
        return
    if not to.is_complex or of.is_complex or of is tn.float32:
        found = tn.tensor(x).view(to).numpy()
        wanted = (x != 0) if to is tn.bool else x.view(to.numpy)
        assert found.dtype == wanted.dtype
        assert found.tobytes() == wanted.tobytes()
    else:
        with pytest.raises(tn.DTypeError):
            tn.tensor(x).view(to)


def test_sizes_that_do_not_fit_are_refused() -> None:
    for x, to in ((tn.ones(3), tn.float64), (tn.ones(()), tn.int8), (tn.ones(2, 3), tn.complex64)):
        with pytest.raises((tn.ShapeError, tn.DTypeError)):
            x.view(to)


def test_strides_choose_and_replace_as_in_numpy() -> None:
    x = np.arange(24.0).reshape(4, 6)
    for size, stride, offset in (((2, 3), (6, 2), 1), ((3, 2), (1, 1), 0), ((), (), 5), ((0, 2), (9, 9), 0)):
        wanted = np.lib.stride_tricks.as_strided(x.ravel()[offset:], size, [8 * n for n in stride])
        assert np.array_equal(tn.as_strided(tn.tensor(x), size, stride, offset).numpy(), wanted)
        if len(set(wanted.ravel())) == wanted.size:
            changed = x.copy()
            np.lib.stride_tricks.as_strided(changed.ravel()[offset:], size, [8 * n for n in stride])[...] = -1
            found = tn.as_strided_scatter(tn.tensor(x), tn.full(size, -1.0, dtype=tn.float64), size, stride, offset)
            assert np.array_equal(found.numpy(), changed)
    g = tn.func.grad(lambda x: tn.as_strided(x, (3, 2), (1, 1)).sum())(tn.tensor(x))
    assert g.numpy().ravel()[:5].tolist() == [1, 2, 2, 1, 0]
    with pytest.raises(tn.OutOfRange):
        tn.as_strided(tn.tensor(x), (5, 6), (6, 1))
    with pytest.raises(tn.ShapeError):
        tn.as_strided(tn.tensor(x), (2, 2), (1,))


def test_the_next_half_is_numpys() -> None:
    x = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    y = np.random.default_rng(0).permutation(x)
    found, wanted = tn.nextafter(tn.tensor(x), tn.tensor(y)).numpy(), np.nextafter(x, y)
    known = ~np.isnan(wanted)
    assert np.array_equal(found.view(np.uint16)[known], wanted.view(np.uint16)[known])
    assert np.isnan(found[~known]).all()


def test_logarithms_of_sums_of_complex_exponentials() -> None:
    rng = np.random.default_rng(1)
    x, y = (rng.standard_normal((2, 4, 3)) + 1j * rng.standard_normal((2, 4, 3))) / 2
    for found, wanted in (
        (tn.logsumexp(tn.tensor(x), axis=0), np.log(np.exp(x).sum(0))),
        (tn.logcumsumexp(tn.tensor(x), axis=0), np.log(np.exp(x).cumsum(0))),
        (tn.logaddexp(tn.tensor(x), tn.tensor(y)), np.log(np.exp(x) + np.exp(y))),
        (tn.float_power(tn.tensor(x), 2), x**2),
        (tn.add(tn.tensor(x), tn.tensor(y), alpha=2j), x + 2j * y),
        (tn.linspace(0, 1j, 3, dtype=tn.complex128), np.linspace(0, 1j, 3)),
    ):
        assert np.allclose(found.numpy(), wanted, rtol=1e-12)
    far = tn.tensor(np.array([1000 + 1j, 1000 - 1j]))
    assert np.allclose(tn.logsumexp(far).numpy(), 1000 + np.log(2 * np.cos(1)))
