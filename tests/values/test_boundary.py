"""Where tensors leave for Python and NumPy: nothing that left is changed, nothing that came changes us."""

from __future__ import annotations

import contextlib
import copy
import ctypes
import io
import multiprocessing
import pickle
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tenure as tn
from tenure.values.operations.boundary import array_of

A = np.arange(6.0).reshape(2, 3)
KINDS: dict[str, Callable[[], Any]] = {
    "value": lambda: tn.tensor(A),
    "pending": lambda: tn.tensor(A) + 0,
    "place": lambda: tn.tensor(A).mut(),
    "borrow": lambda: tn.tensor(A).mut().data,
    "transposed": lambda: tn.tensor(A.T.copy()).T,
    "part": lambda: tn.tensor(np.pad(A, 1))[1:-1, 1:-1],
}
EXPORTS: dict[str, Callable[[Any], Any]] = {
    "numpy": lambda t: t.numpy(),
    "asarray": np.asarray,
    "no copy": lambda t: np.array(t, copy=False),
    "detached": lambda t: t.detach().numpy(),
}


@pytest.fixture(params=KINDS)
def t(request: Any) -> Any:
    """A tensor of each kind with the numbers of A."""
    return KINDS[request.param]()


def chain(array: Any) -> list[Any]:
    """An array and everything it says it was made from."""
    out = []
    while array is not None:
        out.append(array)
        array = getattr(array, "base", None) if isinstance(array, np.ndarray) else getattr(array, "obj", None)
    return out


@pytest.mark.parametrize("export", EXPORTS)
def test_an_export_can_not_be_made_writable(t: Any, export: str) -> None:
    array = EXPORTS[export](t)
    assert np.array_equal(array, A)
    for a in chain(array):
        if isinstance(a, np.ndarray):
            for view in (a, a.view(), a[:1], a.reshape(-1), np.asarray(memoryview(a))):
                assert not view.flags.writeable
                with pytest.raises(ValueError, match="WRITEABLE"):
                    view.setflags(write=True)
                with pytest.raises(ValueError, match="read-only"):
                    view[...] = 9.0
    with pytest.raises((TypeError, ValueError, BufferError)):
        ctypes.c_char.from_buffer(array)
    assert t.tolist() == A.tolist()


def test_exports_never_change() -> None:
    v = tn.tensor(A).mut()
    first = v.numpy()
    for k in range(3):
        v += 1
        v.sum().item()
        v[0, 0] = 50.0 + k
        assert np.array_equal(first, A)
    assert np.array_equal(v.numpy()[1], A[1] + 3)


def test_an_export_outlives_its_tensor() -> None:
    array = (tn.tensor(A) * 2).numpy()
    for _ in range(10):
        (tn.tensor(A) * 7).numpy()
    assert np.array_equal(array, 2 * A)


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (1,), (2, 1, 3)])
@pytest.mark.parametrize("dtype", [tn.bool, tn.int32, tn.int64, tn.float32, tn.float64])
def test_every_shape_and_dtype(shape: tuple[int, ...], dtype: Any) -> None:
    array = tn.ones(shape, dtype=dtype).numpy()
    assert (array.shape, array.dtype) == (shape, dtype.numpy)
    assert (array == 1).all() and not array.flags.writeable


def test_array_protocol_copies_and_casts() -> None:
    x = tn.tensor(A)
    mine = np.array(x)
    mine[:] = 9.0
    assert np.array_equal(x, A)
    assert np.asarray(x, dtype=np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="copy"):
        np.asarray(x, dtype=np.float32, copy=False)
    assert np.concatenate([x, x]).shape == (4, 3)
    assert type(np.float64(2) * x) is tn.Tensor


def test_what_requires_grad_asks_for_detach() -> None:
    w = tn.tensor(A, requires_grad=True)
    for leave in (lambda: w.numpy(), lambda: (w * 2).numpy(), lambda: np.asarray(w), lambda: np.from_dlpack(w)):
        with pytest.raises(tn.GradientError, match=r"detach\(\)"):
            leave()  # type: ignore[no-untyped-call]
    assert np.array_equal(w.detach().numpy(), A)
    assert (w.tolist(), w.sum().item()) == (A.tolist(), A.sum())


def test_by_dlpack_numpy_gets_read_only_memory(t: Any) -> None:
    array, mine = np.from_dlpack(t), np.from_dlpack(t, copy=True)
    assert np.array_equal(array, A)
    for view in (array, array.view(), array[:1], np.asarray(memoryview(array))):
        with pytest.raises(ValueError, match="WRITEABLE"):
            view.setflags(write=True)
    mine[:] = 99.0
    assert t.tolist() == array.tolist() == A.tolist()


def test_dlpack_of_a_place_is_its_value_then() -> None:
    v = tn.tensor(A).mut()
    array = np.from_dlpack(v)
    for k in range(3):
        v += 1
        assert v.sum().item() == A.sum() + 6 * (k + 1)
    assert np.array_equal(array, A)


@pytest.mark.parametrize(
    "asked",
    [{}, {"max_version": (1, 0)}, {"stream": None}, {"max_version": (1, 1), "copy": None}, {"copy": True}],
)
def test_dlpack_copies_for_everybody(t: Any, asked: dict[str, Any]) -> None:
    class Exporter:
        def __dlpack__(self, **ignored: Any) -> Any:
            return t.__dlpack__(**asked)

        def __dlpack_device__(self) -> Any:
            return t.__dlpack_device__()

    array = np.from_dlpack(Exporter())
    assert np.array_equal(array, A)
    pointer = array.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
    pointer[0] = 99.0
    assert t.tolist() == A.tolist()
    with pytest.raises(BufferError, match="read-only"):
        t.__dlpack__(**{**asked, "copy": False})


def test_from_dlpack_owns_a_copy(t: Any) -> None:
    array = A.copy()
    x = tn.from_dlpack(array)
    array[:] = 9.0
    assert type(x) is tn.Tensor and np.array_equal(x, A)
    y = tn.from_dlpack(t)
    if type(t) is not tn.Tensor:
        t.zero_()
    assert type(y) is tn.Tensor and np.array_equal(y, A)
    with pytest.raises(BufferError, match="copies"):
        tn.from_dlpack(array, copy=False)
    with pytest.raises(tn.DTypeError, match="__dlpack__"):
        tn.from_dlpack([1.0])
    with pytest.raises(tn.DTypeError, match="device"):
        tn.from_dlpack(array, device="cuda")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="classes export buffers from Python 3.12 on")
def test_the_buffer_protocol_gives_read_only_memory(t: Any) -> None:
    lent = memoryview(t)
    assert lent.readonly and np.array_equal(np.asarray(lent), A)
    with pytest.raises(TypeError, match="read-only"):
        lent[0, 0] = 9.0
    for writer in (ctypes.c_char.from_buffer, lambda x: io.BytesIO(bytes(48)).readinto(x)):
        with pytest.raises((BufferError, TypeError)):
            writer(t)
    assert t.tolist() == A.tolist()


def test_tensor_copies_its_data() -> None:
    array, rows = A.copy(), [[1.0, 2.0], [3.0, 4.0]]
    x, y, z = tn.tensor(array), tn.tensor(rows), tn.as_tensor(array)
    array[:] = 9.0
    rows[0][0] = 9.0
    assert np.array_equal(x, A) and np.array_equal(z, A) and y.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    strided = np.arange(12.0).reshape(3, 4)[::2, ::-1]
    assert np.array_equal(tn.tensor(strided), strided)


def test_from_numpy() -> None:
    array = A.copy()
    x = tn.from_numpy(array)
    array[:] = 9.0
    assert np.array_equal(x, A)
    swapped = np.arange(3.0).astype(">f8")
    assert tn.from_numpy(swapped).tolist() == [0.0, 1.0, 2.0]


def test_only_an_array_that_nobody_else_holds_is_taken_over() -> None:
    addresses: list[int] = []
    older: list[Any] = []

    def load(keep_view: bool = False) -> Any:
        array = np.arange(1000.0)
        addresses.append(array.ctypes.data)
        if keep_view:
            older.append(array[:])
        return array

    taken = tn.from_numpy(load(), copy=False)
    assert array_of(taken).ctypes.data == addresses[-1]
    named = load()
    for x, writer in (
        (tn.from_numpy(named, copy=False), named),
        (tn.from_numpy(load(keep_view=True), copy=False), older[-1]),
        (tn.from_numpy(named[1:], copy=False), named),
        (tn.from_numpy(load()), named),
    ):
        before = x.tolist()
        writer[:] = -1.0
        assert x.tolist() == before
        writer[:] = np.arange(1000.0)
    assert taken.tolist() == list(range(1000))


def test_python_numbers() -> None:
    x, n, b = tn.tensor(2.5), tn.tensor([3]), tn.tensor(False)
    assert (x.item(), float(x), int(x), n.item(), int(n), bool(n), bool(b)) == (2.5, 2.5, 2, 3, 3, True, False)
    assert [type(v.item()) for v in (x, n, b)] == [float, int, bool]
    assert (list(range(n)), [10, 11, 12, 13][n], hex(n), 2 ** int(n)) == ([0, 1, 2], 13, "0x3", 8)
    assert (f"{x:.3f}", f"{n:>4}", f"{x}") == ("2.500", "   3", "tensor(2.5000)")
    for bad in (lambda: [1][x], lambda: range(tn.tensor([1, 2])), lambda: [1][b]):
        with pytest.raises(tn.DTypeError, match="TN802"):
            bad()  # type: ignore[no-untyped-call]


def test_length_iteration_and_membership(t: Any) -> None:
    assert (len(t), t.shape, t.ndim, t.numel(), t.size(1)) == (2, (2, 3), 2, 6, 3)
    assert [row.tolist() for row in t] == A.tolist() == t.tolist()
    _, b = t
    assert b.tolist() == A[1].tolist()
    assert 5.0 in t and 7.0 not in t


def test_identity_hashing(t: Any) -> None:
    twin = tn.tensor(A)
    table = {t: 1, twin: 2}
    assert (table[t], table[twin], t in table, len({t, t, twin})) == (1, 2, True, 2)
    before = hash(t)
    if type(t) is not tn.Tensor:
        t.zero_()
    assert (hash(t), table[t]) == (before, 1)
    assert any(t is u for u in [twin, t])


TWINS: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
}


@pytest.mark.parametrize("twin", TWINS)
def test_copies_of_values_are_equal(twin: str) -> None:
    x = TWINS[twin](tn.tensor(A) * 2)
    assert type(x) is tn.Tensor and np.array_equal(x, 2 * A)


@pytest.mark.parametrize("twin", TWINS)
def test_copies_of_places_are_places_of_their_own(twin: str) -> None:
    v = tn.tensor(A).mut()
    other = TWINS[twin](v)
    other.zero_()
    v[0, 0] = 5.0
    assert type(other) is tn.Var
    assert (other.sum().item(), v[0, 0].item(), other.requires_grad) == (0.0, 5.0, False)


@pytest.mark.parametrize("twin", TWINS)
def test_copies_of_leaves_are_leaves_of_their_own(twin: str) -> None:
    w = tn.tensor([1.0, 2.0], requires_grad=True)
    (w * w).sum().backward()
    other = TWINS[twin](w)
    assert other.requires_grad and other.is_leaf and other.tolist() == [1.0, 2.0]
    assert other.grad is None if twin == "copy" else other.grad.tolist() == [2.0, 4.0]
    other.grad = None
    (other * 3).sum().backward()
    other.data -= other.grad
    assert (other.tolist(), other.grad.tolist()) == ([-2.0, -1.0], [3.0, 3.0])
    assert (w.tolist(), w.grad.tolist()) == ([1.0, 2.0], [2.0, 4.0])


@pytest.mark.parametrize("twin", ["deepcopy", "pickle"])
def test_one_place_named_twice_stays_one(twin: str) -> None:
    w = tn.tensor([1.0], requires_grad=True)
    first, second = TWINS[twin]([w, w])
    assert first is second and first is not w


@pytest.mark.parametrize("twin", ["deepcopy", "pickle"])
def test_a_borrow_stays_one_of_its_place(twin: str) -> None:
    v = tn.zeros(2, 3).mut()
    whole = v.data
    state = TWINS[twin]({"row": whole[1], "table": v, "corner": whole[1][:1]})
    state["row"][:] = 1.0
    state["row"].add_(1)
    state["row"][1:] += 1
    assert state["table"].tolist() == [[0.0] * 3, [2.0, 3.0, 3.0]] and v.sum().item() == 0.0
    assert state["corner"].tolist() == [0.0]
    with pytest.raises(tn.StaleBorrowError, match="TN597"):
        state["corner"].zero_()


@pytest.mark.parametrize("twin", ["deepcopy", "pickle"])
def test_a_stale_borrow_is_copied_as_what_it_reads(twin: str) -> None:
    v = tn.zeros(2).mut()
    old = v.data
    v += 1
    copied = TWINS[twin](old)
    assert type(copied) is tn.Tensor and copied.tolist() == [0.0, 0.0]


def test_a_copy_of_what_is_pending_is_what_it_was() -> None:
    v = tn.zeros(2).mut()
    v += 1
    shallow, deep = copy.copy(v), copy.deepcopy(v)
    v += 1
    assert (shallow.tolist(), deep.tolist(), v.tolist()) == ([1.0, 1.0], [1.0, 1.0], [2.0, 2.0])


def test_what_is_unpickled_around_foreign_buffers_is_a_copy_of_them() -> None:
    w = tn.tensor([1.0, 2.0], requires_grad=True)
    w.grad = tn.tensor([3.0, 4.0])
    state = {"value": tn.tensor([1.0, 2.0]), "place": tn.tensor([1.0, 2.0]).mut(), "leaf": w}
    buffers: list[pickle.PickleBuffer] = []
    blob = pickle.dumps(state, protocol=5, buffer_callback=buffers.append)
    memory = [bytearray(b.raw()) for b in buffers]
    loaded = pickle.loads(blob, buffers=memory)
    for raw in memory:
        raw[:] = bytes(len(raw))
    for name, x in loaded.items():
        assert x.tolist() == [1.0, 2.0], name
    assert loaded["leaf"].grad.tolist() == [3.0, 4.0]


def double(x: Any) -> Any:
    """In another process: the value, and what a write there leaves behind."""
    if type(x) is not tn.Tensor:
        x += x
        return x
    return x * 2


def test_values_and_places_go_to_other_processes_as_copies() -> None:
    v = tn.tensor([1.0, 2.0]).mut()
    v += 1
    pending = v * 3
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        first, second, place = pool.map(double, [pending, tn.tensor([True]).int(), v])
    assert (type(first), first.tolist(), second.tolist()) == (tn.Tensor, [12.0, 18.0], [2])
    assert (type(place), place.tolist(), v.tolist()) == (tn.Var, [4.0, 6.0], [2.0, 3.0])


def test_pickling_what_would_lose_its_graph_is_refused() -> None:
    w = tn.tensor([1.0], requires_grad=True)
    with pytest.raises(tn.GradientError, match=r"detach\(\)"):
        pickle.dumps(w * 2)


@pytest.mark.peers
@pytest.mark.parametrize("way", ["from_dlpack", "asarray", "tensor"])
def test_torch_writes_a_copy(t: Any, way: str) -> None:
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        theirs = getattr(torch, way)(t)
    theirs.zero_()
    assert t.tolist() == A.tolist()
    with pytest.raises(BufferError, match="read-only"):
        torch.from_dlpack(t, copy=False)


@pytest.mark.peers
def test_what_torch_exports_is_copied() -> None:
    torch = pytest.importorskip("torch")
    theirs = torch.tensor(A)
    x = tn.from_dlpack(theirs)
    theirs.zero_()
    assert np.array_equal(x, A)
    with pytest.raises(tn.DTypeError, match="from_dlpack"):
        tn.from_dlpack(torch.ones(2, dtype=torch.bfloat16))


def peers_that_never_write(t: Any) -> list[Any]:
    """Arrays of JAX and MLX made from a tensor, where they are installed."""
    out: list[Any] = []
    with contextlib.suppress(ImportError):
        import jax.numpy as jnp

        out.append(jnp.from_dlpack(t))
    with contextlib.suppress(ImportError):
        import mlx.core as mx

        out.append(mx.array(t))
    return out


@pytest.mark.peers
def test_jax_and_mlx_have_copies() -> None:
    t = tn.tensor(A.astype(np.float32)).mut()
    lent = t.numpy()
    for theirs in peers_that_never_write(t):
        assert np.array_equal(np.asarray(theirs), A)
        assert not np.shares_memory(np.asarray(theirs), lent)
        assert np.array_equal(tn.from_dlpack(theirs), A)


@settings(max_examples=max(60, settings.default.max_examples // 4))  # type: ignore[union-attr]
@given(st.data())
def test_what_is_lent_is_never_reused(data: Any) -> None:
    """Random writes of a place, in place wherever nobody looks, beside exports that live for a while."""
    size = data.draw(st.sampled_from([3, 1030]))
    v = tn.Var(tn.arange(float(size)) + data.draw(st.integers(0, 3)))
    model = v.numpy().copy()
    lent: list[tuple[Any, Any]] = []
    for _ in range(data.draw(st.integers(1, 25))):
        step = data.draw(st.sampled_from(["add", "scale", "part", "through", "run", "lend", "borrowed", "return"]))
        k = data.draw(st.integers(0, 2))
        if step == "add":
            v += k
            model = model + np.float32(k)
        elif step == "scale":
            v *= 0.5
            model = model * np.float32(0.5)
        elif step == "part":
            v[k % 2 : k % 2 + 2] = v[:2] + 1
            model = model.copy()
            model[k % 2 : k % 2 + 2] = model[:2].copy() + 1
        elif step == "through":
            v.data[k] -= 1
            model = model.copy()
            model[k] -= 1
        elif step == "run":
            v.sum().item()
        elif step == "return" and lent:
            lent.pop(data.draw(st.integers(0, len(lent) - 1)))
        else:
            array = np.from_dlpack(v) if step == "lend" else v.data.numpy()
            lent.append((array, model.copy()))
        for array, was in lent:
            assert np.array_equal(array, was)
    assert np.array_equal(v.numpy(), model)


@pytest.mark.parametrize("dtype", tn.dtypes.DTYPES, ids=str)
def test_numbers_in_a_buffer(dtype: tn.DType) -> None:
    x = tn.tensor([0, 1, 1, 0, 1]).to(dtype)
    raw = bytearray(x.view(tn.uint8).numpy().tobytes())
    made = tn.frombuffer(raw, dtype=dtype, count=3, offset=dtype.itemsize)
    assert made.dtype is dtype and (made == x[1:4]).all() and tn.frombuffer(b"", dtype=dtype).shape == (0,)
    raw[:] = bytes(len(raw))
    assert (made == x[1:4]).all()
