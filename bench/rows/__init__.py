"""The rows of the table: each a computation, its sizes, its inputs, and its code for every library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Arrays = list[Any]

SETTLED = 10.0
"""Seconds of calls after which a step of some thousand operations is compiled: until then it runs op by op for as long
as compiling it is expected to take."""


def everything(results: Arrays) -> Arrays:
    """All results are compared."""
    return results


@dataclass(frozen=True)
class Row:
    """A computation.

    ``inputs(rng, *size)`` makes the arrays. ``plain(m, *arrays)`` and ``pure(m, *arrays)`` (see ``sides``) give
    the step to be measured, which takes nothing and gives a tuple of results, the first read by the user.
    ``compared`` picks of the results, as arrays, what must agree within ``tolerance`` of their largest element.
    """

    name: str
    sizes: Mapping[str, tuple[int, ...]]
    inputs: Callable[..., Arrays]
    plain: Callable[..., Callable[[], Any]]
    pure: Callable[..., Callable[[], Any]]
    tolerance: float = 2e-5
    compared: Callable[[Arrays], Arrays] = everything
    not_in: Mapping[str, str] | None = None
    warm_up: float = 0.3
    """Seconds of calls before any is timed: long programs are compiled out of a budget of time."""
    whole: int = 32
    """The bits of whole numbers in JAX, 64 where the others give int64."""


def caches(small: tuple[int, ...], middle: tuple[int, ...], large: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Sizes that fit the second-level cache, the third-level cache, and neither."""
    return {"L2": small, "L3": middle, "memory": large}


def normal(rng: Any, *shape: int) -> Any:
    """Standard normal float32."""
    return rng.standard_normal(shape, dtype="float32")
