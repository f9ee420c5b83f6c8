"""The standard's arrays: written by index as NumPy's are, whatever name or view writes."""

import copy
import pickle
import random

import numpy as np
import pytest

import tenure as tn
from tenure import array_api as xp
from tenure.errors import TenureError

KEYS = (
    0, -1, slice(None), slice(1, None), slice(None, None, -1), slice(3, 0, -2), ..., (0, 1), (slice(None), 2),
    (..., slice(None, None, -1)), (None, 1), (slice(0, 2), slice(1, 3)),
)  # fmt: skip
ARRAYS = ([0, 2], ([0, 1], [2, 0]), (slice(None), [1, 1, 0]), np.array([True, False, True, True]))


def both(shape=(4, 3)):
    array = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    return array.copy(), xp.asarray(array)


@pytest.mark.parametrize("seed", range(12))
def test_writes_through_names_and_views_are_numpys(seed):
    r = random.Random(seed)
    array, x = both()
    for _ in range(12):
        a, b = array, x
        for _ in range(r.randrange(3)):
            key = r.choice(KEYS[:6])
            if a.ndim and a[key].ndim:
                a, b = a[key], b[key]
        number = float(r.randrange(100))
        key = r.choice((*KEYS, *ARRAYS) if a.shape == (4, 3) else KEYS[1:7] if a.ndim else (...,))
        try:
            a[key]
        except IndexError:
            with pytest.raises(IndexError):
                b[key] = number
            continue
        if r.random() < 0.3:
            a += number
            b += number
        else:
            a[key] = number
            b[key] = number
        assert np.array_equal(array, np.asarray(x))


@pytest.mark.parametrize("key", [*KEYS, *ARRAYS], ids=str)
def test_an_index_means_what_it_means_for_numpy(key):
    array, x = both()
    assert np.array_equal(array[key], np.asarray(x[key]))


def test_a_view_that_another_name_wrote_behind_is_not_read():
    _, x = both()
    row, other = x[0], x[1]
    x[0] = 7.0
    assert other[0] == 3.0
    with pytest.raises(TenureError, match="TN597"):
        row + 1


def test_functions_methods_and_operators_give_arrays_that_are_written_alone():
    home = tn.tensor([[3.0, 1.0], [2.0, 4.0]])
    made = [xp.sort(home), xp.asarray(home), home.__array_namespace__().linalg.inv(home), *xp.unique_all(home)]
    x = xp.asarray(home)
    made += [x + 1, 1 - x, -x, x @ x, x.sum(), x.T + 0, x == x, xp.astype(x, tn.float64), *xp.unstack(x), x.reshape(4)]
    for y in made:
        assert type(y) is type(x)
        y[...] = 1
    assert home.tolist() == [[3.0, 1.0], [2.0, 4.0]]


def test_an_array_is_its_own_array_until_a_copy_is_asked_for():
    x = xp.ones((2,))
    assert xp.asarray(x) is x
    assert xp.astype(x, tn.float32, copy=False) is x
    others = [xp.asarray(x, copy=True), xp.astype(x, tn.float32), copy.deepcopy(x), pickle.loads(pickle.dumps(x))]
    x[0] = 5.0
    assert all(y.tolist() == [1.0, 1.0] for y in others)


def test_what_arrays_may_do_pytorchs_tensors_still_may_not():
    face = pytest.importorskip("tenure.torch")
    _, x = both((3, 2))
    assert np.array_equal(np.asarray(x[::-1]), np.asarray(x)[::-1])
    with pytest.raises(ValueError, match="step"):
        face.zeros(3, 2)[::-1]


def test_a_gradient_flows_through_what_is_written():
    def f(x):
        y = x.__array_namespace__().zeros((3,))
        y[1:] = x * 2
        y[0] = y[1] * y[2]
        return y.__array_namespace__().sum(y)

    assert tn.grad(f)(tn.tensor([1.0, 2.0])).tolist() == [10.0, 6.0]


def test_a_mask_with_an_axis_of_size_0_selects_nothing() -> None:
    x = xp.ones((3, 2))
    for shape, left in (((0,), (0, 2)), ((3, 0), (0,)), ((0, 2), (0,))):
        mask = xp.zeros(shape, dtype=xp.bool)
        assert x[mask].shape == left
        x[mask] = 5.0
    assert xp.all(x == 1.0)
    with pytest.raises(IndexError):
        x[xp.zeros((2, 0), dtype=xp.bool)]
