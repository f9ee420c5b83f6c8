"""What confuses a cache of recorded operations: keys that are equal or hash alike, and operands that swap."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tenure as tn

NUMBERS = [0, 1, -1, -2, 2, True, False, 0.0, -0.0, 1.0, -1.0, -2.0, math.nan, math.inf]


def same_bits(got: Any, want: Any) -> bool:
    """Equal dtype and bytes, so that -0.0 differs from 0.0 and NaN equals itself."""
    got, want = np.asarray(got), np.asarray(want)
    return got.dtype == want.dtype and got.tobytes() == want.tobytes()


@pytest.mark.parametrize("order", [(-1, -2), (-2, -1), (0, -1, 1, -2)])
def test_axes_whose_hashes_agree(order: tuple[int, ...]) -> None:
    a = np.arange(9.0).reshape(3, 3)
    for axis in order:
        assert same_bits(tn.tensor(a).sum(axis), a.sum(axis))
        assert same_bits(tn.tensor(a).max(axis=axis), a.max(axis))


def test_axes_of_the_gradient() -> None:
    for axis in (-1, -2):
        w = tn.tensor(np.ones((2, 2)), requires_grad=True)
        (w.sum(axis) * tn.tensor([1.0, 10.0], dtype=tn.float64)).sum().backward()
        want = [[1.0, 1.0], [10.0, 10.0]] if axis == -1 else [[1.0, 10.0], [1.0, 10.0]]
        assert w.grad.tolist() == want


@pytest.mark.parametrize("rounds", [1, 2])
def test_numbers_that_are_equal_or_hash_alike(rounds: int) -> None:
    a = np.array([1.0, -2.0, 0.0])
    for _ in range(rounds):
        for s in NUMBERS:
            with np.errstate(all="ignore"):
                assert same_bits(tn.tensor(a) * s, a * float(s)), s
                assert same_bits(1 / (tn.zeros(1, dtype=tn.float64) * s), 1 / (np.zeros(1) * float(s))), s


def test_number_types_choose_the_dtype() -> None:
    ints, floats = tn.tensor([1, 2]), tn.tensor([1.0, 2.0])
    for _ in range(2):
        assert [(ints * s).dtype for s in (1, True, 1.0)] == [tn.int64, tn.int64, tn.float32]
        assert [(floats * s).dtype for s in (1, True, 1.0)] == [tn.float32] * 3
        flags = tn.tensor([True, False])
        assert [(flags * s).dtype for s in (1, True, 1.0)] == [tn.int64, tn.bool, tn.float32]


def test_whole_numbers_stay_exact() -> None:
    x = tn.tensor([0, 1])
    for s in (2**53 + 1, 2**62, -(2**63), 2**63 - 1):
        assert (x * 0 + s).tolist() == [s, s]


def test_true_and_one_as_parameters() -> None:
    a = np.arange(6.0).reshape(2, 3)
    x = tn.tensor(a)
    for keep in (True, 1, False, 0):
        assert x.sum(1, keepdims=keep).shape == ((2, 1) if keep else (2,))
    assert x.sum(0, 1).shape == (1, 3)
    with pytest.raises(tn.DTypeError, match="TN802"):
        x.sum(True)
    with pytest.raises(tn.DTypeError, match="TN802"):
        x.sum(1.0)
    assert (x[True].shape, x[1].shape, x[False].shape) == ((1, 2, 3), (3,), (0, 2, 3))


def test_full_remembers_the_type_of_its_number() -> None:
    assert [tn.full((2,), s).dtype for s in (1, True, 1.0)] == [tn.int64, tn.bool, tn.float32]
    assert [tn.full((2,), s).tolist() for s in (1, True, 1.0)] == [[1, 1], [True, True], [1.0, 1.0]]
    assert same_bits(tn.full((1,), -0.0), np.float32([-0.0]))
    assert same_bits(tn.full((1,), 0.0), np.float32([0.0]))


def test_negative_indices() -> None:
    x = tn.tensor([10.0, 20.0, 30.0])
    assert [x[i].item() for i in (-1, -2, -3, 0, 1, 2)] == [30.0, 20.0, 10.0, 10.0, 20.0, 30.0]
    assert [x[-2:].tolist(), x[-1:].tolist()] == [[20.0, 30.0], [30.0]]
    assert [x[::-1].tolist(), x[::-2].tolist()] == [[30.0, 20.0, 10.0], [30.0, 10.0]]


def test_integers_of_every_kind_index() -> None:
    x = tn.tensor([10.0, 20.0, 30.0])
    for i in (1, np.int32(1), np.int64(1), tn.tensor(1), tn.arange(3)[1]):
        assert x[i].item() == 20.0


def test_two_models_of_the_same_shape() -> None:
    first, second = (tn.tensor([s, s], requires_grad=True) for s in (1.0, 5.0))
    for _ in range(4):
        for w, g in ((first, 2.0), (second, 10.0)):
            w.grad = None
            (w * w).sum().backward()
            assert w.grad.tolist() == [g, g]
    (first * second).sum().backward()
    assert (first.grad.tolist(), second.grad.tolist()) == ([7.0, 7.0], [11.0, 11.0])


def test_two_tensors_swapped_between_steps() -> None:
    a, b = tn.tensor([1.0, 2.0]), tn.tensor([10.0, 20.0])
    seen = []
    for _ in range(4):
        seen.append((a - b).tolist())
        a, b = b, a
    assert seen == [[-9.0, -18.0], [9.0, 18.0]] * 2


def test_leaf_and_constant_swapped_between_steps() -> None:
    for leaf_first in (True, False, True, False):
        a = tn.tensor([2.0], requires_grad=leaf_first)
        b = tn.tensor([3.0], requires_grad=not leaf_first)
        (a * a * b).sum().backward()
        assert (a.grad if leaf_first else b.grad).tolist() == [12.0 if leaf_first else 4.0]
        assert (b.grad if leaf_first else a.grad) is None


def test_results_swapped_between_steps() -> None:
    x = tn.tensor([1.0, 2.0])
    a, b = x + 1, x * 5
    for _ in range(3):
        assert (a / b).tolist() == pytest.approx([a[k].item() / b[k].item() for k in (0, 1)])
        a, b = b, a


def test_one_tensor_in_two_places_and_two_equal_tensors() -> None:
    x = tn.tensor([3.0], requires_grad=True)
    (x * x).backward()
    assert x.grad.tolist() == [6.0]
    y = tn.tensor([3.0], requires_grad=True)
    (x * y).backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([9.0], [3.0])
    z = tn.tensor([3.0], requires_grad=True)
    (z * z).backward()
    (z / z).backward()
    (z - z).backward()
    assert z.grad.tolist() == [6.0]


def test_the_same_tensor_many_times() -> None:
    x = tn.tensor([2.0], requires_grad=True)
    tn.concat([x, x, x]).sum().backward()
    tn.where(x > 0, x, x).sum().backward()
    tn.stack([x, x]).sum().backward()
    assert x.grad.tolist() == [6.0]


@pytest.mark.parametrize("scalar", [np.float32(2), np.float64(2), np.int64(2), np.int8(2), np.bool_(True)])
def test_numpy_scalars_are_weak_and_stay_tensors(scalar: Any) -> None:
    t = tn.tensor([1.0, 3.0])
    for result in (scalar * t, t * scalar, scalar + t, t - scalar, scalar / t):
        assert type(result) is tn.Tensor and result.dtype is tn.float32
    assert (scalar * t).tolist() == [float(scalar), 3 * float(scalar)]
    assert (scalar - t).tolist() == [float(scalar) - 1, float(scalar) - 3]


@pytest.mark.parametrize("scalar", [np.float32(2), np.float64(2), np.int64(2), np.int8(2), np.bool_(True)])
def test_numpy_scalars_are_weak_when_they_are_written(scalar: Any) -> None:
    v = tn.zeros(4).mut()
    v[0] = scalar
    v[1:3] = scalar
    v.data[3] = scalar
    assert v.dtype is tn.float32 and v.tolist() == [float(scalar)] * 4
    assert tn.zeros(2).at[0].set(scalar).tolist() == [float(scalar), 0.0]
    v.fill_(scalar)
    assert v.tolist() == [float(scalar)] * 4
    with pytest.raises(tn.DTypeError, match="TN802"):
        tn.zeros(2, dtype=tn.bool).mut()[0] = np.float64(1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int32, np.bool_])
def test_numpy_arrays_as_operands(dtype: Any) -> None:
    a = np.array([1, 0], dtype=dtype)
    t = tn.tensor([1.0, 3.0])
    for result in (a * t, t * a):
        assert type(result) is tn.Tensor
        assert result.dtype is (tn.float64 if dtype is np.float64 else tn.float32)
        assert result.tolist() == [1.0, 0.0]
    a[0] = 0
    assert (t - a).tolist() == [1.0, 3.0]


def test_numpy_operands_are_in_the_graph() -> None:
    w = tn.tensor([1.0, 3.0], requires_grad=True)
    (np.float32(2) * w + np.array([1.0, 1.0], dtype=np.float32)).sum().backward()
    assert w.grad.tolist() == [2.0, 2.0]


def test_a_numpy_operand_is_read_when_the_operation_is_written() -> None:
    a = np.array([1.0, 2.0])
    y = tn.tensor([1.0, 1.0], dtype=tn.float64) * a
    a[:] = 99.0
    assert y.tolist() == [1.0, 2.0]


def test_grad_mode_is_part_of_the_step() -> None:
    w = tn.tensor([2.0], requires_grad=True)
    for _ in range(3):
        with tn.no_grad():
            assert not (w * w).requires_grad
        assert (w * w).requires_grad
        with tn.no_grad():
            a = w * w
        w.grad = None
        (a * w).backward()
        assert w.grad.tolist() == [4.0]


def test_the_same_line_with_other_shapes_and_dtypes() -> None:
    for shape in ((2,), (3,), (1, 2), (2, 1), (), (0,), (2,)):
        for dtype in (tn.float32, tn.float64, tn.int64):
            y = tn.ones(shape, dtype=dtype) * 2
            assert (y.shape, y.dtype) == (shape, dtype)
            assert same_bits(y, np.full(shape, 2, dtype.numpy))


@pytest.mark.parametrize("power", [2, 3, 0.5, -1, 2.0, 0, 1, 2.5])
def test_powers_taken_in_turn(power: float) -> None:
    x = tn.tensor([1.0, 4.0], requires_grad=True, dtype=tn.float64)
    for p in (power, 7, power):
        x.grad = None
        y = x**p
        assert np.allclose(y.detach(), np.array([1.0, 4.0]) ** p, rtol=1e-14)
        y.sum().backward()
        assert np.allclose(x.grad, p * np.array([1.0, 4.0]) ** (p - 1), rtol=1e-14)
