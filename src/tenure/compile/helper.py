"""The helper process: it compiles programs and modules into the disk cache while the process that started it goes on.

Each line of standard input names one in the folder of jobs; the answer is a file beside it, empty or with the
reason why there is no code. It ends with the process that started it, whose end it sees as that of its input, or when
nothing has come for a while.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
import time
from queue import Empty, SimpleQueue
from shutil import rmtree

import tenure.ops  # noqa: F401  fills the table of primitives, by whose names programs are read
from tenure.compile.executable import compiling, key_of
from tenure.compile.jit import Engine, engine
from tenure.ir.program import Program
from tenure.runtime.cache import DiskCache

IDLE = 120.0
"""Seconds without a program after which it ends."""
NICE = 10
"""Steps of priority below the other process."""
TRIES = 100
"""Attempts to remove the folder of jobs."""
UNLIMITED = 1 << 40
"""Bytes of code that the folder of jobs may hold."""


def main(folder: str, fingerprint: str) -> None:
    """Compile what comes, for a process whose engine has a fingerprint."""
    names: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=listen, args=(names, folder), daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(NICE)
    if engine().fingerprint() == fingerprint:
        while (name := next_of(names)) is not None:
            answer(os.path.join(folder, name), folder)
    leave(folder)


def next_of(names: SimpleQueue[str]) -> str | None:
    """The next program; None if none comes."""
    try:
        return names.get(timeout=IDLE)
    except Empty:
        return None


def listen(names: SimpleQueue[str], folder: str) -> None:
    """Note the programs that are named, and leave when the other process has."""
    for line in sys.stdin:
        names.put(line.strip())
    leave(folder)


def leave(folder: str) -> None:
    """End at once, whatever is being compiled; a file that is written meanwhile goes with the folder."""
    for _ in range(TRIES):
        rmtree(folder, ignore_errors=True)
        if not os.path.exists(folder):
            break
        time.sleep(0.01)
    os._exit(0)


def answer(path: str, folder: str) -> None:
    """Compile the program of a file, and say that it is done."""
    try:
        with open(path, "rb") as file:
            job: Program | tuple[str, str] = pickle.load(file)
        hand_over(job, engine(), DiskCache(folder, limit=UNLIMITED))
        said = ""
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        file.write(said)
    os.replace(f"{path}.new", f"{path}.done")
    os.unlink(path)


def hand_over(job: Program | tuple[str, str], found: Engine, spare: DiskCache) -> None:
    """Put the code of a program, or of IR with its key, on disk: in the cache, or in a spare one if that does not keep
    it."""
    if isinstance(job, Program):
        name, payload = found.code(compiling(job, found), key=key_of(job))
    else:
        key, text = job
        name, payload = found.code(lambda: text, key=key)
    if found.disk is None or found.disk.get(name) is None:
        spare.put(name, payload)
