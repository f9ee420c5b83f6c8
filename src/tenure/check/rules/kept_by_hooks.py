"""Lists in which a hook of a module collects its outputs, graph and all: `self.outputs.append(output)`."""

import ast
from collections.abc import Iterator

from tenure.check.facts import Facts, own_nodes
from tenure.check.rules.growth import grows, holds_graph, made_plain
from tenure.check.rules.kept_averages import quiet
from tenure.check.scope import last_name

__all__ = ["kept_by_hooks"]

_REGISTERING = frozenset(("register_forward_hook", "register_module_forward_hook"))
_EMPTYING = frozenset(("clear", "pop", "popleft"))


def kept_by_hooks(facts: Facts) -> Iterator[tuple[ast.AST, str]]:
    """The statements of hooks that collect an output in a program with a backward pass, each with the collection."""
    if "register_" not in facts.source.text or "backward" not in facts.source.text:
        return
    calls = [one for one in facts.nodes(ast.Call) if last_name(one.func) in _REGISTERING and one.args]
    given = {last_name(one.args[0]) for one in calls if isinstance(one.args[0], ast.Name | ast.Attribute)}
    for hook in facts.nodes(ast.FunctionDef) if given else ():
        names = [one.arg for one in hook.args.args]
        if hook.name not in given or len(names) < 3 or hook.decorator_list:
            continue
        inside = list(own_nodes(hook.body))
        silent, plain = quiet(inside), made_plain(inside)
        for node in inside:
            for total, value in grows(node):
                kept = names[-1] not in plain and node not in silent and holds_graph(value, names[-1], node)
                if kept and not _emptied(facts, total.rpartition(".")[2]):
                    yield node, total


def _emptied(facts: Facts, name: str) -> bool:
    """Whether the program also empties a collection of this name, or makes it more than once."""
    called = (one.func for one in facts.nodes(ast.Call) if isinstance(one.func, ast.Attribute))
    if any(one.attr in _EMPTYING and last_name(one.value) == name for one in called):
        return True
    made = [one for node in facts.nodes(ast.Assign) for one in node.targets]
    made += [one for node in facts.nodes(ast.Delete) for one in node.targets]
    return sum(isinstance(one, ast.Name | ast.Attribute) and last_name(one) == name for one in made) > 1
