"""Images read at positions: a grid of them, and the grid of an affine map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tenure.errors import DTypeError, ShapeError, shown
from tenure.ops.promote import parameters
from tenure.values.native.hits import apply
from tenure.values.operations.arithmetic import where
from tenure.values.operations.creation import tensor
from tenure.values.operations.indexing import take_along_axis
from tenure.values.operations.reading import value_of
from tenure.values.operations.shaping import broadcast_to, stack
from tenure.values.tensor.composite import composite
from tenure.values.trace.given import fitting, flag, ints_of

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

MODES = ("bilinear", "nearest", "bicubic")
EDGES = ("zeros", "border", "reflection")
SHARP = -0.75


def grid_sample(
    input: ArrayLike,
    grid: ArrayLike,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """The input at the positions of a grid: (N, C, H, W) at (N, P, Q, 2) is (N, C, P, Q), in 3-d alike with (…, 3).

    Positions are (x, y) or (x, y, z) from -1 to 1, the centres of the first and last elements with ``align_corners``,
    else the outer edges of these. ``mode`` is "bilinear" (over three axes trilinear), "nearest" or, in 2-d, "bicubic".
    Outside there are zeros, the border, or what is mirrored there ("reflection"). Gradients go to both, as in PyTorch:
    none to a position where it is clipped, or from "nearest". ShapeError (TN802) for shapes that do not fit.

    >>> F.grid_sample(tn.tensor([[[[1.0, 3.0]]]]), tn.zeros(1, 1, 1, 2))
    tensor([[[[2.]]]])
    """
    x, at = value_of(input), value_of(grid)
    n = x.ndim - 2
    if type(mode) is not str or mode not in MODES:
        raise DTypeError(f"grid_sample: mode is one of {list(MODES)}, not {shown(mode)}")
    if type(padding_mode) is not str or padding_mode not in EDGES:
        raise DTypeError(f"grid_sample: padding_mode is one of {list(EDGES)}, not {shown(padding_mode)}")
    if n not in (2, 3) or at.ndim != n + 2 or at.shape[-1] != n or at.shape[0] != x.shape[0]:
        raise ShapeError(
            f"grid_sample: an input of shape {list(x.shape)} and a grid of {list(at.shape)}, where (N, C, H, W) goes "
            f"with (N, P, Q, 2) and (N, C, D, H, W) with (N, O, P, Q, 3)"
        )
    if mode == "bicubic" and n == 3:
        raise ShapeError("grid_sample: mode 'bicubic' is for images of two axes")
    if min(x.shape[2:]) < 1:
        raise ShapeError(f"grid_sample: an input of shape {list(x.shape)} has no elements to sample")
    if not x.dtype.is_floating or x.dtype is not at.dtype:
        raise DTypeError(f"grid_sample: input of {x.dtype.name} and grid of {at.dtype.name}: one dtype of floats")
    aligned = align_corners is not None and flag("grid_sample: align_corners", align_corners)
    return apply(SAMPLE, (x, at), parameters(("mode", "edges", "aligned"), mode, padding_mode, aligned))


def _sample(x: Any, grid: Any, *, mode: str, edges: str, aligned: bool) -> Any:
    shape = x.shape[2:]
    flat = x.flatten(2)
    rows = grid.flatten(1, -2)
    at = [_unscaled(rows[..., k], n, aligned) for k, n in enumerate(reversed(shape))][::-1]
    if mode == "bicubic":
        terms = _cubic(at, shape, edges, aligned)
    else:
        at = [_edged(p, n, edges, aligned) for p, n in zip(at, shape, strict=True)]
        terms = [([p.detach().round() for p in at], None)] if mode == "nearest" else _linear(at)
    total = None
    for corner, weight in terms:
        part = _element(flat, corner, shape)
        part = part if weight is None else part * weight.unsqueeze(1)
        total = part if total is None else total + part
    assert total is not None
    return total.reshape(*x.shape[:2], *grid.shape[1:-1])


SAMPLE = composite("grid_sample", _sample, "GridSamplerBackward0")


def _unscaled(p: Any, n: int, aligned: bool) -> Any:
    """Positions from -1 to 1 as indices."""
    return (p + 1) * ((n - 1) / 2) if aligned else ((p + 1) * n - 1) / 2


def _edged(p: Any, n: int, edges: str, aligned: bool) -> Any:
    """Indices within the axis, as there are elements outside or not. No gradient goes on from where it is clipped."""
    if edges == "zeros":
        return p
    if edges == "reflection":
        low, span = (0.0, float(n - 1)) if aligned else (-0.5, float(n))
        if not span:
            p = p * 0.0
        else:
            away = (p - low).abs()
            turns = (away.detach() / span).floor()
            rest = away - turns * span
            p = where(turns % 2 == 0, rest + low, span - rest + low)
    inside = (p.detach() > 0) & (p.detach() < n - 1)
    return where(inside, p, p.detach().clip(0, n - 1))


def _linear(at: Any) -> list[tuple[list[Any], Any]]:
    """The corners around positions, and their weights."""
    low = [p.detach().floor() for p in at]
    found: list[tuple[list[Any], Any]] = [([], None)]
    for p, q in zip(at, low, strict=True):
        sides = ((q, q + 1 - p), (q + 1, p - q))
        found = [([*corner, k], w if weight is None else weight * w) for corner, weight in found for k, w in sides]
    return found


def _cubic(at: Any, shape: Any, edges: str, aligned: bool) -> list[tuple[list[Any], Any]]:
    """The 16 elements around positions, and their weights."""
    found: list[tuple[list[Any], Any]] = [([], None)]
    for p, n in zip(at, shape, strict=True):
        low = p.detach().floor()
        t = p - low
        scales = (_outer(t + 1), _inner(t), _inner(1 - t), _outer(2 - t))
        taps = [(_edged(low + k, n, edges, aligned), w) for k, w in zip(range(-1, 3), scales, strict=True)]
        found = [([*corner, k], w if weight is None else weight * w) for corner, weight in found for k, w in taps]
    return found


def _inner(x: Any) -> Any:
    return ((SHARP + 2) * x - (SHARP + 3)) * x * x + 1


def _outer(x: Any) -> Any:
    return (((x - 5) * x + 8) * x - 4) * SHARP


def _element(flat: Any, corner: Any, shape: Any) -> Any:
    """The elements (N, C, positions) at whole indices; 0 outside."""
    place, inside = None, None
    for p, n in zip(corner, shape, strict=True):
        known = (p >= 0) & (p <= n - 1)
        at = p.clip(0, n - 1).long()
        place = at if place is None else place * n + at
        inside = known if inside is None else inside & known
    index = broadcast_to(place.unsqueeze(1), (*flat.shape[:2], place.shape[-1]))  # type: ignore[union-attr]
    return where(inside.unsqueeze(1), take_along_axis(flat, index, axis=2), 0.0)  # type: ignore[union-attr]


def affine_grid(
    theta: ArrayLike, size: tuple[int, ...] | list[int], align_corners: bool | None = None
) -> Tensor:
    """The grid of affine maps theta (N, 2, 3) for images of ``size`` (N, C, H, W): (N, H, W, 2); in 3-d (N, 3, 4).

    As ``grid_sample`` reads it: from -1 to 1, at the centres of the outer elements with ``align_corners``, else at
    their edges. ShapeError (TN802) for shapes that do not fit.

    >>> F.affine_grid(tn.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]), (1, 1, 1, 2))
    tensor([[[[-0.5000,  0.0000],
              [ 0.5000,  0.0000]]]])
    """
    x, whole = value_of(theta), ints_of(size, "affine_grid: size")
    n = len(whole) - 2
    if n not in (2, 3) or x.shape != (whole[0], n, n + 1) or min(whole) < 1:
        raise ShapeError(
            f"affine_grid: theta of shape {list(x.shape)} and size {list(whole)}, where (N, 2, 3) goes with "
            f"(N, C, H, W) and (N, 3, 4) with (N, C, D, H, W)"
        )
    if not x.dtype.is_floating:
        raise DTypeError(f"affine_grid: theta of {x.dtype.name} is not of floats")
    aligned = align_corners is not None and flag("affine_grid: align_corners", align_corners)
    fitting("affine_grid", (whole[0], *whole[2:], n), x.dtype)
    lines = [tensor(_line(k, aligned), dtype=x.dtype) for k in whole[2:]]
    return apply(GRID, (x, *lines), ())


def _line(n: int, aligned: bool) -> Any:
    """Positions of the elements of an axis."""
    if n == 1:
        return np.zeros(1)
    k = np.arange(n, dtype=np.float64)
    return 2 * k / (n - 1) - 1 if aligned else (2 * k + 1) / n - 1


def _grid(theta: Any, *lines: Any) -> Any:
    n, shape = len(lines), tuple([line.shape[0] for line in lines])
    spread = [broadcast_to(p.reshape([-1 if a == k else 1 for a in range(n)]), shape) for k, p in enumerate(lines)]
    points = stack(spread[::-1], -1).reshape(1, -1, n)
    found = points @ theta[:, :, :n].swapaxes(1, 2) + theta[:, :, n].unsqueeze(1)
    return found.reshape(theta.shape[0], *shape, n)


GRID = composite("affine_grid", _grid, "AffineGridGeneratorBackward0")
