"""Complex numbers from their parts, and their parts.

Gradients are those of PyTorch and JAX' conjugate: of a real result L, ∂L/∂re + i ∂L/∂im, the direction of steepest
ascent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tenure import dtypes
from tenure.errors import DTypeError, ShapeError
from tenure.ops import angles, complexes, move, pointwise
from tenure.ops.index import getitem
from tenure.ops.promote import Operation, as_type, common, floating
from tenure.values.native.hits import apply, apply_one
from tenure.values.operations.elementary import unary
from tenure.values.operations.reading import value_of
from tenure.values.trace.operators import recorded

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

# mypy: disable-error-code="empty-body"


def _angle(z: Any) -> Any:
    """The argument; of a real number 0 or π, from which no gradient goes on."""
    if z.dtype.is_complex:
        return angles.atan2(complexes.imag(z), complexes.real(z))
    x = floating(z)
    turned = pointwise.where(pointwise.less(x, x.coerce(0)), x.coerce(np.pi), x.coerce(0))
    return pointwise.where(pointwise.isnan(x), x, turned)


def _parts_of(name: str, x: Any, y: Any) -> Any:
    x, y = common(x, y)
    if x.dtype.is_complex or not x.dtype.is_floating:
        raise DTypeError(f"{name} takes two real floating tensors, not {x.dtype.name}", help="cast with .float()")
    return [as_type(v, dtypes.float32) if v.dtype.kind == "h" else v for v in (x, y)]


def _polar(size: Any, angle: Any) -> Any:
    r, t = _parts_of("polar", size, angle)
    return complexes.complex_(r * pointwise.cos(t), r * pointwise.sin(t))


def _as_real(z: Any) -> Any:
    """The parts along a new last axis."""
    if not z.dtype.is_complex:
        raise DTypeError(f"view_as_real takes a complex tensor, not {z.dtype.name}")
    shape = (*z.shape, 1)
    halves = [move.reshape(part, shape=shape) for part in (complexes.real(z), complexes.imag(z))]
    return move.concat(*halves, axis=len(shape) - 1)


def _as_complex(x: Any) -> Any:
    """The complex numbers whose parts lie along the last axis."""
    if x.ndim == 0 or x.shape[-1] != 2:
        raise ShapeError(f"view_as_complex: the last axis has the two parts, and the shape is {list(x.shape)}")
    spec = (*[":"] * (x.ndim - 1), "i")
    where = [x.builder.constant(k, dtypes.int64) for k in (0, 1)]
    return complexes.complex_(*_parts_of("view_as_complex", *[getitem(x, k, spec=spec) for k in where]))


COMPLEX = Operation("complex", lambda x, y: complexes.complex_(*_parts_of("complex", x, y)))
POLAR = Operation("polar", _polar)


@recorded(unary(Operation("real", lambda z: complexes.real(z) if z.dtype.is_complex else pointwise.mark(z))))
def real(x: ArrayLike) -> Tensor:
    """Elementwise real part, in the dtype of the parts; of a real tensor the tensor itself.

    >>> tn.real(tn.tensor([1 + 2j]))
    tensor([1.])
    """


@recorded(unary(Operation("imag", complexes.imag)))
def imag(x: ArrayLike) -> Tensor:
    """Elementwise imaginary part, in the dtype of the parts; DTypeError (TN802) for a real tensor.

    >>> tn.imag(tn.tensor([1 + 2j]))
    tensor([2.])
    """


@recorded(unary(Operation("conj", complexes.conjugate)))
def conj(x: ArrayLike) -> Tensor:
    """Elementwise conjugate, re - i im; of a real tensor the tensor itself. Also called ``conj_physical``.

    >>> tn.conj(tn.tensor([1 + 2j]))
    tensor([1.-2.j])
    """


@recorded(unary(Operation("angle", _angle)))
def angle(x: ArrayLike) -> Tensor:
    """Elementwise argument in radians, from -π to π; of a real number 0 or π.

    >>> tn.angle(tn.tensor([1j, 1]))
    tensor([1.5708, 0.0000])
    """


@recorded(unary(Operation("view_as_real", _as_real)))
def view_as_real(x: ArrayLike) -> Tensor:
    """The real and imaginary parts along a new last axis of 2, as a value of its own.

    DTypeError (TN802) for a real tensor.

    >>> tn.view_as_real(tn.tensor([1 + 2j]))
    tensor([[1., 2.]])
    """


@recorded(unary(Operation("view_as_complex", _as_complex)))
def view_as_complex(x: ArrayLike) -> Tensor:
    """The complex numbers whose parts lie along the last axis, of 2, as a value of their own.

    ShapeError (TN802) for another last axis, DTypeError (TN802) for a dtype that is not floating.

    >>> tn.view_as_complex(tn.tensor([[1.0, 2.0]]))
    tensor([1.+2.j])
    """


def complex(real: ArrayLike, imag: ArrayLike) -> Tensor:
    """Elementwise complex number of a real and an imaginary part: complex64 of float32, complex128 of float64.

    The shapes broadcast together, else ShapeError (TN802); DTypeError (TN802) for parts that are not floating.

    >>> tn.complex(tn.tensor([1.0]), tn.tensor([2.0]))
    tensor([1.+2.j])
    """
    return apply(COMPLEX, (value_of(real), value_of(imag)))


def polar(abs: ArrayLike, angle: ArrayLike) -> Tensor:
    """Elementwise complex number of an absolute value and an angle in radians.

    The shapes broadcast together, else ShapeError (TN802); DTypeError (TN802) for operands that are not floating.

    >>> tn.polar(tn.tensor([2.0]), tn.tensor([0.0]))
    tensor([2.+0.j])
    """
    return apply(POLAR, (value_of(abs), value_of(angle)))


def adjoint(x: ArrayLike) -> Tensor:
    """The conjugate with its last two axes exchanged; ShapeError (TN802) with fewer axes.

    >>> tn.adjoint(tn.tensor([[1j, 2]]))
    tensor([[0.-1.j],
            [2.-0.j]])
    """
    return conj(x).mT


def isreal(x: ArrayLike) -> Tensor:
    """Whether the imaginary part is 0, elementwise.

    >>> tn.isreal(tn.tensor([1j, 1]))
    tensor([False,  True])
    """
    value = value_of(x)
    return apply_one(IS_REAL, value)


def _is_real(z: Any) -> Any:
    if not z.dtype.is_complex:
        return z.builder.full(z.shape, True, dtypes.bool_)
    im = complexes.imag(z)
    return pointwise.equal(im, im.coerce(0))


IS_REAL = Operation("isreal", _is_real)
