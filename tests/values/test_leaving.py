"""Whoever writes memory that left Tenure, or came into it, changes no value and nothing recorded from one.

The writers here take an address and write there, as PyTorch and code in C do with arrays that NumPy calls read-only.
"""

from __future__ import annotations

import ctypes
import gc
import io
import os
import pickle
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure import data, nn, optim
from tenure.runtime import pages
from tenure.values.operations import leaving

SIZES = {"small": 6, "large": leaving.LARGE // 4 + 10}
needs_pages = pytest.mark.skipif(not pages.AVAILABLE, reason="needs files in memory")


def overwrite(array: Any) -> None:
    """Write each byte of an array, whether that is allowed or not."""
    if array.size:
        low, high = np.lib.array_utils.byte_bounds(array)
        ctypes.memset(low, 0x41, high - low)
        assert array.reshape(-1)[0] == array.dtype.type(np.frombuffer(b"\x41" * array.itemsize, array.dtype)[0])


def numbers(n: int) -> Any:
    return np.arange(1.0, n + 1, dtype=np.float32)


def gradient(n: int) -> Any:
    """A gradient whose numbers are 1, 2, …, n."""
    w = tn.zeros(n, requires_grad=True)
    (w * tn.tensor(numbers(n))).sum().backward()
    return w.grad


def batch(n: int) -> Any:
    """A value that a loader has put together."""
    (out,) = data.DataLoader([tn.tensor(half) for half in np.split(numbers(n), 2)], batch_size=2)
    return out.reshape(n)


def part(n: int) -> Any:
    return tn.tensor(np.concatenate([numbers(n), numbers(n)])).mut().split_at_mut(n)[1]


class Net(nn.Module):
    """A module with one parameter."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.w = nn.Parameter(tn.tensor(numbers(n)))


KINDS: dict[str, Callable[[int], Any]] = {
    "value": lambda n: tn.tensor(numbers(n)),
    "pending": lambda n: tn.tensor(numbers(n)) + 0,
    "taken over": lambda n: tn.from_numpy(numbers(n), copy=False),
    "place": lambda n: tn.tensor(numbers(n)).mut(),
    "borrow": lambda n: tn.tensor(numbers(n)).mut().data,
    "sub-borrow": lambda n: tn.tensor(np.pad(numbers(n), 1)).mut().data[1:-1],
    "shared borrow": lambda n: tn.tensor(numbers(n)).mut().borrow(),
    "part": part,
    "slice": lambda n: tn.tensor(np.pad(numbers(n), 1))[1:-1],
    "flipped": lambda n: tn.tensor(numbers(n)[::-1].copy()).flip(0),
    "gradient": gradient,
    "batch": batch,
    "parameter's data": lambda n: Net(n).w.data,
    "state": lambda n: Net(n).state_dict()["w"],
    "of Shared": lambda n: tn.Shared(tn.tensor(numbers(n))).value,
}
EXPORTS: dict[str, Callable[[Any], Any]] = {
    "numpy": lambda t: t.numpy(),
    "asarray": np.asarray,
    "asarray without a copy": lambda t: np.asarray(t, copy=False),
    "detached": lambda t: t.detach().numpy(),
    "same dtype": lambda t: np.asarray(t, dtype=np.float32),
    "cast": lambda t: np.asarray(t, dtype=np.float64),
    "copied": np.array,
    "a view that NumPy makes": np.ravel,
    "turned": lambda t: np.transpose(np.atleast_2d(t)),
    "reduced": lambda t: t.__reduce_ex__(5)[1][0] if type(t) is tn.Tensor else np.asarray(t),
    "memoryview of it": lambda t: np.asarray(memoryview(t.numpy())),
    "from_dlpack": np.from_dlpack,
    "DLPack's copy": lambda t: np.from_dlpack(t, copy=True),
    "its base": lambda t: np.asarray(t).reshape(1, -1).base,
}
if sys.version_info >= (3, 12):
    EXPORTS |= {"memoryview": lambda t: np.asarray(memoryview(t)), "frombuffer": lambda t: np.frombuffer(t, np.float32)}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_writer_of_what_left_changes_nothing_else(kind: str, size: str) -> None:
    n = SIZES[size]
    wanted = numbers(n)
    for export in EXPORTS.values():
        t = KINDS[kind](n)
        before = t * 2
        earlier = [export(t), t.numpy()]
        overwrite(earlier[0])
        after = t * 3
        for _ in range(6):
            overwrite(export(t))
            overwrite(export(t.detach()))
        assert np.array_equal(earlier[1], wanted), "an array that somebody else was given"
        assert np.array_equal(t, wanted) and np.array_equal(t.numpy(), wanted), "a later export"
        assert (t == tn.tensor(wanted)).all(), "the value"
        assert np.array_equal(before, 2 * wanted) and np.array_equal(after, 3 * wanted), "what was recorded"


@pytest.mark.parametrize("size", SIZES)
def test_a_writer_changes_no_gradient(size: str) -> None:
    n = SIZES[size]
    w = tn.tensor(numbers(n), requires_grad=True)
    for run_before in (False, True):
        w.grad = None
        c = tn.tensor(numbers(n))
        y = (w * w * c).sum()
        if run_before:
            y.item()
        for _ in range(7):
            overwrite(c.numpy())
            overwrite(w.detach().numpy())
        y.backward()
        overwrite(w.grad.numpy())
        assert np.array_equal(w.grad, 2 * numbers(n) * numbers(n))


def test_a_writer_reaches_neither_optimizer_nor_hook_nor_rule() -> None:
    w = tn.tensor([1.0, 2.0], requires_grad=True)

    @tn.custom_vjp
    def double(x: Any) -> Any:
        overwrite(x.detach().numpy())
        return x * 2

    double.defvjp(lambda x: (double(x), x), lambda saved, g: (overwrite(saved.detach().numpy()), (g * 2,))[1])
    w.register_hook(lambda g: overwrite(g.numpy()))
    optimizer = optim.SGD([w], lr=0.5, momentum=0.5)
    for _ in range(2):
        optimizer.zero_grad()
        double(w).sum().backward()
        optimizer.step()
        for state in optimizer.state_dict()["state"].values():
            for held in state.values():
                if isinstance(held, tn.Tensor):
                    overwrite(np.asarray(held))
    assert w.tolist() == [1.0 - 1.0 - 1.5, 2.0 - 1.0 - 1.5]


def test_no_memory_of_a_tensor_is_to_be_had_writable() -> None:
    for t in (tn.zeros(3), tn.zeros(3).mut(), tn.zeros(3).mut().data):
        for name in ("__array_interface__", "__array_struct__", "data_ptr", "untyped_storage"):
            assert not hasattr(t, name)
        for take in (
            lambda t=t: np.from_dlpack(t, copy=False),
            lambda t=t: t.__dlpack__(copy=False),
            lambda t=t: (ctypes.c_char * 12).from_buffer(t),
            lambda t=t: io.BytesIO(bytes(12)).readinto(t),
        ):
            with pytest.raises((ValueError, BufferError, TypeError)):
                take()
        assert t.tolist() == [0.0] * 3


TAKEN: dict[str, Callable[[Any], Any]] = {
    "tensor": tn.tensor,
    "as_tensor": tn.as_tensor,
    "asarray": tn.asarray,
    "from_numpy": tn.from_numpy,
    "from_numpy without a copy": lambda a: tn.from_numpy(a, copy=False),
    "from_dlpack": tn.from_dlpack,
    "memoryview": lambda a: tn.tensor(np.asarray(memoryview(a))),
    "nested": lambda a: tn.tensor([a])[0],
    "operand": lambda a: tn.zeros(a.size) + a,
    "reflected operand": lambda a: a * tn.ones(a.size),
    "where": lambda a: tn.where(tn.ones(a.size) > 0, tn.tensor(a), 0.0),
    "place": lambda a: tn.Var(a),
    "leaf": lambda a: tn.tensor(a, requires_grad=True).detach(),
    "written to a place": lambda a: written(a, lambda v: v.__setitem__(slice(None), a)),
    "written as data": lambda a: written(a, lambda v: setattr(v, "data", tn.tensor(a))),
    "copy_": lambda a: written(a, lambda v: v.copy_(tn.tensor(a))),
    "added in place": lambda a: written(a, lambda v: v.__iadd__(a)),
    "index": lambda a: tn.arange(0.0, a.size + 1)[a.astype(int)],
    "indexed update": lambda a: tn.zeros(a.size).at[:].set(a),
    "collated": lambda a: next(iter(data.DataLoader([a], batch_size=1)))[0],
    "state": lambda a: loaded(a),
    "Shared": lambda a: tn.Shared(tn.tensor(a)).value,
    "unpickled": lambda a: pickle.loads(pickle.dumps(tn.tensor(a))),
    "rebuilt": lambda a: tn.tensor(0.0).__reduce_ex__(5)[0](a),
}


def written(a: Any, write: Callable[[Any], Any]) -> Any:
    v = tn.zeros(a.size).mut()
    write(v)
    return v


def loaded(a: Any) -> Any:
    net = Net(a.size)
    net.load_state_dict({"w": tn.tensor(a)})
    return net.w.detach()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("way", TAKEN)
def test_a_writer_of_what_came_in_changes_nothing(way: str, size: str) -> None:
    a = numbers(SIZES[size])
    before = a.copy()
    t = TAKEN[way](a)
    pending = t * 2
    overwrite(a)
    assert np.array_equal(t, before) and np.array_equal(pending, 2 * before)


def test_indices_and_masks_are_taken_at_once() -> None:
    i, m = np.array([2, 0]), np.array([True, False, True])
    x = tn.tensor([1.0, 2.0, 3.0])
    read, masked, v = x[i], x[m], tn.zeros(3).mut()
    v[i] = 5.0
    v[m] += 1.0
    i[:], m[:] = 1, False
    assert (read.tolist(), masked.tolist(), v.tolist()) == ([3.0, 1.0], [1.0, 3.0], [6.0, 0.0, 6.0])


def test_what_a_weak_reference_names_is_not_taken_over() -> None:
    seen: list[Any] = []

    def load() -> Any:
        a = numbers(1000)
        seen.append(weakref.ref(a))
        return a

    x = tn.from_numpy(load(), copy=False)
    if (a := seen[0]()) is not None:
        overwrite(a)
    assert np.array_equal(x, numbers(1000))


def test_exports_outlive_their_tensor_and_hold_nothing_back() -> None:
    for n in SIZES.values():
        v = tn.tensor(numbers(n)).mut()
        kept = [v.numpy() for _ in range(8)]
        with tn.must_inplace(v):
            v += 1
            v.sum().item()
        del v
        for k in range(20):
            tn.full((n,), float(k)).numpy()
        assert all(np.array_equal(array, numbers(n)) for array in kept)


def test_exports_of_a_place_that_is_written_are_of_its_value_then() -> None:
    n = SIZES["large"]
    v = tn.zeros(n).mut()
    kept = []
    for k in range(20):
        kept += [(v.numpy(), k // 7), (np.from_dlpack(v), k // 7)]
        if k % 7 == 6:
            v += 1
    assert all((array == number).all() for array, number in kept)


def test_threads_that_write_their_exports_do_not_meet() -> None:
    x, wrong = tn.tensor(numbers(SIZES["large"])), []

    def work() -> None:
        for _ in range(30):
            array = np.asarray(x)
            if not np.array_equal(array, numbers(array.size)):
                wrong.append(array)
            overwrite(array)

    crowd = [threading.Thread(target=work) for _ in range(4)]
    for t in crowd:
        t.start()
    for t in crowd:
        t.join()
    assert not wrong and np.array_equal(x, numbers(SIZES["large"]))


@needs_pages
def test_many_exports_of_one_value_share_its_memory_and_leave_nothing() -> None:
    def resident() -> int:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def count() -> tuple[int, int, int]:
        gc.collect()
        return len(os.listdir("/proc/self/fd")), len(pages._MAPPED), len(leaving._LEFT)

    before, start = count(), resident()
    x = tn.ones(1 << 21)
    kept = [x.numpy()[5:9] for _ in range(100)]
    assert resident() - start < 12 * x.nbytes, "not a copy for each"
    assert all((array == 1).all() for array in kept)
    del x
    assert all((array == 1).all() for array in kept)
    kept.clear()
    assert count() == before


@needs_pages
def test_files_are_few_and_an_old_one_is_made_again() -> None:
    before = len(os.listdir("/proc/self/fd"))
    values = [tn.full((SIZES["large"],), float(k)) for k in range(leaving.FILES + 8)]
    for _ in range(2):
        for k, x in enumerate(values):
            assert all((x.numpy() == k).all() for _ in range(6))
            assert len(os.listdir("/proc/self/fd")) <= before + leaving.FILES + 1


ALONE = """
import ctypes, os, numpy as np, tenure as tn
n = 1 << 18
def write(a): ctypes.memset(a.ctypes.data, 0x41, a.nbytes)
def right(): return all((np.asarray(t) == k).all() for k, t in ((1, x), (2, v)))
x, v = tn.ones(n), (tn.ones(n) * 2).mut()
for _ in range(6): write(np.asarray(x)); write(np.asarray(v))
early = np.asarray(x)
"""
FORKED = """
to_child, to_parent = os.pipe(), os.pipe()
if os.fork() == 0:
    os.read(to_child[0], 1)
    ok = right() and (early == 1).all()
    for _ in range(6): write(np.asarray(x)); write(np.asarray(v))
    write(early); v += 1
    os.write(to_parent[1], b"1" if ok and (np.asarray(v) == 3).all() and (np.asarray(x) == 1).all() else b"0")
    os._exit(0)
for _ in range(6): write(np.asarray(x)); write(np.asarray(v))
late = np.asarray(x); write(early); del early
os.write(to_child[1], b"1")
assert os.read(to_parent[0], 1) == b"1" and right() and (late == 1).all()
v += 1
del x
assert (np.asarray(v) == 3).all() and (late == 1).all()
"""
DAEMON = """
fds = [int(f) for f in os.listdir("/proc/self/fd") if int(f) > 2]
os.closerange(3, 100)
other = [os.open("/dev/zero", os.O_RDWR) for _ in range(90)]
assert right() and (early == 1).all()
late = [np.asarray(x) for _ in range(12)]
assert all((a == 1).all() for a in late)
del x, v
os.fstat(other[0]), [os.fstat(f) for f in other]
"""
LIMITED = """
import resource
from tenure.runtime import pages
class Full(set):
    def __len__(self): return 1 << 20
pages._MAPPED = Full()
assert right() and all((np.asarray(x) == 1).all() for _ in range(12))
pages._MAPPED = set()
kept = [tn.full((n,), float(k)) for k in range(4)]
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
assert all((np.asarray(t) == k).all() for _ in range(9) for k, t in enumerate(kept)) and right()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs fork and /proc")
@pytest.mark.parametrize("what", [FORKED, DAEMON, LIMITED], ids=["forked", "files closed", "nothing to be had"])
def test_in_circumstances(what: str) -> None:
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", ALONE + what], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore:The given NumPy array is not writ:UserWarning")
@pytest.mark.parametrize("size", SIZES)
def test_pytorch_writes_what_it_was_given_and_nothing_else(size: str) -> None:
    import torch

    wanted = numbers(SIZES[size])
    for kind in (tn.tensor(wanted), tn.tensor(wanted).mut(), tn.tensor(wanted).mut().data):
        double = kind * 2
        for give in (
            lambda x: torch.as_tensor(np.asarray(x)),
            lambda x: torch.from_numpy(x.numpy()),
            lambda x: torch.from_numpy(np.from_dlpack(x)),
            lambda x: torch.from_dlpack(x.numpy().copy()),
            torch.from_dlpack,
            torch.asarray,
        ) * 3:
            t = give(kind)
            t.add_(100)
            assert np.array_equal(t.numpy(), wanted + 100)
            assert np.array_equal(kind, wanted) and np.array_equal(double, wanted * 2)
