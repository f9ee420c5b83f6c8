"""Compiling beside the running program: programs are handed to one helper process, whose code comes by the disk cache.

    job = submit(program, load)  # at once; None where no process can be started
    job.outcome()                # None so far, then "" when a cache has the code, or why there is none

The helper starts with the first job and ends with this process. A look for its answer costs a few microseconds. Code
that has come is loaded in a thread, which takes 12 ms for 5,000 operations: nobody waits.
"""

from __future__ import annotations

import atexit
import os
import pickle
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from shutil import rmtree

from tenure.compile.jit import engine
from tenure.errors import InternalError
from tenure.ir.program import Program
from tenure.runtime.cache import DiskCache

LOST = "the helper process has ended"
START = "import sys; sys.path[:] = {path!r}; from tenure.compile.helper import main; main(*sys.argv[1:])"
"""The helper's program. It has this process's path, not its main module."""

_lock = threading.RLock()
_numbers = count()


class Job:
    """A program, or a module of IR, that is compiled in the helper."""

    __slots__ = ("helper", "load", "loading", "path")

    def __init__(self, helper: Helper, path: str, load: Callable[[], object]) -> None:
        self.helper, self.path, self.load = helper, path, load
        self.loading: threading.Thread | None = None

    def outcome(self) -> str | None:
        """None so far; then nothing if a cache has the code, or why there is none."""
        if self.loading is not None:
            return None if self.loading.is_alive() else ""
        try:
            with open(f"{self.path}.done", encoding="utf-8") as file:
                said = file.read()
        except OSError:
            return None if self.helper.alive() else LOST
        return said or self.begin()

    def begin(self) -> str | None:
        """Begin to load the code, which then is in a cache in memory; nothing where there can be no thread."""
        loading = threading.Thread(target=suppressed, args=(self.load,))
        try:
            loading.start()
        except RuntimeError:
            return ""
        self.loading = loading
        return None


class Helper:
    """The helper process, as this one sees it. OSError where none can be started."""

    def __init__(self) -> None:
        if not sys.executable or getattr(sys, "frozen", False):
            raise OSError("there is no interpreter to start")
        self.folder = tempfile.mkdtemp(prefix="tenure-")
        self.owner = os.getpid()
        code = START.format(path=[str(p) for p in sys.path])
        found = engine()
        found.spare = DiskCache(self.folder)
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-c", code, self.folder, found.fingerprint()],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is this process's alone
                env=environment(found.disk),
            )
        except OSError:
            rmtree(self.folder, ignore_errors=True)
            raise

    def alive(self) -> bool:
        """Whether it goes on; in a forked child it is somebody else's."""
        return self.owner == os.getpid() and self.process.poll() is None

    def send(self, program: Program | tuple[str, str], load: Callable[[], object]) -> Job:
        """Hand it a program, or a key and IR. OSError where that cannot be."""
        name = f"{next(_numbers)}.job"
        job = Job(self, os.path.join(self.folder, name), load)
        with open(job.path, "wb") as file:
            pickle.dump(program, file, pickle.HIGHEST_PROTOCOL)
        assert self.process.stdin is not None
        os.write(self.process.stdin.fileno(), f"{name}\n".encode())
        return job

    def stop(self) -> None:
        """End it, if it is this process's own."""
        if self.owner != os.getpid():
            return
        self.process.kill()
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        rmtree(self.folder, ignore_errors=True)


_helper: Helper | None = None


def submit(program: Program | tuple[str, str], load: Callable[[], object]) -> Job | None:
    """Have a program, or IR with its key, compiled in the helper, and its code loaded; None where there can be none."""
    global _helper
    with _lock:
        try:
            if _helper is None or not _helper.alive():
                stop()
                _helper = Helper()
            return _helper.send(program, load)
        except (OSError, pickle.PicklingError, InternalError):
            return None


def suppressed(load: Callable[[], object]) -> None:
    """Load code; who takes it finds out what was wrong."""
    with suppress(Exception):
        load()


def stop() -> None:
    """End the helper."""
    global _helper
    with _lock:
        if _helper is not None:
            _helper.stop()
            _helper = None


def environment(disk: DiskCache | None) -> dict[str, str]:
    """The helper's environment: the cache of this process's engine, and no threads."""
    place = {"TENURE_CACHE": "0"} if disk is None else {"TENURE_CACHE": "1", "TENURE_CACHE_DIR": disk.root}
    return {**os.environ, **place, "OPENBLAS_NUM_THREADS": "1"}


def _forget() -> None:
    """In a forked child: close this end of the helper's input, which would keep it alive, and have none."""
    global _helper, _lock
    _lock = threading.RLock()
    if _helper is not None:
        if _helper.process.stdin is not None:
            _helper.process.stdin.close()
        _helper.process.returncode = 0  # the child has no such process to wait for
        _helper = None


atexit.register(stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
