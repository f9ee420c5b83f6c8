"""Programs run op by op, with the bits of compiled ones: what is not fused yet, or has failed.

    exp float32[4096, 10]          a row of a table: a generic kernel, made once for exp of float32
    survives int64[5]              Python's turn: the function in NumPy

All rows run in one native call. It comes back for an instruction that has no kernel, and goes on behind it; where a
check fails, and where a failed value comes in, the rest runs instruction by instruction (``op_by_op``), so that what
does not depend on the failure still takes effect.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tenure.compile.generic_calls import Generic
from tenure.compile.objects import BYTES
from tenure.compile.table import Table
from tenure.errors import TenureError
from tenure.interp.interp import Arrays, Interpreted, reference
from tenure.ir.program import Instruction, Program
from tenure.runtime import table as rows
from tenure.runtime.blas import gemm
from tenure.runtime.bracket import at_once
from tenure.runtime.buffers import empty
from tenure.runtime.launch import Call, Made
from tenure.runtime.pauses import PAUSED, Paused

Array = np.ndarray[Any, Any]
TURN = 3
"""Words of a row that is Python's turn."""


class Launched:
    """A program as one native call. A run that is broken off is gone on with, as its state is in the arrays."""

    __slots__ = ("native", "program")

    def __init__(self, program: Program, native: Call) -> None:
        self.program, self.native = program, native

    def __call__(self, arrays: list[Any], numbers: Sequence[Any] = ()) -> list[Any]:
        kept = type(arrays) is Arrays
        if kept and type(arrays.code) is Interpreted:  # type: ignore[attr-defined]
            return arrays.code(arrays, numbers)  # type: ignore[attr-defined]
        while True:
            out = self.called(arrays, numbers)
            if out is None:
                return self.op_by_op(arrays, arrays[: self.native.given], numbers)
            if type(out) is list:
                return out
            if out != PAUSED:
                found = self.left(arrays, out, numbers)
                if found is not None:
                    return found
            if kept:
                arrays.out.clear()  # type: ignore[attr-defined]
                if out == PAUSED:
                    raise Paused

    def called(self, arrays: list[Any], numbers: Sequence[Any]) -> Any:
        """The result of the native call. It stands in the arrays' ``out`` with no moment in between."""
        if type(arrays) is not Arrays:
            return self.native(arrays, self.packed(numbers))
        if not arrays.out:
            self.native.into(arrays.out, arrays, self.packed(numbers))
        return arrays.out[0]

    def packed(self, numbers: Sequence[Any]) -> Sequence[Any]:
        """The numbers of a call."""
        return numbers

    def left(self, arrays: list[Any], status: int, numbers: Sequence[Any]) -> list[Any] | None:
        """The results after a call that was left with a status; None if it goes on."""
        raise NotImplementedError

    def op_by_op(self, arrays: list[Any], values: list[Any], numbers: Sequence[Any]) -> list[Any]:
        """The results of running the instructions behind some values one by one, from now on. The list of arrays alone
        holds the values then, as what nobody else holds may be written."""
        run = op_by_op(self.program)
        state: Any = (arrays.__setitem__, slice(None), values), (values.clear,)
        at_once(((setattr, arrays, "code", run), *state) if type(arrays) is Arrays else state)
        return run(arrays, numbers)


class Stepwise(Launched):
    """A program as a table of rows."""

    __slots__ = ("table",)

    def __init__(self, program: Program, table: Table | None = None) -> None:
        self.table = table = table or Table(program)
        kinds = "".join(["d" if aval.dtype.kind == "f" else "q" for aval in program.inputs if aval.weak])
        made: list[Made] = [(program.aval(v).shape, program.aval(v).dtype.name) for v in table.made]
        made.append(((table.top,), "uint8"))
        head = array("q", [table.words.buffer_info()[0], table.start]).tobytes()
        about = made, table.donors, kinds, table.outputs, head, table
        super().__init__(program, Call(rows.address, table.arrays, *about))

    @property
    def call(self) -> Call | None:
        """The call of the table in one go; None where Python has turns, or where it may pause."""
        return self.native if self.table.short() else None

    def called(self, arrays: list[Any], numbers: Sequence[Any]) -> Any:
        """The result of the native call: None, to go on op by op, also where memory is lacking for all of it."""
        if type(arrays) is Arrays:
            arrays.code = self  # keeps the table, whose address is in them
        try:
            return super().called(arrays, numbers)
        except MemoryError:
            return None

    def left(self, arrays: list[Any], status: int, numbers: Sequence[Any]) -> list[Any] | None:
        """Run the instruction that is Python's turn; or, where a check has failed, all that are left."""
        n, at = len(self.program.inputs), abs(status)
        v = self.table.words[at + 1] if status > 0 else self.table.value_of(at)
        if status > 0 and self.turn(arrays, v):
            ctypes.c_int64.from_address(id(arrays[-2]) + BYTES + 8).value = at + TURN
            return None
        alive = {o for at in self.program.instructions[v - n :] for o in at.operands} | {*self.program.outputs}
        values = [self.view(arrays, x) if x in alive else None for x in range(v)]
        return self.op_by_op(arrays, values, numbers)

    def turn(self, arrays: list[Any], v: int) -> bool:
        """Compute a value in Python; False if that fails."""
        at = self.program.instructions[v - len(self.program.inputs)]
        operands = [self.view(arrays, o) for o in at.operands]
        try:
            if at.primitive.check is not None:
                at.primitive.check(np, *operands, **at.params)
            with np.errstate(all="ignore"):
                np.copyto(self.view(arrays, v), native(at)(*operands, **at.params))
        except (TenureError, MemoryError):
            return False
        return True

    def view(self, arrays: list[Any], v: int) -> Array:
        """The array of a value, in the memory of a call."""
        aval, (base, offset) = self.program.aval(v), rows.base_of(self.table.places[v])
        if base >= rows.ARRAYS:
            x: Array = arrays[base - rows.ARRAYS]
            return x if x.shape == aval.shape else x.reshape(aval.shape)
        held: Any = {rows.ARENA: arrays[-1], rows.NUMBERS: arrays[-2], rows.TABLE: self.table.words}[base]
        return np.ndarray(aval.shape, aval.dtype.numpy, held, offset)


def stepwise(program: Program) -> Stepwise:
    """The executor."""
    return Stepwise(program)


def op_by_op(program: Program) -> Interpreted:
    """The executor in Python, instruction by instruction."""
    return Interpreted(program, native)


def native(at: Instruction) -> Callable[..., Any]:
    """The function that computes an instruction with a compiled program's bits; that of whole numbers is NumPy's. It is
    kept with the application."""
    found: Callable[..., Any] | None = at.application.kept("native", 0)
    if found is None:
        natively = at.aval.dtype.kind in "fc" and at.aval.size
        found = at.primitive.lower.run(Native, at) if natively else reference(at)
        at.application.keep("native", 0, found)
    return found


def multiplied(x: Array, y: Array, *, selects: int = 0, marks: bool = False) -> Array:
    """A matrix product on the runtime's threads, as programs call it."""
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    out = empty((*batch, x.shape[-2], y.shape[-1]), x.dtype)
    left, right, result = _stacked(x, batch), _stacked(y, batch), out.reshape(-1, *out.shape[-2:])
    if x.shape[-1]:
        gemm(left, right, result, selects=selects, marks=marks)
    else:
        out[...] = 0
    return out


def turned(x: Array, y: Array) -> Array:
    """The product by a transpose."""
    return multiplied(x, y.swapaxes(-1, -2))


def _stacked(x: Array, batch: tuple[int, ...]) -> Array:
    """Matrices along one leading axis, contiguous; one matrix serves for all."""
    if x.size == x.shape[-1] * x.shape[-2]:
        return np.ascontiguousarray(x).reshape(1, *x.shape[-2:])
    return np.ascontiguousarray(np.broadcast_to(x, (*batch, *x.shape[-2:]))).reshape(-1, *x.shape[-2:])


class Native:
    """Functions that compute an instruction on arrays: what kinds of lowering are handed to run op by op."""

    reference = staticmethod(reference)
    generic = Generic
    multiplied = staticmethod(multiplied)
    turned = staticmethod(turned)
