"""The rules of NumPy's "Indexing on ndarrays", one by one; and the functions that read and write by index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tenure as tn

A = np.arange(10.0)
B = np.arange(35.0).reshape(5, 7)
C = np.arange(60.0).reshape(3, 4, 5)
S = slice(None)
N = None
E = Ellipsis

RULES: list[tuple[str, np.ndarray[Any, Any], Any]] = [
    ("single element", A, 2),
    ("from the end", A, -2),
    ("several axes", B, (1, 3)),
    ("fewer than axes", B, 1),
    ("slice", A, slice(1, 7, 2)),
    ("slice from the end", A, slice(-2, 10)),
    ("negative step", A, slice(-3, 3, -1)),
    ("open slice", A, slice(5, None)),
    ("bounds are cut", A, slice(-100, 100)),
    ("empty slice", A, slice(5, 2)),
    ("dots", C, (E, 0)),
    ("dots for no axis", C, (0, E, 1, 2)),
    ("new axis", C, (S, N, S, S)),
    ("new axis behind dots", C, (E, N)),
    ("an int drops the axis, a slice keeps it", C, (slice(1, 2), 1)),
    ("array of any rank", A, np.array([[1, 1], [2, 3]])),
    ("array of negative ones", A, np.array([3, 3, -3, 8])),
    ("an array takes the first axis", B, np.array([0, 2, 4])),
    ("arrays go together", B, (np.array([0, 2, 4]), np.array([0, 1, 2]))),
    ("an int beside an array", B, (np.array([0, 2, 4]), 1)),
    ("arrays broadcast", B, (np.array([[0], [4]]), np.array([0, 2, 6]))),
    ("ix_", B, np.ix_([0, 4], [0, 2, 6])),
    ("array and slice", B, (np.array([0, 2, 4]), slice(1, 3))),
    ("slice and array", B, (slice(1, 3), np.array([0, 2, 4]))),
    ("neighbours stay in place", C, (S, np.array([0, 1]), np.array([0, 1]))),
    ("a slice between puts the block in front", C, (np.array([0, 1]), S, np.array([0, 1]))),
    ("an int counts as an array for that", C, (0, S, np.array([0, 1]))),
    ("a new axis between too", C, (S, np.array([0, 1]), N, np.array([0, 1]))),
    ("dots for no axis too", C, (S, np.array([0, 1]), E, np.array([0, 1]))),
    ("a 0-d array is an int", C, (np.array(1), S, np.array(2))),
    ("an empty list", A, []),
    ("a list of ints", A, [1, 2]),
    ("a list of lists", A, [[1], [2]]),
    ("mask of all axes", B, B > 20),
    ("mask of the first axis", B, B[:, 5] > 20),
    ("mask of the last axis", B, (S, B[0] > 3)),
    ("mask of the first two of three", C, C[:, :, 0] > 20),
    ("mask and array", B, (np.array([True, False, True, False, False]), np.array([1, 2]))),
    ("mask and slice", B, (B[:, 5] > 20, slice(1, 3))),
    ("mask of ones", B, (B.sum(-1) > 80, np.array([3]))),
    ("a list of bools", A, [True, False] * 5),
    ("True", B, True),
    ("False", B, False),
    ("True among others", B, (0, True, np.array([1, 2]))),
    ("an empty tuple", B, ()),
    ("a scalar by dots", np.array(3.0), E),
    ("a scalar by True", np.array(3.0), True),
    ("a scalar by a new axis", np.array(3.0), N),
]


@pytest.mark.parametrize(("array", "key"), [r[1:] for r in RULES], ids=[r[0] for r in RULES])
def test_the_rule(array: Any, key: Any) -> None:
    found = np.asarray(tn.tensor(array)[key])
    assert found.shape == array[key].shape
    assert np.array_equal(found, array[key])
    place, copy = tn.tensor(array).mut(), array.copy()
    place[key] = -1.0
    copy[key] = -1.0
    assert np.array_equal(np.asarray(place), copy)


def test_a_write_by_equal_indices_keeps_the_last() -> None:
    u = tn.zeros(5).mut()
    u[[1, 1, 3, 1]] = tn.tensor([1.0, 2.0, 3.0, 4.0])
    assert u.tolist() == [0, 4, 0, 3, 0]
    u[[1, 1]] += 1.0
    assert u.tolist() == [0, 5, 0, 3, 0]


def test_a_read_is_a_value() -> None:
    u = tn.zeros(4).mut()
    part, rows = u[1:3], u[[0, 1]]
    u[...] = 1.0
    assert (part.tolist(), rows.tolist()) == ([0, 0], [0, 0])


def test_unpacking_and_iteration() -> None:
    a, b = tn.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert (a.tolist(), [x.item() for x in b]) == ([1, 2], [3, 4])


X = np.array([[4.0, -1.0, 0.0], [0.0, 2.0, 7.0]])
I = np.array([[0, 2], [1, 1]])  # noqa: E741
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "take": (lambda m: m.take(m.asarray(X), m.asarray([[1, 0], [2, -1]]), axis=1), np.take(X, [[1, 0], [2, -1]], 1)),
    "take of one axis": (lambda m: m.take(m.asarray(A), m.asarray([3, 1])), np.take(A, [3, 1])),
    "take_along_axis": (lambda m: m.take_along_axis(m.asarray(X), m.asarray(I), 1), np.take_along_axis(X, I, 1)),
    "take_along_axis, broadcast": (
        lambda m: m.take_along_axis(m.asarray(X), m.asarray([[2]]), 1),
        np.take_along_axis(X, np.array([[2]]), 1),
    ),
    "compress": (lambda m: m.compress([False, True, True], m.asarray(X), axis=1), X[:, 1:]),
    "nonzero": (lambda m: m.stack(m.nonzero(m.asarray(X))), np.stack(np.nonzero(X))),
    "where": (lambda m: m.stack(m.where(m.asarray(X))), np.stack(np.nonzero(X))),
    "argwhere": (lambda m: m.argwhere(m.asarray(X)), np.argwhere(X)),
    "diagonal": (lambda m: m.diagonal(m.asarray(C), 1, 0, 2), np.diagonal(C, 1, 0, 2)),
    "diagonal below": (lambda m: m.diagonal(m.asarray(C), -2), np.diagonal(C, -2)),
    "diagonal outside": (lambda m: m.diagonal(m.asarray(X), 9), np.diagonal(X, 9)),
    "unravel": (
        lambda m: m.stack(m.unravel_index(m.asarray([22, 41]), (7, 6))),
        np.stack(np.unravel_index([22, 41], (7, 6))),
    ),
    "ravel": (lambda m: m.ravel_multi_index((m.asarray([3, 6]), m.asarray([4, 5])), (7, 6)), np.array([22, 41])),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str) -> None:
    call, wanted = FUNCTIONS[name]
    found = np.asarray(call(tn))
    assert found.shape == wanted.shape and np.array_equal(found, wanted)


def test_put_along_axis() -> None:
    wanted = X.copy()
    np.put_along_axis(wanted, I, 9.0, 1)
    assert np.array_equal(np.asarray(tn.put_along_axis(tn.tensor(X), tn.tensor(I), 9.0, 1)), wanted)


def test_segments() -> None:
    data, ids = tn.tensor([[1.0, -2.0], [3.0, 5.0], [4.0, 0.5]]), tn.tensor([2, 0, 2])
    assert tn.segment_sum(data, ids).tolist() == [[3, 5], [0, 0], [5, -1.5]]
    assert tn.segment_prod(data, ids, 3).tolist() == [[3, 5], [1, 1], [4, -1]]
    assert tn.segment_max(data, ids, 3).tolist() == [[3, 5], [-np.inf, -np.inf], [4, 0.5]]
    assert tn.segment_min(data, ids, 3).tolist() == [[3, 5], [np.inf, np.inf], [1, -2]]
    assert tn.segment_mean(data, ids, 3).tolist() == [[3, 5], [0, 0], [2.5, -0.75]]


def test_the_gradient_of_a_product_with_zeros_in_it() -> None:
    def product(x: Any) -> Any:
        return tn.segment_prod(x, tn.tensor([0, 0, 0, 1, 1, 1]), 2).sum()

    x = tn.tensor([2.0, 0.0, 5.0, 0.0, 0.0, 7.0], dtype=tn.float64)
    assert tn.grad(product)(x).tolist() == [0, 10, 0, 0, 0, 0]
    assert tn.hessian(product)(x)[0].tolist() == [0, 5, 0, 0, 0, 0]
    assert tn.hessian(product)(x)[3].tolist() == [0, 0, 0, 0, 7, 0]


USES: dict[str, Callable[[Any, Any], Any]] = {
    "read": lambda x, i: x[:, i].sum().item(),
    "number": lambda x, i: x[0, i[1]].item(),
    "write": lambda x, i: x.at[:, i].set(1.0).tolist(),
    "addition": lambda x, i: x.at[:, i].add(1.0).tolist(),
    "gradient": lambda x, i: tn.grad(lambda x: (x[1, i] ** 2).sum())(x).tolist(),
    "of each example": lambda x, i: tn.vmap(lambda row: row[i])(x).tolist(),
}


@pytest.mark.parametrize("name", USES)
@pytest.mark.parametrize("bad", [3, -4])
def test_a_computed_index_out_of_range_names_its_line(name: str, bad: int) -> None:
    x, i = tn.zeros(2, 3), tn.tensor([0, bad]) * 1
    with pytest.raises(tn.OutOfRange, match=rf"index {bad} is out of range for (axis \d|an axis) of size 3") as caught:
        USES[name](x, i)
    assert "test_numpy_rules.py" in str(caught.value)
