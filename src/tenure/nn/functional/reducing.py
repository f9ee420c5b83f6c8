"""Reduction of losses to one number, and the shapes of an input and its target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.errors import DTypeError, InternalError, ShapeError, shown
from tenure.values.operations.arithmetic import where
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import flag, number

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor

MEAN = "mean"
WAYS = (MEAN, "sum", "none")


def reduced(losses: Any, count: Any, reduction: str) -> Any:
    """Losses unreduced, their sum, or their sum divided by a count."""
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    if reduction == "mean":
        return losses.mean() if count is None else losses.sum() / count
    raise InternalError(f"losses are not reduced by {reduction!r}")


def check_reduction(name: str, reduction: Any) -> None:
    """ValueError for what is no way to reduce losses."""
    if not isinstance(reduction, str) or reduction not in WAYS:
        raise ValueError(f"{name}: reduction is 'mean', 'sum' or 'none', not {shown(reduction)}")


def flags(name: str, size_average: Any, reduce: Any, reduction: Any) -> Any:
    """The reduction that PyTorch's older flags stand for, or the one that is given where they are not."""
    if size_average is None and reduce is None:
        return reduction
    for argument, x in (("size_average", size_average), ("reduce", reduce)):
        if isinstance(x, str):
            raise DTypeError(f"{name}: {argument} is True or False, not {x!r}", help=f"write reduction={x!r}")
    if not isinstance(reduction, str) or reduction != "batchmean":
        check_reduction(name, reduction)
    average = size_average is None or flag(f"{name}: size_average", size_average)
    if reduce is not None and not flag(f"{name}: reduce", reduce):
        return "none"
    return MEAN if average else "sum"


def way(name: str, reduction: Any, size_average: Any, reduce: Any) -> str:
    """A reduction, checked, with PyTorch's older flags in place of it where one is given."""
    if size_average is not None or reduce is not None:
        reduction = flags(name, size_average, reduce, reduction)
    if reduction is not MEAN:
        check_reduction(name, reduction)
    return reduction  # type: ignore[no-any-return]


def scalar(name: str, argument: str, x: Any) -> float:
    """An argument that is a number, as a float; DTypeError (TN802) for another."""
    if type(x) is float:
        return x
    found = number(name, argument, x)
    if getattr(found, "shape", ()):
        raise DTypeError(f"{name}: {argument} is a number, not {shown(x)}")
    return float(found)


def pair(name: str, input: Any, target: Any) -> tuple[Tensor, Tensor]:
    """Input and target; TN802 unless the shapes agree or the target is a single number."""
    x, y = value_of(input), value_of(target)
    if y.shape not in (x.shape, ()):
        raise ShapeError(
            f"{name}: input of shape {list(x.shape)}, target of shape {list(y.shape)}",
            help="make the shapes agree, as with .reshape(target.shape) or .squeeze(-1)",
        )
    return x, y


def tensors(needed: tuple[Any, ...], *optional: Any) -> tuple[Any, ...]:
    """Arguments as values, without the optional ones that are None."""
    return (*map(value_of, needed), *[value_of(x) for x in optional if x is not None])


def scaled(name: str, losses: Any, weight: Any) -> Any:
    """Losses, each times its weight; TN802 unless there is one for each."""
    if weight.shape != losses.shape:
        raise ShapeError(f"{name}: weight of shape {list(weight.shape)} for losses of shape {list(losses.shape)}")
    return losses * weight


def at_least(x: Any, least: Any) -> Any:
    """x, or a number where x is less; with the slope 1 everywhere, as PyTorch clamps outside of the graph."""
    return x + where(x < least, least - x, 0.0).detach()
