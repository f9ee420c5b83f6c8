"""Shadowing: in a process that asks for it, ``import torch`` and all below it is the face, in packages too.

A finder in front of all others answers for ``torch`` and ``torch.…``: the module of the face is the module of PyTorch's
name, one object under two names. It also answers ``importlib.metadata``, which packages ask for the version.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from tenure.torch import absent

OWN = "tenure.torch"
VERSION = "2.13.0"


class Existing(Loader):
    """Loader of a module that has been made already under another name."""

    def __init__(self, own: str) -> None:
        self.own = own
        self._spec: Any = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module of the face."""
        module = importlib.import_module(self.own)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: it has run. It keeps its own spec."""
        module.__spec__ = self._spec

    def get_code(self, name: str) -> Any:
        """The code of the module, for ``python -m``."""
        spec = importlib.util.find_spec(self.own)
        return spec.loader.get_code(self.own) if spec is not None else None  # type: ignore[union-attr]


class Distribution(importlib.metadata.Distribution):
    """Answers to ``importlib.metadata`` about PyTorch."""

    def read_text(self, filename: str) -> str | None:
        """The metadata."""
        return f"Metadata-Version: 2.1\nName: torch\nVersion: {VERSION}\n" if filename == "METADATA" else None

    def locate_file(self, path: Any) -> Any:
        """A path beside this file."""
        return Path(__file__).parent / path


class Finder(MetaPathFinder):
    """Finder of ``torch`` and its submodules: those of the face."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        """The module of the face; ModuleNotFoundError, which says whose it is, without one."""
        if name != "torch" and not name.startswith("torch."):
            return None
        own = f"tenure.{name}"
        if not is_known(own):
            raise ModuleNotFoundError(
                f"No module named {name!r} (this process runs PyTorch programs on Tenure: `torch` is tenure.torch,"
                " which has no such module; docs/torch.md lists what it has)",
                name=name,
            )
        spec = ModuleSpec(name, Existing(own), is_package=True)
        spec.submodule_search_locations = []
        return spec

    def find_distributions(self, context: Any = None) -> Iterator[Any]:
        """The distribution ``torch``, where it is asked for."""
        if getattr(context, "name", None) in ("torch", None):
            yield Distribution()

    def invalidate_caches(self) -> None:
        """Nothing is cached."""


def is_known(own: str) -> bool:
    """Whether the face has a module; its package is imported, which may make it."""
    if own in sys.modules or absent.made(own.removeprefix(f"{OWN}.")) is not None:
        return True
    parent, _, _ = own.rpartition(".")
    if not is_known(parent):
        return False
    importlib.import_module(parent)
    if own in sys.modules or isinstance(getattr(sys.modules[parent], own.rpartition(".")[2], None), ModuleType):
        return own in sys.modules
    return hasattr(sys.modules[parent], "__path__") and importlib.util.find_spec(own) is not None


FINDER = Finder()


def install() -> None:
    """Make ``import torch`` the face from now on, in this process.

    ImportError where PyTorch has been imported already: its tensors and those of the face do not mix."""
    there = sys.modules.get("torch")
    face = importlib.import_module(OWN)
    if there is not None and there is not face:
        raise ImportError(
            f"PyTorch has been imported already (from {getattr(there, '__file__', None)}): call tenure.torch.install()"
            " before the first `import torch`, or start the program by `python -m tenure.torch script.py`"
        )
    if FINDER not in sys.meta_path:
        sys.meta_path.insert(0, FINDER)
    sys.modules["torch"] = face
    face.__name__ = "torch"


def is_installed() -> bool:
    """Whether ``import torch`` is the face in this process."""
    return FINDER in sys.meta_path
