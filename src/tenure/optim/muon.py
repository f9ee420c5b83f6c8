"""Muon: momentum whose matrix is made orthogonal."""

from __future__ import annotations

from math import sqrt
from typing import Any

from tenure import dtypes
from tenure.errors import DTypeError, ShapeError
from tenure.ops import contract, pointwise, promote
from tenure.optim.formula import Formula, Numbers
from tenure.optim.options import Group, Params, Rate, check_options
from tenure.optim.rule import Options, Rule
from tenure.values.places.var import Var

LARGEST = 100
"""A number of Newton-Schulz steps that is too large."""


def _muon(
    p: Any,
    g: Any,
    kept: list[Any],
    numbers: list[Any],
    *,
    decay: bool,
    nesterov: bool,
    steps: int,
    adjusts: str,
) -> tuple[Any, list[Any]]:
    rate, shrink, momentum, rest, *coefficients, eps = numbers
    buffer = kept[0] + rest * (g - kept[0])
    move = g + momentum * (buffer - g) if nesterov else buffer
    rows, columns = p.shape
    ratio = sqrt(max(1, rows / columns)) if adjusts == "original" else 0.2 * sqrt(max(rows, columns))
    p = p * shrink if decay else p
    return p - rate * ratio * _orthogonal(move, coefficients, eps, steps), [buffer]


def _orthogonal(x: Any, coefficients: list[Any], eps: Any, steps: int) -> Any:
    """The nearest matrix with orthogonal rows or columns, nearly: by steps of Newton and Schulz."""
    wide = dtypes.float32 if x.dtype.itemsize < 4 else x.dtype
    a, b, c, eps = [promote.as_type(n, wide) for n in (*coefficients, eps)]
    y, tall = promote.as_type(x, wide), x.shape[0] > x.shape[1]
    y = contract.transposed(y) if tall else y
    y = y / pointwise.maximum(pointwise.sqrt(promote.total(y * y, axes=(0, 1), keepdims=False)), eps)
    for _ in range(steps):
        gram = promote.product(y, contract.transposed(y))
        y = a * y + promote.product(b * gram + c * promote.product(gram, gram), y)
    return promote.as_type(contract.transposed(y) if tall else y, x.dtype)


class Muon(Formula):
    """Muon: p ← p - lr · ratio · O, with O the orthogonal factor of the running mean of the gradient, a matrix.

    O comes from ``ns_steps`` Newton-Schulz steps X ← aX + (bA + cA²)X, A = XXᵀ, with (a, b, c) the
    ``ns_coefficients``, computed in the dtype of the parameter (at least float32; PyTorch rounds to bfloat16). The
    mean is b ← b + (1 - momentum) · (g - b); ``nesterov`` looks one step ahead along it. ``adjust_lr_fn`` "original"
    (None) has the ratio √max(1, rows / columns), "match_rms_adamw" 0.2 · √max(rows, columns). ``weight_decay`` makes
    p smaller first, by lr · weight_decay. State: ``momentum_buffer``. ShapeError (TN802) for what is no matrix,
    DTypeError (TN802) for complex ones. Source: Jordan, 2024, kellerjordan.github.io/posts/muon; Liu et al., 2025.

    >>> w = tn.tensor([[1.0]], requires_grad=True)
    >>> opt = optim.Muon([w], lr=0.1, weight_decay=0.0)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w
    tensor([[0.9304]], requires_grad=True)
    """

    rule = Rule("muon", _muon)
    counts = ()
    timed = False

    def __init__(
        self,
        params: Params,
        lr: Rate = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        check_options(
            ns_coefficients=(ns_coefficients, len(ns_coefficients) == 3),
            ns_steps=(ns_steps, 0 <= ns_steps < LARGEST),
            adjust_lr_fn=(adjust_lr_fn, adjust_lr_fn in (None, "original", "match_rms_adamw")),
        )
        super().__init__(params, locals())

    def _refuse(self, p: Var, name: str) -> None:
        if p.dtype.is_complex:
            raise DTypeError(f"Muon takes real parameters, and {name} is {p.dtype.name}")
        if p.ndim != 2:
            raise ShapeError(
                f"Muon takes matrices, and {name} has shape {list(p.shape)}",
                help="give other parameters, biases among them, to another optimizer, such as AdamW",
            )

    def _kept(self, group: Group) -> tuple[str, ...]:
        return ("momentum_buffer",)

    def _numbers(self, group: Group, *at: Any) -> Numbers:
        lr, momentum = group["lr"], group["momentum"]
        shrink = 1 - lr * group["weight_decay"]
        return lr, shrink, momentum, 1 - momentum, *group["ns_coefficients"], group["eps"]

    def _options(self, group: Group, *at: Any) -> Options:
        return (
            ("decay", bool(group["weight_decay"])),
            ("nesterov", bool(group["nesterov"])),
            ("steps", group["ns_steps"]),
            ("adjusts", group["adjust_lr_fn"] or "original"),
        )
