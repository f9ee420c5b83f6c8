"""Kernels around emitted functions: a loop over arrays, compiled for a CPU of one's choice."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir

from tenure.compile.math.lanes import Builder

Emitter = Callable[..., Any]
PADDING = 16
BASELINES = {"x86-64-v3": "fma", "x86-64-v4": "avx512f"}
LANES = {"f": {4: ir.FloatType(), 8: ir.DoubleType()}}


@cache
def host() -> tuple[str, Mapping[str, bool]]:
    """The name of this machine's CPU and its features."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features()


def cpus() -> list[str]:
    """The baselines that this machine can run; at least itself."""
    return [name for name, feature in BASELINES.items() if host()[1].get(feature)] or ["host"]


def lane(dtype: Any) -> Any:
    """The LLVM type of a NumPy dtype."""
    dtype = np.dtype(dtype)
    return LANES["f"][dtype.itemsize] if dtype.kind == "f" else ir.IntType(8 * dtype.itemsize)


def load(module: ir.Module, cpu: str = "host") -> Any:
    """An engine that holds the module's machine code and must outlive its use."""
    name, features = host()
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=name if cpu == "host" else cpu, features=features.flatten() if cpu == "host" else "", opt=3
    )
    engine = llvm.create_mcjit_compiler(parsed, machine)
    engine.finalize_object()
    return engine


def registers(cpu: str) -> int:
    """The bits of a CPU's vector registers that code is to use."""
    if cpu != "host":
        return {"x86-64-v3": 256, "x86-64-v4": 512}[cpu]
    has = host()[1]
    return 512 if has.get("avx512f") and has.get("avx512vl") else 256 if has.get("avx2") else 128


def emit_kernel(module: ir.Module, name: str, emit: Emitter, dtype: Any, width: int, arity: int, bits: int) -> None:
    """void name(n, x…, out): out[i] = emit(x[i]…), `width` lanes at a time."""
    one, i64 = lane(dtype), ir.IntType(64)
    type_ = ir.VectorType(one, width) if width > 1 else one
    kernel = ir.Function(module, ir.FunctionType(ir.VoidType(), [i64] + [one.as_pointer()] * (arity + 1)), name)
    count, *pointers = kernel.args
    b = Builder(kernel.append_basic_block(), bits)
    entry, loop, done = b.block, b.append_basic_block(), b.append_basic_block()
    b.branch(loop)
    b.position_at_end(loop)
    i = b.phi(i64)
    places = [b.bitcast(b.gep(p, [i]), type_.as_pointer()) for p in pointers]
    ans = emit(b, *(b.load(p, align=1) for p in places[:-1]))
    b.store(ans, places[-1], align=1)
    following = b.add(i, ir.Constant(i64, width))
    i.add_incoming(ir.Constant(i64, 0), entry)
    i.add_incoming(following, b.block)
    b.cbranch(b.icmp_signed("<", following, count), loop, done)
    b.position_at_end(done)
    b.ret_void()


class Kernels:
    """Functions of arrays, compiled together from emitters `(emit, number of operands)`."""

    def __init__(self, emitters: Mapping[str, tuple[Emitter, int]], dtype: Any, width: int = 8, cpu: str = "host"):
        module = ir.Module()
        for name, (emit, arity) in emitters.items():
            emit_kernel(module, name, emit, dtype, width, arity, registers(cpu))
        self.engine = load(module, cpu)
        self.dtype = np.dtype(dtype)

    def __call__(self, name: str, *operands: Any) -> Any:
        """The named function of the arrays, element by element."""
        count = len(operands[0])
        padded = [np.concatenate([x, np.ones(-count % PADDING, self.dtype)]).astype(self.dtype) for x in operands]
        out = np.empty_like(padded[0])
        arrays = [*padded, out]
        signature = ctypes.CFUNCTYPE(None, ctypes.c_int64, *[ctypes.c_void_p] * len(arrays))
        signature(self.engine.get_function_address(name))(len(out), *(a.ctypes.data for a in arrays))
        return out[:count]
