"""Level 0: the bits of level 3, generated in the call that first needs a kernel, and replaced by a helper's code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tenure.ops  # noqa: F401  (fills the table)
from tenure.compile import generic_kernels, refine, table
from tenure.compile.generic_calls import Generic
from tenure.compile.generic_kernels import joined
from tenure.compile.generic_library import Function, provide
from tenure.compile.linked import linked
from tenure.compile.rules import Rule
from tenure.dtypes import float32
from tenure.ir.applications import applied
from tenure.ir.aval import Aval
from tenure.ir.primitive import Primitive
from tenure.ir.program import TABLE
from tests.compile.test_generic import CLAIMS, bits, program


def at_level_0(functions: list[Function]) -> list[int]:
    """The addresses of functions generated at level 0."""
    key = " and ".join(["level 0 for tests", *[f.key for f in functions]])
    emits = [f.emit for f in functions]
    library = linked().load(lambda: f"{joined(emits)}{refine.throughs(len(emits))}", key=key, quick=True)
    LIBRARIES.append(library)
    return [refine.address_of(library, k) for k in range(len(functions))]


LIBRARIES: list[Any] = []


def cases(primitive: Primitive, dtype: Any) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """Samples, and the same numbers on vectors and rows, with NaN, infinities and zeros of both signs among them."""
    for given, params in primitive.samples(np.random.default_rng(5), dtype):
        arrays = [np.asarray(x) for x in given]
        yield arrays, params
        if not all(x.size for x in arrays) or primitive.traits.interval or primitive.traits.limit:
            continue
        if primitive.lower.alike:
            yield [mixed(np.resize(x, 75)) if x.ndim else x for x in arrays], params
        elif primitive.lower.reduces:
            for axis in (0, 1):
                for some in (np.resize(arrays[0], (300, 37)), mixed(np.resize(arrays[0], (300, 37)))):
                    yield [some], {"axes": (axis,)}


def mixed(x: Any) -> Any:
    """An array in which some floats are special."""
    if x.dtype.kind == "f":
        x.flat[::9] = np.resize(np.array([np.nan, -0.0, np.inf, 0.0, -np.inf], x.dtype), x.flat[::9].shape)
    return x


@pytest.mark.parametrize(("primitive", "dtype"), CLAIMS, ids=[f"{p.name}-{d.name}" for p, d in CLAIMS])
def test_level_0_gives_the_bits_of_level_3(primitive: Primitive, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for arrays, params in cases(primitive, dtype):
        at = program(primitive, arrays, params).instructions[0]
        rule = Rule(at.application)
        functions = list(dict.fromkeys([call.function for call in rule.calls]))
        if not rule.native or not functions:
            continue
        provide(functions)
        run = Generic(at)
        before = bits(run(*arrays, **params))
        with monkeypatch.context() as patch:
            for f, address in zip(functions, at_level_0(functions), strict=True):
                patch.setattr(f, "address", address)
            assert bits(run(*arrays, **params)) == before


PROGRAM = """
import json, os, sys, time
import numpy as np
from tenure.compile import refine
refine.PAUSE = float(sys.argv[1])
import tenure as tn
from tenure.compile.jit import engine
before = engine().counts.compiled
x = tn.tensor(np.linspace(0.5, 2.0, 300).reshape(20, 15))

def run():
    y = (x.exp() * x).sum(0)
    return (y.log() + x.max()).numpy().tobytes().hex()

found = [run()]
counts = engine().counts
first = counts.compiled - before, counts.quick
end = time.monotonic() + 60
while refine._thread is not None and float(sys.argv[1]) < 10 and time.monotonic() < end:
    time.sleep(0.02)
found.append(run())
print(json.dumps([found, first, len(refine._known), len(refine._refined), "tenure.compile.beside" in sys.modules]))
"""


def ran(folder: Path, pause: float, mode: str = "beside") -> Any:
    """What the program prints in a process of its own."""
    environment = {**os.environ, "TENURE_CACHE_DIR": str(folder), "TENURE_COMPILE": mode, "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-c", PROGRAM, str(pause)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_a_first_call_generates_no_code_of_level_3_and_a_process_that_goes_on_gets_it(tmp_path: Path) -> None:
    """A short process starts no helper; the next one compiles nothing; one that goes on is refined; then all are."""
    values, first, known, refined, helped = ran(tmp_path, 60)
    assert (first, known, refined, helped) == ([1, 1], 1, 0, False)
    results = {*values}
    for pause, wanted in ((60, [[0, 0], 1, 0, False]), (0, [[0, 0], 1, 1, True]), (60, [[0, 0], 0, 0, False])):
        values, *found = ran(tmp_path, pause)
        assert found == wanted
        results.update(values)
    assert len(results) == 1


def test_what_waits_for_compilations_has_no_code_of_level_0(tmp_path: Path) -> None:
    """Neither does it take any that another process has left."""
    values, first, *_ = ran(tmp_path, 60)
    assert first == [1, 1]
    assert ran(tmp_path, 0, "wait") == [values, [1, 0], 0, 0, False]


def test_an_elementwise_kernel_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not once more to see whether it can be written with vectors."""
    rule = Rule(applied(TABLE["add"], {}, (Aval((5, 3), float32), Aval((3,), float32))))
    written = []
    inside = generic_kernels.GenericWriter.map
    monkeypatch.setattr(generic_kernels.GenericWriter, "map", lambda self: (written.append(1), inside(self)))
    joined([call.function.emit for call in rule.calls])
    assert len(written) == 1


def test_random_numbers_of_all_shapes_share_a_kernel() -> None:
    numbers = [np.int64(5), np.int64(1)]
    made = [program(TABLE["normal"], numbers, {"shape": s, "dtype": float32}) for s in ((7,), (2, 3), (2, 1, 3, 4), ())]
    rules = [Rule(p.instructions[0].application) for p in made]
    assert len({call.function for rule in rules for call in rule.calls}) == 1


def test_rules_are_looked_for_twice_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many operations of a program repeat, and however many records on symbols do not fit."""
    asked: list[Any] = []
    inside = table.filled_record
    monkeypatch.setattr(table, "filled_record", lambda at: (asked.append(at), inside(at))[1])
    sizes = [17, 19, 23, 29, 31, 37, 41, 43]
    shapes = [(n, m) for n in sizes for m in sizes]
    pairs = [(Aval(s, float32), Aval(t, float32)) for n, m in shapes for s, t in (((n, m), (m,)), ((n, m), (n, 1)))]
    applications = [applied(TABLE["subtract"], {}, pair) for pair in pairs] * 5
    rules = table.rules_of(applications)
    assert [at.calls for at in applications] == rules
    assert 0 < len(asked) <= 2 * len(pairs)
