"""The table of Tenure's own calls against the run time: what changes, what comes back, and what it shares."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure.check.effects import tables
from tenure.check.effects.effect import Effect
from tenure.values.places.parts import Parts
from tests.bunches import bunches

MAKERS: dict[str, Callable[[], Any]] = {
    "value": lambda: tn.tensor([[0.5, -0.25], [0.75, 0.3]]),
    "var": lambda: tn.tensor([[0.5, -0.25], [0.75, 0.3]]).mut(),
    "borrow": lambda: tn.tensor([[0.5, -0.25], [0.75, 0.3]]).mut().data,
}
ARGUMENTS: list[Callable[[], Any]] = [
    lambda: tn.tensor([[2.0, 3.0], [0.5, 0.1]]),
    lambda: 0,
    lambda: 1,
    lambda: (2, 2),
    lambda: tn.float64,
    lambda: lambda g: g,
    lambda: True,
]
KINDS: dict[type, str] = {tn.Tensor: "value", tn.Var: "var", tn.Borrow: "borrow", np.ndarray: "ndarray", tuple: "tuple"}
OF_THE_RUN_TIME = {"chain", "of"}
UNCHANGED = {"frac_", "nan_to_num_"}
"""What leaves numbers below 1 as they are."""


def public(kind: str) -> list[str]:
    written = {n for n in tables._sections("tenure")["methods", kind] if n.startswith("__")}
    return sorted(n for n in {*dir(type(MAKERS[kind]())), *written} if not n.startswith("_") or n in written)


def tries() -> Iterator[list[Any]]:
    for count in range(3):
        for chosen in itertools.product(ARGUMENTS, repeat=count):
            yield [make() for make in chosen]


def kind_of(result: Any) -> str:
    return "tuple" if isinstance(result, Parts | tuple) else KINDS.get(type(result), "scalar")


def check_call(kind: str, name: str, effect: Effect, given: list[Any]) -> bool:
    """Whether the call wrote; everything else must be as the table says."""
    receiver = MAKERS[kind]()
    before = receiver.tolist()
    others = [g.tolist() if isinstance(g, tn.Tensor) else None for g in given]
    result = getattr(receiver, name)(*given)
    if result is NotImplemented:
        raise TypeError
    assert [g.tolist() if isinstance(g, tn.Tensor) else None for g in given] == others
    wrote = receiver.tolist() != before
    assert not wrote or effect.writes == ("0",)
    if effect.kind not in ("unknown", "iterator"):
        expected = kind if effect.kind == "same" or result is receiver else effect.kind
        assert kind_of(result) == expected or effect.role == "borrow"
    if effect.result == "owned" and isinstance(result, tn.Tensor | np.ndarray) and kind != "value":
        kept = str(result.tolist())  # NaN equals nothing
        receiver.fill_(7.0)
        assert str(result.tolist()) == kept, "shares what was written"
    if effect.result == "view":
        result.fill_(9.0)
        assert receiver.tolist() != before, "a window that does not write through"
    return wrote


CASES = [(kind, name) for kind in MAKERS for name in public(kind)]


@bunches("cases", CASES)
def test_methods(cases: list[tuple[Any, str]]) -> None:
    for kind, name in cases:
        try:
            check_method(kind, name)
        except AssertionError as error:
            error.add_note(f"{kind}.{name}")
            raise


def check_method(kind: Any, name: str) -> None:
    if not callable(getattr(type(MAKERS[kind]()), name, None)) or name in OF_THE_RUN_TIME or name == "at":
        return
    if (kind, name) == ("borrow", "__getitem__"):
        return  # a window for basic indices, a value for the others: tested below
    effect = tables.method(kind, name)
    if effect is None:
        assert name.startswith("__")
        return
    tn.manual_seed(2)
    called = wrote = False
    for given in tries():
        try:
            wrote |= check_call(kind, name, effect, given)
        except (tn.TenureError, TypeError, ValueError, AttributeError, IndexError):
            continue
        called = True
    if kind == "value" and effect.writes:
        assert not wrote, f"{name}: a value was written"
    elif effect.writes and called and name not in UNCHANGED:
        assert wrote, f"{name} claims to write, and never did"


def test_basic_indices_of_a_borrow_are_windows() -> None:
    effect = tables.method("borrow", "__getitem__")
    assert effect is not None and effect.result == "view"
    for index in (0, slice(1), (0, 1), ...):
        place = MAKERS["var"]()
        place.data[index].fill_(9.0)
        assert 9.0 in np.asarray(place)


@pytest.mark.parametrize("kind", MAKERS)
def test_attributes(kind: Any) -> None:
    for name in public(kind):
        if callable(getattr(type(MAKERS[kind]()), name, None)) or name in OF_THE_RUN_TIME | {"at"}:
            continue
        receiver = MAKERS[kind]()
        try:
            value = getattr(receiver, name)
        except (AttributeError, tn.TenureError):
            continue  # a name that only says what to write instead
        effect = tables.attribute(kind, name)
        assert effect is not None, name
        if effect.result == "owned" and isinstance(value, tn.Tensor):
            kept = value.tolist()
            if kind != "value":
                receiver.fill_(7.0)
            assert value.tolist() == kept
        if effect.result in ("view", "alias") and name == "data":
            value.fill_(7.0)
            assert receiver.tolist() == [[7.0, 7.0], [7.0, 7.0]]


def test_functions_give_values() -> None:
    x = tn.tensor([[0.5, -0.25], [0.75, 0.3]])
    for name in ("sin", "sum", "matmul", "concat", "reshape", "expand_dims", "where", "zeros_like", "detach"):
        effect = tables.function(f"tenure.{name}")
        assert effect is not None and (effect.result, effect.kind) == ("owned", "value")
    place = x.mut()
    for name, call in {"reshape": lambda v: tn.reshape(v, (4,)), "detach": tn.detach, "sin": tn.sin}.items():
        made = call(place)
        kept = made.tolist()
        place.fill_(3.0)
        assert type(made) is tn.Tensor and made.tolist() == kept, name


def test_leaves_are_places() -> None:
    for call in ("zeros", "ones", "rand", "tensor"):
        effect = tables.function(f"tenure.{call}")
        assert effect is not None
        argument: Any = [1.0] if call == "tensor" else 2
        for flag in (True, False):
            made = getattr(tn, call)(argument, requires_grad=flag)
            assert effect.given({"requires_grad": flag}).kind == kind_of(made), (call, flag)
    assert tables.function("tenure.nn.Parameter") == Effect(kind="var", parameters=("data", "requires_grad"))
    assert isinstance(tn.nn.Parameter(tn.ones(2)), tn.Var)
