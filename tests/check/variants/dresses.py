"""The dresses: how the same statements may stand in a program. Each is a function from a unit to files."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable

from tests.check.variants import frames
from tests.check.variants.frames import Files, call, ended, framed, module
from tests.check.variants.scopes import attribute, bound, name, own, read, replaced, walk
from tests.check.variants.units import Unit, statements

Dress = Callable[[Unit], "Files | None"]
DRESSES: dict[str, Dress] = {}
_TIED = ast.Lambda | ast.Await | ast.NamedExpr  # expressions that do not mean the same elsewhere


def dress(function: Dress) -> Dress:
    """Enter a dress into the table, by its name."""
    DRESSES[function.__name__] = function
    return function


def one_file(body: list[ast.stmt]) -> Files:
    """A program of one file."""
    return {"program.py": module(body)}


@dress
def main(unit: Unit) -> Files:
    """All of it in a function."""
    _inner_globals(unit.body)
    inner = "main" if unit.head is None else "inner"
    made = frames.function(inner, unit.given, ended(unit))
    if unit.head is None:
        return one_file(framed(unit, [made], [], call(inner)))
    return one_file(framed(unit, [], [made], call(inner, unit.given)))


@dress
def constructors(unit: Unit) -> Files | None:
    """Values that are made of nothing else come from helper functions."""
    return _helped(unit, lambda value, names: not names and isinstance(value, ast.Call | ast.List | ast.Dict))


@dress
def helpers(unit: Unit) -> Files | None:
    """Every value that is computed comes from a helper function."""
    return _helped(unit, lambda value, names: bool(names) and not isinstance(value, ast.Name | ast.Constant))


@dress
def attributes(unit: Unit) -> Files | None:
    """Names are attributes of self, in one method."""
    bodies = frames.methods(unit, [ended(unit)])
    if bodies is None:
        return None
    run = frames.function("run", ["self", *unit.given], frames.starting(unit) + bodies[0])
    value = ast.Attribute(call("Work"), "run", ast.Load())
    return one_file(framed(unit, [frames.class_("Work", [run])], [], call(value, unit.given)))


@dress
def init_and_method(unit: Unit) -> Files | None:
    """The set-up in `__init__`, the rest in a method."""
    first = _first(unit)
    return _object(unit, [first]) if first or unit.given else None


@dress
def loan_in_init(unit: Unit) -> Files | None:
    """The set-up and the first marked statement in `__init__`, the rest in a method."""
    return _object(unit, [unit.cuts[0] + 1]) if len(unit.cuts) > 1 else None


@dress
def methods(unit: Unit) -> Files | None:
    """The set-up in `__init__`, and each marked statement in a method of its own."""
    first = _first(unit)
    cuts = [first, *[cut for cut in unit.cuts if cut > first]]
    return _object(unit, cuts) if len(cuts) > 1 else None


@dress
def parameters(unit: Unit) -> Files | None:
    """The set-up at the caller, and what it makes as arguments."""
    if (parted := _parted(unit)) is None:
        return None
    setup, rest, names = parted
    return one_file(framed(unit, [frames.function("work", names, ended(unit, rest))], setup, call("work", names)))


@dress
def annotated(unit: Unit) -> Files | None:
    """What the set-up makes as parameters with types, without a caller."""
    return _alone(unit, typed=True)


@dress
def uncalled(unit: Unit) -> Files | None:
    """What the set-up makes as parameters without types, without a caller."""
    return _alone(unit, typed=False)


@dress
def package(unit: Unit) -> Files | None:
    """The work in one module of a package, the caller in another."""
    defined = sorted(bound([one for one in unit.before if one not in unit.imports]))
    if unit.head is not None:
        work = [*unit.before, _restored(unit)]
        used = sorted({unit.head.name, *defined} & read(unit.after))
        head, run = unit.imports, unit.after
    else:
        if (parted := _parted(unit)) is None:
            return None
        setup, rest, names = parted
        work = [*unit.before, frames.function("work", names, ended(unit, rest))]
        used = ["work", *sorted(set(defined) & read(setup))]
        unit.before = head = unit.imports
        run = framed(unit, [], setup, call("work", names))[len(head) :]
    brought: list[ast.stmt] = [ast.ImportFrom("pkg.work", [ast.alias(one) for one in used], 0)] if used else []
    files = {"pkg/__init__.py": module([]), "pkg/work.py": module(work), "pkg/main.py": module([*head, *brought, *run])}
    return files if used else None


@dress
def loop(unit: Unit) -> Files | None:
    """All of it twice, in a loop."""
    body, last = unit.body, []
    if isinstance(body[-1], ast.Return):
        body, last = body[:-1], body[-1:]
    if not body or frames.returns(body):
        return None
    again = ast.For(ast.Name("turn", ast.Store()), call("range"), body, [], None)
    again.iter.args = [ast.Constant(2)]  # type: ignore[attr-defined]
    if unit.head is None:
        return one_file([*unit.before, again])
    unit.head.body = [again, *last]
    return one_file([*unit.before, unit.head, *unit.after])


@dress
def coroutine(unit: Unit) -> Files:
    """All of it in a coroutine, which waits before its last marked statement."""
    _inner_globals(unit.body)
    at = unit.cuts[-1] if unit.cuts else len(unit.body) - 1
    wait = list(statements("await asyncio.sleep(0)"))
    body = ended(unit, [*unit.body[:at], *wait, *unit.body[at:]])
    made = frames.coroutine("task", unit.given, body)
    value = ast.Call(attribute("asyncio", "run")(), [call("task", unit.given)], [])
    unit.before = [*statements("import asyncio"), *unit.before]
    return one_file(framed(unit, [made], [], value))


@dress
def dataclass(unit: Unit) -> Files | None:
    """What the set-up makes as fields of a dataclass, which the work is given."""
    if (parted := _parted(unit)) is None:
        return None
    setup, rest, names = parted
    if not names or set(names) & _defined(rest):
        return None
    kinds = frames.notes(unit, setup)
    fields: list[ast.stmt] = [
        ast.AnnAssign(ast.Name(one, ast.Store()), ast.parse(kinds.get(one, "Any"), mode="eval").body, None, 1)
        for one in names
    ]
    made = frames.class_("State", fields, ["dataclass"])
    body = replaced(ended(unit, rest), {one: attribute("state", one) for one in names})
    unit.before = [*statements("from dataclasses import dataclass\nfrom typing import Any"), *unit.before]
    work = frames.function("work", ["state"], body, {"state": "State"})
    value = ast.Call(name("work"), [call("State", names)], [])
    return one_file(framed(unit, [made, work], setup, value))


def factory(tree: ast.Module) -> Files:
    """A program without a script and without a marked function: all its definitions inside a function."""
    imports: list[ast.stmt] = [one for one in tree.body if isinstance(one, ast.Import | ast.ImportFrom)]
    rest = [one for one in tree.body if one not in imports]
    _inner_globals(rest)
    return one_file([*imports, frames.function("make", [], rest)])


def imported(tree: ast.Module) -> Files:
    """The same as a module of a package that another one imports."""
    used = sorted(bound([one for one in tree.body if isinstance(one, ast.FunctionDef | ast.ClassDef)]))
    brought: list[ast.stmt] = [ast.ImportFrom("pkg.work", [ast.alias(one) for one in used or ["*"]], 0)]
    return {"pkg/__init__.py": module([]), "pkg/work.py": tree, "pkg/main.py": module(brought)}


def _first(unit: Unit) -> int:
    """The number of statements of the set-up: those before the first marked one; a script has at least one."""
    first = unit.cuts[0] if unit.cuts else len(unit.body) // 2
    return first or (1 if unit.head is None and len(unit.body) > 1 else 0)


def _parted(unit: Unit) -> tuple[list[ast.stmt], list[ast.stmt], list[str]] | None:
    """The set-up, the rest, and the names that the rest has from the set-up (and from the parameters)."""
    first = _first(unit)
    setup, rest = unit.body[:first], unit.body[first:]
    if not rest or frames.returns(setup):
        return None
    _inner_globals(rest)
    names = [one for one in dict.fromkeys([*unit.given, *sorted(bound(setup))]) if one in read(rest)]
    return setup, rest, names


def _alone(unit: Unit, typed: bool) -> Files | None:
    if unit.head is not None or (parted := _parted(unit)) is None:
        return None
    setup, rest, names = parted
    kinds = frames.notes(unit, setup) if typed else {}
    if not names or any(map(_marked, setup)) or (typed and not kinds):
        return None
    return one_file([*unit.before, frames.function("work", names, ended(unit, rest), kinds)])


def _object(unit: Unit, cuts: list[int]) -> Files | None:
    """An object: `__init__` has the statements before the first cut, and each later part is a method."""
    body = ended(unit)
    ends = [0, *cuts, len(body)]
    bodies = frames.methods(unit, [body[a:b] for a, b in itertools.pairwise(ends)])
    if bodies is None:
        return None
    called = ["run"] if len(bodies) == 2 else ["take", "change", "read", "rest", "more", "last"][: len(bodies) - 1]
    if len(called) != len(bodies) - 1:
        return None
    made = [frames.function("__init__", ["self", *unit.given], frames.starting(unit) + bodies[0])]
    made += [frames.function(one, ["self"], part) for one, part in zip(called, bodies[1:], strict=True)]
    run: list[ast.stmt] = [frames.assign(name("work"), call("Work", unit.given))]
    run += [ast.Expr(call(attribute("work", one)())) for one in called[:-1]]
    return one_file(framed(unit, [frames.class_("Work", made)], run, call(attribute("work", called[-1])())))


def _helped(unit: Unit, wanted: Callable[[ast.expr, list[str]], bool]) -> Files | None:
    made: list[ast.stmt] = []
    local = bound(unit.body) | set(unit.given)
    for one in unit.body:
        if not isinstance(one, ast.Assign) or any(isinstance(node, _TIED) for node in ast.walk(one)):
            continue
        names = sorted(read([one.value]) & local)
        if wanted(one.value, names):
            helper = f"make{len(made)}"
            made.append(frames.function(helper, names, [ast.Return(one.value)]))
            one.value = call(helper, names)
            if getattr(one, "marked", False):
                for node in ast.walk(one):
                    node.marked = True  # type: ignore[attr-defined]
    if not made:
        return None
    if unit.head is None:
        return one_file([*unit.before, *made, *unit.body])
    return one_file([*unit.before, *made, _restored(unit), *unit.after])


def _restored(unit: Unit) -> ast.FunctionDef:
    assert unit.head is not None
    unit.head.body = unit.body
    return unit.head


def _inner_globals(body: list[ast.stmt]) -> None:
    """Global names of a script that becomes a function are names of the function around."""
    names = bound(body)
    for node in walk(body):
        for inner in getattr(node, "body", []) if isinstance(getattr(node, "body", None), list) else []:
            if isinstance(inner, ast.Global) and set(inner.names) & names:
                inner.__class__ = ast.Nonlocal  # type: ignore[assignment]


def _defined(body: list[ast.stmt]) -> set[str]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return {node.name for node in own(body) if isinstance(node, kinds)}


def _marked(node: ast.AST) -> bool:
    return any(getattr(one, "marked", False) for one in ast.walk(node))
