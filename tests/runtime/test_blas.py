"""Matrix products against NumPy's, as they may be stored, and the same bits at any number of threads."""

import os
import subprocess
import sys
import threading
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tenure.runtime import blas, threads
from tenure.runtime.tiles import tiling

SOURCES = str(Path(blas.__file__).parents[2])
TOLERANCE = {np.float32: 2e-4, np.float64: 1e-11}


@pytest.fixture(params=[np.float32, np.float64])
def dtype(request):
    return request.param


def stored(values, how):
    """The same matrix (or batch) in another layout."""
    if how == "rows":
        return np.ascontiguousarray(values)
    if how == "columns":
        return np.ascontiguousarray(values.swapaxes(-1, -2)).swapaxes(-1, -2)
    wide = np.full((*values.shape[:-2], values.shape[-2] + 2, values.shape[-1] + 3), np.nan, values.dtype)
    wide[..., 1:-1, 2:-1] = values
    return wide[..., 1:-1, 2:-1]


def check(m, n, k, dtype, *, ta=False, tb=False, how=("rows", "rows", "rows"), batch=(), alpha=1.0, beta=0.0):
    rng = np.random.default_rng(m * 10007 + n * 101 + k)
    a = rng.standard_normal((*batch, *((k, m) if ta else (m, k)))).astype(dtype)
    b = rng.standard_normal((*batch, *((n, k) if tb else (k, n)))).astype(dtype)
    out = stored(rng.standard_normal((*batch, m, n)).astype(dtype), how[2])
    op_a, op_b = (x.swapaxes(-1, -2) if t else x for x, t in ((a, ta), (b, tb)))
    expected = alpha * (op_a @ op_b) + beta * out
    blas.gemm(stored(a, how[0]), stored(b, how[1]), out, transpose_a=ta, transpose_b=tb, alpha=alpha, beta=beta)
    tolerance = TOLERANCE[dtype]
    np.testing.assert_allclose(out, expected, rtol=tolerance, atol=tolerance * max(1, k) ** 0.5)


SIZES = [(1, 1, 1), (1, 7, 3), (7, 1, 3), (5, 4, 1), (3, 4, 5), (33, 65, 17), (96, 384, 784), (300, 200, 150)]


@pytest.mark.parametrize("how", ["rows", "columns", "window"])
@pytest.mark.parametrize("other", ["rows", "columns", "window"])
@pytest.mark.parametrize("flags", [(False, False), (True, False), (False, True), (True, True)])
def test_layouts_and_transposes(how, other, flags, dtype):
    for size in SIZES:
        check(*size, dtype, ta=flags[0], tb=flags[1], how=(how, other, "rows"))


@pytest.mark.parametrize("size", [(0, 4, 5), (4, 0, 5), (4, 5, 0), (0, 0, 0)])
@pytest.mark.parametrize("batch", [(), (3,), (0,), (1,)])
def test_empty_sizes(size, batch, dtype):
    check(*size, dtype, batch=batch)


def test_no_terms_give_zeros_over_nan(dtype):
    out = np.full((4, 5), np.nan, dtype)
    blas.gemm(np.empty((4, 0), dtype), np.empty((0, 5), dtype), out)
    assert (out == 0).all()


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("bits", [0, 128, 256, 512])
def test_the_code_of_each_kind_of_processor(bits, own, dtype, monkeypatch):
    """What a product is computed by depends on the processor: each of its forms runs here, whatever this one is."""
    form = replace(blas.blas(), own=own and bits > 0)
    monkeypatch.setattr(blas, "vector", lambda size: bits // 8 // size)
    monkeypatch.setattr(blas, "blas", lambda: form)
    for how in ("rows", "columns", "window"):
        for size in [*SIZES, (200, 97, 801)]:
            check(*size, dtype, tb=True, how=(how, "rows", "rows"))
        check(40, 33, 500, dtype, ta=True, how=("rows", how, "window"), batch=(3,), alpha=0.5, beta=2.0)


LARGE = [(600, 500, 400), (2000, 30, 300), (30, 2000, 300), (1, 5000, 1000), (513, 511, 509)]
SMALL = [(65, 255, 129), (17, 1030, 100), (1030, 17, 100), (129, 127, 131)]


@pytest.mark.parametrize("size", LARGE + SMALL)
@pytest.mark.parametrize("flags", [(False, False), (True, True)])
def test_tiles_cover_the_product(size, flags, dtype):
    assert tiling(*size, 1)["pieces"] > 1
    check(*size, dtype, ta=flags[0], tb=flags[1], how=("rows", "columns", "window"))


def test_scales(dtype):
    check(20, 30, 40, dtype, alpha=0.5, beta=2.0)
    check(300, 300, 300, dtype, alpha=-1.5, beta=1.0)


@pytest.mark.parametrize("size", [(2, 3, 4), (16, 16, 16), (200, 170, 190)])
@pytest.mark.parametrize("how", ["rows", "columns", "window"])
def test_batches(size, how, dtype):
    check(*size, dtype, batch=(7,), how=(how, "rows", "window"))


def test_one_matrix_serves_a_batch(dtype):
    a, b = np.random.default_rng(0).random((2, 6, 6)).astype(dtype)
    out = np.empty((5, 6, 6), dtype)
    blas.gemm(a, np.broadcast_to(b, (5, 6, 6)), out)
    np.testing.assert_allclose(out, np.broadcast_to(a @ b, out.shape), rtol=1e-5)
    blas.gemm(a[None], b, out)
    np.testing.assert_allclose(out, np.broadcast_to(a @ b, out.shape), rtol=1e-5)


@pytest.mark.parametrize("size", [(700, 700, 700), (1501, 200, 330), (2100, 90, 64), (50, 2000, 130), (40, 90, 900)])
def test_the_same_bits_at_any_number_of_threads_and_however_stored(size, dtype):
    m, n, k = size
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((m, k)).astype(dtype), rng.standard_normal((k, n)).astype(dtype)
    results = set()
    for number, how in ((1, "rows"), (2, "rows"), (5, "rows"), (1, "columns"), (3, "columns")):
        threads.set_num_threads(number)
        out = np.empty((m, n), dtype)
        blas.gemm(stored(a, how), stored(b, how), out)
        results.add(out.tobytes())
    threads.set_num_threads(0)
    assert len(results) == 1


def chain(a, b):
    """The product by its definition: sums of 384 terms, each a chain of fused multiplications and additions."""
    fma = np.frompyfunc(lambda x, y, z: float(Fraction(x) * Fraction(y) + Fraction(z)), 3, 1)
    total = None
    for first in range(0, a.shape[1], 384):
        part = np.zeros((len(a), b.shape[1]))
        for e in range(first, min(first + 384, a.shape[1])):
            part = fma(a[:, e : e + 1], b[e], part).astype(np.float64)
        total = part if total is None else total + part
    return total


@pytest.mark.parametrize("size", [(7, 19, 5), (13, 3, 500), (1, 9, 40)])
def test_small_products_are_chains_of_fused_operations(size):
    m, n, k = size
    rng = np.random.default_rng(1)
    a, b, out = rng.standard_normal((m, k)), rng.standard_normal((k, n)), np.empty((m, n))
    blas.gemm(a, b, out)
    assert out.tobytes() == chain(a, b).tobytes()


OWN = pytest.mark.skipif(not blas.blas().own, reason="large products are the library's")


@OWN
@pytest.mark.parametrize("size", [(300, 500, 900), (97, 1700, 401), (1000, 70, 384)])
@pytest.mark.parametrize("ta", [False, True])
def test_rows_of_a_large_product_have_the_bits_of_small_ones(size, ta, dtype):
    m, n, k = size
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((m, k)).astype(dtype), rng.standard_normal((k, n)).astype(dtype)
    whole, few = np.empty((m, n), dtype), np.empty((m, n), dtype)
    blas.gemm(np.ascontiguousarray(a.T) if ta else a, b, whole, transpose_a=ta)
    for i in range(0, m, 37):
        blas.gemm(a[i : i + 37], b, few[i : i + 37])
    assert whole.tobytes() == few.tobytes()


@OWN
@pytest.mark.parametrize("size", [(64, 900, 200), (5, 1100, 300), (130, 40, 500)])
def test_a_batch_with_one_right_operand_has_the_bits_of_each_product(size, dtype):
    m, n, k = size
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((9, m, k)).astype(dtype), rng.standard_normal((k, n)).astype(dtype)
    whole, each = np.empty((9, m, n), dtype), np.empty((9, m, n), dtype)
    blas.gemm(a, b, whole)
    for x, out in zip(a, each, strict=True):
        blas.gemm(x, b, out)
    assert whole.tobytes() == each.tobytes()


def test_many_python_threads_at_once():
    a, b = np.random.default_rng(0).random((2, 300, 300)).astype(np.float32)
    expected, errors = np.empty_like(a), []
    blas.gemm(a, b, expected)

    def work():
        for _ in range(20):
            out = np.empty_like(a)
            blas.gemm(a, b, out)
            if not np.array_equal(out, expected):
                errors.append(out)

    crowd = [threading.Thread(target=work) for _ in range(4)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    assert not errors


def test_what_is_refused():
    x = np.ones((4, 4), np.float32)
    with pytest.raises(ValueError, match="float32 or float64"):
        blas.gemm(x, x.astype(np.float64), x.copy())
    with pytest.raises(ValueError, match="float32 or float64"):
        blas.gemm(x.astype(int), x.astype(int), x.astype(int))
    with pytest.raises(ValueError, match="overlaps no operand"):
        blas.gemm(x, x, x)
    with pytest.raises(ValueError, match="do not agree"):
        blas.gemm(x, np.ones((3, 4), np.float32), x.copy())
    with pytest.raises(ValueError, match="copy what has strides"):
        blas.gemm(np.ones((8, 8), np.float32)[::2, ::2], x, x.copy())
    with pytest.raises(ValueError, match="copy what has strides"):
        blas.gemm(x[::-1], x, np.empty((4, 4), np.float32))
    with pytest.raises(ValueError, match="rows of gemm's output"):
        blas.gemm(x, x, np.empty((4, 4), np.float32).T)
    with pytest.raises(ValueError, match="not shape"):
        blas.gemm(x[0], x, np.empty((4, 4), np.float32))


def test_functions_have_addresses():
    assert {"sgemm", "dgemm", "sgemv", "dgemv"} <= blas.blas().functions.keys()
    assert all(blas.blas().functions.values())


def python(script: str, **environment: str) -> subprocess.CompletedProcess:
    variables = dict(os.environ) | {"PYTHONPATH": SOURCES} | environment
    return subprocess.run([sys.executable, "-c", script], env=variables, capture_output=True, text=True)


def test_the_library_makes_no_threads_and_leaves_the_environment():
    done = python(
        "import os\n"
        "from tenure.runtime import blas\n"
        "before = len(os.listdir('/proc/self/task')), os.environ['OPENBLAS_NUM_THREADS']\n"
        "blas.blas(); print((len(os.listdir('/proc/self/task')), os.environ['OPENBLAS_NUM_THREADS']) == before)",
        OPENBLAS_NUM_THREADS="2",
    )
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_its_symbols_stay_private():
    done = python(
        "import ctypes\n"
        "from tenure.runtime import blas\n"
        "blas.blas(); print(hasattr(ctypes.CDLL(None), 'scipy_cblas_sgemm'))"
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_a_missing_library_is_named():
    done = python(
        "import sys, importlib.util as u\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'scipy_openblas32' else find(name, *rest)\n"
        "from tenure.runtime import blas\n"
        "print(blas.available())\n"
        "try: blas.blas()\n"
        "except ImportError as error: print(type(error).__name__, error)"
    )
    message = "MissingBLAS matrix products need OpenBLAS: pip install scipy-openblas32"
    assert (done.stdout.splitlines(), done.stderr) == (["False", message], "")


def test_threads_that_load_the_library_at_once_leave_the_environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(blas._SINGLE_THREAD, raising=False)
    path, failed = blas._find(), list[Exception]()

    def load() -> None:
        try:
            for _ in range(200):
                blas._open(path)
        except Exception as error:
            failed.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        others = [threading.Thread(target=load) for _ in range(4)]
        for t in others:
            t.start()
        for t in others:
            t.join()
    finally:
        sys.setswitchinterval(interval)
    assert not failed
    assert blas._SINGLE_THREAD not in os.environ
