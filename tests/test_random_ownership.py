"""Random interleavings of reads, views, writes, borrows, loans, moves, exports, calls and backward, against a model.

The model copies everything: a place is an array, a value a copy of what was read. It says of each action which law
it breaks, or what it changes. Tenure must refuse exactly the same, and show the same numbers in the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import tenure as tn
from tests.random_programs import Array

N = 5
PARTS = [slice(None), slice(0, 2), slice(2, None), slice(None, None, 2), slice(1, None, 2), slice(3, 4), slice(1, 4)]


@dataclass(eq=False)
class Loan:
    """A part of a place that is lent, by a borrow or for a call."""

    exclusive: bool
    part: frozenset[int]
    by: Any
    ends: Callable[[], Any]


@dataclass(eq=False)
class Place:
    """A place: its numbers, and who has borrowed what."""

    real: Any
    array: Array
    leaf: bool
    grad: Array | None = None
    moved: bool = False
    loans: list[Loan] = field(default_factory=list)
    borrows: list[Window] = field(default_factory=list)

    def use(self) -> str | None:
        """The law that using it by name breaks."""
        return "TN382" if self.moved else "TN503" if any(x.exclusive for x in self.loans) else None

    def write(self, part: frozenset[int], through: list[Any]) -> str | None:
        """The law that writing a part breaks, by name or through a borrow and those it was taken from."""
        if not through and self.use():
            return self.use()
        if any(x.exclusive and x.part & part and x.by not in through for x in self.loans):
            return "TN503"
        return "TN506" if any(not x.exclusive and x.part & part for x in self.loans) else None

    def lend(self, part: frozenset[int], through: list[Any], exclusive: bool) -> str | None:
        """The law that a loan taken from borrows breaks."""
        if any(x.exclusive and x.part & part and x.by not in through for x in self.loans):
            return "TN499" if exclusive else "TN503"
        return "TN502" if exclusive and any(not x.exclusive and x.part & part for x in self.loans) else None

    def written(self, index: Array, numbers: Any, through: list[Any]) -> None:
        """Change it: who shows what was written goes stale, or shows the new numbers."""
        self.array[index] = numbers
        for b in self.borrows:
            if b in through:
                b.seen = self.array[b.index].copy()
            elif frozenset(index.tolist()) & b.part:
                b.stale = True


@dataclass(eq=False)
class Window:
    """A borrow: where it is, and what it shows."""

    real: Any
    place: Place
    index: Array
    seen: Array
    parent: Window | None = None
    stale: bool = False
    moved: bool = False

    @property
    def part(self) -> frozenset[int]:
        """The elements of the place."""
        return frozenset(self.index.tolist())

    def chain(self) -> list[Any]:
        """Itself and those it was taken from."""
        return [self, *(self.parent.chain() if self.parent else [])]

    def dead(self) -> str | None:
        """The law that writing through it breaks, whatever is lent."""
        return "TN382" if self.moved else "TN597" if self.stale else None


@tn.checked
def lent_to(x: tn.Ref[Any], act: Any) -> Any:
    """Read an argument."""
    return act(x)


@tn.checked
def lent_exclusively_to(x: tn.Mut[Any], act: Any) -> Any:
    """Write an argument."""
    return act(x)


class World:
    """What there is, in the model and in Tenure."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.windows: list[Window] = []
        self.values: list[list[Any]] = []  # [tensor, copy, whether it was moved]
        self.exported: list[tuple[Any, Array]] = []
        self.losses: list[list[Any]] = []  # [tensor, place, gradient, whether it was consumed]
        for leaf in (False, True):
            numbers = np.arange(1.0, N + 1)
            self.places.append(Place(tn.Var(tn.tensor(numbers), requires_grad=leaf), numbers, leaf))
        self.keep(tn.tensor(np.arange(N) * 0.5), np.arange(N) * 0.5)

    def keep(self, real: Any, copy: Array) -> None:
        """Another value."""
        self.values.append([real, copy.copy(), False])

    def attempt(self, law: str | None, act: Callable[[], Any]) -> Any:
        """Do something that breaks a law, or none."""
        try:
            out = act()
        except tn.TenureError as error:
            assert error.code == law, f"{error}\nwanted {law}"
            return None
        assert law is None, f"{law} was not raised"
        return out

    def read(self, a: int, b: int, c: int) -> None:
        """Read a place, or a part of it."""
        p, part = self.places[a % len(self.places)], PARTS[b % len(PARTS)]
        real = self.attempt(p.use(), lambda: p.real[part] if c % 2 else p.real.value if not p.leaf else p.real * 1.0)
        if real is not None:
            self.keep(real, p.array[part] if c % 2 else p.array)

    def compute(self, a: int, b: int, c: int) -> None:
        """Compute with a value, or look at its numbers."""
        x = self.values[a % len(self.values)]
        if b % 2:
            real = self.attempt("TN382" if x[2] else None, lambda: x[0] * 2.0 + c)
            if real is not None:
                self.keep(real, x[1] * 2.0 + c)
        else:
            seen = self.attempt("TN382" if x[2] else None, lambda: x[0].detach().numpy())
            assert seen is None or seen.tolist() == x[1].tolist()

    def write(self, a: int, b: int, c: int) -> None:
        """Write a part of a place by its name."""
        p, part = self.places[a % len(self.places)], PARTS[b % len(PARTS)]
        index = np.arange(N)[part]
        with tn.no_grad():
            self.attempt(law := p.write(frozenset(index.tolist()), []), lambda: p.real.__setitem__(part, float(c)))
        if law is None:
            p.written(index, float(c), [])

    def scale(self, a: int, b: int, c: int) -> None:
        """Write all of a place, by what it holds."""
        p = self.places[a % len(self.places)]
        with tn.no_grad():
            self.attempt(law := p.write(frozenset(range(N)), []), lambda: p.real.mul_(0.5).add_(float(c)))
        if law is None:
            p.written(np.arange(N), p.array * 0.5 + c, [])

    def borrow(self, a: int, b: int, c: int) -> None:
        """Borrow a place or, of a borrow, a part."""
        part = PARTS[b % len(PARTS)]
        if c % 3 and self.windows:
            w = self.windows[a % len(self.windows)]
            real = self.attempt("TN382" if w.moved else None, lambda: w.real[:] if len(w.seen) < N else w.real[part])
            if real is not None:
                inner = np.arange(len(w.seen)) if len(w.seen) < N else np.arange(N)[part]
                self.take(Window(real, w.place, w.index[inner], w.seen[inner].copy(), w, w.stale))
            return
        p = self.places[a % len(self.places)]
        law = p.use()
        if c % 2 and law != "TN382":
            law = p.lend(frozenset(range(N)), [], True)
        real = self.attempt(law, p.real.borrow_mut if c % 2 else lambda: p.real.data)
        if real is not None:
            self.take(Window(real, p, np.arange(N), p.array.copy()))

    def take(self, w: Window) -> None:
        """Another borrow."""
        self.windows.append(w)
        w.place.borrows.append(w)

    def write_through(self, a: int, b: int, c: int) -> None:
        """Write through a borrow."""
        if not self.windows:
            return
        w = self.windows[a % len(self.windows)]
        law = w.dead() or w.place.write(w.part, w.chain())
        self.attempt(law, lambda: w.real.add_(float(c)) if b % 2 else w.real.fill_(float(c)))
        if law is None:
            w.place.written(w.index, (w.seen if b % 2 else 0.0) + c, w.chain())

    def enter(self, a: int, b: int, c: int) -> None:
        """Lend by a borrow: exclusively, or as shared."""
        if not self.windows:
            return
        w = self.windows[a % len(self.windows)]
        exclusive = bool(b % 2)
        through = w.chain()[1:] if exclusive else w.chain()
        law = w.dead() or w.place.lend(w.part, through, exclusive)
        real = self.attempt(law, lambda: w.real.__enter__() if exclusive else w.real.borrow().__enter__())
        if real is not None:
            assert real.tolist() == w.place.array[w.index].tolist()
            w.place.loans.append(Loan(exclusive, w.part, w, lambda: real.__exit__(None, None, None)))

    def lend(self, a: int, b: int, c: int) -> None:
        """Lend a place as shared."""
        p = self.places[a % len(self.places)]
        real = self.attempt(p.use(), lambda: p.real.borrow().__enter__())
        if real is not None:
            p.loans.append(Loan(False, frozenset(range(N)), None, lambda: real.__exit__(None, None, None)))
            self.attempt("TN594", lambda: real.zero_())
            self.keep(real * 1.0, p.array)

    def end(self, a: int, b: int, c: int) -> None:
        """End a loan."""
        p = self.places[a % len(self.places)]
        if p.loans:
            p.loans.pop(b % len(p.loans)).ends()

    def move(self, a: int, b: int, c: int) -> None:
        """Move a value, a place or a borrow."""
        if b % 3 == 0:
            x = self.values[a % len(self.values)]
            real = self.attempt("TN382" if x[2] else None, lambda: tn.move(x[0]))
            if real is not None:
                for other in self.values:
                    other[2] = other[2] or other[0] is x[0]  # a place that is read twice gives one value twice
                self.keep(real, x[1])
        elif b % 3 == 1:
            p = self.places[a % len(self.places)]
            law = p.use() or ("TN506" if p.loans else None)
            real = self.attempt(law, lambda: tn.move(p.real))
            if real is not None:
                p.moved = True
                for w in p.borrows:
                    w.stale = True
                self.places.append(Place(real, p.array.copy(), p.leaf, p.grad))
                for loss in self.losses:
                    loss[1] = self.places[-1] if loss[1] is p else loss[1]
        elif self.windows:
            w = self.windows[a % len(self.windows)]
            real = self.attempt("TN382" if w.moved else None, lambda: tn.move(w.real))
            if real is not None:
                self.move_window(w, real)

    def move_window(self, w: Window, real: Any) -> None:
        """A borrow that takes the place of another."""
        new = Window(real, w.place, w.index, w.seen, w.parent, w.stale)
        self.take(new)
        w.moved, w.stale = True, True
        w.place.borrows.remove(w)
        for b in w.place.borrows:
            b.parent = new if b.parent is w else b.parent
        for loan in w.place.loans:
            loan.by = new if loan.by is w else loan.by

    def export(self, a: int, b: int, c: int) -> None:
        """Lend an array to NumPy."""
        p = self.places[a % len(self.places)]
        real = self.attempt(p.use(), lambda: p.real.detach().numpy())
        if real is not None:
            self.exported.append((real, p.array.copy()))

    def call(self, a: int, b: int, c: int) -> None:
        """Lend a place for a call, which does something with it, and with the place by its name."""
        p = self.places[a % len(self.places)]
        index = np.arange(N)[PARTS[b % len(PARTS)]]
        if c % 2:

            def wrong(x: Any) -> None:
                self.attempt("TN594", lambda: x.data.zero_())
                self.attempt("TN506", lambda: p.real.data.zero_())

            self.attempt(p.use(), lambda: lent_to(p.real, wrong))
            return
        law = "TN382" if p.moved else p.lend(frozenset(range(N)), [], True)

        def right(x: Any) -> None:
            self.attempt("TN503", lambda: p.real + 1)
            x.data[PARTS[b % len(PARTS)]] = float(c)
            assert x.tolist() == p.array.tolist() or law is None

        self.attempt(law, lambda: lent_exclusively_to(p.real, right))
        if law is None:
            p.written(index, float(c), [])
            for w in p.borrows:
                w.stale = True

    def lose(self, a: int, b: int, c: int) -> None:
        """Record a loss of a leaf and a value."""
        p, x = self.places[a % len(self.places)], self.values[b % len(self.values)]
        if p.leaf and len(x[1]) == N:
            law = "TN382" if x[2] else p.use()
            real = self.attempt(law, lambda: (p.real * x[0].detach()).sum())
            if real is not None:
                self.losses.append([real, p, x[1], False])

    def backward(self, a: int, b: int, c: int) -> None:
        """Differentiate a loss that was recorded at some time."""
        if not self.losses:
            return
        loss = self.losses[a % len(self.losses)]
        self.attempt("TN382" if loss[3] else None, loss[0].backward)
        if not loss[3]:
            loss[3] = True
            p = loss[1]
            p.grad = loss[2] if p.grad is None else p.grad + loss[2]

    def finish(self) -> None:
        """All that can be seen is what the model says."""
        for p in self.places:
            while p.loans:
                p.loans.pop().ends()
            if not p.moved:
                assert_array_equal(p.real.detach().numpy(), p.array, strict=True)
                if p.leaf and p.grad is not None:
                    assert_array_equal(p.real.grad.numpy(), p.grad, strict=True)
        for w in self.windows:
            if not w.moved:
                assert_array_equal(w.real.numpy(), w.seen, strict=True)
        for real, copy, moved in self.values:
            if not moved:
                assert_array_equal(real.detach().numpy(), copy, strict=True)
        for array, copy in self.exported:
            assert_array_equal(array, copy, strict=True)


WEIGHTS = {
    "read": 2, "compute": 2, "write": 2, "scale": 1, "borrow": 3, "write_through": 3, "enter": 2, "lend": 1, "end": 3,
    "move": 1, "export": 1, "call": 1, "lose": 1, "backward": 2,
}  # fmt: skip
ACTIONS = [name for name, weight in WEIGHTS.items() for _ in range(weight)]
STEP = st.tuples(st.sampled_from(ACTIONS), st.integers(0, 30), st.integers(0, 30), st.integers(0, 7))


@settings(max_examples=max(150, settings.default.max_examples))  # type: ignore[union-attr]
@given(st.lists(STEP, min_size=15, max_size=60))
def test_tenure_refuses_and_computes_what_the_model_says(steps: list[tuple[str, int, int, int]]) -> None:
    world = World()
    for action, a, b, c in steps:
        getattr(world, action)(a, b, c)
    world.finish()


@settings(max_examples=max(50, settings.default.max_examples // 4))  # type: ignore[union-attr]
@given(st.lists(STEP, min_size=15, max_size=60))
def test_so_it_does_op_by_op(steps: list[tuple[str, int, int, int]]) -> None:
    with tn.eager():
        world = World()
        for action, a, b, c in steps:
            getattr(world, action)(a, b, c)
        world.finish()
