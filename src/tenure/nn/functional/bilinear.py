"""Bilinear maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.errors import ShapeError
from tenure.values.native.hits import apply
from tenure.values.operations.reading import value_of
from tenure.values.tensor.composite import composite

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


def bilinear(input1: ArrayLike, input2: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> Tensor:
    """Bilinear map of two inputs: x1ᵀ A x2 + b for each output.

    Shapes: input1 (…, in1), input2 (…, in2) with the same leading sizes, weight (out, in1, in2), bias (out,); the
    result has (…, out). ShapeError (TN802) where they do not fit.

    >>> F.bilinear(tn.tensor([1.0, 2.0]), tn.tensor([3.0]), tn.ones(1, 2, 1))
    tensor([9.])
    """
    given = tuple([value_of(x) for x in (input1, input2, weight, bias) if x is not None])
    return apply(BILINEAR, given)


def _bilinear(x: Any, y: Any, weight: Any, bias: Any = None) -> Any:
    lead = tuple(x.shape[:-1])
    fits = x.shape and y.shape and tuple(y.shape[:-1]) == lead and len(weight.shape) == 3
    if not fits or (x.shape[-1], y.shape[-1]) != tuple(weight.shape[1:]):
        shapes = f"{list(x.shape)} and {list(y.shape)} with a weight of {list(weight.shape)}"
        raise ShapeError(f"bilinear: inputs of shapes {shapes}; they are (…, in1), (…, in2) and (out, in1, in2)")
    out, first, second = weight.shape
    if bias is not None and tuple(bias.shape) != (out,):
        raise ShapeError(f"bilinear: a bias of shape {list(bias.shape)}, where {[out]} is expected")
    half = x @ weight.permute(1, 0, 2).reshape(first, out * second)
    found = (half.reshape(*lead, out, second) * y.reshape(*lead, 1, second)).sum(axis=-1)
    return found if bias is None else found + bias


BILINEAR = composite("bilinear", _bilinear, "BilinearBackward0")
