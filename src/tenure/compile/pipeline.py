"""The compiler's passes, in order: each is a function from one checked form to the next.

    Program ─ narrow ─ simplify ─ orient ─▶ fuse ─▶ Plan ─ rematerialize ─▶ plan_memory ─▶ Layout ─▶ loops ─▶ Loops
    ─▶ emit ─▶ LLVM module

With ``TENURE_VERIFY=1`` each form is verified before it is handed on (``verify``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from llvmlite import ir

from tenure.compile.ahead import AHEAD
from tenure.compile.emit import emit
from tenure.compile.fuse import fuse
from tenure.compile.loops import loops
from tenure.compile.memory import Layout, plan_memory
from tenure.compile.orient import orient
from tenure.compile.rematerialize import rematerialize
from tenure.compile.simplify import simplify
from tenure.compile.verify import verify_form
from tenure.ir.program import Program
from tenure.ir.verify import verifies

Pass = Callable[[Any], Any]
PASSES: tuple[Callable[..., Any], ...] = (*AHEAD, simplify, orient, fuse, rematerialize, plan_memory, loops, emit)
PLANNED = PASSES.index(loops)


def run_passes(form: Any, passes: Sequence[Pass]) -> Any:
    """A form after some passes."""
    checked = verifies()
    if checked:
        verify_form(form)
    for each in passes:
        form = each(form)
        if checked:
            verify_form(form)
    return form


def compile_module(program: Program, bits: int) -> ir.Module:
    """The module of a program that the passes ``AHEAD`` have seen, for vectors of so many bits."""
    module: ir.Module = run_passes(program, [partial(p, bits=bits) if p is loops else p for p in PASSES[len(AHEAD) :]])
    return module


def planned(program: Program) -> Layout:
    """A program's kernels, and where their values lie: the passes before code."""
    layout: Layout = run_passes(program, PASSES[len(AHEAD) : PLANNED])
    return layout
