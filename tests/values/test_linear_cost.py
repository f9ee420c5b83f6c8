"""Reading or writing n elements one by one, and differentiating, costs O(n) instructions and bytes."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.interp import interp
from tenure.interp.interp import Executable, Interpreted
from tenure.ir.program import Program
from tenure.values.rules.rows import ROOT
from tenure.values.run import plan

SIZES = (400, 1200, 4800)
FEWER = (400, 1200)
LEAST = (700, 1400)


class Meter:
    """Counts the instructions that run, and the bytes of the results that are new buffers."""

    def __init__(self) -> None:
        self.instructions = 0
        self.bytes = 0

    def execute(self, program: Program) -> Executable:
        """The reference executor, counting."""
        return Counted(program, self)


class Counted(Interpreted):
    """A program that counts on a meter what its run does."""

    def __init__(self, program: Program, meter: Meter) -> None:
        super().__init__(program)
        self.meter = meter

    def __call__(self, arrays: list[Any], numbers: Sequence[Any] = ()) -> list[Any]:
        values = [*arrays, *[np.array(x, kind) for x, kind in zip(numbers, self.kinds, strict=True)]]
        arrays.clear()
        for at, rule, dies in zip(self.program.instructions, self.rules, self.dies, strict=True):
            addresses = {address(values[o]) for o in at.operands}
            interp._step(values, at, rule, dies)
            self.meter.instructions += 1
            self.meter.bytes += 0 if address(values[-1]) in addresses else values[-1].nbytes
            for v in dies:
                values[v] = None
        return [interp._own(values[v]) for v in self.program.outputs]


def address(array: Any) -> Any:
    """Where the buffer of an array lies."""
    while getattr(array, "base", None) is not None:
        array = array.base
    return array.__array_interface__["data"][0] if isinstance(array, np.ndarray) and array.nbytes else None


@pytest.fixture
def meter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Meter]:
    """Counts what runs during the test; nothing that was built before serves it."""
    counter = Meter()
    tn.ones(1).item()
    monkeypatch.setattr(plan, "EXECUTOR", counter.execute)
    monkeypatch.setattr(ROOT, "next", {})
    monkeypatch.setattr(ROOT, "likely", None)
    yield counter


def exponent(costs: list[int], counts: tuple[int, ...]) -> float:
    """The largest growth exponent between two sizes in turn."""
    pairs = zip(counts, counts[1:], costs, costs[1:], strict=False)
    return max(math.log(b / a) / math.log(n / m) for m, n, a, b in pairs)


def check_linear(meter: Meter, run: Callable[[int], None], counts: tuple[int, ...] = SIZES) -> None:
    """Run at every size: instructions and bytes grow at most like n to the 1.1."""
    instructions, sizes = [], []
    for n in counts:
        meter.instructions = meter.bytes = 0
        run(n)
        instructions.append(meter.instructions)
        sizes.append(meter.bytes)
    assert instructions[0] > counts[0]
    assert exponent(instructions, counts) <= 1.1, instructions
    assert exponent(sizes, counts) <= 1.1, sizes


def test_reading_one_by_one(meter: Meter) -> None:
    def run(n: int) -> None:
        x = tn.tensor(np.arange(n, dtype=np.float64), requires_grad=True)
        total: Any = 0.0
        for i in range(n):
            total = total + x[i] * x[i]
        total.backward()
        assert np.array_equal(x.grad, 2.0 * np.arange(n))

    check_linear(meter, run)


def test_reading_one_by_one_after_the_value_was_read(meter: Meter) -> None:
    def run(n: int) -> None:
        x = tn.tensor(np.arange(n, dtype=np.float64), requires_grad=True)
        total: Any = 0.0
        for i in range(n):
            total = total + x[i] * x[i]
        total.item()
        total.backward()
        assert np.array_equal(x.grad, 2.0 * np.arange(n))

    check_linear(meter, run, FEWER)


def test_iterating_a_computed_value(meter: Meter) -> None:
    def run(n: int) -> None:
        w = tn.tensor(2.0, dtype=tn.float64, requires_grad=True)
        rows = (tn.arange(float(n), dtype=tn.float64) * w).reshape(n // 10, 10)
        total: Any = 0.0
        for row in rows:
            total = total + row[3] * row[4]
        total.backward()
        tens = 10.0 * np.arange(n // 10)
        assert w.grad.item() == pytest.approx(2 * 2.0 * ((tens + 3) * (tens + 4)).sum())

    check_linear(meter, run, (8000, 32_000))


READS: dict[str, Callable[[Any, int], Any]] = {
    "of a product": lambda x, i: (x * 2.0)[i],
    "of a function of products": lambda x, i: (x * (x + 1.0)).tanh()[i],
    "of a part": lambda x, i: x[1:][i],
    "of a part of a product": lambda x, i: (x * 2.0)[1:][i],
    "of the reverse": lambda x, i: x[::-1][i],
    "flipped": lambda x, i: x.flip()[i],
    "of a row": lambda x, i: x[None][0][i],
    "in another shape": lambda x, i: (x * 3.0).reshape(-1, 10)[i // 10, i % 10],
    "in two steps": lambda x, i: x.reshape(-1, 10).T[i % 10][i // 10],
    "a slice": lambda x, i: (x * 2.0)[i : i + 2].sum(),
    "by a tensor": lambda x, i: (x * 2.0)[tn.tensor([i, 0])].sum(),
}


@pytest.mark.parametrize("name", READS)
def test_reading_intermediates_one_by_one(meter: Meter, name: str) -> None:
    read = READS[name]

    def run(n: int) -> None:
        x = tn.tensor(np.linspace(-1.0, 1.0, n), requires_grad=True)
        total: Any = 0.0
        for i in range(n - 1):
            y = read(x, i)
            total = total + y * y
        total.backward()
        found.append(np.asarray(x.grad))

    leaf, found = tn.tensor(np.linspace(-1.0, 1.0, LEAST[0]), requires_grad=True), []
    whole = tn.stack([read(leaf, i) for i in range(LEAST[0] - 1)])
    (whole * whole).sum().backward()
    wanted = np.asarray(leaf.grad)
    check_linear(meter, run, LEAST)
    assert np.allclose(found[0], wanted, 1e-12)


def test_writing_one_by_one(meter: Meter) -> None:
    def run(n: int) -> None:
        w = tn.tensor(np.full(n, 0.5), requires_grad=True)
        u = tn.zeros(n, dtype=tn.float64).mut()
        for i in range(n):
            u[i] = w[i] * i
        u.sum().backward()
        assert np.array_equal(w.grad, np.arange(n))

    check_linear(meter, run)


def test_a_recurrence_in_a_place(meter: Meter) -> None:
    def run(n: int) -> None:
        w = tn.tensor(0.75, dtype=tn.float64, requires_grad=True)
        u = tn.zeros(n, dtype=tn.float64).mut()
        u[0] = w
        for i in range(1, n):
            u[i] = (u[i - 1] * w).tanh()
        u.sum().backward()
        a, d = 0.75, 1.0
        values, slopes = [a], [d]
        for _ in range(1, n):
            t = math.tanh(a * 0.75)
            a, d = t, (1 - t * t) * (d * 0.75 + a)
            values.append(a)
            slopes.append(d)
        assert w.grad.item() == pytest.approx(sum(slopes), rel=1e-12)
        assert u.tolist() == pytest.approx(values, rel=1e-12)

    check_linear(meter, run, FEWER)


def test_slices_that_overlap(meter: Meter) -> None:
    def run(n: int) -> None:
        x = tn.tensor(np.arange(n, dtype=np.float64), requires_grad=True)
        total: Any = 0.0
        for i in range(n - 1):
            total = total + (x[i : i + 2] * x[i : i + 2]).sum()
        total.backward()
        want = 4.0 * np.arange(n)
        want[0], want[-1] = 0.0, 2.0 * (n - 1)
        assert np.array_equal(x.grad, want)

    check_linear(meter, run, FEWER)


def calls(run: Callable[[], None]) -> int:
    """How many functions are called, in Python and builtin."""
    count = 0

    def note(frame: Any, event: str, arg: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    old = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(old)
    return count


def test_a_backward_through_many_reads_takes_python_linear_time() -> None:
    """A loss from n values that have been read one by one: n parts of the graph, all reached at once."""
    w = tn.ones(4, requires_grad=True)

    def backward(n: int) -> int:
        losses = []
        for k in range(n):
            losses.append((w * (0.001 * k)).sum())
            losses[-1].item()
        return calls(tn.stack(losses).sum().backward)

    counts = (40, 240)
    costs = [[backward(n) for n in counts] for _ in range(3)]  # the last time all is known
    assert exponent(costs[-1], counts) < 1.1


def test_a_backward_through_many_hooks_takes_python_linear_time() -> None:
    w = tn.ones(3, requires_grad=True)

    def backward(n: int) -> int:
        h = w
        for _ in range(n):
            h = h * 0.5
            h.register_hook(lambda g: g + g)
        w.grad = None
        found = calls(h.sum().backward)
        assert w.grad.tolist() == [1.0, 1.0, 1.0]
        return found

    counts = (20, 100)
    costs = [[backward(n) for n in counts] for _ in range(3)]
    assert exponent(costs[-1], counts) < 1.1
