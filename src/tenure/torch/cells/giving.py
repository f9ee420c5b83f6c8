"""Storing of written contents: up from a window to the owner of its elements.

A write of a window puts its part into its parent's value, and so on up to the owner. An index of what an index takes is
one index of the owner, so that a write through both is one operation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from tenure.torch.cells.repeated import is_repeated, put_shown
from tenure.torch.cells.retaining import Retained, carried
from tenure.torch.cells.silent import changed
from tenure.torch.cells.steps import Index, Step
from tenure.torch.cells.windows import forget, is_shared, layout, present, with_node
from tenure.values.operations.arithmetic import detach
from tenure.values.operations.boundary import array_of
from tenure.values.operations.creation import wrap
from tenure.values.operations.indexing import written
from tenure.values.operations.shaping import reshape
from tenure.values.places.var import as_leaf
from tenure.values.rules.modes import enable_grad
from tenure.values.tensor.tensor import Tensor as Value


def give(x: Any, new: Any, recorded: bool, at: Index | None = None) -> None:
    """Store new contents, of the tensor's shape and dtype, or of the part at an index, all checks passed; in the graph
    if ``recorded``."""
    w = x._window
    if w is not None and not w.is_root:
        through(x, new, recorded, at)
        return
    if at is not None:
        put = partial(put_shown, layout(x), [at]) if w is not None and is_repeated(x) else at.put
        new = placed(put, x, new, recorded)
    read = x._lent.shown.get(id(x)) if w is None and x._lent is not None and x._lent.is_mapped else None
    leaf = x._leaf
    if leaf is not None:
        held = as_leaf(detach(new), leaf)
    elif recorded:
        held = new
    else:
        held = with_node(detach(new), x, present(x))
    if w is not None:
        base, part = detach(present(w.parent)), detach(new)
        give(w.parent, part if w.step is None else w.step.put(base, part), False)
    if w is None and is_shared(x) and x._lent.memory is not None:
        write_memory(x._lent.memory, array_of(held), read)
    hold(x, held)


def write_memory(memory: Any, array: Any, read: Any) -> None:
    """Write new elements to memory that others see: with processes those alone that differ from what was read."""
    changed(memory)
    if read is None:
        memory[...] = array
    else:
        np.copyto(memory, array, where=array != array_of(read[2]))


def through(x: Any, new: Any, recorded: bool, at: Index | None) -> None:
    """``give`` of a view in the graph of its parent: indices of indices are one."""
    w = x._window
    step, root = w.step, w.parent
    if within_repeats(root):
        new = new if at is None else at.put(present(x), new)
        forget(x)
        steps = [step]
        while root._window is not None and not root._window.is_root:
            forget(root)
            steps.insert(0, root._window.step)
            root = root._window.parent
        give(root, placed(partial(put_back, steps), root, new, recorded), recorded)
        return
    top, steps = root, [step]
    while top._window is not None and not top._window.is_root:
        steps.insert(0, top._window.step)
        top = top._window.parent
    if is_repeated(top):
        put = partial(put_shown, layout(top), steps if at is None else [*steps, at])
        forget_up_to(x, top)
        give(top, placed(put, top, new, recorded), recorded)
        return
    whole = at and (step.to(at) if type(step) is Index else None)
    if at is not None and whole is None:
        new = placed(at.put, x, new, recorded)
    forget(x)
    step = whole or step
    if type(step) is Index:
        give(root, new, recorded, step)
        return
    give(root, placed(step.put, root, new, recorded), recorded)


def forget_up_to(x: Any, top: Any) -> None:
    """Forget the values of a view, and of those between it and one that it was taken from."""
    while x is not top:
        forget(x)
        x = x._window.parent


def placed(put: Callable[[Any, Any], Any], x: Any, new: Any, recorded: bool) -> Any:
    """Contents of a tensor with new ones put into a part of them: in the graph if ``recorded``, else without any."""
    if recorded:
        return enable_grad().apply(put, present(x), new)
    return put(detach(present(x)), detach(new) if type(new) is Value else new)


def hold(x: Any, value: Any) -> None:
    """Let an owner, or a view with a graph of its own, have a value: of elements in memory that others write, only its
    graph is kept."""
    w = x._window
    shared = is_shared(x if w is None else w.owner)
    if w is not None:
        w.node = value if value._kind.tracked else None
    elif shared and x._lent.held is not None:
        x._lent.hold(x, value)
    elif shared:
        x._lent.node = value if value._kind.tracked else None
    if shared:
        with suppress(AttributeError):
            del x._val
    else:
        x._val = value
        value._held = True
    if Retained.is_used:
        carried(x, value)


def within_repeats(x: Any) -> bool:
    """Whether a tensor is a view that shows elements more than once, or a part of one."""
    while x._window is not None and not x._window.is_root:
        if x._window.step.repeats:
            return True
        x = x._window.parent
    return False


def put_back(steps: Sequence[Step], base: Any, new: Any) -> Any:
    """Value of a base with another in the view that some steps lead to: of several steps, element by element, as the
    view in between may show an element more than once."""
    if len(steps) == 1:
        return steps[0].put(base, new)
    shape = base._aval.shape
    numbers = wrap(np.arange(base._aval.size).reshape(shape))
    for step in steps:
        numbers = step.see(numbers)
    return reshape(written(reshape(base, (-1,)), numbers, new), shape)
