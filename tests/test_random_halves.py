"""Programs of halves give the same bits whether each value is read or the whole is one program: each is rounded."""

from __future__ import annotations

import os
import random
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.nn import functional as F
from tests.crossings import OPERATIONS, WEIGHTS, X, Y
from tests.detours import Binary

MORE: dict[str, Binary] = {
    "exponential": lambda a, b: tn.exp(a * 0.5) - b,
    "quotient": lambda a, b: a / (b * b + 1),
    "normalized": lambda a, b: F.layer_norm(a, (3,)) + b,
    "spread": lambda a, b: (a - b) / (a.std(axis=1, keepdims=True, correction=0) + 1),
    "greatest": lambda a, b: a.max(axis=1, keepdims=True) * b,
    "sorted": lambda a, b: tn.sort(a, axis=1) + b,
    "logsumexp": lambda a, b: tn.logsumexp(a, axis=0) + b,
    "numbers": lambda a, b: a * 0.1 + b * 3,
    "products": lambda a, b: tn.cumprod(a, axis=1) + b,
    "bounds": lambda a, b: tn.clip(a, -0.5, 1.0) * b,
    "by float32": lambda a, b: (a.to(tn.float32) * 1.1 + b.to(tn.float32)).to(a.dtype),
    "attention": lambda a, b: F.scaled_dot_product_attention(a[None], b[None], b[None])[0],
}
STEPS = OPERATIONS | MORE
SEEDS = range(600) if os.environ.get("TENURE_FUZZ") else range(8)


def outcome(seed: int, dtype: Any, reads: bool, gradient: bool) -> list[Any]:
    """The last value of a random program, or its gradients, as lists of float32."""
    draw = random.Random(seed)
    sizes = range(draw.randrange(1, 7))
    steps = [(draw.choice(list(STEPS)), draw.randrange(k + 2), draw.randrange(k + 2)) for k in sizes]

    def f(*given: Any) -> Any:
        values = list(given)
        for name, i, j in steps:
            values.append(STEPS[name](values[i], values[j]))
            if reads:
                values[-1].detach().tolist()
            values[-1] = values[-1] * 0.5
        return values[-1] + values[-2]

    x, y = tn.tensor(X).to(dtype), tn.tensor(Y).to(dtype)
    found: Any = (f(x, y),)
    if gradient:
        found = tn.grad(lambda x, y: (f(x, y) * tn.tensor(WEIGHTS).to(dtype)).sum(), argnums=(0, 1))(x, y)
    assert all(z.dtype is dtype for z in found)
    return [z.to(tn.float32).numpy() for z in found]


@pytest.mark.parametrize("seed", SEEDS)
def test_reads_change_no_bit(seed: int) -> None:
    for dtype in (tn.float16, tn.bfloat16):
        for gradient in (False, True):
            wanted = outcome(seed, dtype, True, gradient)
            for _ in range(3):
                for a, b in zip(outcome(seed, dtype, False, gradient), wanted, strict=True):
                    np.testing.assert_array_equal(a, b)
