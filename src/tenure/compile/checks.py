"""Checks of what only the run knows: indices lie within their axis, exponents are not negative, divisors not 0.

``low ≤ x < low + count`` is ``x − low < count`` without sign, so the largest ``x − low`` decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from llvmlite import ir

from tenure.compile.element_types import in_memory, size_of
from tenure.compile.generic_moves import whole_bits
from tenure.compile.memory import Layout
from tenure.compile.nests import constant, counted
from tenure.compile.plan import Plan
from tenure.compile.ranges import Bound, bounds_of

POINTER = ir.PointerType()
CHECK = ir.FunctionType(ir.IntType(64), [POINTER])
WIDTH = 16


class Checks:
    """The checks of a program, each to be made when the value that it looks at is known."""

    def __init__(self, plan: Plan, layout: Layout) -> None:
        self.plan = plan
        self.layout = layout
        self.waiting: dict[int, dict[Bound, int]] = {}
        for k, at in enumerate(plan.program.instructions):
            for bound in bounds_of(plan.program, at):
                if plan.program.aval(bound.value).size:
                    self.waiting.setdefault(bound.value, {}).setdefault(bound, k)

    def functions(self, module: ir.Module, known: Iterable[int]) -> Iterator[ir.Function]:
        """The checks of known values, each a function of the table of addresses: 0, or where it fails 1 + the number
        of its instruction."""
        for v in known:
            for bound, k in self.waiting.get(v, {}).items():
                aval = self.plan.program.aval(v)
                t = in_memory(aval.dtype)
                function = ir.Function(module, CHECK, module.get_unique_name("check"))
                function.linkage = "internal"
                b = ir.IRBuilder(function.append_basic_block("entry"))
                entry = b.gep(function.args[0], [constant(self.layout.slots[v])], source_etype=POINTER)
                most = largest(b, b.load(entry, typ=POINTER), t, aval.size, bound.low)
                outside = b.icmp_unsigned(">=", most, ir.Constant(most.type, bound.size))
                b.ret(b.select(outside, constant(k + 1), constant(0)))
                yield function


def largest(b: ir.IRBuilder, start: ir.Value, t: ir.Type, count: int, low: int) -> ir.Value:
    """The largest x − low without sign; 0 if there is no x. Of floats it is that of their bits."""
    bits = ir.IntType(8 * size_of(t))

    def over(first: int, stop: int, kind: ir.Type, held: ir.Value, step: int) -> ir.Value:
        wide = step > 1
        whole = ir.VectorType(bits, step) if wide else bits
        offset = ir.Constant(whole, [-low] * step if wide else -low)

        def body(i: ir.Value, carried: list[Any]) -> list[Any]:
            address = b.gep(start, [i], source_etype=t)
            x = b.add(whole_bits(b, b.load(address, typ=kind, align=size_of(t)), whole), offset)
            return [b.select(b.icmp_unsigned(">", x, carried[0]), x, carried[0])]

        return counted(b, constant(first), constant(stop), step, body, [held])[0]

    whole = count - count % WIDTH
    most: ir.Value = ir.Constant(bits, 0)
    if whole:
        start_lanes = ir.Constant(ir.VectorType(bits, WIDTH), None)
        lanes = over(0, whole, ir.VectorType(t, WIDTH), start_lanes, WIDTH)
        for k in range(WIDTH):
            x = b.extract_element(lanes, ir.Constant(ir.IntType(32), k))
            most = b.select(b.icmp_unsigned(">", x, most), x, most)
    return over(whole, count, t, most, 1) if count > whole else most
