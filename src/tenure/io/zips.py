"""Zip archives, strictly: entries by name, none of which lies in another, is encrypted or larger than it says.

Nothing is extracted, so that a name is only a name. Sizes are those of the central directory, and are checked against
the file before memory is taken.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from tenure.io.files import CHUNK, Source

LOCAL, CENTRAL, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"
END64, LOCATOR64, DESCRIPTOR = b"PK\6\6", b"PK\6\7", b"PK\7\x08"
LONG = 0xFFFFFFFF
STORED, DEFLATED = 0, 8
ENCRYPTED, STREAMED, UTF8 = 1, 8, 0x800
RATIO = 1032
"""Bytes that one byte of a deflated entry holds at most."""


class Entry(NamedTuple):
    """An entry: where its bytes begin, how many they are in the file and by themselves, and their checksum."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    header: int
    start: int = 0


def is_zip(source: Source) -> bool:
    """Whether a file starts as an archive does."""
    return source.size >= 4 and source.read(0, 4) in (LOCAL, END)


def entries(source: Source) -> dict[str, Entry]:
    """Entries of an archive by name; FileError for one that is damaged or lies about itself."""
    count, size, offset = _end(source)
    if offset + size > source.size or count > size // 46:
        raise source.wrong(f"its directory of {count} entries and {size} bytes does not fit in its {source.size} bytes")
    found: dict[str, Entry] = {}
    for entry in _directory(source, source.read(offset, size), count):
        if entry.name in found:
            raise source.wrong(f"it has two entries of the name {entry.name!r}")
        found[entry.name] = _located(source, entry, offset)
    end, before = 0, ""
    for entry in sorted(found.values(), key=lambda e: e.header):
        if entry.header < end:
            raise source.wrong(f"its entries {before!r} and {entry.name!r} overlap")
        end, before = entry.start + entry.packed, entry.name
    return found


def _end(source: Source) -> tuple[int, int, int]:
    """Number of entries, size and offset of the directory, from the end of the archive."""
    tail_at = max(0, source.size - 65557)
    tail = source.read(tail_at, source.size - tail_at)
    at = tail.rfind(END)
    while at >= 0:
        if at + 22 <= len(tail) and at + 22 + int.from_bytes(tail[at + 20 : at + 22], "little") == len(tail):
            break
        at = tail.rfind(END, 0, at)
    if at < 0:
        raise source.wrong("it starts as a zip archive and has no end of one: it was cut off")
    disk, first, here, count, size, offset = struct.unpack("<4H2L", tail[at + 4 : at + 20])
    at += tail_at
    if at >= 20 and source.read(at - 20, 4) == LOCATOR64:
        (record,) = struct.unpack("<Q", source.read(at - 12, 8))
        fields = source.read(record, 56)
        if fields[:4] != END64:
            raise source.wrong("its zip64 end record is not where it says")
        disk, first, here, count, size, offset = struct.unpack("<2L4Q", fields[16:56])
    if disk or first or here != count:
        raise source.wrong("it is one of several disks of a zip archive")
    return count, size, offset


def _directory(source: Source, data: bytes, count: int) -> Iterator[Entry]:
    at = 0
    for k in range(count):
        head = data[at : at + 46]
        if len(head) < 46 or head[:4] != CENTRAL:
            raise source.wrong(f"its directory is damaged at entry {k + 1} of {count}")
        flags, method, crc, packed, size, names, extras, comments = struct.unpack("<8xHH4xLLLHHH12x", head)
        (header,) = struct.unpack("<L", head[42:])
        raw = data[at + 46 : at + 46 + names]
        extra = data[at + 46 + names : at + 46 + names + extras]
        at += 46 + names + extras + comments
        if at > len(data):
            raise source.wrong(f"its directory is damaged at entry {k + 1} of {count}")
        try:
            name = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise source.wrong(f"the name of an entry is not UTF-8: {raw!r}") from None
        if flags & ENCRYPTED:
            raise source.wrong(f"its entry {name!r} is encrypted")
        if method not in (STORED, DEFLATED):
            raise source.wrong(f"its entry {name!r} is compressed by method {method}, which is not known")
        size, packed, header = _wide(extra, size, packed, header)
        if packed > source.size or size > (packed if method == STORED else packed * RATIO):
            raise source.wrong(f"its entry {name!r} claims {size} bytes, which {packed} bytes do not hold")
        if method == STORED and size != packed:
            raise source.wrong(f"its entry {name!r} is stored, of {size} bytes in {packed}")
        yield Entry(name, method, crc, packed, size, header)


def _wide(extra: bytes, *fields: int) -> list[int]:
    """Sizes and offset, those that do not fit in 32 bits from the extra field."""
    out, at = list(fields), 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack("<HH", extra[at : at + 4])
        body = extra[at + 4 : at + 4 + size]
        if kind == 1:
            for k, x in enumerate(out):
                if x == LONG and len(body) >= 8:
                    out[k], body = int.from_bytes(body[:8], "little"), body[8:]
        at += 4 + size
    return out


def _located(source: Source, entry: Entry, directory: int) -> Entry:
    """The entry with where its bytes begin, by its own header, which says the same name."""
    head = source.read(entry.header, 30)
    names, extras = struct.unpack("<HH", head[26:])
    start = entry.header + 30 + names + extras
    if head[:4] != LOCAL or start + entry.packed > directory:
        raise source.wrong(f"its entry {entry.name!r} does not lie where its directory says")
    if source.read(entry.header + 30, names) != entry.name.encode():
        raise source.wrong(f"its entry {entry.name!r} has another name in its own header")
    return entry._replace(start=start)


def content(source: Source, entry: Entry, verify: bool = True) -> bytes:
    """The bytes of an entry, decompressed. FileError where they are not those of its checksum."""
    data = source.read(entry.start, entry.packed)
    if entry.method == DEFLATED:
        data = inflated(source, entry, data)
    if verify:
        check(source, entry, zlib.crc32(data))
    return data


def inflated(source: Source, entry: Entry, data: bytes) -> bytes:
    """The bytes that a deflated entry holds: as many as it says."""
    try:
        out = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, entry.size + 1)
    except zlib.error as error:
        raise source.wrong(f"its entry {entry.name!r} is damaged: {error}") from None
    if len(out) != entry.size:
        raise source.wrong(f"its entry {entry.name!r} says that it has {entry.size} bytes, and has others")
    return out


def check(source: Source, entry: Entry, crc: int) -> None:
    """FileError where the bytes of an entry do not have its checksum."""
    if crc != entry.crc:
        raise source.wrong(
            f"its entry {entry.name!r} is damaged: the checksum is {crc:08x}, not {entry.crc:08x}",
            help="verify=False reads it all the same, as a file that was written without checksums needs",
        )


def fill(source: Source, entry: Entry, into: memoryview, verify: bool = True) -> None:
    """Read an entry into memory of its size."""
    if entry.method == DEFLATED:
        into[:] = content(source, entry, verify)
        return
    crc = 0
    for part in source.chunks(entry.start, into):
        if verify:
            crc = zlib.crc32(part, crc)
    if verify:
        check(source, entry, crc)


class Writer:
    """Archive that is written in one go, to anything with ``write``: entries one by one, and `close`."""

    def __init__(self, file: Any, limit: int = LONG) -> None:
        self._write: Callable[[Any], Any] = file.write
        self._at, self._limit, self._wide = 0, limit, False
        self._directory: list[bytes] = []

    def add(self, name: str, parts: Sequence[Any], align: int = 1, compress: bool = False) -> None:
        """Write an entry of the bytes of some parts, which begins at a multiple of ``align``."""
        views, raw, header = [memoryview(part).cast("B") for part in parts], name.encode(), self._at
        size = sum(map(len, views))
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS) if compress else None
        wide = max(header, size) + (1 << 16) >= self._limit
        extra = b"\1\0\x10\0" + bytes(16) if wide else b""  # with it the sizes in the descriptor have 64 bits
        pad = -(header + 30 + len(raw) + len(extra)) % align
        if pad:
            pad += align if pad < 4 else 0
            extra += b"FB" + (pad - 4).to_bytes(2, "little") + b"Z" * (pad - 4)
        same = struct.pack("<HHHHH", 45 if wide else 20, STREAMED | UTF8, DEFLATED if compress else STORED, 0, 33)
        later = LONG if wide else 0
        self._put(LOCAL + same + struct.pack("<LLLHH", 0, later, later, len(raw), len(extra)) + raw + extra)
        crc, before = 0, self._at
        for part in [view[k : k + CHUNK] for view in views for k in range(0, len(view), CHUNK)]:
            crc = zlib.crc32(part, crc)
            self._put(part if packer is None else packer.compress(part))
        if packer is not None:
            self._put(packer.flush())
        packed = self._at - before
        self._put(DESCRIPTOR + struct.pack("<LQQ" if wide else "<LLL", crc, packed, size))
        more = struct.pack("<HHQQQ", 1, 24, size, packed, header) if wide else b""
        sizes = (LONG, LONG, LONG) if wide else (packed, size, header)
        fields = struct.pack("<LLLHHHHHLL", crc, *sizes[:2], len(raw), len(more), 0, 0, 0, 0, sizes[2])
        self._directory.append(CENTRAL + b"\x2d\0" + same + fields + raw + more)

    def close(self) -> None:
        """Write the directory."""
        offset, count = self._at, len(self._directory)
        for one in self._directory:
            self._put(one)
        size, end = self._at - offset, self._at
        if end >= self._limit or count >= 0xFFFF:
            self._put(END64 + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, count, count, size, offset))
            self._put(LOCATOR64 + struct.pack("<LQL", 0, end, 1))
            count, size, offset = min(count, 0xFFFF), LONG, LONG
        self._put(END + struct.pack("<4H2LH", 0, 0, count, count, size, offset, 0))

    def _put(self, data: Any) -> None:
        self._write(data)
        self._at += len(data)
