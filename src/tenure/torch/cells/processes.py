"""Elements in memory that forked processes share: ``share_memory_``.

    model.share_memory()           each parameter's elements move into a mapping that a fork inherits
    p.add_(g)          in one      reads the mapping as it is now, and writes the elements that it changes
    p.sum()            in another  reads it anew

As in PyTorch nothing is locked: of two writes of one element at once one is lost. What a graph saved keeps its
elements.
"""

from __future__ import annotations

import mmap
from multiprocessing.context import get_spawning_popen
from typing import Any

import numpy as np

from tenure.torch.cells.leaving import Lent, lend
from tenure.torch.cells.memory import image, window_of
from tenure.torch.cells.windows import geometry, is_shared, present
from tenure.torch.errors import refuse


def share(x: Any) -> Any:
    """Let the owner of a tensor's elements have them in memory that processes share; the tensor itself."""
    owner = x if x._window is None else x._window.owner
    if owner._lent is None:
        owner._lent = Lent()
    if not owner._lent.is_mapped:
        elements = image(present(owner), geometry(owner))
        raw = np.frombuffer(mmap.mmap(-1, max(elements.nbytes, 1)), elements.dtype, elements.size)
        memory = window_of(raw, geometry(owner))
        memory[...] = elements
        if is_shared(owner):
            raise refuse("share_memory_: NumPy's arrays show the tensor's elements; share it before")
        lend(owner, memory)
        owner._lent.is_mapped = True
    return x


def is_mapped(x: Any) -> bool:
    """Whether processes share a tensor's elements."""
    lent = (x if x._window is None else x._window.owner)._lent
    return lent is not None and lent.is_mapped


def refuse_spawned(x: Any) -> None:
    """Refuse to give a shared tensor to a process that is no fork, which would have a copy."""
    if is_mapped(x) and get_spawning_popen() is not None:
        raise refuse("a tensor in shared memory is given to a spawned process: those that are forked share it")
