"""Rectifiers: NaN stays NaN, infinities give no NaN in gradients, what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tenure as tn
from tenure.errors import DTypeError, OutOfRange, ShapeError
from tenure.nn import functional as F

EACH = {
    "hardtanh": F.hardtanh, "relu6": F.relu6, "hardsigmoid": F.hardsigmoid, "hardswish": F.hardswish,
    "hardshrink": F.hardshrink, "softshrink": F.softshrink, "celu": F.celu, "selu": F.selu, "mish": F.mish,
    "softsign": F.softsign, "tanhshrink": F.tanhshrink,
}  # fmt: skip


@pytest.mark.parametrize("name", EACH)
def test_far_out(name: str) -> None:
    f = EACH[name]
    assert math.isnan(f(tn.tensor(math.nan)).item())
    x = tn.tensor([1e4, -1e4, 3e38, -3e38, 0.0])
    slope = tn.grad(lambda v: f(v).sum())(x)
    assert np.isfinite(np.asarray(slope)).all()


def test_straight_pieces() -> None:
    x = tn.tensor([-4.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0])
    assert F.hardtanh(x).tolist() == [-1, -1, -1, -0.5, 0, 0.5, 1, 1, 1]
    assert F.hardswish(x).tolist()[:2] == [0, 0] and F.hardswish(x).tolist()[-1] == 6
    assert tn.grad(lambda v: F.hardtanh(v).sum())(x).tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0]
    assert tn.grad(lambda v: F.hardshrink(v).sum())(x).tolist() == [1, 1, 1, 0, 0, 0, 1, 1, 1]
    assert tn.grad(lambda v: F.softshrink(v).sum())(x).tolist() == [1, 1, 1, 0, 0, 0, 1, 1, 1]


def test_errors() -> None:
    x = tn.ones(2, 3)
    for error, said, call in (
        (ValueError, "min_val 1.0 is not below", lambda: F.hardtanh(x, 1.0, 1.0)),
        (ValueError, "lambd is not negative", lambda: F.softshrink(x, -1.0)),
        (ValueError, "alpha is 0", lambda: F.celu(x, 0.0)),
        (DTypeError, "threshold is a number", lambda: F.threshold(x, "1", 0.0)),
        (ShapeError, "has no two halves", lambda: F.glu(x)),
        (OutOfRange, "dim 2 is out of range", lambda: F.glu(x, 2)),
        (ShapeError, "for 3 channels", lambda: F.prelu(x, tn.ones(2))),
    ):
        with pytest.raises(error, match=said):
            call()
