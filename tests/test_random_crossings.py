"""Any two features go together: a program gives the same numbers and derivatives by way of them as without."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tests.crossings import ENDINGS, Program, Step, outcome, plain, program, smaller

SEEDS = range(3000) if os.environ.get("TENURE_FUZZ") else range(13)
REFUSED = (
    "a long loop was cut",
    "waits for a gradient from outside",
    "not linear in its cotangent",
    "another thread has computed",
    "a module with a backward hook",
    "by what the rule took out of the graph",
    "within another transform there",
    "is written with the value of one example",
)
"""What is refused by design, or is not there yet."""


def fault(p: Program, ending: str, dtype: Any) -> str | None:
    """What is wrong with a program: other numbers, or an error."""
    wanted = outcome(plain(p), ending, dtype)
    try:
        found = outcome(p, ending, dtype)
    except tn.TenureError as error:
        return None if any(words in str(error) for words in REFUSED) else str(error)
    except Exception as error:
        return repr(error)
    within = 1e-9 if dtype is tn.float64 else 1e-3
    for x, y in zip(found, wanted, strict=True):
        scale = float(np.max(np.abs(y), initial=1.0))
        if x.shape != y.shape or (scale < 1e12 and not np.allclose(x, y, rtol=within, atol=within * scale)):
            return f"numbers {x} for {y}"
    return None


@pytest.mark.parametrize("seed", SEEDS)
def test_numbers_are_those_of_the_program_without_detours(seed: int) -> None:
    ending = list(ENDINGS)[seed % len(ENDINGS)]
    dtype = tn.float64 if seed % 3 else tn.float32
    p = program(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if fault(p, ending, dtype):
            p = smaller(p, lambda q: fault(q, ending, dtype) is not None)
            raise AssertionError(f"{ending}: {fault(p, ending, dtype)}\n{p}")


FOUND: list[tuple[str, Program]] = [
    ("grad twice", (Step("square", (1, 0), calls=("zero cotangent",)),)),
    ("grad twice", (Step("times", (0, 1), second=("an embedding",), calls=("eager",)),)),
    ("grad twice", (Step("times", (1, 1), second=("a function",), calls=("eager",)),)),
    ("vjp", (Step("times", (1, 0), calls=("a thread",)),)),
    ("jacrev", (Step("times", (1, 0), calls=("a thread",)), Step("times", (1, 2)))),
    (
        "value_and_grad",
        (Step("times", (0, 1), after=("retain_grad",)), Step("times", (2, 0), first=("custom_vjp",), calls=("jvp",))),
    ),
]


@pytest.mark.parametrize(("ending", "p"), FOUND)
def test_programs_that_were_wrong_once(ending: str, p: Program) -> None:
    assert fault(p, ending, tn.float64) is None
