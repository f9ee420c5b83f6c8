"""Roots of a backward, from which it goes: differentiable numbers, or results with their cotangents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenure.errors import DTypeError, GradientError, ShapeError
from tenure.values.grad import steps
from tenure.values.grad.backward import Walk
from tenure.values.rules.graph import Leaf, Segment
from tenure.values.rules.sites import here, site
from tenure.values.trace.record import RECORDER


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


def run_walk(
    walk: Walk, roots: Sequence[Any], gradients: Sequence[Any], wanted: Sequence[Any], *, raw: bool = False
) -> None:
    """Run a backward pass from roots; reads inside hooks do not end the trace. In ``raw`` gradients −0.0 is an element
    that is not selected."""
    for root, g in zip(roots, gradients, strict=True):
        check_root(root, g)
    RECORDER.hold_open(_run_walk, walk, roots, gradients, wanted, raw)


def _run_walk(walk: Walk, roots: Sequence[Any], gradients: Sequence[Any], wanted: Sequence[Any], raw: bool) -> None:
    walk.asked.ask(wanted)
    for number, x in enumerate(wanted):
        walk.want(x, number)
    for root, g in zip(roots, gradients, strict=True):
        at = walk.vertex(root)
        if g is None and (len(roots) > 1 or at is None or isinstance(at, Leaf) or isinstance(at[0], Segment)):
            g = steps.ones(root._aval)
        elif g is not None and not raw:
            g = steps.settle(g)
        walk.arrive(at, g, selected=not raw)
    walk.run()
