"""The rule grad-not-cleared (TN506)."""

import ast
from collections.abc import Iterator
from functools import partial

from tenure.check.analysis.findings import Event
from tenure.check.facts import Facts, own_nodes
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import reports_of
from tenure.check.scope import Scope, bound_names, last_name, parameters, walk
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


_CLEARING = frozenset(("zero_grad", "zero_", "set_to_none", "clear_grad", "manual_backward", "zero_grads"))
_LATER = "the gradients of earlier rounds are never cleared"
_LOST = "the gradients are cleared between the backward pass and the step that needs them"
_WORDS = ("steps with the sum of all gradients", "added to here")

_ELSEWHERE = ("accelerat", "deepspeed", "accumul", ".grad", "closure", "functorch", "xm.")
"""Words of modules in which gradients of a given optimizer may be cleared, or meant to add up."""

_CLASSES = ("torch.optim.Optimizer", "torch.optim.optimizer.Optimizer")

Made = dict[str, set[str]]
"""The optimizers by name (`opt`, `self.opt`), each with the names of what it was given."""


def _check(facts: Facts) -> Iterator[Diagnostic]:
    yield from reports_of(facts, RULE, _uncleared(facts), _LATER, _WORDS)
    yield from reports_of(facts, RULE, _by_methods(facts), _LATER, _WORDS)
    yield from reports_of(facts, RULE, _cleared_early(facts), _LOST, ("cleared here", "computed here", "used here"))


def _uncleared(facts: Facts) -> Iterator[Event]:
    """Loops with a backward pass and a step of an optimizer whose gradients nothing in them clears."""
    for scope in facts.looping("backward"):
        body = list(own_nodes(scope.body))
        made = _optimizers_in(facts, scope, body)
        for loop in body:
            if not made or not isinstance(loop, ast.For | ast.While):
                continue
            inside = list(own_nodes(loop.body))
            anew = _made_anew(facts, loop, inside)
            backward = [node for node in inside if _method(node, "backward") is not None]
            steps = [node for node in inside if (name := _method(node, "step")) in made and name not in anew]
            left = [node for node in steps if not _cleared(facts, scope, loop, made, _method(node, "step") or "")]
            if left and backward:
                yield Event(facts.source.path, RULE.name, (left[0], backward[0]))
                break


def _by_methods(facts: Facts) -> Iterator[Event]:
    """Classes that make an optimizer, call `backward` in one method and step in another, and clear nothing anywhere."""
    if any(word in facts.source.text for word in ("zero_grad", *_ELSEWHERE, "grad = None", "set_to_none")):
        return
    for info in facts.module.classes.values() if "backward" in facts.source.text else ():
        scope = facts.module.body.scopes[info.node]
        made = {name for one in scope.everywhere(ast.Assign) for name, _ in _optimizers(facts, one)}
        calls = list(scope.everywhere(ast.Call))
        steps = [call for call in calls if (name := _method(call, "step")) in made and str(name).startswith("self.")]
        backward = [call for call in calls if _method(call, "backward") is not None]
        is_plain = steps and backward and not _in_one_loop(info.node, steps[0], backward[0])
        if is_plain and not _once(facts, info.node, steps[0]) and not _made_with(facts, info.node, steps[0]):
            yield Event(facts.source.path, RULE.name, (steps[0], backward[0]))


def _made_with(facts: Facts, node: ast.ClassDef, step: ast.AST) -> bool:
    """Whether the method that steps makes the optimizer as well, at each call."""
    methods = [walk(one) for one in node.body if isinstance(one, ast.FunctionDef)]
    own = next((nodes for nodes in methods if step in nodes), [])
    return any(name == _method(step, "step") for one in own for name, _ in _optimizers(facts, one))


def _once(facts: Facts, node: ast.ClassDef, step: ast.AST) -> bool:
    """Whether the method that steps is called at one place, which comes there once with each object."""
    names = [one.name for one in node.body if isinstance(one, ast.FunctionDef) and step in walk(one)]
    called = [call for name in names for call in _calls(facts, name)]
    return len(called) == 1 and _comes_once(facts, called[0], _root(called[0].func), node.name)


def _comes_once(facts: Facts, call: ast.Call, name: str, made: str, depth: int = 4) -> bool:
    """Whether nothing repeats a call on one object of a name, which loops and functions around it may make anew."""
    functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = [
        *facts.nodes(ast.FunctionDef), *facts.nodes(ast.AsyncFunctionDef)
    ]  # fmt: skip
    around = [one for one in functions if call in own_nodes(one.body)]
    body = list(own_nodes(around[0].body if around else facts.source.tree.body))
    loops = [one for one in body if isinstance(one, ast.For | ast.While) and call in walk(one)]
    if depth == 0 or any(name not in bound_names(loop.body) for loop in loops):
        return False
    if not around:
        return call in body
    if name in bound_names(around[0].body):
        values = [one.value for one in body if isinstance(one, ast.Assign) and name in bound_names([one])]
        return all(isinstance(one, ast.Call) and last_name(one.func) == made for one in values)
    callers = _calls(facts, around[0].name)
    if not callers:
        # A function without a caller is no loop; a method is there to be called again.
        return not any(one.arg == "self" for one in parameters(around[0]))
    return len(callers) == 1 and _comes_once(facts, callers[0], "", made, depth - 1)


def _calls(facts: Facts, name: str) -> list[ast.Call]:
    return [one for one in facts.nodes(ast.Call) if last_name(one.func) == name]


def _root(node: ast.expr) -> str:
    """The variable that an expression starts from."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _in_one_loop(node: ast.ClassDef, step: ast.AST, backward: ast.AST) -> bool:
    """Whether a loop holds both calls: that is reported by itself."""
    loops = (one for one in walk(node) if isinstance(one, ast.For | ast.While))
    return any({step, backward} <= set(walk(loop)) for loop in loops)


def _cleared(facts: Facts, scope: Scope, loop: ast.For | ast.While, made: Made, stepped: str) -> bool:
    """Whether something in a loop clears the gradients of an optimizer, or may do so."""
    elsewhere = _on_other_ways(loop, stepped)
    for node in walk(loop):
        if node in elsewhere:
            continue
        if _by_hand(node) or (isinstance(node, ast.Call) and _may_clear(facts, scope, node, stepped)):
            return True
        cleared = _method(node, "zero_grad")
        if cleared is None and isinstance(node, ast.Attribute) and node.attr in _CLEARING:
            named = node.attr == "zero_grad" and ast.unparse(node.value) in made
            if not named:
                return True
        if cleared is not None:
            shared = made.get(cleared, set()) & made[stepped]
            if cleared == stepped or cleared not in made or shared:
                return True
    return False


def _on_other_ways(loop: ast.For | ast.While, stepped: str) -> set[ast.AST]:
    """The other way of a choice that never changes, where an optimizer steps after a backward pass on one.

    if amp: opt.zero_grad(); scaler.scale(loss).backward(); scaler.step(opt)     else: loss.backward(); opt.step()
    """
    bound = bound_names([loop])
    found: set[ast.AST] = set()
    for choice in (one for one in walk(loop) if isinstance(one, ast.If) and one.orelse):
        asked = walk(choice.test)
        if any(isinstance(one, ast.Call) or (isinstance(one, ast.Name) and one.id in bound) for one in asked):
            continue
        for suite, other in ((choice.body, choice.orelse), (choice.orelse, choice.body)):
            own = [node for one in suite for node in walk(one)]
            methods = {(name, _method(node, name)) for node in own for name in ("step", "backward")}
            if ("step", stepped) in methods and any(name == "backward" and of for name, of in methods):
                found |= {node for one in other for node in walk(one)}
    return found


def _by_hand(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and isinstance(node.targets[-1], ast.Attribute) and (
        node.targets[-1].attr == "grad"
    )  # fmt: skip


def _may_clear(facts: Facts, scope: Scope, call: ast.Call, stepped: str) -> bool:
    """Whether a call may clear gradients elsewhere: it is given the optimizer, or is a function whose text does."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    if any(isinstance(one, ast.Name | ast.Attribute) and ast.unparse(one) == stepped for one in given):
        return True
    match call.func:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="self"), attr=name):
            bodies = [node for node in facts.nodes(ast.FunctionDef) if node.name == name]
            known = bool(bodies) or isinstance(call.func, ast.Name) or _is_attribute(facts, name)
            return not known or any(facts.mentions(node, word) for node in bodies for word in ("zero_", "set_to_none"))
        case ast.Attribute(value=ast.Name(id=name), attr=method):
            return method in ("clear", "reset_grads") or name == "self"
    return False


def _is_attribute(facts: Facts, name: str) -> bool:
    """Whether some class of the module assigns an attribute of this name: an object, and no inherited method."""
    return any(name in info.attributes for info in facts.module.classes.values())


def _cleared_early(facts: Facts) -> Iterator[Event]:
    """`loss.backward(); opt.zero_grad(); opt.step()` in one block."""
    for scope in facts.mentioning("zero_grad"):
        made: Made | None = None
        for block in _blocks(scope):
            found: dict[str, ast.AST] = {}
            backward: ast.AST | None = None
            for statement in block:
                value = statement.value if isinstance(statement, ast.Expr) else None
                if _method(value, "backward") is not None or _goes_backward(facts, value):
                    backward, found = value, {}
                elif value is None and facts.mentions(statement, "backward") and _differentiates(statement):
                    # A loop with a backward pass of its own.
                    found = {}
                elif backward is not None and (name := _method(value, "zero_grad")) is not None:
                    found[name] = value  # type: ignore[assignment]
                elif backward is not None and (name := _method(value, "step")) in found:
                    made = _optimizers_in(facts, scope, list(own_nodes(scope.body))) if made is None else made
                    if name in made or "opt" in str(name):
                        yield Event(facts.source.path, RULE.name, (found[str(name)], backward, value))  # type: ignore[arg-type]


def _goes_backward(facts: Facts, value: ast.expr | None) -> bool:
    """Whether a call of an own method does nothing but a backward pass through what it is given."""
    match value:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name), args=[_, *_]):
            bodies = [one.body for one in facts.nodes(ast.FunctionDef) if one.name == name]
            return name == "manual_backward" or (
                len(bodies) == 1
                and len(bodies[0]) == 1
                and isinstance(bodies[0][0], ast.Expr)
                and _method(bodies[0][0].value, "backward") is not None
            )
    return False


def _differentiates(statement: ast.stmt) -> bool:
    return any(_method(node, "backward") for node in walk(statement))


def _blocks(scope: Scope) -> Iterator[list[ast.stmt]]:
    for node in [scope.node, *own_nodes(scope.body)]:
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                yield block


def _optimizers_in(facts: Facts, scope: Scope, body: list[ast.AST]) -> Made:
    """The optimizers that a body has names for: its own, and those of the object whose method it is."""
    made: Made = {}
    for node in body:
        for name, given in _optimizers(facts, node):
            made.setdefault(name, set()).update(given)
    if "torch" in facts.module.libraries and not any(word in facts.source.text for word in _ELSEWHERE):
        made.update((name, set()) for name in _given(facts, scope.node))
    if any(isinstance(node, ast.Attribute) and _on_self(node) for node in body):
        info = facts.owner_of(scope.node)
        for inner in () if info is None else facts.module.body.scopes[info.node].everywhere(ast.Assign):
            for name, given in _optimizers(facts, inner):
                if name.startswith("self."):
                    made.setdefault(name, set()).update(given)
    return made


def _given(facts: Facts, node: ast.AST) -> Iterator[str]:
    """The parameters that are optimizers, by annotation or name, and whose gradients nobody else clears.

    The module clears none, or this very function does, so that it is the one that sees to it.
    """
    elsewhere = "zero_grad" in facts.source.text
    own = {_method(one, "zero_grad") for one in walk(node)} if elsewhere else set()
    for one in parameters(node) if isinstance(node, ast.FunctionDef) else ():
        said = None if one.annotation is None else facts.program.resolve(facts.module, one.annotation)
        named = said in _CLASSES or one.arg in ("optimizer", "optim", "opt")
        if named and (not elsewhere or one.arg in own):
            yield one.arg


def _made_anew(facts: Facts, loop: ast.For | ast.While, inside: list[ast.AST]) -> set[str]:
    """The optimizers that each round of a loop makes, of things that it makes as well."""
    attributes = [node for node in inside if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)]
    bound = bound_names(loop.body) | set(map(ast.unparse, attributes))
    return {name for node in inside for name, given in _optimizers(facts, node) if given & bound}


def _optimizers(facts: Facts, node: ast.AST) -> Iterator[tuple[str, set[str]]]:
    """A variable bound to an optimizer, and the variables (and attributes of self) in the optimizer's arguments."""
    match node:
        case ast.Assign(
            targets=[ast.Name() | ast.Attribute() as target],
            value=ast.Call(func=func, args=[given, *_])
            | ast.Call(func=func, keywords=[ast.keyword(arg="params", value=given), *_]),
        ):
            if _makes(facts, func):
                yield ast.unparse(target), _names(given)
    match node:
        case ast.Assign(targets=[ast.Name() | ast.Attribute() as target], value=ast.Call() as call):
            if (names := _made_by_helper(facts, call)) is not None:
                yield ast.unparse(target), names


def _makes(facts: Facts, func: ast.expr) -> bool:
    """Whether a call makes an optimizer that steps once for each backward pass."""
    made = facts.program.resolve(facts.module, func)
    known = isinstance(made, str) and made.startswith(("torch.optim.", "tenure.optim."))
    return known and not any(part in str(made) for part in ("lr_scheduler", "swa_utils", "LBFGS"))


def _names(given: ast.expr) -> set[str]:
    """The variables, and the attributes of self, in an optimizer's argument."""
    parts = walk(given)
    on_self = {ast.unparse(part) for part in parts if isinstance(part, ast.Attribute) and _on_self(part)}
    return on_self | ({part.id for part in parts if isinstance(part, ast.Name)} - {"self"})


def _made_by_helper(facts: Facts, call: ast.Call) -> set[str] | None:
    """The arguments of a function of the module that returns a new optimizer and nothing else."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="self"), attr=name):
            helpers = [one for one in facts.noted_of("optimizer makers", partial(_makers, facts)) if one.name == name]
            given = [*call.args, *(one.value for one in call.keywords)]
            return set().union(*map(_names, given)) if len(helpers) == 1 else None
    return None


def _makers(facts: Facts) -> list[ast.FunctionDef]:
    """The functions of the module whose every result is an optimizer made there."""
    scopes = facts.mentioning("optim")
    found = [(one.node, [back.value for back in one.of(ast.Return)]) for one in scopes if one.of(ast.Return)]
    return [node for node, values in found if isinstance(node, ast.FunctionDef)
            and all(isinstance(one, ast.Call) and _makes(facts, one.func) for one in values)]  # fmt: skip


def _on_self(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "self"


def _method(node: ast.AST | None, method: str) -> str | None:
    """The text of the object that a method is called on."""
    match node:
        case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr == method:
            return ast.unparse(value)
    return None


RULE = Rule(
    name="grad-not-cleared",
    code="TN506",
    sentence="gradients are cleared between the steps of an optimizer",
    reason=("`backward()` adds to the gradients. Without `zero_grad()` each step uses the sum of all earlier ones."),
    wrong="""\
import torch
w = torch.ones(1, requires_grad=True)
opt = torch.optim.SGD([w], lr=0.1)
for x in data:
    loss = (w * x).sum()
    loss.backward()
    opt.step()
""",
    right="""\
import torch
w = torch.ones(1, requires_grad=True)
opt = torch.optim.SGD([w], lr=0.1)
for x in data:
    opt.zero_grad()
    loss = (w * x).sum()
    loss.backward()
    opt.step()
""",
    help="call `optimizer.zero_grad()` in each round",
    check=_check,
)
