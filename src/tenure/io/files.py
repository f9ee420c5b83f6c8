"""Files by path or as objects: reads at offsets, and writes that replace a file as a whole or not at all."""

from __future__ import annotations

import io
import os
import secrets
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tenure.errors import DTypeError, FileError, shown

if TYPE_CHECKING:
    from _typeshed import SupportsRead, SupportsWrite

    Readable: TypeAlias = str | os.PathLike[str] | SupportsRead[bytes]
    Writable: TypeAlias = str | os.PathLike[str] | SupportsWrite[bytes]

CHUNK = 1 << 20
"""Bytes that are read or written at a time, so that they are summed up while they are in the cache."""


def path_of(f: Any, what: str, method: str) -> Path | None:
    """Path that an argument names; None for a file object. DTypeError (TN802) for what is neither."""
    if isinstance(f, str | os.PathLike):
        path = os.fspath(f)
        if isinstance(path, str) and path and "\0" not in path:
            return Path(path)
    elif isinstance(f, io.TextIOBase):
        raise DTypeError(f"{what}: {name_of(f)} is open for text", help='open it with mode "rb" or "wb"')
    elif callable(getattr(f, method, None)) and not isinstance(f, type):
        return None
    raise DTypeError(
        f"{what}: a file is a path or an object with {method}(), not {shown(f)}",
        help='give a str, a pathlib.Path, or a file opened with mode "rb" or "wb"',
    )


def octets(array: Any) -> memoryview:
    """The bytes of an array in C order, to read or to fill."""
    return memoryview(array.reshape(-1).view(np.uint8))


class Source:
    """Bytes of a file from its position on, read at offsets. `name` is how messages call it."""

    def __init__(self, file: Any, name: str) -> None:
        self.name = name
        try:
            seekable = file.seekable() if hasattr(file, "seekable") else hasattr(file, "seek")
        except ValueError as error:  # it is closed
            raise self.wrong(str(error)) from None
        if not seekable:
            data = file.read()
            if not isinstance(data, bytes | bytearray | memoryview):
                raise DTypeError(f"load: read() of {name} gives text", help='open it with mode "rb"')
            file = io.BytesIO(data)
        self._file = file
        self._start = file.tell()
        self.size = file.seek(0, os.SEEK_END) - self._start
        file.seek(self._start)

    def wrong(self, reason: str, help: str | None = None) -> FileError:
        """The error about this file."""
        return FileError(f"{self.name}: {reason}", help=help)

    def read(self, offset: int, count: int) -> bytes:
        """So many bytes at an offset; FileError where the file ends before."""
        if offset < 0 or count < 0 or offset + count > self.size:
            raise self.wrong(f"{count} bytes at offset {offset} lie outside of its {self.size} bytes")
        self._file.seek(self._start + offset)
        data = self._file.read(count)
        if not isinstance(data, bytes) or len(data) != count:
            raise self.wrong(f"it ended early, within {count} bytes at offset {offset}")
        return data

    def chunks(self, offset: int, into: memoryview) -> Iterator[memoryview]:
        """Fill memory from an offset on, a chunk at a time; each is given once it is there."""
        if offset < 0 or offset + len(into) > self.size:
            raise self.wrong(f"{len(into)} bytes at offset {offset} lie outside of its {self.size} bytes")
        readinto = getattr(self._file, "readinto", None)
        for start in range(0, len(into), CHUNK):
            part = into[start : start + CHUNK]
            if readinto is None:
                part[:] = self.read(offset + start, len(part))
            else:
                self._file.seek(self._start + offset + start)
                if readinto(part) != len(part):
                    raise self.wrong(f"it ended early, within {len(into)} bytes at offset {offset}")
            yield part

    def rest(self) -> Any:
        """The file object, at its start."""
        self._file.seek(self._start)
        return self._file

    def tell(self) -> int:
        """The offset at which the file object is now."""
        return int(self._file.tell()) - int(self._start)

    def finish(self) -> None:
        """Leave the file object at its end."""
        self._file.seek(self._start + self.size)


@contextmanager
def damages(source: Source) -> Iterator[None]:
    """Errors of what a file says, as one class that names the file."""
    try:
        yield
    except FileError:
        raise
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, struct.error, EOFError) as error:
        raise source.wrong(f"it is damaged: {error}") from error
    except (RecursionError, AssertionError, SystemError, zlib.error) as error:
        raise source.wrong(f"it is damaged: {error}") from error


@contextmanager
def reading(f: Readable, what: str) -> Iterator[Source]:
    """A file to read from; one that was given by its path is closed in the end."""
    path = path_of(f, what, "read")
    if path is None:
        source = Source(f, f"{what}: {name_of(f)}")
        yield source
        source.finish()
        return
    with open(path, "rb", buffering=0) as file:
        yield Source(io.BufferedReader(file, 1 << 16), f"{what}: {path}")


def name_of(f: Any) -> str:
    """A file object as messages call it."""
    name = getattr(f, "name", None)
    return name if isinstance(name, str) else f"a {type(f).__name__}"


@contextmanager
def writing(f: Writable, what: str) -> Iterator[Any]:
    """A file to write to. One given by its path is replaced as a whole once all is on disk, else not at all.

    What is written goes to a file beside it, whose name starts with a dot and ends in ``.tmp``, with the rights of the
    former file. Where the path is no regular file, as /dev/stdout, it is written itself.
    """
    path = path_of(f, what, "write")
    if path is None:
        yield f
        return
    target = os.path.realpath(path)
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(os.stat(target).st_mode):
            with open(target, "wb") as file:
                yield file
            return
    folder, name = os.path.split(target)
    beside = os.path.join(folder, f".{name[:100]}.{secrets.token_hex(6)}.tmp")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with open(handle, "wb", buffering=CHUNK) as file:
            yield file
            file.flush()
            os.fsync(handle)
        with suppress(OSError):
            os.chmod(beside, stat.S_IMODE(os.stat(target).st_mode))
        os.replace(beside, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise
    _settle(folder)


def _settle(folder: str) -> None:
    """Bring a folder's entries to disk, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
