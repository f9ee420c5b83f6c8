"""Objects that give out their own buffer: whoever keeps what one call returned finds there what the next one wrote.

    def reset(self):                      def user(env, action):
        self.obs[:] = 0                       kept = env.reset()
        return self.obs                       while env:
                                                  new = env.step(action)
    def step(self, action):                       print(kept)
        self.obs[0] = action                      kept = new
        return self.obs, 1.0

The protocols are those whose callers keep the last result beside the new one: environments and iterators.
"""

import ast

from tenure.check.analysis.findings import Conflict, Event, Findings
from tenure.check.analysis.marks import Marks
from tenure.check.analysis.orders import call_of, is_simple, written
from tenure.check.effects.effect import TENSORS
from tenure.check.ops import Function
from tenure.check.program import ClassInfo, Module
from tenure.check.scope import decorator_names, last_name
from tenure.check.values import Loan

__all__ = ["RULE", "keepers", "told"]

RULE = "snapshot-not-copied"

_PROTOCOLS = (("reset", "step"), ("reset", "step_wait"), ("__next__", "__next__"))
"""The method that gives the first result, and the one that gives each further one."""


def keepers(module: Module) -> list[Function]:
    """A user that keeps what it was given, for each class that may give out what it writes."""
    classes = [one for one in (*module.classes.values(), *module.inner.values()) if "__init__" in one.methods]
    return [
        _keeper(module, info, first, further)
        for info in classes
        for first, further in _PROTOCOLS
        if {first, further} <= info.methods.keys()
        if _gives_out(module, info, {first, further}) and not _is_made(module, info.node.name)
    ]


def _is_made(module: Module, name: str) -> bool:
    """Whether the module makes an object of a class: then its callers are seen, and may copy what they keep."""
    calls = (one for one in ast.walk(module.body.node) if isinstance(one, ast.Call))
    return any(last_name(call.func) == name for call in calls)


def _gives_out(module: Module, info: ClassInfo, names: set[str]) -> bool:
    """Whether methods return, by its name or by another, an attribute that the class writes."""
    methods = [info.methods[name] for name in names]
    if info.node.name.startswith("Test") or not all(is_simple(one.node) for one in methods):
        return False
    if any(decorator_names(one.node) for one in (*methods, info.methods["__init__"])):
        return False
    written = {root for one in info.methods.values() for root in Marks.of(module, one).written}
    lent = {root for one in methods for root in Marks.of(module, one).lent}
    returned = [one.value for method in methods for one in method.scope.of(ast.Return)]
    parts = [part for one in returned for part in (one.elts if isinstance(one, ast.Tuple) else [one])]
    lent |= {ast.unparse(part) for part in parts if isinstance(part, ast.Attribute)}
    return any(root.startswith("self.") for root in written & lent)


def _keeper(module: Module, info: ClassInfo, first: str, further: str) -> Function:
    notes: dict[str, str] = {}
    made = call_of(info.node.name, info.methods["__init__"], notes)
    start, again = (call_of(f"it.{name}", info.methods[name], notes) for name in (first, further))
    body = [f"it = {made}", f"kept = {start}", "while it:", f"    new = {again}", "    print(kept)", "    kept = new"]
    return written(module, info, body, notes)


def told(found: Findings, keeper: Function, known: Findings) -> Findings:
    """The first array that a keeper finds overwritten, with where it was written and given out.

    `known`: what callers in the module show, and need no keeper for.
    """
    events, own = Findings(), set(ast.walk(keeper.node))
    others = {_place(one)[1] for one in known.conflicts.values() if one.certain}
    for conflict in found.conflicts.values():
        place, write = _place(conflict)
        given = _given(conflict.loan, own)
        shown = conflict.certain and conflict.read in own and write not in own and place == conflict.path
        if shown and write in others:
            break
        if shown and given is not None and conflict.obj.kind in TENSORS:
            events.event(Event(place, RULE, (write, given), text=_shared(given, write)))
            break
    return events


def _place(conflict: Conflict) -> tuple[str, ast.AST]:
    """The file and the node of a conflict's write."""
    return conflict.write.inner or (conflict.path, conflict.write.node)


def _given(loan: Loan | None, own: set[ast.AST]) -> ast.AST | None:
    """The place at which a method gave out what its caller keeps."""
    while loan is not None and (loan.node is None or loan.node in own):
        loan = loan.parent
    return None if loan is None else loan.node


def _shared(given: ast.AST, write: ast.AST) -> str:
    """The attribute that two nodes name, or else the first."""
    names = [{ast.unparse(one) for one in ast.walk(node) if isinstance(one, ast.Attribute)} for node in (given, write)]
    return min(names[0] & names[1], default=ast.unparse(given).removeprefix("return "))
