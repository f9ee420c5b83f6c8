"""Progress lines: on a terminal alone, of what takes long alone, and gone behind it."""

from __future__ import annotations

import io
import sys
import threading

import pytest

from tenure.compile import progress


class Screen(io.StringIO):
    """Standard error that is a terminal, or none."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal, self.written = terminal, threading.Event()

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> int:
        self.written.set()
        return super().write(text)


def said(monkeypatch: pytest.MonkeyPatch, terminal: bool, after: float, fails: bool = False) -> str:
    """What is written during work that lasts until there is a line, if one is to come."""
    screen = Screen(terminal)

    def work(n: int) -> int:
        if terminal and not after:
            assert screen.written.wait(30)
        if fails:
            raise KeyError(n)
        return n + 1

    monkeypatch.setattr(progress, "AFTER", after)
    monkeypatch.setattr(sys, "stderr", screen)
    assert progress.watched(work, 1, lambda: "compiling 5 operations") == 2
    return screen.getvalue()


def test_a_line_appears_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    line, erased = said(monkeypatch, True, 0.0).rsplit(progress.ERASE, 1)
    assert "tenure: compiling 5 operations" in line
    assert not erased


@pytest.mark.parametrize(("terminal", "after"), [(False, 0.0), (True, 60.0)])
def test_nothing_is_written_elsewhere_or_soon(monkeypatch: pytest.MonkeyPatch, terminal: bool, after: float) -> None:
    assert said(monkeypatch, terminal, after) == ""


def test_an_error_passes_and_the_line_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyError):
        said(monkeypatch, True, 0.0, fails=True)
    assert isinstance(sys.stderr, Screen)
    assert sys.stderr.getvalue().endswith(progress.ERASE)


def test_no_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert progress.watched(len, "abc", lambda: "") == 3
