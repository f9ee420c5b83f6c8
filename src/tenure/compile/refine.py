"""Refinement: generic kernels whose code was generated at level 0 are replaced by code of level 3, made beside.

    through0(buffers, numbers)        goes on where slots[0] says: at generic0, later at that of another library

At first sight nine tenths of a kernel's time would be LLVM's code generation. Level 0 takes a quarter of that and gives
the same bits; maps run as fast, sums of columns three times slower. A process that goes on for a second hands its
modules to the helper. Callers keep the address that they have: the other code comes by a word that is written.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from ctypes import c_int64
from time import sleep
from typing import NamedTuple

from tenure.compile.jit import Engine, Library
from tenure.compile.late import late

__all__ = ["address_of", "applies", "key_of", "quick", "revived"]

PAUSE = 1.0
"""Seconds that a process has used kernels of level 0 before it starts a helper: a short one has no use for better."""
LOOK = 0.05
"""Seconds between two looks for the helper's answer."""
WORD = 8


class Module(NamedTuple):
    """A module at level 0: its text, or nothing where the disk has it."""

    engine: Engine
    name: str
    library: Library
    text: str


_lock = threading.RLock()
_known: set[str] = set()
_waiting: list[Module] = []
_thread: threading.Thread | None = None
_refined: list[tuple[Library, Library]] = []
"""Pairs of libraries, of which one calls the other."""


def applies() -> bool:
    """Whether code is generated at level 0 first: where a helper can replace it."""
    return os.environ.get("TENURE_COMPILE") != "wait" and bool(sys.executable) and not getattr(sys, "frozen", False)


def key_of(module: str) -> str:
    """The key of a module at level 3."""
    return f"generic {module}"


def quick(found: Engine, module: str, count: int, text: str) -> Library:
    """The library of a module of so many functions at level 0. Its text is kept on disk, for a process that goes on."""
    found.note(f"text {module}", text)
    library = found.load(lambda: text + throughs(count), key=f"quick {module}", quick=True)
    later(Module(found, module, library, text))
    return library


def revived(found: Engine, module: str) -> Library | None:
    """The library of a module at level 0 from a cache, if one has it and that is wanted."""
    library = found.found(found.name(f"quick {module}")) if applies() else None
    if library is not None:
        later(Module(found, module, library, ""))
    return library


def address_of(library: Library, k: int) -> int:
    """The address by which function k of a module is called for good."""
    name = f"through{k}"
    return library.address(name if name in library else f"generic{k}")


def throughs(count: int) -> str:
    """IR of the functions that call ``generic0``, … by way of the slots."""
    array = f"[{count} x ptr]"
    lines = [f"@slots = global {array} [{', '.join([f'ptr @generic{k}' for k in range(count)])}]"]
    for k in range(count):
        lines += [
            f"define i64 @through{k}(ptr %buffers, ptr %numbers) {{",
            f"  %to = load ptr, ptr getelementptr ({array}, ptr @slots, i64 0, i64 {k})",
            "  %out = musttail call i64 %to(ptr %buffers, ptr %numbers)",
            "  ret i64 %out",
            "}",
        ]
    return "\n".join(lines)


def later(module: Module) -> None:
    """Have a module refined, once in a process."""
    global _thread
    with _lock:
        if module.name not in _known:
            _known.add(module.name)
            _waiting.append(module)
        if _waiting and _thread is None:
            _thread = threading.Thread(target=watch, daemon=True)
            try:
                _thread.start()
            except RuntimeError:  # no thread can be started: they stay as they are
                _thread = None


def watch() -> None:
    """Refine the modules that wait, one after the other, until none is left."""
    global _thread
    sleep(PAUSE)
    while True:
        with _lock:
            if not _waiting:
                _thread = None
                return
            module = _waiting.pop(0)
        with suppress(Exception):  # it stays as it is
            refine(module)


def refine(module: Module) -> None:
    """Have a module compiled in the helper, and write the slots when its code has come; without it all stays."""
    found, key = module.engine, key_of(module.name)
    text = module.text or found.noted(f"text {module.name}")
    if text is None:
        return

    def load() -> Library | None:
        return found.found(found.name(key))

    job = late("beside").submit((key, text), load)
    while job is not None and job.outcome() is None:
        sleep(LOOK)
    whole = load()
    if whole is not None:
        replace(module.library, whole)


def replace(library: Library, whole: Library) -> None:
    """Let calls of the functions of a library go on in another one."""
    _refined.append((library, whole))
    k, slots = 0, library.address("slots")
    while (name := f"generic{k}") in whole:
        c_int64.from_address(slots + WORD * k).value = whole.address(name)
        k += 1


def _forget() -> None:
    """In a forked child: its parent's thread is not its own, and the modules that it has stay as they are."""
    global _lock, _thread
    _lock, _thread = threading.RLock(), None
    _waiting.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
