"""Programs on several examples: small ones in full."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tenure.ops  # noqa: F401  (fills the table)
from tenure.dtypes import float32, int64
from tenure.ir.aval import Aval
from tenure.ir.program import TABLE, Builder, Program
from tenure.ir.show import show
from tenure.ir.verify import verify
from tenure.ops.advanced import take_rows
from tenure.transform.batch import batch

X, SCALAR = Aval((3,), float32), Aval((), float32)


def text(f: Callable[..., Any], avals: Sequence[Aval], batched: Sequence[bool], count: int = 8) -> str:
    """The program of f on so many examples, without its columns of dtypes."""
    b = Builder()
    inputs = [b.input(aval) for aval in avals]
    found: Program = batch(b.extract([x.id for x in inputs], [f(b, *inputs).id]), batched, count)
    verify(found)
    lines = [line.split(" : ")[0].strip() for line in show(found).splitlines()]
    return "\n".join(lines[1:-1])


def test_a_product_and_a_sum() -> None:
    f = lambda b, x, w: TABLE["reduce_sum"](x * w, axes=(0,))  # noqa: E731
    assert text(f, [X, X], [True, False]) == "\n".join(
        ["%2 = multiply %0 %1", "%3 = reduce_sum %2 axes=(1,)", "return %3"]
    )


def test_what_is_the_same_for_all_is_computed_once() -> None:
    f = lambda b, x, w: x * TABLE["sin"](w)  # noqa: E731
    assert text(f, [X, X], [True, False]) == "\n".join(["%2 = sin %1", "%3 = multiply %0 %2", "return %3"])


def test_examples_are_aligned() -> None:
    assert text(lambda b, x, s: x + s, [X, SCALAR], [True, True]) == "\n".join(
        ["%2 = reshape %1 shape=(8, 1)", "%3 = add %0 %2", "return %3"]
    )


def test_an_output_that_is_the_same_for_all_is_repeated() -> None:
    assert text(lambda b, x, w: w + w, [X, X], [True, False]) == "\n".join(
        ["%2 = add %1 %1", "%3 = broadcast_to %2 shape=(8, 3)", "return %3"]
    )


def test_rows_by_one_matrix_are_one_product() -> None:
    rows, matrix = Aval((1, 3), float32), Aval((3, 5), float32)
    f = lambda b, x, w: TABLE["matmul"](x, w)  # noqa: E731
    assert text(f, [rows, matrix], [True, False]) == "\n".join(
        ["%2 = reshape %0 shape=(8, 3)", "%3 = matmul %2 %1", "%4 = reshape %3 shape=(8, 1, 5)", "return %4"]
    )


def test_rows_of_one_table_are_one_lookup() -> None:
    table, one = Aval((9, 3), float32), Aval((), int64)
    f = lambda b, x, i: take_rows(x, i)  # noqa: E731
    assert text(f, [table, one], [False, True]) == "\n".join(
        ["%2 = gather %0 %1 spec=('a', ':') at=0 unique=False", "return %2"]
    )
