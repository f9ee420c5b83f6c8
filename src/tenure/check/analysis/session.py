"""What one run over a tree remembers of functions."""

import ast

from tenure.check.analysis.summaries import Summary
from tenure.check.ops import Function
from tenure.check.program import Module
from tenure.check.scope import walk

__all__ = ["Session"]


class Session:
    """Summaries of one run over a tree, by function and by what is known of its arguments.

    Those of the module that is being checked are its own: findings in its functions belong to it, whoever was
    checked before.
    """

    def __init__(self) -> None:
        self.root: Module | None = None
        self.own: dict[tuple[object, ...], Summary] = {}
        self.summaries: dict[tuple[object, ...], Summary] = {}
        self.contexts: dict[object, int] = {}
        self.names: dict[object, list[str]] = {}

    def outer_names(self, function: Function) -> list[str]:
        """The names that a function (and those within it) read from outside."""
        found = self.names.get(function.node)
        if found is None:
            body = function.node.body
            parts = body if isinstance(body, list) else [body]
            loads = {node.id for part in parts for node in walk(part) if isinstance(node, ast.Name)}
            found = self.names[function.node] = sorted(loads - function.locals)
        return found
