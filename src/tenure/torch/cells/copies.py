"""Copies of tensors: ``copy.copy`` shares elements, ``copy.deepcopy`` has its own, and so has what is pickled."""

from __future__ import annotations

from typing import Any

from tenure.torch.cells.layout import stored
from tenure.torch.cells.parameter import Parameter
from tenure.torch.cells.processes import refuse_spawned
from tenure.torch.cells.tensor import Tensor
from tenure.torch.cells.windows import layout, look, take
from tenure.torch.errors import refuse
from tenure.values.operations.arithmetic import detach
from tenure.values.operations.boundary import array_of, owned


def copied(self: Any) -> Any:
    """A window of all of a tensor, a leaf if that requires grad."""
    if isinstance(self, Parameter):
        return type(self)(self, self.requires_grad)
    twin = take(self, type(self)._blank(), None)
    return twin.requires_grad_() if self.requires_grad else twin


def deeply(self: Any, memo: dict[int, Any]) -> Any:
    """A tensor with elements of its own; of a plain one with its gradient. RuntimeError for a result of the graph."""
    if id(self) in memo:
        return memo[id(self)]
    if not self.is_leaf:
        raise refuse(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment."
            "  If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage,"
            " see https://github.com/pytorch/pytorch/pull/103001"
        )
    twin = memo[id(self)] = again(type(self), array_of(detach(look(self))).copy(), self.requires_grad)
    of = layout(self)
    if not of.is_contiguous:
        stored(twin, of.strides)
    if not isinstance(self, Parameter) and self.grad is not None:
        twin.grad = deeply(self.grad, memo)
    twin.__dict__.update(attributes(self))
    return twin


def reduced(self: Any, protocol: Any) -> Any:
    """Contents of a pickle: the elements, and whether they require grad; the face's own classes by a letter."""
    refuse_spawned(self)
    kind = {Tensor: "t", Parameter: "p"}.get(type(self), type(self))
    return again, (kind, array_of(detach(look(self))).copy(), self.requires_grad), attributes(self) or None


def attributes(x: Any) -> dict[str, Any]:
    """Attributes that a program gave a tensor: not what is of its graph."""
    return {name: value for name, value in x.__dict__.items() if name not in ("_base_before", "_node", "_retained")}


def again(kind: Any, array: Any, requires_grad: bool) -> Any:
    """A tensor that owns an array."""
    kind = {"t": Tensor, "p": Parameter}.get(kind, kind)
    whole = Tensor._of(owned(array))
    if issubclass(kind, Parameter):
        return kind(whole, requires_grad)
    if kind is not Tensor:
        made = kind._blank()
        made._val = whole._val
        whole = made
    return whole.requires_grad_() if requires_grad else whole


for _name, _method in (("__copy__", copied), ("__deepcopy__", deeply), ("__reduce_ex__", reduced)):
    setattr(Tensor, _name, _method)
    setattr(Parameter, _name, _method)
