"""Sites: the user's lines that recorded operations, looked up only when an error needs them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import CodeType, FrameType
from typing import Any, TypeVar

import tenure
from tenure.errors import Site, following
from tenure.ir import likes
from tenure.values.rules.graph import CodeSite

PACKAGE = os.path.dirname(os.path.abspath(tenure.__file__ or "")) + os.sep


def site_of(t: Any, h: Any) -> CodeSite:
    """Site that recorded a handle of a trace: its own, or the user's call into the package around it."""
    if not h._code.co_filename.startswith(PACKAGE):
        return (h._code, h._lasti)
    found: CodeSite = None
    for start, where in t.sites:
        if start > h._slot:
            break
        found = where
    return found


def columns(handles: Sequence[Any]) -> tuple[list[CodeType], list[int]]:
    """The code of the line that recorded each handle, and the offset in it."""
    return [h._code for h in handles], [h._lasti for h in handles]


class Sites:
    """``site_of`` the handles of a trace, in their order: kept as they stand in these, and looked up when asked for."""

    __slots__ = ("calls", "codes", "offsets")

    def __init__(self, t: Any, handles: Sequence[Any]) -> None:
        self.codes, self.offsets = columns(handles)
        self.calls = tuple(t.sites)
        likes.untracked(self.codes, self.offsets, self)

    def all(self) -> list[CodeSite]:
        """The sites."""
        out: list[CodeSite] = []
        ahead, found = iter([*self.calls, (len(self.codes), None)]), None
        start, where = following(ahead)
        for slot, (code, offset) in enumerate(zip(self.codes, self.offsets, strict=True)):
            while start <= slot:
                found = where
                start, where = following(ahead)
            out.append(found if code.co_filename.startswith(PACKAGE) else (code, offset))
        return out


def site(where: CodeSite) -> Site | None:
    """Line of a site, looked up."""
    return None if where is None else Site.of(*where)


def outermost(frame: FrameType) -> FrameType:
    """The nearest frame around one, or itself, that is not of this package."""
    while frame.f_code.co_filename.startswith(PACKAGE) and frame.f_back is not None:
        frame = frame.f_back
    return frame


def recording(t: Any, frame: FrameType) -> FrameType:
    """The frame whose line a step of a trace has that a frame records: the user's, unless a site stands for it."""
    return frame if t.sites and t.sites[-1][1] is not None else outermost(frame)


def user_frame() -> FrameType:
    """Frame of the user's that is calling into the package now."""
    return outermost(sys._getframe(1))


Handle = TypeVar("Handle", bound=Any)


def at_users_line(h: Handle) -> Handle:
    """Set the site of a handle that was recorded deeper below the user's line than operations are."""
    frame = user_frame()
    h._code, h._lasti = frame.f_code, frame.f_lasti
    return h


def here() -> CodeSite:
    """Site of the user's that is calling into the package now."""
    frame = sys._getframe(1)
    while (code := frame.f_code).co_filename.startswith(PACKAGE) and frame.f_back is not None:
        frame = frame.f_back
    return (code, frame.f_lasti)
