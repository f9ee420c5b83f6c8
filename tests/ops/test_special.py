"""What the interpreter computes for functions that NumPy lacks, against many more digits."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from tenure.ir.program import TABLE

TRUTH: dict[str, Any] = {
    "erf": mpmath.erf,
    "ndtr": mpmath.ncdf,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "i0": lambda x: mpmath.besseli(0, x),
    "i1e": lambda x: mpmath.besseli(1, x) * mpmath.exp(-abs(x)),
}
RANGE = {"erf": 6.0, "ndtr": 37.0, "sigmoid": 740.0, "i0": 80.0, "i1e": 80.0}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", TRUTH)
def test_within_a_unit_in_the_last_place(name: str, dtype: Any) -> None:
    rng = np.random.default_rng(1)
    wide = rng.uniform(-1, 1, 1500) * RANGE[name] * (0.12 if dtype is np.float32 and name == "sigmoid" else 1)
    x = np.concatenate([wide, rng.standard_normal(1500), np.ldexp(rng.uniform(-1, 1, 500), -20)]).astype(dtype)
    found = TABLE[name].ref(np, x)
    assert found.dtype == dtype
    with mpmath.workdps(40):
        for a, b in zip(x.tolist(), found, strict=True):
            error = abs(mpmath.mpf(float(b)) - TRUTH[name](mpmath.mpf(a)))
            assert error <= mpmath.mpf(float(np.spacing(abs(b)))), (a, b)
