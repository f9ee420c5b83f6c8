"""One line of progress for all ranks, by the first of them."""

from __future__ import annotations

import sys
import time
from typing import Any, TextIO

from tenure.distributed.world import world
from tenure.errors import DTypeError, shown
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import int_of

LIVE, ELSEWHERE = 0.1, 5.0
"""Seconds between two lines on a terminal, where one line is rewritten, and elsewhere."""


class Progress:
    """Line of progress over ``steps`` steps: the first rank writes it to standard error, the others nothing.

    ``update(k, loss=…)`` says that k steps are done, with numbers to show: these are the first rank's own, and are read
    when they are shown only, so other ranks wait for nobody. A step that is taken again after a rank has died is shown
    again. DTypeError for what is no number of steps.

    >>> bar = tn.distributed.Progress(10)
    >>> bar.update(5, loss=tn.tensor(0.25))
    """

    def __init__(self, steps: int, *, file: TextIO | None = None) -> None:
        self.steps = int_of(steps, "Progress: steps")
        if self.steps < 1:
            raise DTypeError(f"Progress: steps is 1 or more, not {shown(steps)}")
        self.file = sys.stderr if file is None else file
        self.live = self.file.isatty()
        self.begun = self.shown = time.monotonic()
        self.first: int | None = None
        self.width = 0

    def update(self, done: int, **numbers: Any) -> None:
        """Show how many steps are done, if it is time to, or if all are."""
        done, now = int_of(done, "Progress.update: done"), time.monotonic()
        self.first = done - 1 if self.first is None else self.first
        if world().rank != 0 or (now - self.shown < (LIVE if self.live else ELSEWHERE) and done < self.steps):
            return
        self.shown = now
        speed = (done - self.first) / max(now - self.begun, 1e-9)
        said = "".join(f"  {name} {float(value_of(x).item()):.4g}" for name, x in numbers.items())
        ranks = f"  {world().size} ranks" if world().size > 1 else ""
        line = f"step {done}/{self.steps}{said}  {speed:.3g} steps/s{ranks}"
        last = done >= self.steps
        if self.live:
            print(f"\r{line.ljust(self.width)}", end="\n" if last else "", file=self.file, flush=True)
            self.width = len(line)
        else:
            print(line, file=self.file, flush=True)
