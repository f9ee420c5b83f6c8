"""Nonlinearities of straight pieces, and smooth ones in their place.

Where two pieces meet the gradient is PyTorch's: that of the constant piece, else of the left one. NaN stays NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenure.errors import DTypeError, ShapeError, shown
from tenure.nn.functional.activation import softmax
from tenure.ops.promote import parameters
from tenure.values.native.hits import apply, apply_one
from tenure.values.operations import elementary
from tenure.values.operations.arithmetic import where
from tenure.values.operations.axes import check_axis
from tenure.values.operations.reading import value_of
from tenure.values.tensor.composite import composite

if TYPE_CHECKING:
    from tenure.dtypes import DTypeLike
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


def _real(name: str, argument: str, x: Any) -> float:
    """An argument as a float; TN802 for what is no number of Python's."""
    if isinstance(x, bool) or not isinstance(x, int | float):
        raise DTypeError(f"{name}: {argument} is a number, not {shown(x)}")
    return float(x)


def _between(x: Any, low: float, high: float) -> Any:
    """x within bounds, which give no gradient."""
    return where((x <= low) | (x >= high), x.detach().clip(low, high), x)


HARDTANH = composite("hardtanh", lambda x, *, low, high: _between(x, low, high), "HardtanhBackward0")
HARDSIGMOID = composite("hardsigmoid", lambda x: _between(x + 3.0, 0.0, 6.0) / 6.0)
HARDSWISH = composite("hardswish", lambda x: x * (_between(x + 3.0, 0.0, 6.0) / 6.0))
HARDSHRINK = composite("hardshrink", lambda x, *, by: where((x >= -by) & (x <= by), 0.0, x))
SOFTSHRINK = composite("softshrink", lambda x, *, by: where(x > by, x - by, where(x < -by, x + by, x * 0.0)))
THRESHOLD = composite("threshold", lambda x, *, limit, value: where(x <= limit, value, x))
CELU = composite("celu", lambda x, *, alpha: where(x > 0, x, alpha * (x / alpha).expm1()))
ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805
SELU = composite("selu", lambda x: SCALE * where(x > 0, x, ALPHA * x.expm1()))
MISH = composite("mish", lambda x: x * elementary.softplus(x).tanh(), wide=True)
SOFTSIGN = composite("softsign", lambda x: x / (x.abs() + 1.0))
TANHSHRINK = composite("tanhshrink", lambda x: x - x.tanh())


def hardtanh(input: ArrayLike, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """Elementwise x between two bounds, outside of them the nearer; ``inplace`` has no effect.

    The shape is that of the input. ValueError unless min_val is below max_val.

    >>> F.hardtanh(tn.tensor([-2.0, 0.5]))
    tensor([-1.0000,  0.5000])
    """
    low, high = _real("hardtanh", "min_val", min_val), _real("hardtanh", "max_val", max_val)
    if not low < high:
        raise ValueError(f"hardtanh: min_val {low} is not below max_val {high}")
    return apply_one(HARDTANH, value_of(input), parameters(("low", "high"), low, high))


def relu6(input: ArrayLike, inplace: bool = False) -> Tensor:
    """Elementwise min(max(x, 0), 6), in the shape of the input; ``inplace`` has no effect.

    >>> F.relu6(tn.tensor([-1.0, 7.0]))
    tensor([0., 6.])
    """
    return hardtanh(input, 0.0, 6.0)


def hardsigmoid(input: ArrayLike, inplace: bool = False) -> Tensor:
    """Elementwise relu6(x + 3) / 6, in the shape of the input; ``inplace`` has no effect.

    >>> F.hardsigmoid(tn.tensor([-4.0, 0.0]))
    tensor([0.0000, 0.5000])
    """
    return apply_one(HARDSIGMOID, value_of(input))


def hardswish(input: ArrayLike, inplace: bool = False) -> Tensor:
    """Elementwise x · relu6(x + 3) / 6, in the shape of the input; ``inplace`` has no effect.

    >>> F.hardswish(tn.tensor([3.0, 1.5]))
    tensor([3.0000, 1.1250])
    """
    return apply_one(HARDSWISH, value_of(input))


def hardshrink(input: ArrayLike, lambd: float = 0.5) -> Tensor:
    """Elementwise x, and 0 where |x| is at most lambd; in the shape of the input.

    >>> F.hardshrink(tn.tensor([-1.0, 0.5]))
    tensor([-1.,  0.])
    """
    return apply_one(HARDSHRINK, value_of(input), parameters(("by",), _real("hardshrink", "lambd", lambd)))


def softshrink(input: ArrayLike, lambd: float = 0.5) -> Tensor:
    """Elementwise x, by lambd nearer to 0, and 0 where |x| is at most lambd; in the shape of the input.

    ValueError for a negative lambd.

    >>> F.softshrink(tn.tensor([-1.0, 0.5]))
    tensor([-0.5000,  0.0000])
    """
    by = _real("softshrink", "lambd", lambd)
    if by < 0:
        raise ValueError(f"softshrink: lambd is not negative, and {by} is")
    return apply_one(SOFTSHRINK, value_of(input), parameters(("by",), by))


def threshold(input: ArrayLike, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """Elementwise x above a threshold, else a value; in the shape of the input; ``inplace`` has no effect.

    >>> F.threshold(tn.tensor([0.5, 2.0]), 1.0, -3.0)
    tensor([-3.,  2.])
    """
    form = _real("threshold", "threshold", threshold), _real("threshold", "value", value)
    return apply_one(THRESHOLD, value_of(input), parameters(("limit", "value"), *form))


def celu(input: ArrayLike, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Elementwise x above zero, else alpha · (exp(x / alpha) - 1); ``inplace`` has no effect.

    The shape is that of the input. ValueError for alpha = 0. Source: J. T. Barron, arXiv:1704.07483.

    >>> F.celu(tn.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    factor = _real("celu", "alpha", alpha)
    if not factor:
        raise ValueError("celu: alpha is 0, by which x is divided")
    return apply_one(CELU, value_of(input), parameters(("alpha",), factor))


def selu(input: ArrayLike, inplace: bool = False) -> Tensor:
    """Elementwise scaled exponential linear unit, which keeps mean 0 and variance 1; ``inplace`` has no effect.

    The shape is that of the input. Source: G. Klambauer et al., arXiv:1706.02515.

    >>> F.selu(tn.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """
    return apply_one(SELU, value_of(input))


def mish(input: ArrayLike, inplace: bool = False) -> Tensor:
    """Elementwise x · tanh(log(1 + eˣ)), in the shape of the input; ``inplace`` has no effect.

    >>> F.mish(tn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8651])
    """
    return apply_one(MISH, value_of(input))


def softsign(input: ArrayLike) -> Tensor:
    """Elementwise x / (1 + |x|), in the shape of the input.

    >>> F.softsign(tn.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """
    return apply_one(SOFTSIGN, value_of(input))


def tanhshrink(input: ArrayLike) -> Tensor:
    """Elementwise x - tanh(x), in the shape of the input.

    >>> F.tanhshrink(tn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.2384])
    """
    return apply_one(TANHSHRINK, value_of(input))


def softmin(input: ArrayLike, dim: int | None = None, *, dtype: DTypeLike | None = None) -> Tensor:
    """softmax(-x) along an axis; see ``softmax``.

    >>> F.softmin(tn.tensor([0.0, 0.0]), 0)
    tensor([0.5000, 0.5000])
    """
    if dim is None:
        raise TypeError("softmin goes along an axis: give dim, as in dim=-1")
    return softmax(-value_of(input), dim, dtype=dtype)


def glu(input: ArrayLike, dim: int = -1) -> Tensor:
    """The first half of x along an axis times sigmoid of the second.

    ShapeError (TN802) for an odd size; OutOfRange (TN801) for an axis that is not there.

    >>> F.glu(tn.tensor([4.0, 0.0]))
    tensor([2.])
    """
    x = value_of(input)
    axis = check_axis(dim, x.ndim, "dim")
    if x.shape[axis] % 2:
        raise ShapeError(f"glu: axis {axis} of shape {list(x.shape)} has no two halves")
    return apply_one(GLU, x, parameters(("axis",), axis))


def _glu(x: Any, *, axis: int) -> Any:
    half, lead = x.shape[axis] // 2, (slice(None),) * axis
    return x[(*lead, slice(None, half))] * x[(*lead, slice(half, None))].sigmoid()


GLU = composite("glu", _glu)


def prelu(input: ArrayLike, weight: ArrayLike) -> Tensor:
    """Elementwise x above zero, else weight · x, with one weight or one for each channel, the second axis.

    ShapeError (TN802) for another number of weights. Source: K. He et al., arXiv:1502.01852.

    >>> F.prelu(tn.tensor([[-1.0, 2.0]]), tn.tensor([0.5]))
    tensor([[-0.5000,  2.0000]])
    """
    x, w = value_of(input), value_of(weight)
    channels = x.shape[1] if x.ndim > 1 else 1
    if w.ndim > 1 or (w.shape and w.shape[0] not in (1, channels)):
        raise ShapeError(f"prelu: weights of shape {list(w.shape)} for {channels} channels")
    return apply(PRELU, (x, w), ())


def _prelu(x: Any, w: Any) -> Any:
    w = w.reshape([-1 if k == 1 else 1 for k in range(x.ndim)]) if x.ndim > 1 else w.reshape([1] * x.ndim)
    return where(x > 0, x, w * x)


PRELU = composite("prelu", _prelu, "PreluKernelBackward0")
