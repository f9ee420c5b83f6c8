"""Kinds of lowering are closed contracts: one that leaves a rule out cannot be declared, one that has them all runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from tenure.compile.executable import compiled
from tenure.compile.stepwise import stepwise
from tenure.dtypes import float32
from tenure.errors import InternalError
from tenure.interp.interp import interpret
from tenure.ir.aval import Aval
from tenure.ir.kind import Kind
from tenure.ir.primitive import Primitive
from tenure.ir.program import TABLE, Builder
from tenure.ops.move import flip
from tenure.ops.pointwise import exp
from tests.ops.declared import Chain, like, only_here, running_total
from tests.ops.passing import passes_the_tables_tests


def declared(lower: Any) -> Primitive:
    """A primitive like ``flip`` with another lowering."""
    return like(flip, "other", lower=lower)


@dataclass(frozen=True)
class Silent(Kind):
    """A kind that says neither what it reads nor how it is emitted."""

    def run(self, n: Any, at: Any) -> Any:
        return n.reference(at)


def test_a_kind_without_its_rules_fails_where_it_is_declared() -> None:
    with pytest.raises(TypeError, match="emit"):
        declared(Silent())  # type: ignore[abstract]
    assert "other" not in TABLE


@pytest.mark.parametrize("thing", [None, "fold", lambda e, x: x], ids=["nothing", "a name", "a function"])
def test_what_is_no_kind_is_no_lowering(thing: Any) -> None:
    with pytest.raises(TypeError, match="no kind of lowering"):
        declared(thing)
    assert "other" not in TABLE


def test_a_claim_without_its_rule_fails_where_the_kind_is_defined() -> None:
    with pytest.raises(TypeError, match="inline and has no rule 'element'"):

        class Claiming(Silent):
            inline: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Forgetful(Chain):
    """A scan that does not say what it reads."""

    def reads(self, t: Any, v: int, at: Any) -> None:
        pass


def test_a_kind_that_reads_what_it_does_not_say_is_not_compiled() -> None:
    with only_here():
        total = running_total(Forgetful())
        b = Builder()
        x = b.input(Aval((4, 4), float32))
        program = b.extract([x.id], [total(x, axis=0).id])
        with pytest.raises(InternalError, match="which the kind Forgetful does not read"):
            compiled(program)


def test_a_scan_passes_what_the_primitives_of_the_table_pass() -> None:
    with only_here():
        passes_the_tables_tests(running_total())


@pytest.mark.parametrize("shape", [(1,), (7,), (16, 33), (3, 1, 40)])
def test_a_scan_among_other_kernels_reads_what_it_says_it_reads(shape: tuple[int, ...]) -> None:
    """Buffers are reused as soon as nobody reads them any more: what a kind reads without saying so would be lost."""
    with only_here():
        total = running_total()
        b = Builder()
        x = b.input(Aval(shape, float32))
        y = exp(x)
        for axis in range(len(shape)):
            y = total(exp(-y), axis=axis)
            y = y + total(flip(y * 0.5, axes=(axis,)), axis=axis) * 0.25
        program = b.extract([x.id], [y.id])
        given = np.random.default_rng(1).normal(size=shape).astype("float32")
        native, single = (run(program)([given.copy()])[0] for run in (compiled, stepwise))
        assert native.tobytes() == single.tobytes()
        np.testing.assert_allclose(native, interpret(program)([given.copy()])[0], rtol=1e-5)
