"""``torch.autograd.Function``: an operation with a gradient of one's own, as a home ``custom_vjp`` rule.

``forward`` sees the arguments themselves; in a vmapped call, and where operations run at once, tensors of its own that
start with their elements: what it writes into one is written to the argument behind it. ``backward`` gets saved
arguments as the tensors that they are, as long as nobody has written them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any
from weakref import ref

from tenure.errors import TenureError, following
from tenure.func.custom import ruled
from tenure.runtime.bracket import bracket
from tenure.torch.cells import Tensor, unwrap
from tenure.torch.cells.silent import refuse_noted
from tenure.torch.errors import translated
from tenure.values.grad.by_rule import Results
from tenure.values.grad.residuals import Beginning
from tenure.values.grad.steps import fill
from tenure.values.operations.arithmetic import detach
from tenure.values.operations.boundary import array_of
from tenure.values.rules.modes import current_mode, is_grad_enabled, no_grad
from tenure.values.tensor.tensor import Tensor as Value
from tenure.values.trace.record import RECORDER


class FunctionCtx:
    """Context of one call: tensors that ``forward`` saves for ``backward``, and all else as attributes."""

    materialize_grads = True
    _saved: tuple[Any, ...] | None = ()
    _constant: tuple[Any, ...] = ()
    _dirty: tuple[Any, ...] = ()

    def __init__(self, needs_input_grad: tuple[bool, ...] = ()) -> None:
        self.needs_input_grad = needs_input_grad

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors, or None, for ``saved_tensors``."""
        for x in tensors:
            if x is not None and not isinstance(x, Tensor):
                said = type(x).__name__
                raise TypeError(f"save_for_backward can only save variables, but argument is of type {said}")
        self._saved = tensors

    save_for_forward = save_for_backward

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors that were saved; they are there while ``forward`` or ``backward`` runs."""
        if self._saved is None:
            raise RuntimeError("saved tensors of a Function are read in its forward or its backward")
        return self._saved

    def mark_non_differentiable(self, *args: Any) -> None:
        """Results that have no gradient."""
        self._constant = args

    def mark_dirty(self, *args: Any) -> None:
        """Arguments that ``forward`` has written."""
        self._dirty = args

    def set_materialize_grads(self, value: bool) -> None:
        """Whether ``backward`` gets zeros for a result without a gradient, or None."""
        self.materialize_grads = value


class Node:
    """What a backward needs of a call.

    The graph holds it, so it holds nothing that the trace in progress has made, which holds the graph: it refers to what
    was saved, ``kept``; ``held`` are those made before. ``saved`` has for each saved tensor references to the argument
    that it is and to its value, nothing for another, or None.
    """

    __slots__ = ("at", "avals", "constant", "ctx", "function", "held", "kept", "needs", "out", "saved")

    def __init__(self, call: Call, kept: list[Any]) -> None:
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
        ctx._saved = tuple([None if of is None else shown_as(of, following(values)) for of in self.saved])
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


class Call:
    """One call of a Function: its arguments, what ``forward`` saw for them, and what came out."""

    __slots__ = ("args", "at", "constant", "ctx", "function", "kwargs", "needs", "node", "out", "outs", "seen", "values")

    def __init__(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs
        self.at = [k for k, x in enumerate(args) if isinstance(x, Tensor)]
        self.values, self.seen, needs = list(args), list(args), [False] * len(args)
        for k in self.at:
            self.values[k] = value = args[k]._read()
            needs[k] = value._kind.tracked
        self.needs = tuple(needs)
        self.out: Any = None
        self.outs: list[Any] = []
        self.constant: list[int] = []
        self.ctx = FunctionCtx()
        self.node: Any = None

    def whole(self) -> Any:
        """The results, from which a gradient goes on to the arguments."""
        given = [self.values[k] for k in self.at]
        mode = current_mode()
        if not mode.grad or True not in self.needs:
            return self.result(self.forward(*given))
        if mode.eager or RECORDER.vmap is not None:
            rule = ruled(self.forward, self.first, self.back, f"{self.function.__name__}Backward", self.asks)
            return self.result(rule(*given))
        begun = Beginning(RECORDER.trace, [])
        return self.connected(begun, no_grad().apply(self.forward, *given))

    def asks(self) -> bool:
        """Whether ``backward`` gets None for results without a gradient."""
        return not self.ctx.materialize_grads

    def connected(self, begun: Beginning, found: tuple[Any, ...]) -> Any:
        """The results of ``forward``, in the graph those that have a gradient."""
        name, constant, count = f"{self.function.__name__}Backward", self.constant, len(found)
        moving = [k for k in range(count) if k not in constant] if constant else range(count)
        if not moving:
            return self.result(found)
        inputs = [self.values[k] for k in self.at if self.needs[k]]
        rest = [self.values[k] for k in self.at if not self.needs[k]]
        saved, node = self.saved(), self.node
        results = Results([found[k] for k in moving] if constant else found, name, self.asks())
        handler, parts, _ = results.connected(begun, inputs, rest, saved, bool(saved))
        needed = [k for k, at in enumerate(self.at) if self.needs[at]]

        def rule(g: Any, tensors: Sequence[Any]) -> list[Any]:
            gradients = results.cotangents(g)
            grads = node.back(tensors, placed(gradients, moving, count) if constant else gradients)
            return [grads[k] for k in needed]

        handler.name, handler.rule = name, rule
        return self.result(placed(parts, moving, count, found) if constant else parts)

    def forward(self, *given: Any) -> tuple[Any, ...]:
        """The tensors among the results, as values."""
        ctx = self.ctx = FunctionCtx(self.needs)
        for k, value in zip(self.at, given, strict=True):
            if value is not self.values[k]:
                self.seen[k] = Tensor._of(value)
        if is_grad_enabled():
            no_grad().apply(self.run, ctx)
        else:
            self.run(ctx)
        outs = self.out if isinstance(self.out, tuple) else (self.out,)
        self.outs = [y for y in outs if isinstance(y, Tensor)]
        self.constant = [
            k for k, y in enumerate(self.outs)
            if y._aval.dtype.kind not in "hfc" or (ctx._constant and any(y is c for c in ctx._constant))
        ]  # fmt: skip
        for k, value in zip(self.at, given, strict=True):
            x = self.seen[k]
            if x is not self.args[k] and x._read() is not value and not any(x is d for d in ctx._dirty):
                no_grad().apply(self.args[k]._assign, x._read())
        return tuple([y._read() for y in self.outs])

    def run(self, ctx: FunctionCtx) -> None:
        """Call the user's ``forward``."""
        kind = self.function
        if kind.setup_context is Function.setup_context:
            self.out = kind.forward(ctx, *self.seen, **self.kwargs)
        else:
            self.out = kind.forward(*self.seen, **self.kwargs)
            kind.setup_context(ctx, tuple(self.seen), self.out)

    def first(self, *given: Any) -> tuple[Any, Any]:
        """The results, and what backward needs."""
        return self.forward(*given), self.saved()

    def saved(self) -> list[Any]:
        """The values that ``forward`` saved; what else backward needs is the call's ``node``."""
        found = [x._read() for x in self.ctx._saved or () if x is not None]
        self.node = Node(self, found)
        return found

    def back(self, saved: Sequence[Any], gradients: Sequence[Any]) -> tuple[Any, ...]:
        """The gradients of the tensors among the arguments."""
        return self.node.back(saved, gradients)  # type: ignore[no-any-return]

    def result(self, values: Sequence[Any]) -> Any:
        """The result of ``forward`` with tensors that have the graph."""
        made = []
        for k, (y, value) in enumerate(zip(self.outs, values, strict=True)):
            new = detach(value) if k in self.constant else value
            dirty = [j for j in self.at if y is self.seen[j]] if self.ctx._dirty else []
            if dirty and any(y is d for d in self.ctx._dirty):
                shown = self.args[dirty[0]]
                shown = shown if getattr(shown, "_val", None) is new else shown._assign(new)
            else:
                shown = Tensor._of(new)
            if new._kind.tracked and shown._window is None and shown._leaf is None:
                shown.__dict__["_node"] = ref(shown._val), f"{self.function.__name__}Backward"
            made.append(shown)
        self.ctx._saved, self.ctx._dirty, self.ctx._constant = None, (), ()
        found = iter(made)
        if isinstance(self.out, tuple):
            return tuple([following(found) if isinstance(y, Tensor) else y for y in self.out])
        return following(found) if isinstance(self.out, Tensor) else self.out


def shown_as(of: tuple[Any, ...], value: Any) -> Any:
    """A saved tensor: the argument that it was, unless that has been written since, or was an example of a vmapped call
    that has returned."""
    if of:
        argument = of[0]()
        now = getattr(argument, "_val", None)
        if now is not None and now is of[1]() and now._kind.level is value._kind.level:
            return argument
    return Tensor._of(value)


def placed(some: Sequence[Any], at: Sequence[int], count: int, others: Sequence[Any] = ()) -> list[Any]:
    """Items at their places among others, or None."""
    out = list(others) or [None] * count
    for k, x in zip(at, some, strict=True):
        out[k] = x
    return out


def called(kind: Any, ctx: FunctionCtx, gradients: Sequence[Any]) -> Any:
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


class Function:
    """Base of operations with a gradient of one's own: a subclass has static ``forward`` and ``backward``."""

    __module__ = "torch.autograd.function"
    generate_vmap_rule = False
    _reads = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd"
            " function with static forward method."
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """The result; a subclass defines it."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Keep what ``backward`` needs, for a ``forward`` without ``ctx``."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradients of the arguments; a subclass defines it."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with"
            " backward mode AD."
        )

    vjp = backward

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """The result for some arguments."""
        try:
            return Call(cls, args, kwargs).whole()
        except TenureError as error:
            raise translated(error) from None


def once_differentiable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of a ``backward`` that is not differentiated itself: a second derivative is a RuntimeError."""

    @functools.wraps(fn)
    def wrapper(ctx: Any, *args: Any) -> Any:
        out = no_grad().apply(fn, ctx, *args)
        if not is_grad_enabled() or not any(isinstance(a, Tensor) and a.requires_grad for a in args):
            return out
        listed = out if isinstance(out, tuple) else (out,)
        found = tuple([Refusing.apply(y, *args) if isinstance(y, Tensor) else y for y in listed])
        return found if isinstance(out, tuple) else found[0]

    return wrapper


class Refusing(Function):
    """A result whose derivative is refused."""

    @staticmethod
    def forward(ctx: Any, y: Any, *args: Any) -> Any:
        """The result."""
        return y.clone()

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """RuntimeError."""
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")


class InplaceFunction(Function):
    """A Function with an option ``inplace``."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


__all__ = ["Function", "FunctionCtx", "InplaceFunction", "once_differentiable"]
