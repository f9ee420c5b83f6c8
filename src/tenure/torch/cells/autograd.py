"""Gradients of the face's tensors: leaves, ``.grad``, ``backward``, ``.data``, hooks."""

from __future__ import annotations

from functools import partial
from typing import Any

from tenure.errors import BorrowError, GradientError, TenureError
from tenure.torch.cautions import NO_LEAF, caution
from tenure.torch.cells.aliasing import is_safe
from tenure.torch.cells.anomaly import looked_at
from tenure.torch.cells.giving import hold
from tenure.torch.cells.handles import HookHandle, handled
from tenure.torch.cells.inference import REQUIRING, refuse_inference
from tenure.torch.cells.retaining import Retained, carried, retained
from tenure.torch.cells.roles import keep_nodes, outlive, rebind, step_aside
from tenure.torch.cells.silent import note, refuse_rewritten
from tenure.torch.cells.spreading import freeze
from tenure.torch.cells.turns import in_turn
from tenure.torch.cells.windows import NO_GRAD, detached, forget, is_tracked, look, present
from tenure.torch.errors import TorchTypeError, refuse, translated
from tenure.values.grad import autograd
from tenure.values.grad.handlers import handler_of
from tenure.values.grad.sparse_place import RowsPlace
from tenure.values.grad.sparse_rows import SparseRows
from tenure.values.operations.arithmetic import detach
from tenure.values.places.var import as_leaf
from tenure.values.rules.graph import Frozen, Leaf, Out, keeper
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor as Value


def holder(x: Any) -> Any:
    """Holder of a tensor's gradient: of a leaf, a former one, or a result that retains it; None without one."""
    found = keeper(x)
    if found is None and Retained.is_used and "_retained" in x.__dict__:
        return x.__dict__["_retained"].leaf
    return found


def refuse_lost(x: Any) -> None:
    """TN506 where a view gets other elements by ``.data =``: what it was taken from keeps its own."""
    w = x._window
    if w is not None and not w.is_root and is_safe():
        raise BorrowError(
            "the elements of a view are replaced: the tensor that it was taken from would keep its own",
            code="TN506",
            at=site(here()),
            notes=[("the view was taken here", site(w.where))],
            help="`.data.copy_(…)` or `x[…] = …` writes what the view shows",
        )


def rows_of(g: Any) -> SparseRows | None:
    """The rows of a sparse gradient; None for anything else."""
    found = getattr(type(g), "_as_rows", None)
    return (g if isinstance(g, SparseRows) else None) if found is None else found(g)


def retain(face: Any, kept: Leaf, g: Any) -> None:
    """Add a gradient to one that is kept of a result: the sum is another tensor."""
    kept.grad = face._of(g if kept.grad is None else look(kept.grad) + g)


def is_consumed(value: Any) -> bool:
    """Whether a backward has consumed the graph of a value, which then keeps no gradient any more."""
    source = value._src
    if type(source) is Out:
        return source.segment is None
    try:
        handler_of(value)
    except GradientError:
        return True
    return False


class Shown:
    """The gradient that a hook was given last, and the tensor that it was given as: the next hook of the same gradient
    is given the same object, with what the first has set on it. A backward forgets it at its end."""

    last: Any = (None, None)

    @classmethod
    def of(cls, face: Any, g: Any) -> Any:
        """The tensor of a gradient."""
        if cls.last[0] is not g:
            cls.last = g, face._of(g)
        return cls.last[1]


class Autograd:
    """Attributes and methods of a tensor that are of its graph."""

    __slots__ = ()

    @property
    def requires_grad(self: Any) -> bool:
        """Whether a gradient flows through the tensor."""
        return bool(present(self)._kind.tracked)

    @requires_grad.setter
    def requires_grad(self: Any, flag: bool) -> None:
        self.requires_grad_(flag)

    def requires_grad_(self: Any, requires_grad: bool = True) -> Any:
        """Make the tensor a leaf, or none any more; RuntimeError for a result, or a dtype without a gradient."""
        if type(requires_grad) is not bool:
            raise refuse("requires_grad_(): argument 'requires_grad' must be bool, not"
                         f" {type(requires_grad).__name__}", TorchTypeError)
        if requires_grad and self._aval.dtype.kind not in "hfc":
            raise refuse("only Tensors of floating point dtype can require gradients")
        if requires_grad and self._home is not None:
            refuse_inference(self, REQUIRING)
        if bool(requires_grad) == self.requires_grad and not (requires_grad and self._leaf is None and self.is_leaf):
            return self  # a view that requires what its base does becomes a leaf of its own
        if not requires_grad and self._leaf is None and self.is_leaf:
            return self  # a view taken outside the graph: it requires what its base does
        if not requires_grad and not self.is_leaf:
            raise refuse(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a"
                " subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        value = detach(present(self))
        if requires_grad:
            kept, former = keeper(self), self.__dict__.pop("_retained", None)
            self._leaf = Leaf() if kept is None else kept.leaf
            self._leaf.grad = kept.grad if kept is not None else former and former.leaf.grad
            self._frozen = None
            if self._window is None or self._window.is_root:
                outlive(self)
            if self._window is not None:
                step_aside(self)
                self._window.is_root, self._window.recorded = True, self._window.flag != NO_GRAD
            value = as_leaf(value, self._leaf)
        elif self._leaf is not None:
            keep_nodes(self)
            freeze(self)
            if self._window is not None and self._window.step is not None and is_tracked(self):
                self._window.is_root = self._window.recorded = False
                forget(self)
                return self  # a view, which requires what its base does
        hold(self, value)
        return self

    @property
    def is_leaf(self: Any) -> bool:
        """Whether no recorded operation made the tensor."""
        if self._leaf is not None or not self.requires_grad:
            return True
        w = self._window
        if w is not None and not w.is_root and not w.recorded:
            return True
        return isinstance(present(self)._src, Leaf)  # of a view that has been given other elements

    def _grad_fn_name(self: Any) -> Any:
        """The name of the operation that made the tensor; None of a leaf."""
        return None if self.is_leaf else present(self)._grad_fn_name()

    @property
    def grad(self: Any) -> Any:
        """The gradient: one tensor, in which the next backward accumulates; None before the first."""
        kept = holder(self)
        if kept is None or kept.grad is None:
            if kept is None and not self.is_leaf:
                caution(NO_LEAF)
            return None
        if type(kept.grad) is RowsPlace:
            return self._sparse.at(kept.grad)
        if not isinstance(kept.grad, type(self)._face):
            kept.grad = type(self)._face._of(kept.grad._read())
            kept.grad._layout = self._layout
        return kept.grad

    @grad.setter
    def grad(self: Any, g: Any) -> None:
        if g is None:
            kept = holder(self)
            if kept is not None:
                kept.grad = None
            return
        if (rows := rows_of(g)) is not None:
            autograd.set_grad(self, rows)
            return
        if not isinstance(g, Value):
            raise refuse(f"assigned grad expected to be a Tensor or None but got grad of type {type(g).__name__}",
                         TorchTypeError)
        if g is self:
            raise refuse("can't assign Variable as its own grad")
        if g._aval.shape != self._aval.shape:
            theirs, mine = list(g._aval.shape), list(self._aval.shape)
            said = f"attempting to assign a gradient of size '{theirs}' to a tensor of size '{mine}'."
            raise refuse(f"{said} Please ensure that the gradient and the tensor are the same size")
        if g._aval.dtype is not self._aval.dtype:
            raise refuse("assigned grad has data of a different type")
        kept = holder(self)
        if kept is None:
            kept = self._frozen = Frozen(Leaf())
        kept.grad = g

    @grad.deleter
    def grad(self: Any) -> None:
        self.grad = None

    _grad = grad

    def backward(
        self: Any,
        gradient: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add the gradient of the tensor to ``.grad`` of every leaf that it was computed from."""
        g = None if gradient is None else look(gradient)
        value = look(self)
        if not value._kind.tracked or (self._leaf is None and self.is_leaf):
            raise refuse("element 0 of tensors does not require grad and does not have a grad_fn")
        if g is None and value._aval.size != 1:
            raise refuse("grad can be implicitly created only for scalar outputs")
        refuse_rewritten([value])
        try:
            with looked_at():
                autograd.backward(value, g, retain_graph, create_graph, inputs)
        except TenureError as error:
            raise translated(error) from None
        finally:
            Shown.last = None, None

    def register_hook(self: Any, hook: Any) -> Any:
        """Call a function with the gradient of the tensor once per backward; what it returns replaces it."""
        if not self.requires_grad:
            raise refuse("cannot register a hook on a tensor that doesn't require gradient")
        face = type(self)._face

        def shown(g: Any) -> Any:
            if isinstance(g, SparseRows):
                return rows_of(hook(face._sparse(g)))
            given = Shown.of(face, g)
            found = hook(given)
            if found is None:
                now = look(given)  # it may have written the gradient
                return None if now is g else now
            rows = rows_of(found)
            return look(found) if rows is None else rows

        if self._leaf is None and is_consumed(present(self)):
            return HookHandle({}, shown)  # no gradient comes any more
        if self._window is not None:
            self.__dict__["_hooked"] = True
        return handled(autograd.register_hook(self if self._leaf is not None else present(self), shown))

    def register_post_accumulate_grad_hook(self: Any, hook: Any) -> Any:
        """Call a function with the tensor, a leaf, after a backward has added to its gradient."""
        if not self.requires_grad:
            raise refuse("cannot register a hook on a tensor that doesn't require gradient")
        if self._leaf is None and self.is_leaf:
            return HookHandle({}, hook)  # a view that requires grad, which goes nowhere
        if self._leaf is None:
            raise refuse("post accumulate grad hooks cannot be registered on non-leaf tensors")

        def called(x: Any) -> None:
            if hook(x) is not None:
                raise refuse("Tensor post accumulate grad hooks should return None.")

        return handled(autograd.register_post_accumulate_grad_hook(self, called, keeps=True))

    def retain_grad(self: Any) -> None:
        """Keep the gradient of a result in its ``.grad``."""
        if not self.requires_grad:
            raise refuse("can't retain_grad on Tensor that has requires_grad=False")
        value = present(self)
        if self._leaf is None and not self.retains_grad and not is_consumed(value):
            kept = Leaf()
            assigned = getattr(self, "_frozen", None)
            if assigned is not None:  # the next gradient is added to what the user gave
                kept.grad, self._frozen = assigned.grad, None
            retained(self, kept, partial(retain, type(self)._face, kept))
            carried(self, value)

    @property
    def retains_grad(self: Any) -> bool:
        """Whether the tensor is a result whose gradient is kept."""
        return self._leaf is None and Retained.is_used and "_retained" in self.__dict__

    @property
    def data(self: Any) -> Any:
        """Window of all elements, outside the graph; assigned, the tensor takes those of another."""
        return detached(self, True)

    @data.setter
    @in_turn
    def data(self: Any, other: Any) -> None:
        w = getattr(other, "_window", other)
        if w is other:
            raise TypeError(f"Variable data has to be a tensor, but got {type(other).__name__}")
        if w is not None and self._window is None and w.parent is self and w.step is None:
            return
        if other is not self:
            refuse_lost(self)
            note(present(self), of_object=True)
            rebind(self, other)

    def detach_(self: Any) -> Any:
        """Take the tensor out of its graph; RuntimeError for a view."""
        if (self._window is not None and self._window.step is not None) or "_base_before" in self.__dict__:
            raise refuse("Can't detach views in-place. Use detach() instead.")
        keep_nodes(self)
        value = detach(present(self))
        if self._leaf is not None:
            freeze(self)
        hold(self, value)
        return self

