"""Machine code kept between runs: a folder of checked entries, and the bounded table in memory in front of it.

An entry is one file, named by its key (a hash of all that the code depends on):

    magic (8 bytes) · key (32) · length (8, little endian) · checksum of the payload (32) · payload

What is corrupt, truncated or foreign reads as absent, and the next `put` replaces it. No failure of the disk is ever
an error: without a usable folder, programs are compiled again in each process. Code that another user could have
written is not run: folder and file must belong to this user (or to root) and be writable by no one else.
"""

import os
import stat
import sys
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Generic, Self, TypeVar

import tenure
from tenure._lazy import BEGUN

__all__ = ["DiskCache", "MemoryCache", "digest", "source_fingerprint", "unedited"]

MAGIC = b"TENURE\x01\n"
LIMIT = 256 << 20
_KEY = 32
_HEADER = len(MAGIC) + _KEY + 8 + 32
_SUFFIX = ".tno"
_TEMPORARY = ".tmp"
_BLOCK = 4096
_ABANDONED = 3600.0  # seconds after which an unfinished entry is abandoned

T = TypeVar("T")


def digest(*parts: bytes) -> bytes:
    """Cache key: the hash of the parts, each with its length, so that no two lists of parts run together."""
    state = blake2b(digest_size=_KEY)
    for part in parts:
        state.update(len(part).to_bytes(8, "little"))
        state.update(part)
    return state.digest()


@cache
def source_fingerprint() -> bytes:
    """Fingerprint of the package's source files (names, sizes, times), for keys of code that is not hashed as IR.

    A process whose sources were written after it began has one of its own: what it has in memory may be neither the
    old code nor the new.
    """
    state = blake2b(digest_size=_KEY)
    root, written = os.path.dirname(tenure.__file__), False
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(name for name in files if name.endswith(".py")):
            with suppress(OSError):
                found = os.stat(os.path.join(folder, name))
                state.update(f"{folder[len(root) :]}/{name}:{found.st_size}:{found.st_mtime_ns}\n".encode())
                written = written or _since(found)
    if written:
        state.update(os.urandom(_KEY))
    return state.digest()


def _since(found: os.stat_result) -> bool:
    """Whether a file was written after the process began; a time to come says nothing."""
    return BEGUN < found.st_mtime <= time.time()


def unedited() -> bool:
    """Whether no source file of a loaded module was written since the process began: only then others may have its
    code. Asked again after a second at the earliest, as it asks some hundred files."""
    return _unedited(int(time.monotonic()))


@lru_cache(maxsize=1)
def _unedited(second: int) -> bool:
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None) if name.startswith("tenure.") else None
        if path is not None:
            with suppress(OSError):
                if _since(os.stat(path)):
                    return False
    return True


class DiskCache:
    """Payloads by key in `folder`/kernels, at most `limit` bytes, least recently used first to go.

    Any number of processes may share it: an entry is written beside its place and renamed into it.
    """

    def __init__(self, folder: str | os.PathLike[str], *, limit: int = LIMIT) -> None:
        self.root = os.fspath(folder)
        self.folder = os.path.join(folder, "kernels")
        self.limit = limit

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self | None:
        """Cache in the folder of `TENURE_CACHE_DIR`, else in the user's cache folder (XDG); None if `TENURE_CACHE` is
        0."""
        if environ.get("TENURE_CACHE") == "0":
            return None
        if chosen := environ.get("TENURE_CACHE_DIR"):
            return cls(os.path.abspath(chosen))
        base = environ.get("XDG_CACHE_HOME", "")
        if not os.path.isabs(base):  # the XDG specification has relative paths ignored
            base = os.path.expanduser("~/.cache")
            if not os.path.isabs(base):
                return None
        return cls(os.path.join(base, "tenure"))

    def get(self, key: bytes) -> bytes | None:
        """The payload stored under `key`; None where there is none that can be trusted."""
        if not self._trusted():
            return None
        path = self._path(key)
        try:
            with open(path, "rb") as file:
                if not _ours(os.fstat(file.fileno())):
                    return None
                entry = file.read()
        except OSError:
            return None
        payload = _unpack(key, entry)
        with suppress(OSError):
            if payload is None:
                os.unlink(path)
            else:
                os.utime(path)
        return payload

    def put(self, key: bytes, payload: bytes) -> None:
        """Store `payload` under `key`, or do nothing where that is not possible."""
        if _HEADER + len(payload) > self.limit // 16 - _BLOCK:
            return
        with suppress(OSError):
            if not os.path.isdir(self.folder):
                os.makedirs(self.folder, mode=0o700, exist_ok=True)
            if self._trusted():
                self._write(key, payload)
                self._count(_HEADER + len(payload))

    def _path(self, key: bytes) -> str:
        return os.path.join(self.folder, key.hex() + _SUFFIX)

    def _trusted(self) -> bool:
        try:
            found = os.lstat(self.folder)
        except OSError:
            return False
        return stat.S_ISDIR(found.st_mode) and _ours(found)

    def _write(self, key: bytes, payload: bytes) -> None:
        place = self._path(key)
        temporary = f"{place}.{os.getpid()}.{os.urandom(6).hex()}{_TEMPORARY}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        try:
            with open(os.open(temporary, flags, 0o600), "wb") as file:
                file.write(_header(key, payload) + payload)
            os.replace(temporary, place)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise

    def _count(self, size: int) -> None:
        """Count written bytes by file length, across processes, and prune after each sixteenth of the limit."""
        tally = os.open(os.path.join(self.folder, "tally"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(tally, bytes(_blocks(size)))
            if os.fstat(tally).st_size * _BLOCK < self.limit // 16:
                return
            os.ftruncate(tally, 0)
        finally:
            os.close(tally)
        self._prune()

    def _prune(self) -> None:
        """Remove the least recently used entries until seven eighths of the limit remain, and leftover temporary
        files."""
        entries, total, now = [], 0, time.time()
        with os.scandir(self.folder) as found:
            for entry in found:
                with suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    if entry.name.endswith(_SUFFIX):
                        size = _blocks(status.st_size) * _BLOCK
                        entries.append((status.st_mtime_ns, entry.path, size))
                        total += size
                    elif entry.name.endswith(_TEMPORARY) and status.st_mtime < now - _ABANDONED:
                        os.unlink(entry.path)
        for _, path, size in sorted(entries):
            if total <= self.limit * 7 // 8:
                break
            with suppress(OSError):
                os.unlink(path)
                total -= size


class MemoryCache(Generic[T]):
    """At most `limit` values by key, least recently used first to go.

    It takes no lock: each step is one atomic operation on the table, so a hit never waits for a thread that
    compiles, and a finalizer that runs between two steps may use it too.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._table: OrderedDict[bytes, T] = OrderedDict()

    def get(self, key: bytes) -> T | None:
        """The value stored under `key`, now the most recently used; None where there is none."""
        value = self._table.get(key)
        if value is not None:
            with suppress(KeyError):  # gone since the line above
                self._table.move_to_end(key)
        return value

    def put(self, key: bytes, value: T) -> None:
        """Store `value` under `key`; the least recently used go."""
        self._table[key] = value
        with suppress(KeyError):  # emptied by another thread
            while len(self._table) > self.limit:
                self._table.popitem(last=False)

    def clear(self) -> None:
        """Forget all values."""
        self._table.clear()

    def __len__(self) -> int:
        return len(self._table)


def _header(key: bytes, payload: bytes) -> bytes:
    return b"".join((MAGIC, key, len(payload).to_bytes(8, "little"), digest(payload)))


def _unpack(key: bytes, entry: bytes) -> bytes | None:
    payload = entry[_HEADER:]
    return payload if entry[:_HEADER] == _header(key, payload) else None


def _ours(status: os.stat_result) -> bool:
    """Whether only this user (or root) can have written a file."""
    if os.name != "posix":  # the user's folders are private there, and modes say nothing
        return True
    return status.st_uid in (0, os.geteuid()) and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _blocks(size: int) -> int:
    return -(-size // _BLOCK)
