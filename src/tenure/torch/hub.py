"""``torch.hub``: files of weights from the cache folder; nothing is downloaded."""

from __future__ import annotations

import os
import re
from importlib import import_module
from typing import Any
from urllib.parse import urlparse

from tenure.torch.absent import missing
from tenure.torch.saving import load as _load

HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")
_DIR: list[str] = []
__all__ = ["download_url_to_file", "get_dir", "help", "list", "load", "load_state_dict_from_url", "set_dir"]


def _get_torch_home() -> str:
    return os.path.expanduser(os.getenv("TORCH_HOME", os.path.join(os.getenv("XDG_CACHE_HOME", "~/.cache"), "torch")))


def get_dir() -> str:
    """The folder of files."""
    return _DIR[0] if _DIR else os.path.join(_get_torch_home(), "hub")


def set_dir(d: str) -> None:
    """Set the folder of files."""
    _DIR[:] = [os.path.expanduser(d)]


def load_state_dict_from_url(
    url: str, model_dir: str | None = None, map_location: Any = None, progress: bool = True, check_hash: bool = False,
    file_name: str | None = None, weights_only: bool = False,
) -> Any:  # fmt: skip
    """A file of weights that PyTorch, or the user, has put into the cache folder."""
    folder = os.path.join(get_dir(), "checkpoints") if model_dir is None else model_dir
    path = os.path.join(folder, file_name or os.path.basename(urlparse(url).path))
    if not os.path.exists(path):
        raise missing(f"a download of {url}", f"fetch it yourself, and save it as {path}")
    return _load(path, map_location=map_location)


def load(*args: Any, **kwargs: Any) -> Any:
    """NotImplementedError: nothing is downloaded."""
    raise missing("torch.hub.load", "install the package of the model, and load its weights by torch.load")


download_url_to_file = help = list = load


class Bar:
    """A bar of progress that shows none, where ``tqdm`` is not installed."""

    def __init__(self, iterable: Any = None, *args: Any, **kwargs: Any) -> None:
        self.iterable = iterable

    def __iter__(self) -> Any:
        return iter(self.iterable)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def update(self, n: int = 1) -> None:
        """Nothing."""

    set_description = close = update


def __getattr__(name: str) -> Any:
    if name != "tqdm":
        raise AttributeError(f"module 'torch.hub' has no attribute {name!r}", name=name)
    try:
        return import_module("tqdm.auto").tqdm
    except ImportError:
        return Bar
