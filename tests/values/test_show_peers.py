"""Tensors print byte for byte as in PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tenure as tn
from tenure.values.operations.show import format_tensor, set_printoptions

pytestmark = pytest.mark.peers
torch = pytest.importorskip("torch")

DTYPES = ["float32", "float64", "int32", "int64", "bool", "int8", "uint8", "int16", "float16"]
COMPLEX = ["complex64", "complex128"]
SPECIALS = [0.0, -0.0, np.nan, np.inf, -np.inf, 1.0, -1.0, 1e8, 1e8 + 8, 1e-4, 9.9e-5, 1e-40, 0.5]
OPTION_SETS: list[dict[str, Any]] = [
    {},
    {"profile": "short"},
    {"profile": "full"},
    {"precision": 7},
    {"precision": 0},
    {"threshold": 5},
    {"threshold": 5, "edgeitems": 1},
    {"threshold": 5, "edgeitems": 0},
    {"threshold": 0, "edgeitems": 2},
    {"linewidth": 20},
    {"linewidth": 5},
    {"linewidth": 132},
    {"sci_mode": True},
    {"sci_mode": False},
]


@pytest.fixture(autouse=True)
def default_options() -> Iterator[None]:
    set_both({})
    yield
    set_both({})


def set_both(options: dict[str, Any]) -> None:
    for setter in (set_printoptions, torch.set_printoptions):
        setter(profile="default")
        setter(**options)


def assert_same(array: np.ndarray[Any, Any], requires_grad: bool = False) -> None:
    peer = torch.from_numpy(array.copy())
    if requires_grad:
        peer.requires_grad_()
    name = str(peer.dtype).removeprefix("torch.")
    ours = format_tensor(array, requires_grad=requires_grad, dtype_name=name)
    assert ours == repr(peer).replace("torch.", "tenure.")


def random_array(
    seed: int, shape: tuple[int, ...], dtype: str, scale: int, whole: bool, specials: bool
) -> np.ndarray[Any, Any]:
    """Numbers over up to `scale` decades around one, whole or not, some replaced by special values."""
    rng = np.random.default_rng(seed)

    def real() -> np.ndarray[Any, Any]:
        exponents = rng.uniform(-scale, scale, shape) if scale < 100 else rng.uniform(-scale, 0, shape) + 100
        values = np.asarray(rng.standard_normal(shape) * 10.0**exponents)
        if whole:
            values = np.asarray(np.round(values))
        if specials:
            values = np.asarray(np.where(rng.random(shape) < 0.3, rng.choice(SPECIALS, shape), values))
        return values

    if np.dtype(dtype).kind in "iu":
        info = np.iinfo(dtype)
        limit = min(10**scale, info.max)
        return np.asarray(rng.integers(max(-limit, info.min), limit, shape, dtype=dtype, endpoint=True))
    if dtype == "bool":
        return np.asarray(rng.random(shape) < 0.5)
    with np.errstate(all="ignore"):
        if np.dtype(dtype).kind == "c":
            return np.asarray(real() + 1j * real()).astype(dtype)
        return real().astype(dtype)


shapes = st.one_of(
    st.lists(st.integers(0, 7), max_size=5).map(tuple),
    st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple),
    st.sampled_from([(1000,), (1001,), (40, 40), (3, 500), (500, 3), (2, 3, 4, 50), (1, 1001), (7, 7, 7, 7)]),
)


@settings(max_examples=600, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    shape=shapes,
    dtype=st.sampled_from(DTYPES + COMPLEX),
    scale=st.sampled_from([0, 1, 2, 3, 4, 8, 12, 30, 140]),
    whole=st.booleans(),
    specials=st.booleans(),
    options=st.sampled_from(OPTION_SETS) | st.just({}),
    requires_grad=st.booleans(),
)
def test_random_arrays(
    seed: int,
    shape: tuple[int, ...],
    dtype: str,
    scale: int,
    whole: bool,
    specials: bool,
    options: dict[str, Any],
    requires_grad: bool,
) -> None:
    set_both(options)
    array = random_array(seed, shape, dtype, scale, whole, specials)
    assert_same(array, requires_grad and array.dtype.kind in "fc")


@settings(max_examples=300, deadline=None)
@given(
    size=st.integers(0, 40),
    digits=st.integers(0, 6),
    dtype=st.sampled_from(["float32", "float64", "int32"]),
    requires_grad=st.booleans(),
    linewidth=st.integers(10, 90),
)
def test_line_breaks(size: int, digits: int, dtype: str, requires_grad: bool, linewidth: int) -> None:
    set_both({"linewidth": linewidth})
    array = np.full(size, 10**digits, dtype=dtype)
    assert_same(array, requires_grad and array.dtype.kind == "f")


@pytest.mark.parametrize("options", OPTION_SETS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES + COMPLEX)
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (), (1,), (1, 1), (12,), (7, 8), (2, 1, 7)], ids=str)
def test_shapes(shape: tuple[int, ...], dtype: str, options: dict[str, Any]) -> None:
    set_both(options)
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    assert_same(array)
    assert_same(array, array.dtype.kind in "fc")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("first", SPECIALS)
@pytest.mark.parametrize("second", SPECIALS)
def test_pairs_of_special_values(first: float, second: float, dtype: str) -> None:
    with np.errstate(over="ignore"):
        pair = np.array([first, second]).astype(dtype)
    for options in OPTION_SETS:
        set_both(options)
        assert_same(pair)
        assert_same(pair[:1].reshape(()))


@pytest.mark.parametrize("stride", [1, 2, -1])
def test_views_of_large_arrays(stride: int) -> None:
    base = np.arange(3 * 5000, dtype=np.float64).reshape(3, 5000)
    assert_same(base[:, ::stride])
    assert_same(base.T)
    assert_same(np.broadcast_to(np.float32(0.25), (2000, 2000)))


def test_grad_fn() -> None:
    leaf = torch.arange(30.0, requires_grad=True)
    for peer in (leaf * 1, (leaf * 1).double(), (leaf * 1.5)[:9], leaf.sum(), (leaf * 1)[:0]):
        name = type(peer.grad_fn).__name__
        dtype = str(peer.dtype).removeprefix("torch.")
        ours = format_tensor(peer.detach().numpy(), requires_grad=True, grad_fn=name, dtype_name=dtype)
        assert ours == repr(peer).replace("torch.", "tenure.")


@pytest.mark.parametrize("key", ["0", "0, :2", ":2, 0", "0, :", "0, :4", "..., 0", ":, :, 1:", "..., 1:, 0", "None, 0"])
def test_the_step_of_an_index_has_the_name_of_its_last_entry(key: str) -> None:
    ours = eval(f"x[{key}]", {"x": tn.tensor(np.ones((3, 4, 5)), requires_grad=True)})
    peer = eval(f"x[{key}]", {"x": torch.ones(3, 4, 5, requires_grad=True)})
    assert f"grad_fn=<{peer.grad_fn.name()}>" in repr(ours)
