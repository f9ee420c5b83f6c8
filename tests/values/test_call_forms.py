"""How functions and methods are called: names of arguments, numbers that a bool takes, and what errors say of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import tenure as tn

X, Y = tn.tensor([1.0, 2.0]), tn.tensor([3.0, 0.5])
PRIVATE = ("Arithmetic", "Shaping", "Boundary", "Writable", "AtIndex", "record()", "step()")


OWNERS = {"value": X, "place": X.mut(), "borrow": X.mut().data, "at": X.at, "update": X.at[0]}


def methods(of: Any) -> list[str]:
    routines = (name for name in dir(type(of)) if inspect.isroutine(inspect.getattr_static(type(of), name)))
    return [name for name in routines if not name.startswith("_")]


def check_refusal(call: Callable[[], Any], name: str) -> None:
    with pytest.raises((TypeError, ValueError, IndexError, tn.TenureError)) as caught:
        call()
    assert not any(private in str(caught.value) for private in PRIVATE), name


@pytest.mark.parametrize("kind", OWNERS)
def test_errors_name_no_private_class(kind: str) -> None:
    for name in methods(OWNERS[kind]):
        method = getattr(OWNERS[kind], name)
        check_refusal(lambda method=method: method(no_such_argument=1), name)  # type: ignore[misc]
        check_refusal(lambda method=method: method(*range(19), "a"), name)  # type: ignore[misc]  # sizes: any number


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "pow", "maximum", "minimum", "eq", "lt", "matmul"])
def test_the_second_operand_by_name(name: str) -> None:
    assert (getattr(X, name)(y=Y).numpy() == getattr(X, name)(Y).numpy()).all()


@pytest.mark.parametrize("name", ["max", "min"])
def test_the_extremum_of_two_tensors_is_another_function(name: str) -> None:
    for call in (lambda: getattr(tn, name)(X, Y), lambda: getattr(X, name)(Y), lambda: getattr(tn, name)(X, 0.5)):
        with pytest.raises(TypeError, match=rf"tn\.{name}imum\(x, y\)"):
            call()
    with pytest.raises(TypeError, match=r"write axis=1 or dim=1"):
        getattr(X, name)(1)


def test_spreads_take_one_tensor() -> None:
    for function in (tn.var, tn.std, X.var, X.std):
        with pytest.raises(TypeError) as caught:
            function(*([X] if function in (tn.var, tn.std) else []), Y)
        assert "tensor(" not in str(caught.value)


WRITES: dict[str, Any] = {
    "fill_": lambda p, v: p.fill_(v),
    "copy_": lambda p, v: p.copy_(v),
    "index": lambda p, v: p.__setitem__(0, v),
    "slice": lambda p, v: p.__setitem__(slice(1, None), v),
    "all": lambda p, v: p.__setitem__(..., v),
    "list": lambda p, v: p.__setitem__([0, 2], v),
    "mask": lambda p, v: p.__setitem__([True, False, True], v),
    "masked_fill_": lambda p, v: p.masked_fill_(tn.tensor([True, True, False]), v),
    "index_fill_": lambda p, v: p.index_fill_(0, tn.tensor([1]), v),
    "scatter_": lambda p, v: p.scatter_(0, tn.tensor([2]), v),
    "scatter_ value": lambda p, v: p.scatter_(0, tn.tensor([2]), value=v),
    "at": lambda p, v: p.copy_(p.value.at[1].set(v)),
    "put": lambda p, v: p.copy_(tn.put_along_axis(p, tn.tensor([1]), v, 0)),
    "part": lambda p, v: p.data[1:].fill_(v),
}


@pytest.mark.parametrize("write", [pytest.param(f, id=name) for name, f in WRITES.items()])
def test_a_place_of_bools_takes_0_and_1(write: Any) -> None:
    for v in (0, 1):
        start = tn.tensor([True, False, True])
        found, expected = start.mut(), start.mut()
        write(found, v)
        write(expected, bool(v))
        assert found.dtype is tn.bool
        assert found.numpy().tolist() == expected.numpy().tolist()
    place = tn.tensor([True, False, True]).mut()
    for v in (2, -1, 1.0):
        with pytest.raises(tn.DTypeError, match="place of bool"):
            write(place, v)
    assert place.numpy().tolist() == [True, False, True]


def test_zero() -> None:
    place = tn.tensor([True, False]).mut()
    assert place.zero_().numpy().tolist() == [False, False]
