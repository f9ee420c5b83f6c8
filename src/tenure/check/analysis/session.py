"""Facts about functions that one run over a tree keeps, and the parts that every machine of the run has."""

import ast
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from tenure.check.analysis.events import Events
from tenure.check.analysis.summaries import Summary
from tenure.check.graph import Graph
from tenure.check.ops import Function, Op
from tenure.check.scope import walk

if TYPE_CHECKING:
    from tenure.check.analysis.machine import Machine

__all__ = ["Handlers", "Session"]

Handlers: TypeAlias = "Mapping[type[Op], Callable[[Machine, Any], None]]"
"""The function that executes each type of operation."""


class Session:
    """One run over a tree: its handlers of operations, listeners to events, and the summaries made so far.

    Summaries are kept by function and by the facts about its arguments; `graphs` are those of functions that several
    bodies of a module execute, by the number of the call.
    """

    def __init__(self, handlers: Handlers, on: Events) -> None:
        self.handlers = handlers
        self.on = on
        self.summaries: dict[tuple[object, ...], Summary] = {}
        self.lowered: list[Function] = []
        self.graphs: dict[tuple[object, ...], Graph] = {}
        self.contexts: dict[object, int] = {}
        self.names: dict[object, list[str]] = {}
        self.attributes: dict[object, list[tuple[str, str]]] = {}

    def close(self) -> None:
        """Break reference cycles, so that the run is freed at once."""
        for function in self.lowered:
            function.graph = None
        self.lowered.clear()
        self.graphs.clear()

    def outer_names(self, function: Function) -> list[str]:
        """The outer variables that a function (and those within it) reads."""
        found = self.names.get(function.node)
        if found is None:
            body = function.node.body
            parts = body if isinstance(body, list) else [body]
            loads = {node.id for part in parts for node in walk(part) if isinstance(node, ast.Name)}
            found = self.names[function.node] = sorted(loads - function.locals)
        return found

    def outer_attributes(self, function: Function) -> list[tuple[str, str]]:
        """The attributes of outer variables that a function (and those within it) reads."""
        key = (function.node, "attributes")
        found = self.attributes.get(key)
        if found is None:
            body = function.node.body
            parts = body if isinstance(body, list) else [body]
            nodes = [node for part in parts for node in walk(part) if isinstance(node, ast.Attribute)]
            pairs = {(node.value.id, node.attr) for node in nodes if isinstance(node.value, ast.Name)}
            found = self.attributes[key] = sorted(one for one in pairs if one[0] not in function.locals)
        return found
