"""The default generators of a process together: Tenure's of this thread, Python's and NumPy's.

What is computed in parts, by whoever has room, draws from a stream of each part's own: then the numbers depend on the
part alone, not on what else was computed here.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from tenure.values.operations.generator import default_generator


class States(NamedTuple):
    """States of the default generators: Tenure's (an int64 value), Python's, and NumPy's."""

    tenure: Any
    python: Any
    numpy: Any


def states() -> States:
    """The states as they are now."""
    return States(default_generator().get_state(), random.getstate(), np.random.get_state())


def restore(before: States) -> None:
    """Go on from states."""
    default_generator().set_state(before.tenure)
    random.setstate(before.python)
    np.random.set_state(before.numpy)


def start(seed: int) -> None:
    """Start all three with one seed."""
    default_generator().manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)


@contextmanager
def drawing_from(seed: int | None) -> Iterator[None]:
    """Context in which all three draw from a seed, and behind which they go on from where they were; without a seed
    from where they are."""
    if seed is None:
        yield
        return
    before = states()
    start(seed)
    try:
        yield
    finally:
        restore(before)
