"""The rule self-overlapping-write (TN502)."""

from collections.abc import Iterator

from tenure.check.analysis.conflicts import note
from tenure.check.analysis.events import Events
from tenure.check.analysis.machine import Machine
from tenure.check.facts import Facts
from tenure.check.rules.rule import Rule
from tenure.check.rules.wording import of_events
from tenure.check.values import MUST, Component, Holder, Obj, Ref, Value, Write, spread
from tenure.diagnostic import Diagnostic

__all__ = ["RULE"]


_TURNING = frozenset(("T", "mT", "t", "transpose", "permute", "swapaxes"))
"""Views that have the same elements at other places."""


def _check(facts: Facts) -> Iterator[Diagnostic]:
    return of_events(facts, RULE, "what is written here overlaps with itself", ("written here", "shares its memory"))


def _written(m: Machine, ref: Ref, holder: Holder | None, write: Write) -> None:
    """A write to a view by `expand`."""
    obj = ref.obj
    made = spread(obj)
    certain = write.certain and m.alone and ref.must and not obj.maybe
    if made and obj.kind in ("tensor", "ndarray") and write.sort == "write" and certain:
        note(m, RULE.name, write.node, made.node, detail="expanded")


def _paired(m: Machine, target: Value, operand: Value) -> None:
    """A view of a tensor that is written with another, shifted one."""
    for one in target:
        for other in operand:
            a, b = one.obj, other.obj
            if a.kind == "tensor" and b.base is a and _spread_over(b):
                note(m, RULE.name, m.op.node, b.node, detail="part")
            if a.kind != "tensor" or a is b or a.base is None or a.base is not b.base or a.region == b.region:
                continue
            if _shifted(a, b) or (_indexed(a) and _indexed(b) and m.state.overlap(a, b) == MUST):
                note(m, RULE.name, m.op.node, b.node, detail="shifted")


def _spread_over(part: Obj) -> bool:
    """Whether a part of a tensor, spread over the whole or turned, is read while the whole is written.

    x -= x[:, :1]     x /= x[0]     x += x.T
    """
    if part.region and part.region[0][0] == "op":
        return part.region[0][1] in _TURNING
    single = [one for one in part.region if one[0] in ("i", "v") or (one[0] == "s" and _of_one(one))]
    return bool(single) and all(one in single or one[0] in ("all", "new") for one in part.region)


def _of_one(part: Component) -> bool:
    """Whether a slice takes one row: `:1`, `-1:`, `3:4`."""
    low, high = part[1] or 0, part[2]
    return (high is None and low == -1) or (isinstance(low, int) and isinstance(high, int) and high - low == 1)


def _shifted(target: Obj, operand: Obj) -> bool:
    """Whether all but the end is written from all but the begin: `x[: n * k] = x[n:]`, as histories move on."""
    pairs = [(a, b) for a, b in zip(target.region, operand.region, strict=False) if a != b]
    if len(pairs) != 1 or len(target.region) != len(operand.region):
        return False
    (a, b) = pairs[0]
    plain = a[0] == b[0] == "s" and a[3] in (None, 1) and b[3] in (None, 1)
    return plain and a[1] in (None, 0) and a[2] is not None and b[1] not in (None, 0, a[2]) and b[2] is None


def _indexed(obj: Obj) -> bool:
    """Whether a view is made by constant indices alone."""
    constant = all(isinstance(part, int | str | None) for component in obj.region for part in component)
    return constant and all(component[0] in ("i", "s", "all") for component in obj.region)


RULE = Rule(
    name="self-overlapping-write",
    code="TN502",
    sentence="an operation in place does not read, or write twice, the cells it is writing",
    reason=(
        "A shifted view of the same tensor is read while it is being written, or one cell stands for several "
        "elements (`expand`): the result depends on the order."
    ),
    wrong="""\
import torch
x = torch.arange(4.0)
x[1:] += x[:-1]
""",
    right="""\
import torch
x = torch.arange(4.0)
x[1:] = x[1:] + x[:-1]
""",
    help="compute out of place first, or make a copy with `.clone()`",
    check=_check,
    on=Events(written=(_written,), paired=(_paired,)),
)
