"""Products of matrices and of vectors, and what is added to them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from tenure.errors import DTypeError, ShapeError, shown
from tenure.ops import geometry, promote
from tenure.ops.einsum import einsum
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply
from tenure.values.operations.axes import check_axis, one_of
from tenure.values.operations.complexes import conj
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import factor, number
from tenure.values.trace.operators import binary, recorded

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike, Operand

MATMUL = Operation("matmul", promote.product, "MmBackward0")
AFFINE = Operation("linear", promote.affine, "MmBackward0")


def _fixed(name: str, equation: str, grad_name: str) -> Any:
    """Step of a product of two operands with a fixed number of axes each."""
    fn = Operation(name, partial(einsum, equation=equation, name=name), grad_name)

    def step(x: Any, y: Any) -> Tensor:
        return apply(fn, (value_of(x), value_of(y)))

    step.__name__ = step.__qualname__ = name
    return step


INNER = Operation("inner", geometry.inner, "InnerBackward0")
VECDOT = Operation("vecdot", geometry.vecdot, "LinalgVecdotBackward0")
CROSS = Operation("cross", geometry.cross, "LinalgCrossBackward0")
KRON = Operation("kron", geometry.kron)
CDIST = Operation("cdist", geometry.distances, "CdistBackward0")


@recorded(binary(MATMUL, operator=False))
def matmul(x: Operand, y: Operand) -> Tensor:  # type: ignore[empty-body]
    """Matrix product, as ``x @ y``: rows of x times columns of y, summed.

    Shapes: (…, m, k) and (…, k, n) give (…, m, n), the leading axes broadcast together. A vector is a row on the left
    and a column on the right, and that axis is gone from the result: two vectors give their inner product. ShapeError
    (TN802) where the shapes do not fit.

    >>> tn.matmul(tn.tensor([[1, 2], [3, 4]]), tn.tensor([1, 10]))
    tensor([21, 43])
    """


@recorded(_fixed("mm", "ij,jk->ik", "MmBackward0"))
def mm(x: ArrayLike, y: ArrayLike) -> Tensor:  # type: ignore[empty-body]
    """The product of two matrices, and of nothing else.

    Shapes: (m, k) and (k, n) give (m, n). ShapeError (TN802) for others.

    >>> tn.mm(tn.tensor([[1, 2], [3, 4]]), tn.tensor([[1], [10]]))
    tensor([[21],
            [43]])
    """


@recorded(_fixed("bmm", "bij,bjk->bik", "BmmBackward0"))
def bmm(x: ArrayLike, y: ArrayLike) -> Tensor:  # type: ignore[empty-body]
    """The products of as many matrices on the left as on the right.

    Shapes: (b, m, k) and (b, k, n) give (b, m, n). ShapeError (TN802) for others.

    >>> tn.bmm(tn.ones(5, 2, 3), tn.ones(5, 3, 4)).shape
    (5, 2, 4)
    """


@recorded(_fixed("mv", "ij,j->i", "MvBackward0"))
def mv(x: ArrayLike, y: ArrayLike) -> Tensor:  # type: ignore[empty-body]
    """The product of a matrix and a vector.

    Shapes: (m, k) and (k,) give (m,). ShapeError (TN802) for others.

    >>> tn.mv(tn.tensor([[1, 2], [3, 4]]), tn.tensor([1, 10]))
    tensor([21, 43])
    """


@recorded(_fixed("dot", "i,i->", "DotBackward0"))
def dot(x: ArrayLike, y: ArrayLike) -> Tensor:  # type: ignore[empty-body]
    """The inner product of two vectors.

    Shapes: (n,) and (n,) give (). ShapeError (TN802) for others.

    >>> tn.dot(tn.tensor([1, 2]), tn.tensor([1, 10]))
    tensor(21)
    """


def vdot(x: ArrayLike, y: ArrayLike) -> Tensor:
    """The inner product of two vectors, of which the first is taken conjugate.

    Shapes: (n,) and (n,) give (). ShapeError (TN802) for others.

    >>> tn.vdot(tn.tensor([1j]), tn.tensor([1j]))
    tensor(1.+0.j)
    """
    x = value_of(x)
    return dot(conj(x) if x._aval.dtype.is_complex else x, y)


@recorded(_fixed("outer", "i,j->ij", "OuterBackward0"))
def outer(x: ArrayLike, y: ArrayLike) -> Tensor:  # type: ignore[empty-body]
    """The outer product of two vectors: each element of the one times each of the other.

    Shapes: (m,) and (n,) give (m, n). ShapeError (TN802) for others. Also called ``ger``.

    >>> tn.outer(tn.tensor([1, 2]), tn.tensor([1, 10]))
    tensor([[ 1, 10],
            [ 2, 20]])
    """


ger = outer


def inner(x: ArrayLike, y: ArrayLike) -> Tensor:
    """The sums of products along the last axes of x and y, for each part of x and each of y; of numbers the product.

    ShapeError (TN802) if the last axes differ in size.

    >>> tn.inner(tn.tensor([[1, 2], [3, 4]]), tn.tensor([1, 10]))
    tensor([21, 43])
    """
    return apply(INNER, (value_of(x), value_of(y)))


def vecdot(x: ArrayLike, y: ArrayLike, axis: int | None = None, *, dim: int | None = None) -> Tensor:
    """The inner products of vectors along an axis (the last by default), the other axes broadcast together.

    Of complex vectors the first is taken conjugate.

    The axis counts from the end, before broadcasting. ShapeError (TN802) if the sizes along it differ, or the others do
    not broadcast.

    >>> tn.vecdot(tn.tensor([[1, 2], [3, 4]]), tn.tensor([1, 10]))
    tensor([21, 43])
    """
    x, y = value_of(x), value_of(y)
    return apply(VECDOT, (x, y), parameters(("axis",), _from_the_end("vecdot", x, y, one_of(axis, dim))))


def _from_the_end(name: str, x: Any, y: Any, axis: int | None) -> int:
    """Axis that counts from the end, of two tensors; one that counts from the front is that of as many axes."""
    if axis is None:
        return -1
    ndim = max(x.ndim, y.ndim)
    at: int = check_axis(axis, ndim, f"{name}: axis") - ndim
    if axis >= 0 and x.ndim != y.ndim:
        raise ShapeError(
            f"{name}: axis {axis} of shapes {list(x.shape)} and {list(y.shape)}, which have not as many axes",
            help="count it from the end, as in axis=-1",
        )
    return at


def cross(x: ArrayLike, y: ArrayLike, axis: int | None = None, *, dim: int | None = None) -> Tensor:
    """The cross products of vectors of three along an axis, the other axes broadcast together.

    The axis is the last unless given; TypeError without it where an axis before has size 3 too, which PyTorch would
    take. ShapeError (TN802) if the size along it is not 3, or the others do not broadcast.

    >>> tn.cross(tn.tensor([1, 0, 0]), tn.tensor([0, 1, 0]))
    tensor([0, 0, 1])
    """
    x, y = value_of(x), value_of(y)
    at = one_of(axis, dim)
    if at is None and 3 in x.shape[:-1]:
        raise TypeError(
            f"cross of shape {list(x.shape)} goes along the last axis in the array API, and along the first of size 3 "
            "in PyTorch: give axis=… or dim=…"
        )
    return apply(CROSS, (x, y), parameters(("axis",), _from_the_end("cross", x, y, at)))


def kron(x: ArrayLike, y: ArrayLike) -> Tensor:
    """The Kronecker product: each element of x times all of y, in its place.

    Shapes: (a, b) and (c, d) give (a · c, b · d); axes of size 1 are put in front of the shorter shape.

    >>> tn.kron(tn.tensor([[1, 10]]), tn.tensor([[1, 2]]))
    tensor([[ 1,  2, 10, 20]])
    """
    return apply(KRON, (value_of(x), value_of(y)))


MODES = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")


def cdist(x1: ArrayLike, x2: ArrayLike, p: float = 2.0, compute_mode: str | None = None) -> Tensor:
    """The distance, a p-norm, of each point of the one list and each of the other.

    Shapes: (…, m, k) and (…, n, k) give (…, m, n), the leading axes broadcast together. p is 0 (how many coordinates
    differ) up to infinity. The gradient at a distance of 0 is 0. ``compute_mode`` is PyTorch's and has no effect:
    differences are never taken of products. ShapeError (TN802) where the shapes do not fit.

    >>> tn.cdist(tn.tensor([[0.0, 0.0]]), tn.tensor([[3.0, 4.0]]))
    tensor([[5.]])
    """
    if compute_mode is not None and (type(compute_mode) is not str or compute_mode not in MODES):
        raise DTypeError(f"cdist: compute_mode is one of {', '.join(MODES)}, not {shown(compute_mode)}")
    p = number("cdist", "p", p)
    if not isinstance(p, int | float) or not p >= 0:
        raise ShapeError(f"cdist: p is a number from 0 to infinity, not {shown(p)}")
    return apply(CDIST, (value_of(x1), value_of(x2)), parameters(("p",), float(p)))


def _plus(name: str, input: Any, product: Any, beta: Any, alpha: Any) -> Tensor:
    """beta · input + alpha · product; an input that counts for nothing is not looked at."""
    alpha, beta = factor(name, "alpha", alpha), factor(name, "beta", beta)
    scaled = product if type(alpha) is int and alpha == 1 else product * alpha
    if type(beta) in (int, float) and beta == 0:
        return scaled  # type: ignore[no-any-return]
    x = value_of(input)
    return (x if type(beta) is int and beta == 1 else x * beta) + scaled  # type: ignore[no-any-return]


def addmm(input: ArrayLike, mat1: ArrayLike, mat2: ArrayLike, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """A product of matrices, and another matrix: beta · input + alpha · (mat1 @ mat2).

    Shapes: (m, k) and (k, n) give (m, n), to which input broadcasts; it is not looked at with beta = 0.
    ShapeError (TN802) for others.

    >>> tn.addmm(tn.ones(1, 1), tn.ones(1, 3), tn.ones(3, 1))
    tensor([[4.]])
    """
    return _plus("addmm", input, mm(value_of(mat1), value_of(mat2)), beta, alpha)


def addmv(input: ArrayLike, mat: ArrayLike, vec: ArrayLike, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """A product of a matrix and a vector, and another vector: beta · input + alpha · (mat @ vec).

    Shapes: (m, k) and (k,) give (m,), to which input broadcasts; it is not looked at with beta = 0.
    ShapeError (TN802) for others.

    >>> tn.addmv(tn.ones(1), tn.ones(1, 3), tn.ones(3))
    tensor([4.])
    """
    return _plus("addmv", input, mv(value_of(mat), value_of(vec)), beta, alpha)


def addr(input: ArrayLike, vec1: ArrayLike, vec2: ArrayLike, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """An outer product, and another matrix: beta · input + alpha · outer(vec1, vec2).

    Shapes: (m,) and (n,) give (m, n), to which input broadcasts; it is not looked at with beta = 0.
    ShapeError (TN802) for others.

    >>> tn.addr(tn.ones(1, 2), tn.ones(1), tn.ones(2))
    tensor([[2., 2.]])
    """
    return _plus("addr", input, outer(value_of(vec1), value_of(vec2)), beta, alpha)


def baddbmm(input: ArrayLike, batch1: ArrayLike, batch2: ArrayLike, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """Products of matrices, and others: beta · input + alpha · (batch1 @ batch2).

    Shapes: (b, m, k) and (b, k, n) give (b, m, n), to which input broadcasts; it is not looked at with beta = 0.
    ShapeError (TN802) for others.

    >>> tn.baddbmm(tn.ones(1, 1, 1), tn.ones(1, 1, 3), tn.ones(1, 3, 1))
    tensor([[[4.]]])
    """
    return _plus("baddbmm", input, bmm(value_of(batch1), value_of(batch2)), beta, alpha)


def addbmm(input: ArrayLike, batch1: ArrayLike, batch2: ArrayLike, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """The sum of products of matrices, and another: beta · input + alpha · Σ batch1 @ batch2.

    Shapes: (b, m, k) and (b, k, n) give (m, n), to which input broadcasts; it is not looked at with beta = 0.
    ShapeError (TN802) for others.

    >>> tn.addbmm(tn.ones(1, 1), tn.ones(2, 1, 3), tn.ones(2, 3, 1))
    tensor([[7.]])
    """
    each = bmm(value_of(batch1), value_of(batch2))
    return _plus("addbmm", input, each.sum(0, dtype=each.dtype), beta, alpha)
