"""The rule closure-captures-loop-variable (TN506)."""

import ast
from collections.abc import Iterator

from tenure.check.analysis.findings import Event
from tenure.check.facts import Facts, own_nodes
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import reports_of
from tenure.check.scope import bound_names, last_name, parameters, walk
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


_KEEPING = frozenset(
    ("append", "appendleft", "add", "insert", "setdefault", "put", "put_nowait", "submit", "apply_async", "map_async",
     "add_callback", "add_done_callback", "connect", "bind", "bind_all", "after", "call_later", "call_soon",
     "call_soon_threadsafe", "run_in_executor", "subscribe", "add_command", "add_handler", "on_click", "Thread",
     "Timer", "Process", "start_new_thread", "finalize", "on", "once", "listen", "observe", "watch", "schedule",
     "defer", "setattr")
)  # fmt: skip
"""Calls that keep a function which they are given."""

_PREFIXES = ("register", "add_", "on_", "set_")

_KEYWORDS = frozenset(("target", "callback", "command", "on_click", "on_press", "handler", "on_change", "on_done"))
"""Keyword arguments that are called later."""

_DECORATORS = frozenset(("route", "get", "post", "put", "delete", "register", "command", "task", "event", "subscribe"))

_INTO = frozenset(("append", "appendleft", "add", "insert", "setdefault"))
"""Methods of containers, which live as long as their variable."""

_COLLECTING = frozenset(("list", "tuple", "dict", "set", "sorted", "deque"))
"""Functions that take all items of a generator before the first is used."""

_ENDING = {"submit": "result", "apply_async": "get", "Thread": "join", "Timer": "join", "Process": "join"}
"""The method by which the same round waits for the end of the function."""

_WRAPPING = frozenset(("defaultdict", "partial", "partialmethod", "property", "staticmethod"))
"""Calls whose result keeps the functions that they are given."""

_DISPLAYS = (ast.Tuple, ast.List, ast.Set, ast.Dict)


def _check(facts: Facts) -> Iterator[Diagnostic]:
    events = [*_loops(facts), *_comprehensions(facts), *_yielded(facts)]
    message = "this function reads `{text}` later, when the loop has changed it"
    return reports_of(facts, RULE, events, message, ("read here", "the loop binds `{text}` anew", "made here"))


def _comprehensions(facts: Facts) -> Iterator[Event]:
    """`[lambda: k for k in ...]`, `{k: Thread(target=lambda: run(k)) for k in ...}`"""
    if "lambda" not in facts.source.text:
        return
    pairs = [(node.elt, node.generators) for node in facts.nodes(ast.ListComp)]
    pairs += [(node.value, node.generators) for node in facts.nodes(ast.DictComp)]
    for element, generators in pairs:
        kept = [*_functions(element, {}), *(one for call in walk(element) for one in _given(call, {}, frozenset()))]
        for function in kept:
            for generator in generators:
                for name in sorted(bound_names([generator.target]) & _reads(function)):
                    yield Event(facts.source.path, RULE.name, (function, generator.target, function), text=name)


def _yielded(facts: Facts) -> Iterator[Event]:
    """`yield lambda: k` in a loop, in a generator whose items are collected before they are called."""
    if "yield" not in facts.source.text or "lambda" not in facts.source.text:
        return
    collected = {last_name(given.func) for call in facts.nodes(ast.Call) if last_name(call.func) in _COLLECTING
                 for given in call.args[:1] if isinstance(given, ast.Call)}  # fmt: skip
    for scope in facts.mentioning("yield"):
        if getattr(scope.node, "name", "") not in collected:
            continue
        for loop in scope.of(ast.For):
            changing = bound_names([loop.target]) | _assigned(loop)
            for node in own_nodes(loop.body):
                for function in _functions(node.value, {}) if isinstance(node, ast.Yield) else ():
                    for name in sorted(changing & _reads(function)):
                        yield Event(facts.source.path, RULE.name, (function, loop, function), text=name)


def _loops(facts: Facts) -> Iterator[Event]:
    scopes = [scope for scope in facts.scopes if scope.of(ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef)]
    for loop in [loop for scope in scopes for loop in scope.of(ast.For)]:
        if not (facts.mentions(loop, "lambda") or facts.mentions(loop, "def")):
            continue
        changing = bound_names([loop.target]) | _assigned(loop)
        for function in _outliving(loop):
            for name in sorted(changing & _reads(function)):
                at = function if isinstance(function, ast.Lambda) else _read(function, name)
                yield Event(facts.source.path, RULE.name, (at, loop, function), text=name)


def _outliving(loop: ast.For) -> Iterator[ast.AST]:
    """The functions of a loop that something keeps beyond the round in which they are made."""
    nodes, last = list(own_nodes(loop.body)), _of_last_round(loop.body)
    inside, items = frozenset(bound_names(loop.body)), bound_names([loop.target])
    methods = {node.func.attr for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)}
    items |= {name for node in nodes for name in _handed_out(node, inside)}
    named: dict[str, ast.AST] = {}
    for node in nodes:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                named[name] = node
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda() as made):
                named[name] = made
        if node not in last:
            yield from _kept(node, named, inside, methods)
            match node:
                case ast.Assign(targets=[ast.Attribute() as target], value=value) if _root(target) & items:
                    yield from _functions(value, named)


def _handed_out(node: ast.AST, inside: frozenset[str]) -> Iterator[str]:
    """The variables of a round whose objects a statement puts into something that outlives it."""
    match node:
        case ast.Call(func=ast.Attribute(value=receiver), args=given) if _keeps(node, inside):
            if not _root(receiver) & inside:
                yield from (one.id for one in given if isinstance(one, ast.Name) and one.id in inside)
        case ast.Assign(targets=[ast.Subscript() as target], value=ast.Name(id=name)):
            if name in inside and not _root(target) & inside:
                yield name


def _assigned(loop: ast.For) -> set[str]:
    """The variables that each round of a loop assigns anew, from something that changes with the round."""
    first = [one for one in loop.body if isinstance(one, ast.Assign)]
    changing = bound_names([loop.target])
    for one in first:
        if any(isinstance(node, ast.Name) and node.id in changing for node in ast.walk(one.value)):
            changing |= {target.id for target in one.targets if isinstance(target, ast.Name)}
    return changing


def _of_last_round(body: list[ast.stmt]) -> set[ast.AST]:
    """The nodes of blocks that leave the loop at their end."""
    found: set[ast.AST] = set()
    stack = [body]
    while stack:
        block = stack.pop()
        if block and isinstance(block[-1], ast.Break | ast.Return | ast.Raise):
            found |= {node for one in block for node in ast.walk(one)}
            continue
        for statement in block:
            stack += [part for part in vars(statement).values() if _is_block(part)]
    return found


def _is_block(part: object) -> bool:
    return isinstance(part, list) and bool(part) and isinstance(part[0], ast.stmt)


def _kept(node: ast.AST, named: dict[str, ast.AST], inside: frozenset[str], methods: set[str]) -> Iterator[ast.AST]:
    """Functions that a statement of the loop puts into something that outlives the round."""
    match node:
        case ast.Call():
            name = last_name(node.func)
            if _ENDING.get(name, "") not in methods and not ("hook" in name and "remove" in methods):
                yield from _given(node, named, inside)
        case ast.Assign(targets=[ast.Subscript() as target], value=value):
            if not _root(target) & inside:
                yield from _functions(value, named)
        case ast.AugAssign(target=target, value=ast.List() | ast.Tuple() as value) if not _root(target) & inside:
            yield from _functions(value, named)
        case ast.FunctionDef(decorator_list=decorators):
            for one in decorators:
                if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr in _DECORATORS:
                    yield node


def _given(node: ast.AST, named: dict[str, ast.AST], inside: frozenset[str]) -> Iterator[ast.AST]:
    """The functions that a call keeps."""
    if not isinstance(node, ast.Call):
        return
    for given in node.args if _keeps(node, inside) else ():
        yield from _functions(given, named)
    for keyword in node.keywords:
        if keyword.arg in _KEYWORDS:
            yield from _functions(keyword.value, named)


def _keeps(call: ast.Call, inside: frozenset[str]) -> bool:
    """Whether a call keeps what it is given beyond the round."""
    name = last_name(call.func)
    if name in _INTO:
        return isinstance(call.func, ast.Attribute) and not _root(call.func.value) & inside
    return name in _KEEPING or (name.startswith(_PREFIXES) and isinstance(call.func, ast.Attribute))


def _functions(value: ast.expr | None, named: dict[str, ast.AST]) -> Iterator[ast.AST]:
    """The functions that an expression is, or that a display or a wrapper has among its items."""
    if isinstance(value, ast.Lambda):
        yield value
    elif isinstance(value, ast.Name) and value.id in named:
        yield named[value.id]
    elif isinstance(value, _DISPLAYS):
        for part in value.values if isinstance(value, ast.Dict) else value.elts:
            yield from _functions(part, named)
    elif isinstance(value, ast.Call) and last_name(value.func) in _WRAPPING:
        for given in value.args:
            yield from _functions(given, named)


def _root(node: ast.expr) -> set[str]:
    """The variable that an expression starts from."""
    at: ast.AST = node
    while isinstance(at, ast.Attribute | ast.Subscript):
        at = at.value
    return {at.id} if isinstance(at, ast.Name) else {""}


def _read(function: ast.AST, name: str) -> ast.AST:
    """The first place at which a function reads a variable."""
    found = [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == name]
    loads = [node for node in found if isinstance(node.ctx, ast.Load)]
    return min(loads, key=lambda node: (node.lineno, node.col_offset), default=function)


def _reads(function: ast.AST) -> set[str]:
    """The variables that a function reads from outside when it is called."""
    body = function.body if isinstance(function, ast.Lambda) else None
    parts = [body] if body is not None else list(getattr(function, "body", ()))
    loads = {
        node.id
        for part in parts
        for node in ast.walk(part)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    return loads - {given.arg for given in parameters(function)} - bound_names(parts)


RULE = Rule(
    name="closure-captures-loop-variable",
    code="TN506",
    sentence="a function made in a loop does not outlive the round whose variable it reads",
    reason=(
        "A function reads variables when it runs, not when it is made. After the loop all of them see the last value."
    ),
    wrong="""\
fs = []
for k in range(3):
    fs.append(lambda x: x * k)
print([f(1) for f in fs])
""",
    right="""\
fs = []
for k in range(3):
    fs.append(lambda x, k=k: x * k)
print([f(1) for f in fs])
""",
    help="bind the value as a default: `lambda x, k=k: ...`",
    check=_check,
)
