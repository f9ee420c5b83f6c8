"""A narrow whole number over a constant: a product with the bits of the quotient."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from tenure import dtypes
from tenure.compile.executable import compiled
from tenure.compile.math.quotient import reciprocal
from tenure.ir.aval import Aval
from tenure.ir.program import TABLE, Builder

ODD = [255.0, 127.5, 3.0, 10.0, 0.75, 65535.0, float((1 << 21) - 1), 1.25 * 2.0**40]
OTHERS = [0.3, -255.0, 0.0, float("inf"), float("nan"), 2.0**70, float((1 << 23) - 1)]


def over(numbers: Any, dtype: dtypes.DType, c: float) -> Any:
    """The numbers as floats over c, compiled as one kernel."""
    b = Builder()
    x = b.input(Aval(numbers.shape, dtypes.as_dtype(numbers.dtype)))
    made = TABLE["cast"](x, dtype=dtype)
    program = b.extract([x.id], [TABLE["divide"](made, b.constant(c, dtype)).id])
    return compiled(program)([numbers])[0]


@pytest.mark.parametrize("whole", ["uint8", "int8", "uint16", "int16"])
@pytest.mark.parametrize("dtype", [dtypes.float32, dtypes.float64], ids=str)
@np.errstate(all="ignore")
def test_every_number_has_the_bits_of_the_quotient(whole: str, dtype: dtypes.DType) -> None:
    ends = np.iinfo(whole)
    numbers = np.arange(ends.min, ends.max + 1).astype(whole)
    for c in ODD[:3] + OTHERS[:2]:
        wanted = numbers.astype(dtype.numpy) / np.asarray(c, dtype.numpy)
        assert over(numbers, dtype, c).tobytes() == wanted.tobytes(), c


def test_which_divisors_have_a_product() -> None:
    assert all(reciprocal(c, 4) and reciprocal(c, 8) for c in ODD)
    assert not any(reciprocal(c, 4) for c in OTHERS)


def test_the_sum_is_nearest_to_the_quotient_before_it_is_rounded() -> None:
    """In exact arithmetic, for divisors of as many digits as are taken."""
    rng = np.random.default_rng(1)
    for _ in range(40):
        c = float(int(rng.integers(1 << 20, 1 << 21)) | 1) * 2.0 ** int(rng.integers(-40, 40))
        parts = reciprocal(c, 4)
        assert parts is not None
        for x in rng.integers(1, 1 << 16, 100).tolist():
            rest = Fraction(float(np.float32(x * parts[1])))
            exact, found = x * Fraction(parts[0]) + rest, np.float32(x) / np.float32(c)
            near = [np.nextafter(found, np.float32(end)) for end in (-np.inf, np.inf)]
            away = [abs(exact - Fraction(float(v))) for v in (found, *near)]
            assert min(away) == away[0] < min(away[1:])
