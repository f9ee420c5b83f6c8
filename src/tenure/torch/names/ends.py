"""Nodes of a graph: their names and classes, and the ends of a gradient's way, at leaves."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary, ref

from tenure.torch.absent import missing
from tenure.torch.cells import Tensor
from tenure.values.rules.graph import Leaf

Edge = tuple[Any, int]
NO_EDGE: Edge = (None, 0)


class Node:
    """An operation of the graph: it has a name, which is that of its class too, and edges to the operations behind."""

    def name(self) -> str:
        """The name of the operation's derivative."""
        return type(self).__name__

    def __repr__(self) -> str:
        name = type(self).__name__
        place = "torch.autograd.function." if name.endswith("Backward") else ""  # those of PyTorch end in a number
        return f"<{place}{name} object at {id(self):#x}>"

    next_functions: Any = ()
    """The operations that the gradient goes on to, each with the place of the result among its results."""

    @functools.cached_property
    def metadata(self) -> dict[Any, Any]:
        """Notes of the program's own."""
        return {}

    def register_hook(self, fn: Callable[..., Any]) -> Any:
        """Refused: what a node passes on to each of its inputs is not to be had apart from their other uses."""
        raise missing(
            "Node.register_hook",
            "`tensor.register_hook` on an input sees its gradient, `register_prehook` that of the result",
        )

    def register_prehook(self, fn: Callable[..., Any]) -> Any:
        """Refused where no single gradient comes."""
        raise missing("Node.register_prehook", "`tensor.register_hook` on the result")


@functools.cache
def kind_of_node(name: str, base: type = Node) -> type[Node]:
    """Class of the operations of a name, as in PyTorch."""
    return type(name, (base,), {"__module__": "builtins"})


class Inner(Node):
    """A node that PyTorch has before that of an operation, and which is recorded with it."""

    def __init__(self, *edges: Edge) -> None:
        self.next_functions = edges


def inner(name: str, *edges: Edge) -> Edge:
    """Edge to a node of a name, if it leads anywhere."""
    return (kind_of_node(name, Inner)(*edges), 0) if any(node is not None for node, _ in edges) else NO_EDGE


class AccumulateGrad(Node):
    """The end of a gradient's way: it is added to that of a leaf, ``variable``."""

    __module__ = "builtins"

    def __init__(self, leaf: Leaf) -> None:
        self._leaf = leaf

    def name(self) -> str:
        """Name of the node in PyTorch's library."""
        return "torch::autograd::AccumulateGrad"

    @property
    def variable(self) -> Any:
        """The leaf."""
        found = _PLACES.get(self._leaf, lambda: None)()
        if found is None:
            for x in gc.get_objects():
                if isinstance(x, Tensor) and x._leaf is not None:
                    _PLACES[x._leaf] = ref(x)
            found = _PLACES.get(self._leaf, lambda: None)()
        if found is None:
            raise missing("the variable of a leaf that nobody has any more", "keep its tensor or its module")
        return found

    def register_hook(self, fn: Callable[..., Any]) -> Any:
        """Call a function once a gradient has been added, with no gradients of inputs and with that of the leaf."""
        return self.variable.register_post_accumulate_grad_hook(lambda x: fn((), (x.grad,)) and None)

    def register_prehook(self, fn: Callable[..., Any]) -> Any:
        """Call a function with the gradient, a tuple of one, before it is added; what it returns replaces it."""

        def hook(g: Any) -> Any:
            found = fn((g,))
            return None if found is None else found[0]

        return self.variable.register_hook(hook)


_PLACES: WeakKeyDictionary[Leaf, Any] = WeakKeyDictionary()
"""Tensors of leaves, found when one is asked for: a leaf does not know its tensor."""
_ENDS: WeakKeyDictionary[Leaf, Any] = WeakKeyDictionary()
"""Nodes of leaves, as long as somebody has them."""


def accumulation(leaf: Leaf, x: Any = None) -> AccumulateGrad:
    """The node of a leaf."""
    found = _ENDS.get(leaf, lambda: None)()
    if found is None:
        found = AccumulateGrad(leaf)
        _ENDS[leaf] = ref(found)
    if x is not None:
        _PLACES[leaf] = ref(x)
    return found  # type: ignore[no-any-return]
