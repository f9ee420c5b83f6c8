"""``tn.Ref``, ``tn.Mut`` and ``tn.Own``: annotations for the passing of arguments: shared, exclusive, moved.

    def f(x: tn.Ref[tn.Tensor], out: tn.Mut[tn.Var], batches: list[tn.Own[tn.Tensor]]) -> None: ...

To type checkers they are the type in the brackets. The checker keeps them, and ``tn.checked`` does at run time.
"""

from __future__ import annotations

import ast
import builtins
import collections.abc
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeVar

from tenure.errors import DTypeError, shown
from tenure.values.tensor.tensor import Tensor

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Passing:
    """The mode of an argument: "Ref", "Mut" or "Own"."""

    kind: str


Ref = Annotated[T, Passing("Ref")]
"""A parameter that is lent as shared: the function reads it, and nobody writes it meanwhile (TN594, TN506)."""
Mut = Annotated[T, Passing("Mut")]
"""A parameter that is lent exclusively: the function writes it, and nobody else uses it meanwhile (TN503)."""
Own = Annotated[T, Passing("Own")]
"""A parameter that is moved in: it is dead to the caller (TN382)."""


class Give(Protocol):
    """Function that passes a tensor in a mode, with a hook for containers that are copied."""

    def __call__(self, kind: str, x: Any) -> Any: ...

    def copied(self, old: Any, new: Any) -> None: ...


Plan = Callable[[Any, Give], Any]
"""Passing of an argument, part by part."""
SEQUENCES = (list, collections.abc.Sequence, collections.abc.MutableSequence, collections.abc.Iterable)
MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


def plan_of(annotation: Any, scope: Mapping[str, Any]) -> tuple[Plan, frozenset[str]] | None:
    """The passing that an annotation states, with its modes; None if it states none. ``scope`` resolves strings."""
    if isinstance(annotation, typing.ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        try:
            annotation = eval(annotation, dict(scope))
        except Exception:
            return _by_name(annotation, scope)
        return plan_of(annotation, scope)
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        kinds = [m.kind for m in annotation.__metadata__ if isinstance(m, Passing)]
        return _everywhere(kinds[-1]) if kinds else plan_of(args[0], scope)
    if origin is typing.Union or origin is types.UnionType:
        return _either([plan_of(a, scope) for a in args])
    if origin is tuple and args[-1:] != (...,):
        return _each([plan_of(a, scope) for a in args])
    if origin in SEQUENCES or origin is tuple:
        return _items(plan_of(args[0], scope), list | tuple)
    if origin in MAPPINGS:
        return _items(plan_of(args[1], scope), dict)
    return None


Found = tuple[Plan, frozenset[str]] | None


def _everywhere(kind: str) -> Found:
    """Every tensor in the argument, however deep in lists, tuples and dicts."""

    def plan(x: Any, give: Give) -> Any:
        return give(kind, x) if isinstance(x, Tensor) else mapped(x, plan, give)

    return plan, frozenset((kind,))


def _either(found: list[Found]) -> Found:
    plans = [f for f in found if f is not None]
    if len(plans) < 2:
        return plans[0] if plans else None

    def plan(x: Any, give: Give) -> Any:
        for one, _ in plans:
            y = one(x, give)
            if y is not x:
                return y
        return x

    return plan, frozenset().union(*[kinds for _, kinds in plans])


def _each(found: list[Found]) -> Found:
    if not any(found):
        return None

    def plan(x: Any, give: Give) -> Any:
        if not isinstance(x, tuple) or len(x) != len(found):
            return x
        return rebuilt(x, [item if f is None else f[0](item, give) for item, f in zip(x, found, strict=True)])

    return plan, frozenset().union(*[f[1] for f in found if f is not None])


def _items(found: Found, kind: Any) -> Found:
    if found is None:
        return None
    one = found[0]
    return (lambda x, give: mapped(x, one, give) if isinstance(x, kind) else x), found[1]


def of_items(plan: Plan) -> Plan:
    """Passing of ``*args`` or ``**kwargs``, by the annotation of one argument."""
    return lambda x, give: mapped(x, plan, give)


def mapped(x: Any, plan: Plan, give: Give) -> Any:
    """A list, tuple or dict with what is passed of its items; itself where that is all the same."""
    try:
        return _mapped(x, plan, give)
    except RecursionError:
        raise DTypeError(f"a checked function takes {shown(x)}: a list contains itself, or is too deep") from None


def _mapped(x: Any, plan: Plan, give: Give) -> Any:
    if isinstance(x, dict):
        new = {key: plan(item, give) for key, item in x.items()}
        if all(new[key] is item for key, item in x.items()):
            return x
    elif isinstance(x, list | tuple):
        new = rebuilt(x, [plan(item, give) for item in x])
    if isinstance(x, list | dict) and new is not x:
        give.copied(x, new)
    return new if isinstance(x, dict | list | tuple) else x


def rebuilt(x: Any, items: list[Any]) -> Any:
    """A list or tuple of the same class with other items; itself where they are the same."""
    if all(a is b for a, b in zip(x, items, strict=True)):
        return x
    return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)


def _by_name(text: str, scope: Mapping[str, Any]) -> Found:
    """The content of an annotation that cannot be evaluated yet, by its text."""
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return None
    found: list[Found] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            try:
                alias = eval(ast.unparse(node.value), {**vars(builtins), **scope})
            except Exception:
                continue
            found += [_everywhere(kind) for kind, own in (("Ref", Ref), ("Mut", Mut), ("Own", Own)) if alias is own]
    return _either(found)
