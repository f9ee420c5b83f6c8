"""Frames of a traceback, and whether their code is the library's own."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator
from types import FrameType

OWN = (os.path.dirname(os.path.dirname(__file__)) + os.sep, "<frozen ", "<__array_function__")
STDLIB = sysconfig.get_path("stdlib") + os.sep
ENGINES = tuple(os.sep + name + os.sep for name in ("llvmlite", "numpy"))


def frames(error: BaseException) -> Iterator[FrameType]:
    """Frames that an error has passed, from the outermost."""
    at = error.__traceback__
    while at is not None:
        yield at.tb_frame
        at = at.tb_next


def is_own(frame: FrameType) -> bool:
    """Whether a frame runs code of the library, of what it is built on, or of Python's."""
    file = frame.f_code.co_filename
    if file.startswith(OWN):
        return True
    if "site-packages" in file:
        return any(engine in file for engine in ENGINES)
    return file.startswith(STDLIB)
