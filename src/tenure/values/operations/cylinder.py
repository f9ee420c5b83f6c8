"""Bessel functions and Airy's, elementwise, by PyTorch's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.ops import cylinder
from tenure.ops.promote import elementary
from tenure.values.operations.elementary import unary
from tenure.values.trace.operators import recorded

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

# mypy: disable-error-code="empty-body"


@recorded(unary(elementary("bessel_j0", cylinder.bessel_j0, "")))
def bessel_j0(x: ArrayLike) -> Tensor:
    """Elementwise Bessel function of the first kind, of order 0.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.special.bessel_j0(tn.tensor([0.0, 1.0]))
    tensor([1.0000, 0.7652])
    """


@recorded(unary(elementary("bessel_j1", cylinder.bessel_j1, "")))
def bessel_j1(x: ArrayLike) -> Tensor:
    """Elementwise Bessel function of the first kind, of order 1.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.special.bessel_j1(tn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.4401])
    """


@recorded(unary(elementary("bessel_y0", cylinder.bessel_y0, "")))
def bessel_y0(x: ArrayLike) -> Tensor:
    """Elementwise Bessel function of the second kind, of order 0; -∞ at 0, NaN below.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.special.bessel_y0(tn.tensor([0.5, 1.0]))
    tensor([-0.4445,  0.0883])
    """


@recorded(unary(elementary("bessel_y1", cylinder.bessel_y1, "")))
def bessel_y1(x: ArrayLike) -> Tensor:
    """Elementwise Bessel function of the second kind, of order 1; -∞ at 0, NaN below.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.special.bessel_y1(tn.tensor([0.5, 1.0]))
    tensor([-1.4715, -0.7812])
    """


@recorded(unary(elementary("modified_bessel_k0", cylinder.modified_bessel_k0, "")))
def modified_bessel_k0(x: ArrayLike) -> Tensor:
    """Elementwise modified Bessel function of the second kind, of order 0; ∞ at 0, NaN below.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.special.modified_bessel_k0(tn.tensor([0.5, 1.0]))
    tensor([0.9244, 0.4210])
    """


@recorded(unary(elementary("modified_bessel_k1", cylinder.modified_bessel_k1, "")))
def modified_bessel_k1(x: ArrayLike) -> Tensor:
    """Elementwise modified Bessel function of the second kind, of order 1; ∞ at 0, NaN below.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.special.modified_bessel_k1(tn.tensor([0.5, 1.0]))
    tensor([1.6564, 0.6019])
    """


@recorded(unary(elementary("scaled_modified_bessel_k0", cylinder.scaled_modified_bessel_k0, "")))
def scaled_modified_bessel_k0(x: ArrayLike) -> Tensor:
    """Elementwise eˣ times the modified Bessel function of the second kind of order 0; NaN below 0.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.special.scaled_modified_bessel_k0(tn.tensor([1.0, 1000.0]))
    tensor([1.1445, 0.0396])
    """


@recorded(unary(elementary("scaled_modified_bessel_k1", cylinder.scaled_modified_bessel_k1, "")))
def scaled_modified_bessel_k1(x: ArrayLike) -> Tensor:
    """Elementwise eˣ times the modified Bessel function of the second kind of order 1; NaN below 0.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.special.scaled_modified_bessel_k1(tn.tensor([1.0, 1000.0]))
    tensor([1.6362, 0.0396])
    """


@recorded(unary(elementary("spherical_bessel_j0", cylinder.spherical_bessel_j0, "")))
def spherical_bessel_j0(x: ArrayLike) -> Tensor:
    """Elementwise sin(x) / x, and 1 at 0: the spherical Bessel function of the first kind, of order 0.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.special.spherical_bessel_j0(tn.tensor([0.0, 1.0]))
    tensor([1.0000, 0.8415])
    """


@recorded(unary(elementary("airy_ai", cylinder.airy_ai, "")))
def airy_ai(x: ArrayLike) -> Tensor:
    """Elementwise Airy function Ai.

    The shape is that of x; whole numbers become float32 first.

    >>> tn.special.airy_ai(tn.tensor([-1.0, 0.0]))
    tensor([0.5356, 0.3550])
    """
