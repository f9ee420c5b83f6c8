"""Rules of classes: for operations that differ in extents alone, rules are made for the first few, then filled in."""

from __future__ import annotations

import gc
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.compile import rules as tables
from tenure.compile.records import Record
from tenure.compile.rules import RULES
from tenure.compile.tiers import Tiered
from tenure.ir import applications, kin, likes
from tenure.ir.extents import symbolic
from tenure.ir.program import CONSTANTS
from tenure.ir.templates import RECIPES, Filled
from tenure.nn import functional as F
from tenure.values.native.hits import CODE
from tenure.values.rules import alike, rules
from tenure.values.rules.modes import KNOWN
from tenure.values.rules.rows import COUNTS
from tenure.values.run import force

Operation = Callable[[Any, int], Any]
OPERATIONS: dict[str, list[Operation]] = {
    "elementwise": [lambda x, n: x * 2, lambda x, n: x.tanh() + x, lambda x, n: 1 - x * x],
    "quotients": [lambda x, n: x / (x * x + 2)],
    "broadcasting": [lambda x, n: x + x[0], lambda x, n: x * x[:, :1], lambda x, n: x * x.sum()],
    "reductions": [lambda x, n: x - x.mean(0), lambda x, n: x * x.sum(1, keepdim=True), lambda x, n: x + x.max()],
    "shapes": [
        lambda x, n: x.T.reshape(n, 3) * 1,
        lambda x, n: x.reshape(-1)[None].reshape(n, 3) + 0,
        lambda x, n: x.T.permute(1, 0) * 1,
    ],
    "indexing": [lambda x, n: x[n // 2] * x, lambda x, n: tn.cat([x[1:], x[:1]]), lambda x, n: x[-1] + x[n - 2]],
    "slices": [
        lambda x, n: tn.cat([x[n // 3 :], x[: n // 3]]),
        lambda x, n: x[: n // 2].sum(0) * x,
        lambda x, n: tn.cat([x[n // 2 :] * 2, x[: n // 2]]) + x[n // 4],
    ],
    "products": [lambda x, n: x @ (x.T @ x), lambda x, n: (x @ x.T) @ x * 0.1],
    "joined": [
        lambda x, n: tn.cat([x, x])[n:],
        lambda x, n: tn.stack([x, x], 1)[:, 0],
        lambda x, n: tn.cat([x, x], 1)[:, 2:5],
    ],
    "crops": [
        lambda x, n: tn.pad(x, [(-(n // 3), n // 3), (0, 0)]),
        lambda x, n: tn.pad(tn.cat([x, x]), [(-(n // 2), n // 2 - n), (0, 0)]),
    ],
    "layers": [lambda x, n: F.layer_norm(x, (3,)), lambda x, n: F.softmax(x, 0), lambda x, n: F.log_softmax(x, -1)],
}
LENGTH = 9


def value(operations: list[Operation], n: int, seed: int) -> list[bytes]:
    """The bits of a result and of its gradient: of a graph that never comes again, on a shape that never does."""
    draw = random.Random(seed)
    a = np.random.default_rng(n).uniform(-1, 1, (n, 3))
    x = tn.tensor(a, requires_grad=True)
    y = x * 1
    for _ in range(LENGTH):
        y = draw.choice(operations)(y, n)
        y = y.reshape(-1)[: n * 3].reshape(n, 3) if y.ndim == 2 else x * y
        y = y.tanh()
    y.sum().backward()
    assert x.grad is not None
    return [y.detach().numpy().tobytes(), x.grad.numpy().tobytes()]


@pytest.mark.parametrize("name", OPERATIONS)
def test_rules_made_do_not_grow_with_the_shapes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    operations = OPERATIONS[name]
    for k, n in enumerate((7, 12, 19, 31, 44, 58, 8, 13, 21, 33)):
        value(operations, n, k)
    sizes = [97 + 3 * k for k in range(8)]
    before, run = COUNTS["rules"], kin.Line.note
    seen: list[Any] = []
    monkeypatch.setattr(kin.Line, "note", lambda line, *args: (seen.append(args[0]), run(line, *args)))
    found = [value(operations, n, 100 + n) for n in sizes]
    assert COUNTS["rules"] - before <= len(sizes), "more rules than those of the gradients, which are their paths' own"
    assert len(seen) <= 2, "templates or records were made by running"
    with emptied():
        monkeypatch.setattr(kin.Line, "at", lambda *_: None)
        assert [value(operations, n, 100 + n) for n in sizes] == found
    assert seen[2:], "nothing was made anew to compare with"


@contextmanager
def emptied() -> Iterator[None]:
    """No rule, application or record is known meanwhile."""
    tables: list[dict[Any, Any]] = [applications.APPLICATIONS, applications.PLAIN, CONSTANTS, likes.KINS]
    tables += [RECIPES, RULES, *KNOWN.values(), alike.CLASSES, kin.LINES]
    held = [dict(table) for table in tables]
    for table in tables:
        table.clear()
    yield
    for table, before in zip(tables, held, strict=True):
        table.clear()
        table.update(before)


def test_a_stack_of_more_parts_makes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gradient of a stack crops each part out at a place of its own: all these crops are of a few kin."""
    x = tn.tensor(np.random.default_rng(0).uniform(-1, 1, (40, 7)), requires_grad=True)
    count, run = [0], kin.Line.note

    def step(n: int) -> int:
        before, x.grad = count[0], None
        (tn.stack([x[k] * 2 for k in range(n)]) ** 2).sum().backward()
        grad = x.grad.numpy()
        assert np.array_equal(grad, np.where(np.arange(40)[:, None] < n, 8 * x.detach().numpy(), 0))
        return count[0] - before

    monkeypatch.setattr(kin.Line, "note", lambda line, *args: (count.__setitem__(0, count[0] + 1), run(line, *args)))
    for n in range(20, 29):
        step(n)
    assert max([step(n) for n in range(29, 37)]) <= 3, "more than the stack, its derivative, and its record"


CHOICES: dict[str, Callable[[Any, list[int]], Any]] = {
    "crops": lambda x, at: tn.pad(x, [(-at[0], -at[1]), (0, 0)]),
    "pads": lambda x, at: tn.pad(x, [(at[0], at[1]), (at[2], at[3])]),
    "joins": lambda x, at: tn.cat([x[: at[0]], x[at[1] : at[1] + at[2]], x[: at[3]]]),
    "slices": lambda x, at: x[at[0] : at[0] + at[1]] * x[at[2] : at[2] + at[1]],
}


@pytest.mark.parametrize("name", CHOICES)
def test_a_line_comes_to_an_end(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each number of few varies by itself, so that some agree by accident: what is made on symbols is for all of them
    after so many examples, and does not make room for itself."""
    draw, seen, run = random.Random(3), list[Any](), kin.Line.note
    monkeypatch.setattr(kin.Line, "note", lambda line, *args: (seen.append(args[0]), run(line, *args)))

    def step() -> None:
        n, m, at = draw.randint(13, 18), draw.randint(2, 5), [draw.randint(2, 5) for _ in range(4)]
        x = tn.tensor(np.arange(float(n * m)).reshape(n, m), requires_grad=True)
        CHOICES[name](x, at).tanh().sum().backward()
        assert x.grad is not None
        x.grad.numpy()

    with emptied():
        for _ in range(60):
            step()
        seen.clear()
        for _ in range(200):
            step()
    assert len(seen) <= 4, "examples are run again and again"


def test_errors_are_those_of_the_line() -> None:
    for n in range(20, 30):
        x = tn.ones(n, 3)
        (x + x.sum(0)).sum().item()
    x, y = tn.ones(61, 3), tn.ones(62, 3)
    with pytest.raises(tn.ShapeError, match=r"\[61, 3\].*\[62, 3\]|61.*62"):
        x + y
    with pytest.raises(tn.OutOfRange):
        x[61]
    assert (x + y[:61]).sum().item() == 2 * 61 * 3
    for n in (4, 3, 2, 1, 0):
        assert (tn.ones(n, 3) * 2 + tn.ones(3)).sum().item() == 9 * n


def lines() -> list[kin.Line]:
    """All lines with something made on symbols."""
    every = [*kin.LINES.values(), *[line for one in likes.KINS.values() for line in one.lines.values()]]
    return [line for line in every if line.general]


def words(record: Any) -> list[int]:
    """The words of a record, those of addresses within it by their places."""
    return [w - record.start if 0 <= w - record.start < 8 * len(record.record) else w for w in record.record]


def refused(line: kin.Line, extents: list[int]) -> Any:
    """The words for extents, or the error of numbers beyond 64 bits."""
    try:
        return words(line.at(extents)[1])
    except OverflowError as error:
        return type(error)


def test_what_builtins_fill_in_is_what_python_does() -> None:
    for name, operations in OPERATIONS.items():
        for k, n in enumerate((7, 12, 19, 31)):
            value(operations, n, len(name) + k)
    seen = {Filled: 0, Record: 0}
    for line in lines():
        first = [*line.examples[-1][0]]
        for by, more in ((1, 0), (1, 1), (3, 5), (1 << 20, 1), (1 << 40, 0)):
            extents = [by * n + more if n > 3 else n for n in first]
            general, values = line.matched(extents)
            if isinstance(general, Record) and by > 3:
                general.matches, held = None, general.matches
                wanted, general.matches = refused(line, extents), held
                assert refused(line, extents) == wanted
            elif general is not None and general.at(values) is not None:
                found = line.at(tuple(extents))
                seen[type(general)] += general.plain is not None and general.matches is not None
                if isinstance(general, Record):
                    assert words(found[1]) == words(general.at(values)[1])
                else:
                    assert general.agrees(values, found, general.at(values)) and found.facts is general.template.facts
            elif general is None:
                assert line.at(extents) is None
    assert min(seen.values()) > 20, "most have no words"


def test_slices_and_their_gradients_need_no_python() -> None:
    with emptied():
        for k, n in enumerate((9, 12, 19, 31, 44, 58, 71)):
            value(OPERATIONS["slices"], n, k)
        made = [general for line in lines() for _, general in line.general]
        nested = [one for one in made if isinstance(one, Filled) and any(map(nests, one.template.applications))]
        assert len(nested) > 3
        assert all(one.plain is not None and one.matches is not None for one in nested)


def nests(at: applications.Application) -> bool:
    """Whether a parameter of an application is a tuple of tuples with symbols."""
    lists = [x for x in at.params.values() if type(x) is tuple]
    return any(type(part) is tuple and symbolic(part) for x in lists for part in x)


def test_shapes_do_not_fill_the_heap(monkeypatch: pytest.MonkeyPatch) -> None:
    def step(n: int) -> None:
        x = tn.tensor(np.ones(n), requires_grad=True)
        (x * 2 + x.tanh() - x).exp().sum().backward()
        assert x.grad is not None
        x.grad.numpy()

    for n in range(20, 40):
        step(n)
    gc.collect()
    before = len(gc.get_objects())
    for n in range(100, 200):
        step(n)
    gc.collect()
    walked = len(gc.get_objects()) - before
    assert walked < 100 * 60 or CODE is None, "so many objects are walked for a shape with a dozen rules"
    bounds = ((likes, "MOST"), (tables, "MOST"), (rules, "MOST_RULES"), (rules, "MOST_KINDS"), (force, "ROWS_KEPT"))
    for module, name in bounds:
        monkeypatch.setattr(module, name, 256)
    monkeypatch.setattr(force, "ROW_BUDGET", 400)
    likes.Made.left[0] = 0
    sizes = []
    for start in range(1000, 1400, 100):
        for n in range(start, start + 100):
            step(n)
        gc.collect()
        sizes.append(sys.getallocatedblocks())
    assert sizes[-1] < 1.05 * sizes[1], "memory grows with the shapes that were met"


def test_a_loop_on_extents_that_never_stay_compiles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def solve(n: int) -> None:
        a = np.linspace(0.5, 1.5, n)
        y, root = tn.ones(n), tn.tensor(a)
        for _ in range(5):
            z = (y + root / y) * 0.5
            assert ((z - y) * (z - y)).sum().item() >= 0
            y = z
        np.testing.assert_allclose(y.numpy(), np.sqrt(a), rtol=1e-5)

    for n in range(20, 30):
        solve(n)
    compiled: list[Tiered] = []
    monkeypatch.setattr(Tiered, "compile", compiled.append)
    for n in range(100, 110):
        solve(n)
    assert not compiled, "each of them is compiled at its second turn, and never comes again"


def test_a_new_shape_takes_no_python_for_an_operation() -> None:
    def calls(n: int) -> int:
        x = tn.tensor(np.linspace(0.2, 0.9, n))
        count = 0

        def note(_frame: Any, event: str, _of: Any) -> None:
            nonlocal count
            count += event == "call"

        sys.setprofile(note)
        try:
            y = x * 0.5 + x
            for _ in range(3):
                y = (y.sin() - y.mean()) * (y.exp() + y.max()) - y.sum() * -x
        finally:
            sys.setprofile(None)
        assert np.isfinite(y.sum().item())
        return count

    for n in range(20, 30):
        calls(n)
    more = [calls(n) - calls(n) for n in range(100, 110)]
    assert max(more) <= 30 or CODE is None, "a rule that differs in extents alone is made in Python"
