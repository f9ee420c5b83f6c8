"""Pending results that are wanted one group after the other, each while the rest still runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tenure.runtime.bracket import bracket
from tenure.values.run.pieces import ASKED, Groups
from tenure.values.trace.record import RECORDER


def run_in_pieces(groups: Sequence[Sequence[Any]], told: Callable[[int, list[Any]], None]) -> None:
    """Run what is pending in this thread; ``told(k, arrays)`` is called as soon as group k of it has been computed.

    It runs between two parts of the program, and records nothing. Not every run has parts: where something is known
    already, or runs for the first time, nobody is told.
    """
    t = RECORDER.trace
    wanted = [[x._read() for x in group] for group in groups]
    if RECORDER.open or t.busy or any(x._trace is not t or x._data is not None for group in wanted for x in group):
        return
    slots: Groups = tuple([tuple([x._slot for x in group]) for group in wanted])
    before = (ASKED.trace, ASKED.groups, ASKED.told)
    bracket(_asked(t, slots, told), _asked(*before), RECORDER.flush)


def _asked(trace: Any, groups: Groups, told: Any) -> tuple[Any, ...]:
    return (setattr, ASKED, "groups", groups), (setattr, ASKED, "told", told), (setattr, ASKED, "trace", trace)
