"""The rule saved-for-backward-overwritten (TN506)."""

from collections.abc import Iterator

from tenure.check.analysis.conflicts import reading
from tenure.check.analysis.contexts import kept_on_context
from tenure.check.analysis.events import Events
from tenure.check.analysis.graphs import saved_by
from tenure.check.analysis.machine import Machine
from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_conflicts
from tenure.check.scope import decorator_names
from tenure.check.values import Holder, Ref, Value, Write
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Diagnostic]:
    message = "what the graph keeps for the backward pass is written here"
    return of_conflicts(
        facts, RULE, message, lent="kept for the backward pass here", used="needed by this backward pass"
    )


def _returned(m: Machine, value: Value) -> None:
    """The result of a module's `forward` goes to a backward pass, wherever that is."""
    function = m.function
    if m.frame is not None or function.name != "forward" or function.in_class is None or m.state.quiet > 0:
        return
    if decorator_names(function.node) & _UNRECORDED:
        return
    parts = [part for ref in value if ref.obj.kind in _HOLDING for part in m.items(ref.obj)]
    reading(m, kept_on_context(m), "backward", m.op.node)
    for ref in (*value, *parts):
        saved = tuple(_whichever(m, one) for one in saved_by(m, ref.obj))
        reading(m, saved, "backward", m.op.node)


def _written(m: Machine, ref: Ref, holder: Holder | None, write: Write) -> None:
    """Note whether each tensor that a write may reach is kept by the operation that made it."""
    if ref.obj.kind == "tensor" and not m.alone:
        own = any(one.obj is ref.obj for one in saved_by(m, ref.obj))
        known = _kept_by_their_own(m)
        known[write] = known.get(write, True) and own


def _whichever(m: Machine, saved: Ref) -> Ref:
    """A saved value, written for certain if the write reaches one of several and all of them are saved."""
    certain = saved.write is not None and _kept_by_their_own(m).get(saved.write, False)
    return saved._replace(must=True) if certain else saved


def _kept_by_their_own(m: Machine) -> dict[Write, bool]:
    return m.notes("kept by their own", dict)


_HOLDING = frozenset(("tuple", "list", "dict"))
"""Kinds of what a `forward` returns several tensors in."""


_UNRECORDED = frozenset(("no_grad", "inference_mode"))


RULE = Rule(
    name="saved-for-backward-overwritten",
    code="TN506",
    sentence="what the backward pass needs is not written before it has run",
    reason=(
        "Operations keep their inputs (or results) for the gradient. Writing one before `backward()` raises "
        "there, or gives the gradient of another function."
    ),
    wrong="""\
import torch
x = torch.tensor([3.0], requires_grad=True)
y = x * 2.0
z = y * y
y.mul_(10.0)
z.sum().backward()
""",
    right="""\
import torch
x = torch.tensor([3.0], requires_grad=True)
y = x * 2.0
z = y * y
y = y.mul(10.0)
z.sum().backward()
""",
    help="call `backward()` first, or compute out of place",
    check=_check,
    on=Events(returned=(_returned,), written=(_written,)),
)
