"""Averages on an object that keep the graph of what they took in: `self.mean = 0.9 * self.mean + 0.1 * x.mean()`."""

import ast
import re
from collections.abc import Iterator

from tenure.check.analysis.evidence import guess_class
from tenure.check.analysis.kinds import instance_kind
from tenure.check.facts import Facts, own_nodes
from tenure.check.program import ClassInfo
from tenure.check.scope import bound_names, decorator_names, last_name, parameters

__all__ = ["averages", "quiet"]

_AVERAGE = re.compile(r"(^|_)(running|ema|avg|average|moving|mean|std|var|smooth|smoothed|baseline)(_|$)")

_GRADLESS = frozenset(
    ("item", "detach", "detach_", "data", "tolist", "numpy", "float", "int", "len", "shape", "size", "argmax", "argmin",
     "long", "bool", "one_hot", "bincount", "histc", "zeros", "ones", "zeros_like", "ones_like", "no_grad",
     "stop_gradient", "unique", "topk", "sort", "randint", "randn", "rand")
)  # fmt: skip
"""Names of what gives values without a graph."""


def averages(facts: Facts) -> Iterator[tuple[ast.Assign, str]]:
    """The assignments by which an attribute takes in what has a graph, each with the attribute."""
    if "torch" not in facts.module.libraries:
        return
    for info in facts.module.classes.values():
        let_go = _let_go(info)
        for method in info.methods.values():
            node = method.node
            if not isinstance(node, ast.FunctionDef) or node.name == "__init__" or decorator_names(node) & {"no_grad"}:
                continue
            found = [(one, name) for one, name in _weighted(method.scope.of(ast.Assign)) if name not in let_go]
            if found and not _switched_off(node):
                graphs, silent = _graphs(facts, info, node), quiet(list(own_nodes(node.body)))
                for one, name in found:
                    if one not in silent and _has_graph(one.value, graphs, f"self.{name}"):
                        yield one, f"self.{name}"


def quiet(inside: list[ast.AST]) -> set[ast.AST]:
    """The nodes below `with torch.no_grad()`."""
    found: set[ast.AST] = set()
    for node in inside:
        if isinstance(node, ast.With) and any("no_grad" in ast.unparse(one.context_expr) for one in node.items):
            found |= {part for one in node.body for part in ast.walk(one)}
    return found


def _switched_off(node: ast.FunctionDef) -> bool:
    calls = (one for one in own_nodes(node.body) if isinstance(one, ast.Call))
    return any(last_name(one.func) in ("set_grad_enabled", "inference_mode") for one in calls)


def _let_go(info: ClassInfo) -> set[str]:
    """The attributes whose graph the class drops somewhere."""
    found = set()
    for one in info.module.body.scopes[info.node].everywhere(ast.Attribute):
        if one.attr in ("detach", "detach_", "data") and isinstance(one.value, ast.Attribute):
            found.add(one.value.attr)
    return found


def _weighted(assigned: list[ast.Assign]) -> Iterator[tuple[ast.Assign, str]]:
    """Assignments of the form `self.x = a * self.x + b * y`, where x has the name of an average."""
    for one in assigned:
        match one:
            case ast.Assign(
                targets=[ast.Attribute(value=ast.Name(id="self"), attr=name) as target], value=ast.BinOp() as value
            ):
                terms = [value.left, value.right] if isinstance(value.op, ast.Add | ast.Sub) else []
                own = ast.unparse(target)
                scaled = any(isinstance(term, ast.BinOp) and isinstance(term.op, ast.Mult) for term in terms)
                if scaled and _AVERAGE.search(name) and any(_mentions(term, {own}) for term in terms):
                    yield one, name


def _graphs(facts: Facts, info: ClassInfo, node: ast.FunctionDef) -> set[str]:
    """The names in a method that have a graph: what a `forward` is given, and what networks of the object return."""
    forward = node.name == "forward" and instance_kind(facts.program, info) == "module"
    found = {one.arg for one in parameters(node)[1:]} if forward else set()
    made = info.attributes.items()
    networks = {f"self.{name}" for name, values in made if any(_network(facts, one) for one in values)}
    assigned = [one for one in own_nodes(node.body) if isinstance(one, ast.Assign)]
    for one in assigned:
        called = {ast.unparse(part.func) for part in ast.walk(one.value) if isinstance(part, ast.Call)}
        if called & networks or _has_graph(one.value, found, ""):
            found |= bound_names([one])
    return found


def _network(facts: Facts, value: ast.expr) -> bool:
    if not isinstance(value, ast.Call):
        return False
    target = facts.program.resolve(facts.module, value.func)
    if isinstance(target, ClassInfo):
        return instance_kind(facts.program, target) == "module"
    return isinstance(target, str) and guess_class(target, last_name(value.func)) == "module"


def _has_graph(value: ast.expr, graphs: set[str], own: str) -> bool:
    """Whether an expression is computed from what has a graph: no part of it that gives plain values counts."""
    match value:
        case ast.Compare() | ast.Constant():
            return False
        case ast.Attribute(attr=name) if name in _GRADLESS:
            return False
        case ast.Call(func=func) if last_name(func) in _GRADLESS or "no_grad" in ast.unparse(func):
            return False
        case ast.Name(id=name):
            return name in graphs
    if own and ast.unparse(value) == own:
        return False
    return any(_has_graph(part, graphs, own) for part in ast.iter_child_nodes(value) if isinstance(part, ast.expr))


def _mentions(value: ast.expr, texts: set[str]) -> bool:
    return any(isinstance(part, ast.Attribute) and ast.unparse(part) in texts for part in ast.walk(value))
