"""Random programs over the table of primitives: every one of them, all dtypes, strided views, writes, several outputs.

A primitive is drawn with parameters that fit what is there: by a maker of its own or of its kind, else by its samples.
NumPy runs along, so that numbers stay small and indices lie within their axes. Operands of a product are small whole
numbers, so that its sum is exact in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from tenure import dtypes
from tenure.errors import ShapeError
from tenure.ir.aval import Aval
from tenure.ir.primitive import Primitive
from tenure.ir.program import TABLE, Builder, Program, Value
from tests import traits

Array = np.ndarray[Any, Any]
SIZES = (0, 1, 1, 2, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 64, 65, 129)
LARGEST = 5000
NAMES = [name for name, primitive in TABLE.items() if traits.lasts(primitive)]


class Unfit(Exception):
    """Nothing that is there fits the primitive, or the numbers become too large."""


class Random:
    """One program while it is drawn: the builder, its inputs, and the value of everything in it."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.b = Builder()
        self.values: dict[int, Array] = {}
        self.arrays: list[tuple[int, Array]] = []
        self.numbers: list[tuple[int, float]] = []
        self.pool: list[Value] = []
        self.deck: list[str] = []

    def draw(self, inputs: int, steps: int) -> None:
        """Add inputs, and operations on what the pool has since."""
        start = len(self.pool)
        for _ in range(inputs):
            self.pool.append(self.input(self.array(self.shape(), self.dtype())))
        for _ in range(steps):
            self.deck = self.deck or [NAMES[k] for k in self.rng.permutation(len(NAMES))]
            name = self.deck.pop()
            try:
                try:
                    y = maker(TABLE[name])(self, name, self.pool[start:])
                except Unfit:
                    y = sampled(self, name, self.pool[start:])
            except Unfit:
                continue
            self.pool.append(y)

    def choice(self, xs: Sequence[Any]) -> Any:
        """One of them."""
        return xs[self.rng.integers(len(xs))]

    def shape(self) -> tuple[int, ...]:
        """A shape of up to four axes."""
        while True:
            shape = tuple([int(self.choice(SIZES)) for _ in range(self.rng.integers(0, 5))])
            if prod(shape) <= LARGEST and (0 not in shape or self.rng.random() < 0.2):
                return shape

    def dtype(self, kinds: str = "biuf") -> Any:
        """A dtype of one of the kinds; float32 more often, and one of the rarer ones as often as any."""
        found = [d for d in dtypes.DTYPES if d.kind in kinds]
        rare, usual = ([d for d in found if (d.name in traits.COMMON) == common] for common in (False, True))
        usual += [self.choice(rare)] if rare else []
        return self.choice([*usual, dtypes.float32] if "f" in kinds else usual)

    def array(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """Small numbers, many of them equal, some special."""
        if dtype.kind == "b":
            return self.rng.integers(0, 2, shape).astype(bool)
        if dtype.kind in "iu":
            return self.rng.integers(-5, 6, shape).astype(dtype.numpy)
        x = np.asarray(self.rng.standard_normal(shape) * 2)
        x = np.where(self.rng.random(shape) < 0.3, np.round(x), x)
        if self.rng.random() < 0.2:
            special = self.rng.choice([0.0, -0.0, np.nan, np.inf, -np.inf, 1e-40, 1e30], shape)
            x = np.where(self.rng.random(shape) < 0.1, special, x)
        return x.astype(dtype.numpy)

    def input(self, x: Array) -> Value:
        """An input of that value."""
        v = self.b.input(Aval(x.shape, dtypes.as_dtype(x.dtype)))
        self.values[v.id] = x
        self.arrays.append((v.id, x))
        return v

    def number(self, x: float) -> Value:
        """A Python number: a weak input, a constant, or an array of rank 0."""
        kind = self.rng.integers(3)
        dtype = dtypes.float64 if isinstance(x, float) else dtypes.int64
        if kind == 0:
            v = self.b.input(Aval((), dtype, weak=True))
            self.values[v.id] = np.asarray(x, dtype.numpy)
            self.numbers.append((v.id, x))
            return v
        return self.input(np.asarray(x, dtype.numpy)) if kind == 1 else self.constant(x, dtype)

    def emit(self, name: str, *xs: Value, **params: Any) -> Value:
        """An instruction, unless its numbers are no good."""
        primitive = TABLE[name]
        if primitive.traits.draws and xs and (self.values[xs[-1].id] < 0).any():
            raise Unfit  # a position in a random stream, of which all attempts are one there
        with np.errstate(all="ignore"):
            y = np.asarray(primitive.ref(np, *[self.values[x.id] for x in xs], **params))
        if y.dtype.kind == "f" and y.size:
            finite = np.isfinite(y)
            if np.abs(y[finite], dtype=np.float64).max(initial=0.0) > 1e6 or finite.mean() < 0.3:
                raise Unfit
        elif y.dtype.kind == "i" and np.abs(y.astype(np.float64)).max(initial=0) > 2**28:
            raise Unfit
        if y.size > 4 * LARGEST:
            raise Unfit
        v = self.b.emit(primitive, xs, params)
        self.values[v.id] = y
        return v

    def cast(self, x: Value, dtype: Any) -> Value:
        """In another dtype; what does not fit in an integer is undefined, so it is not cast."""
        if x.dtype is dtype:
            return x
        if dtype.kind in "iu" and x.dtype.kind == "f":
            least, most = dtype.range
            held = self.values[x.id]
            if not ((held > least - 1) & (held < most + 1)).all():
                raise Unfit
        return self.emit("cast", x, dtype=dtype)

    def small(self, x: Value) -> Value:
        """Small whole numbers made of x, which add up exactly."""
        return self.emit("remainder", self.emit("floor", x), self.constant(5, x.dtype)) if x.dtype.kind == "f" else x

    def constant(self, number: float, dtype: Any) -> Value:
        """A constant of rank 0."""
        return self.emit("full", shape=(), value=number, dtype=dtype)

    def like(self, x: Value, pool: list[Value], shape: tuple[int, ...]) -> Value:
        """Something of the dtype of x and exactly a shape: from the pool, a view of one there, or new."""
        fits = [y for y in pool if y.shape == shape]
        turned = [y for y in pool if y.ndim == len(shape) and sorted(y.shape) == sorted(shape) and y.shape != shape]
        way = self.rng.integers(5)
        if fits and way < 3:
            y = self.choice(fits)
            if way == 0 and y.ndim:
                y = self.emit("flip", y, axes=(int(self.rng.integers(y.ndim)),))
            return self.cast(y, x.dtype)
        if turned and way == 3:
            y = self.choice(turned)
            left = list(range(y.ndim))
            order = []
            for n in shape:
                k = next(k for k in left if y.shape[k] == n)
                left.remove(k)
                order.append(k)
            return self.cast(self.emit("permute", y, order=tuple(order)), x.dtype)
        twins = [a for _, a in self.arrays if a.shape == shape and a.dtype == x.dtype.numpy]
        return self.input(self.choice(twins) if twins and way == 4 else self.array(shape, x.dtype))

    def indices(self, shape: tuple[int, ...], size: int) -> Value:
        """Valid indices of an axis: an input, or computed."""
        if not size and prod(shape):
            raise Unfit
        i = self.input(self.rng.integers(-size, size, shape) if size else np.zeros(shape, np.int64))
        if self.rng.random() < 0.3 and size and i.ndim:
            i = self.emit("flip", self.emit("remainder", i, self.constant(size, dtypes.int64)), axes=(i.ndim - 1,))
        return i

    def finish(self, outputs: Sequence[Value]) -> tuple[Program, list[Array], list[float]]:
        """The program of some outputs, and its arguments."""
        used = self.b.needed([v.id for v in outputs], set())
        arrays = [(v, x) for v, x in self.arrays if v in used]
        numbers = [(v, x) for v, x in self.numbers if v in used]
        program = self.b.extract([v for v, _ in arrays + numbers], [v.id for v in outputs])  # type: ignore[operator]
        return program, [x for _, x in arrays], [x for _, x in numbers]


Maker = Callable[[Random, str, list[Value]], Value]


def pick(r: Random, pool: list[Value], kinds: str, rank: int = 0) -> Value:
    """A value of some rank at least, in a dtype of some kinds."""
    fits = [x for x in pool if x.ndim >= rank and x.dtype.kind in kinds]
    others = [x for x in pool if x.ndim >= rank]
    if fits and r.rng.random() < 0.9:
        return r.choice(fits)
    if not others:
        raise Unfit
    return r.cast(r.choice(others), r.dtype(kinds))


def partner(r: Random, x: Value, pool: list[Value]) -> Value:
    """An operand that broadcasts with x."""
    way = r.rng.integers(6)
    if way == 0:
        return r.cast(r.number(float(r.rng.integers(-3, 4)) if x.dtype.kind == "f" else 2), x.dtype)
    if way == 1 and x.ndim:
        return r.like(x, pool, x.shape[int(r.rng.integers(x.ndim)) :])
    if way == 2 and x.ndim:
        k = int(r.rng.integers(x.ndim))
        return r.like(x, pool, (*x.shape[:k], 1, *x.shape[k + 1 :]))
    return r.like(x, pool, x.shape)


def sampled(r: Random, name: str, pool: list[Value]) -> Value:
    """A primitive on one of its own samples."""
    xs, params = r.choice(traits.samples(TABLE[name], r.dtype(TABLE[name].dtypes), int(r.rng.integers(1000))))
    return r.emit(name, *[r.input(x) if r.rng.random() < 0.5 else computed(r, x) for x in xs], **params)


def computed(r: Random, x: Array) -> Value:
    """An array that the program stores, and whose buffer it reuses: joined from two parts where it has any axis."""
    if not x.ndim or len(x) < 2:
        return r.input(x)
    return r.emit("concat", r.input(x[:1].copy()), r.input(x[1:].copy()), axis=0)


def elementwise(r: Random, name: str, pool: list[Value]) -> Value:
    """An elementwise primitive on operands that broadcast, with the dtypes and parameters of one of its samples."""
    primitive = TABLE[name]
    x = pick(r, pool, primitive.dtypes)
    like, params = r.choice(traits.samples(primitive, x.dtype))
    kinds = [dtypes.as_dtype(y.dtype) for y in like]
    first = kinds.index(x.dtype)
    xs = [x if k == first else r.cast(partner(r, x, pool), dtype) for k, dtype in enumerate(kinds)]
    if len(set(kinds)) == 1 and r.rng.random() < 0.3:
        xs.reverse()
    limit = primitive.traits.limit
    if limit is not None and limit.concerns(x.dtype.kind):
        least = r.constant(0 if limit.zero else 1, x.dtype)
        if not all(map(limit.admits, r.values[xs[limit.operand].id].ravel().tolist())):
            xs[limit.operand] = r.emit("maximum", xs[limit.operand], least)
    return r.emit(name, *xs, **params)


def cast(r: Random, name: str, pool: list[Value]) -> Value:
    return r.cast(r.choice(pool), r.dtype())


def reshape(r: Random, name: str, pool: list[Value]) -> Value:
    x = r.choice(pool)
    shape = list(x.shape)
    for _ in range(r.rng.integers(1, 3)):
        k = int(r.rng.integers(len(shape) + 1))
        if k + 1 < len(shape) and r.rng.random() < 0.6:
            shape[k : k + 2] = [shape[k] * shape[k + 1]]
        elif k < len(shape) and shape[k]:
            divisor = r.choice([d for d in range(1, shape[k] + 1) if shape[k] % d == 0])
            shape[k : k + 1] = [divisor, shape[k] // divisor]
        else:
            shape.insert(k, 1)
    return r.emit(name, x, shape=tuple(shape[:5]) if prod(shape[:5]) == prod(x.shape) else (prod(x.shape),))


def permute(r: Random, name: str, pool: list[Value]) -> Value:
    x = pick(r, pool, "bif", 1)
    return r.emit(name, x, order=tuple([int(k) for k in r.rng.permutation(x.ndim)]))


def broadcast_to(r: Random, name: str, pool: list[Value]) -> Value:
    x = r.choice(pool)
    grown = [int(r.choice((1, 2, 3, 17))) if n == 1 and r.rng.random() < 0.7 else n for n in x.shape]
    lead = [int(r.choice((1, 2, 5))) for _ in range(r.rng.integers(0, 2))]
    return r.emit(name, x, shape=(*lead, *grown))


def concat(r: Random, name: str, pool: list[Value]) -> Value:
    x = pick(r, pool, "bif", 1)
    axis = int(r.rng.integers(x.ndim))
    others = [y for y in pool if y.ndim == x.ndim and y.dtype is x.dtype]
    rest = x.shape[:axis] + x.shape[axis + 1 :]
    fits = [x, *[y for y in others if y.shape[:axis] + y.shape[axis + 1 :] == rest]]
    return r.emit(name, x, *[r.choice(fits) for _ in range(r.rng.integers(0, 3))], axis=axis)


def pad(r: Random, name: str, pool: list[Value]) -> Value:
    x = r.choice(pool)
    widths = []
    for n in x.shape:
        low = int(r.rng.integers(-min(n, 3), 4))
        widths.append((low, int(r.rng.integers(max(-3, -n - low), 4))))
    return r.emit(name, x, widths=tuple(widths))


def flip(r: Random, name: str, pool: list[Value]) -> Value:
    x = pick(r, pool, "bif", 1)
    return r.emit(name, x, axes=tuple([k for k in range(x.ndim) if r.rng.random() < 0.6]))


def full(r: Random, name: str, pool: list[Value]) -> Value:
    return r.emit(name, shape=r.choice(pool).shape, value=int(r.rng.integers(0, 3)), dtype=r.dtype())


def iota(r: Random, name: str, pool: list[Value]) -> Value:
    length, dtype = int(r.choice(SIZES)), r.dtype("iuf")
    if dtype.kind in "iu" and length > dtype.range[1]:
        raise Unfit
    return r.emit(name, length=length, dtype=dtype)


def matmul(r: Random, name: str, pool: list[Value]) -> Value:
    x = r.small(pick(r, pool, "if", 2))
    y = r.small(r.like(x, pool, (*x.shape[:-2], x.shape[-1], int(r.choice((1, 2, 3, 5, 17))))))
    if r.rng.random() < 0.4:
        order = (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)
        return r.emit(name, r.emit("permute", y, order=order), r.emit("permute", x, order=order))
    return r.emit(name, x, y)


def matmul_transposed(r: Random, name: str, pool: list[Value]) -> Value:
    x = r.small(pick(r, pool, "if", 2))
    return r.emit(name, x, r.small(r.like(x, pool, (*x.shape[:-2], int(r.choice((1, 2, 3, 5, 17))), x.shape[-1]))))


def random_spec(r: Random, shape: tuple[int, ...]) -> tuple[Any, list[Value]]:
    """A basic index, and its starts."""
    spec: list[Any] = []
    starts: list[Value] = []
    for n in shape:
        if r.rng.random() < 0.15:
            spec.append("+")
        way = r.rng.integers(4)
        if way == 0 and n:
            spec.append("i")
            starts.append(start(r, int(r.rng.integers(n))))
        elif way < 3:
            step = int(r.choice((1, 1, 1, 2, 3, -1, -2)))
            first = int(r.rng.integers(n)) if n else 0
            most = 0 if not n else (n - 1 - first) // step + 1 if step > 0 else first // -step + 1
            spec.append((int(r.rng.integers(0 if r.rng.random() < 0.1 else min(most, 1), most + 1)), step))
            starts.append(start(r, first))
        else:
            spec.append(":")
    return tuple(spec), starts


def start(r: Random, k: int) -> Value:
    return r.cast(r.number(k), dtypes.int64)


def getitem(r: Random, name: str, pool: list[Value]) -> Value:
    x = pick(r, pool, "bif", 1)
    spec, starts = random_spec(r, x.shape)
    return r.emit(name, x, *starts, spec=spec)


def write(r: Random, name: str, pool: list[Value]) -> Value:
    """A write of something new, of something there, or of another part of the same value."""
    x = pick(r, pool, TABLE[name].dtypes, 1)
    spec, starts = random_spec(r, x.shape)
    part = r.emit("getitem", x, *starts, spec=spec)
    if r.rng.random() < 0.5:
        moved = [start(r, int(r.values[s.id])) for s in starts]
        v = r.emit("getitem", x, *moved, spec=spec)
        v = r.emit("flip", v, axes=(0,)) if v.ndim and r.rng.random() < 0.7 else v
    else:
        v = r.like(x, pool, part.shape)
    y = r.emit(name, x, v, *starts, spec=spec)
    if r.rng.random() < 0.3:
        r.pool.append(part)
    return y


def along(r: Random, name: str, pool: list[Value]) -> Value:
    """Reads along the last axis, and additions where they read."""
    x = pick(r, pool, TABLE[name].dtypes, 1)
    one = all(xs[-1].shape[-1] == 1 for xs, _ in traits.samples(TABLE[name], x.dtype))
    selected = (*x.shape[:-1], 1 if one else int(r.choice((1, 2, 3, 17))))
    index = r.indices(selected, x.shape[-1])
    return r.emit(name, x, *[r.like(x, pool, selected) for _ in range(traits.arity(TABLE[name]) - 2)], index)


def block_of(r: Random) -> tuple[int, ...]:
    """A shape for index arrays."""
    return tuple([int(r.choice((0, 1, 2, 3, 17))) for _ in range(r.rng.integers(0, 3))])


def part_of(r: Random, block: tuple[int, ...]) -> tuple[int, ...]:
    """A shape that broadcasts to that of the block."""
    lead = int(r.rng.integers(len(block) + 1)) if r.rng.random() < 0.3 else 0
    return tuple([1 if r.rng.random() < 0.2 else n for n in block[lead:]])


def advanced(r: Random, name: str, pool: list[Value]) -> Value:
    """Reads and writes by index arrays, slices and numbers between them."""
    x = pick(r, pool, TABLE[name].dtypes, 1)
    basic, starts = random_spec(r, x.shape)
    block, axes = block_of(r), [k for k, e in enumerate(basic) if e != "+"]
    turned = {k for k in axes if r.rng.random() < 0.5} or {int(r.choice(axes))}
    spec = tuple(["a" if k in turned else entry for k, entry in enumerate(basic)])
    given, operands, axis = iter(starts), [], 0
    for old, entry in zip(basic, spec, strict=True):
        start = next(given) if old not in (":", "+") else None
        if entry == "a":
            operands.append(r.indices(part_of(r, block), x.shape[axis]))
        elif start is not None:
            operands.append(start)
        axis += entry != "+"
    shown = sum([entry not in ("a", "i") for entry in spec])
    params = {"spec": spec, "at": int(r.rng.integers(shown + 1)), "unique": False}
    part = r.emit("gather", x, *operands, **params)
    if name == "gather":
        return part
    v = r.like(x, pool, part.shape)
    y = r.emit(name, x, v, *operands, **params)
    if r.rng.random() < 0.3:
        r.pool.append(part)
    return y


def survivors(r: Random, name: str, pool: list[Value]) -> Value:
    """Which of some indices are the last ones."""
    block, sizes = block_of(r), tuple([int(r.choice((1, 2, 5, 33))) for _ in range(r.rng.integers(1, 3))])
    return r.emit(name, *[r.indices(part_of(r, block), n) for n in sizes], sizes=sizes)


def random_numbers(r: Random, name: str, pool: list[Value]) -> Value:
    seed, number = (start(r, int(r.rng.integers(1000))) for _ in range(2))
    params = r.choice(traits.samples(TABLE[name], r.dtype(TABLE[name].dtypes)))[1]
    return r.emit(name, seed, number, **{**params, "shape": r.choice(pool).shape})


def reduce(r: Random, name: str, pool: list[Value]) -> Value:
    x = pick(r, pool, TABLE[name].dtypes)
    axes = tuple([k for k in range(x.ndim) if r.rng.random() < 0.5])
    try:
        TABLE[name].aval(x.aval, axes=axes)
    except ShapeError:  # an axis is empty
        raise Unfit from None
    return r.emit(name, x, axes=axes)


def search(r: Random, name: str, pool: list[Value]) -> Value:
    x = pick(r, pool, "bif", 1)
    axis = int(r.rng.integers(x.ndim))
    if x.shape[axis] == 0:
        raise Unfit
    return r.emit(name, x, axis=axis)


OWN: dict[str, Maker] = {
    **{f.__name__: f for f in (cast, reshape, permute, broadcast_to, concat, pad, flip, full, iota, getitem)},
    **{f.__name__: f for f in (matmul, matmul_transposed)},
}
KINDS: list[tuple[Callable[[Primitive], bool], Maker]] = [
    (traits.elementwise, elementwise),
    (traits.reduces, reduce),
    (traits.searches, search),
    (traits.draws, random_numbers),
    (traits.looks_up, along),
    (lambda of: traits.parameters(of) == {"spec"}, write),
    (lambda of: traits.parameters(of) == {"spec", "at", "unique"}, advanced),
    (lambda of: traits.parameters(of) == {"sizes"}, survivors),
]


def maker(of: Primitive) -> Maker:
    """How a primitive is drawn."""
    return OWN.get(of.name) or next((make for fits, make in KINDS if fits(of)), sampled)


def cases(seed: int, count: int, steps: int = 6) -> Random:
    """Independent small programs in one builder; ``pool`` has what all of them made, inputs among it."""
    r = Random(np.random.default_rng(seed))
    for _ in range(count):
        r.draw(int(r.rng.integers(1, 4)), steps)
    return r


def outputs_of(r: Random) -> list[Value]:
    """Some of what there is: the last of each kind of value, and now and then one that is read again."""
    read = {o for operands in r.b.operands for o in operands}
    return [v for v in r.pool if v.id not in read or r.rng.random() < 0.25]
