"""Fixes and help of conflicts: the copy that makes two names independent, where its type is known.

A fix is offered only where the copy has the type of the original, where the name that gets it is not written through
(a copy would take the write away), and where a loop over a copy removes the same items as was meant: by value or key.
`tenure check --fix` then checks the changed file, and keeps a fix only if its report is gone and no other has come.
"""

import ast
from collections.abc import Iterator

from tenure.check.analysis.findings import Conflict
from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.diagnostic import Edit, Span

__all__ = ["edits_of", "help_of"]

_COPIES = {"tensor": ".clone()", "ndarray": ".copy()", "mlx": "[:]"}
_CONTAINERS = frozenset(("list", "dict", "set"))
_DISPLAYS = (ast.List, ast.ListComp, ast.Dict, ast.DictComp, ast.Set, ast.SetComp)
_NAMED = frozenset(("name", "element", "attribute", "grad", "alias"))
_KEPT = frozenset(("state_dict", "captured", "shallow"))
_BY_VALUE = frozenset(("remove", "discard", "add", "append", "extend", "update", "clear"))
_COPIED = frozenset(("view-read-after-write", "alias-read-after-write", "snapshot-not-copied"))
_READERS = frozenset(("print", "len", "float", "int", "str", "repr", "sum", "max", "min", "list", "tuple", "sorted"))


def help_of(conflict: Conflict, rule: Rule) -> str:
    """The advice for the kind of object and of write that a conflict has."""
    if conflict.write.sort == "step" and conflict.loan.relation == "saved":
        return "call `backward()` before the step, or compute the value again after it"
    if rule.name not in _COPIED or conflict.loan.text in _KEPT:
        return rule.help
    kind = conflict.obj.kind
    if conflict.loan.relation == "grad":
        return "keep a copy: `.clone()`"
    if conflict.how == "again" and kind in _CONTAINERS:
        return f"make the {kind} anew in each round, or store a copy: `{kind}(…)`"
    if conflict.write.sort == "step":
        return "keep a copy: `.detach().clone()`" if kind == "tensor" else rule.help
    if kind in _CONTAINERS:
        return f"keep a copy: `{kind}(…)`, or `copy.deepcopy(…)` if its items are written"
    copy = _COPIES.get(kind)
    return rule.help if copy is None else f"keep a copy, `{copy}`, or write out of place"


def edits_of(facts: Facts, conflict: Conflict) -> tuple[Edit, ...]:
    """The edits that end a conflict, or none where nothing proves them."""
    loan = conflict.loan
    node = loan.of or loan.node
    if loan.path not in ("", facts.source.path) or not isinstance(node, ast.expr):
        return ()
    if loan.relation == "iteration":
        return _list_of(facts, conflict, node)
    if not _denoted(conflict) or isinstance(getattr(node, "ctx", None), ast.Store):
        return ()
    copy = _copy_of(conflict)
    if copy is None or not isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.Call):
        return ()
    if loan.name and _written_through(facts, node, loan.name):
        return ()
    span = facts.source.span(node)
    return (Edit(Span(span.path, span.end_line, span.end_column, span.end_line, span.end_column), copy),)


def _denoted(conflict: Conflict) -> bool:
    """Whether the lent expression is the object itself: not a dictionary of it, nor a call that shares it elsewhere."""
    loan = conflict.loan
    if loan.relation == "view":
        return conflict.obj.base is not None and loan.text not in _KEPT
    return loan.relation in _NAMED and loan.of is not None and loan.text not in _KEPT


def _copy_of(conflict: Conflict) -> str | None:
    """The call that copies the object and keeps its type."""
    obj = conflict.obj
    if obj.kind in _CONTAINERS:  # of unknown classes not: a subclass may have no copy
        return ".copy()" if isinstance(obj.node, _DISPLAYS) else None
    return None if obj.leaf or obj.root().leaf else _COPIES.get(obj.kind)


def _list_of(facts: Facts, conflict: Conflict, node: ast.expr) -> tuple[Edit, ...]:
    """`list(...)` around what a loop walks."""
    text, kind = facts.source.segment(node), conflict.obj.kind
    if kind not in _CONTAINERS or "\n" in text or not _walked(node) or _shadowed(facts, "list"):
        return ()
    name = _root(node)
    write = conflict.write
    at = write.node if write.inner is None else write.inner[1]
    if name is None or not _by_value(at, kind) or _awaited(facts, node, name):
        return ()
    return (Edit(facts.source.span(node), f"list({text})"),)


def _shadowed(facts: Facts, name: str) -> bool:
    module = facts.module
    return name in {*module.functions, *module.classes, *module.imports, *module.values}


def _walked(node: ast.expr) -> bool:
    """Whether an expression names a container, or its items: an iterator may have no end."""
    if isinstance(node, ast.Call):
        called = node.func
        return isinstance(called, ast.Attribute) and called.attr in ("items", "keys", "values") and not node.args
    return isinstance(node, ast.Name | ast.Attribute | ast.Subscript)


def _by_value(write: ast.AST, kind: str) -> bool:
    """Whether a write finds its items by value or key: positions would be those of another list."""
    if isinstance(write, ast.Expr):
        write = write.value
    if isinstance(write, ast.Call) and isinstance(write.func, ast.Attribute):
        called = write.func.attr
        return called in _BY_VALUE or (kind == "dict" and called in ("pop", "setdefault"))
    return kind == "dict" and isinstance(write, ast.Delete | ast.Subscript | ast.Assign)


def _awaited(facts: Facts, node: ast.expr, name: str) -> bool:
    """Whether a `while` around the loop goes on depending on what it walks."""
    line = node.lineno
    for outer in facts.nodes(ast.While):
        if outer.lineno <= line <= (outer.end_lineno or line):
            read = {one.id for one in ast.walk(outer.test) if isinstance(one, ast.Name)}
            if isinstance(outer.test, ast.Constant) or name in read:
                return True
    return False


def _written_through(facts: Facts, node: ast.expr, name: str) -> bool:
    """Whether a name may be written through, or leaves for code that may do it, in the body around an expression."""
    body: ast.AST = facts.source.tree
    for one in [*facts.nodes(ast.FunctionDef), *facts.nodes(ast.AsyncFunctionDef)]:
        if one.lineno <= node.lineno <= (one.end_lineno or one.lineno):
            body = one if body is facts.source.tree or one.lineno > body.lineno else body  # type: ignore[attr-defined]
    return name in facts.noted_of(("written", body), lambda: {_root(one) for one in _written(body)})


def _written(body: ast.AST) -> Iterator[ast.expr]:
    """The expressions of a body that are written, returned, or given to code that may write them."""
    for one in ast.walk(body):
        match one:
            case ast.AugAssign(target=target):
                yield target
            case ast.Subscript(value=value, ctx=ast.Store() | ast.Del()):
                yield value
            case ast.Attribute(value=value, ctx=ast.Store() | ast.Del()):
                yield value
            case ast.Return(value=ast.expr() as value) | ast.Yield(value=ast.expr() as value):
                yield value
            case ast.Call(func=called):
                yield from _given(one, called)


def _given(call: ast.Call, called: ast.expr) -> Iterator[ast.expr]:
    known = isinstance(called, ast.Name) and called.id in _READERS
    if isinstance(called, ast.Attribute):
        if called.attr.endswith("_") or called.attr in (*_BY_VALUE, "fill", "sort", "pop", "insert", "reverse"):
            yield called.value
        known = True
    yield from () if known else (*call.args, *(word.value for word in call.keywords))
    yield from (word.value for word in call.keywords if word.arg == "out")


def _root(node: ast.expr) -> str | None:
    """The variable that an expression starts from."""
    at: ast.AST = node
    while isinstance(at, ast.Attribute | ast.Subscript | ast.Call | ast.Starred):
        at = at.func if isinstance(at, ast.Call) else at.value
    return at.id if isinstance(at, ast.Name) else None
