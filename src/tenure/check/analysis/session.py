"""Facts about functions that one run over a tree keeps."""

import ast

from tenure.check.analysis.summaries import Summary
from tenure.check.ops import Function
from tenure.check.scope import walk

__all__ = ["Session"]


class Session:
    """Summaries of one run over a tree, by function and by the facts about its arguments."""

    def __init__(self) -> None:
        self.summaries: dict[tuple[object, ...], Summary] = {}
        self.lowered: list[Function] = []
        self.contexts: dict[object, int] = {}
        self.names: dict[object, list[str]] = {}

    def close(self) -> None:
        """Break reference cycles, so that the run is freed at once."""
        for function in self.lowered:
            function.graph = None
        self.lowered.clear()

    def outer_names(self, function: Function) -> list[str]:
        """The outer variables that a function (and those within it) reads."""
        found = self.names.get(function.node)
        if found is None:
            body = function.node.body
            parts = body if isinstance(body, list) else [body]
            loads = {node.id for part in parts for node in walk(part) if isinstance(node, ast.Name)}
            found = self.names[function.node] = sorted(loads - function.locals)
        return found
