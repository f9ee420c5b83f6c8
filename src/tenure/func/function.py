"""Function: PyTorch's class for an operation with a gradient of one's own, as a ``custom_vjp`` rule."""

from __future__ import annotations

from typing import Any, NoReturn

from tenure.errors import DTypeError, WriteError, shown
from tenure.func import tree
from tenure.func.custom import custom_vjp
from tenure.values.operations.arithmetic import detach
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.given import flag

OWN = ("needs_input_grad", "_saved", "_constant", "_materialize")


class FunctionCtx:
    """Context of one call: tensors that ``forward`` saves for ``backward``, and all else as attributes."""

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self._saved: tuple[Any, ...] = ()
        self._constant: tuple[Any, ...] = ()
        self._materialize = True

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors, or None, for ``saved_tensors``; DTypeError (TN802) for others."""
        for x in tensors:
            if x is not None and not isinstance(x, Tensor):
                raise DTypeError(f"save_for_backward keeps tensors, not {shown(x)}", help="keep others as ctx.name = …")
        self._saved = tensors

    save_for_forward = save_for_backward

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors that were saved."""
        return self._saved

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Results that have no gradient."""
        self._constant = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether ``backward`` gets zeros for a result that nothing uses, or None."""
        self._materialize = flag("set_materialize_grads: value", value)

    def mark_dirty(self, *tensors: Tensor) -> NoReturn:
        """WriteError (TN594): arguments are values, which are not written."""
        raise WriteError(
            "mark_dirty says that forward writes its arguments, and these are values",
            at=site(here()),
            help="return the result, and assign it to the place: v.copy_(F.apply(v))",
        )


class Function:
    """An operation with a gradient of one's own, PyTorch's way: a subclass has ``forward`` and ``backward``.

    ``forward(ctx, *args)`` returns a tensor or a tuple of them, and keeps on ``ctx`` what ``backward(ctx, *gradients)``
    needs, which returns a gradient for each argument, or None. Or ``forward(*args)`` returns the result, and
    ``setup_context(ctx, inputs, output)`` keeps. ``apply(*args)`` calls it. ``forward`` sees values, outside of the
    graph; arguments are not written. Second derivatives, forward mode and vmap are made of ``backward``, as for
    ``tn.custom_vjp``, with its errors.

    >>> class Double(tn.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return 2 * x
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         return 100 * g
    >>> w = tn.tensor([1.0, 2.0], requires_grad=True)
    >>> Double.apply(w).sum().backward()
    >>> w.grad
    tensor([100., 100.])
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """The result; a subclass defines it."""
        raise NotImplementedError("a Function defines forward(ctx, *args)")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Keep what ``backward`` needs, for a ``forward`` without ``ctx``."""
        raise NotImplementedError("a Function whose forward takes no ctx defines setup_context(ctx, inputs, output)")

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """The gradients of the arguments; a subclass defines it."""
        raise NotImplementedError("a Function defines backward(ctx, *gradients)")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """The result for some arguments."""
        needs = tuple([isinstance(x, Tensor) and x.requires_grad for x in args])
        constant: list[int] = []
        materialize = True

        def forward(*given: Any) -> tuple[Any, FunctionCtx]:
            nonlocal materialize
            ctx = FunctionCtx(needs)
            if cls.setup_context is Function.setup_context:
                out = cls.forward(ctx, *given)
            else:
                out = cls.forward(*given)
                cls.setup_context(ctx, given, out)
            materialize = ctx._materialize
            constant[:] = [k for k, y in enumerate(tree.leaves(out)) if any(y is c for c in ctx._constant)]
            return out, ctx

        def first(*given: Any) -> tuple[Any, Any]:
            out, ctx = forward(*given)
            others = {name: x for name, x in vars(ctx).items() if name not in OWN}
            return out, (list(ctx._saved), others)

        def back(kept: Any, g: Any) -> tuple[Any, ...]:
            found = called(cls, FunctionCtx(needs), kept, g)
            return found[: len(args)] if all(x is None for x in found[len(args) :]) else found

        def plain(*given: Any) -> Any:
            return forward(*given)[0]

        plain.__name__ = plain.__qualname__ = cls.__name__
        rule: Any = custom_vjp(plain)
        rule.defvjp(first, back)
        rule._asks = lambda: not materialize
        out = rule(*args)
        if not constant:
            return out
        leaves = [detach(y) if k in constant else y for k, y in enumerate(tree.leaves(out))]
        return tree.rebuild(out, iter(leaves))


def called(kind: type[Function], ctx: FunctionCtx, kept: Any, g: Any) -> tuple[Any, ...]:
    """Gradients by the backward of a Function, on a context with all that ``forward`` has ``kept``."""
    ctx._saved = tuple(kept[0])
    vars(ctx).update(kept[1])
    found = kind.backward(ctx, *tree.leaves(g))
    return found if isinstance(found, tuple) else (found,)
