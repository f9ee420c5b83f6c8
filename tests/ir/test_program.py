"""Programs: what the builder grows and cuts out, what the verifier refuses, how they print."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import tenure.ops  # noqa: F401  (fills the table)
from tenure.dtypes import float32, float64, int64
from tenure.errors import DTypeError, InternalError, ShapeError
from tenure.interp.interp import interpret
from tenure.ir.applications import Application, applied
from tenure.ir.aval import Aval
from tenure.ir.primitive import NOT_DIFFERENTIABLE, Primitive
from tenure.ir.program import TABLE, Builder, Instruction, Program, filled
from tenure.ir.show import show
from tenure.ir.verify import verify
from tenure.ops.lowering import Element

X = Aval((3,), float32)


def sample() -> Program:
    """sum(sin(x) · 2)."""
    b = Builder()
    x = b.input(X)
    y = TABLE["reduce_sum"](TABLE["sin"](x) * 2.0, axes=(0,))
    return b.extract([x.id], [y.id])


def test_a_program_prints_one_instruction_a_line() -> None:
    assert show(sample()) == (
        "program(%0: float32[3]) {\n"
        "  %1 = sin %0                          : float32[3]\n"
        "  %2 = full shape=() value=2.0 dtype=tenure.float32 : float32[]\n"
        "  %3 = multiply %1 %2                  : float32[3]\n"
        "  %4 = reduce_sum %3 axes=(0,)         : float32[]\n"
        "  return %4\n"
        "}"
    )


def test_an_empty_program_prints() -> None:
    assert show(Program((), (), ())) == "program() {\n  return \n}"


def test_what_the_builder_cuts_out_is_a_program() -> None:
    verify(sample())
    verify(Program((X,), (), (0, 0)))


def changed(k: int, **fields: Any) -> Program:
    """The sample with one instruction changed."""
    program = sample()
    instructions = list(program.instructions)
    at = instructions[k]
    primitive, params, aval = (fields.pop(name, getattr(at, name)) for name in ("primitive", "params", "aval"))
    application = Application(primitive, params, at.application.operands, aval)
    instructions[k] = at._replace(application=application, **fields)
    return Program(program.inputs, instructions, program.outputs)


def giving(output: int) -> Program:
    """The sample with another output."""
    return Program(sample().inputs, sample().instructions, (output,))


def stranger() -> Primitive:
    """A primitive that the table does not hold under its name."""
    twin = object.__new__(Primitive)
    for slot in Primitive.__slots__:
        setattr(twin, slot, getattr(TABLE["sin"], slot))
    return twin


REFUSALS: list[tuple[str, Callable[[], Program], str]] = [
    ("a use before its definition", lambda: changed(0, operands=(1,)), "instruction 0 (sin) reads %1, which"),
    ("a use of nothing", lambda: changed(0, operands=(-1,)), "instruction 0 (sin) reads %-1, which is not"),
    (
        "an aval of another shape",
        lambda: changed(0, aval=Aval((4,), float32)),
        "instruction 0 (sin) is said to give float32[4], but its rule gives float32[3]",
    ),
    (
        "an aval of another dtype",
        lambda: changed(3, aval=Aval((), float64)),
        "instruction 3 (reduce_sum) is said to give float64[], but its rule gives float32[]",
    ),
    (
        "operands that do not agree",
        lambda: changed(1, params={"shape": (2,), "value": 2.0, "dtype": float32}, aval=Aval((2,), float32)),
        "instruction 2 (multiply) is refused by its rule: multiply: shapes [3] and [2]",
    ),
    ("a stranger", lambda: changed(0, primitive=stranger()), "instruction 0 (sin): not a declared primitive"),
    ("an undefined output", lambda: giving(5), "output %5 is not defined"),
    ("a negative output", lambda: giving(-1), "output %-1 is not defined"),
]


@pytest.mark.parametrize(("make", "message"), [r[1:] for r in REFUSALS], ids=[r[0] for r in REFUSALS])
def test_the_verifier_refuses(make: Callable[[], Program], message: str) -> None:
    with pytest.raises(InternalError) as caught:
        verify(make())
    assert message in str(caught.value)


def test_extracting_drops_what_nobody_needs() -> None:
    b = Builder()
    x, y = b.input(X), b.input(X)
    TABLE["exp"](x)
    kept = TABLE["sin"](x)
    TABLE["cos"](kept)
    program = b.extract([x.id, y.id], [kept.id])
    assert [at.primitive.name for at in program.instructions] == ["sin"]
    assert program.inputs == (X, X)


def test_extracting_stops_at_its_inputs() -> None:
    b = Builder()
    x = b.input(X)
    middle = TABLE["sin"](x)
    end = TABLE["cos"](middle)
    program = b.extract([middle.id], [end.id, middle.id])
    assert [at.primitive.name for at in program.instructions] == ["cos"]
    assert program.outputs == (1, 0)


def test_inputs_keep_the_order_that_was_asked() -> None:
    b = Builder()
    x, y = b.input(X), b.input(Aval((), float32))
    program = b.extract([y.id, x.id], [(x - y).id])
    assert program.inputs == (Aval((), float32), X)
    (found,) = interpret(program)([np.float32(1) + np.zeros((), "f4"), np.arange(3, dtype="f4")])
    assert_array_equal(np.asarray(found), [-1, 0, 1])


def test_an_unbound_input_is_an_error() -> None:
    b = Builder()
    x, y = b.input(X), b.input(X)
    with pytest.raises(KeyError, match="value 1 is an unbound input"):
        b.extract([x.id], [(x + y).id])


def test_literals_stand_for_inputs() -> None:
    b = Builder()
    x, n = b.input(X), b.input(Aval((), float32))
    program = b.extract([x.id], [(x * n).id], {n.id: filled((), 3.0, float32)})
    verify(program)
    assert [at.primitive.name for at in program.instructions] == ["full", "multiply"]
    (found,) = interpret(program)([np.ones(3, "f4")])
    assert_array_equal(np.asarray(found), [3, 3, 3])


def test_aliases_leave_no_instruction() -> None:
    b = Builder()
    x, y = b.input(X), b.input(X)
    sine = TABLE["sin"](x)
    ends = [TABLE["mark"](sine), TABLE["replace"](y, TABLE["mark"](sine)), TABLE["mark"](x)]
    program = b.extract([x.id], [v.id for v in ends])
    verify(program)
    assert [at.primitive.name for at in program.instructions] == ["sin"]
    assert program.outputs == (1, 1, 0)


def test_equal_programs_are_one() -> None:
    first, second = sample().shared(), sample().shared()
    assert first is second
    assert changed(1, params={"shape": (), "value": 3.0, "dtype": float32}).shared() is not first


def test_programs_that_differ_in_the_type_of_a_number_are_two() -> None:
    def filled(value: float) -> Program:
        b = Builder()
        return b.extract([], [b.full((2,), value, float64).id]).shared()

    kept = [filled(v) for v in (1, 1.0, True, 0.0, -0.0)]
    assert len({id(p) for p in kept}) == 5


def test_a_literal_that_nobody_needs_leaves_nothing() -> None:
    b = Builder()
    x, n = b.input(X), b.input(Aval((), float32))
    program = b.extract([x.id], [TABLE["sin"](x).id], {n.id: filled((), 3.0, float32)})
    assert [at.primitive.name for at in program.instructions] == ["sin"]


def test_the_origin_of_an_instruction_survives() -> None:
    b = Builder()
    x = b.input(X)
    b.origin = 7
    y = TABLE["sin"](x)
    b.origin = 8
    assert [at.origin for at in b.extract([x.id], [TABLE["cos"](y).id]).instructions] == [7, 8]


def test_equal_constants_are_shared_and_others_not() -> None:
    b = Builder()
    ids = [b.constant(n, float32).id for n in (1, 1, 1.0, True, 0.0, -0.0, float("nan"), float("nan"))]
    assert ids == [0, 0, 1, 2, 3, 4, 5, 5]
    assert b.constant(1, float64).id == 6


def test_a_failed_instruction_is_not_appended() -> None:
    b = Builder()
    x, y = b.input(X), b.input(Aval((2,), float32))
    with pytest.raises(ShapeError):
        x + y
    with pytest.raises(DTypeError):
        x + b.input(Aval((3,), int64))
    assert b.applications == [None, None, None]


def test_what_is_tracked() -> None:
    b = Builder()
    x, c = b.input(X, tracked=True), b.input(X)
    for value, tracked in [
        (x + c, True),
        (c + c, False),
        (TABLE["less"](x, c), False),
        (TABLE["floor"](x), False),
        (TABLE["cast"](x, dtype=int64), False),
        (TABLE["cast"](x, dtype=float64), True),
        (x.zeros(), False),
        (TABLE["where"](TABLE["less"](x, c), c, c), False),
    ]:
        assert b.tracked[value.id] is tracked


DECLARATION: dict[str, Any] = {
    "aval": lambda x: x,
    "ref": lambda np, x: x,
    "vjp": NOT_DIFFERENTIABLE,
    "jvp": NOT_DIFFERENTIABLE,
    "argnums": (),
    "dtypes": "f",
    "samples": lambda rng, dtype: (),
    "lower": Element(lambda e, index, x: e.at(x, index)),
    "batch": lambda of, batched, x: of(x),
}


@pytest.mark.parametrize("rule", DECLARATION)
def test_an_omitted_rule_is_an_error(rule: str) -> None:
    rest = {k: v for k, v in DECLARATION.items() if k != rule}
    with pytest.raises(TypeError, match=f"'{rule}'"):
        Primitive("unfinished", **rest)
    assert "unfinished" not in TABLE


@pytest.mark.parametrize("rule", ["ref", "partials", "domain", "dtypes", "lower"])
def test_an_omitted_rule_of_a_pointwise_one_is_an_error(rule: str) -> None:
    from tenure.ops.declare import REALS, pointwise

    rules = {"ref": lambda np, x: x, "partials": (1.0,), "domain": (REALS,), "dtypes": "f", "lower": abs}
    with pytest.raises(TypeError, match=f"'{rule}'"):
        pointwise("unfinished", **{k: v for k, v in rules.items() if k != rule})  # type: ignore[arg-type]
    assert "unfinished" not in TABLE


@pytest.mark.parametrize("rule", ["aval", "ref", "transpose", "dtypes", "samples", "lower", "batch"])
def test_an_omitted_rule_of_a_linear_one_is_an_error(rule: str) -> None:
    from tenure.ops.declare import linear

    rules = {k: v for k, v in DECLARATION.items() if k in ("aval", "ref", "dtypes", "samples", "lower", "batch")}
    rules["transpose"] = (lambda g, x: g,)
    with pytest.raises(TypeError, match=f"'{rule}'"):
        linear("unfinished", **{k: v for k, v in rules.items() if k != rule})
    assert "unfinished" not in TABLE


def test_a_name_is_declared_once() -> None:
    with pytest.raises(ValueError, match="'sin' is declared twice"):
        Primitive("sin", **DECLARATION)
    assert TABLE["sin"].dtypes == "f" and TABLE["sin"].vjp is not NOT_DIFFERENTIABLE


def test_avals_print_and_measure() -> None:
    aval = Aval((2, 3), float64)
    assert (str(aval), aval.ndim, aval.size, aval.nbytes) == ("float64[2,3]", 2, 6, 48)
    assert str(Aval((), int64)) == "int64[]"
    assert aval.with_shape((6,)) == Aval((6,), float64)
    assert aval.with_dtype(float32) == Aval((2, 3), float32)


def test_instructions_are_values() -> None:
    at = Instruction(applied(TABLE["sin"], {}, (X,)), (0,))
    with pytest.raises(AttributeError):
        at.origin = 3  # type: ignore[misc]
