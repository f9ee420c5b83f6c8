"""Run with guarded buffers: each primitive, the fused programs, random ones; compiled as they are and in pieces.

    python -m tests.compile.guarded_programs [kind ...] [--part k/n]

Every array that NumPy makes here ends at a page that must not be touched, inputs and outputs among them. In the second
form all values are outputs, so that what else lies in the arena has a page of its own. Each name is printed before its
program runs: the last one is what died. A case has the same numbers in whichever part it runs.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import zlib
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from tenure import dtypes
from tenure.compile.executable import compiled
from tenure.compile.stepwise import stepwise
from tenure.interp.interp import interpret
from tenure.ir.aval import Aval
from tenure.ir.primitive import Primitive
from tenure.ir.program import TABLE, Builder, Program
from tenure.runtime import buffers
from tests import traits
from tests.compile import random_ir, test_programs
from tests.compile.test_fuzz import Arrays, copies

Built = tuple[Program, Arrays, list[float]]
Case = tuple[str, Callable[[], Built]]
SHAPES = [(3, 5), (7, 129), (65, 2)]
RANDOM = 100 if os.environ.get("TENURE_FUZZ") else 2


def primitives() -> Iterator[Case]:
    """Every sample of every primitive, in the dtypes of ``traits.few``; those of one dtype share a program."""
    for primitive in TABLE.values():
        for dtype in traits.few(primitive, "guarded"):
            yield f"{primitive.name} {dtype.name}", partial(of_primitive, primitive, dtype)


def of_primitive(primitive: Primitive, dtype: dtypes.DType) -> Built:
    """The samples of a primitive in one dtype."""
    rng = np.random.default_rng(zlib.crc32(f"{primitive.name} {dtype.name}".encode()))
    b, given, outputs, arrays = Builder(), [], [], []
    for operands, params in primitive.samples(rng, dtype):
        xs = [b.input(Aval(np.shape(a), dtypes.as_dtype(np.asarray(a).dtype))) for a in operands]
        given += [x.id for x in xs]
        outputs.append((xs, params))
        arrays += [np.array(a) for a in operands]
    return b.extract(given, [b.emit(primitive, xs, params).id for xs, params in outputs]), arrays, []


def fused() -> Iterator[Case]:
    """The programs of ``test_programs``."""
    rng = np.random.default_rng(3)
    for name, function in test_programs.FUSED.items():
        for shape in SHAPES:
            x = rng.standard_normal(shape).astype(np.float32)
            yield f"{name} {shape}", lambda f=function, x=x: (test_programs.built(f, x), [x], [])


def random() -> Iterator[Case]:
    """Programs of ``random_ir``, with rows that leave a rest behind full vectors."""
    for seed in range(RANDOM):
        yield f"random {seed}", partial(of_seed, seed)


def of_seed(seed: int) -> Built:
    """One random program."""
    r = random_ir.cases(10_000 + seed, 10)
    return r.finish(random_ir.outputs_of(r))


KINDS = {"primitives": primitives, "fused": fused, "random": random}


def in_pieces(program: Program) -> Program:
    """The same with every value an output."""
    n = len(program.inputs)
    return Program(program.inputs, program.instructions, tuple(range(n, n + len(program.instructions))))


def is_blank(program: Program, v: int) -> bool:
    """Whether only what is written of a result means anything."""
    k = v - len(program.inputs)
    return k >= 0 and traits.blank(program.instructions[k].primitive)


def check(name: str, program: Program, arrays: Arrays, numbers: list[float]) -> None:
    """Run a program with arrays that are held, and with arrays that are handed over."""
    print(name, flush=True)
    made = not all(traits.lasts(at.primitive) for at in program.instructions)
    want = (interpret if made else stepwise)(program)(copies(arrays), numbers)
    native = compiled(program)
    held = copies(arrays)
    for given in (list(held), copies(arrays)):
        for v, g, w in zip(program.outputs, native(given, numbers), want, strict=True):
            if w.dtype.kind == "V":
                assert g.tobytes() == w.tobytes()
                continue
            written = (w != 0) | (not is_blank(program, v))
            assert np.allclose(g[written], w[written], rtol=1e-4, atol=1e-4, equal_nan=True)
    pieces = in_pieces(program)
    if set(pieces.outputs) - set(program.outputs):
        compiled(pieces)(list(held), numbers)


def main() -> None:
    """The kinds that are named, or all; of them every n-th case."""
    faulthandler.enable()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []])
    parser.add_argument("--part", default="0/1", help="every n-th case: k/n")
    args = parser.parse_args()
    k, n = map(int, args.part.split("/"))
    cases = [case for kind in args.kinds or KINDS for case in KINDS[kind]()][k::n]
    for name, build in cases:
        check(name, *build())
    print(len(cases), "programs")


if __name__ == "__main__":
    with buffers.guarded():
        assert buffers._context is not None
        buffers._context.copy().run(main)
