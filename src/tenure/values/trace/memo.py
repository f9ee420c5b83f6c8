"""Memo of the forms of calls: a loop gives the same sizes, steps and names again, and they are checked once."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

PLAIN = frozenset((int, bool, float, str, type(None)))
"""Types of arguments that are equal only where they mean the same, told apart by type."""


def remembered(form: Callable[..., Any]) -> Callable[..., Any]:
    """A pure function ``form(known, *given)``, found again where all that is given is plain, or tuples of ints.

    ``known`` is the caller's own and has one type throughout: names, shapes. What the user gives is looked at, as
    (1, True) is equal to (1, 1) and is another argument.
    """
    kept = lru_cache(maxsize=4096, typed=True)(form)

    def found(known: Any, *given: Any) -> Any:
        for x in given:
            kind = type(x)
            if kind is tuple:
                for n in x:
                    if type(n) is not int:
                        return form(known, *given)
            elif kind not in PLAIN:
                return form(known, *given)
        return kept(known, *given)

    return found
