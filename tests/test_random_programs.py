"""Random programs: values against NumPy, run modes against each other, gradients against slopes and PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import tenure as tn
from tests import random_programs, traits
from tests.random_programs import ELEMENTWISE, Array, Numpy, Program, Tenure, Torch, loss, programs

many = settings(max_examples=max(100, settings.default.max_examples))  # type: ignore[union-attr]


def tensors(program: Program, requires_grad: bool = False) -> list[Any]:
    return [tn.tensor(x, requires_grad=requires_grad) for x in program.inputs]


def values(program: Program) -> list[Array]:
    """What Tenure computes."""
    return [y.detach().numpy() for y in program.run(Tenure(), tensors(program))]


def gradients(program: Program) -> list[Array]:
    """The gradients of the loss by Tenure; zeros for what it does not reach."""
    leaves = tensors(program, requires_grad=True)
    total = loss(Tenure(), program, leaves)
    if total.requires_grad:
        total.backward()
    return [np.zeros_like(x) if v.grad is None else v.grad.numpy() for x, v in zip(program.inputs, leaves, strict=True)]


@many
@given(programs())
def test_values_are_numpys(program: Program) -> None:
    with np.errstate(all="ignore"):
        wanted = program.run(Numpy(), program.inputs)
    for found, expected in zip(values(program), wanted, strict=True):
        assert_allclose(found, np.asarray(expected), rtol=1e-9, atol=1e-9, strict=True)


@many
@given(programs("float32"))
def test_values_in_float32_are_numpys(program: Program) -> None:
    with np.errstate(all="ignore"):
        wanted = program.run(Numpy(), program.inputs)
    for found, expected in zip(values(program), wanted, strict=True):
        assert_allclose(found, np.asarray(expected), rtol=1e-3, atol=1e-3, strict=True)


@many
@given(programs())
def test_a_program_gives_the_same_bits_however_it_is_run(program: Program) -> None:
    lazy = [x.tobytes() for x in values(program)]
    with tn.eager():
        assert [x.tobytes() for x in values(program)] == lazy
    assert [x.tobytes() for x in values(program)] == lazy
    each = program.run(Tenure(), tensors(program))
    assert [x.numpy().tobytes() for x in reversed(each)] == lazy[::-1]


@many
@given(programs())
def test_gradients_are_the_same_however_they_are_run(program: Program) -> None:
    assume(program.steps)
    lazy = [x.tobytes() for x in gradients(program)]
    with tn.eager():
        assert [x.tobytes() for x in gradients(program)] == lazy
    leaves = tensors(program, requires_grad=True)
    total = loss(Tenure(), program, leaves)
    total.item()  # the run comes first, then the gradient
    if total.requires_grad:
        total.backward()
    late = [np.zeros_like(x) if v.grad is None else v.grad.numpy() for x, v in zip(program.inputs, leaves, strict=True)]
    assert [x.tobytes() for x in late] == lazy


@many
@given(programs())
def test_gradients_are_slopes(program: Program) -> None:
    assume(program.steps and program.margin > 1e-2)
    rng = np.random.default_rng(0)
    along = [rng.standard_normal(x.shape) for x in program.inputs]
    step = 1e-4

    def at(t: float) -> float:
        moved = [np.asarray(x + t * d) for x, d in zip(program.inputs, along, strict=True)]
        fixed = Fixed(program)
        return float(loss(fixed, program, moved))

    wanted = (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step)
    found = sum(float(np.sum(g * d)) for g, d in zip(gradients(program), along, strict=True))
    scale = 1 + sum(float(np.sum(np.abs(g))) for g in gradients(program))
    assert found == pytest.approx(wanted, rel=1e-5, abs=1e-6 * scale)


@pytest.mark.parametrize("name", sorted(ELEMENTWISE))
def test_every_elementwise_function_is_drawn(name: str) -> None:
    drawn = []

    @settings(max_examples=10)
    @given(programs(first=name))
    def agrees(program: Program) -> None:
        drawn.extend([label for label, *_ in program.steps if label == name])
        with np.errstate(all="ignore"):
            wanted = program.run(Numpy(), program.inputs)
        for found, expected in zip(values(program), wanted, strict=True):
            assert_allclose(found, np.asarray(expected), rtol=1e-9, atol=1e-9, strict=True)

    agrees()
    assert drawn


class Fixed(Numpy):
    """NumPy, with detached values as they are at the inputs of the program."""

    def __init__(self, program: Program) -> None:
        self.values: list[Array] = []
        spy = Numpy()
        spy.detach = lambda x: self.values.append(x) or x  # type: ignore[method-assign,func-returns-value]
        with np.errstate(all="ignore"):
            program.run(spy, program.inputs)

    def detach(self, x: Any) -> Any:
        return self.values.pop(0)


@pytest.mark.peers
@many
@given(programs())
def test_values_and_gradients_are_pytorchs(program: Program) -> None:
    torch = pytest.importorskip("torch")
    assume(program.steps)
    leaves = [torch.tensor(x, requires_grad=True) for x in program.inputs]
    m = Torch(torch)
    for found, expected in zip(values(program), program.run(m, leaves), strict=True):
        assert_allclose(found, expected.detach().numpy(), rtol=1e-9, atol=1e-9, strict=True)
    total = loss(m, program, leaves)
    if total.requires_grad:
        total.backward()
    for found, leaf in zip(gradients(program), leaves, strict=True):
        wanted = np.zeros(leaf.shape) if leaf.grad is None else leaf.grad.numpy()
        assert_allclose(found, wanted, rtol=1e-7, atol=1e-7, strict=True)


DTYPES = ["bool", "int32", "int64", "float32", "float64", "int8", "uint8", "uint16", "uint64"]
OPERATORS = {
    name: f
    for name, f in random_programs.OPERATORS.items()
    if name != "power" and traits.PLAIN[name] == 2  # of negative whole exponents there is no power
}


@given(
    st.sampled_from(sorted(OPERATORS)),
    st.sampled_from(DTYPES),
    st.sampled_from([*DTYPES, bool, int, float]),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_mixed_dtypes_are_promoted_first(name: str, one: str, other: Any, swap: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, 4, (2, 3)).astype(one)
    scalar = isinstance(other, type)
    y = other(rng.integers(1, 4)) if scalar else rng.integers(1, 4, 3).astype(other)
    if not scalar and "uint64" in (one, other) and "int" in (one[:3], other[:3]):
        with pytest.raises(tn.DTypeError, match="no dtype holds both"):
            OPERATORS[name](tn.tensor(x), tn.tensor(y))
        return
    dtype = tn.dtypes.promote_scalar(one, other) if scalar else tn.promote_types(one, other)
    if name in ("subtract", "floor_divide", "remainder") and dtype.kind == "b":
        return
    if name == "divide" and dtype.kind != "f":
        dtype = tn.float32
    wanted = [x.astype(dtype.numpy), np.asarray(y).astype(dtype.numpy)]
    found = [tn.tensor(x), y if scalar else tn.tensor(y)]
    f = OPERATORS[name]
    if name in ("floor_divide", "remainder") and dtype.kind in "iu" and not wanted[0 if swap else 1].all():
        with pytest.raises(ZeroDivisionError):
            f(*(found[::-1] if swap else found)).numpy()
        return
    with np.errstate(all="ignore"):
        expected = np.asarray(f(*(wanted[::-1] if swap else wanted)))
    got = f(*(found[::-1] if swap else found)).numpy()
    assert_array_equal(got, expected, strict=True)
