"""Progress line of a long compilation, on a terminal: the caller waits, and sees why.

    made = watched(compiled, program, lambda: "compiling a program of 16210 operations, about 10 s")

Nothing is written where standard error is no terminal, or where the function returns soon.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any, TextIO, TypeVar

from tenure.runtime.bracket import bracket

T = TypeVar("T")
AFTER = 0.3
"""Seconds of silence."""
ERASE = "\r\033[K"


class Line:
    """Line that appears after a while and goes when the work is done."""

    def __init__(self, text: str, stream: TextIO) -> None:
        self.text, self.stream, self.shown = text, stream, False
        self.timer = threading.Timer(AFTER, self.show)
        self.timer.daemon = True

    def show(self) -> None:
        """Write the line."""
        self.shown = True
        self.stream.write(f"{ERASE}tenure: {self.text} …")
        self.stream.flush()

    def stop(self) -> None:
        """Erase it, once it is certain that it does not appear any more."""
        self.timer.cancel()
        self.timer.join()
        if self.shown:
            self.stream.write(ERASE)
            self.stream.flush()


def watched(function: Callable[[Any], T], argument: Any, text: Callable[[], str]) -> T:
    """Call a function, with a progress line if that takes long."""
    stream = sys.stderr
    if stream is None or not stream.isatty():
        return function(argument)
    line = Line(text(), stream)
    made: T = bracket(((line.timer.start,),), ((line.stop,),), function, argument)
    return made
