"""Writes of a part of a view with a graph of its own that shows elements more than once.

    d = x.expand(2, 3).detach();  d[1] = v        d[0] shows v too, and so does x
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tenure.torch.cells.geometry import Layout, made
from tenure.torch.cells.overlap import shows_twice
from tenure.torch.cells.steps import Step
from tenure.torch.cells.windows import geometry
from tenure.values.operations.creation import wrap
from tenure.values.operations.indexing import written
from tenure.values.operations.shaping import reshape


def is_repeated(x: Any) -> bool:
    """Whether a tensor is a view with a graph of its own that shows elements more than once."""
    w = x._window
    return w is not None and w.is_root and shows_twice(geometry(x))


def put_shown(of: Layout, steps: Sequence[Step], base: Any, new: Any) -> Any:
    """Value of such a view with another in the part that some steps lead to, wherever it shows those elements."""
    first, places = made(of, "elements", elements)
    shown = wrap(places)
    for step in steps:
        shown = step.see(shown)
    distinct = reshape(base, (-1,))[wrap(first)]
    return written(distinct, shown, new)[wrap(places)]


def elements(of: Layout) -> tuple[Any, Any]:
    """The first place of each element that a layout shows, and which of these each place shows."""
    at = np.zeros(of.shape, np.int64)
    for k, (n, step) in enumerate(zip(of.shape, of.strides, strict=True)):
        at += (np.arange(n) * step).reshape([-1 if j == k else 1 for j in range(len(of.shape))])
    _, first, places = np.unique(at.ravel(), return_index=True, return_inverse=True)
    return first, places.reshape(of.shape)
