"""Lineage of objects: what views show, and the numbers that indices are computed from."""

from collections.abc import Iterable, Set

from tenure.check.values import Obj

__all__ = ["depends", "mentions"]


def depends(view: Obj, of: Set[Obj]) -> bool:
    """Whether a view shows one of these objects, or its region is named by one; or a number is computed from one."""
    at: Obj | None = view
    while at is not None:
        if at in of or (at.terms and _computed(at, of)):
            return True
        for component in at.region:
            for part in component:
                if isinstance(part, Obj) and (part in of or (part.terms and _computed(part, of))):
                    return True
        at = at.base
    return False


def _computed(number: Obj, of: Set[Obj]) -> bool:
    return any(term in of or _computed(term, of) for term in number.terms)


def mentions(component: Iterable[object]) -> bool:
    """Whether a component of a region names an object."""
    return any(isinstance(part, Obj) for part in component)
