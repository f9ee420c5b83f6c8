"""Each pass by a snapshot of a small program before and after it; each form by what its verifier refuses.

`TENURE_SNAPSHOTS=write pytest tests/compile/test_passes.py` writes the snapshots anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tenure import dtypes
from tenure.compile import rematerialize as rematerialization
from tenure.compile.fuse import fuse
from tenure.compile.loops import Loops, loops
from tenure.compile.memory import Layout, plan_memory
from tenure.compile.pipeline import PASSES, compile_module, run_passes
from tenure.compile.plan import Plan
from tenure.compile.verify import verify_form
from tenure.errors import InternalError
from tenure.ir.aval import Aval
from tenure.ir.program import Builder, Program, Value
from tenure.ir.show import show
from tenure.ir.traits import Traits, Within
from tenure.ops.contract import matmul
from tenure.ops.index import getitem, take_along
from tenure.ops.lowering import Element
from tenure.ops.move import broadcast_to, concat, pad, permute, reshape
from tenure.ops.pointwise import exp, sin
from tenure.ops.reduce import reduce_sum
from tests.ops.declared import like, only_here

SNAPSHOTS = Path(__file__).parent / "passes"
F32, I64 = dtypes.float32, dtypes.int64


def program(build: Callable[..., Any], *shapes: tuple[int, ...]) -> Program:
    """The program of a function of float32 values."""
    b = Builder()
    xs = [b.input(Aval(shape, F32)) for shape in shapes]
    ys = build(*xs)
    return b.extract([x.id for x in xs], [y.id for y in (ys if isinstance(ys, tuple) else (ys,))])


def one_element(x: Value) -> Value:
    """Of a product only one element is read."""
    return getitem(sin(x) * x, x.builder.constant(3, I64), spec=("i",))


def twice(x: Value) -> Value:
    """Equal instructions, and a reduction over axes apart."""
    return reduce_sum(sin(x) + sin(x), axes=(0, 2))


def joined(x: Value, y: Value) -> Value:
    """A join of joins, and a crop of a crop."""
    z = concat(concat(x, y, axis=0), y, axis=0)
    return pad(pad(z, widths=((-1, 0),)), widths=((-1, -2),))


def turned(x: Value, w: Value) -> Value:
    """A transpose of a transpose."""
    return matmul(x, permute(permute(w, order=(1, 0)), order=(1, 0)))


def shares(x: Value) -> Value:
    """Each element by the sum of its row, which goes over the row twice."""
    e = exp(x)
    return e / broadcast_to(reshape(reduce_sum(e, axes=(1,)), shape=(x.shape[0], 1)), shape=x.shape)


def kept(x: Value, w: Value) -> Value:
    """A cheap value is read again at the end, behind two products."""
    y = x * 2.0
    return matmul(matmul(matmul(matmul(y, w), w), w) * y, w)


def turns(x: Value, w: Value) -> Value:
    """Four equal steps."""
    for _ in range(4):
        x = exp(matmul(x, w))
    return x


SAMPLES: dict[str, Program] = {
    "flattened": program(joined, (4,), (3,)),
    "narrow": program(one_element, (80,)),
    "simplify": program(twice, (2, 3, 4)),
    "orient": program(turned, (2, 3), (3, 4)),
    "fuse": program(shares, (16, 32)),
    "rematerialize": program(kept, (8, 8), (8, 8)),
    "plan_memory": program(kept, (8, 8), (8, 8)),
    "loops": program(turns, (8, 8), (8, 8)),
    "emit": program(lambda x: x + 1.0, ()),
}
PASS = {p.__name__: p for p in PASSES}


def text(form: Any) -> str:
    """A form as text."""
    return show(form) if isinstance(form, Program) else str(form)


def forms(name: str) -> tuple[Any, Any]:
    """What a pass gets of its sample, and what it gives."""
    passes = [partial(p, bits=256) if p is loops else p for p in PASSES]
    k = list(PASS).index(name)
    before = run_passes(SAMPLES[name], passes[:k])
    return before, run_passes(before, passes[k : k + 1])


@pytest.mark.parametrize("name", PASS)
def test_a_pass_makes_of_a_small_program(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rematerialization, "LARGE", 0)
    before, after = forms(name)
    found = f"{text(before)}\n\n    becomes\n\n{text(after)}\n"
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("TENURE_SNAPSHOTS") == "write":
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


def test_every_pass_has_a_snapshot() -> None:
    assert list(PASS) == list(SAMPLES) and {p.stem for p in SNAPSHOTS.iterdir()} == set(PASS)


def test_passes_keep_the_forms_that_the_verifiers_check() -> None:
    compile_module(SAMPLES["loops"], 256)


# -- what the verifiers refuse


def plan() -> Plan:
    return fuse(SAMPLES["rematerialize"])


def without_a_read() -> Plan:
    found = plan()
    found.kernels[-1].reads.pop()
    return found


def out_of_order() -> Plan:
    found = plan()
    return replace(found, kernels=found.kernels[::-1])


def computed_twice() -> Plan:
    found = plan()
    return replace(found, kernels=[*found.kernels, found.kernels[-1]])


def not_computed() -> Plan:
    found = plan()
    return replace(found, kernels=found.kernels[:-1])


def layout() -> Layout:
    return plan_memory(plan())


def in_one_place() -> Layout:
    """All values of the arena at its beginning."""
    found = layout()
    return replace(found, offsets=tuple([(slot, 0) for slot, _ in found.offsets]))


def without_a_place() -> Layout:
    found = layout()
    slots = dict(found.slots)
    slots.pop(max(slots))
    return replace(found, slots=slots)


def given_away_too_early() -> Layout:
    """The input that every product reads, as the buffer of the first one's result."""
    found = layout()
    first = found.slots[found.plan.kernels[0].values[0]]
    return replace(found, donors=((first, 1),))


def outside_of_the_arena() -> Layout:
    found = layout()
    return replace(found, arena=64)


def swapped() -> Loops:
    """The calls of the first two kernels, which are of different functions, exchanged."""
    found = loops(layout(), 256)
    return replace(found, calls=[found.calls[1], found.calls[0], *found.calls[2:]])


def shared_otherwise() -> Loops:
    found = loops(layout(), 256)
    first = replace(found.calls[0], shared=not found.calls[0].shared)
    return replace(found, calls=[first, *found.calls[1:]])


def with_other_buffers() -> Loops:
    found = loops(layout(), 256)
    last = replace(found.calls[-1], entries=[0] * len(found.calls[-1].entries))
    return replace(found, calls=[*found.calls[:-1], last])


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (without_a_read, "and does not say so"),
    (out_of_order, "which is not stored before it"),
    (computed_twice, "is computed by kernels"),
    (not_computed, "and no kernel does"),
    (in_one_place, "lies, which kernel"),
    (without_a_place, "has no place"),
    (given_away_too_early, "which was given away"),
    (outside_of_the_arena, "of an arena of 64"),
    (swapped, "is called|no equal calls"),
    (shared_otherwise, "otherwise than was decided"),
    (with_other_buffers, "is called with the buffers"),
    (lambda: "a text", "has no form str"),
]


@pytest.mark.parametrize(("form", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_a_verifier_refuses(form: Callable[[], Any], message: str) -> None:
    with pytest.raises(InternalError, match=message):
        verify_form(form())


def verify_read(read: Callable[..., Any], declared: Within) -> None:
    """The verifier's word on a read along the last axis, and on what it declares."""
    with only_here():
        traits = Traits(indices=lambda x, index: [declared])
        taken = like(take_along, "taken", lower=Element(read), traits=traits)
        b = Builder()
        x, i = b.input(Aval((3, 3), F32)), b.input(Aval((3, 2), I64))
        verify_form(fuse(b.extract([x.id, i.id], [taken(x, i).id])))


def wrapped(e: Any, index: Any, x: int, i: int) -> Any:
    return e.at(x, (index[0], e.read(i, index, 3)))


READS: dict[str, Callable[..., Any]] = {
    "not from the end": lambda e, index, x, i: e.at(x, (index[0], e.read(i, index))),
    "from another end": lambda e, index, x, i: e.at(x, (index[0], e.read(i, index, 4))),
    "one further": lambda e, index, x, i: e.at(x, (index[0], e.read(i, index, 3) + 1)),
    "twice": lambda e, index, x, i: e.at(x, (index[0], e.read(i, index, 3) * 2)),
    "along the other axis": lambda e, index, x, i: e.at(x, (e.read(i, index, 3), index[0])),
    "of another size": lambda e, index, x, i: e.coincide(index[0], e.read(i, index, 3), 4, 4),
}


def test_an_index_is_read_as_it_is_declared() -> None:
    verify_read(wrapped, Within(1, 1, 3))


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_an_index_that_is_read_otherwise_than_declared_is_refused(read: Callable[..., Any]) -> None:
    with pytest.raises(InternalError, match="taken takes %1"):
        verify_read(read, Within(1, 1, 3))


@pytest.mark.parametrize("declared", [Within(1, 0, 3), Within(1, 1, 4), Within(1, 1, 2)], ids=str)
def test_an_index_that_is_declared_otherwise_than_read_is_refused(declared: Within) -> None:
    with pytest.raises(InternalError, match="taken takes %1"):
        verify_read(wrapped, declared)


def test_an_operand_that_is_an_index_is_declared_as_one() -> None:
    with only_here():
        picked = like(take_along, "picked")
        b = Builder()
        x, i = b.input(Aval((4,), F32)), b.input(Aval((2,), I64))
        with pytest.raises(InternalError, match="picked reads by %1, which it does not declare"):
            verify_form(fuse(b.extract([x.id, i.id], [picked(x, i).id])))
