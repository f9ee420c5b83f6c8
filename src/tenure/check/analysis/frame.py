"""Frames: called functions that are executed within the body that calls them."""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tenure.check.graph import Graph
from tenure.check.ops import Function
from tenure.check.program import Module
from tenure.check.scope import bound_names, default_of, parameters
from tenure.check.values import Holder, Obj, Value, Write

__all__ = ["Frame", "chosen", "ruled_out"]


@dataclass(slots=True, eq=False)
class Frame:
    """A called function that is executed within the body that calls it.

    `call` is where the body under check calls it, in its own file, `at` where the last frame does; `temporaries` are
    the cells of parameters whose arguments nothing else holds; `by_name` are the objects of arguments that it wrote by
    `x += y`, `written` those that it wrote in any way, `given` the arguments, `tested` how tests of known values came
    out, `above` the number of conditions that the call stands under.
    """

    number: int
    function: Function
    module: Module
    parent: "Frame | None"
    call: ast.AST
    at: ast.AST
    graph: Graph = field(default_factory=Graph)
    repeating: bool = False
    stateful: bool = True
    by_name: dict[Obj, Write] = field(default_factory=dict)
    written: dict[Obj, Write] = field(default_factory=dict)
    given: dict[str, tuple[Value, Holder | None]] = field(default_factory=dict)
    tested: dict[ast.AST, bool] = field(default_factory=dict)
    above: int = 0
    temporaries: set[Holder | None] = field(default_factory=set)

    @property
    def depth(self) -> int:
        """The number of calls between the body under check and this one."""
        return 1 if self.parent is None else self.parent.depth + 1

    @property
    def first(self) -> int:
        """The number from which registers and blocks are this frame's."""
        return self.number << 16

    def excludes(self, conditions: tuple[tuple[ast.expr, bool], ...]) -> bool:
        """Whether the function does not come there with its arguments."""
        own = conditions[self.above :]
        otherwise = any(self.tested.get(test, holds) is not holds for test, holds in own)
        return otherwise or ruled_out(own, self.given, self.function)


def ruled_out(
    conditions: Iterable[tuple[ast.expr, bool]], given: Mapping[str, tuple[Value, Holder | None]], function: Function
) -> bool:
    """Whether a condition on a parameter is one that the argument, or the default, does not meet."""
    for test, holds in conditions:
        if not isinstance(test, ast.Name):
            continue
        value, _ = given.get(test.id, ((), None))
        const: object = value[0].obj.const if len(value) == 1 else ...
        if test.id not in given:
            named = [one for one in parameters(function.node) if one.arg == test.id]
            default = default_of(function.node, named[0]) if named else None
            const = default.value if isinstance(default, ast.Constant) else ...
        if isinstance(const, bool | None) and bool(const) is not holds and test.id not in _rebound(function):
            return True
    return False


def chosen(
    conditions: Iterable[tuple[ast.expr, bool]], given: Mapping[str, tuple[Value, Holder | None]]
) -> bool:
    """Whether a condition is on an argument that each call may choose: `f(x, inplace=i == last)` in a loop."""
    values = [given.get(test.id, ((), None))[0] for test, _ in conditions if isinstance(test, ast.Name)]
    return any(value and not (len(value) == 1 and isinstance(value[0].obj.const, bool | None)) for value in values)


def _rebound(function: Function) -> set[str]:
    body = getattr(function.node, "body", ())
    return bound_names(body) if isinstance(body, list) else set()
