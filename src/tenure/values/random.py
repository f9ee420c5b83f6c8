"""Random tensors: recorded as pure functions of a seed and an operation number (see ``ops.philox``).

A generator hands out operation numbers when an operation is recorded, so what is drawn does not depend on
when, where or in which order the recorded programs run. Each thread has a default generator of its own.
"""

from __future__ import annotations

import itertools
import os
import threading
from math import prod
from typing import Any

import numpy as np

from tenure import dtypes
from tenure.dtypes import DType, DTypeLike, as_dtype
from tenure.errors import DTypeError, ShapeError, shown
from tenure.ops import philox, random
from tenure.ops.promote import Operation
from tenure.values.blame import public
from tenure.values.creation import check_device, leaf, like, wrap
from tenure.values.given import check_number, check_shape, chosen, int_of, shape_of
from tenure.values.hits import apply
from tenure.values.levels import drawing
from tenure.values.record import RECORDER
from tenure.values.vmapped import select

UNIFORM = Operation("rand", random.uniform)
NORMAL = Operation("randn", random.normal)
INTEGERS = Operation("randint", random.integers)


class Generator:
    """A stream of random operations: a seed, and the number of the next operation.

    ``Generator()`` takes its seed from the operating system, ``Generator(seed)`` and ``manual_seed(seed)``
    reproduce a stream. Seeds lie in [-2**63, 2**64), taken modulo 2**64 (ValueError outside). Several threads
    may draw from one generator; no number is handed out twice. In a forked process it goes on with a stream of its
    own, so that workers which inherit one generator do not draw the same numbers.
    """

    __slots__ = ("_lineage", "_numbers", "_seed")

    def __init__(self, seed: int | None = None) -> None:
        self.manual_seed(entropy() if seed is None else seed)

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream of this seed; gives the generator itself."""
        self._seed = fold(seed)
        self._numbers = itertools.count()
        self._lineage = _family.lineage
        return self

    def seed(self) -> int:
        """Start a stream that the operating system chose; gives its seed."""
        self.manual_seed(entropy())
        return self.initial_seed()

    def initial_seed(self) -> int:
        """The seed of this stream, in [0, 2**64)."""
        return self._seed % 2**64

    def get_state(self) -> Any:
        """Seed and operation number, as a value: int64, shape (2,)."""
        seed, number = self.take()
        self._numbers = itertools.count(number)
        return wrap(np.array([seed, number], dtype=np.int64))

    def set_state(self, state: Any) -> None:
        """Go on from where ``get_state`` was taken."""
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
        """The seed and number for one operation; the number is used up."""
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
    """The seed of the index-th offspring of a seed: SplitMix64 (Steele, Lea, Flood, OOPSLA'14) of both."""
    z = (seed * 0xD1342543DE82EF95 + (index + 1) * 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


class _Family:
    """What the default generators of a process descend from: the last seed, and what was derived from it.
    ``lineage`` tells the process from those it was forked from and their other children."""

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
    """The generator of this thread, made when it is first asked for."""

    def __init__(self) -> None:
        self.generator = Generator(_family.child())


_default = _Default()


def _before_fork() -> None:
    _family.fork = next(_family.forks)


def _after_fork_in_child() -> None:
    """A forked process draws other numbers than its parent and its siblings, the same ones in every run."""
    seed, number = _default.generator.take()
    _family.lineage = derive(_family.lineage, _family.fork)
    _family.reset(derive(derive(seed, number), _family.fork))
    _default.generator.manual_seed(_family.child())


os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)


def default_generator() -> Generator:
    """The generator that this thread draws from where none is given."""
    return _default.generator


def manual_seed(seed: int) -> Generator:
    """Start this thread's stream of a seed. The numbers are reproducible, but not PyTorch's.

    Threads that draw for the first time after it get streams derived from the seed, in the order of their
    first draws; a forked process gets one of its own.
    """
    generator = _default.generator.manual_seed(seed)
    _family.reset(fold(seed))
    return generator


def seed() -> int:
    """Start this thread's stream anew with a seed that the operating system chose; gives it."""
    chosen = entropy()
    manual_seed(chosen)
    return chosen


def initial_seed() -> int:
    """The seed of this thread's stream, in [0, 2**64)."""
    return _default.generator.initial_seed()


def get_rng_state() -> Any:
    """The state of this thread's stream: a value, int64, shape (2,)."""
    return _default.generator.get_state()


def set_rng_state(state: Any) -> None:
    """Put this thread's stream back to a state."""
    _default.generator.set_state(state)


def _drawn(
    fn: Operation,
    size: tuple[Any, ...],
    dtype: DTypeLike | None,
    requires_grad: bool,
    generator: Generator | None,
    device: Any,
) -> Any:
    check_device(device)
    target = _floating(fn.name, dtype)
    return leaf(_recorded(fn, shape_of(size, target), (("dtype", target),), generator), requires_grad)


def _recorded(fn: Operation, shape: tuple[int, ...], params: Any, generator: Generator | None) -> Any:
    """One random operation; inside vmapped functions for each example that is to have numbers of its own."""
    levels = drawing(RECORDER.vmap)
    whole = (*[level.count for level in levels], *shape)
    x = apply(fn, (), (("shape", whole), *params), _of(generator).take())
    for level in levels:
        x = select(x, 0, level)
    return x


def _of(generator: Generator | None) -> Generator:
    """The generator that a random operation draws from."""
    if generator is None:
        return _default.generator
    if not isinstance(generator, Generator):
        raise DTypeError(f"generator is a tn.Generator, not {shown(generator)}", help="give tn.Generator(seed)")
    return generator


def _floating(name: str, dtype: DTypeLike | None) -> DType:
    target = dtypes.default_float if dtype is None else as_dtype(dtype)
    if not target.is_floating:
        raise DTypeError(
            f"{name} draws floats, not {target.name}", help="for whole numbers: tn.randint(low, high, size)"
        )
    return target


def rand(
    *sizes: Any,
    dtype: DTypeLike | None = None,
    device: Any = None,
    requires_grad: bool = False,
    generator: Generator | None = None,
    shape: Any = None,
    size: Any = None,
) -> Any:
    """Uniform numbers of [0, 1), of a shape given as ints, as one sequence or by name; float32 unless given."""
    sizes = sizes if shape is None and size is None else chosen("rand", sizes, shape, size)
    return _drawn(UNIFORM, sizes, dtype, requires_grad, generator, device)


def randn(
    *sizes: Any,
    dtype: DTypeLike | None = None,
    device: Any = None,
    requires_grad: bool = False,
    generator: Generator | None = None,
    shape: Any = None,
    size: Any = None,
) -> Any:
    """Standard normal numbers, of a shape given as ints, as one sequence or by name; float32 unless given."""
    sizes = sizes if shape is None and size is None else chosen("randn", sizes, shape, size)
    return _drawn(NORMAL, sizes, dtype, requires_grad, generator, device)


def rand_like(
    x: Any,
    *,
    dtype: DTypeLike | None = None,
    device: Any = None,
    requires_grad: bool = False,
    generator: Generator | None = None,
) -> Any:
    """Uniform numbers of [0, 1) in the shape and dtype of x."""
    x = like(x)
    return _drawn(UNIFORM, (x.shape,), x.dtype if dtype is None else dtype, requires_grad, generator, device)


def randn_like(
    x: Any,
    *,
    dtype: DTypeLike | None = None,
    device: Any = None,
    requires_grad: bool = False,
    generator: Generator | None = None,
) -> Any:
    """Standard normal numbers in the shape and dtype of x."""
    x = like(x)
    return _drawn(NORMAL, (x.shape,), x.dtype if dtype is None else dtype, requires_grad, generator, device)


def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    dtype: DTypeLike | None = None,
    device: Any = None,
    generator: Generator | None = None,
) -> Any:
    """Whole numbers of [low, high), or of [0, low) as ``randint(high, size)``; int64 unless given.

    Raises ShapeError (TN802) for an empty range.
    """
    if size is None and isinstance(high, list | tuple):
        low, high, size = 0, low, high
    if high is None:
        low, high = 0, low
    if size is None:
        raise TypeError("randint needs a size, as in randint(0, 10, (3,))")
    check_device(device)
    low, high = (int_of(x, f"randint: {name}") for name, x in (("low", low), ("high", high)))
    if not -(2**63) <= low < high <= 2**63:
        raise ShapeError(f"randint: [{low}, {high}) is empty or not within int64")
    target = dtypes.int64 if dtype is None else as_dtype(dtype)
    for number in (low, high - 1):
        check_number("randint", number, target)
    out = _recorded(INTEGERS, check_shape(size, dtypes.int64), (("low", low), ("high", high)), generator)
    return out if dtype is None else out.to(target)


@public
def randperm(n: int, *, dtype: DTypeLike | None = None, device: Any = None, generator: Generator | None = None) -> Any:
    """The numbers 0 … n - 1 in random order: a value of shape (n,), int64 unless given; drawn at once."""
    check_device(device)
    (n,) = check_shape((n,), dtypes.int64)
    number = _of(generator).take()
    levels = drawing(RECORDER.vmap)
    shape = (*[level.count for level in levels], n)
    keys = philox.lanes(*number, 2 * prod(shape)).view(np.uint64).reshape(shape)
    out = wrap(np.argsort(keys, kind="stable").astype(np.int64, copy=False))
    for level in levels:
        out = select(out, 0, level)
    return out if dtype is None else out.to(as_dtype(dtype))
