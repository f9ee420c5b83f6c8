"""BLAS from scipy-openblas32: its functions by address, and matrix products on our own threads.

The library runs each call on the calling thread. Its own threads hand out fixed shares and spin until the last
one is done, so one preempted thread stops them all: with another process on the machine a 512 × 512 product took
33 ms on its two threads and 2 ms on one. `gemm` shares out tiles instead (`tiles`).

Its symbols stay private to it (RTLD_LOCAL): SciPy brings a copy with the same names, which would otherwise
resolve to this one.
"""

import ctypes
import os
import threading
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tenure.runtime import threads
from tenure.runtime.bracket import bracket
from tenure.runtime.native import LINUX, libc, load, vector
from tenure.runtime.tiles import Product, tiling
from tenure.runtime.tiles import source as tiles_source

__all__ = ["Blas", "MissingBLAS", "Product", "available", "blas", "gemm", "tiling"]

_PACKAGE = "scipy_openblas32"
_SINGLE_THREAD = "OPENBLAS_NUM_THREADS"
_OWN = 8
"""Floats in a vector from which on code of our own is as fast as the library's, for products of all sizes: AVX2's."""
_CBLAS = ("sgemm", "dgemm", "sgemv", "dgemv", "sgemm_batch_strided", "dgemm_batch_strided")


class MissingBLAS(ImportError):
    """The BLAS library is not installed, or cannot be loaded."""


@dataclass(frozen=True)
class Blas:
    """The loaded library. Integers are 32 bits wide, `order` and `transpose` are CBLAS's.

    path: the shared library. functions: the absolute address of `cblas_<name>` by name: sgemm, dgemm, sgemv, dgemv,
    and where the library has them sgemm_batch_strided, dgemm_batch_strided. Called on the calling thread only.
    own: whether large products are our own code too.
    """

    path: str
    library: ctypes.CDLL
    functions: dict[str, int]
    own: bool

    @cached_property
    def sgemm(self) -> int:
        """The absolute address of `void gemm(const Product *)` in float32, on our threads."""
        return self._product("s", 4)

    @cached_property
    def dgemm(self) -> int:
        """The same in float64."""
        return self._product("d", 8)

    def _product(self, prefix: str, size: int) -> int:
        imports = {"parallel": threads.address, "blas": self.functions[f"{prefix}gemm"]}
        imports |= _of_large() if self.own else {}
        lanes = vector(size)
        return load(tiles_source(prefix, lanes, self.own and lanes > 0), exports=["gemm"], imports=imports)["gemm"]

    def address(self, name: str) -> int:
        """The address of another of its functions, by its name in the library; MissingBLAS where it has none."""
        found = _address(self.library, name)
        if not found:
            raise MissingBLAS(f"{self.path} has no function {name}", name=_PACKAGE, path=self.path)
        return found


def available() -> bool:
    """Whether `blas()` succeeds; otherwise matrix products are computed another way."""
    try:
        blas()
    except MissingBLAS:
        return False
    return True


@cache
def blas() -> Blas:
    """The loaded library; loads it on first use. MissingBLAS where it is not installed or cannot be loaded."""
    path = _find()
    library = _open(path)
    functions = {name: address for name in _CBLAS if (address := _address(library, f"scipy_cblas_{name}"))}
    _call(library, "scipy_openblas_set_num_threads", 1)
    return Blas(path, library, functions, LINUX and vector(4) >= _OWN)


def gemm(
    a: npt.NDArray[Any],
    b: npt.NDArray[Any],
    out: npt.NDArray[Any],
    *,
    transpose_a: bool = False,
    transpose_b: bool = False,
    alpha: float = 1.0,
    beta: float = 0.0,
    selects: int = 0,
    marks: bool = False,
) -> None:
    """out ← alpha · op(a) op(b) + beta · out for matrices, or batches of them along a leading axis.

    float32 or float64, all alike. Rows or columns of a and b are contiguous, rows of out are; out overlaps neither.
    A batch of one, or a matrix, serves for all. ``selects`` and ``marks`` as in ``Product``. ValueError otherwise.
    """
    if not (a.dtype == b.dtype == out.dtype) or a.dtype not in (np.float32, np.float64):
        raise ValueError(f"gemm takes float32 or float64 alike, not {a.dtype}, {b.dtype} and {out.dtype}")
    if not out.flags.writeable or np.may_share_memory(a, out) or np.may_share_memory(b, out):
        raise ValueError("the output of gemm is writable and overlaps no operand")
    left, right, result = _Stored.of(a, transpose_a), _Stored.of(b, transpose_b), _Stored.of(out, False)
    (m, n), k, batch = (result.rows, result.columns), left.columns, result.batch
    if (left.rows, right.rows, right.columns) != (m, k, n) or not {left.batch, right.batch} <= {1, batch}:
        raise ValueError(f"gemm of {a.shape} and {b.shape} into {out.shape}: the shapes do not agree")
    if result.transposed:
        raise ValueError("the rows of gemm's output are contiguous")
    call = Product(a=a.ctypes.data, b=b.ctypes.data, c=out.ctypes.data, m=m, n=n, k=k, alpha=alpha, beta=beta)
    call.lda, call.ldb, call.ldc = left.ld, right.ld, result.ld
    call.batch, call.stride_a, call.stride_b, call.stride_c = batch, left.stride, right.stride, result.stride
    call.transpose_a, call.transpose_b = left.transposed, right.transposed
    call.selects, call.marks = selects, marks
    for name, value in tiling(m, n, k, batch).items():
        setattr(call, name, value)
    address = blas().sgemm if a.dtype == np.float32 else blas().dgemm
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)(ctypes.addressof(call))


@dataclass(frozen=True, slots=True)
class _Stored:
    """Layout in which BLAS reads an operand: a rows × columns matrix; `ld` and `stride` are in elements."""

    rows: int
    columns: int
    batch: int
    transposed: bool
    ld: int
    stride: int

    @classmethod
    def of(cls, array: npt.NDArray[Any], transpose: bool) -> "_Stored":
        if array.ndim not in (2, 3):
            raise ValueError(f"gemm takes matrices or one batch of them, not shape {array.shape}")
        batch = array.shape[0] if array.ndim == 3 else 1
        stride = array.strides[0] // array.itemsize if batch > 1 else 0
        if transpose:
            array = array.swapaxes(-1, -2)
        rows, columns = array.shape[-2:]
        for transposed, by_row in ((transpose, not transpose), (not transpose, transpose)):
            ld = _leading(array if by_row else array.swapaxes(-1, -2))
            if ld:
                return cls(rows, columns, batch, transposed, ld, stride)
        raise ValueError(f"gemm takes contiguous rows or columns; copy what has strides {array.strides} first")


def _leading(array: npt.NDArray[Any]) -> int:
    """Leading dimension of an array of contiguous, disjoint rows: elements from row to row; 0 for any other array."""
    (rows, columns), (down, across), size = array.shape[-2:], array.strides[-2:], array.itemsize
    if array.size == 0 or rows == 1:
        down = max(1, columns) * size
    if (columns > 1 and across != size and array.size) or down % size or down < columns * size:
        return 0
    return down // size if down // size < 2**31 else 0


def _find() -> str:
    spec = find_spec(_PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        for path in sorted(Path(folder, "lib").glob("*scipy_openblas*")):
            if path.suffix in (".so", ".dylib", ".dll"):
                return str(path)
    raise MissingBLAS("matrix products need OpenBLAS: pip install scipy-openblas32", name=_PACKAGE)


def _open(path: str) -> ctypes.CDLL:
    """Load the library, one thread at a time."""
    return bracket(((_lock.acquire,),), ((_lock.release,),), _load_alone, path)  # type: ignore[no-any-return]


_lock = threading.RLock()
"""The environment variable of the library is another one while it is held."""


def _forked() -> None:
    """Have a lock that no other thread of the parent holds."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def _load_alone(path: str) -> ctypes.CDLL:
    """Load the library without threads of its own: it makes as many as its environment variable says at that moment."""
    before = os.environ.get(_SINGLE_THREAD)
    os.environ[_SINGLE_THREAD] = "1"
    try:
        return ctypes.CDLL(path)
    except OSError as error:
        message = f"OpenBLAS cannot be loaded ({error}): pip install --force-reinstall scipy-openblas32"
        raise MissingBLAS(message, name=_PACKAGE, path=path) from error
    finally:
        if before is None:
            del os.environ[_SINGLE_THREAD]
        else:
            os.environ[_SINGLE_THREAD] = before


def _address(library: ctypes.CDLL, name: str) -> int:
    function = getattr(library, name, None)
    return 0 if function is None else ctypes.cast(function, ctypes.c_void_p).value or 0


def _call(library: ctypes.CDLL, name: str, argument: int) -> None:
    function = library[name]
    function.argtypes, function.restype = [ctypes.c_int], None
    function(argument)


def _of_large() -> dict[str, int]:
    """Addresses for the code of large products: memory of C, and the number of threads."""
    return {**libc("malloc", "free"), "workers": threads.workers}
