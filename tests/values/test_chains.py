"""Chains of reads: what was read in turn at first sight has one gradient, and tables run with no step in Python."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.compile import tiers
from tenure.values.grad import steps


def expression(seed: int, often: float) -> tuple[list[Any], list[Any]]:
    """Gradients of a random expression, some of whose results are read, and are held or not; the numbers that were
    read."""
    draw = random.Random(seed)
    given = np.random.default_rng(seed)
    leaves = [tn.tensor(given.normal(size=5), requires_grad=True) for _ in range(3)]
    values: list[Any] = list(leaves)
    read = []
    forms: list[Any] = [
        lambda a, b: a + b * draw.choice([0.5, 2.0]),
        lambda a, b: a * b * 0.3,
        lambda a, b: tn.tanh(a),
        lambda a, b: tn.sin(a) - b,
        lambda a, b: a.detach() * b,
        lambda a, b: a[1:].sum() * b,
    ]
    for _ in range(30):
        values.append(draw.choice(forms)(draw.choice(values[-8:]), draw.choice(values)))
        if draw.random() < 0.3:
            number = values[-1].sum()
            if often:
                read.append(number.item())
    if draw.random() < 0.5:  # gradients to which the walk adds
        (values[4] * values[5]).sum().backward(retain_graph=True)
    sum(v.sum() for v in values[-4:]).backward()
    return [None if x.grad is None else x.grad.numpy().copy() for x in leaves], read


@pytest.mark.parametrize("seed", range(20))
def test_reads_leave_the_gradient_bit_for_bit(seed: int) -> None:
    for a, b in zip(expression(seed, 0.3)[0], expression(seed, 0)[0], strict=True):
        assert (a is None) == (b is None)
        assert a is None or a.tobytes() == b.tobytes()


def test_reads_in_turn_have_one_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = [0]
    real = steps.gradient

    def gradient(*args: Any, **kwargs: Any) -> Any:
        counts[0] += 1
        return real(*args, **kwargs)

    monkeypatch.setattr(steps, "gradient", gradient)
    w = tn.tensor(np.linspace(0.1, 0.9, 7), requires_grad=True)
    y = w * 1.0
    for k in range(12):
        for _ in range(k % 5 + 1):
            y = tn.cos(y * w) + 0.01
        y.sum().item()
    y.sum().backward()
    assert w.grad is not None
    assert counts[0] <= 2  # that of the trace, and that of all that was read


def test_a_table_is_run_without_a_step_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiers.BUDGET, "left", lambda: 0.0)
    counts = [0]
    real = tiers.Tiered.step

    def step(self: Any, *args: Any) -> Any:
        counts[0] += 1
        return real(self, *args)

    monkeypatch.setattr(tiers.Tiered, "step", step)
    x = tn.tensor(np.linspace(-1.0, 1.0, 11))
    found = [tn.sinh(x).tolist() for _ in range(64)]
    assert all(y == found[0] for y in found)
    assert counts[0] <= 64 // tiers.LOOKED_AFTER + 4


def test_a_check_that_fails_in_a_table_names_its_line() -> None:
    ones, holes = tn.tensor([7, 8, 9]), tn.tensor([1, 0, 2])
    for k in range(40):
        divisor = holes if k in (9, 25, 39) else ones
        y = ones // divisor
        if divisor is ones:
            assert y.tolist() == [1, 1, 1]
        else:
            with pytest.raises(tn.errors.DivisionByZero) as caught:
                y.tolist()
            assert "ones // divisor" in str(caught.value)
