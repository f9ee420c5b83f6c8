"""Nodes of the graph as programs walk them: ``y.grad_fn.next_functions``.

A trace's rows already say what each result was computed from, so a node is made when it is asked for, from the rows
of the trace in progress or of the one that has run. Who does not ask pays nothing.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary, WeakValueDictionary, ref

from tenure.errors import following
from tenure.torch.absent import missing
from tenure.torch.cells import Tensor, wrap
from tenure.torch.cells.handles import HookHandle
from tenure.torch.cells.windows import present
from tenure.torch.errors import refuse
from tenure.torch.names.ends import NO_EDGE, AccumulateGrad, Edge, Node, accumulation, inner, kind_of_node
from tenure.values.grad.handlers import Handler
from tenure.values.rules.graph import Leaf, Out
from tenure.values.rules.rows import Results
from tenure.values.trace.handles import living, standing
from tenure.values.trace.trace import Trace

FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been"
    " freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify"
    " retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors"
    " after calling backward."
)
SAVES = """
Mul:self,other Div:self,other Pow:self Square:self Exp:>result Tanh:>result Sigmoid:>result Relu:>result Sqrt:>result
Rsqrt:>result Reciprocal:>result Softmax:>result LogSoftmax:>result Expm1:>result Sin:self Cos:self Log:self Log1P:self
Log2:self Log10:self Abs:self Mm:self,mat2 Bmm:self,mat2 Gelu:self Silu:self Softplus:self Elu:self LeakyRelu:self
Hardtanh:self Clamp:self MseLoss:self,target Erf:self Sinh:self Cosh:self Convolution:input,weight
"""
"""Tensors that PyTorch's nodes save: names of operands in their order, or of the result."""
SAVED = {name: names.split(",") for name, names in (word.split(":") for word in SAVES.split())}


class Graph:
    """Rows of a trace in progress or of a segment, with where the gradient of each source goes on, as of now."""

    __slots__ = ("__weakref__", "handlers", "inputs", "made", "nodes", "owner", "sources")

    def __init__(self, owner: Any) -> None:
        self.inputs: list[Any] | None = None
        if isinstance(owner, Trace):
            self.made = Results(owner.point())
            inputs = {~k: x._src for k, x in enumerate(owner.inputs) if x._kind.tracked}
            self.sources = {**inputs, **owner.marks}
        else:
            self.made, self.sources = Results(owner.path), owner.sources
        self.owner, self.handlers, self.nodes = owner, owner.handlers, WeakValueDictionary[int, Node]()

    def edge(self, slot: int | None) -> Edge:
        """The operation that a slot is a result of; none of a constant."""
        if slot is None:
            return NO_EDGE
        source = self.sources.get(slot)
        if isinstance(source, Leaf):
            return accumulation(source), 0
        if slot < 0:
            if type(source) is not Out:
                return NO_EDGE
            if source.segment is None:
                raise refuse(FREED)
            return graph_of(source.segment).edge(source.slot)
        step, k = self.made[slot]
        if not step.rule.kinds[k].tracked:
            return NO_EDGE
        if not step.rule.name and self.rule(slot) is None and step.args:
            return self.edge(step.args[0])
        return self.node(step, slot, step.rule.name), k

    def node(self, step: Any, slot: int, name: str) -> Any:
        """The node of a step, one object as long as somebody has it."""
        found = self.nodes.get(step.first)
        if found is None:
            handler = self.rule(slot)
            name = handler.name or name if handler is not None else name
            found = kind_of_node(name or "CompositeBackward0", Operation)()
            found.at, found.slot, found.step = self, slot, step  # type: ignore[attr-defined]
            self.nodes[step.first] = found
        return found

    def rule(self, slot: int) -> Any:
        """The handler of a result that a custom rule differentiates; None of another."""
        handler = self.handlers.get(slot)
        return handler if handler is not None and handler.rule is not None else None

    def aval(self, slot: int) -> Any:
        """The shape and the dtype of a slot."""
        if slot >= 0:
            step, k = self.made[slot]
            return step.rule.kinds[k].aval
        if self.inputs is None:
            self.inputs = [rule.params[0] for block in self.made.blocks for rule in block.rules if rule.inputs]
        return self.inputs[~slot]

    def value(self, slot: int) -> Any:
        """The value of a slot."""
        if isinstance(self.owner, Trace) and not self.owner.done:
            return standing(self.owner, slot)
        inputs = getattr(self.owner, "inputs", ())
        found = inputs[~slot] if slot < 0 and ~slot < len(inputs) else None
        if found is None:
            raise missing("a saved tensor of a graph whose values were computed", "ask before they are read")
        return living(found)


_GRAPHS: WeakKeyDictionary[Any, tuple[int, Any]] = WeakKeyDictionary()
"""Graphs of traces and segments, with the number of results that they cover, as long as a node has them."""


def graph_of(owner: Any) -> Graph:
    """The graph of a trace, as far as it is recorded, or of a segment."""
    size = len(owner.handles) if isinstance(owner, Trace) else 0
    count, found = _GRAPHS.get(owner, (-1, lambda: None))
    graph: Graph | None = found()
    if graph is None:
        graph = Graph(owner)
    elif count != size:
        newer = Graph(owner)
        graph.made, graph.sources, graph.inputs = newer.made, newer.sources, None
    _GRAPHS[owner] = size, ref(graph)
    return graph


class Operation(Node):
    """The node of a recorded operation."""

    at: Graph
    slot: int
    step: Any

    @functools.cached_property
    def next_functions(self) -> tuple[Edge, ...]:
        """The operations that the gradient goes on to, each with the place of the result among its results."""
        return tuple(self._edges())

    def _edges(self) -> Iterator[Edge]:
        at, step, slot = self.at, self.step, self.slot
        handler = at.rule(slot)
        if handler is not None:
            call = self._call()
            slots = iter(handler.inputs)
            needs = [True] * len(handler.inputs) if call is None else [call.needs[k] for k in call.at]
            return (at.edge(following(slots)) if needed else NO_EDGE for needed in needs)
        shape = SHAPES.get(operation(step))
        if shape is not None:
            return shape(at, step)
        return map(at.edge, differentiated(at, step))

    def _call(self) -> Any:
        """The node of a custom Function, with what its backward needs."""
        handler = self.at.rule(self.slot)
        return None if handler is None else getattr(handler.rule, "node", None)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name.startswith("_saved_"):
            return saved(self, name[7:])
        call = self._call()
        if call is None:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        if name == "saved_tensors":
            return call.shown(self.at.rule(self.slot).residuals.living())
        return getattr(call.ctx, name)

    def register_prehook(self, fn: Callable[..., Any]) -> Any:
        """Call a function with the gradients of the results, a tuple; what it returns replaces them."""
        if len(self.step.rule.kinds) != 1:
            return super().register_prehook(fn)

        def hook(g: Any) -> Any:
            found = fn((Tensor._of(g),))
            return None if found is None else found[0]._read()

        return HookHandle(self.at.handlers.setdefault(self.slot, Handler()).hooks, hook)


def operation(step: Any) -> str:
    """The name of a step's operation."""
    params = step.rule.params
    first = params[0] if type(params) is tuple and params else None
    return getattr(first, "name", "")


OF_NUMBERS = "add subtract multiply divide power remainder fmod atan2 maximum minimum mse_loss"
NUMBERS = frozenset(OF_NUMBERS.split())
"""Operations of numbers: an operand of whole numbers has an edge, to nothing; of others, as indices, it has none."""


def differentiated(at: Graph, step: Any) -> list[int | None]:
    """The slots of the operands that have an edge; of a product with a number, that of the number is behind them."""
    name = operation(step)
    if name in NUMBERS:
        return [*step.args, None] if len(step.args) == 1 else list(step.args)
    return [s for s in step.args if at.aval(s).dtype.kind in "hfc"]


def linear(at: Graph, step: Any) -> Iterator[Edge]:
    """``addmm(bias, x, weight.t())``, and where x has other than two axes, its view."""
    x, weight, *bias = map(at.edge, step.args)
    flat = at.aval(step.args[0]).ndim == 2
    edges = [*bias, x if flat else inner("ViewBackward0", x), inner("TBackward0", weight)]
    if flat:
        return iter(edges)
    return iter([inner("AddmmBackward0" if bias else "MmBackward0", *edges)])


def cross_entropy(at: Graph, step: Any) -> Iterator[Edge]:
    """The loss of a log-softmax."""
    return iter([inner("LogSoftmaxBackward0", at.edge(step.args[0]))])


SHAPES = {"linear": linear, "cross_entropy_loss": cross_entropy}
"""Operations that PyTorch makes of several."""


class Result(Operation):
    """The node of a tensor at hand: its place in the rows is looked up when it is walked."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def _placed(self) -> Operation:
        """The node itself, with its place."""
        value = self._value
        owner, slot = value._trace, value._slot
        if owner is None:
            source = value._src
            if type(source) is not Out or source.segment is None:
                raise refuse(FREED)
            owner, slot = source.segment, source.slot
        at = graph_of(owner)
        while not at.made[slot][0].rule.name and at.rule(slot) is None and slot not in at.sources:
            slot = at.made[slot][0].args[0]
        self.at, self.slot, self.step = at, slot, at.made[slot][0]
        at.nodes.setdefault(self.step.first, self)
        return self

    def __getattr__(self, name: str) -> Any:
        if name in ("at", "slot", "step"):
            return getattr(self._placed(), name)
        return super().__getattr__(name)


_RESULTS: WeakValueDictionary[int, Any] = WeakValueDictionary()
"""Nodes of values at hand, by the identity of the value that each holds."""


def node_of(x: Any) -> Node | None:
    """The operation that made a tensor, if a gradient flows through it."""
    name = x._node_name()
    if name is None:
        return None
    value = present(x)
    found = _RESULTS.get(id(value))
    if found is None or type(found).__name__ != name:
        made: Any = kind_of_node(name, Result)
        found = _RESULTS[id(value)] = made(value)
    return found  # type: ignore[no-any-return]


def saved(node: Operation, what: str) -> Any:
    """A tensor that a node saves, by PyTorch's name for it."""
    names = SAVED.get(re.sub(r"Backward\d*$", "", type(node).__name__), ())
    if f">{what}" in names:
        if not isinstance(node, Result):
            raise missing(f"_saved_{what} of an inner node", "the tensor itself")
        if node._value._trace is None and getattr(node._value._src, "segment", None) is None:
            raise refuse(FREED)
        return wrap(node._value)
    if what not in names or names.index(what) >= len(node.step.args):
        raise AttributeError(f"'{type(node).__name__}' object has no attribute '_saved_{what}'")
    slot = node.step.args[names.index(what)]
    end = node.at.edge(slot)[0]
    return end.variable if isinstance(end, AccumulateGrad) else wrap(node.at.value(slot))


class GradientEdge(NamedTuple):
    """A result of a node, for ``torch.autograd.grad`` in a tensor's place."""

    node: Any
    output_nr: int
    ownership_token: Any = None


def get_gradient_edge(tensor: Any) -> GradientEdge:
    """The edge that the gradient of a tensor arrives by."""
    if not tensor.requires_grad:
        raise refuse("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    if tensor._leaf is not None:
        return GradientEdge(accumulation(tensor._leaf, tensor), 0)
    return GradientEdge(node_of(tensor), 0)


def tensor_of(x: Any) -> Any:
    """The tensor of an edge; anything else as it is."""
    if not isinstance(x, GradientEdge):
        return x
    if isinstance(x.node, AccumulateGrad):
        return x.node.variable
    if isinstance(x.node, Result):
        return wrap(x.node._value)
    raise missing("the gradient of an inner edge", "`get_gradient_edge(tensor)` of the tensor itself")
