"""Random programs: drawn once, run with Tenure, with NumPy and with PyTorch.

A program is a list of steps over a pool of arrays of one dtype. Each step is a function of an adaptor, which
gives the libraries one spelling; the elementwise ones are those of the table of primitives that have a public name.
NumPy runs along while a program is drawn, so that shapes fit, numbers stay small, and no comparison depends on the
last bits of its operands.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from hypothesis import strategies as st

import tenure as tn
from tenure.dtypes import float64
from tenure.ir.aval import Aval
from tenure.ir.program import TABLE
from tests import traits

Array = np.ndarray[Any, Any]
Key = tuple[Any, ...]
Step = Callable[..., Any]


class Numpy:
    """The reference: NumPy's own functions, and what it spells otherwise."""

    names: ClassVar = {"permute": "transpose", "concat": "concatenate"}

    def __getattr__(self, name: str) -> Any:
        return getattr(np, self.names.get(name, name))

    def elementwise(self, name: str, *xs: Any) -> Any:
        return TABLE[name].ref(np, *xs)

    def operator(self, name: str, *xs: Any) -> Any:
        return OPERATORS[name](*xs)

    def const(self, x: Array) -> Any:
        return x

    def cast(self, x: Any, dtype: str) -> Any:
        return np.asarray(x).astype(dtype)

    def relu(self, x: Any) -> Any:
        return np.maximum(x, 0)

    def clip(self, x: Any, low: float, high: float) -> Any:
        return np.clip(x, low, high)

    def detach(self, x: Any) -> Any:
        return x

    def pad(self, x: Any, widths: Any) -> Any:
        x = np.pad(x, [(max(a, 0), max(b, 0)) for a, b in widths]) if widths else x
        return x[tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, widths, strict=True))]

    def read(self, x: Any, key: Key) -> Any:
        return x[key]

    def rows(self, x: Any, index: Array) -> Any:
        return x[index]

    def write(self, x: Any, key: Key, v: Any) -> Any:
        out = np.array(x)
        out[key] = v
        return out

    def add_at(self, x: Any, key: Key, v: Any) -> Any:
        out = np.array(x)
        out[key] += v
        return out

    def argmax(self, x: Any, axis: int) -> Any:
        return np.argmax(x, axis=axis, keepdims=True)

    def take_along(self, x: Any, index: Any, axis: int) -> Any:
        return np.take_along_axis(x, index, axis)


class Tenure:
    """The library under test."""

    names: ClassVar = {"permute": "permute_dims", "take_along": "take_along_axis"}

    def __getattr__(self, name: str) -> Any:
        return getattr(tn, self.names.get(name, name))

    def elementwise(self, name: str, *xs: Any) -> Any:
        return getattr(tn, PUBLIC.get(name, name))(*xs)

    def operator(self, name: str, *xs: Any) -> Any:
        return OPERATORS[name](*xs)

    def const(self, x: Array) -> Any:
        return tn.tensor(x)

    def cast(self, x: Any, dtype: str) -> Any:
        return x.to(dtype)

    def read(self, x: Any, key: Key) -> Any:
        return x[key]

    def rows(self, x: Any, index: Array) -> Any:
        return x[tn.tensor(index)]

    def write(self, x: Any, key: Key, v: Any) -> Any:
        return x.at[key].set(v)

    def add_at(self, x: Any, key: Key, v: Any) -> Any:
        return x.at[key].add(v)

    def argmax(self, x: Any, axis: int) -> Any:
        return tn.argmax(x, axis=axis, keepdims=True)


class Torch:
    """The peer. It has no negative steps, so it is indexed by position."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch

    def __getattr__(self, name: str) -> Any:
        return getattr(self.torch, name)

    def elementwise(self, name: str, *xs: Any) -> Any:
        xs = self._constants(xs) if name == "floor_divide" else xs
        return getattr(self.torch, "eq" if name == "equal" else PUBLIC.get(name, name))(*xs)

    def operator(self, name: str, *xs: Any) -> Any:
        return OPERATORS[name](*(self._constants(xs) if name == "floor_divide" else xs))

    def _constants(self, xs: Sequence[Any]) -> Any:
        """Operands of what PyTorch does not differentiate, though its slope is 0."""
        return tuple(x.detach() for x in xs)

    def const(self, x: Array) -> Any:
        return self.torch.tensor(x)

    def cast(self, x: Any, dtype: str) -> Any:
        return x.to(getattr(self.torch, dtype))

    def clip(self, x: Any, low: float, high: float) -> Any:
        bounds = [self.torch.tensor(b, dtype=x.dtype) for b in (low, high)]
        return self.torch.minimum(self.torch.maximum(x, bounds[0]), bounds[1])

    def detach(self, x: Any) -> Any:
        return x.detach()

    def sum(self, x: Any, axis: Any, keepdims: bool) -> Any:
        return self._reduce(self.torch.sum, x, axis, keepdims)

    def mean(self, x: Any, axis: Any, keepdims: bool) -> Any:
        return self._reduce(self.torch.mean, x, axis, keepdims)

    def max(self, x: Any, axis: Any, keepdims: bool) -> Any:
        return self._reduce(self.torch.amax, x, axis, keepdims)

    def min(self, x: Any, axis: Any, keepdims: bool) -> Any:
        return self._reduce(self.torch.amin, x, axis, keepdims)

    def _reduce(self, function: Any, x: Any, axis: Any, keepdims: bool) -> Any:
        axes = tuple(range(x.ndim)) if axis is None else axis
        return x if axes == () else function(x, dim=axes, keepdim=keepdims)

    def reshape(self, x: Any, shape: Any) -> Any:
        return x.reshape(shape)

    def permute(self, x: Any, order: Any) -> Any:
        return x.permute(order)

    def broadcast_to(self, x: Any, shape: Any) -> Any:
        return x.expand(shape)

    def concat(self, xs: Any, axis: int) -> Any:
        return self.torch.cat(list(xs), dim=axis)

    def stack(self, xs: Any, axis: int) -> Any:
        return self.torch.stack(list(xs), dim=axis)

    def flip(self, x: Any, axis: Any) -> Any:
        return self.torch.flip(x, axis)

    def squeeze(self, x: Any, axis: Any) -> Any:
        return self.torch.squeeze(x, axis)

    def expand_dims(self, x: Any, axis: int) -> Any:
        return self.torch.unsqueeze(x, axis)

    def pad(self, x: Any, widths: Any) -> Any:
        flat = [n for pair in reversed(widths) for n in pair]
        grown = self.torch.nn.functional.pad(x, [max(n, 0) for n in flat])
        return grown[tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(grown.shape, widths, strict=True))]

    def places(self, x: Any, key: Key) -> Any:
        return np.array(np.arange(math.prod(x.shape)).reshape(tuple(x.shape))[key])

    def read(self, x: Any, key: Key) -> Any:
        return x.reshape(-1)[self.torch.tensor(self.places(x, key))]

    def rows(self, x: Any, index: Array) -> Any:
        return x[self.torch.tensor(index)]

    def write(self, x: Any, key: Key, v: Any) -> Any:
        at = self.places(x, key)
        v = v if isinstance(v, self.torch.Tensor) else self.torch.tensor(v, dtype=x.dtype)
        flat = x.reshape(-1).clone()
        flat[self.torch.tensor(at.reshape(-1))] = v.expand(at.shape).reshape(-1)
        return flat.reshape(x.shape)

    def add_at(self, x: Any, key: Key, v: Any) -> Any:
        return self.write(x, key, self.read(x, key) + v)

    def argmax(self, x: Any, axis: int) -> Any:
        return self.torch.argmax(x, dim=axis, keepdim=True)

    def take_along(self, x: Any, index: Any, axis: int) -> Any:
        return self.torch.take_along_dim(x, index, axis)


@dataclass
class Program:
    """Inputs and steps: (what to call, on which of the pool, with what)."""

    inputs: list[Array]
    steps: list[tuple[str, Step, tuple[int, ...], dict[str, Any]]] = field(default_factory=list)
    margin: float = math.inf
    """How near a step comes to where it is not smooth."""

    def run(self, m: Any, inputs: Sequence[Any]) -> list[Any]:
        """The results of all steps."""
        pool = list(inputs)
        for _, step, args, params in self.steps:
            pool.append(step(m, *[pool[k] for k in args], **params))
        return pool[len(inputs) :]

    def __repr__(self) -> str:
        lines = [f"v{k} = array of shape {x.shape}: {x.tolist()}" for k, x in enumerate(self.inputs)]
        for k, (name, _, args, params) in enumerate(self.steps, len(self.inputs)):
            given = [*[f"v{a}" for a in args], *[f"{n}={v!r}" for n, v in params.items()]]
            lines.append(f"v{k} = {name}({', '.join(given)})")
        return "\n" + "\n".join(lines)


def weights(k: int, shape: tuple[int, ...], dtype: Any) -> Array:
    """Fixed weights for the result of step k in the loss."""
    return (0.5 + np.arange(math.prod(shape)) % 5 / 4 + k % 3).reshape(shape).astype(dtype)


def loss(m: Any, program: Program, inputs: Sequence[Any]) -> Any:
    """A weighted sum of every result."""
    total = m.const(np.zeros((), program.inputs[0].dtype))
    for k, x in enumerate(program.run(m, inputs)):
        w = m.const(weights(k, tuple(x.shape), program.inputs[0].dtype))
        total = total + m.sum(x * w, axis=None, keepdims=False)
    return total


# What an elementwise step can be: name → (function of the adaptor, number of operands, exact). An exact step gives the
# same bits in every library.

Kink = Callable[..., Any] | None
"""An array that is zero, or small, where a step is not smooth."""
PUBLIC = {"absolute": "abs", "power": "pow"}
"""Primitives by other public names."""
OPERATORS: dict[str, Step] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "floor_divide": operator.floordiv,
    "remainder": operator.mod,
    "power": operator.pow,
    "negative": operator.neg,
    "absolute": abs,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
}
"""Primitives that have an operator too."""


def function(name: str, spell: Step) -> tuple[Step, int, bool]:
    """A step that applies a primitive: to operands of its domain, and with a number as its result."""
    primitive, arity = TABLE[name], traits.PLAIN[name]
    drawn = [xs for xs, _ in traits.samples(primitive, float64)]
    least = [math.ceil(4 * min(float(xs[k].min(initial=np.inf)) for xs in drawn)) / 4 for k in range(arity)]
    truth = primitive.aval(*[Aval((), float64)] * arity).dtype.kind == "b"

    def step(m: Any, *xs: Any) -> Any:
        if truth:
            return m.where(spell(m, *xs), 1.0, xs[-1])
        return spell(m, *[x if low < -2 else x * x + low for x, low in zip(xs, least, strict=True)])

    return step, arity, not traits.heavy(primitive)


FUNCTIONS = {
    name: function(name, lambda m, *xs, name=name: m.elementwise(name, *xs))
    for name in traits.PLAIN
    if "f" in TABLE[name].dtypes and hasattr(tn, PUBLIC.get(name, name)) and name != "complex"
}
WRITTEN = {
    f"operator {name}": function(name, lambda m, *xs, name=name: m.operator(name, *xs)) for name in OPERATORS
}
IDIOMS: dict[str, tuple[Step, int, bool]] = {
    "scale": (lambda m, x: 2.5 * x, 1, True),
    "shift": (lambda m, x: 1 - x, 1, True),
    "halve": (lambda m, x: x / 2, 1, True),
    "square": (lambda m, x: x**2, 1, True),
    "cube": (lambda m, x: x**3, 1, False),
    "bell": (lambda m, x: m.exp(-(x * x)), 1, False),
    "inverse": (lambda m, x: 1 / (x * x + 0.5), 1, True),
    "base": (lambda m, x: 2.0 ** m.tanh(x), 1, False),
    "relu": (lambda m, x: m.relu(x), 1, True),
    "clip": (lambda m, x: m.clip(x, -1.0, 0.75), 1, True),
    "detach": (lambda m, x: m.detach(x), 1, True),
    "double": (lambda m, x: m.cast(m.cast(x, "float64") * 2, str(x.dtype).split(".")[-1]), 1, True),
    "guarded": (lambda m, x: m.where(x > 0, m.sqrt(m.abs(x)), m.sin(x)), 1, False),
    "powers": (lambda m, x, y: (x * x + 0.5) ** m.tanh(y), 2, False),
    "choose": (lambda m, x, y: m.where(x < y, x * 3, y), 2, True),
    "both": (lambda m, x, y: m.where((x <= y) & (y != 0), 1.0, y), 2, True),
}
"""What programs write of several functions and numbers."""
ELEMENTWISE = FUNCTIONS | WRITTEN | IDIOMS
NEAR = (1e-6, 1e-2)


def bends(step: Step) -> Kink:
    """Of an elementwise step, how near its operands are to where it is not smooth: within one of ``NEAR``, or far.

    Seen in slopes over a step forward and two steps back, which are alike where the function is smooth.
    """

    def seen(xs: Sequence[Array], h: float) -> bool:
        def at(k: int, by: float) -> Array:
            return np.asarray(step(Numpy(), *[x + by if j == k else x for j, x in enumerate(xs)]))

        ways = [(k, way) for k in range(len(xs)) for way in (h, -h)]
        bend = [at(k, way) - at(k, 0.0) - (at(k, 0.0) - at(k, -2 * way)) / 2 for k, way in ways]
        return not all(np.all(np.abs(each) <= h / 4) for each in bend)

    def gap(*xs: Array) -> Array:
        wide = [x.astype(np.float64) for x in xs]
        with np.errstate(all="ignore"):
            return np.array(next((near / 2 for near in NEAR if seen(wide, 2 * near)), np.inf))

    return gap


@st.composite
def programs(draw: Any, dtype: str = "float64", steps: int = 7, first: str | None = None) -> Program:
    """A random program on arrays of 0 to 4 axes, sizes 0 and 1 among them; ``first`` begins it, if it fits."""
    shape = tuple(draw(st.lists(st.sampled_from([2, 3, 1, 0]), max_size=4)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shapes = [shape]
    for _ in range(draw(st.integers(0, 2))):
        tail = shape[draw(st.integers(0, len(shape))) :]
        shapes.append(tuple(1 if draw(st.booleans()) else n for n in tail))
    program = Program([(rng.integers(-8, 9, s) / 4).astype(dtype) for s in shapes])
    pool = list(program.inputs)
    exact = [True] * len(pool)
    doubt = 1e-6 if dtype == "float64" else 1e-2
    for k in range(draw(st.integers(1, steps))):
        make = elementwise if k == 0 and first else KINDS[draw(st.sampled_from(sorted(KINDS)))]
        x = draw(st.integers(0, len(pool) - 1))
        made = make(draw, pool, x, first) if k == 0 and first else make(draw, pool, x)
        if made is None:
            continue
        label, step, args, params, same_bits, kink = made
        operands = [pool[k] for k in args]
        sure = all(exact[k] for k in args)
        gap = math.inf
        if kink is not None:
            gaps = np.abs(np.asarray(kink(*operands)))
            gap = float(gaps.min()) if gaps.size else math.inf
            if gap < doubt and not (sure and same_bits):
                continue
        with np.errstate(all="ignore"):
            result = np.asarray(step(Numpy(), *operands, **params))
        if result.size > 200 or result.ndim > 5 or not np.all(np.abs(result) < 1e3):
            continue
        assert result.dtype == np.dtype(dtype), (label, result.dtype)
        program.steps.append((label, step, args, params))
        program.margin = min(program.margin, gap)
        pool.append(result)
        exact.append(sure and same_bits)
    return program


Made = tuple[str, Step, tuple[int, ...], dict[str, Any], bool, Kink]
Kind = Callable[..., Made | None]


def fitting(draw: Any, pool: list[Array], fits: Callable[[Array], bool]) -> int:
    """One of the pool that fits; at least one does."""
    return draw(st.sampled_from([k for k, y in enumerate(pool) if fits(y)]))  # type: ignore[no-any-return]


def broadcasts(x: Array) -> Callable[[Array], bool]:
    return lambda y: all(m == n or 1 in (m, n) for m, n in zip(x.shape[::-1], y.shape[::-1], strict=False))


def elementwise(draw: Any, pool: list[Array], x: int, name: str | None = None) -> Made:
    name = name or draw(st.sampled_from(sorted(ELEMENTWISE)))
    step, arity, exact = ELEMENTWISE[name]
    args = [x, *[fitting(draw, pool, broadcasts(pool[x])) for _ in range(arity - 1)]]
    return name, step, tuple(draw(st.permutations(args))), {}, exact, bends(step)


def some_axes(draw: Any, ndim: int) -> tuple[int, ...] | None:
    axes = tuple(k for k in range(ndim) if draw(st.booleans()))
    signed = tuple(k - ndim if draw(st.booleans()) else k for k in axes)
    return None if len(axes) == ndim and draw(st.booleans()) else signed


def runner_up(axis: Any) -> Callable[[Array], Array]:
    """How far the largest lies above the next."""

    def gap(x: Array) -> Array:
        axes = sorted(k % x.ndim for k in (range(x.ndim) if axis is None else axis))
        flat = np.moveaxis(x, axes, range(len(axes))).reshape(math.prod(x.shape[k] for k in axes), -1)
        return np.diff(np.sort(flat, axis=0), axis=0)

    return gap


def reduction(draw: Any, pool: list[Array], x: int) -> Made | None:
    name = draw(st.sampled_from(["sum", "mean", "max", "min"]))
    axis, keepdims = some_axes(draw, pool[x].ndim), draw(st.booleans())
    counted = range(pool[x].ndim) if axis is None else axis
    if name != "sum" and any(pool[x].shape[k] == 0 for k in counted):
        return None
    params = {"axis": axis, "keepdims": keepdims}
    step = lambda m, x, axis, keepdims: getattr(m, name)(x, axis=axis, keepdims=keepdims)  # noqa: E731
    sharp = name in ("max", "min")
    return name, step, (x,), params, sharp, runner_up(axis) if sharp and counted else None


def product(draw: Any, pool: list[Array], x: int) -> Made | None:
    a = pool[x]
    if a.ndim == 0:
        return None

    def fits(b: Array) -> bool:
        if b.ndim == 0 or a.shape[-1] != b.shape[-2 if b.ndim > 1 else 0]:
            return False
        return broadcasts(np.empty(a.shape[:-2]))(np.empty(b.shape[:-2]))

    if any(fits(b) for b in pool) and draw(st.booleans()):
        y = fitting(draw, pool, fits)
        return "matmul", lambda m, x, y: m.matmul(x, y), (x, y), {}, False, None
    if a.ndim == 1:
        return "dot", lambda m, x: m.matmul(x, x), (x,), {}, False, None
    order = (*range(a.ndim - 2), a.ndim - 1, a.ndim - 2)
    step = lambda m, x, order: m.matmul(m.permute(x, order), x)  # noqa: E731
    return "gram", step, (x,), {"order": order}, False, None


def factors(draw: Any, size: int) -> tuple[int, ...]:
    """A shape of that many elements."""
    shape = []
    while size > 1:
        n = draw(st.sampled_from([n for n in range(2, size + 1) if size % n == 0]))
        shape.append(n)
        size //= n
    if size == 0:
        shape.append(0)
    for _ in range(draw(st.integers(0, 2))):
        shape.insert(draw(st.integers(0, len(shape))), 1)
    return tuple(shape)


def movement(draw: Any, pool: list[Array], x: int) -> Made | None:
    a = pool[x]
    name = draw(st.sampled_from(sorted(MOVES)))
    params = MOVES[name][1](draw, a)
    return None if params is None else (name, MOVES[name][0], (x,), params, True, None)


def new_shape(draw: Any, a: Array) -> dict[str, Any]:
    lead = tuple(draw(st.lists(st.sampled_from([1, 2]), max_size=1)))
    return {"shape": (*lead, *[2 if n == 1 and draw(st.booleans()) else n for n in a.shape])}


def single_axes(draw: Any, a: Array) -> dict[str, Any] | None:
    axes = [k for k, n in enumerate(a.shape) if n == 1]
    return {"axis": draw(st.sampled_from(axes))} if axes else None


def widths(draw: Any, a: Array) -> dict[str, Any] | None:
    pairs = tuple((draw(st.integers(-2, 2)), draw(st.integers(-2, 2))) for _ in a.shape)
    return {"widths": pairs} if all(n + p + q >= 0 for n, (p, q) in zip(a.shape, pairs, strict=True)) else None


MOVES: dict[str, tuple[Step, Callable[[Any, Array], dict[str, Any] | None]]] = {
    "reshape": (lambda m, x, shape: m.reshape(x, shape), lambda draw, a: {"shape": factors(draw, a.size)}),
    "permute": (
        lambda m, x, order: m.permute(x, order),
        lambda draw, a: {"order": tuple(draw(st.permutations(range(a.ndim))))},
    ),
    "broadcast_to": (lambda m, x, shape: m.broadcast_to(x, shape), new_shape),
    "flip": (
        lambda m, x, axis: m.flip(x, axis),
        lambda draw, a: {"axis": tuple(k for k in range(a.ndim) if draw(st.booleans()))},
    ),
    "pad": (lambda m, x, widths: m.pad(x, widths), widths),
    "squeeze": (lambda m, x, axis: m.squeeze(x, axis), single_axes),
    "expand_dims": (
        lambda m, x, axis: m.expand_dims(x, axis),
        lambda draw, a: {"axis": draw(st.integers(-a.ndim - 1, a.ndim))},
    ),
}


def joining(draw: Any, pool: list[Array], x: int) -> Made | None:
    a = pool[x]
    if draw(st.booleans()):
        y = fitting(draw, pool, lambda b: b.shape == a.shape)
        axis = draw(st.integers(-a.ndim - 1, a.ndim))
        return "stack", lambda m, x, y, axis: m.stack([x, y, x], axis), (x, y), {"axis": axis}, True, None
    if a.ndim == 0:
        return None
    axis = draw(st.integers(-a.ndim, a.ndim - 1))

    def fits(b: Array) -> bool:
        rest = [k for k in range(a.ndim) if k != axis % a.ndim]
        return b.ndim == a.ndim and all(a.shape[k] == b.shape[k] for k in rest)

    y = fitting(draw, pool, fits)
    return "concat", lambda m, x, y, axis: m.concat([x, y], axis), (x, y), {"axis": axis}, True, None


def keys(draw: Any, shape: tuple[int, ...]) -> Key:
    """A basic index: ints, slices with any step, None, Ellipsis."""
    entries: list[Any] = []
    for n in shape[: draw(st.integers(0, len(shape)))]:
        if n and draw(st.booleans()):
            entries.append(draw(st.integers(-n, n - 1)))
        else:
            bound = st.none() | st.integers(-n - 2, n + 2)
            step = draw(st.sampled_from([None, 1, 2, 3, -1, -2]))
            entries.append(slice(draw(bound), draw(bound), step))
    if draw(st.integers(0, 3)) == 0:
        entries.append(Ellipsis)
    if draw(st.integers(0, 3)) == 0:
        entries.insert(draw(st.integers(0, len(entries))), None)
    return tuple(entries)


def indexing(draw: Any, pool: list[Array], x: int) -> Made | None:
    a = pool[x]
    name = draw(st.sampled_from(["read", "read", "set", "number", "add", "rows", "best"]))
    if name == "rows":
        if a.ndim == 0 or a.shape[0] == 0:
            return None
        n = a.shape[0]
        index = np.array(draw(st.lists(st.integers(-n, n - 1), min_size=1, max_size=4)))
        return name, lambda m, x, index: m.rows(x, index), (x,), {"index": index}, True, None
    if name == "best":
        axes = [k for k, n in enumerate(a.shape) if n > 0]
        if not axes:
            return None
        axis = draw(st.sampled_from(axes))
        step = lambda m, x, axis: m.take_along(x, m.argmax(x, axis), axis)  # noqa: E731
        return name, step, (x,), {"axis": axis}, False, runner_up((axis,))
    key = keys(draw, a.shape)
    if name == "read":
        return name, lambda m, x, key: m.read(x, key), (x,), {"key": key}, True, None
    if name == "number":
        return name, lambda m, x, key: m.write(x, key, 0.25), (x,), {"key": key}, True, None
    part = a[key]

    def fits(b: Array) -> bool:
        return b.ndim <= part.ndim and np.broadcast_shapes(b.shape, part.shape) == part.shape

    candidates = [k for k, b in enumerate(pool) if broadcasts(part)(b) and fits(b)]
    if not candidates:
        return None
    y = draw(st.sampled_from(candidates))
    method = "write" if name == "set" else "add_at"
    step = lambda m, x, y, key: getattr(m, method)(x, key, y)  # noqa: E731
    return name, step, (x, y), {"key": key}, True, None


KINDS: dict[str, Kind] = {
    "elementwise": elementwise,
    "elementwise again": elementwise,
    "reduction": reduction,
    "product": product,
    "movement": movement,
    "joining": joining,
    "indexing": indexing,
}
