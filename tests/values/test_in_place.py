"""Every method that writes a place gives what its form without the underscore gives, whatever its arguments.

The methods and their parameters are read off the classes: a new method is tested by being declared, and one with a
parameter of a new name fails here until ``ARGUMENTS`` says what to call it with.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import tenure as tn

SHAPE = (3, 4)
DTYPES = ("float32", "float64", "int32", "int64", "uint8", "bool")
WRITERS = {n for n in dir(tn.Var) if n[0] != "_" and n.endswith("_") and callable(getattr(tn.Var, n))}
ALONE = {"copy_", "fill_", "zero_", "set_", "uniform_", "normal_", "requires_grad_"}
ALONE |= {"bernoulli_", "cauchy_", "exponential_", "geometric_", "log_normal_", "random_", "shuffle_", "fill_diagonal_"}
"""Those without a form that gives a value; the value's ``bernoulli`` is of the probabilities that it holds."""
METHODS = sorted(n for n in WRITERS - ALONE if callable(getattr(tn.Tensor, n[:-1], None)))
OPERATORS = sorted(n for n in dir(tn.Var) if n.startswith("__i") and hasattr(tn.Tensor, f"__r{n[3:]}"))
INDEXED = sorted(n for n in vars(type(tn.zeros(1).at[0])) if n[0] != "_")
Call = tuple[tuple[Any, ...], dict[str, Any]]


def filled(dtype: str, seed: int, shape: tuple[int, ...] = SHAPE) -> tn.Tensor:
    """Numbers between ½ and 2 (1 to 4 where they are whole)."""
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return tn.tensor(rng.integers(0, 2, shape).astype(bool))
    if "int" in dtype:
        return tn.tensor(rng.integers(1, 5, shape).astype(dtype))
    return tn.tensor(rng.uniform(0.5, 2.0, shape).astype(dtype))


def spots(shape: tuple[int, ...]) -> tn.Tensor:
    return tn.tensor(np.random.default_rng(5).integers(0, 3, shape))


def operands(name: str, dtype: str) -> list[Any]:
    """Tensors that broadcast, and numbers of each kind."""
    last = filled(dtype, 2, SHAPE[-1:])
    return [filled(dtype, 1), last, {"b": True, "i": 3, "u": 3, "f": 1.5}[last.dtype.kind]]


ARGUMENTS: dict[str, Any] = {
    **dict.fromkeys(("x", "y", "min", "max", "end", "a", "b"), operands),
    "weight": lambda name, dtype: [0.25, filled(dtype, 3)],
    "alpha": lambda name, dtype: [2, 1, 0.5],
    "value": lambda name, dtype: [*operands(name, dtype)[2:], 2, 1, 0] if name == "index_fill" else [0, 1, 2, 0.5],
    "dim": lambda name, dtype: [0, 1, -1],
    "axis": lambda name, dtype: [None, 0, -1],
    "dtype": lambda name, dtype: [None, tn.float64, tn.int64],
    "index": lambda name, dtype: [tn.tensor([2, 0, 2])] if name.startswith("index") else [spots((3, 3)), spots((3, 4))],
    "source": lambda name, dtype: [filled(dtype, 4, (3, 4)), filled(dtype, 4, (3, 3))],
    "src": lambda name, dtype: [filled(dtype, 4, (3, 3)), 2],
    "mask": lambda name, dtype: [filled("bool", 6), filled("bool", 6, SHAPE[-1:])],
    "reduce": lambda name, dtype: ["sum", "prod", "amax", "amin", "mean", "add", "multiply"],
    "include_self": lambda name, dtype: [True, False],
    "indices": lambda name, dtype: [(tn.tensor([2, 0, 2]), tn.tensor([1, 1, 0])), (None, tn.tensor([3, 0]))],
    "values": lambda name, dtype: [filled(dtype, 7, ()), operands(name, dtype)[2]],
    "accumulate": lambda name, dtype: [False, True],
    "rounding_mode": lambda name, dtype: [None, "floor", "trunc"],
    "decimals": lambda name, dtype: [0, 1, -1],
    "eps": lambda name, dtype: [0.25, None],
    "p": lambda name, dtype: [1, 2],
    "maxnorm": lambda name, dtype: [1.0, 2],
    "n": lambda name, dtype: [0, 1, 2],
    **dict.fromkeys(("nan", "posinf", "neginf"), lambda name, dtype: [1.0, None]),
    **dict.fromkeys(("diagonal", "k"), lambda name, dtype: [0, 2, -1]),
}
"""For each name of a parameter what to try, given the method and the dtype of the place."""


def calls(name: str, dtype: str) -> Iterator[Call]:
    """Calls of a method: every argument in each of its values, by position where that goes and by name."""
    _, *parameters = inspect.signature(getattr(tn.Tensor, name)).parameters.values()
    given = {p.name: ARGUMENTS[p.name](name, dtype) for p in parameters}
    needed = [p.name for p in parameters if p.default is p.empty]
    seen = [frozenset((k, 0) for k in needed)]
    for p in parameters:
        for k, _ in enumerate(given[p.name]):
            for other in parameters:
                choice = {**dict.fromkeys(needed, 0), p.name: k}
                if other.default is not other.empty:
                    choice.setdefault(other.name, 0)
                seen.append(frozenset(choice.items()))
    for chosen in sorted(set(seen), key=sorted):
        values = {key: given[key][k] for key, k in chosen}
        yield (), values
        places, keywords = [], dict(values)
        for p in parameters:
            if p.kind is p.KEYWORD_ONLY or p.name not in keywords:
                break
            places.append(keywords.pop(p.name))
        yield tuple(places), keywords


def outcome(function: Any, call: Call) -> Any:
    """What a call gives, or its error: the class, and the message without the function's name."""
    try:
        return function(*call[0], **call[1])
    except (TypeError, ValueError, IndexError, tn.TenureError) as error:
        return type(error), str(error).split("()")[-1]


def fits(value: Any, x: Any) -> bool:
    """Whether a place like x takes a value: of its shape, and of a dtype that promotion takes to its own."""
    return bool(value.shape == x.shape and tn.can_cast(value.dtype, x.dtype))


def keeps_the_law(x: tn.Tensor, name: str, call: Call, make: Any) -> bool:
    """A place after ``name_`` holds what ``name`` gives, or the call is refused alike; whether it was written."""
    value = outcome(getattr(x, name), call)
    place = make(x)
    done = outcome(getattr(place, f"{name}_"), call)
    if isinstance(value, tuple):
        assert done == value
    elif not fits(value, x):
        assert done[0] in (tn.DTypeError, tn.ShapeError), "shape and dtype of a place never change"
    else:
        assert done is place
        assert (place.dtype, place.shape) == (x.dtype, x.shape)
        assert_array_equal(place.numpy(), value.numpy())
        return True
    assert_array_equal(place.numpy(), x.numpy())
    return False


def test_all_methods_are_known() -> None:
    """No method that writes is left out: it is one of the above, or stands alone."""
    assert WRITERS - set(METHODS) == ALONE
    assert len(METHODS) >= 40


@pytest.mark.parametrize("name", METHODS)
def test_a_place_takes_what_the_value_would_be(name: str) -> None:
    written = sum(
        keeps_the_law(filled(dtype, 0), name[:-1], call, tn.Tensor.mut)
        for dtype in DTYPES
        for call in calls(name[:-1], dtype)
    )
    assert written


@pytest.mark.parametrize("name", METHODS)
def test_a_borrow_writes_the_same(name: str) -> None:
    for call in calls(name[:-1], "float32"):
        keeps_the_law(filled("float32", 0), name[:-1], call, lambda x: x.mut().data)


@pytest.mark.parametrize("name", METHODS)
def test_gradients_are_the_same(name: str) -> None:
    """Of what the place held, and of every argument."""
    for args, keywords in calls(name[:-1], "float64"):
        found = []
        for write in (False, True):
            leaves = {k: tn.Var(v, requires_grad=True) for k, v in named(args, keywords) if floats(v)}
            w = tn.Var(filled("float64", 0), requires_grad=True)
            at = [leaves.get(str(k), v) for k, v in enumerate(args)]
            by = {k: leaves.get(k, v) for k, v in keywords.items()}
            x = w * 1.0
            place = x.mut() if write else x
            try:
                out = getattr(place, name if write else name[:-1])(*at, **by)
            except (tn.TenureError, TypeError):
                break
            if not out.requires_grad:
                break
            (out * filled("float64", 7)).sum().backward()
            found.append([None if v.grad is None else v.grad.numpy() for v in (w, *leaves.values())])
        for g, h in zip(*found, strict=True) if len(found) == 2 else ():
            assert (g is None) is (h is None)
            if g is not None:
                assert_array_equal(g, h)


def named(args: tuple[Any, ...], keywords: dict[str, Any]) -> list[tuple[str, Any]]:
    return [*((str(k), v) for k, v in enumerate(args)), *keywords.items()]


def floats(v: Any) -> bool:
    return isinstance(v, tn.Tensor) and v.dtype.is_floating


@pytest.mark.parametrize("name", METHODS)
def test_wrong_arguments_are_refused_alike(name: str) -> None:
    """One too many, one of no such name, none at all: as the form that gives a value refuses them."""
    x, first = filled("float32", 0), next(calls(name[:-1], "float32"))
    for call in ((first[0], {**first[1], "no_such": 1}), ((*first[0], 1, 2, 3, 4, 5, 6, 7), first[1]), ((), {})):
        value = outcome(getattr(x, name[:-1]), call)
        if isinstance(value, tuple):
            assert outcome(getattr(x.mut(), name), call) == value
        else:
            assert call == ((), {})


@pytest.mark.parametrize("name", OPERATORS)
def test_augmented_operators(name: str) -> None:
    function, plain = getattr(operator, name.strip("_")), getattr(tn.Tensor, f"__{name[3:]}")
    for dtype in DTYPES:
        for y in [*operands(name, dtype), 2, 0.5, True, filled("float32", 1, (4, 4))]:
            x = filled(dtype, 0)
            value, place = outcome(plain, ((x, y), {})), x.mut()
            done = outcome(function, ((place, y), {}))
            if isinstance(value, tuple):
                assert done == value
            elif not fits(value, x):
                assert done[0] in (tn.DTypeError, tn.ShapeError)
                assert_array_equal(place.numpy(), x.numpy())
            else:
                assert done is place
                assert_array_equal(place.numpy(), value.numpy())


KEYS = (1, -1, slice(None, None, 2), (slice(None), 1), [2, 0], (..., [3, 1]), np.array([True, False, True]), (None, 1))
COMBINED: dict[str, Any] = {
    "set": lambda x, v: v,
    "add": operator.add,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "min": np.minimum,
    "max": np.maximum,
}


@pytest.mark.parametrize("name", INDEXED)
def test_indexed_updates(name: str) -> None:
    """``x.at[i].name(v)`` is x after ``x[i] = name(x[i], v)`` in NumPy, v by position and by name."""
    x = filled("float64", 0)
    for key in KEYS:
        if name == "get":
            assert_array_equal(x.at[key].get().numpy(), x.numpy()[key])
            continue
        if name == "apply":
            assert_array_equal(x.at[key].apply(lambda u: u * 3).numpy(), x.at[key].multiply(3.0).numpy())
            continue
        for v in (1.25, filled("float64", 1, SHAPE[-1:]) if x[key].shape[-1:] == (4,) else 0.75):
            expected = x.numpy().copy()
            expected[key] = COMBINED[name](expected[key], np.asarray(v))
            for out in (getattr(x.at[key], name)(v), getattr(x.at[key], name)(v=v)):
                np.testing.assert_allclose(out.numpy(), expected, rtol=1e-15)


def test_alpha_scales_the_source() -> None:
    """The example: PyTorch's ``index_add_(dim, index, source, alpha=a)`` adds a · source."""
    x = tn.zeros(3, 2).mut()
    x.index_add_(0, tn.tensor([2, 0]), tn.ones(2, 2), alpha=3)
    assert x.numpy().tolist() == [[3, 3], [0, 0], [3, 3]]
    assert tn.tensor([1.0]).mut().sub_(tn.tensor([2.0]), alpha=4).numpy().tolist() == [-7]
    assert tn.add(tn.tensor([1, 2]), 3, alpha=2).numpy().tolist() == [7, 8]
