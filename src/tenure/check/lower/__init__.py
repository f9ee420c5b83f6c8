"""Lowering: a body of Python becomes a graph of operations on variables and registers.

for x in xs:            0: %1 = load xs; %2 = iter %1 → 2
    total += x          2: %3 = next %2 → 3, 4
                        3: bind x %3; %4 = load total; %5 = load x; %6 = __iadd__ %4 %5; bind total %6 → 2
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from tenure.check.graph import Graph
from tenure.check.lower.expressions import function_of
from tenure.check.lower.statements import Statements, statements_of
from tenure.check.ops import Condition, Function

__all__ = ["function_of", "lower", "lower_within"]


@dataclass(slots=True)
class _Lowering(Statements):
    function: Function = field(kw_only=True)
    nested: list[Function] = field(default_factory=list)


def lower(function: Function) -> Graph:
    """The graph of a function's body, made at the first call."""
    if function.graph is None:
        lowering = _Lowering(function=function)
        lowering.body(statements_of(function.node))
        lowering.edge(lowering.here, 1)
        lowering.graph.finish()
        function.graph = lowering.graph
    return function.graph


def lower_within(
    function: Function, number: int, rename: Callable[[str], str], conditions: tuple[Condition, ...]
) -> Graph:
    """The graph of a body that is executed within another one: registers, names and conditions do not collide."""
    first = number << 16
    lowering = _Lowering(
        function=function, registers=first, comprehensions=first, rename=rename, conditions=conditions
    )
    lowering.body(statements_of(function.node))
    lowering.edge(lowering.here, 1)
    lowering.graph.finish()
    return lowering.graph
