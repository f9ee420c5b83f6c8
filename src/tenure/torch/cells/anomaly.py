"""PyTorch's anomaly mode: a backward in which a gradient is NaN is an error, at the line of the backward.

    with torch.autograd.detect_anomaly():
        x.sqrt().sum().backward()        RuntimeError: Function 'SqrtBackward0' returned nan values in its 0th output.

The function is that whose result, or operand, the gradient reads. The home library's mode looks at forward steps too.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ContextDecorator, contextmanager
from typing import Any, Self

import numpy as np

from tenure.torch.cautions import DETECTED, caution
from tenure.torch.errors import refuse
from tenure.values.places.anomaly import computed, is_gradient, nearest
from tenure.values.places.strict import finish, program_of
from tenure.values.run.force import BEFORE_RUN

NAMES = {"divide": "Div", "multiply": "Mul", "power": "Pow", "matmul": "Mm"}


class Switch:
    """Whether a backward looks for NaN."""

    on, check_nan = False, True


class set_detect_anomaly(ContextDecorator):
    """Switch of the anomaly mode; as a context, for the block."""

    __module__ = "torch.autograd.anomaly_mode"

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.prev, self.prev_check_nan = Switch.on, Switch.check_nan
        Switch.on, Switch.check_nan = bool(mode), bool(check_nan)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        Switch.on, Switch.check_nan = self.prev, self.prev_check_nan


class detect_anomaly(ContextDecorator):
    """Context in which a backward that makes a NaN is an error."""

    __module__ = "torch.autograd.anomaly_mode"

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for"
            " debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> Self:
        self.prev = Switch.on, Switch.check_nan
        Switch.on, Switch.check_nan = True, self.check_nan
        return self

    def __exit__(self, *error: object) -> None:
        Switch.on, Switch.check_nan = self.prev


@contextmanager
def looked_at() -> Iterator[None]:
    """A backward that runs within it is looked at, in anomaly mode."""
    if not (Switch.on and Switch.check_nan):
        yield
        return
    BEFORE_RUN.append(look)
    try:
        yield
        finish()
    finally:
        BEFORE_RUN.remove(look)


def look(t: Any, plan: Any) -> Exception | None:
    """The error for a program that is about to run, if a gradient in it is NaN."""
    program = program_of(plan.executable)
    for at, operands, found in computed(t, plan, program):
        if is_gradient(t, at) and found.dtype.kind in "fc" and np.isnan(found).any():
            odd = [v for v, x in zip(at.operands, operands, strict=True) if not np.isfinite(x).all()]
            name = function_of(t, program, at, [*odd, *at.operands])
            caution(DETECTED, name)
            return refuse(f"Function '{name}' returned nan values in its 0th output.")
    return None


def function_of(t: Any, program: Any, at: Any, operands: list[int]) -> str:
    """Name of the function whose gradient an instruction is: the nearest step that it reads, or what it does itself."""
    for h in nearest(t, program, at, operands):
        if h._rule.name:
            return str(h._rule.name)
    name = at.primitive.name
    return f"{NAMES.get(name, name.title().replace('_', ''))}Backward0"
