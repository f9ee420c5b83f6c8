"""Search for the holders of a value, which keep its buffer from being written in place: names, borrows, graphs.
For error messages only: it walks the stacks, and asks the garbage collector."""

from __future__ import annotations

import dis
import gc
import sys
from types import FrameType
from typing import Any

from tenure.errors import Site
from tenure.values.places.borrow import Borrow, SharedBorrow
from tenure.values.places.var import Var
from tenure.values.rules.graph import Segment
from tenure.values.rules.sites import PACKAGE, site
from tenure.values.tensor.tensor import Tensor

Holder = tuple[str, Site | None]


def holders(x: Any, inputs: Any) -> list[Holder]:
    """Holders of a computed value or its array, beside a trace's ``inputs``; each with the line that made it one."""
    others = [h for h in gc.get_referrers(x._data) if isinstance(h, Tensor) and h is not x]
    found: list[Holder] = []
    for handle in (x, *others):
        found += named(handle, "")
        for r in gc.get_referrers(handle):
            if r is inputs:
                continue
            if isinstance(r, Borrow | SharedBorrow):
                found += named(r, "a borrow of its place, ") or [("a borrow of its place holds it", None)]
            elif isinstance(r, Var) and getattr(r, "_val", None) is handle:
                found += named(r, "another place, ") or [("another place holds it", None)]
            elif isinstance(r, list) and any(type(s) is Segment for s in gc.get_referrers(r)):
                found.append(("a graph that backward() has not consumed holds it", None))
    return found or [("somebody holds it", None)]


def frames() -> list[FrameType]:
    """Stack frames of the user's code, in all threads."""
    found: list[FrameType] = []
    for top in sys._current_frames().values():
        frame: FrameType | None = top
        while frame is not None:
            if not frame.f_code.co_filename.startswith(PACKAGE):
                found.append(frame)
            frame = frame.f_back
    del top, frame  # this frame would hold itself, and with those around it the trace, until the collector comes
    return found


def named(x: Any, what: str) -> list[Holder]:
    """Names of an object: variables, also by a container or an attribute."""
    out: list[Holder] = []
    for frame in frames():
        for name, held in list(frame.f_locals.items()):
            path = path_to(x, held)
            if path is not None:
                out.append((f"{what}`{name}{path}`{where(frame)} holds it", bound_at(frame, name)))
    return list(dict.fromkeys(out))


def path_to(x: Any, held: Any) -> str | None:
    """Path from a variable's object to another, in one step; None if there is none."""
    if held is x:
        return ""
    if isinstance(held, dict):
        return next((f"[{key!r}]" for key, item in list(held.items()) if item is x), None)
    if isinstance(held, list | tuple):
        return next((f"[{k}]" for k, item in enumerate(held) if item is x), None)
    if isinstance(held, Tensor) or not hasattr(held, "__dict__") or isinstance(held, type):
        return None
    return next((f".{key}" for key, item in list(vars(held).items()) if item is x), None)


def where(frame: FrameType) -> str:
    """Function of a frame, as text."""
    name = frame.f_code.co_name
    return "" if name.startswith("<") else f" of {name}()"


def names(stored: Any) -> tuple[Any, ...]:
    """Names that an instruction stores to: from Python 3.13 on one may store to two."""
    return stored if isinstance(stored, tuple) else (stored,)


def bound_at(frame: FrameType, name: str) -> Site | None:
    """Last line that gave a variable of a frame its value: the store before the frame's current instruction."""
    steps = dis.get_instructions(frame.f_code)
    stores = [i.offset for i in steps if i.opname.startswith("STORE_") and name in names(i.argval)]
    before = [offset for offset in stores if offset <= frame.f_lasti]
    chosen = before or stores
    return site((frame.f_code, chosen[-1])) if chosen else None
