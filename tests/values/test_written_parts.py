"""What is written by an index array has the shape and the dtype that PyTorch asks for: nothing is broadcast or cast."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tenure as tn

ROWS = tn.tensor([2, 0])
SPOTS = tn.tensor([[2, 0], [1, 1]])
BY_PARTS = {"index_add": tn.index_add, "index_copy": tn.index_copy}
BY_SPOTS: dict[str, Any] = {
    "scatter": tn.scatter,
    "scatter reduce": lambda x, dim, index, src: tn.scatter(x, dim, index, src, reduce="multiply"),
    "scatter_add": tn.scatter_add,
    **{
        f"scatter_reduce {how}": lambda x, dim, index, src, how=how: tn.scatter_reduce(x, dim, index, src, how)
        for how in ("sum", "prod", "amax", "amin", "mean")
    },
}
ALL = [*BY_PARTS.items(), *BY_SPOTS.items()]


def write(name: str, function: Any, dtype: Any, source: Any, place: bool = False) -> Any:
    x = tn.ones(3, 2, dtype=dtype)
    return function(x.mut() if place else x, 0, ROWS if name in BY_PARTS else SPOTS, source)


@pytest.mark.parametrize(("name", "function"), ALL, ids=[name for name, _ in ALL])
def test_other_dtypes_are_refused(name: str, function: Any) -> None:
    dtypes = (tn.float32, tn.float64, tn.int32, tn.int64)
    for dtype in dtypes:
        for other in dtypes:
            source = tn.ones(2, 2, dtype=other)
            if other is dtype:
                assert write(name, function, dtype, source).dtype is dtype
                continue
            with pytest.raises(tn.DTypeError, match=rf"\.to\(tn\.{dtype.name}\)"):
                write(name, function, dtype, source)


@pytest.mark.parametrize("name", BY_PARTS)
@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("index", [[1, 0], [0], [], [1, 1, 0]])
def test_a_source_has_a_part_for_each_index(name: str, dim: int, index: list[int]) -> None:
    """Every shape of up to three axes of sizes 0 to 3: only one is taken."""
    x, i = tn.zeros(3, 2), tn.tensor(np.array(index, dtype=np.int64))
    wanted = [3, 2]
    wanted[dim] = len(index)
    shapes = [(), *np.ndindex(4), *np.ndindex(4, 4), *np.ndindex(2, 3, 3)]
    for shape in shapes:
        if list(shape) == wanted:
            assert BY_PARTS[name](x, dim, i, tn.ones(shape)).shape == (3, 2)
            continue
        with pytest.raises(tn.ShapeError, match="source of shape"):
            BY_PARTS[name](x, dim, i, tn.ones(shape))
    with pytest.raises(tn.ShapeError):
        BY_PARTS[name](x, dim, i, 1.0)


@pytest.mark.parametrize("name", BY_SPOTS)
def test_a_source_has_the_axes_of_the_indices(name: str) -> None:
    for shape in ((2,), (1, 2), (2, 1), (1, 2, 2), (0, 2)):
        with pytest.raises(tn.ShapeError):
            write(name, BY_SPOTS[name], tn.float32, tn.ones(shape))
    assert write(name, BY_SPOTS[name], tn.float32, tn.ones(3, 4)).shape == (3, 2), "the part that the indices cover"


def test_a_refused_write_leaves_the_place() -> None:
    place = tn.zeros(3, 2).mut()
    for call in (
        lambda: place.index_add_(0, ROWS, tn.ones(2)),
        lambda: place.index_add_(0, ROWS, tn.ones(2, 2), alpha=tn.tensor(2.0, dtype=tn.float64)),
        lambda: place.scatter_add_(0, SPOTS, tn.ones(2, 2, dtype=tn.float64)),
    ):
        with pytest.raises(tn.TenureError):
            call()
    assert not place.numpy().any()


def test_a_number_takes_the_dtype_of_the_place() -> None:
    for dtype in (tn.float32, tn.float64):
        assert tn.scatter(tn.zeros(3, 2, dtype=dtype), 0, SPOTS, value=2.5).dtype is dtype
        assert tn.index_fill(tn.zeros(3, 2, dtype=dtype), 0, ROWS, 2.5).dtype is dtype
