"""Orders of axes that functions give their results, whatever order their operands have: those of matrices by columns,
of transforms with the transformed axes innermost, of products and layers with an axis moved last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tenure.torch.cells.geometry import contiguous, layout
from tenure.torch.cells.layout import laid, order_of, stored, strides_of
from tenure.torch.cells.windows import layout as layout_of

_FIRST = """
inv inverse cholesky cholesky_inverse cholesky_solve householder_product orgqr ormqr ldl_solve lu_solve solve
solve_triangular geqrf lu_factor lu_factor_ex inv_ex cholesky_ex solve_ex ldl_factor ldl_factor_ex lstsq torch.lu
torch.svd
"""
COLUMNS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(_FIRST.split(), (0,)),
    **dict.fromkeys(("qr", "triangular_solve"), (0, 1)), "linalg.svd": (0, 2), "eigh": (1,), "linalg.eig": (1,),
}  # fmt: skip
"""Results of functions, by number, that LAPACK writes by columns."""


class Steps:
    """Shape, and the step of each axis."""

    __slots__ = ("shape", "strides")

    def __init__(self, shape: Sequence[int], strides: Sequence[int]) -> None:
        self.shape, self.strides = shape, strides


def in_columns(x: Any, left: bool = True, *operands: Any) -> Any:
    """Matrices by columns: the last axis but one is innermost. By rows where an equation's unknown stands on the left
    of its matrix, or is a vector."""
    n = len(x._val._aval.shape)
    if n < 2 or left is False or any(len(y._aval.shape) != n for y in operands):
        return x
    return stored(x, order=(*range(n - 2), n - 1, n - 2))


def of_columns(parts: Any, numbers: Sequence[int]) -> Any:
    """Several results, of which some are matrices by columns."""
    for k in numbers:
        in_columns(parts[k])
    return parts


def transformed(result: Any, x: Any, dim: Any, sizes: Any, is_real: bool) -> Any:
    """Result of a Fourier transform along axes (None: all, or as many of the last as there are sizes), which are the
    innermost, each kind by the steps of the input; the last one stays so where real numbers go in or out."""
    shape = result._val._aval.shape
    n = len(shape)
    if n < 2:
        return result
    count = len(sizes) if hasattr(sizes, "__len__") else n
    dims = range(n - count, n) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    of = layout_of(x)
    is_padded = sizes is not None and any(m > k for m, k in zip(shape, of.shape, strict=True))
    strides = (contiguous(of.shape) if is_padded else of).strides
    axes = [d % n for d in dims]
    last = axes[-1:] if is_real else []
    inner = sorted(axes[: len(axes) - len(last)], key=lambda k: -strides[k])
    outer = sorted([k for k in range(n) if k not in axes], key=lambda k: -strides[k])
    return stored(result, order=[*outer, *inner, *last])


def by_columns(result: Any) -> Any:
    """Rows of places, of which PyTorch keeps each column together."""
    return stored(result, order=(1, 0)) if len(result._val._aval.shape) == 2 else result


def framed(result: Any, x: Any) -> Any:
    """Spectra of frames, which lie frame by frame: (…, frequency, frame), or with two parts behind."""
    n = len(result._val._aval.shape)
    first = len(x._aval.shape) - 1
    return stored(result, order=(*range(first), first + 1, first, *range(first + 2, n)))


def turned(result: Any, x: Any, k: int, dims: Sequence[int]) -> Any:
    """A rotated tensor: flipped in the order of the input's axes, and a view of that with two axes exchanged."""
    laid(result, (x,))
    if k % 2:
        of, (a, b) = layout_of(x), dims
        order = order_of(of.shape, (of,))
        strides = list(strides_of(of.shape, order) or contiguous(of.shape).strides)
        strides[a], strides[b] = strides[b], strides[a]
        stored(result, strides)
    return result


def attended(result: Any, query: Any, key: Any, value: Any, dropout_p: float, mask: Any = None) -> Any:
    """Attention of four axes without dropout, by PyTorch's kernel for it: in the order of the query's axes."""
    shapes = [y._aval.shape for y in (query, key, value)]
    if any(len(s) != 4 or s[:2] != shapes[0][:2] or s[3] != shapes[0][3] for s in shapes):
        return result
    if dropout_p or getattr(mask, "requires_grad", False):
        return result
    if any(layout_of(y).strides[-1] != 1 for y in (query, key, value)):
        return result
    return laid(result, (query,))


def relabelled(x: Any, labels: str, out: str) -> Any:
    """View of a tensor by labels of its axes, of which two of one label become their diagonal."""
    for c in dict.fromkeys(labels):
        while labels.count(c) > 1:
            first = labels.index(c)
            second = labels.index(c, first + 1)
            x = x.diagonal(0, first, second)
            labels = "".join([d for k, d in enumerate(labels) if k not in (first, second)]) + c
    return x.permute([labels.index(c) for c in out])


def contracted(result: Any, equation: Any, operands: Sequence[Any]) -> Any:
    """A product of two tensors by labels: batches, rows and columns in the order of a batched product, of which the
    result is a view; with the columns first where all of them stand before the rows. One tensor is turned alone."""
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = operands[0]
    if len(operands) == 1 and type(equation) is str and "->" in equation and "." not in equation:
        labels, out = equation.replace(" ", "").split("->")
        return relabelled(operands[0], labels, out) if set(labels) == set(out) else result
    if len(operands) != 2 or type(equation) is not str or "->" not in equation or "." in equation:
        return result
    sides, out = equation.replace(" ", "").split("->")
    left, right = sides.split(",")
    if any(len(set(s)) < len(s) for s in (left, right)) or not (set(left) & set(right)) - set(out):
        return result
    has = [{c for c, n in zip(s, y._aval.shape, strict=True) if n != 1 or c not in other}
           for s, y, other in ((left, operands[0], right), (right, operands[1], left))]  # fmt: skip
    both = [c for c in out if c in has[0] and c in has[1]]
    rows, columns = ([c for c in out if c in has[k] and c not in has[1 - k]] for k in (0, 1))
    rest = [c for c in out if c not in both + rows + columns]
    is_turned = [c for c in out if c in rows + columns] == columns + rows
    first, second = (columns, rows) if is_turned else (rows, columns)
    return stored(result, order=[out.index(c) for c in (*rest, *both, *first, *second)])


def axes_of(e: Any) -> int:
    """Number of axes that an entry of an index takes: of … none, a mask as many as it has."""
    if isinstance(e, slice) or e is Ellipsis:
        return int(e is not Ellipsis)
    of = e._aval if hasattr(e, "_aval") else np.asarray(e)
    return len(of.shape) if of.dtype.kind == "b" else 1


def selected(result: Any, source: Any, rest: Sequence[Any]) -> Any:
    """Elements at positions (``rest``: ``:``, … and arrays): the order of the axes is by the steps that the source has
    in the result, where axes of positions do not step."""
    shape = result._val._aval.shape
    if len(shape) < 2 or source.is_contiguous:
        return result
    taken: list[bool] = []
    for e in rest:
        count = len(source.shape) - sum(axes_of(other) for other in rest) if e is Ellipsis else axes_of(e)
        taken.extend([not isinstance(e, slice) and e is not Ellipsis] * count)
    at = [k for k, has in enumerate(taken) if has]
    joined = at == list(range(at[0], at[-1] + 1)) if at else True
    kept = [s for k, s in enumerate(source.strides) if k not in at]
    places = len(shape) - len(kept)
    before = at[0] if joined and at else 0
    steps = [*kept[:before], *[0] * places, *kept[before:]]
    inner = contiguous(shape[before : before + places]).strides
    positions = [*[0] * before, *inner, *[0] * (len(shape) - before - places)]
    strides = strides_of(shape, order_of(shape, (Steps(shape, steps), Steps(shape, positions))))
    if strides is not None:
        result._layout = layout(shape, strides)
    return result


TOOLS = {
    "_columns": in_columns, "_of_columns": of_columns, "_transformed": transformed, "_turned": turned,
    "_by_columns": by_columns, "_framed": framed, "_contracted": contracted, "_attended": attended,
}  # fmt: skip
"""Names of these functions in the source of those of the table."""
