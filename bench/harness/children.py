"""Fresh processes whose start is measured."""

from __future__ import annotations

import os


def keep_bytecode() -> None:
    """Let the processes that this one starts keep the bytecode of what they import, as Python does by itself: where
    the environment forbids it, each of them compiles the whole library, and that is what would be measured."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
