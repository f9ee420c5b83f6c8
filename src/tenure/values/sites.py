"""Sites: the user's lines that recorded operations, looked up only when an error needs them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import CodeType, FrameType
from typing import Any, TypeVar

from tenure.errors import Site, following
from tenure.values.graph import CodeSite

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


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


def sites_of(t: Any, handles: Sequence[Any]) -> list[CodeSite]:
    """``site_of`` the handles of a trace, in their order."""
    out: list[CodeSite] = []
    ours: dict[CodeType, bool] = {}
    ahead, found = iter([*t.sites, (len(handles), None)]), None
    start, where = following(ahead)
    for slot, h in enumerate(handles):
        while start <= slot:
            found = where
            start, where = following(ahead)
        code = h._code
        inside = ours.get(code)
        if inside is None:
            inside = ours[code] = code.co_filename.startswith(PACKAGE)
        out.append(found if inside else (code, h._lasti))
    return out


def site(where: CodeSite) -> Site | None:
    """Line of a site, looked up."""
    return None if where is None else Site.of(*where)


def user_frame() -> FrameType:
    """Frame of the user's that is calling into the package now."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename.startswith(PACKAGE) and frame.f_back is not None:
        frame = frame.f_back
    return frame


Handle = TypeVar("Handle", bound=Any)


def at_users_line(h: Handle) -> Handle:
    """Set the site of a handle that was recorded deeper below the user's line than operations are."""
    frame = user_frame()
    h._code, h._lasti = frame.f_code, frame.f_lasti
    return h


def here() -> CodeSite:
    """Site of the user's that is calling into the package now."""
    frame = user_frame()
    return (frame.f_code, frame.f_lasti)
