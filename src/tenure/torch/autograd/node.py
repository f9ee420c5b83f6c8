"""The node of a Function's call: what its backward needs, without what would hold its own graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from weakref import ref

from tenure.errors import following
from tenure.runtime.bracket import bracket
from tenure.torch.cells import Tensor, unwrap
from tenure.torch.cells.silent import refuse_noted
from tenure.values.grad.steps import fill
from tenure.values.operations.boundary import array_of
from tenure.values.rules.modes import is_grad_enabled
from tenure.values.tensor.tensor import Tensor as Value
from tenure.values.trace.record import RECORDER


class Node:
    """Needs of the backward of a call.

    The graph holds it, so it holds nothing that the trace in progress has made, which holds the graph: it refers to
    what was saved, ``kept``; ``held`` are those made before. ``saved`` has for each saved tensor references to the
    argument that it is and to its value, nothing for another, or None.
    """

    __slots__ = ("at", "avals", "constant", "ctx", "function", "held", "kept", "needs", "out", "saved")

    def __init__(self, call: Any, kept: list[Any]) -> None:
        ctx, at = call.ctx, call.at
        self.function, self.ctx, self.at, self.needs = call.function, ctx, at, call.needs
        self.avals = [call.values[k]._aval for k in at]
        self.kept, self.held, self.saved = list(map(ref, kept)), list[Any](), list[Any]()
        seen, values = [call.seen[k] for k in at], iter(kept)
        for x in ctx._saved or ():
            if x is None:
                self.saved.append(None)
                continue
            own, value = [k for k, y in zip(at, seen, strict=True) if y is x], following(values)
            older = value._trace is None
            if older:
                self.held.append(value)
            if own:
                cell = call.args[own[0]]
                self.saved.append((ref(cell), ref(call.values[own[0]])))
                if older and not ctx._dirty:
                    self.held.append(cell)
            else:
                self.saved.append(())
        self.out = [isinstance(y, Tensor) for y in call.out] if isinstance(call.out, tuple) else None
        self.constant = [(k, call.outs[k]._aval) for k in call.constant]

    def back(self, saved: Sequence[Any], gradients: Sequence[Any]) -> tuple[Any, ...]:
        """The gradients of the tensors among the arguments."""
        ctx, values = self.ctx, iter(saved)
        for reference in self.kept:
            refuse_noted(reference)
        shown = [None if g is None else Tensor._of(g) for g in gradients]
        for k, aval in self.constant:
            shown[k] = Tensor._of(fill(aval, 0)) if ctx.materialize_grads else None
        if self.out is not None:
            grads = iter(shown)
            shown = [following(grads) if is_tensor else None for is_tensor in self.out]
        ctx._saved = self.shown(values)
        try:
            found = called(self.function, ctx, shown)
        finally:
            ctx._saved = None
        found = found if isinstance(found, tuple) else (found,)
        count = len(self.needs)
        if len(found) > count and all(x is None for x in found[count:]):
            found = found[:count]
        if len(found) != count:
            raise RuntimeError(
                f"function {self.function.__name__}Backward returned an incorrect number of gradients (expected "
                f"{count}, got {len(found)})"
            )
        return tuple([self.fitted(unwrap(found[k]), k, mine) for k, mine in zip(self.at, self.avals, strict=True)])

    def shown(self, saved: Iterable[Any]) -> tuple[Any, ...]:
        """The tensors that ``forward`` saved, from their values."""
        values = iter(saved)
        return tuple([None if of is None else shown_as(of, following(values)) for of in self.saved])

    def fitted(self, g: Any, k: int, mine: Any) -> Any:
        """A gradient summed to the shape of an argument, and in its dtype, as PyTorch does."""
        if g is None or not self.needs[k]:
            return None
        if not isinstance(g, Value):
            raise RuntimeError(f"expected Variable or None (got {type(g).__name__})")
        if g._aval.shape != mine.shape:
            extra = g._aval.ndim - mine.ndim
            ones = [j + extra for j, n in enumerate(mine.shape) if extra >= 0 and n == 1 != g._aval.shape[j + extra]]
            axes = (*range(extra), *ones)
            theirs = g._aval.shape
            g = g.sum(axis=axes).reshape(mine.shape) if axes and fits(theirs, mine.shape) else g
            if g._aval.shape != mine.shape:
                raise RuntimeError(
                    f"Function {self.function.__name__}Backward returned an invalid gradient at index {k} - got "
                    f"{list(theirs)} but expected shape compatible with {list(mine.shape)}"
                )
        return g if g._aval.dtype is mine.dtype else g.to(mine.dtype)


def shown_as(of: tuple[Any, ...], value: Any) -> Any:
    """A saved tensor: the argument that it was, unless that has been written since, or was an example of a vmapped call
    that has returned."""
    if of:
        argument = of[0]()
        now = getattr(argument, "_val", None)
        if now is not None and now is of[1]() and now._kind.level is value._kind.level:
            return argument
    return Tensor._of(value)


def called(kind: Any, ctx: Any, gradients: Sequence[Any]) -> Any:
    """Call the backward of a Function: in the trace that there is, or apart from it if it was seen to read its values.
    Not where what it records is differentiated."""
    if is_grad_enabled() or RECORDER.vmap is not None:
        return kind.backward(ctx, *gradients)
    if kind._reads:
        return apart(kind.backward, ctx, *gradients)
    t = RECORDER.trace
    start = len(t.handles)
    found = kind.backward(ctx, *gradients)
    kind._reads = any(h._data is not None for h in t.handles[start:])
    return found


def apart(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function in a trace of its own, so that it may read its values one after the other: a trace of a backward
    is not cut, and each read within it would run it from its begin."""
    held, t, count = vars(RECORDER), RECORDER.trace, RECORDER.open
    for x in args:
        if isinstance(x, Tensor):
            array_of(x._read())
    RECORDER.fresh()
    enter = ((held.__setitem__, "open", 0),)
    leave = ((held.__setitem__, "open", count), (RECORDER.resume, t))
    return bracket(enter, leave, function, *args)


def fits(shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether an array of another shape broadcasts to one."""
    extra = len(shape) - len(other)
    return all(n in (m, 1) for n, m in zip(other, shape[extra:], strict=True))
