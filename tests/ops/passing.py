"""The tests of the table, on a primitive that a test has declared."""

from __future__ import annotations

import numpy as np

from tenure.ir.primitive import Primitive
from tests.compile import test_programs, test_stepwise
from tests.ops import test_table
from tests.traits import sampled


def passes_the_tables_tests(primitive: Primitive) -> None:
    """Meaning, shapes, derivatives of a smooth primitive, and the same bits however it runs."""
    for dtype in sampled(primitive):
        test_table.test_the_shape_rule_agrees_with_the_meaning(primitive.name, dtype)
        test_table.test_a_program_gives_the_meaning(primitive.name, dtype)
        test_programs.test_each_primitive(primitive, dtype)
        test_stepwise.agree(primitive, list(primitive.samples(np.random.default_rng(0), dtype)))
    for check in (
        test_table.test_jvp_is_the_slope,
        test_table.test_vjp_is_the_transpose_of_jvp,
        test_table.test_second_order_is_the_slope_of_the_first,
        test_table.test_float32_gradients_are_those_of_float64,
        test_table.test_the_gradient_has_the_dtype_of_its_operand,
    ):
        check(primitive.name)
