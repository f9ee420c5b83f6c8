"""Programs: linear SSA over primitives, and the builder that grows them.

A program is a list of instructions over numbered values: the inputs come first, then one value per
instruction. ``Builder`` grows such a list; ``Value`` is its handle, with the operators of arithmetic, so
that derivative rules read as mathematics. ``Builder.extract`` cuts a closed ``Program`` out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

from tenure.dtypes import DType
from tenure.ir.aval import Aval

if TYPE_CHECKING:
    from tenure.ir.primitive import Primitive

Params = Mapping[str, Any]
TABLE: dict[str, Primitive] = {}
"""Every declared primitive by name; tests iterate over it."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One application of a primitive to earlier values; ``origin`` is the recorded slot it came from."""

    primitive: Primitive
    operands: tuple[int, ...]
    params: Params
    aval: Aval
    origin: int = -1


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Program:
    """A closed computation: values ``0 … len(inputs)-1`` are inputs, each instruction defines the next."""

    inputs: tuple[Aval, ...]
    instructions: tuple[Instruction, ...]
    outputs: tuple[int, ...]

    def shared(self) -> Program:
        """The one program of this content: equal programs become one object, and so equal parts of keys."""
        body = [(at.primitive, at.operands, repr(sorted(at.params.items()))) for at in self.instructions]
        key = (self.inputs, tuple(body), self.outputs)
        known = _SHARED.get(key)
        found = None if known is None else known()
        if found is None:
            found = self
            _SHARED[key] = ref(self, partial(_SHARED.pop, key))
        return found

    def aval(self, value: int) -> Aval:
        """The aval of a value."""
        n = len(self.inputs)
        return self.inputs[value] if value < n else self.instructions[value - n].aval


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
    """Grows a list of instructions.

    ``tracked[v]`` says whether a gradient flows through v. Instructions emitted while ``tracking`` is off are
    constants to every later differentiation. ``depths[v]`` says in how many vmapped functions v is one example's,
    ``blocks[v]`` in which checkpointed block it was emitted: ``block`` is the one that is open, 0 for none.
    ``zeros`` remembers what zeros cotangents hold (``ops.selection``).
    """

    __slots__ = (
        "avals", "block", "blocks", "consts", "depths", "instructions", "origin", "outer", "tracked", "tracking",
        "zeros",
    )  # fmt: skip

    def __init__(self) -> None:
        self.avals: list[Aval] = []
        self.instructions: list[Instruction | None] = []
        self.tracked: list[bool] = []
        self.tracking = True
        self.origin = -1
        self.consts: dict[tuple[type, str, DType], Value] = {}
        self.depths: dict[int, int] = {}
        self.block = 0
        self.blocks: dict[int, int] = {}
        self.outer: list[int] = [0]
        self.zeros: dict[int, int] = {}

    def _append(self, instruction: Instruction | None, aval: Aval, tracked: bool) -> Value:
        self.avals.append(aval)
        self.instructions.append(instruction)
        self.tracked.append(tracked)
        return Value(self, len(self.avals) - 1)

    def input(self, aval: Aval, *, tracked: bool = False) -> Value:
        """A new input."""
        return self._append(None, aval, tracked)

    def emit(self, primitive: Primitive, operands: Sequence[Value], params: Params) -> Value:
        """Append one instruction; shape and dtype errors are raised here, and nothing is appended then."""
        aval = primitive.aval(*[x.aval for x in operands], **params)
        ids = tuple([x.id for x in operands])
        tracked = (
            self.tracking
            and aval.dtype.is_floating
            and any(self.tracked[ids[k]] for k in primitive.differentiable(len(ids)))
        )
        if self.depths:
            depth = max([self.depths.get(v, 0) for v in ids], default=0)
            if depth:
                self.depths[len(self.avals)] = depth
        if self.block:
            self.blocks[len(self.avals)] = self.block
        return self._append(Instruction(primitive, ids, params, aval, self.origin), aval, tracked)

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
        key = (type(number), repr(number), dtype)
        if key not in self.consts:
            self.consts[key] = self.full((), number, dtype)
        return self.consts[key]

    def full(self, shape: tuple[int, ...], number: float, dtype: DType) -> Value:
        """An array of one number."""
        return self.emit(TABLE["full"], (), {"shape": shape, "value": number, "dtype": dtype})

    def extract(
        self,
        inputs: Sequence[int],
        outputs: Sequence[int],
        literals: Mapping[int, Callable[[Builder], Value]] | None = None,
    ) -> Program:
        """The program that computes ``outputs`` from ``inputs``: only what they need, in order.

        ``literals`` gives, for input values known in advance, what stands in their place.
        """
        literals = literals or {}
        given = set(inputs)
        needed = self.needed(outputs, given)
        out = Builder()
        ids = {v: out.input(self.avals[v]).id for v in inputs}
        for v in needed:
            instruction = self.instructions[v]
            if v in literals:
                ids[v] = literals[v](out).id
            elif instruction is None:
                raise KeyError(f"value {v} is an unbound input")
            elif instruction.primitive.alias is not None:
                ids[v] = ids[instruction.operands[instruction.primitive.alias]]
            else:
                operands = tuple([ids[o] for o in instruction.operands])
                moved = Instruction(
                    instruction.primitive, operands, instruction.params, instruction.aval, instruction.origin
                )
                ids[v] = out._append(moved, instruction.aval, False).id
        body = tuple([i for i in out.instructions[len(inputs) :] if i is not None])
        return Program(tuple(out.avals[: len(inputs)]), body, tuple([ids[v] for v in outputs]))

    def needed(self, outputs: Iterable[int], given: set[int]) -> list[int]:
        """The values that ``outputs`` depend on, those given left out, ascending."""
        found: set[int] = set()
        stack = [v for v in outputs if v not in given]
        while stack:
            v = stack.pop()
            if v in found:
                continue
            found.add(v)
            instruction = self.instructions[v]
            if instruction is not None:
                alias = instruction.primitive.alias
                read = instruction.operands if alias is None else (instruction.operands[alias],)
                stack.extend([o for o in read if o not in given and o not in found])
        return sorted(found)

    def reads(self, outputs: Sequence[int], given: set[int]) -> set[int]:
        """Every value that the instructions behind ``outputs`` read, and these themselves."""
        found = set(outputs)
        for v in self.needed(outputs, given):
            instruction = self.instructions[v]
            if instruction is not None:
                found.update(instruction.operands)
        return found
