"""Parts of a dressed program: calls, classes, methods, and what is around them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from tests.check.variants.scopes import assigned, attribute, bound, name, own, read, replaced
from tests.check.variants.units import Unit

Files = dict[str, ast.Module]


def arguments(names: Iterable[str], notes: dict[str, str] | None = None) -> ast.arguments:
    """Plain parameters, with annotations where there are any."""
    made = [ast.arg(n, ast.parse(notes[n], mode="eval").body if notes and n in notes else None) for n in names]
    return ast.arguments([], made, None, [], [], None, [])


def function(called: str, names: Iterable[str], body: list[ast.stmt], notes: dict[str, str] | None = None) -> ast.stmt:
    """A function."""
    return ast.FunctionDef(called, arguments(names, notes), body or [ast.Pass()], [], None, None)


def coroutine(called: str, names: Iterable[str], body: list[ast.stmt]) -> ast.stmt:
    """A coroutine function."""
    return ast.AsyncFunctionDef(called, arguments(names), body or [ast.Pass()], [], None, None)


def class_(called: str, body: list[ast.stmt], decorators: Sequence[str] = ()) -> ast.stmt:
    """A class."""
    return ast.ClassDef(called, [], [], body, [name(one) for one in decorators])


def call(called: ast.expr | str, names: Iterable[str] = ()) -> ast.Call:
    """A call with names as arguments."""
    return ast.Call(name(called) if isinstance(called, str) else called, [name(one) for one in names], [])


def assign(target: ast.expr, value: ast.expr) -> ast.stmt:
    """An assignment."""
    target.ctx = ast.Store()  # type: ignore[attr-defined]
    return ast.Assign([target], value, None)


def ended(unit: Unit, body: list[ast.stmt] | None = None) -> list[ast.stmt]:
    """The body with what it is left for at its end."""
    body = unit.body if body is None else body
    if not unit.results:
        return body
    names = [name(one) for one in unit.results]
    return [*body, ast.Return(ast.Tuple(names, ast.Load()) if len(names) > 1 else names[0])]


def framed(unit: Unit, extra: list[ast.stmt], run: list[ast.stmt], value: ast.expr) -> list[ast.stmt]:
    """The program around a value that stands for the body: the script that takes its results, or the function."""
    if unit.head is not None:
        unit.head.body = [*run, ast.Return(value)]
        return [*unit.before, *extra, unit.head, *unit.after]
    if not unit.results:
        return [*unit.before, *extra, *run, ast.Expr(value)]
    names: list[ast.expr] = [ast.Name(one, ast.Store()) for one in unit.results]
    target = ast.Tuple(names, ast.Store()) if len(names) > 1 else names[0]
    return [*unit.before, *extra, *run, ast.Assign([target], value, None)]


def module(body: list[ast.stmt]) -> ast.Module:
    """A module."""
    return ast.Module(body, [])


def returns(body: Iterable[ast.stmt]) -> bool:
    """Whether statements may return."""
    return any(isinstance(node, ast.Return) for node in own(body))


def methods(unit: Unit, parts: list[list[ast.stmt]]) -> list[list[ast.stmt]] | None:
    """The parts as bodies of methods: what is assigned becomes an attribute of self, as do the parameters.

    Names of loops and the like stay; those that a later part reads are kept on self too. None where that cannot be.
    """
    if any(returns(part) for part in parts[:-1]):
        return None
    everything = [one for part in parts for one in part]
    moved = (assigned(everything) | set(unit.given)) - set(unit.results)
    if (bound(everything) - assigned(everything)) & set(unit.given):
        return None
    out, kept = [], dict.fromkeys(moved, True)
    for index, part in enumerate(parts):
        local = bound(part) - moved
        if local & {one for one in kept if one not in moved}:
            return None
        exported = sorted(local & read([one for later in parts[index + 1 :] for one in later]))
        body = replaced(part, {one: attribute("self", one) for one in kept})
        out.append(body + [assign(attribute("self", one)(), name(one)) for one in exported])
        kept.update(dict.fromkeys(exported, True))
    return out


def starting(unit: Unit) -> list[ast.stmt]:
    """The assignments that keep a function's parameters on self."""
    return [assign(attribute("self", one)(), name(one)) for one in unit.given]


_MAKERS = frozenset(
    {
        *("tensor", "zeros", "ones", "full", "arange", "rand", "randn", "randint", "eye", "empty", "linspace", "array"),
        *("zeros_like", "ones_like", "full_like"),
    }
)
_ROOTS = {"torch": "torch.Tensor", "numpy": "np.ndarray", "jax.numpy": "jnp.ndarray"}


def notes(unit: Unit, setup: list[ast.stmt]) -> dict[str, str]:
    """The types of names that a setup shows by displays and by constructors."""
    imports = {(one.asname or one.name): one.name for node in unit.imports for one in node.names}
    classes = {one.name for one in unit.before if isinstance(one, ast.ClassDef)}
    out = {}
    for one in setup:
        if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name):
            kind = _kind(one.value, imports, classes)
            if kind:
                out[one.targets[0].id] = kind
    return out


def _kind(value: ast.expr, imports: dict[str, str], classes: set[str]) -> str | None:
    match value:
        case ast.List() | ast.ListComp():
            return "list"
        case ast.Dict() | ast.DictComp():
            return "dict"
        case ast.Set() | ast.SetComp():
            return "set"
        case ast.Call(func=ast.Name(id=one)) if one in classes:
            return one
        case ast.Call(func=ast.Attribute(value=ast.Name(id=root), attr=maker)) if maker in _MAKERS:
            kind = _ROOTS.get(imports.get(root, ""))
            return kind and f"{root}.{kind.split('.')[1]}"
        case ast.Call(func=ast.Attribute(value=ast.Name(id=root))) if imports.get(root) == "nn":
            return f"{root}.Module"
    return None
