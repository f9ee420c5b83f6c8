"""Shared memory for several writers at once, by explicit choice.

    relaxed    an addition goes to memory at once, even while others add: where two meet, one may be lost (Hogwild)
    ordered    additions come in rounds, one of each writer, and are made in the order of the writers: the same bits
               whatever the scheduling

A read gives a value: a copy of the numbers at that moment (in an ordered round, of those after the last round).
"""

from __future__ import annotations

import math
import mmap
import os
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tenure.dtypes import DType
from tenure.errors import DTypeError, GradientError, OutOfRange, ShapeError, TenureError, following
from tenure.ir.aval import Aval
from tenure.values.grad.autograd import set_grad
from tenure.values.operations.boundary import array_of
from tenure.values.operations.creation import check_differentiable, wrap
from tenure.values.operations.reading import value_of
from tenure.values.operations.show import format_tensor
from tenure.values.rules.graph import Leaf
from tenure.values.rules.sites import here, site
from tenure.values.trace.given import ALIGNED, flag, int_of

if TYPE_CHECKING:
    from tenure.values.grad.sparse_rows import SparseRows
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

Array = np.ndarray[Any, Any]
Addition = tuple[Array, Array | None]
HELP = "compute what you add from .value or .read(index), and add it by .add_(delta) or .add_(delta, index)"


class Shared:
    """Numbers that several writers add to at once. ``Shared(value)`` owns a copy of the value; it is no tensor.

    Relaxed unless ``ordered``: then there are ``writers`` of them, each with ``with shared.writer(k) as w:`` around
    its work, and a round ends when each that has not left has added once. The memory of a relaxed one is shared with
    processes forked from this one; with ``requires_grad`` it is a leaf: the weight of ``F.embedding(…, sparse=True)``,
    which reads rows of it, and a parameter of optimizers, which add to those rows. Its gradient is the process's own.
    Source: Niu, Recht, Ré, Wright, "Hogwild!", NIPS 2011.

    >>> total = tn.Shared(tn.zeros(2))
    >>> total.add_(tn.tensor([1.0, 2.0]))
    >>> total.value
    tensor([1., 2.])
    """

    def __init__(
        self, value: ArrayLike, *, ordered: bool = False, writers: int | None = None, requires_grad: bool = False
    ) -> None:
        value = value_of(value).detach()
        ordered = flag("Shared: ordered", ordered)
        self._leaf = Leaf() if flag("Shared: requires_grad", requires_grad) else None
        if self._leaf is not None:
            check_differentiable(value)
        if writers is not None:
            writers = int_of(writers, "Shared: writers")
        if ordered and (writers is None or writers < 1):
            raise ValueError("an ordered Shared has a number of writers: Shared(value, ordered=True, writers=n)")
        if not ordered and writers is not None:
            raise ValueError("a relaxed Shared takes any number of writers; writers=… goes with ordered=True")
        if ordered and self._leaf is not None:
            raise ValueError("an ordered Shared is no leaf: its writers add to it in rounds, by .add_(delta)")
        self._aval: Aval = value._aval
        self._memory = _mapped(array_of(value))
        self._rounds = Rounds(writers or 0, self._memory) if ordered else None

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each axis."""
        return self._aval.shape

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self._aval.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._aval.shape)

    @property
    def requires_grad(self) -> bool:
        """Whether it is a leaf."""
        return self._leaf is not None

    @property
    def grad(self) -> SparseRows | None:
        """The gradient of rows that ``backward()`` left in this process: a borrow of its place, or None."""
        return None if self._leaf is None or self._leaf.grad is None else self._leaf.grad.data

    @grad.setter
    def grad(self, g: SparseRows | None) -> None:
        set_grad(self, g)

    def _fitting(self, g: Any) -> Any:
        raise GradientError("the gradient of a Shared is sparse: tn.SparseRows(indices, values, shape)")

    @property
    def value(self) -> Tensor:
        """All of it at this moment, as a value of its own."""
        return self.read()

    def read(self, index: ArrayLike | None = None) -> Tensor:
        """A part at this moment, as a value of its own: rows by an index array of any shape, or all of it."""
        rows = None if index is None else self._checked(index)
        if self._rounds is None:
            return _taken(self._memory, rows)
        with self._rounds.changed:
            return _taken(self._memory, rows)

    def add_(self, delta: ArrayLike, index: ArrayLike | None = None) -> None:
        """Add to all of it, or to the rows of an index array (a row that occurs twice is added to twice).

        TN802 if ``delta`` does not broadcast to what it is added to; TN801 for an index outside. An ordered one is
        added to by its writers only.
        """
        if self._rounds is not None:
            raise TenureError(
                "an ordered Shared is added to by its writers",
                at=site(here()),
                help="with shared.writer(k) as w: w.add_(delta)",
            )
        apply(self._memory, self._addition(delta, index))

    def _add_to(self, rows: Array, delta: Array) -> None:
        """Add to rows of a relaxed one, checked before, none of which is named twice."""
        self._memory[rows] += delta

    def writer(self, number: int = 0) -> Writer:
        """Writer of a number: a context in which it reads and adds."""
        number = int_of(number, "writer: the number")
        if self._rounds is not None and not 0 <= number < self._rounds.count:
            raise OutOfRange(f"writer {number} of {self._rounds.count}", help="they are numbered from 0")
        return Writer(self, number)

    def _addition(self, delta: Any, index: Any) -> Addition:
        """Addition to be made, computed and checked: its array, and its rows."""
        array = array_of(value_of(delta).detach().to(self.dtype))
        rows = None if index is None else self._checked(index)
        shape = self.shape if rows is None else (*rows.shape, *self.shape[1:])
        try:
            return array if array.shape == shape else np.broadcast_to(array, shape), rows
        except ValueError:
            raise ShapeError(
                f"a tensor of shape {list(array.shape)} is added to {list(shape)} of a Shared", at=site(here())
            ) from None

    def _checked(self, index: Any) -> Array:
        """Index array, checked to lie within the first axis."""
        if not self.shape:
            raise OutOfRange("a 0-dimensional Shared has no axis to index", at=site(here()))
        rows: Array = array_of(value_of(index))
        if rows.dtype.kind not in "iu":
            raise DTypeError(f"rows are chosen by whole numbers, not by {rows.dtype}", at=site(here()))
        size = self.shape[0]
        if rows.size and not (-size <= rows.min() and rows.max() < size):
            bad = following(i for i in rows.ravel().tolist() if not -size <= i < size)
            raise OutOfRange(f"index {bad} is out of range for axis 0 of size {size}", at=site(here()))
        return rows

    def __iadd__(self, delta: Any) -> Self:
        self.add_(delta)
        return self

    def __setitem__(self, key: Any, v: Any) -> None:
        raise TenureError("a Shared is not assigned to: others write it too", at=site(here()), help=HELP)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"a Shared has no attribute {name!r}: {HELP}", name=name, obj=self)

    def __reduce__(self) -> Any:
        raise TypeError("a Shared is not copied or pickled: threads and forked processes have the same one")

    def __repr__(self) -> str:
        how = "relaxed" if self._rounds is None else f"ordered, writers={self._rounds.count}"
        text = format_tensor(array_of(self.value), requires_grad=False, grad_fn=None, dtype_name=self.dtype.name)
        return f"Shared({text}, {how})"


class Writer:
    """Writer of a Shared. In an ordered one it reads what the last round left, and adds once a round."""

    def __init__(self, shared: Shared, number: int) -> None:
        self._shared = shared
        self._number = number

    def __enter__(self) -> Writer:
        if self._shared._rounds is not None:
            self._shared._rounds.enter(self._number)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._shared._rounds is not None:
            self._shared._rounds.leave(self._number)

    @property
    def value(self) -> Tensor:
        """All of it, as a value of its own; waits for the round to which this writer has added."""
        return self.read()

    def read(self, index: ArrayLike | None = None) -> Tensor:
        """Rows, or all of it, as a value of its own; waits for the round to which this writer has added."""
        shared = self._shared
        if shared._rounds is None:
            return shared.read(index)
        rows = None if index is None else shared._checked(index)
        shared._rounds.wait(self._number)
        return _taken(shared._memory, rows)

    def add_(self, delta: ArrayLike, index: ArrayLike | None = None) -> None:
        """Add to all of it or to some rows; in an ordered one this is the writer's part of the round."""
        shared = self._shared
        if shared._rounds is None:
            shared.add_(delta, index)
        else:
            shared._rounds.add(self._number, shared._addition(delta, index))


class Rounds:
    """Rounds of an ordered Shared: ``given`` is what has been added to the one that is not yet complete."""

    def __init__(self, count: int, memory: Array) -> None:
        self.count = count
        self.memory = memory
        self.process = os.getpid()
        self.changed = threading.Condition()
        self.given: dict[int, Addition] = {}
        self.inside: set[int] = set()
        self.left: set[int] = set()

    def enter(self, number: int) -> None:
        """Register a writer; each registers once."""
        if os.getpid() != self.process:
            raise TenureError("an ordered Shared is written by threads of one process", at=site(here()))
        with self.changed:
            if number in self.inside or number in self.left:
                raise TenureError(f"writer {number} of a Shared has begun already", at=site(here()))
            self.inside.add(number)

    def leave(self, number: int) -> None:
        """Unregister a writer; rounds go on without it."""
        with self.changed:
            self.inside.discard(number)
            self.left.add(number)
            self.complete()

    def wait(self, number: int) -> None:
        """Wait until the round that the writer has added to is complete."""
        with self.changed:
            self.refuse_outside(number)
            self.changed.wait_for(lambda: number not in self.given)

    def add(self, number: int, addition: Addition) -> None:
        """Add a writer's part of the round."""
        with self.changed:
            self.refuse_outside(number)
            self.changed.wait_for(lambda: number not in self.given)
            self.given[number] = addition
            self.complete()

    def complete(self) -> None:
        """Apply the additions of a round, in the order of the writers, once all that are left have added theirs."""
        if self.given and len(self.given.keys() | self.left) == self.count:
            for number in sorted(self.given):
                apply(self.memory, self.given[number])
            self.given = {}
            self.changed.notify_all()

    def refuse_outside(self, number: int) -> None:
        if number not in self.inside:
            raise TenureError(
                f"writer {number} of an ordered Shared is used outside its block",
                at=site(here()),
                help=f"with shared.writer({number}) as w: …",
            )


def _mapped(array: Array) -> Array:
    """Copy in memory shared with forked processes."""
    raw = mmap.mmap(-1, max(array.nbytes, 1))
    memory = np.frombuffer(raw, array.dtype, math.prod(array.shape)).reshape(array.shape)
    memory[...] = array
    return memory


def _taken(memory: Array, rows: Array | None) -> Tensor:
    """Copy of all of it, or of some rows, as a value."""
    if rows is not None:
        return wrap(memory.take(rows, axis=0))
    return wrap(memory.copy()) if memory.size < ALIGNED else value_of(memory)


def apply(memory: Array, addition: Addition) -> None:
    """Add to memory in place."""
    delta, rows = addition
    if rows is None:
        np.add(memory, delta, out=memory)
    else:
        np.add.at(memory, rows, delta)
