"""Run a Program primitive by primitive on NumPy: the meaning of a program, and the oracle of the tests.

An executor compiles a Program once to an Executable, which is called with the input arrays and with the Python
numbers that are its last inputs. Failures do not stop a run: the value of a failed instruction, and of all that
depend on it, is a ``Poison`` that keeps the error, so that what does not depend on it still takes effect.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tenure.errors import OutOfMemory, TenureError, following
from tenure.ir.program import Instruction, Program
from tenure.runtime.lots import unshared
from tenure.runtime.pauses import NOTED, Paused

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Poison:
    """Stands for a value that could not be computed, and says why; ``origin`` is the recorded slot."""

    error: Exception
    origin: int = -1


class Arrays(list[Any]):
    """The arrays that an executable is given, and its state: ``code`` is what has begun to run, and what the one native
    call of a compiled program gave is in ``out``."""

    __slots__ = ("code", "out")

    def __init__(self, arrays: Iterable[Any] = ()) -> None:
        super().__init__(arrays)
        self.code: Executable | None = None
        self.out: list[Any] = []


class Executable(Protocol):
    """A program ready to run. It takes over the list of arrays: a buffer that nobody else refers to may be
    overwritten. ``numbers`` are the values of the weak inputs, which come last. Called again with ``Arrays`` that an
    interrupted call has left, it goes on from there."""

    def __call__(self, arrays: list[Any], numbers: Sequence[Any] = ()) -> list[Any]: ...


Executor = Callable[[Program], Executable]
Meaning = Callable[[Instruction], Callable[..., Any]]


def reference(at: Instruction) -> Callable[..., Any]:
    """The function of an instruction in NumPy."""
    ref: Callable[..., Any] = at.primitive.ref
    return lambda *xs, **params: ref(np, *xs, **params)


class Interpreted:
    """A Program and the last use of each value: a buffer that nobody reads again may be written in place.

    ``meaning`` gives the function that computes an instruction.
    """

    __slots__ = ("dies", "kinds", "program", "rules")

    def __init__(self, program: Program, meaning: Meaning = reference) -> None:
        self.program = program
        self.rules = [meaning(at) for at in program.instructions]
        self.kinds = [aval.dtype.numpy for aval in program.inputs if aval.weak]
        last: dict[int, int] = {}
        for k, at in enumerate(program.instructions):
            last.update(dict.fromkeys(at.operands, k))
        for v in program.outputs:
            last[v] = len(program.instructions)
        self.dies: list[list[int]] = [[] for _ in program.instructions]
        for v, k in last.items():
            if k < len(program.instructions):
                self.dies[k].append(v)

    def __call__(self, arrays: list[Any], numbers: Sequence[Any] = ()) -> list[Any]:
        values, given = arrays, len(self.program.inputs)
        if len(values) < given:
            values += [np.array(x, kind) for x, kind in zip(numbers, self.kinds, strict=False)]
        with np.errstate(all="ignore"):
            first = len(values) - given
            if values and values[-1] is BEGUN:
                values[-1] = Poison(TenureError(HALF_WRITTEN), self.program.instructions[first - 1].origin)
            for k in range(first, len(self.rules)):
                if NOTED and k > first and type(values) is Arrays:
                    raise Paused
                dies = self.dies[k]
                _step(values, self.program.instructions[k], self.rules[k], dies)
                for v in dies:
                    values[v] = None
        return [_own(values[v]) for v in self.program.outputs]


BEGUN = object()
"""Stands for a result that is being combined in place."""
HALF_WRITTEN = "the run that computes this was broken off by an exception within a write in place"


def _step(values: list[Any], at: Instruction, rule: Callable[..., Any], dies: list[int]) -> None:
    """Append the result of an instruction; an exception within an addition in place leaves ``BEGUN`` there."""
    application, read, _ = at
    prim, params = application.primitive, application.params
    operands = [values[o] for o in read]
    if Poison in map(type, operands):
        values.append(following(x for x in operands if type(x) is Poison))
        return
    try:
        if prim.check is not None:
            prim.check(np, *operands, **params)
        k = prim.in_place
        if k is not None and read[k] in dies and _owned(operands, k):
            if prim.lower.combine is None:  # it can be written once more
                values.append(rule(*operands, out=operands[k], **params))
                return
            values.append(BEGUN)
            values[-1] = rule(*operands, out=operands[k], **params)
        else:
            values.append(np.asarray(rule(*operands, **params)))
    except (TenureError, MemoryError) as error:
        if not isinstance(error, TenureError):
            most = max([at.aval, *operands], key=lambda x: x.nbytes)  # a sum may need a copy of what it sums
            error = OutOfMemory.of(most.shape, most.dtype.name, most.nbytes)
        if values and values[-1] is BEGUN:
            values.pop()
        values.append(Poison(error, at.origin))


def _owned(operands: list[Any], k: int) -> bool:
    """Whether nobody but this step and the list of values refers to an operand's buffer."""
    x = operands[k]
    return unshared(x.base) and x.flags.writeable and _references(operands, k) == SOLE + 1


def _references(operands: list[Any], k: int) -> int:
    return sys.getrefcount(operands[k])


def _sole() -> int:
    """The reference count of an array that only the list of values and the list of operands hold."""
    values = [np.empty(1)]
    operands = [values[0]]
    return _references(operands, 0)


SOLE = _sole()


def _own(x: Array | Poison) -> Array | Poison:
    """An output as a contiguous, writable array; what pins a much larger buffer is copied."""
    if type(x) is Poison:
        return x
    assert isinstance(x, np.ndarray)
    whole = x.base is None or x.nbytes * 2 > _root(x).nbytes
    return x if whole and x.flags.c_contiguous and x.flags.writeable else np.array(x, order="C")


def _root(x: Array) -> Array:
    while isinstance(x.base, np.ndarray):
        x = x.base
    return x


def interpret(program: Program) -> Interpreted:
    """The reference executor."""
    return Interpreted(program)
