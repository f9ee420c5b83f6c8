"""Walks over trees see what `ast.walk` sees, and names are bound as Python's own symbol tables say."""

from __future__ import annotations

import ast
import symtable
from pathlib import Path

import pytest

import tenure
from tenure.check.scope import Scopes, bound_names, own, walk

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
HERE = Path(__file__).parent
FILES = sorted([*HERE.glob("hazards/cases/**/*.py"), *(Path(tenure.__file__).parent / "check").rglob("*.py")])
ODD = """
def f(a, /, b: int = (c := 1), *d, e=[g for g in range(3) if (h := g)], **i) -> "j":
    global k
    nonlocal_ = lambda l: (m := l)
    match a:
        case {"x": None, **rest} | [True, *more] if (n := a):
            pass
        case Point(x=0, y=False) as whole:
            import os.path, sys as system
    try:
        with open(a) as p, open(b) as (q, [r, *s]):
            t: int = 1
            k = u = 2
            del v
    except* ValueError as w:
        for x.y[z] in a:
            class C(a, metaclass=b):
                aa = 1
    return [{bb: cc for bb, cc in a}, {dd for dd in b}, (ee := 1)] if False else f"{a!r:>{b}}"
"""


def texts() -> list[str]:
    return [ODD, *(path.read_text(encoding="utf-8") for path in FILES[:: max(1, len(FILES) // 60)])]


@pytest.mark.parametrize("text", texts(), ids=lambda text: str(len(text)))
def test_walk(text: str) -> None:
    left_out = (ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop)
    tree = ast.parse(text)
    everything = {node for node in ast.walk(tree) if not isinstance(node, left_out)}
    seen = walk(tree)
    assert set(seen) == everything and len(seen) == len(everything)
    inner = {node for one in everything if isinstance(one, _DEFINITIONS) for node in ast.walk(one) if node is not one}
    assert set(own(tree.body)) == everything - inner - {tree}


@pytest.mark.parametrize("text", texts(), ids=lambda text: str(len(text)))
def test_nodes_of_scopes(text: str) -> None:
    """The bodies and heads of all scopes are the parts of one tree, and each node is under its own type."""
    tree, scopes = ast.parse(text), Scopes()
    found = [scopes[tree]]
    for scope in found:
        found += scope.inner
    assert all(type(node) is kind for scope in found for kind, nodes in scope.nodes.items() for node in nodes)
    seen = [node for scope in found for node in (*scope.of(*scope.nodes), *scope.head())]
    assert set(seen) == set(walk(tree)) - {tree} and len(seen) == len(set(seen))
    for kind in (ast.Assign, ast.Call, ast.For):
        assert (
            set(scopes[tree].everywhere(kind))
            == {node for scope in found for node in scope.of(kind)}
            == {node for scope in found for node in walk(scope.node) if type(node) is kind}
            - {node for scope in found for node in scope.head()}
        )


@pytest.mark.parametrize("text", texts(), ids=lambda text: str(len(text)))
def test_names(text: str) -> None:
    tables: dict[tuple[str, int], symtable.SymbolTable] = {}
    stack = [symtable.symtable(text, "text", "exec")]
    while stack:
        table = stack.pop()
        tables[table.get_name(), table.get_lineno()] = table
        stack += table.get_children()
    scopes = Scopes()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            line = node.decorator_list[0].lineno if node.decorator_list else node.lineno
            table = tables.get((node.name, node.lineno)) or tables[node.name, line]
            assert isinstance(table, symtable.Function)
            bound = {one.get_name() for one in table.get_symbols() if one.is_local()}
            # Python 3.12 and later have the variables of comprehensions among those of the function.
            targets = [part.target for part in ast.walk(node) if isinstance(part, ast.comprehension)]
            inlined = {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
            assert scopes[node].locals <= bound, node.name
            assert bound - scopes[node].locals <= inlined, node.name
            assert bound_names(node.body) >= scopes[node].locals - set(table.get_parameters())
