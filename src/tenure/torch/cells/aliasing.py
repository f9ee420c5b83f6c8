"""Reading a window that somebody else has written behind: refused, or as PyTorch has it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tenure.errors import OwnershipError
from tenure.values.rules.graph import CodeSite
from tenure.values.rules.sites import here, site

MODES = ("safe", "pytorch")
START = os.environ.get("TENURE_ALIASING", "") or "safe"
_MODE: ContextVar[str] = ContextVar("aliasing", default=START)


def is_safe() -> bool:
    """Whether a stale window is refused."""
    return _MODE.get() == "safe"


@contextmanager
def aliasing(mode: str) -> Iterator[None]:
    """Mode of stale windows for a block: ``"safe"`` refuses to read one, ``"pytorch"`` reads the new elements.

    ValueError for another mode. ``TENURE_ALIASING`` sets it for a process.
    """
    if mode not in MODES:
        raise ValueError(f"aliasing: the modes are {', '.join(MODES)}, not {mode!r}")
    token = _MODE.set(mode)
    try:
        yield
    finally:
        _MODE.reset(token)


class StaleWindowError(OwnershipError):
    """A view is read after its elements were written by another name: the program would depend on the alias (TN597)."""

    code = "TN597"


def stale(taken: CodeSite, written: CodeSite, said: str = "its elements were written here") -> StaleWindowError:
    """TN597 with the line that took the view and the line that wrote its elements, or what is ``said`` of it."""
    return StaleWindowError(
        "a view is read after its elements were written by another name",
        at=site(here()),
        notes=[("the view was taken here", site(taken)), (said, site(written))],
        help="`.clone()` where the view is taken keeps the old elements; taking it again gives the new ones;"
        ' torch.aliasing("pytorch") reads the new ones here',
    )
