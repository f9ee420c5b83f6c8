"""Code on disk: what is not exactly what was stored reads as absent, and no disk is an error."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tenure.runtime import cache
from tenure.runtime.cache import DiskCache, MemoryCache, digest, source_fingerprint

KEY = digest(b"a key")
PAYLOAD = bytes(range(100))


@pytest.fixture
def disk(tmp_path: Path) -> DiskCache:
    return DiskCache(tmp_path / "cache")


def entries(disk: DiskCache) -> list[Path]:
    return sorted(Path(disk.folder).glob("*.tno"))


def stored(disk: DiskCache) -> Path:
    """The file of PAYLOAD, stored under KEY."""
    disk.put(KEY, PAYLOAD)
    (place,) = entries(disk)
    return place


def test_what_is_put_is_found(disk: DiskCache) -> None:
    assert disk.get(KEY) is None
    disk.put(KEY, PAYLOAD)
    disk.put(digest(b"another"), b"")
    assert disk.get(KEY) == PAYLOAD
    assert disk.get(digest(b"another")) == b""
    assert DiskCache(Path(disk.folder).parent).get(KEY) == PAYLOAD


def test_a_key_keeps_its_parts_apart() -> None:
    assert len({digest(b"ab", b"c"), digest(b"a", b"bc"), digest(b"abc"), digest(b"abc", b"")}) == 4


def test_flipped_bytes(disk: DiskCache) -> None:
    place = stored(disk)
    whole = place.read_bytes()
    for position in range(len(whole)):
        entry = bytearray(whole)
        entry[position] ^= 1 << position % 8
        place.write_bytes(entry)
        assert disk.get(KEY) is None, position
        assert not place.exists()
    disk.put(KEY, PAYLOAD)
    assert disk.get(KEY) == PAYLOAD


def test_truncated_and_padded(disk: DiskCache) -> None:
    place = stored(disk)
    whole = place.read_bytes()
    for entry in [*(whole[:length] for length in range(len(whole))), whole + b"\0", whole * 2]:
        place.write_bytes(entry)
        assert disk.get(KEY) is None, len(entry)


def test_an_entry_under_the_name_of_another(disk: DiskCache) -> None:
    place = stored(disk)
    place.rename(place.with_stem(digest(b"other").hex()))
    assert disk.get(digest(b"other")) is None
    assert disk.get(KEY) is None


def test_a_folder_in_place_of_an_entry(disk: DiskCache) -> None:
    place = stored(disk)
    place.unlink()
    place.mkdir()
    disk.put(KEY, PAYLOAD)
    assert disk.get(KEY) is None
    assert not list(Path(disk.folder).glob("*.tmp"))


def test_the_folder_vanishes(disk: DiskCache) -> None:
    place = stored(disk)
    for file in Path(disk.folder).iterdir():
        file.unlink()
    place.parent.rmdir()
    assert disk.get(KEY) is None
    disk.put(KEY, PAYLOAD)
    assert disk.get(KEY) == PAYLOAD


@pytest.mark.skipif(os.name != "posix", reason="modes and owners are POSIX")
class TestTrust:
    def test_what_is_made_is_private(self, disk: DiskCache) -> None:
        place = stored(disk)
        assert place.parent.stat().st_mode & 0o777 == 0o700
        assert place.stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
    def test_a_folder_that_others_can_write(self, disk: DiskCache, mode: int) -> None:
        place = stored(disk)
        place.parent.chmod(mode)
        assert disk.get(KEY) is None
        disk.put(digest(b"more"), PAYLOAD)
        assert entries(disk) == [place]
        place.parent.chmod(0o755)
        assert disk.get(KEY) == PAYLOAD

    def test_an_entry_that_others_can_write(self, disk: DiskCache) -> None:
        stored(disk).chmod(0o666)
        assert disk.get(KEY) is None

    def test_somebody_elses_folder(self, disk: DiskCache, monkeypatch: pytest.MonkeyPatch) -> None:
        place = stored(disk)
        if os.geteuid() == 0:
            os.chown(place.parent, 54321, -1)
        else:
            monkeypatch.setattr(os, "geteuid", lambda: 54321)
        assert disk.get(KEY) is None

    def test_a_link_in_place_of_the_folder(self, disk: DiskCache, tmp_path: Path) -> None:
        folder = stored(disk).parent
        folder.rename(tmp_path / "elsewhere")
        folder.symlink_to(tmp_path / "elsewhere")
        assert disk.get(KEY) is None


class TestNoDisk:
    def test_a_read_only_folder(self, disk: DiskCache) -> None:
        folder = stored(disk).parent
        folder.chmod(0o500)
        disk.put(digest(b"more"), PAYLOAD)
        assert disk.get(KEY) == PAYLOAD
        folder.chmod(0o700)

    def test_nothing_can_be_written(self, disk: DiskCache, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*arguments: object, **keywords: object) -> int:
            raise PermissionError("read-only file system")

        place = stored(disk)
        monkeypatch.setattr(os, "open", refuse)
        monkeypatch.setattr(os, "utime", refuse)
        disk.put(digest(b"more"), PAYLOAD)
        assert disk.get(KEY) == PAYLOAD
        assert entries(disk) == [place]

    def test_the_disk_is_full(self, disk: DiskCache, monkeypatch: pytest.MonkeyPatch) -> None:
        stored(disk)

        def replace(source: object, target: object) -> None:
            raise OSError("no space left on device")

        monkeypatch.setattr(os, "replace", replace)
        disk.put(digest(b"more"), PAYLOAD)
        assert not list(Path(disk.folder).glob("*.tmp"))
        assert disk.get(KEY) == PAYLOAD

    def test_a_file_in_place_of_the_folder(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        disk = DiskCache(tmp_path / "file" / "cache")
        disk.put(KEY, PAYLOAD)
        assert disk.get(KEY) is None


class TestSize:
    LIMIT = 1 << 20

    def used(self, disk: DiskCache) -> int:
        return sum(-(-place.stat().st_size // 4096) * 4096 for place in entries(disk))

    def test_it_stays_within_its_limit(self, tmp_path: Path) -> None:
        disk = DiskCache(tmp_path, limit=self.LIMIT)
        for i in range(300):
            disk.put(digest(b"%d" % i), bytes(8000 + i * 50))
            assert self.used(disk) <= self.LIMIT
        assert self.used(disk) > self.LIMIT // 2

    def test_the_least_recently_used_go_first(self, tmp_path: Path) -> None:
        disk = DiskCache(tmp_path, limit=self.LIMIT)
        old, used = digest(b"old"), digest(b"used")
        for key in (old, used):
            disk.put(key, PAYLOAD)
            os.utime(Path(disk.folder) / f"{key.hex()}.tno", (1, 1))
        assert disk.get(used) == PAYLOAD
        for i in range(120):
            disk.put(digest(b"%d" % i), bytes(12000))
            used_now = disk.get(used)
        assert used_now == PAYLOAD
        assert disk.get(old) is None

    def test_what_is_too_large_is_not_kept(self, tmp_path: Path) -> None:
        disk = DiskCache(tmp_path, limit=self.LIMIT)
        disk.put(KEY, bytes(self.LIMIT // 8))
        assert disk.get(KEY) is None

    def test_pruning_is_rare_and_removes_only_what_is_ours(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        disk = DiskCache(tmp_path, limit=self.LIMIT)
        stored(disk)
        folder = Path(disk.folder)
        abandoned, fresh, foreign = folder / "x.tno.1.ab.tmp", folder / "y.tno.2.cd.tmp", folder / "notes.txt"
        for file in (abandoned, fresh, foreign):
            file.write_text("")
        for file in (abandoned, foreign):
            os.utime(file, (1, 1))
        scans = []
        scandir = os.scandir
        monkeypatch.setattr(os, "scandir", lambda path: scans.append(path) or scandir(path))
        for i in range(160):
            disk.put(digest(b"%d" % i), bytes(8000))
        assert 10 <= len(scans) <= 30
        assert not abandoned.exists()
        assert fresh.exists()
        assert foreign.exists()


WRITER = """
import sys
from tenure.runtime.cache import DiskCache, digest
disk = DiskCache(sys.argv[1], limit=1 << 20)
found = 0
for turn in range(4):
    for i in range(100):
        key, payload = digest(b"%d" % i), b"%d" % i * 3000
        got = disk.get(key)
        assert got is None or got == payload, i
        found += got is not None
        disk.put(key, payload)
print(found)
"""


def test_processes_share_a_folder_and_prune_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    outputs = [process.communicate(timeout=30)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert all(int(found) > 100 for found in outputs)
    disk = DiskCache(tmp_path)
    assert entries(disk)
    assert not list(Path(disk.folder).glob("*.tmp"))


def test_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def folder(**environ: str) -> str | None:
        disk = DiskCache.from_environment(environ)
        return None if disk is None else disk.folder

    monkeypatch.setenv("HOME", str(tmp_path))
    assert folder() == str(tmp_path / ".cache/tenure/kernels")
    assert folder(XDG_CACHE_HOME="/var/x") == "/var/x/tenure/kernels"
    assert folder(XDG_CACHE_HOME="relative") == str(tmp_path / ".cache/tenure/kernels")
    assert folder(XDG_CACHE_HOME="/var/x", TENURE_CACHE_DIR="/var/t") == "/var/t/kernels"
    assert folder(TENURE_CACHE_DIR="here") == os.path.abspath("here/kernels")
    assert folder(TENURE_CACHE_DIR="/var/t", TENURE_CACHE="0") is None
    assert folder(TENURE_CACHE="1") == str(tmp_path / ".cache/tenure/kernels")


def test_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert DiskCache.from_environment({}) is None


def test_the_fingerprint_follows_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "BEGUN", time.time() + 60)
    monkeypatch.setattr(cache.tenure, "__file__", str(tmp_path / "__init__.py"))
    (tmp_path / "ops").mkdir()
    file = tmp_path / "ops" / "reduce.py"
    file.write_text("1")

    def now() -> bytes:
        return source_fingerprint.__wrapped__()

    first = now()
    (tmp_path / "ops" / "note.txt").write_text("1")
    assert now() == first
    os.utime(file, (1, 1))
    second = now()
    file.write_text("12")
    os.utime(file, (1, 1))
    assert len({first, second, now()}) == 3


def test_code_edited_under_a_process_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "BEGUN", time.time() + 60)
    assert cache.unedited()
    cache._unedited.cache_clear()
    monkeypatch.setattr(cache, "BEGUN", 0.0)
    assert not cache.unedited()
    monkeypatch.setattr(cache.tenure, "__file__", str(tmp_path / "__init__.py"))
    file = tmp_path / "reduce.py"
    file.write_text("1")
    own = {source_fingerprint.__wrapped__() for _ in range(2)}
    os.utime(file, (time.time() + 60,) * 2)  # a clock that is ahead is no edit
    assert len(own) == 2 and source_fingerprint.__wrapped__() == source_fingerprint.__wrapped__()


def test_memory_is_bounded() -> None:
    table = MemoryCache[int](3)
    for i in range(3):
        table.put(b"%d" % i, i)
    assert table.get(b"0") == 0
    table.put(b"3", 3)
    assert [table.get(b"%d" % i) for i in range(4)] == [0, None, 2, 3]
    assert len(table) == 3
    table.clear()
    assert table.get(b"0") is None
