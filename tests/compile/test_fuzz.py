"""Random programs, compiled: the bits of running them op by op, whose steps are the reference interpreter's."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tenure.compile.executable import compiled
from tenure.compile.stepwise import native, stepwise
from tenure.interp.interp import Poison
from tenure.ir.program import Program, Value
from tenure.ir.show import show
from tests import printed
from tests.compile.random_ir import NAMES, Random, cases, outputs_of

BATCH = 10
BATCHES = 1000 if os.environ.get("TENURE_FUZZ") else 8
FOUND = re.findall(
    r"^(program\(.*?^\})\nnumbers \[(.*?)\]$",
    Path(__file__).with_name("found_programs.txt").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)
"""The programs that have found something, and their numbers."""
Arrays = list[np.ndarray[Any, Any]]


def bits(x: Any) -> bytes:
    """The bits of an array; one NaN is as good as another."""
    return np.where(np.isnan(x), np.nan, x).astype(x.dtype).tobytes() if x.dtype.kind == "f" else bytes(x.tobytes())


def same(xs: Sequence[Any], ys: Sequence[Any]) -> bool:
    """Equal shapes, dtypes and bits, or both failed."""
    for x, y in zip(xs, ys, strict=True):
        if (type(x) is Poison) != (type(y) is Poison):
            return False
        if type(x) is not Poison and (x.shape, x.dtype, bits(x)) != (y.shape, y.dtype, bits(y)):
            return False
    return True


def copies(arrays: Arrays) -> Arrays:
    """Arrays of their own; one that was given twice is again."""
    own = {id(x): np.array(x) for x in arrays}
    return [own[id(x)] for x in arrays]


def differs(program: Program, arrays: Arrays, numbers: list[float]) -> str | None:
    """What is wrong with the compiled program, if anything is."""
    want = stepwise(program)(copies(arrays), numbers)
    try:
        native = compiled(program)
    except Exception as error:
        return f"it does not compile: {error!r}"
    held = copies(arrays)
    first = native(list(held), numbers)
    if not same(held, arrays):
        return "an input that the caller holds was written"
    if not same(first, want):
        return "the results differ"
    kept = [bytes(x.tobytes()) for x in first if type(x) is not Poison]
    if not same(native(copies(arrays), numbers), want):
        return "the results differ where the inputs' buffers are handed over"
    if kept != [x.tobytes() for x in first if type(x) is not Poison]:
        return "results of the first run were written by the second"
    return None


def minimal(r: Random, outputs: list[Value]) -> str:
    """The smallest program that shows the difference: one value if it can, else as few outputs as it takes."""
    for v in sorted(r.values):
        if r.b.made(v) is not None:
            found = r.finish([Value(r.b, v)])
            wrong = differs(*found)
            if wrong:
                return report(wrong, *found)
    for v in list(outputs):
        fewer = [o for o in outputs if o.id != v.id]
        if fewer and differs(*r.finish(fewer)):
            outputs = fewer
    found = r.finish(outputs)
    return report(differs(*found) or "the difference comes and goes", *found)


def report(wrong: str, program: Program, arrays: Arrays, numbers: list[float]) -> str:
    """A failure as ``found_programs.txt`` keeps it, and its arrays."""
    small = [x.tolist() if 0 < x.size <= 40 else f"{x.size} numbers" for x in arrays]
    return f"{wrong}\n{show(program)}\nnumbers {numbers}\narrays {small}"


@pytest.mark.parametrize(("text", "given"), FOUND)
def test_what_was_found_stays_mended(text: str, given: str) -> None:
    numbers = [float(n) if "." in n else int(n) for n in given.split(", ") if n]
    program, rng = printed.read(text, weak=len(numbers)), np.random.default_rng(0)
    arrays = [
        (rng.standard_normal(x.shape) if x.dtype.kind == "f" else rng.integers(0, 4, x.shape)).astype(x.dtype.numpy)
        for x in program.inputs[: len(program.inputs) - len(numbers)]
    ]
    assert differs(program, arrays, numbers) is None


@pytest.mark.parametrize("seed", range(BATCHES))
def test_compiled_is_op_by_op(seed: int) -> None:
    r = cases(seed, BATCH)
    outputs = outputs_of(r)
    if differs(*r.finish(outputs)):
        pytest.fail(minimal(r, outputs), pytrace=False)


def test_every_primitive_is_drawn() -> None:
    missing, seed = set(NAMES), 0
    while missing and seed < 60:
        missing -= {at.primitive.name for at in cases(seed, BATCH).b.applications if at is not None}
        seed += 1
    assert missing == set()


@pytest.mark.parametrize("seed", range(3))
def test_what_is_printed_is_read(seed: int) -> None:
    r = cases(seed, BATCH)
    program, _, numbers = r.finish(outputs_of(r))
    assert printed.read(show(program), weak=len(numbers)).shared() is program.shared()


@pytest.mark.parametrize("seed", range(BATCHES))
def test_each_step_is_the_interpreters(seed: int) -> None:
    """On the same operands: errors of earlier steps do not grow through later ones."""
    r = cases(seed, BATCH)
    for v in range(len(r.b.avals)):
        at = r.b.instruction(v)
        if at is None:
            continue
        xs = [r.values[o] for o in at.operands]
        with np.errstate(all="ignore"):
            got = np.asarray(native(at)(*xs, **at.params))
        want = r.values[v]
        assert got.dtype == at.aval.dtype.numpy and got.shape == want.shape == at.aval.shape
        if at.aval.dtype.kind not in "fc":
            assert got.tobytes() == want.tobytes(), at
            continue
        close = 4e-6 if got.dtype in (np.float32, np.complex64) else 1e-12
        size = float(np.abs(want[np.isfinite(want)]).max(initial=1.0))
        np.testing.assert_allclose(got, want, rtol=close, atol=close * size, err_msg=str(at))
