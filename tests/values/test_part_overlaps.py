"""Two uses of a place meet if, and only if, they have an element in common: parts of every form, against NumPy."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import tenure as tn

COUNT = 4_000 if os.environ.get("TENURE_FUZZ") else 400
SIZES = (1, 2, 3, 4, 5)
Rng = np.random.Generator


def number(rng: Rng, size: int) -> int:
    return int(rng.integers(-size, size))


def a_slice(rng: Rng, size: int) -> slice:
    ends = [None if rng.random() < 0.4 else int(rng.integers(-size - 1, size + 2)) for _ in range(2)]
    return slice(*ends, None if rng.random() < 0.4 else int(rng.choice([1, 2, 3, -1, -2, -3])))


def an_array(rng: Rng, size: int, length: int) -> Any:
    """An index array that broadcasts with others of the length: a list, an array, or a tensor that is at hand."""
    shape = [(length,), (1,), (2, length), (length,)][rng.integers(4)]
    array = rng.integers(-size, size, shape)
    return [array.tolist(), array, tn.tensor(array)][rng.integers(3)]


def a_mask(rng: Rng, shape: tuple[int, ...]) -> Any:
    array = rng.random(shape) < rng.choice([0.0, 0.3, 0.7, 1.0])
    return [array.tolist(), array, tn.tensor(array)][rng.integers(3)]


def a_key(rng: Rng, shape: tuple[int, ...], basic: bool) -> Any:
    entries: list[Any] = []
    axis, dots, length = 0, False, int(rng.integers(0, 4))
    basic = basic or 0 in shape  # NumPy does not look at the indices of an empty axis
    while axis < len(shape):
        kind = rng.integers(dots, 5 if basic else 9)
        if kind == 0:
            entries.append(...)
            dots, axis = True, axis + int(rng.integers(0, 3))
        elif kind == 1:
            entries.append(None)
        elif kind == 2:
            entries.append(number(rng, shape[axis]) if shape[axis] else slice(None))
            axis += 1
        elif kind in (3, 4):
            entries.append(a_slice(rng, shape[axis]))
            axis += 1
        elif kind in (5, 6):
            entries.append(an_array(rng, shape[axis], length) if shape[axis] else slice(None))
            axis += 1
        else:
            many = int(rng.integers(0, 3)) if rng.random() < 0.3 else 1
            taken = shape[axis : axis + many]
            entries.append(a_mask(rng, taken) if all(taken) else slice(None))  # NumPy lets an empty one stand for any
            axis += many if all(taken) else 1
        if rng.random() < 0.2:
            break
    return entries[0] if len(entries) == 1 and not isinstance(entries[0], list) else tuple(entries)


def plain(key: Any) -> Any:
    """A key as NumPy takes it."""
    entries = key if type(key) is tuple else (key,)
    out = []
    for e in entries:
        e = e.numpy() if isinstance(e, tn.Tensor) else np.array(e) if isinstance(e, list) else e
        out.append(e.astype(int) if isinstance(e, np.ndarray) and e.size == 0 and e.dtype == float else e)
    return tuple(out)


def chosen(ids: Any, key: Any) -> Any:
    """The elements that a key selects; None if it is no index of such an array."""
    try:
        return ids[plain(key)]
    except (IndexError, ValueError):
        return None


def window(rng: Rng, place: Any, ids: Any) -> tuple[Any, Any]:
    """A borrow of a part of a part … of a place, and the elements in it."""
    borrow = place.data
    for _ in range(rng.integers(0, 3)):
        key = a_key(rng, ids.shape, basic=True)
        found = chosen(ids, key)
        if found is None:
            continue
        borrow, ids = borrow[key], found
    return borrow, ids


def a_case(seed: int) -> tuple[Rng, Any, Any, Any, Any]:
    rng = np.random.default_rng(seed)
    shape = tuple(rng.choice(SIZES, rng.integers(1, 4)).tolist())
    ids = np.arange(np.prod(shape)).reshape(shape)
    place = tn.zeros(shape).mut()
    return rng, place, ids, *window(rng, place, ids)


def stale(borrow: Any) -> bool:
    try:
        borrow += 1
    except tn.StaleBorrowError:
        return True
    return False


def a_write(rng: Rng, place: Any, ids: Any) -> Any:
    """A write of the place by an index of every kind: the elements written; None if there was none."""
    writer, inside = (place, ids) if rng.random() < 0.5 else window(rng, place, ids)
    key = a_key(rng, inside.shape, basic=rng.random() < 0.2)
    found = chosen(inside, key)
    if found is not None:
        writer[key] = 2.0
    return found


def test_a_write_makes_stale_what_it_meets() -> None:
    met = parted = 0
    for seed in range(COUNT):
        rng, place, ids, borrow, mine = a_case(seed)
        written = a_write(rng, place, ids)
        if written is None:
            continue
        common = np.intersect1d(mine, written).size > 0
        assert stale(borrow) is common, seed
        met, parted = met + common, parted + (not common)
        if not common:
            expected = np.zeros(ids.size)
            expected[written.ravel()] = 2.0
            expected[mine.ravel()] += 1.0
            assert_array_equal(place.numpy().ravel(), expected)
    assert min(met, parted) > COUNT // 10


def test_a_write_is_refused_where_it_meets_a_loan() -> None:
    met = parted = 0
    for seed in range(COUNT):
        rng, place, ids, borrow, mine = a_case(seed)
        with borrow.borrow():
            try:
                written = a_write(rng, place, ids)
                refused = False
            except tn.BorrowError as error:
                assert error.code == "TN506"
                refused = True
        if refused:
            met += 1
            written = a_write_again(seed)
        if written is None:
            continue
        assert refused is (np.intersect1d(mine, written).size > 0), seed
        parted += not refused
    assert min(met, parted) > COUNT // 10


def a_write_again(seed: int) -> Any:
    """The elements of the write of a case, on a place that nobody lends."""
    rng, place, ids, _, _ = a_case(seed)
    return a_write(rng, place, ids)


def test_a_window_that_is_written_by_index_touches_no_more() -> None:
    """Its own windows go stale where they are met, what it was taken from never."""
    for seed in range(COUNT):
        rng, _, _, borrow, mine = a_case(seed)
        below = a_key(rng, mine.shape, basic=True)
        key = a_key(rng, mine.shape, basic=False)
        inside, written = chosen(mine, below), chosen(mine, key)
        if inside is None or written is None:
            continue
        child = borrow[below]
        borrow[key] = 2.0
        assert stale(child) is (np.intersect1d(inside, written).size > 0), seed
        assert not stale(borrow)


METHODS: dict[str, Any] = {
    "index_add_": (lambda p, i, v: p.index_add_(0, i, v), "rows"),
    "index_copy_": (lambda p, i, v: p.index_copy_(0, i, v), "rows"),
    "index_fill_": (lambda p, i, v: p.index_fill_(0, i, 2.0), "rows"),
    "index_fill_ by name": (lambda p, i, v: p.index_fill_(dim=0, index=i, value=2.0), "rows"),
    "scatter_": (lambda p, i, v: p.scatter_(0, i, v), "spots"),
    "scatter_add_": (lambda p, i, v: p.scatter_add_(0, i, v), "spots"),
    "scatter_reduce_": (lambda p, i, v: p.scatter_reduce_(0, i, v, "amax", include_self=False), "spots"),
    "masked_fill_": (lambda p, i, v: p.masked_fill_(i, 2.0), "mask"),
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_that_write_by_index(name: str) -> None:
    function, kind = METHODS[name]
    for seed in range(COUNT // 4):
        rng = np.random.default_rng(seed)
        ids = np.arange(20).reshape(5, 4)
        place = tn.zeros(5, 4).mut()
        borrow, mine = window(rng, place, ids)
        written: Any
        if kind == "rows":
            index = rng.integers(0, 5, rng.integers(0, 4))
            written, value = ids[index], tn.ones(len(index), 4)
        elif kind == "spots":
            index = rng.integers(0, 5, (2, 3))
            written, value = ids[index, np.arange(3)], tn.ones(2, 3)
        else:
            index = rng.random([(5, 4), (4,), (5, 1)][rng.integers(3)]) < 0.2
            written, value = ids[np.broadcast_to(index, ids.shape)], None
        function(place if seed % 2 else place.data, tn.tensor(index), value)
        assert stale(borrow) is (np.intersect1d(mine, written).size > 0), seed


SAID = "by an index that was not computed yet, so any element may be meant"


@pytest.mark.parametrize("key", [lambda: tn.tensor([0]) * 1, lambda: tn.tensor([True, False, False]) & True])
def test_an_index_that_is_not_computed_yet_may_be_any(key: Any) -> None:
    """The error says so; once it is computed, it is what it is."""
    place = tn.zeros(3, 4).mut()
    near = place.data[2, :2]
    place[key()] = 1.0
    with pytest.raises(tn.StaleBorrowError, match=SAID):
        near += 1
    with place.data[2].borrow(), pytest.raises(tn.BorrowError, match="index that is written by was not computed yet"):
        place[key()] = 1.0
    index = key()
    index.numpy()
    near = place.data[2]
    place[index] = 1.0
    assert not stale(near)


def test_the_other_axes_of_an_index_are_known() -> None:
    place = tn.zeros(3, 4).mut()
    near, far = place.data[2, :2], place.data[:, 3]
    place[tn.tensor([0]) * 1, :2] = 1.0
    assert not stale(far)
    with pytest.raises(tn.StaleBorrowError, match=SAID):
        near += 1


def test_the_example() -> None:
    p = tn.zeros(4).mut()
    b = p.data[2]
    p[[1]] = 5.0
    p[np.array([True, False, False, True])] = 6.0
    b += 1
    assert p.numpy().tolist() == [6, 5, 1, 6]


def test_disjoint_parts_live_beside_writes_by_index() -> None:
    place = tn.zeros(6).mut()
    low, rows = place.get_disjoint_mut(slice(0, 2), [3, 5])
    place[[2, 4]] = 7.0
    low += 1
    rows += 2
    assert place.numpy().tolist() == [1, 1, 7, 2, 7, 2]
    place[[5]] = 0.0
    assert stale(rows)
    assert not stale(low)
