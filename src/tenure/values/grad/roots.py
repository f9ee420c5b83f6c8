"""Roots of a backward: a differentiable number, or a result with its cotangent."""

from __future__ import annotations

from typing import Any

from tenure.errors import DTypeError, GradientError, ShapeError
from tenure.values.rules.sites import here, site


def check_root(root: Any, gradient: Any) -> None:
    """TN804 where there is nothing to differentiate, TN802 where the cotangent does not fit."""
    if not root._kind.tracked:
        raise GradientError(
            "this tensor does not require grad: nothing it was computed from does, or it was detached",
            at=site(here()),
            help="make a leaf with requires_grad=True, and compute outside no_grad()",
        )
    if gradient is None:
        if root._aval.shape != () and root._aval.size != 1:
            raise GradientError(
                f"backward() of a tensor of shape {list(root._aval.shape)} needs the cotangent",
                at=site(here()),
                help="reduce it to a scalar (.sum(), .mean()), or give backward(gradient=…) of the same shape",
            )
    elif gradient._aval.shape != root._aval.shape:
        raise ShapeError(
            f"gradient has shape {list(gradient._aval.shape)}, the tensor {list(root._aval.shape)}",
            at=site(here()),
        )
    elif gradient._aval.dtype is not root._aval.dtype:
        raise DTypeError(
            f"gradient has dtype {gradient._aval.dtype.name}, the tensor {root._aval.dtype.name}",
            at=site(here()),
        )
