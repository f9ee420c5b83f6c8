"""Streams of random numbers: generators, and the default one of each thread.

A generator hands out operation numbers when an operation is recorded, so the numbers drawn do not depend on
the time, the thread or the order in which the recorded programs run.
"""

from __future__ import annotations

import itertools
import os
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from tenure import dtypes
from tenure.errors import DTypeError, shown
from tenure.values.operations.creation import check_device, wrap
from tenure.values.trace.given import int_of

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor


class Generator:
    """A stream of random numbers: a seed, and the number of the next operation that draws.

    ``Generator()`` takes its seed from the operating system, ``Generator(seed)`` and ``manual_seed(seed)``
    reproduce a stream. Seeds lie in [-2**63, 2**64), taken modulo 2**64 (ValueError outside). Several threads
    may draw from one generator; no number is handed out twice. In a forked process it goes on with a stream of its
    own, so that workers which inherit one generator do not draw the same numbers.

    >>> g = tn.Generator(0)
    >>> bool((tn.rand(3, generator=g) == tn.rand(3, generator=tn.Generator(0))).all())
    True
    """

    __slots__ = ("_lineage", "_numbers", "_seed")

    def __init__(self, seed: int | None = None, *, device: str | None = None) -> None:
        check_device(device)
        self.manual_seed(entropy() if seed is None else seed)

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream of a seed; returns the generator itself. ValueError for a seed out of range."""
        self._seed = fold(seed)
        self._numbers = itertools.count()
        self._lineage = _family.lineage
        return self

    def seed(self) -> int:
        """Start a stream that the operating system chooses; returns its seed."""
        self.manual_seed(entropy())
        return self.initial_seed()

    def initial_seed(self) -> int:
        """The seed of this stream, in [0, 2**64)."""
        return self._seed % 2**64

    def get_state(self) -> Tensor:
        """The state of the stream, its seed and operation number, as a value: int64, shape (2,)."""
        seed, number = self.take()
        self._numbers = itertools.count(number)
        return wrap(np.array([seed, number], dtype=np.int64))

    def set_state(self, state: Tensor) -> None:
        """Go on from where ``get_state`` was taken; DTypeError (TN802) for what is no state."""
        aval = getattr(state, "_aval", None)
        if aval is None or aval.shape != (2,) or aval.dtype is not dtypes.int64:
            raise DTypeError(
                f"set_state: a state is an int64 tensor of two numbers, not {shown(state)}",
                help="give what get_state() or tn.get_rng_state() gave",
            )
        seed, number = state.tolist()
        if number < 0:
            raise DTypeError(f"set_state: the number of an operation is not negative, and {number} is")
        self.manual_seed(seed)
        self._numbers = itertools.count(number)

    def take(self) -> tuple[int, int]:
        """Seed and number for one operation; the number is used up."""
        if self._lineage != _family.lineage:
            self.manual_seed(derive(derive(self._seed, next(self._numbers)), _family.lineage))
        return self._seed, next(self._numbers)

    def __reduce__(self) -> Any:
        return _restore, (self.get_state(),)

    def __repr__(self) -> str:
        return f"<tenure.Generator seed={self.initial_seed()}>"


def _restore(state: Any) -> Generator:
    generator = Generator(0)
    generator.set_state(state)
    return generator


def entropy() -> int:
    """A seed from the operating system."""
    return int.from_bytes(os.urandom(8), "little")


def fold(seed: int) -> int:
    """A seed as an int64; ValueError outside [-2**63, 2**64)."""
    seed = int_of(seed, "manual_seed: the seed of a Generator")
    if not -(2**63) <= seed < 2**64:
        raise ValueError(f"Generator.manual_seed: a seed lies in [-2**63, 2**64), and {seed} does not")
    return seed - 2**64 if seed >= 2**63 else seed


def derive(seed: int, index: int) -> int:
    """Seed of the index-th child of a seed: SplitMix64 (Steele, Lea, Flood, OOPSLA'14) of both."""
    z = (seed * 0xD1342543DE82EF95 + (index + 1) * 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


class _Family:
    """Common ancestor of a process's default generators: the last seed, and a counter of the generators derived from
    it. ``lineage`` tells the process from those it was forked from and their other children."""

    def __init__(self) -> None:
        self.lineage = 0
        self.reset(entropy())

    def reset(self, seed: int) -> None:
        self.seed = seed
        self.offspring = itertools.count()
        self.forks = itertools.count()
        self.fork = 0

    def child(self) -> int:
        return derive(self.seed, next(self.offspring))


_family = _Family()


class _Default(threading.local):
    """Default generator of a thread, made on first use."""

    def __init__(self) -> None:
        self.generator = Generator(_family.child())


_default = _Default()


def _before_fork() -> None:
    _family.fork = next(_family.forks)


def _after_fork_in_child() -> None:
    """Reseed after a fork: a child draws other numbers than its parent and its siblings, the same ones in every run."""
    seed, number = _default.generator.take()
    _family.lineage = derive(_family.lineage, _family.fork)
    _family.reset(derive(derive(seed, number), _family.fork))
    _default.generator.manual_seed(_family.child())


os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)


def settle(seed: int) -> None:
    """Let the generators that a worker has inherited go on with streams of a seed, however many forks came before."""
    _family.lineage = derive(seed, 0)


def default_generator() -> Generator:
    """Generator of this thread, for operations without one."""
    return _default.generator


def manual_seed(seed: int) -> Generator:
    """Start this thread's stream of a seed. The numbers are reproducible, but not PyTorch's.

    Threads that draw for the first time after it get streams derived from the seed, in the order of their first draws;
    a forked process gets one of its own. ValueError for a seed outside [-2**63, 2**64).

    >>> tn.manual_seed(0)
    <tenure.Generator seed=0>
    """
    generator = _default.generator.manual_seed(seed)
    _family.reset(fold(seed))
    return generator


def seed() -> int:
    """Start this thread's stream anew with a seed that the operating system chooses; returns it.

    >>> 0 <= tn.seed() < 2**64
    True
    """
    chosen = entropy()
    manual_seed(chosen)
    return chosen


def initial_seed() -> int:
    """The seed of this thread's stream, in [0, 2**64).

    >>> _ = tn.manual_seed(7)
    >>> tn.initial_seed()
    7
    """
    return _default.generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of this thread's stream: a value, int64, shape (2,).

    >>> _ = tn.manual_seed(7)
    >>> tn.get_rng_state()
    tensor([7, 0])
    """
    return _default.generator.get_state()


def set_rng_state(state: Tensor) -> None:
    """Put this thread's stream back to a state; DTypeError (TN802) for what is no state.

    >>> state = tn.get_rng_state()
    >>> before = tn.rand(2)
    >>> tn.set_rng_state(state)
    >>> bool((tn.rand(2) == before).all())
    True
    """
    _default.generator.set_state(state)


def chosen_or_default(generator: Generator | None) -> Generator:
    """Generator of a random operation; DTypeError (TN802) for any other object."""
    if generator is None:
        return _default.generator
    if not isinstance(generator, Generator):
        raise DTypeError(f"generator is a tn.Generator, not {shown(generator)}", help="give tn.Generator(seed)")
    return generator
