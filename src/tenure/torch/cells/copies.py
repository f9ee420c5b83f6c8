"""Copies of tensors: ``copy.copy`` shares elements, ``copy.deepcopy`` has its own, and so has what is pickled."""

from __future__ import annotations

from typing import Any

from tenure.torch.cells.geometry import Geometry
from tenure.torch.cells.geometry import layout as layout_of
from tenure.torch.cells.layout import stored
from tenure.torch.cells.parameter import Parameter
from tenure.torch.cells.processes import refuse_spawned
from tenure.torch.cells.stores import WRITING, Store, Stores
from tenure.torch.cells.tensor import Tensor
from tenure.torch.cells.windows import layout, look, present, take
from tenure.torch.errors import refuse
from tenure.values.operations.arithmetic import detach
from tenure.values.operations.boundary import array_of, owned

OF_GRAPH = ("_base_before", "_hooked", "_node", "_retained", "_writes")
"""Attributes that are of a tensor's graph and writes."""


def copied(self: Any) -> Any:
    """A window of all of a tensor, a leaf if that requires grad."""
    if isinstance(self, Parameter):
        return type(self)(self, self.requires_grad)
    twin = take(self, type(self)._blank(), None)
    return twin.requires_grad_() if self.requires_grad else twin


def deeply(self: Any, memo: dict[Any, Any]) -> Any:
    """A tensor with elements of its own, which plain ones that are copied together share as before; of a plain one with
    its gradient. RuntimeError for a result of the graph."""
    if id(self) in memo:
        return memo[id(self)]
    if not self.is_leaf:
        raise refuse(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment."
            "  If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage,"
            " see https://github.com/pytorch/pytorch/pull/103001"
        )
    if type(self) is Tensor:
        store, at = memo.setdefault("stores", Stores()).of(self, copies=True)
        twin = memo[id(self)] = store.tensor(Tensor, at)
        if self.requires_grad:
            twin.requires_grad_()
    else:
        twin = memo[id(self)] = again(type(self), array_of(detach(look(self))).copy(), self.requires_grad)
        of = layout(self)
        if not of.is_contiguous:
            stored(twin, of.strides)
    if not isinstance(self, Parameter) and self.grad is not None:
        twin.grad = deeply(self.grad, memo)
    twin.__dict__.update(attributes(self))
    return twin


def reduced(self: Any, protocol: Any) -> Any:
    """Contents of a pickle: the elements, in a file those that several tensors share once, and whether they require
    grad; the face's own classes by a letter."""
    refuse_spawned(self)
    kind = {Tensor: "t", Parameter: "p"}.get(type(self), type(self))
    more = attributes(self) or None
    if (stores := WRITING.get()) is not None:
        store, at = stores.of(self)
        return of_store, (kind, store, at.offset, at.shape, at.strides, self.requires_grad), more
    if self._window is None and self._layout is None:
        return again, (kind, array_of(detach(look(self))).copy(), self.requires_grad), more
    store, at = Stores().of(self)
    low, high = at.bounds() if at.size else (0, -1)
    part = Store(store.memory[low : high + 1].copy())
    return of_store, (kind, part, 0, at.shape, at.strides, self.requires_grad), more


def of_store(
    kind: Any, store: Store, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], requires_grad: bool
) -> Any:
    """A tensor that shows elements of a store."""
    return finished(kind, store.tensor(Tensor, Geometry(offset, layout_of(shape, strides))), requires_grad)


def attributes(x: Any) -> dict[str, Any]:
    """Attributes that a program gave a tensor: not what is of its graph."""
    return {name: value for name, value in x.__dict__.items() if name not in OF_GRAPH}


def again(kind: Any, array: Any, requires_grad: bool) -> Any:
    """A tensor that owns an array."""
    return finished(kind, Tensor._of(owned(array)), requires_grad)


def finished(kind: Any, whole: Any, requires_grad: bool) -> Any:
    """A tensor of a class, by its letter or itself, with the elements of a plain one."""
    kind = {"t": Tensor, "p": Parameter}.get(kind, kind)
    if issubclass(kind, Parameter):
        return kind(whole, requires_grad)
    if kind is not Tensor:
        made = kind._blank()
        made._val = present(whole)
        whole = made
    return whole.requires_grad_() if requires_grad else whole


for _name, _method in (("__copy__", copied), ("__deepcopy__", deeply), ("__reduce_ex__", reduced)):
    setattr(Tensor, _name, _method)
    setattr(Parameter, _name, _method)
