"""The rule argument-written-in-disguise (TN506)."""

import ast
from collections.abc import Iterator

from tenure.check.analysis.conflicts import note
from tenure.check.analysis.events import Events
from tenure.check.analysis.findings import Event
from tenure.check.analysis.machine import Machine
from tenure.check.facts import Facts
from tenure.check.rules.frames_written import frames_written
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events, reports_of
from tenure.check.values import Holder, Loan, Obj, Value, Write
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]

_DISGUISES = frozenset(
    ("from_numpy", "asarray", "as_tensor", "asanyarray", "array", "ascontiguousarray", "numpy", "detach")
)
_EXPECTED = ("out", "inplace", "in_place", "buffer", "result", "dst", "dest", "workspace")


def _check(facts: Facts) -> Iterator[Diagnostic]:
    yield from of_events(
        facts,
        RULE,
        "this writes to `{text}`, which the caller gave: the conversion copied nothing",
        ("written here", "still the caller's memory"),
    )
    frames = (Event(facts.source.path, RULE.name, nodes, text=nodes[1].arg) for nodes in frames_written(facts))
    yield from reports_of(facts, RULE, frames, "this writes to `{text}`, which the caller gave", ("here", "given here"))


def _by_name(m: Machine, value: Value, holder: Holder | None, write: Write) -> None:
    """Note `y += x` where y is a parameter that a conversion gave another name."""
    for ref in value if len(value) == 1 and m.frame is None and m.depth == 0 else ():
        loan, root = _conversion(ref.loan), ref.obj.root()
        name = root.parameter
        if loan is None or not isinstance(name, str) or ref.obj.maybe or not ref.must or not _is_array(root):
            continue
        words = f"{name} {m.function.name}".lower()
        if not any(part in words for part in _EXPECTED) and not m.function.name.endswith("_"):
            _found(m).setdefault(root, (write.node, loan.node, name))


def _returned(m: Machine, value: Value) -> None:
    """The function gives a result, as one that works out of place does."""
    if m.frame is None and any(ref.obj.const is not None for ref in value):
        for written, converted, name in _found(m).values():
            note(m, RULE.name, written, converted, text=name)


def _found(m: Machine) -> dict[Obj, tuple[ast.AST, ast.AST, str]]:
    """The arguments that were written, each with where, the conversion, and its name."""
    return m.notes(RULE.name, dict)


def _conversion(loan: Loan | None) -> Loan | None:
    at = loan
    while at is not None and at.text not in _DISGUISES:
        at = at.parent
    return at


def _is_array(obj: Obj) -> bool:
    return obj.kind in ("ndarray", "tensor")


RULE = Rule(
    name="argument-written-in-disguise",
    code="TN506",
    sentence="a function that returns its result does not write what it was given",
    reason=(
        "`from_numpy`, `asarray` and their like copy nothing where the type fits already. What follows in place "
        "changes the caller's array, though it reads as if it changed a new one."
    ),
    wrong="""\
import numpy as np
import torch
def prepare(x: np.ndarray):
    t = torch.from_numpy(x)
    t /= 255.0
    return t
""",
    right="""\
import numpy as np
import torch
def prepare(x: np.ndarray):
    t = torch.from_numpy(x)
    return t / 255.0
""",
    help="compute out of place, or copy first",
    check=_check,
    on=Events(by_name=(_by_name,), returned=(_returned,)),
)
