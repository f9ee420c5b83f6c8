"""Other handles of a value: what a handle says of it, copied to a new one."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from tenure.values.trace import record

STATE = ("_aval", "_kind", "_trace", "_slot", "_data", "_src", "_rule")
OPTIONAL = ("_code", "_lasti", "_kept")


def another(x: Any) -> Any:
    """Another handle of the same value."""
    y = object.__new__(record._Tensor)
    set_state(y, x)
    for name in OPTIONAL:
        with suppress(AttributeError):
            object.__setattr__(y, name, object.__getattribute__(x, name))
    return y


def set_state(y: Any, x: Any) -> None:
    """Make y what x is."""
    for name in STATE:
        object.__setattr__(y, name, object.__getattribute__(x, name))


def own(x: Any) -> Any:
    """Handle of a computed value that no user has."""
    y = another(x)
    y._trace = y._rule = None
    return y


def living(x: Any) -> Any:
    """The handle of a held value itself, or another one if the user has moved it away."""
    return x if type(x) is record._Tensor else x.twin()


def standing(t: Any, slot: int) -> Any:
    """Living handle of a slot of a trace, of a result that has been moved away another one of the same slot."""
    if slot < 0:
        return living(t.inputs[~slot])
    x = t.handles[slot]
    return x if type(x) is record._Tensor else another(x)
