"""Programs: linear SSA over primitives, and the builder that grows them.

A program is a list of instructions over numbered values: the inputs come first, then one value per
instruction. ``Builder`` grows such a list; ``Value`` is its handle, with the operators of arithmetic, so
that derivative rules read as mathematics. ``Builder.extract`` cuts a closed ``Program`` out of it.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ref

from tenure.dtypes import DType
from tenure.ir.applications import Application, Params, applied
from tenure.ir.aval import Aval
from tenure.ir.extents import symbolic
from tenure.ir.likes import Bounded

if TYPE_CHECKING:
    from tenure.ir.primitive import Primitive

TABLE: dict[str, Primitive] = {}
"""Every declared primitive by name; tests iterate over it."""


class Instruction(NamedTuple):
    """One application of a primitive to earlier values; ``origin`` is the recorded slot it came from."""

    application: Application
    operands: tuple[int, ...]
    origin: int = -1

    @property
    def primitive(self) -> Primitive:
        """The primitive."""
        return self.application.primitive

    @property
    def params(self) -> Params:
        """The parameters of the primitive."""
        return self.application.params

    @property
    def aval(self) -> Aval:
        """The aval of the result."""
        return self.application.aval


_instruction: Callable[[Any], Instruction] = partial(tuple.__new__, Instruction)
"""``Instruction._make`` without a call of Python code."""


class Program:
    """A closed computation: values ``0 … len(inputs)-1`` are inputs, each instruction defines the next.

    It is kept in few objects: the applications, the numbers of their operands one after another (64 bits each), the
    origins. ``instructions`` are made of these when they are first asked for.
    """

    __slots__ = ("__weakref__", "_instructions", "applications", "inputs", "operands", "origins", "outputs")

    def __init__(
        self, inputs: tuple[Aval, ...], instructions: Sequence[Instruction], outputs: tuple[int, ...]
    ) -> None:
        reads = array("q", chain.from_iterable([at.operands for at in instructions])).tobytes()
        self.inputs = inputs
        self.applications = [at.application for at in instructions]
        self.operands = reads
        self.origins = [at.origin for at in instructions]
        self.outputs = outputs
        self._instructions: tuple[Instruction, ...] | None = tuple(instructions)

    @classmethod
    def of(cls, inputs: tuple[Aval, ...], body: Body) -> Program:
        """The program of a body."""
        made = cls.__new__(cls)
        made.inputs, made._instructions = inputs, None
        made.applications, made.operands, made.origins, made.outputs = body
        return made

    def __reduce__(self) -> Any:
        return Program.of, (self.inputs, (self.applications, self.operands, self.origins, self.outputs))

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """The instructions."""
        if self._instructions is None:
            rows = zip(self.applications, self.reads(), self.origins, strict=True)
            self._instructions = tuple(map(_instruction, rows))
        return self._instructions

    def reads(self) -> Iterator[tuple[int, ...]]:
        """Numbers of the operands of each instruction."""
        at, numbers = 0, memoryview(self.operands).cast("q")
        for application in self.applications:
            end = at + len(application.operands)
            yield tuple(numbers[at:end])
            at = end

    def shared(self) -> Program:
        """The one program of this content: equal programs become one object, and so equal parts of keys."""
        body = [(at.primitive, len(at.operands), repr(sorted(at.params.items()))) for at in self.applications]
        key = (self.inputs, tuple(body), self.operands, self.outputs)
        known = _SHARED.get(key)
        found = None if known is None else known()
        if found is None:
            found = self
            _SHARED[key] = ref(self, partial(_SHARED.pop, key))
        return found

    def aval(self, value: int) -> Aval:
        """The aval of a value."""
        n = len(self.inputs)
        return self.inputs[value] if value < n else self.applications[value - n].aval


Body = tuple[list[Application], bytes, list[int], tuple[int, ...]]
"""Applications, numbers of operands, origins and outputs of a program."""
_SHARED: dict[Any, ref[Program]] = {}
"""No Python code runs where one of them dies: an interrupt that comes in a finalizer is lost."""


class Value:
    """A value of a builder. Operators emit primitives; Python numbers take the dtype of their partner."""

    __slots__ = ("builder", "id")

    def __init__(self, builder: Builder, id: int) -> None:
        self.builder = builder
        self.id = id

    @property
    def aval(self) -> Aval:
        """The abstract value."""
        return self.builder.avals[self.id]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape."""
        return self.builder.avals[self.id].shape

    @property
    def dtype(self) -> DType:
        """The dtype."""
        return self.builder.avals[self.id].dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def zeros(self) -> Value:
        """Zeros of its shape and dtype."""
        return self.builder.full(self.shape, 0, self.dtype)

    def _binary(self, name: str, x: Value | float, y: Value | float) -> Value:
        return TABLE[name](self.coerce(x), self.coerce(y))

    def coerce(self, other: Value | float) -> Value:
        """A Python number as a value of this one's dtype."""
        return other if isinstance(other, Value) else self.builder.constant(other, self.dtype)

    def __add__(self, other: Value | float) -> Value:
        return self._binary("add", self, other)

    def __sub__(self, other: Value | float) -> Value:
        return self._binary("subtract", self, other)

    def __rsub__(self, other: float) -> Value:
        return self._binary("subtract", other, self)

    def __mul__(self, other: Value | float) -> Value:
        return self._binary("multiply", self, other)

    def __truediv__(self, other: Value | float) -> Value:
        return self._binary("divide", self, other)

    def __rtruediv__(self, other: float) -> Value:
        return self._binary("divide", other, self)

    def __neg__(self) -> Value:
        return TABLE["negative"](self)

    __radd__ = __add__
    __rmul__ = __mul__


class Builder:
    """Grows a list of instructions: value v is ``applications[v]`` on ``operands[v]``, or an input (None).

    ``tracked[v]`` says whether a gradient flows through v. Instructions emitted while ``tracking`` is off are
    constants to every later differentiation. ``depths[v]`` says in how many vmapped functions v is one example's,
    ``blocks[v]`` in which checkpointed block it was emitted: ``block`` is the one that is open, 0 for none.
    ``zeros`` remembers what zeros cotangents hold (``ops.selection``), ``wide`` of values within an operation the ones
    that they were rounded from (``ir.parts``); None outside of one.
    """

    __slots__ = (
        "applications", "avals", "block", "blocks", "consts", "depths", "operands", "origin", "origins", "outer",
        "tracked", "tracking", "wide", "zeros",
    )  # fmt: skip

    def __init__(self) -> None:
        self.avals: list[Aval] = []
        self.applications: list[Application | None] = []
        self.operands: list[tuple[int, ...]] = []
        self.origins: list[int] = []
        self.tracked: list[bool] = []
        self.tracking = True
        self.origin = -1
        self.consts: dict[Constant, int] = {}
        self.depths: dict[int, int] = {}
        self.block = 0
        self.blocks: dict[int, int] = {}
        self.outer: list[int] = [0]
        self.zeros: dict[int, int] = {}
        self.wide: dict[int, tuple[int, bool]] | None = None

    def input(self, aval: Aval, *, tracked: bool = False) -> Value:
        """A new input."""
        self.avals.append(aval)
        self.applications.append(None)
        self.operands.append(())
        self.origins.append(-1)
        self.tracked.append(tracked)
        return Value(self, len(self.avals) - 1)

    def emit(self, primitive: Primitive, operands: Sequence[Value], params: Params) -> Value:
        """Append one instruction; shape and dtype errors are raised here, and nothing is appended then.

        On a dtype that is stored in one form and computed in another it becomes several (``ir.parts``).
        """
        ids = tuple([x.id for x in operands])
        avals = tuple([self.avals[v] for v in ids])
        for v, aval in zip(ids, avals, strict=True):
            if aval.dtype.parts is not aval.dtype and (
                aval.dtype.kind not in primitive.dtypes or (self.wide and v in self.wide)
            ):
                return primitive.in_parts(operands, params)
        return Value(self, self.append(applied(primitive, params, avals), ids))

    def append(self, application: Application, operands: tuple[int, ...]) -> int:
        """Append one instruction; returns the number of its value."""
        v, tracked = len(self.avals), False
        if self.tracking:
            for k in application.carries:
                tracked = tracked or self.tracked[operands[k]]
        if self.depths:
            depth = max([self.depths.get(o, 0) for o in operands], default=0)
            if depth:
                self.depths[v] = depth
        if self.block:
            self.blocks[v] = self.block
        self.avals.append(application.aval)
        self.applications.append(application)
        self.operands.append(operands)
        self.origins.append(self.origin)
        self.tracked.append(tracked)
        return v

    def extend(
        self, applications: Sequence[Application], operands: Sequence[tuple[int, ...]], origins: Sequence[int]
    ) -> None:
        """Append instructions as they stand, outside of blocks and of vmapped functions: constants to every later
        differentiation."""
        self.avals.extend([at.aval for at in applications])
        self.applications.extend(applications)
        self.operands.extend(operands)
        self.origins.extend(origins)
        self.tracked.extend([False] * len(applications))

    def made(self, v: int) -> Application | None:
        """The application that gives a value; None for an input."""
        return self.applications[v]

    def instruction(self, v: int) -> Instruction | None:
        """The instruction that defines a value; None for an input."""
        application = self.applications[v]
        return None if application is None else Instruction(application, self.operands[v], self.origins[v])

    def depth(self, v: int) -> int:
        """In how many vmapped functions a value is one example's."""
        return self.depths.get(v, 0)

    def begin_block(self) -> None:
        """Begin a block whose values a derivative computes once more."""
        self.outer.append(self.block)
        self.block = len(self.outer) - 1

    def end_block(self) -> None:
        """End the innermost block."""
        self.block = self.outer[self.block]

    def open_blocks(self) -> set[int]:
        """The blocks that have not ended, 0 among them."""
        found, k = {0}, self.block
        while k:
            found.add(k)
            k = self.outer[k]
        return found

    def constant(self, number: float, dtype: DType) -> Value:
        """A rank-0 constant of a dtype; equal ones are shared."""
        key = constant_key(number, dtype)
        found = self.consts.get(key)
        if found is None:
            found = self.consts[key] = self.append(constant(key, number, dtype), ())
        if self.wide is not None and dtype.kind == "h":
            self.wide[found] = self.constant(number, dtype.parts).id, False
        return Value(self, found)

    def full(self, shape: tuple[int, ...], number: float, dtype: DType) -> Value:
        """An array of one number."""
        return Value(self, self.append(filled(shape, number, dtype), ()))

    def extract(
        self, inputs: Sequence[int], outputs: Sequence[int], literals: Mapping[int, Application] | None = None
    ) -> Program:
        """The program that computes ``outputs`` from ``inputs``: only what they need, in order.

        ``literals`` gives, for input values known in advance, what stands in their place.
        """
        body = self.body(list(inputs), list(outputs), literals or {})
        return Program.of(tuple([self.avals[v] for v in inputs]), body)

    def body(self, inputs: list[int], outputs: list[int], literals: Mapping[int, Application]) -> Body:
        """The body of such a program. A value without an instruction must be one of the inputs or literals."""
        ids = {v: k for k, v in enumerate(inputs)}
        new, found, reads, origins = len(ids), list[Application](), array("q"), list[int]()
        for v in self.needed(outputs, set(inputs)):
            at, operands = self.applications[v], self.operands[v]
            if at is not None and at.alias is not None:
                ids[v] = ids[operands[at.alias]]
                continue
            if at is None and v not in literals:
                raise KeyError(f"value {v} is an unbound input")
            found.append(at or literals[v])
            origins.append(self.origins[v])
            reads.extend([ids[o] for o in operands])
            ids[v] = new
            new += 1
        return found, reads.tobytes(), origins, tuple([ids[v] for v in outputs])

    def needed(self, outputs: Iterable[int], given: set[int], whole: bool = False) -> list[int]:
        """The values that ``outputs`` depend on, those given left out, ascending; with ``whole``, all that their
        instructions name."""
        found: set[int] = set(given)
        stack = list(outputs)
        applications, operands = self.applications, self.operands
        while stack:
            v = stack.pop()
            if v in found:
                continue
            found.add(v)
            at, read = applications[v], operands[v]
            if at is not None:
                stack += read if whole or at.alias is None else (read[at.alias],)
        return sorted(found - given)

    def reads(self, outputs: Sequence[int], given: set[int]) -> set[int]:
        """Every value that the instructions behind ``outputs`` read, and these themselves."""
        found = set(outputs)
        for v in self.needed(outputs, given):
            found.update(self.operands[v])
        return found


Constant = str
"""A number of a dtype, as a key."""


CONSTANTS = Bounded()
"""Applications of constants, by their keys; none of those that hold symbols, which are of one derivation."""


def constant(key: Constant, number: float, dtype: DType) -> Application:
    """The application of a constant."""
    found: Application | None = CONSTANTS.get(key)
    if found is None:
        found = filled((), number, dtype)
        if not symbolic(number):
            CONSTANTS.keep(key, found)
    return found


def constant_key(number: float, dtype: DType) -> Constant:
    """The key of a number."""
    return f"{type(number).__name__} {number!r} {dtype.name}"


def filled(shape: tuple[int, ...], number: float, dtype: DType) -> Application:
    """The application that gives an array of one number."""
    return applied(TABLE["full"], {"shape": shape, "value": number, "dtype": dtype}, ())
