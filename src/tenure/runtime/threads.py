"""Threads for native code: one region of work is forked over the workers and joined within a microsecond.

The workers are made inside generated code by the first region, sleep on a futex when there is nothing to do, and
never touch Python: the interpreter can shut down, fork or collect its garbage whatever they do. They inherit the
CPUs that the thread of the first region may run on.

On platforms other than 64-bit Linux on x86-64 or aarch64 there is one thread: `parallel` calls its task straight.
"""

import ctypes
import os
import platform
import time

from tenure.errors import DTypeError, shown
from tenure.runtime import wait_loop
from tenure.runtime.native import LINUX, libc, load

__all__ = ["MOST", "TASK", "address", "get_num_threads", "parallel", "set_num_threads"]

MOST = 256
"""Maximal number of threads, the caller's included."""

SPINS = 300
"""Spins of a worker before it looks at the clock: 3 to 15 µs."""

PATIENCE = 200_000
"""Nanoseconds after which a worker sleeps at the latest: a region that follows within that time costs no wake-up."""

_VARIABLE = "TENURE_NUM_THREADS"
_PATIENCE = 10.0  # seconds for a region of another thread to end

TASK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
"""C type of a task, `void (*)(void *context, int64_t first, int64_t last)`: processes the items first … last − 1."""


def _load() -> dict[str, int]:
    if not LINUX:
        return load(wait_loop.ALONE, exports=["parallel"])
    code = wait_loop.source(machine=platform.machine(), spins=SPINS, patience=PATIENCE, most=MOST)
    return load(code, exports=wait_loop.EXPORTS, imports=libc(*wait_loop.LIBC))


_code = _load()

address: int = _code["parallel"]
"""Address of `void parallel(task, void *context, int64_t items, int64_t pieces)`, for generated code.

Runs the items 0 … items − 1 and returns when all are done. They are handed out in blocks of ⌈items / pieces⌉ to
any free thread, or all at once where there is one thread: so the work of a task on an item may depend
on the item alone. Inside a task, and while another thread runs a region, the caller does its own items.
"""

workers: int = _code.get("workers", 0)
"""Address of an `int32_t`, the number of threads that share a region beside its caller; −1 before the first region."""

parallel = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(address)
"""Run `parallel` from Python: `parallel(task address, context address, items, pieces)`. Releases the GIL."""


def get_num_threads() -> int:
    """Number of threads that share the work of one operation, the caller's included.

    >>> tn.get_num_threads() >= 1
    True
    """
    if not LINUX:
        return 1
    running = _variable("workers").value
    return running + 1 if running >= 0 else min(_variable("wanted").value or len(os.sched_getaffinity(0)), MOST)


def set_num_threads(number: int) -> None:
    """Share the work of an operation among ``number`` threads from now on; 0 is one for each CPU of this process.

    Results do not depend on it. TENURE_NUM_THREADS sets it at the start. ValueError for a number that is not 0 to 256;
    RuntimeError inside an operation.

    >>> tn.set_num_threads(tn.get_num_threads())
    """
    if type(number) is not int:
        raise DTypeError(f"set_num_threads: number is an int, not {shown(number)}")
    if not 0 <= number <= MOST:
        raise ValueError(f"the number of threads is 1 to {MOST}, or 0 for one on each CPU, not {number}")
    if not LINUX:
        return
    if not _halt(_PATIENCE):
        raise RuntimeError("the number of threads cannot change inside a parallel region")
    _variable("wanted").value = number
    _resume()


def _variable(name: str) -> ctypes.c_int32:
    return ctypes.c_int32.from_address(_code[name])


def _from_environment() -> int:
    text = os.environ.get(_VARIABLE, "").strip()
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST:
        raise ValueError(f"{_VARIABLE} is a number of threads, 1 to {MOST}, not {text!r}")
    return int(text)


def _halt(patience: float) -> bool:
    """Stop the workers, and block new regions until `_resume`; False where others run regions for `patience`
    seconds."""
    end = time.monotonic() + patience
    while not _take():
        if time.monotonic() > end:
            return False
        time.sleep(50e-6)
    return True


class _Fork:
    """Handlers around `os.fork`: no workers while it runs; each side makes its own later.

    A process without other threads forks safely, and Python warns about one that has them.
    """

    def __init__(self) -> None:
        self.halted = False

    def before(self) -> None:
        self.halted = _variable("workers").value > 0 and _halt(0.1)

    def parent(self) -> None:
        if self.halted:
            _resume()


if LINUX:
    _take = ctypes.CFUNCTYPE(ctypes.c_int32)(_code["halt"])
    _resume = ctypes.CFUNCTYPE(None)(_code["resume"])
    _reset = ctypes.CFUNCTYPE(None)(_code["reset"])
    _variable("wanted").value = _from_environment()
    _fork = _Fork()
    os.register_at_fork(before=_fork.before, after_in_parent=_fork.parent, after_in_child=_reset)
