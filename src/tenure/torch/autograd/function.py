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
from tenure.torch.autograd.node import Node
from tenure.torch.cells import Tensor
from tenure.torch.cells.windows import root_view
from tenure.torch.errors import translated
from tenure.values.grad.by_rule import Results
from tenure.values.grad.residuals import Beginning
from tenure.values.operations.arithmetic import detach
from tenure.values.rules.modes import current_mode, is_grad_enabled, no_grad
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


class Call:
    """One call of a Function: its arguments, what ``forward`` saw for them, and what came out."""

    __slots__ = (
        "args",
        "at",
        "constant",
        "ctx",
        "function",
        "kwargs",
        "needs",
        "node",
        "out",
        "outs",
        "seen",
        "values",
    )

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
        rule.node = node  # type: ignore[attr-defined]
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
            plain = None if current_mode().grad else [j for j in self.at if y is self.seen[j] is self.args[j]]
            if plain and self.needs[plain[0]]:
                shown = y.detach()
            elif not dirty and (same := [j for j in self.at if y is self.args[j]]):
                shown = root_view(self.args[same[0]], new)
            elif dirty and any(y is d for d in self.ctx._dirty):
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


def placed(some: Sequence[Any], at: Sequence[int], count: int, others: Sequence[Any] = ()) -> list[Any]:
    """Items at their places among others, or None."""
    out = list(others) or [None] * count
    for k, x in zip(at, some, strict=True):
        out[k] = x
    return out


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
