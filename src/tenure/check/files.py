"""Writing files in one step, so that a reader finds the old or the new one, whole."""

import os
from contextlib import suppress

__all__ = ["replace"]


def replace(path: str, data: bytes, mode: int | None = None) -> None:
    """Put new contents in a file's place. `mode`: its permissions; None: those of new files."""
    beside = f"{path}.{os.getpid()}.new"
    try:
        with open(beside, "xb") as file:
            file.write(data)
        if mode is not None:
            os.chmod(beside, mode)
        os.replace(beside, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(beside)
        raise
