"""Sums of products over named or numbered axes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from string import ascii_letters
from typing import TYPE_CHECKING, Any

from tenure.errors import DTypeError, ShapeError, shown
from tenure.ops.einsum import einsum as contracted
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply
from tenure.values.operations import products
from tenure.values.operations.axes import NOT_GIVEN, check_axis
from tenure.values.operations.reading import value_of
from tenure.values.trace import record
from tenure.values.trace.blame import public
from tenure.values.trace.given import int_of, ints_of

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

EINSUM = Operation("einsum", contracted)
OWN = 0x100
"""First of the labels, each one character, for axes that have none in an equation."""


@public
def einsum(equation: str | ArrayLike, *operands: Any) -> Tensor:
    """The sum of products of operands whose axes have labels: over all labels that the result does not have.

    Axes of one label go together: ``"ij,jk->ik"`` is a product of matrices, ``"ii->i"`` a diagonal,
    ``"...ij->...ji"`` a transposition of the last axes. Without ``->`` the result has the labels that occur once, in
    the order of the alphabet, behind what ``...`` stands for. Instead of an equation, lists of numbers may follow each
    operand, and the result's at the end. More than two operands are contracted in the order that costs the fewest
    operations. ShapeError (TN802) for an equation that does not fit the shapes.

    >>> tn.einsum("ij,j->i", tn.tensor([[1, 2], [3, 4]]), tn.tensor([1, 10]))
    tensor([21, 43])
    """
    if not isinstance(equation, str):
        equation, operands = _spelled((equation, *operands))
    elif len(operands) == 1 and type(operands[0]) in (list, tuple) and _are_operands(operands[0]):
        operands = tuple(operands[0])
    xs = tuple([value_of(x) for x in operands])
    if not xs:
        raise ShapeError("einsum: there is no operand")
    return apply(EINSUM, xs, parameters(("equation",), explicit(equation, tuple([x.ndim for x in xs]))))


def _are_operands(given: Any) -> bool:
    """Whether a list holds operands, and is none itself."""
    return any(isinstance(x, record._Tensor) for x in given)


def _spelled(given: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """Equation and operands of the form with lists of numbers."""
    if len(given) < 2:
        raise DTypeError(f"einsum: the equation is a str, not {shown(given[0])}")
    result = given[-1] if len(given) % 2 else None
    pairs = given[: len(given) - len(given) % 2]
    equation = ",".join([_letters(labels) for labels in pairs[1::2]])
    return equation if result is None else f"{equation}->{_letters(result)}", pairs[::2]


def _letters(labels: Any) -> str:
    if not isinstance(labels, list | tuple | range):
        raise DTypeError(f"einsum: labels are a list of ints, not {shown(labels)}")
    numbers = [k if k is ... else int_of(k, "einsum: a label") for k in labels]
    if any(k is not ... and not 0 <= k < len(ascii_letters) for k in numbers):
        raise ShapeError(f"einsum: labels are numbers from 0 to {len(ascii_letters) - 1}, not {shown(labels)}")
    return "".join(["..." if k is ... else SORTED[k] for k in numbers])


SORTED = "".join(sorted(ascii_letters))
"""The letters in the order in which a result without labels has them."""


def explicit(equation: str, ndims: Sequence[int]) -> str:
    """An equation with a label for each axis, and with a result. TN802 for one that does not fit the operands."""
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if len(terms) != len(ndims):
        raise ShapeError(f"einsum: {equation!r} speaks of {len(terms)} operands, and there are {len(ndims)}")
    for term in (*terms, output):
        if any(label not in ascii_letters for label in term.replace("...", "", 1)):
            raise ShapeError(f"einsum: {equation!r}: labels are letters, and one ... in a term stands for other axes")
    rest = [ndim - len(term.replace("...", "")) for term, ndim in zip(terms, ndims, strict=True)]
    for term, ndim, n in zip(terms, ndims, rest, strict=True):
        if n < 0 or (n and "..." not in term):
            raise ShapeError(f"einsum: {equation!r}: {term!r} stands for a tensor of {ndim} axes")
    most = max([n for term, n in zip(terms, rest, strict=True) if "..." in term], default=0)
    own = "".join([chr(OWN + k) for k in range(most)])
    terms = [term.replace("...", own[most - n :]) for term, n in zip(terms, rest, strict=True)]
    used = "".join(terms)
    if not arrow:
        output = own + "".join(sorted([label for label in {*used} - {*own} if used.count(label) == 1]))
    output = output.replace("...", own)
    for label in output:
        if label not in used or output.count(label) > 1:
            raise ShapeError(f"einsum: {equation!r}: {label!r} of the result is a label of the operands, once")
    return f"{','.join(terms)}->{output}"


@public
def tensordot(x: ArrayLike, y: ArrayLike, axes: Any = NOT_GIVEN, *, dims: Any = NOT_GIVEN) -> Tensor:
    """The sum of products over axes of x and axes of y, of which the result has the others, those of x first.

    ``axes`` (2; PyTorch's name is ``dims``) is a number, of the last axes of x and the first of y, or a pair: axes of
    x, and as many of y. ShapeError (TN802) if their sizes differ, OutOfRange (TN801) for an axis that is not there.

    >>> tn.tensordot(tn.tensor([[1, 2], [3, 4]]), tn.tensor([[1, 0], [0, 1]]))
    tensor(5)
    """
    x, y = value_of(x), value_of(y)
    if axes is not NOT_GIVEN and dims is not NOT_GIVEN:
        raise TypeError("tensordot: axes and dims are two names of one argument: give one of them")
    left, right = _contracted(axes if dims is NOT_GIVEN else dims, x.ndim, y.ndim)
    a = [chr(OWN + k) for k in range(x.ndim)]
    b = [chr(OWN + x.ndim + k) for k in range(y.ndim)]
    for i, j in zip(left, right, strict=True):
        if x.shape[i] != y.shape[j]:
            raise ShapeError(
                f"tensordot: shapes {list(x.shape)} and {list(y.shape)}: axes {i} and {j} have sizes {x.shape[i]} and "
                f"{y.shape[j]}"
            )
        b[j] = a[i]
    output = [label for k, label in enumerate(a) if k not in left] + [label for label in b if label not in a]
    return apply(EINSUM, (x, y), parameters(("equation",), f"{''.join(a)},{''.join(b)}->{''.join(output)}"))


def _contracted(axes: Any, m: int, n: int) -> tuple[list[int], list[int]]:
    """The axes of the left and of the right that are summed over together."""
    if axes is NOT_GIVEN:
        axes = 2
    if isinstance(axes, tuple | list):
        if len(axes) != 2:
            raise ShapeError(f"tensordot: axes is a number, or a pair of lists, not {shown(axes)}")
        left, right = (
            [check_axis(k, ndim, "tensordot: axis") for k in ints_of(given, "tensordot: axes")]
            for given, ndim in zip(axes, (m, n), strict=True)
        )
        if len(left) != len(right) or len({*left}) != len(left) or len({*right}) != len(right):
            raise ShapeError(f"tensordot: axes {left} and {right}: as many of each, and each once")
        return left, right
    count = int_of(axes, "tensordot: axes")
    if not 0 <= count <= min(m, n):
        raise ShapeError(f"tensordot: over {count} axes of tensors that have {m} and {n}")
    return list(range(m - count, m)), list(range(count))


@public
def multi_dot(tensors: Sequence[ArrayLike]) -> Tensor:
    """The product of matrices, in the order that costs the fewest operations; the first and last may be vectors.

    ShapeError (TN802) for less than two, or shapes that do not fit.

    >>> tn.linalg.multi_dot([tn.ones(2, 3), tn.ones(3, 4), tn.ones(4)])
    tensor([12., 12.])
    """
    xs = [value_of(x) for x in tensors]
    if len(xs) < 2:
        raise ShapeError(f"multi_dot: {len(xs)} matrices, where two at least are wanted")
    ends = (0, len(xs) - 1)
    for k, x in enumerate(xs):
        if x.ndim != 2 and not (x.ndim == 1 and k in ends):
            raise ShapeError(f"multi_dot: operand {k} has shape {list(x.shape)}, and is no matrix")
    for k, (x, y) in enumerate(pairwise(xs)):
        if x.shape[-1] != y.shape[0]:
            raise ShapeError(f"multi_dot: operands {k} and {k + 1} have shapes {list(x.shape)} and {list(y.shape)}")
    return _chained(tuple(xs))


def _chained(xs: tuple[Any, ...]) -> Tensor:
    """The product of matrices that fit, by the classic table of cheapest cuts."""
    inner = [x.shape[-1] for x in xs[:-1]]
    sizes = [1 if xs[0].ndim == 1 else xs[0].shape[0], *inner, 1 if xs[-1].ndim == 1 else xs[-1].shape[-1]]
    n = len(xs)
    cost: dict[tuple[int, int], tuple[int, int]] = {(i, i): (0, i) for i in range(n)}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i, j] = min(
                (cost[i, k][0] + cost[k + 1, j][0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )

    def product(i: int, j: int) -> Tensor:
        if i == j:
            return xs[i]  # type: ignore[no-any-return]
        k = cost[i, j][1]
        return products.matmul(product(i, k), product(k + 1, j))

    return product(0, n - 1)


def chain_matmul(*matrices: ArrayLike) -> Tensor:
    """The product of matrices, in the order that costs the fewest operations.

    ShapeError (TN802) for what is no matrix, or shapes that do not fit.

    >>> tn.chain_matmul(tn.ones(2, 3), tn.ones(3, 4), tn.ones(4, 1))
    tensor([[12.],
            [12.]])
    """
    xs = [value_of(x) for x in matrices]
    for x in xs:
        if x.ndim != 2:
            raise ShapeError(f"chain_matmul: a tensor of shape {list(x.shape)} is no matrix")
    return xs[0] if len(xs) == 1 else multi_dot(xs)
