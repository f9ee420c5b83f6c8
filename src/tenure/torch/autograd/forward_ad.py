"""``torch.autograd.forward_ad``: dual numbers, a tensor with a tangent, through the operations of a level.

    with dual_level():
        y = f(make_dual(x, t))          x is marked; the operations are recorded as ever
        unpack_dual(y).tangent          one step of forward mode from the marks to y, as ``tn.jvp`` lays it

A tensor that depends on a dual says ``requires_grad``, since it is differentiated; its ``.primal`` says what PyTorch's
does. The trace stays open in a level.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tenure.errors import TenureError
from tenure.func.tangents import pushed
from tenure.func.transforms import closed
from tenure.torch.autograd.modes import Level, untracked
from tenure.torch.cells import Tensor, unwrap, wrap
from tenure.torch.errors import refuse, translated
from tenure.values.grad import steps
from tenure.values.rules.modes import enable_grad, is_grad_enabled
from tenure.values.trace.record import RECORDER

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]


class Duals:
    """Duals of the level in progress: marks and tangents."""

    marks: list[Any] = []  # noqa: RUF012
    tangents: list[Any] = []  # noqa: RUF012


class UnpackedDualTensor(NamedTuple):
    """The two parts of a dual: a tensor, and its tangent or None."""

    primal: Any
    tangent: Any


def enter_dual_level() -> int:
    """Begin a level, whose number is 0; RuntimeError within another, and where operations are not tracked."""
    if Level.is_open:
        raise refuse("Nested forward mode AD is not supported at the moment")
    if not is_grad_enabled():
        raise untracked()
    Level.is_open, Duals.marks, Duals.tangents = True, [], []
    RECORDER.open += 1
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """End the level: duals have no tangents any more."""
    if not Level.is_open:
        raise refuse("Trying to exit a forward AD level that was not entered")
    Level.is_open, Duals.marks, Duals.tangents = False, [], []
    RECORDER.open -= 1


class dual_level:
    """Context of a level."""

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *error: object) -> None:
        exit_dual_level()


def make_dual(tensor: Any, tangent: Any, *, level: int | None = None) -> Any:
    """A tensor with the elements of another and a tangent of its shape and dtype; ValueError if one is not floating."""
    if not Level.is_open:
        raise refuse(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."
        )
    for what, x in (("primal", tensor), ("tangent", tangent)):
        if x._aval.dtype.kind not in "fc":
            raise ValueError(f"Expected {what} to be floating point or complex, but got: {x.dtype}")
    value, moved = unwrap((tensor, tangent))
    if moved._aval.shape != value._aval.shape or moved._aval.dtype is not value._aval.dtype:
        raise refuse(
            "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not"
            f" supported. Tensor is of size {list(tensor.shape)} while the given forward gradient is of size"
            f" {list(tangent.shape)}."
        )
    mark = enable_grad().apply(steps.mark, value, None)
    Duals.marks.append(mark)
    Duals.tangents.append(steps.settle(moved))
    return Tensor._of(mark)


def unpack_dual(tensor: Any, *, level: int | None = None) -> UnpackedDualTensor:
    """The tensor and its tangent, None if it depends on no dual."""
    if not Duals.marks:
        return UnpackedDualTensor(tensor, None)
    try:
        value = unwrap(tensor)
        at = {m._slot for m in Duals.marks}
        t = RECORDER.trace
        if value._trace is not t or not value._kind.tracked or at.isdisjoint({value._slot, *t.deps(value._slot)}):
            return UnpackedDualTensor(tensor, None)
        (moved,) = enable_grad().apply(pushed, [value], Duals.marks, Duals.tangents)
        primal, moved = (enable_grad().apply(closed, x, Duals.marks, True) for x in (value, moved))
    except TenureError as error:
        raise translated(error) from None
    return UnpackedDualTensor(wrap(primal), wrap(moved))
