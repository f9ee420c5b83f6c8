"""Pools of workers: threads, and processes that hand batches over through memory that both have.

A batch that a process has loaded is pickled into a file in memory, the elements of its tensors as they are, and read
from there into arrays of its own before the worker may write there again: what was received is a value. Nothing has a
name in the file system that could be left behind, on Linux; a worker that is killed holds no lock that others wait
for.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import pickle
import queue
import signal
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import connection
from typing import Any, Protocol

import numpy as np

from tenure.compile.late import late
from tenure.data.workers import Reply, Setup, Task, serve
from tenure.dtypes import as_dtype
from tenure.runtime import buffers, threads
from tenure.values.operations.boundary import array_of
from tenure.values.operations.creation import wrap
from tenure.values.tensor.tensor import Tensor

ALIGNMENT = 64
SMALL = 1 << 10
"""Bytes below which elements are pickled with the rest."""
WATCH = 5.0
"""Seconds after which a worker looks whether the process that it works for is still there."""
GRACE = 5.0
"""Seconds that workers have to finish what they are doing, when they are no longer needed."""


class Pool(Protocol):
    """Workers by number: messages to one, replies of any, and their end. ``outstanding`` are tasks without a reply."""

    outstanding: int
    closed: bool

    def send(self, worker: int, message: Any) -> None:
        """Give a worker a message."""
        raise NotImplementedError

    def receive(self, timeout: float | None) -> Reply | None:
        """The reply that came first; None after a time without any."""
        raise NotImplementedError

    def name(self, worker: int) -> str:
        """A worker as messages call it."""
        raise NotImplementedError

    def close(self, grace: float = GRACE) -> None:
        """End the workers."""
        raise NotImplementedError


class ThreadPool:
    """Workers that are threads of this process."""

    def __init__(self, setup: Setup) -> None:
        self.outstanding, self.closed = 0, False
        self._replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        self._tasks: list[queue.SimpleQueue[Any]] = [queue.SimpleQueue() for _ in range(setup.num_workers)]
        for k, tasks in enumerate(self._tasks):
            threading.Thread(
                target=serve, args=(k, setup, tasks.get, self._replies.put, False), daemon=True, name=f"loader {k}"
            ).start()

    def send(self, worker: int, message: Any) -> None:
        """Give a worker a message."""
        self.outstanding += isinstance(message, Task)
        self._tasks[worker].put(message)

    def receive(self, timeout: float | None) -> Reply | None:
        """The reply that came first; None after a time without any."""
        try:
            reply = self._replies.get(timeout=timeout)
        except queue.Empty:
            return None
        self.outstanding -= 1
        return reply

    def name(self, worker: int) -> str:
        """A worker as messages call it."""
        return f"worker {worker} (a thread)"

    def close(self, grace: float = GRACE) -> None:
        """End the workers, each after the batch that it is loading."""
        self.closed = True
        for tasks in self._tasks:
            tasks.put(None)

    def __del__(self) -> None:
        self.close()


_ends: weakref.WeakSet[Any] = weakref.WeakSet()
"""Ends of pipes to workers in this process; a forked worker closes those that it inherits."""


class ProcessPool:
    """Workers that are processes, each with up to ``slots`` batches on their way."""

    def __init__(self, setup: Setup, slots: int, context: Any) -> None:
        self.outstanding, self.closed = 0, False
        self._workers: list[Any] = []
        self._pid = os.getpid()
        self._ready: set[int] = set()
        self._method = context.get_start_method()
        if self._method == "fork":
            late("jit").engine()  # loaded once, and inherited
        self._files: list[tuple[int, str]] = []
        self._ends: list[Any] = []
        try:
            for k in range(setup.num_workers):
                ours, its = context.Pipe()
                _ends.add(ours)
                self._ends.append(ours)
                self._files.append(_file())
                given = (k, setup, its, self._files[-1][1], slots, os.getpid())
                process = context.Process(target=_work, args=given, daemon=True)
                process.start()
                its.close()
                self._workers.append(process)
        except BaseException:
            self.close()
            raise

    def send(self, worker: int, message: Any) -> None:
        """Give a worker a message; RuntimeError if it is gone."""
        self.outstanding += isinstance(message, Task)
        try:
            self._ends[worker].send(message)
        except OSError:
            self._refuse_dead(worker)

    def receive(self, timeout: float | None) -> Reply | None:
        """The reply that came first; None after a time without any. RuntimeError if a worker is gone."""
        sentinels = {process.sentinel: k for k, process in enumerate(self._workers)}
        ready = connection.wait([*self._ends, *sentinels], timeout)
        for k, end in enumerate(self._ends):
            if end in ready:
                try:
                    number, kind, at, sizes = end.recv()
                except (EOFError, OSError):
                    self._refuse_dead(k)
                self.outstanding -= 1
                return Reply(number, kind, *self._content(k, at, sizes))
        for sentinel in ready:
            if sentinel in sentinels:
                self._refuse_dead(sentinels[sentinel])
        return None

    def _content(self, worker: int, at: int, sizes: Sequence[int]) -> Any:
        """The rest of a reply, from its content on, at a place of the file of a worker, with arrays of its own."""
        self._ready.add(worker)
        found = []
        for n in sizes:
            array = buffers.empty(n, np.uint8)
            _read(self._files[worker][0], array.data, at)
            at += _padded(n)
            found.append(array)
        return pickle.loads(found[0].data, buffers=found[1:])

    def name(self, worker: int) -> str:
        """A worker as messages call it."""
        return f"worker {worker} (process {self._workers[worker].pid})"

    def _refuse_dead(self, worker: int) -> None:
        self._workers[worker].join(1.0)
        code = self._workers[worker].exitcode
        how = "ended" if code is None else f"ended with exit code {code}"
        if code is not None and code < 0:
            how = f"was killed by {signal.Signals(-code).name if -code in set(signal.Signals) else f'signal {-code}'}"
        why = ""
        if worker not in self._ready and self._method != "fork":
            why = (
                f" before it was ready: by the start method {self._method!r} it imports the main module, whose"
                ' loop has to stand under `if __name__ == "__main__":`'
            )
        raise RuntimeError(f"DataLoader: {self.name(worker)} {how}{why}")

    def close(self, grace: float = GRACE) -> None:
        """End the workers: each after the batch that it is loading, by force where that takes longer than ``grace``."""
        if os.getpid() != self._pid:  # inherited by a forked process, whose workers they are not
            return
        self.closed = True
        workers, self._workers = self._workers, []
        for end in self._ends:
            with suppress(OSError, ValueError):
                end.send(None)
            end.close()
        until = time.monotonic() + grace
        for process in workers:
            process.join(max(0.0, until - time.monotonic()))
            if process.is_alive():
                process.terminate()
                process.join(1.0)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()
        for handle, path in self._files:
            os.close(handle)
            if not path.startswith("/proc/"):
                with suppress(OSError):
                    os.unlink(path)
        self._ends, self._files = [], []

    def __del__(self) -> None:
        with suppress(Exception):
            self.close()


def _padded(n: int) -> int:
    return -(-n // ALIGNMENT) * ALIGNMENT


class Places:
    """Places in the file of a worker, which are free again when ``slots`` later ones have been asked for."""

    def __init__(self, slots: int) -> None:
        self._slots, self._count = slots, 0
        self._live: list[tuple[int, int, int]] = []

    def take(self, size: int) -> int:
        """The offset of a place of some bytes: the first that is large enough."""
        self._count += 1
        self._live = [(start, end, count) for start, end, count in self._live if count > self._count - self._slots]
        at = 0
        for start, end, _ in sorted(self._live):
            if at + size <= start:
                break
            at = max(at, end)
        self._live.append((at, at + size, self._count))
        return at


def _file() -> tuple[int, str]:
    """A file in memory, and a path by which another process opens it."""
    if hasattr(os, "memfd_create"):
        handle = os.memfd_create("tenure loader", os.MFD_CLOEXEC)
        return handle, f"/proc/{os.getpid()}/fd/{handle}"
    return tempfile.mkstemp(prefix="tenure-loader-")


def _work(number: int, setup: Setup, end: Any, path: str, slots: int, parent: int) -> None:
    """A worker process: it ends with None, with the pipe, or with the process that it works for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the loader's to handle
    for inherited in list(_ends):
        inherited.close()
    threads.set_num_threads(1)
    handle, places = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0)), Places(slots)

    def receive() -> Any:
        while not end.poll(WATCH):
            if os.getppid() != parent:
                return None
        try:
            return end.recv()
        except (EOFError, OSError):
            return None

    def send(reply: Reply) -> None:
        parts = _pickled((reply.content, reply.state, reply.over))
        sizes = [len(part) for part in parts]
        at = start = places.take(sum(map(_padded, sizes)))
        for part in parts:
            _write(handle, part, at)
            at += _padded(len(part))
        with suppress(BrokenPipeError):
            end.send((reply.number, reply.kind, start, sizes))

    serve(number, setup, receive, send, alone=True)
    late("beside").stop()


def _pickled(x: Any) -> list[memoryview]:
    """An object's pickle, and the elements of its large arrays apart."""
    apart: list[memoryview] = []

    def keep(buffer: pickle.PickleBuffer) -> bool:
        with buffer.raw() as raw:
            if raw.nbytes < SMALL:
                return True
        apart.append(buffer.raw())
        return False

    file = io.BytesIO()
    _Pickler(file, protocol=5, buffer_callback=keep).dump(x)
    return [file.getbuffer(), *apart]


class _Pickler(pickle.Pickler):
    """Pickler that hands on the elements of values as they are."""

    def reducer_override(self, x: Any) -> Any:
        """The call that makes a value again."""
        if type(x) is not Tensor or x.requires_grad:
            return NotImplemented
        array = np.ascontiguousarray(array_of(x))
        return _value, (pickle.PickleBuffer(array.reshape(-1).view(np.uint8).data), x.shape, x.dtype.name)


def _value(elements: Any, shape: tuple[int, ...], dtype: str) -> Tensor:
    """The value of some elements, in memory that nobody else has."""
    kind = as_dtype(dtype).numpy
    if not isinstance(elements, np.ndarray):
        elements = np.frombuffer(elements, np.uint8).copy()
    return wrap(elements.view(kind).reshape(shape))


def _read(handle: int, into: memoryview, at: int) -> None:
    while into:
        n = os.preadv(handle, [into], at) if hasattr(os, "preadv") else _copied(handle, into, at)
        if n <= 0:
            raise RuntimeError("DataLoader: a worker wrote less than it said")
        into, at = into[n:], at + n


def _copied(handle: int, into: memoryview, at: int) -> int:
    os.lseek(handle, at, os.SEEK_SET)
    data = os.read(handle, len(into))
    into[: len(data)] = data
    return len(data)


def _write(handle: int, part: memoryview, at: int) -> None:
    while part:
        if hasattr(os, "pwrite"):
            n = os.pwrite(handle, part, at)
        else:
            os.lseek(handle, at, os.SEEK_SET)
            n = os.write(handle, part)
        part, at = part[n:], at + n


def context_of(given: Any) -> Any:
    """Context that starts processes: the one given, or of the start method that was named.

    By default processes are forked on Linux: the library settles its threads around a fork, and nothing has to be
    pickled or imported anew, so that the main module needs no guard.
    """
    if given is None:
        return multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    if isinstance(given, str):
        methods = multiprocessing.get_all_start_methods()
        if given not in methods:
            raise ValueError(f"DataLoader: multiprocessing_context is one of {', '.join(methods)}, not {given!r}")
        return multiprocessing.get_context(given)
    if not all(hasattr(given, name) for name in ("Process", "Pipe", "get_start_method")):
        raise TypeError("DataLoader: multiprocessing_context is a start method or a context of multiprocessing")
    return given


def made(setup: Setup, slots: int, context: Any, by_threads: bool) -> Pool:
    """The pool of a loader."""
    return ThreadPool(setup) if by_threads else ProcessPool(setup, slots, context_of(context))


__all__ = ["Pool", "ProcessPool", "ThreadPool", "context_of", "made"]
