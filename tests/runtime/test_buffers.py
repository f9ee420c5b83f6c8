"""The buffers: aligned, reused, bounded, and guarded where a test asks for it."""

import gc
import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from tenure.runtime import buffers, native

pooled = pytest.mark.skipif(not native.LINUX, reason="there is no pool on this platform")
SOURCES = str(Path(buffers.__file__).parents[2])


@pytest.fixture(autouse=True)
def fresh():
    before = buffers.statistics().limit
    buffers.purge()
    yield
    if native.LINUX:
        buffers.set_limit(before)


SHAPES = [(), 0, 5, (0, 3), (3, 5), (17, 1, 9), (1 << 20,), (1025, 1024)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.float32, np.float64, np.complex128])
def test_arrays_are_aligned_and_their_own(shape, dtype):
    array = buffers.empty(shape, dtype)
    array.fill(1)
    like = np.empty(shape, dtype)
    assert (array.shape, array.dtype, array.strides) == (like.shape, like.dtype, like.strides)
    assert array.ctypes.data % buffers.ALIGNMENT == 0
    assert array.flags.owndata or not native.LINUX
    assert array.flags.c_contiguous
    assert array.flags.writeable


@pytest.mark.parametrize("size", [1, 63, 64, 65, 256, 257, 320, 321, 1000, 4096, 4097, 65537, 1 << 22, (1 << 22) + 1])
def test_blocks_do_not_overlap(size):
    arrays = [buffers.empty(size, np.uint8) for _ in range(20)]
    for value, array in enumerate(arrays):
        array.fill(value)
    assert all((array == value).all() for value, array in enumerate(arrays))


def test_the_allocator_is_ours_alone():
    buffers.empty(3)
    assert np._core.multiarray.get_handler_name() == "default_allocator"


@pooled
def test_the_steady_state_allocates_nothing():
    def step():
        kept = [buffers.empty(n) for n in (1, 100, 10_000, 1_000_000)]
        return kept[-1][10:20]

    step(), step()
    before = buffers.statistics().missed
    for _ in range(100):
        step()
    assert buffers.statistics().missed == before


@pooled
def test_a_block_is_out_while_a_view_lives():
    base = buffers.empty(1000)
    view, address = base[100:200], base.ctypes.data
    del base
    assert buffers.empty(1000).ctypes.data != address
    del view
    gc.collect()
    assert buffers.statistics().kept > 0


@pooled
def test_the_pool_is_bounded():
    buffers.set_limit(1 << 20)
    for size in range(1000, 300_000, 997):
        buffers.empty(size)
        assert buffers.statistics().kept <= 1 << 20
    arrays = [buffers.empty(1000) for _ in range(1000)]
    arrays.clear()
    assert buffers.statistics().kept <= 1 << 20
    buffers.empty(1 << 20)
    buffers.set_limit(0)
    buffers.empty(100)
    assert buffers.statistics().kept == 0


def test_a_limit_that_makes_no_sense():
    with pytest.raises(ValueError, match="not -1"):
        buffers.set_limit(-1)


def test_too_much_is_a_memory_error():
    with pytest.raises(MemoryError):
        buffers.empty(1 << 48, np.uint8)
    with pytest.raises(ValueError, match="negative dimensions"):
        buffers.empty(-1)


@pooled
def test_arrays_grow_shrink_and_pickle():
    array = buffers.empty(100)
    array[:] = np.arange(100)
    array.resize(100_000, refcheck=False)
    assert (array[:100] == np.arange(100)).all()
    assert not array[100:].any()
    array.resize(10, refcheck=False)
    assert (pickle.loads(pickle.dumps(array)) == np.arange(10)).all()


def test_many_threads_at_once():
    errors = []

    def work(value):
        for round in range(500):
            arrays = [buffers.empty(10 + 40 * (round % 7), np.int64) for _ in range(4)]
            for array in arrays:
                array.fill(value)
            if not all((array == value).all() for array in arrays):
                errors.append(value)

    crowd = [threading.Thread(target=work, args=(value,)) for value in range(8)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    assert not errors


def test_a_finalizer_may_allocate():
    class Trace:
        def __init__(self):
            self.cycle = self

        def __del__(self):
            buffers.empty(10)

    for _ in range(2000):
        Trace()
        buffers.empty(100)
    gc.collect()


def guarded(body: str) -> subprocess.CompletedProcess:
    script = (
        "import ctypes, numpy as np\n"
        "from tenure.runtime import buffers\n"
        "def end(x): return x.ctypes.data + x.nbytes\n"
        "with buffers.guarded():\n"
        "    x = buffers.empty((3, 5)); x.fill(1)\n"
        f"    {body}\n"
        "y = buffers.empty(3); print('alive')\n"
    )
    return subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": SOURCES}, capture_output=True, text=True)


@pooled
@pytest.mark.parametrize("access", ["ctypes.memset(end(x), 0, 1)", "ctypes.string_at(end(x), 1)"])
def test_an_access_past_the_end_dies(access):
    assert guarded(access).returncode == -signal.SIGSEGV


@pooled
def test_an_access_after_the_last_reference_dies():
    assert guarded("at = x.ctypes.data; del x; ctypes.memset(at, 0, 1)").returncode == -signal.SIGSEGV


@pooled
def test_an_access_within_is_fine():
    done = guarded("ctypes.memset(end(x) - 1, 0, 1); z = buffers.empty(0); del z; buffers.empty((), bool)")
    assert (done.returncode, done.stdout, done.stderr) == (0, "alive\n", "")


@pooled
def test_guarded_buffers_end_at_a_page_and_are_nan():
    with buffers.guarded():
        array = buffers.empty((5, 7))
        assert (array.ctypes.data + array.nbytes) % 4096 == 0
        assert np.isnan(array).all()
        with pytest.raises(MemoryError):
            array.resize(1000, refcheck=False)
    assert buffers.empty(5).ctypes.data % 64 == 0
