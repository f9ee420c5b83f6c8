"""Values of elements that lie in memory which NumPy's arrays write too: made anew when the memory has changed."""

from __future__ import annotations

import weakref
from typing import Any


def remade(x: Any, made_of: tuple[Any, ...], make: Any) -> Any:
    """Value of a tensor whose elements lie in memory that others write: the last one while it would be made of the
    same, since a graph knows it by its object."""
    shown = (x if x._window is None else x._window.owner)._lent.shown
    last = shown.get(id(x))
    made_of = (*made_of, x._leaf)
    if last is not None and last[0]() is x and all(same(a, b) for a, b in zip(last[1], made_of, strict=True)):
        return last[2]
    value = make(x, made_of[0])
    if len(shown) > 64:
        for k in [k for k, entry in shown.items() if entry[0]() is None]:
            del shown[k]
    shown[id(x)] = weakref.ref(x), made_of, value
    return value


def same(a: Any, b: Any) -> bool:
    """Whether two are one object, or equal bytes."""
    return a is b or (type(a) is bytes and a == b)
