"""Public interface to the graph: backward, gradients of tensors, hooks, retained gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from tenure.errors import DTypeError, GradientError, ShapeError, shown
from tenure.values.grad.backward import Walk
from tenure.values.grad.gradients import add, by_leaf, short_walk
from tenure.values.grad.handlers import After, RemovableHandle, accumulated, finished, handler_of, run_hooks
from tenure.values.grad.roots import run_walk
from tenure.values.grad.ruled import ruled_walk
from tenure.values.grad.sparse_place import RowsBorrow, RowsPlace, place_of
from tenure.values.grad.sparse_rows import SparseRows
from tenure.values.grad.steps import fill
from tenure.values.operations.reading import value_of
from tenure.values.operations.shaping import stack
from tenure.values.rules.graph import Hook, Leaf, keeper
from tenure.values.rules.levels import refuse_backward
from tenure.values.rules.sites import here, site
from tenure.values.trace import record
from tenure.values.trace.given import flag

BACK = "use y.backward() to add the gradients of all leaves"

if TYPE_CHECKING:
    from tenure.values.places.borrow import Borrow
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Tensors


def backward(
    x: ArrayLike,
    gradient: ArrayLike | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensors | None = None,
) -> None:
    """Add the gradient of x to ``.grad`` of every leaf it was computed from (of ``inputs`` only, if given).

    ``gradient`` is the cotangent of x, of its shape and dtype; a scalar needs none. The graph is consumed unless
    ``retain_graph`` (by default, ``create_graph``). UseAfterMove (TN382) for a graph that has been consumed before;
    GradientError (TN804) if x does not require grad.

    >>> w = tn.tensor([2.0, 3.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> w.grad
    tensor([4., 6.])
    """
    root = value_of(x)
    g = None if gradient is None else value_of(gradient)
    refuse_backward(root if g is None else g)
    create_graph = create_graph is not False and flag("create_graph", create_graph)
    keep = create_graph if retain_graph is None else flag("retain_graph", retain_graph)
    usual = inputs is None and g is None and not create_graph and root._kind.tracked
    if usual and (short_walk(root, keep) or ruled_walk(root, keep)):
        return
    walk_back([root], [g], keep, create_graph, inputs)


def walk_back(roots: list[Any], given: list[Any], keep: bool, create_graph: bool, inputs: Tensors | None) -> None:
    """Add the gradients of several values, with their cotangents, to the leaves they reach (to ``inputs`` only)."""
    if inputs is not None:
        _restricted(roots, given, keep, create_graph, _leaves(inputs))
        return
    walk = Walk(create_graph, not keep, accumulate=True)
    run_walk(walk, roots, given, ())
    if walk.completion is not None:
        walk.completion.rest(walk)
        finished(walk.hooked)
        return
    for leaf in list(walk.before):
        walk.settle(leaf)
    for leaf, gx in by_leaf(walk.leaves, run_hooks).items():
        add(leaf, gx)


def _restricted(roots: list[Any], given: list[Any], keep: bool, create_graph: bool, places: list[Any]) -> None:
    """Add the gradients of several values to those of some leaves alone."""
    for place in places:
        if getattr(place, "_leaf", None) is not None and place._leaf.grad is not None:
            place._leaf.grad._refuse_write()
    found = grad(roots, places, given, keep, create_graph, allow_unused=True)
    for place, gx in zip(places, found, strict=True):
        leaf = getattr(place, "_leaf", None)
        if leaf is None:
            raise GradientError("backward(inputs=…) takes leaves", at=site(here()))
        if gx is not None:
            add(leaf, gx)
            accumulated(leaf)
    finished([place._leaf for place in places])


def _leaves(inputs: Any) -> list[Any]:
    """Leaves that a backward is restricted to, given as one or as several."""
    if isinstance(inputs, str | bytes | dict) or not hasattr(type(inputs), "__iter__"):
        raise DTypeError(f"backward: inputs is a list of leaves, not {shown(inputs)}")
    return [inputs] if isinstance(inputs, record._Tensor) else list(inputs)


@overload
def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: ArrayLike | Sequence[ArrayLike | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: Literal[False] | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]: ...
@overload
def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: ArrayLike | Sequence[ArrayLike | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]: ...
def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of the sum of ``outputs`` (weighted by ``grad_outputs``) with respect to ``inputs``.

    One value per input, of its shape. ``.grad`` is not touched; hooks of inputs run. GradientError (TN804) for an
    input that no output depends on, unless ``allow_unused`` (None for it) or ``materialize_grads`` (zeros for it).
    With ``is_grads_batched`` each of ``grad_outputs`` has a first axis more, of which each row is a cotangent, and so
    has each gradient. ``only_inputs`` is True, as in PyTorch.

    >>> w = tn.tensor([2.0, 3.0], requires_grad=True)
    >>> tn.autograd.grad((w * w).sum(), w)
    (tensor([4., 6.]),)
    """
    if flag("only_inputs", only_inputs) is False:
        raise GradientError("grad() is of inputs only: only_inputs=False is not there", at=site(here()), help=BACK)
    if flag("is_grads_batched", is_grads_batched):
        options = {"create_graph": create_graph, "allow_unused": allow_unused, "materialize_grads": materialize_grads}
        return _batched(_listed(outputs), _listed(inputs), grad_outputs, retain_graph, options)
    roots = [value_of(y) for y in _listed(outputs)]
    wanted = _listed(inputs)
    cotangents = [None] * len(roots) if grad_outputs is None else _listed(grad_outputs)
    given = [None if g is None else value_of(g) for g in cotangents]
    if len(given) != len(roots):
        raise GradientError(f"{len(given)} grad_outputs for {len(roots)} outputs", at=site(here()))
    create_graph = flag("create_graph", create_graph)
    keep = create_graph if retain_graph is None else flag("retain_graph", retain_graph)
    materialize_grads = flag("materialize_grads", materialize_grads)
    allow_unused = allow_unused is not None and flag("allow_unused", allow_unused)
    values = _tracked(wanted)
    walk = Walk(create_graph, not keep, accumulate=False)
    walk.final = len(values) == 1
    run_walk(walk, roots, given, values)
    out = _found(walk, len(wanted))
    if materialize_grads:
        out = [fill(x._aval, 0) if g is None else g for x, g in zip(values, out, strict=True)]
    if not allow_unused:
        _refuse_unused(out)
    return tuple(out)


def _tracked(inputs: list[Any]) -> list[Any]:
    """Values of the inputs of ``grad``; TN804 for one that requires no gradient."""
    values = [value_of(x) for x in inputs]
    for x in values:
        if not x._kind.tracked:
            raise GradientError("an input of grad() does not require grad", at=site(here()))
    return values


def _refuse_unused(found: list[Any]) -> None:
    """TN804 for the first input that no output depends on."""
    for k, g in enumerate(found):
        if g is None:
            raise GradientError(
                f"input {k} of grad() was not used in computing the outputs",
                at=site(here()),
                help="pass allow_unused=True to get None for it",
            )


def _batched(outputs: Any, inputs: Any, given: Any, keep: bool | None, options: dict[str, Any]) -> tuple[Any, ...]:
    """Gradients for each of a batch of cotangents, stacked; the graph is consumed by the last."""
    rows = [None if g is None else value_of(g) for g in _listed(given)]
    sizes = {g.shape[:1] for g in rows if g is not None}
    if len(sizes) != 1 or sizes <= {(), (0,)}:
        said = "grad: is_grads_batched wants grad_outputs whose first axes are of one size, which is not 0"
        raise ShapeError(said, at=site(here()))
    count = sizes.pop()[0]
    found = []
    for k in range(count):
        cotangents = [None if g is None else g[k] for g in rows]
        found.append(grad(outputs, inputs, cotangents, True if k < count - 1 else keep, **options))
    return tuple([None if gs[0] is None else stack(gs) for gs in zip(*found, strict=True)])


def _found(walk: Walk, count: int) -> list[Any]:
    """Gradients of the tensors asked for, by their number."""
    found = dict(walk.found)
    if walk.completion is not None:
        walk.completion.rest(walk)
    leaves = {**by_leaf(walk.leaves, run_hooks), **walk.ended}
    for leaf, numbers in walk.wanted_leaves.items():
        if leaf in leaves:
            found.update(dict.fromkeys(numbers, leaves[leaf]))
    return [found.get(k) for k in range(count)]


def _listed(xs: Any) -> list[Any]:
    """Several tensors, as any collection of them, or one."""
    several = isinstance(xs, tuple | list) or (
        isinstance(xs, Iterable) and not isinstance(xs, record._Tensor | Mapping | str | bytes | np.ndarray)
    )
    return list(xs) if several else [xs]


def register_hook(x: Any, hook: Hook) -> RemovableHandle:
    """Call ``hook(g)`` with the gradient of x once per backward; what it returns, if anything, replaces it.

    GradientError (TN804) if x does not require grad.

    >>> w = tn.tensor([1.0], requires_grad=True)
    >>> handle = w.register_hook(lambda g: 2 * g)
    >>> (3 * w).sum().backward()
    >>> w.grad
    tensor([6.])
    """
    if not callable(hook):
        raise DTypeError(f"register_hook: hook is a function, not {shown(hook)}")
    leaf = getattr(x, "_leaf", None)
    if leaf is None:
        source = value_of(x)._src
        leaf = source if isinstance(source, Leaf) else None
    return RemovableHandle(handler_of(value_of(x)).hooks if leaf is None else leaf.hooks, hook)


def register_post_accumulate_grad_hook(x: Any, hook: Hook, keeps: bool = False) -> RemovableHandle:
    """Call ``hook(x)`` with a leaf after each backward that has added to its gradient, the ``.grad``.

    A leaf that nobody has any more is not called, unless the hook ``keeps`` it.

    GradientError (TN804) for what is no leaf.

    >>> w = tn.tensor([1.0], requires_grad=True)
    >>> handle = w.register_post_accumulate_grad_hook(lambda p: print(p.grad))
    >>> (3 * w).sum().backward()
    tensor([3.])
    """
    if not callable(hook):
        raise DTypeError(f"register_post_accumulate_grad_hook: hook is a function, not {shown(hook)}")
    leaf = getattr(x, "_leaf", None)
    if leaf is None:
        raise GradientError(
            "register_post_accumulate_grad_hook is for leaves, and this is none",
            at=site(here()),
            help="register_hook sees the gradient of a result",
        )
    return RemovableHandle(leaf.hooks, After(hook, x, keeps))


def retain_grad(x: Any) -> None:
    """Keep the gradient of a result in its ``.grad``, as leaves do; GradientError (TN804) if it requires none.

    >>> w = tn.tensor([1.0], requires_grad=True)
    >>> y = 3 * w
    >>> y.retain_grad()
    >>> (y * y).sum().backward()
    >>> y.grad
    tensor([6.])
    """
    if getattr(x, "_leaf", None) is not None:
        return
    value = value_of(x)
    handler = handler_of(value)
    if getattr(value, "_kept", None) is None:
        value._kept = kept = Leaf()
        handler.keep = lambda g: add(kept, g)


def get_grad(x: Any) -> Borrow | None:
    """The gradient that backward() left here: a borrow of its place, or None."""
    leaf = keeper(x) or getattr(x._read(), "_kept", None)
    return None if leaf is None or leaf.grad is None else leaf.grad.data


def set_grad(x: Any, g: Any) -> None:
    """Write the gradient, or drop it (None): the next backward starts anew."""
    leaf = keeper(x)
    if leaf is None and isinstance(x, record._Tensor):
        leaf = getattr(x._read(), "_kept", None)
    if leaf is None and g is None:
        return
    if leaf is None:
        raise GradientError("only a leaf has a gradient to write", at=site(here()))
    if type(g) is RowsBorrow and g._place is leaf.grad:
        return
    if g is None or isinstance(g, SparseRows) or type(leaf.grad) is RowsPlace:
        new = None if g is None else place_of(fitting(x, g) if isinstance(g, SparseRows) else x._fitting(g))
        if leaf.grad is not None:
            leaf.grad._abandon()
        leaf.grad = new
    elif leaf.grad is None:
        leaf.grad = record._Var(x._fitting(g))
    else:
        leaf.grad.data = g


def fitting(x: Any, g: SparseRows) -> SparseRows:
    """Sparse rows of the shape and dtype of a place, without a graph (TN802)."""
    if g._aval != x._aval:
        mine, given = (f"{a.dtype.name}{list(a.shape)}" for a in (x._aval, g._aval))
        raise ShapeError(f"a place of {mine} is given a sparse gradient of {given}", at=site(here()))
    return g.detach()
