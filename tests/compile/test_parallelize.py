"""Which kernels are shared out: those that are worth it, wherever their operands lie."""

from __future__ import annotations

from typing import Any

from tenure import dtypes
from tenure.compile.explain import report
from tenure.ir.aval import Aval
from tenure.ir.program import Builder
from tenure.ops.contract import matmul
from tenure.ops.pointwise import tanh
from tenure.ops.reduce import reduce_sum


def kernels(build: Any, *shapes: tuple[int, ...]) -> list[tuple[str, bool]]:
    """The last operation of each kernel of a program, and whether the kernel is shared out."""
    b = Builder()
    xs = [b.input(Aval(shape, dtypes.float32)) for shape in shapes]
    found = report(b.extract([x.id for x in xs], [y.id for y in build(*xs)]))
    return [(k.names[-1], k.threads) for k in found.kernels]


def test_a_reduction_of_what_comes_in_is_shared_out() -> None:
    assert kernels(lambda x: [reduce_sum(x, axes=(1,))], (256, 512)) == [("reduce_sum", True)]


def test_what_takes_less_than_a_region_is_not() -> None:
    assert kernels(lambda x: [reduce_sum(x, axes=(1,))], (64, 64)) == [("reduce_sum", False)]


def test_few_numbers_stay_where_they_were_computed() -> None:
    """A product of two matrices and what follows: each worth a microsecond or two."""
    found = kernels(lambda x, w: [tanh(matmul(x, w))], (32, 64), (64, 64))
    assert found == [("matmul", False), ("tanh", False)]


def test_a_dear_kernel_is_shared_out_although_one_thread_has_its_operand() -> None:
    small = kernels(lambda x, w: [matmul(tanh(matmul(x, w)), w)], (64, 64), (64, 64))
    large = kernels(lambda x, w: [matmul(tanh(matmul(x, w)), w)], (256, 256), (256, 256))
    assert [shared for _, shared in small] == [False] * 3
    assert [shared for _, shared in large] == [True] * 3


def test_what_no_cache_holds_is_shared_out() -> None:
    found = kernels(lambda x: [reduce_sum(tanh(x), axes=(1,)), tanh(x)], (4096, 4096))
    assert all(shared for _, shared in found)


def test_single_rows_are_for_one_thread() -> None:
    assert kernels(lambda x: [tanh(reduce_sum(x, axes=(0,)))], (60000,))[0] == ("reduce_sum", False)
