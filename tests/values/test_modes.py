"""no_grad and enable_grad: as contexts and decorators, nested, in generators, in threads."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import tenure as tn

W = tn.tensor([2.0], requires_grad=True)


def tracks() -> bool:
    """Whether an operation is tracked now: what the library says agrees with what it does."""
    tracked: bool = (W * 2).requires_grad
    assert tracked == tn.is_grad_enabled()
    return tracked


def test_nested_contexts() -> None:
    assert tracks()
    with tn.no_grad():
        assert not tracks()
        with tn.enable_grad():
            assert tracks()
            with tn.no_grad():
                assert not tracks()
            assert tracks()
        assert not tracks()
        with tn.set_grad_enabled(True):
            assert tracks()
        with tn.set_grad_enabled(False):
            assert not tracks()
    assert tracks()


def test_an_exception_restores_the_mode() -> None:
    with pytest.raises(tn.ShapeError), tn.no_grad():
        tn.ones(2) + tn.ones(3)
    assert tracks()


def test_decorators() -> None:
    @tn.no_grad()
    def off() -> bool:
        return tracks()

    @tn.enable_grad()
    def on() -> bool:
        return tracks()

    @tn.no_grad()
    def recurse(depth: int) -> list[bool]:
        return [tracks(), *(recurse(depth - 1) if depth else []), tracks()]

    assert (off(), on(), recurse(3)) == (False, True, [False] * 8)
    with tn.no_grad():
        assert (off(), on()) == (False, True)
    assert (off.__name__, tracks()) == ("off", True)


def test_one_context_entered_again() -> None:
    context = tn.no_grad()
    for _ in range(2):
        with context:
            with context:
                assert not tracks()
            assert not tracks()
        assert tracks()


def test_a_generator_with_no_grad_inside() -> None:
    def values() -> Iterator[bool]:
        yield tracks()
        with tn.no_grad():
            yield tracks()
            yield tracks()
        yield tracks()

    inside, outside = [], []
    for tracked in values():
        inside.append(tracked)
        outside.append(tracks())
    assert (inside, outside) == ([True, False, False, True], [True] * 4)
    assert tracks()


def test_a_generator_left_in_the_middle() -> None:
    def values() -> Iterator[bool]:
        with tn.no_grad():
            while True:
                yield tracks()

    source = values()
    assert not next(source)
    assert tracks()
    assert not next(source)
    source.close()
    assert tracks()
    abandoned = values()
    next(abandoned)
    del abandoned
    assert tracks()


def test_two_generators_in_turn() -> None:
    def values(on: bool) -> Iterator[bool]:
        with tn.set_grad_enabled(on):
            for _ in range(3):
                yield tracks()

    seen = list(zip(values(False), values(True), values(False), strict=True))
    assert seen == [(False, True, False)] * 3
    assert tracks()


def test_a_decorated_generator() -> None:
    @tn.no_grad()
    def values() -> Any:
        received = yield tracks()
        while received is not None:
            try:
                received = yield (received, tracks())
            except ValueError:
                received = yield ("caught", tracks())
        return "end", tracks()

    source = values()
    assert (next(source), tracks()) == (False, True)
    assert (source.send(1), tracks()) == ((1, False), True)
    assert (source.throw(ValueError()), tracks()) == (("caught", False), True)
    with pytest.raises(StopIteration) as end:
        source.send(None)
    assert end.value.value == ("end", False)
    assert tracks()


def test_a_generator_consumed_under_another_mode() -> None:
    def values() -> Iterator[bool]:
        with tn.enable_grad():
            yield tracks()
        yield tracks()

    with tn.no_grad():
        assert list(values()) == [True, False]
        assert not tracks()
    source = values()
    with tn.no_grad():
        assert next(source)
    assert next(source)
    assert tracks()


def test_the_mode_of_a_thread_is_its_own() -> None:
    seen = []
    with tn.no_grad():
        thread = threading.Thread(target=lambda: seen.append(tracks()))
        thread.start()
        thread.join()
        assert not tracks()
        contextvars.copy_context().run(lambda: seen.append(tracks()))
    assert seen == [True, False]


def test_the_mode_is_that_of_recording() -> None:
    with tn.no_grad():
        constant = W * 3
    y = constant * W
    with tn.no_grad():
        W.grad = None
        y.backward()
    assert W.grad.tolist() == [6.0]
    W.grad = None


def test_eager_gives_the_same_numbers() -> None:
    def step() -> tuple[Any, Any]:
        w = tn.tensor([0.5, 2.0], requires_grad=True)
        u = tn.zeros(3).mut()
        u[1:] = (w * w).tanh()
        loss = (u * 3).sum()
        loss.backward()
        w.data -= 0.1 * w.grad
        return loss.item(), w.tolist()

    plain = step()
    with tn.eager():
        assert step() == plain
    assert step() == plain
