"""Evidence of kinds: from annotations, and from methods that only one library's values have."""

import ast
from collections import Counter
from collections.abc import Collection
from functools import cache

from tenure.check.effects import tables
from tenure.check.effects.effect import Effect
from tenure.check.program import ClassInfo, Module, Program

__all__ = [
    "RESIZING",
    "Annotation",
    "annotation",
    "array_needed",
    "container_by_use",
    "guess_class",
    "only_dictionary",
    "only_torch",
]

_TORCH = frozenset(
    ("detach", "backward", "requires_grad_", "unsqueeze", "index_select", "masked_select", "new_zeros", "new_ones",
     "new_tensor", "new_empty", "new_full", "masked_fill", "cuda", "type_as", "expand_as", "view_as", "data_ptr",
     "retain_grad", "is_contiguous", "narrow", "index_add", "scatter_add", "softmax", "log_softmax", "bmm", "clone")
)  # fmt: skip
"""Methods by which a value shows itself to be PyTorch's, where PyTorch is imported."""


RESIZING = {
    **dict.fromkeys(("remove", "insert", "append", "extend", "pop", "clear"), "list"),
    "discard": "set", "add": "set", "popitem": "dict",
}  # fmt: skip
"""The containers that methods show, of an object under iteration."""


_KEYED = frozenset(("pop", "update", "get", "__setitem__", "__delitem__"))


@cache
def only_torch(name: str) -> bool:
    """Whether only PyTorch's tensors have a method of this name."""
    if name in _TORCH:
        return True
    return name.endswith("_") and not name.startswith("_") and tables.method("tensor", name) is not None


_OF_DICTIONARIES = frozenset((*dir(dict), "move_to_end", *dir(Counter)))


def container_by_use(used: Collection[str], *, given: bool = False) -> str:
    """The container that has these methods, where only one has.

    `append` alone says little of a variable: nodes, logs and writers have it, too. A parameter is mostly a list.
    """
    methods = frozenset(used)
    if methods & {"items", "setdefault", "popitem"} and _all_of(dict, methods):
        return "dict"
    if "keys" in methods and methods & _KEYED and _all_of(dict, methods):
        return "dict"
    if methods & {"discard", "difference_update", "intersection_update"} and _all_of(set, methods):
        return "set"
    if methods & {"append", "extend", "insert"} and _all_of(list, methods):
        return "list" if given or methods != {"append"} else ""
    called = {name for name in methods if not name.startswith("__")}
    return "list" if called == {"remove"} else ""


def _all_of(kind: type, methods: Collection[str]) -> bool:
    """Whether a container has all of these methods; operators say nothing."""
    return all(name.startswith("__") or hasattr(kind, name) for name in methods)


def only_dictionary(used: Collection[str]) -> bool:
    """Whether all of these methods are those of dictionaries, ordered and counting ones included."""
    return all(name in _OF_DICTIONARIES or name.startswith("__") for name in used)


def array_needed(qualname: str, effect: Effect) -> str:
    """The kind that the first argument of a library's function must have; "" where it may be a list or a number."""
    library, _, name = qualname.rpartition(".")
    if qualname == "torch.from_numpy" or (library == "numpy" and "0" in effect.writes):
        return "ndarray"
    first = effect.parameters[:1]
    needs = library in _ON_TENSORS and (first in (("input",), ("tensor",)) or name.endswith("_"))
    return "tensor" if needs and name not in ("is_tensor", "result_type") else ""


_ON_TENSORS = frozenset(("torch", "torch.nn.functional", "torch.nn.init"))


class Annotation:
    """The content of an annotation: a kind, a class of the tree, and the mode ("Ref", "Mut", "Own")."""

    __slots__ = ("kind", "library", "mode", "target")

    def __init__(self, kind: str = "unknown", target: ClassInfo | None = None, mode: str = "") -> None:
        self.kind = kind
        self.target = target
        self.mode = mode
        self.library = ""


def annotation(program: Program, module: Module, node: ast.expr | None) -> Annotation:
    """Parse an annotation; parts that it does not state are unknown."""
    match node:
        case None:
            return Annotation()
        case ast.Constant(value=str(text)):
            try:
                return annotation(program, module, ast.parse(text, mode="eval").body)
            except (SyntaxError, ValueError):
                return Annotation()
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return _one_of([annotation(program, module, part) for part in (left, right) if not _is_none(part)])
        case ast.Subscript(value=value, slice=inner):
            return _subscripted(program, module, value, inner)
        case ast.Name() | ast.Attribute():
            return _named(program, program.resolve(module, node))
    return Annotation()


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _one_of(found: list[Annotation]) -> Annotation:
    return found[0] if len(found) == 1 else Annotation()


def _subscripted(program: Program, module: Module, value: ast.expr, inner: ast.expr) -> Annotation:
    target = program.resolve(module, value)
    name = str(target).rpartition(".")[2] if isinstance(target, str) else ""
    first = inner.elts[0] if isinstance(inner, ast.Tuple) and inner.elts else inner
    if isinstance(target, str) and target.startswith("tenure.") and name in ("Ref", "Mut", "Own"):
        within = annotation(program, module, first)
        kind = "var" if within.kind == "value" and name == "Mut" else within.kind
        return Annotation(kind, within.target, name)
    if name in ("Optional", "Annotated", "Final", "ClassVar"):
        return annotation(program, module, first)
    if name == "Union" and isinstance(inner, ast.Tuple):
        return _one_of([annotation(program, module, part) for part in inner.elts if not _is_none(part)])
    return _named(program, target)


def _named(program: Program, target: object) -> Annotation:
    if isinstance(target, ClassInfo):
        kinds = [tables.class_kind(base) for base in program.bases(target) if isinstance(base, str)]
        known = [kind for kind in kinds if kind not in (None, "scalar")]
        return Annotation(known[0] if known else "instance", target)
    if isinstance(target, str):
        name = target.rpartition(".")[2]
        if target.startswith("tenure.") and name in ("Ref", "Mut", "Own"):
            return Annotation(mode=name)
        kind = guess_class(target, name)
        if kind == "module" and "utils" in target:
            kind = None
        made = Annotation(kind or "unknown")
        made.library = target if kind == "module" else ""
        return made
    return Annotation()


def guess_class(qualname: str, name: str) -> str | None:
    """The kind of a library class that the tables do not list, by its module."""
    kind: str | None = tables.class_kind(qualname)
    if kind is not None:
        return kind
    if name[:1].isupper():
        if qualname.startswith("torch.nn."):
            return "module"
        if qualname.startswith("torch.optim.") and "lr_scheduler" not in qualname:
            return "optimizer"
    return None
