"""From a Program to an executable: one native call that runs all its kernels.

``i64 main(ptr table, ptr arena)`` puts the arena's buffers into the table, checks what can be out of range, and
runs kernel after kernel, the large ones shared out over the threads. It gives 0, or 1 + the number of the
instruction whose check failed; nothing has been written then, and the reference executor finds out what to say.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import numpy as np
from llvmlite import ir

from tenure.compile.checks import emit_checks
from tenure.compile.fuse import Plan, fuse, instruction
from tenure.compile.jit import Engine, engine
from tenure.compile.kernels import Body, emit_kernel, launch
from tenure.compile.loops import constant, counted
from tenure.compile.memory import Layout, plan_memory
from tenure.compile.products import emit_product
from tenure.compile.simplify import simplify
from tenure.ir.program import Program
from tenure.ops.lowering import Product
from tenure.runtime import threads
from tenure.runtime.blas import blas

POINTER, I64 = ir.PointerType(), ir.IntType(64)
DATA = 16
"""Where an ndarray object keeps the address of its elements: behind the object's header."""


Executor = Callable[[Program], Callable[[list[Any]], list[Any]]]


class Compiled:
    """A program ready to run."""

    __slots__ = (
        "arena",
        "call",
        "donors",
        "inputs",
        "layout",
        "library",
        "outputs",
        "program",
        "reference",
        "shapes",
    )

    def __init__(self, program: Program, reference: Executor) -> None:
        if any(at.primitive.name == "power" and at.aval.dtype.kind != "f" for at in program.instructions):
            raise NotImplementedError
        self.program = program
        self.reference = reference
        plan = fuse(simplify(program))
        layout = plan_memory(plan)
        module = emit_module(plan, layout)
        self.layout = layout
        self.library = linked().load(module)
        address = self.library.address("main")
        self.call = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)(address)
        self.inputs = len(program.inputs)
        self.shapes = [(program_aval(plan, v).shape, program_aval(plan, v).dtype.numpy) for v in layout.outputs]
        self.arena = layout.arena
        self.donors = [(s - self.inputs, i) for s, i in layout.donors]
        self.outputs = [self._output(plan, v) for v in plan.program.outputs]

    def _output(self, plan: Plan, v: int) -> tuple[str, int]:
        if v < self.inputs:
            return "input", v
        return "output", self.layout.slots[v] - self.inputs

    def __call__(self, inputs: list[Any]) -> list[Any]:
        if any(not isinstance(x, np.ndarray | np.generic) for x in inputs):
            return self.reference(self.program)(inputs)
        arrays = [x if type(x) is np.ndarray else np.asarray(x) for x in inputs]
        made: list[Any] = [np.empty(shape, dtype) for shape, dtype in self.shapes]
        for k, donor in self.donors:
            if unshared(inputs, arrays, donor):
                made[k] = arrays[donor]
        arena = np.empty(self.arena, np.uint8)
        every = [*arrays, *made, arena]
        table = (ctypes.c_int64 * (len(arrays) + len(made) + len(self.layout.offsets) + 1))(*map(id, every))
        if self.call(table, id(arena)):
            return self.reference(self.program)(inputs)
        return [arrays[k] if kind == "input" else made[k] for kind, k in self.outputs]


def unshared(inputs: list[Any], arrays: list[Any], k: int) -> bool:
    """Whether only this call holds an array."""
    x = arrays[k]
    return x.base is None and x.flags.writeable and _references(arrays, k) == SOLE


def _references(arrays: list[Any], k: int) -> int:
    return sys.getrefcount(arrays[k])


def _sole() -> int:
    """The reference count of an array that two lists and a local variable hold."""
    arrays = [np.empty(1)]
    inputs, x = list(arrays), arrays[0]
    return _references(arrays, 0) if inputs[0] is x else 0


SOLE = _sole()


def program_aval(plan: Plan, v: int) -> Any:
    """The aval of a value."""
    return plan.program.aval(v)


def emit_module(plan: Plan, layout: Layout) -> ir.Module:
    """All kernels, and the function that runs them."""
    module = ir.Module(name="program")
    main = ir.Function(module, ir.FunctionType(I64, [POINTER, POINTER]), "main")
    b = ir.IRBuilder(main.append_basic_block("entry"))
    table = resolve(b, main, plan, layout)
    emit_checks(b, plan, layout, table, set(range(len(plan.program.inputs))))
    bits = linked().target.vector_bits
    for k, kernel in enumerate(plan.kernels):
        v = kernel.values[0]
        if isinstance(instruction(plan.program, v).primitive.lower, Product):
            body = Body(module, f"kernel{k}", plan, layout.slots, bits)
            body.function.linkage = "internal"
            emit_product(body, v)
            body.b.ret_void()
        else:
            body = emit_kernel(module, f"kernel{k}", plan, kernel, layout.slots, bits)
            body.function.linkage = "internal"
        launch(b, body, table)
        emit_checks(b, plan, layout, table, set(kernel.values))
    b.ret(constant(0))
    return module


def resolve(b: ir.IRBuilder, main: ir.Function, plan: Plan, layout: Layout) -> ir.Value:
    """Turn the table of array objects into one of their elements' addresses, with the arena's buffers behind."""
    table, arena = main.args
    given = len(plan.program.inputs) + len(layout.outputs)

    def step(i: ir.Value, _: list[Any]) -> list[Any]:
        entry = b.gep(table, [i], source_etype=I64)
        array = b.inttoptr(b.load(entry, typ=I64), POINTER)
        b.store(b.load(b.gep(array, [constant(DATA)], source_etype=ir.IntType(8)), typ=I64), entry)
        return []

    counted(b, constant(0), constant(given), 1, step)
    base = b.load(b.gep(arena, [constant(DATA)], source_etype=ir.IntType(8)), typ=I64)
    for slot, offset in layout.offsets:
        b.store(b.add(base, constant(offset)), b.gep(table, [constant(slot)], source_etype=I64))
    return table


def linked() -> Engine:
    """The engine, with the runtime's entry points defined."""
    found = engine()
    with _linking:
        if found not in _linked:
            library = blas()
            found.define("parallel", threads.address)
            found.define("sgemm", library.sgemm, library)
            found.define("dgemm", library.dgemm, library)
            _linked.add(found)
    return found


_linking = threading.Lock()
_linked: WeakSet[Engine] = WeakSet()


def compiler(reference: Executor) -> Executor:
    """The executor that compiles. ``reference`` runs what the compiler leaves to it: a program whose check has
    failed, to say what is wrong, and powers of whole numbers."""

    def compile_program(program: Program) -> Callable[[list[Any]], list[Any]]:
        try:
            return Compiled(program, reference)
        except NotImplementedError:
            return reference(program)

    return compile_program
