"""``torch.utils._pytree``: nested tuples, lists and dicts as lists of leaves."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from tenure.errors import following

PyTree = Any


class TreeSpec:
    """The form of a tree: the class and keys of a node, and those below; a leaf has none."""

    def __init__(self, kind: Any = None, context: Any = None, children: Iterable[TreeSpec] = ()) -> None:
        self.type, self.context, self.children_specs = kind, context, list(children)
        self.num_leaves: int = 1 if kind is None else sum([c.num_leaves for c in self.children_specs])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TreeSpec) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.type, self.num_leaves))

    def __repr__(self) -> str:
        return "*" if self.type is None else f"TreeSpec({self.type.__name__}, {self.context}, {self.children_specs})"


LeafSpec = TreeSpec
NODES: dict[type, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]] = {
    list: (lambda x: (x, None), lambda xs, _: list(xs)),
    tuple: (lambda x: (list(x), None), lambda xs, _: tuple(xs)),
    dict: (lambda x: (list(x.values()), list(x)), lambda xs, keys: dict(zip(keys, xs, strict=True))),
    OrderedDict: (lambda x: (list(x.values()), list(x)), lambda xs, keys: OrderedDict(zip(keys, xs, strict=True))),
}
"""For each class of nodes: its parts and context, and a node of such parts."""


def register_pytree_node(cls: type, flatten_fn: Any, unflatten_fn: Any, **options: Any) -> None:
    """Let instances of a class be nodes."""
    NODES[cls] = (flatten_fn, lambda xs, context: unflatten_fn(list(xs), context))


def _node(x: Any) -> Any:
    found = NODES.get(type(x))
    if found is None and isinstance(x, tuple) and hasattr(x, "_fields"):
        kind = type(x)
        return (lambda y: (list(y), None)), (lambda xs, _: kind(*xs))
    return found


def tree_flatten(tree: PyTree, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], TreeSpec]:
    """The leaves, and the form."""
    node = None if is_leaf is not None and is_leaf(tree) else _node(tree)
    if node is None:
        return [tree], TreeSpec()
    parts, context = node[0](tree)
    leaves, specs = [], []
    for part in parts:
        found, spec = tree_flatten(part, is_leaf)
        leaves.extend(found)
        specs.append(spec)
    made = TreeSpec(type(tree), context, specs)
    made.make = node[1]  # type: ignore[attr-defined]
    return leaves, made


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> PyTree:
    """The tree of a form with some leaves."""
    found = iter(leaves)

    def build(spec: TreeSpec) -> Any:
        if spec.type is None:
            return following(found)
        return spec.make([build(c) for c in spec.children_specs], spec.context)  # type: ignore[attr-defined]

    return build(treespec)


def tree_leaves(tree: PyTree, is_leaf: Any = None) -> list[Any]:
    """The leaves."""
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree: PyTree, is_leaf: Any = None) -> TreeSpec:
    """The form."""
    return tree_flatten(tree, is_leaf)[1]


def tree_map(func: Callable[..., Any], tree: PyTree, *rests: PyTree, is_leaf: Any = None) -> PyTree:
    """A tree of the results for each leaf."""
    leaves, spec = tree_flatten(tree, is_leaf)
    others = [tree_flatten(rest, is_leaf)[0] for rest in rests]
    return tree_unflatten([func(*xs) for xs in zip(leaves, *others, strict=True)], spec)


def tree_map_only(kind: Any, func: Any, tree: Any = None, is_leaf: Any = None) -> PyTree:
    """A tree of the results for each leaf of a class."""
    matches = kind if callable(kind) and not isinstance(kind, type | tuple) else lambda x: isinstance(x, kind)
    return tree_map(lambda x: func(x) if matches(x) else x, tree, is_leaf=is_leaf)


def tree_map_(func: Any, tree: Any, *rests: Any, is_leaf: Any = None) -> PyTree:
    """The tree, after a call for each leaf."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def tree_all(pred: Any, tree: Any, is_leaf: Any = None) -> bool:
    """Whether a condition holds for all leaves."""
    return all(map(pred, tree_leaves(tree, is_leaf)))


def tree_any(pred: Any, tree: Any, is_leaf: Any = None) -> bool:
    """Whether a condition holds for some leaf."""
    return any(map(pred, tree_leaves(tree, is_leaf)))


SUPPORTED_NODES, _get_node_type = NODES, type
_register_pytree_node = register_pytree_node
