"""The rule thread-race (TN499)."""

import ast
from collections.abc import Iterator

from tenure.check import ops
from tenure.check.analysis.conflicts import note
from tenure.check.analysis.events import Events
from tenure.check.analysis.functions import outer_examples, summarize
from tenure.check.analysis.machine import Machine
from tenure.check.analysis.replay import resolve
from tenure.check.facts import Facts
from tenure.check.program import Module
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.check.scope import parameters
from tenure.check.values import Holder, Obj, Ref, Value, Write
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(
        facts,
        RULE,
        "several threads write this tensor",
        ("written by each of them", "the tensor", "the threads are made here"),
    )


def _threaded(m: Machine, op: ops.Call) -> None:
    """Start a thread on a function that writes the same object as another one."""
    registers = dict(op.keywords)
    for ref in m.get(registers.get("target")):
        function = ref.obj.target
        if not isinstance(function, ops.Function):
            continue
        given = _arguments(m, function, m.get(registers.get("args")))
        examples = {name: value[0].obj for name, (value, _) in given.items() if len(value) == 1}
        summary = summarize(m, function, examples | outer_examples(m, function))
        same = _written_out(op)
        for act in summary.acts.values():
            for written, _ in resolve(m, act.path, given, function):
                _race(m, written, _site(m, function, act.write, op), op, same=same)


def _arguments(m: Machine, function: ops.Function, args: Value) -> dict[str, tuple[Value, Holder | None]]:
    names = [given.arg for given in parameters(function.node)]
    out: dict[str, tuple[Value, Holder | None]] = {}
    for one in args:
        for at, name in enumerate(names):
            out[name] = (m.field(one.obj, at), (one.obj, at))
    return out


def _written_out(op: ops.Call) -> bool:
    """Whether a call names the arguments of its thread: those that it takes from elsewhere may differ each round."""
    keywords = op.node.keywords if isinstance(op.node, ast.Call) else []
    return all(isinstance(one.value, ast.Tuple | ast.List) for one in keywords if one.arg == "args")


def _site(m: Machine, function: ops.Function, write: Write, op: ops.Call) -> ast.AST:
    """The line of a function that writes, or in another file's case the call that makes the thread."""
    path, node = write.inner or (function.home.source.path if isinstance(function.home, Module) else "", write.node)
    return node if path == m.module.source.path else op.node


def _race(m: Machine, written: Ref, site: ast.AST, op: ops.Call, *, same: bool) -> None:
    obj = written.obj
    if obj.kind not in ("tensor", "ndarray") or obj.summary:
        return
    threads: dict[Obj, list[ast.AST]] = m.notes(RULE.name, dict)
    others = threads.setdefault(obj, [])
    again = any(node is not op.node for node in others) or (same and op.node in others and not _loop_local(m, obj))
    others.append(op.node)
    if again:
        note(m, RULE.name, site, obj.node, op.node)


def _loop_local(m: Machine, obj: Obj) -> bool:
    """Whether each round of a loop has an object of its own there."""
    at: Obj | None = obj
    while at is not None:
        if any(isinstance(part, Obj) for component in at.region for part in component) or isinstance(at.field, Obj):
            return True
        if at in m.last.values():
            return True
        at = at.base or at.owner
    return False


RULE = Rule(
    name="thread-race",
    code="TN499",
    sentence="two threads do not write the same tensor",
    reason="Kernels run without the interpreter's lock: updates of the same memory from two threads get lost.",
    wrong="""\
import threading
import torch
x = torch.zeros(3)
def work():
    x.add_(1.0)
ts = [threading.Thread(target=work) for _ in range(4)]
""",
    right="""\
import threading
import torch
parts = [torch.zeros(3) for _ in range(4)]
def work(part):
    part.add_(1.0)
ts = [threading.Thread(target=work, args=(part,)) for part in parts]
""",
    help="give each thread a tensor of its own, or hold a lock",
    check=_check,
    on=Events(threaded=(_threaded,)),
)
