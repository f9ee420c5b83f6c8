"""Templates: what is copied is what would have been emitted, whatever is in the builder already."""

from __future__ import annotations

from array import array
from types import SimpleNamespace
from typing import Any

import pytest

import tenure.ops  # noqa: F401  (fills the table)
from tenure.dtypes import float32, int64
from tenure.errors import ShapeError
from tenure.ir import likes
from tenure.ir.applications import Application, applied
from tenure.ir.aval import Aval
from tenure.ir.program import TABLE, Builder, Value
from tenure.ir.templates import Opaque, Recipe, Symbols, recipe
from tenure.ops.contract import product
from tenure.ops.promote import stop
from tenure.ops.selection import settled

X = Aval((3, 3), float32)
LISTS = ("avals", "applications", "operands", "origins", "tracked", "depths", "blocks", "consts")


def scaled(x: Value, y: Value) -> tuple[Value, ...]:
    """An operand, a shared constant and sums as results."""
    half = x.coerce(0.5)
    return x, half, x * half + stop(y) * 2, product(x, y)


FUNCTIONS: list[Any] = [scaled, lambda x, y: settled(x), lambda x, y: (y, TABLE["sin"](x))]


def contents(laid: bool, function: Any, number: int) -> Any:
    """All that a builder holds after a function was applied twice: laid from its template, or called."""
    b = Builder()
    x, y = b.input(X, tracked=bool(number & 1)), b.input(X, tracked=bool(number & 2))
    b.tracking, b.origin = not number & 4, 7
    if number & 8:
        b.depths[y.id] = 2
    if number & 16:
        b.begin_block()
    if number & 32:
        b.constant(2, float32)
    out = []
    for operands in ((x, y), (y, y)):
        if laid:
            out += recipe(function, (), (X, X)).lay(b, [v.id for v in operands])
        else:
            ans = function(*operands)
            out += [v.id for v in (ans if isinstance(ans, tuple) else (ans,))]
    return out, [getattr(b, name) for name in LISTS]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("number", range(64))
def test_a_template_gives_what_the_function_emits(function: Any, number: int) -> None:
    assert contents(True, function, number) == contents(False, function, number)


def test_a_function_that_looks_behind_its_operands_has_no_template() -> None:
    assert recipe(settled, (), (X,)).template((True, True)) is None
    with pytest.raises(Opaque):
        Symbols((X,), (True, False)).made(0)


def test_the_type_of_a_parameter_tells_recipes_apart() -> None:
    found = [Recipe(recipe, (("n", n),), ()) for n in (1,)]
    assert recipe(recipe, found[0].params, ()) is recipe(recipe, (("n", 1),), ())
    assert [type(recipe(recipe, (("n", n),), ()).params[0][1]) for n in (True, 1, 1.0)] == [bool, int, float]
    assert str(recipe(recipe, (("n", -0.0),), ()).params) != str(recipe(recipe, (("n", 0.0),), ()).params)


def test_an_application_is_one_object() -> None:
    full = TABLE["full"]
    kinds = [{"shape": (), "value": v, "dtype": float32} for v in (1, 1.0, True, 0.0, -0.0, -1, -2)]
    assert len({id(applied(full, params, ())) for params in kinds}) == len(kinds)
    turned = applied(full, dict(reversed(kinds[0].items())), ())
    assert applied(full, kinds[0], ()) is applied(full, dict(kinds[0]), ()) == turned != applied(full, kinds[1], ())
    assert list(turned.params) == ["dtype", "value", "shape"]
    with pytest.raises(ShapeError):
        applied(TABLE["add"], {}, (X, Aval((2, 3), float32)))
    assert applied(TABLE["cast"], {"dtype": int64}, (X,)).aval == Aval((3, 3), int64)


def test_tables_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    table = likes.Bounded()
    monkeypatch.setattr(likes, "MOST", 4)
    for k in range(9):
        assert table.keep(k, str(k)) == table[k] == str(k)
    assert list(table) == [8] and table.keep(8, "other") == "8"
    monkeypatch.setattr(likes.Made, "filled", [])
    monkeypatch.setattr(likes.Made, "left", array("q", [4]))
    kins = [likes.Kin() for _ in range(3)]
    made = [SimpleNamespace(rules={"of": k}) for k in range(30)]
    for k, at in enumerate(made):
        assert kins[k % 3].made.keep((k,), at) is at
        assert sum([len(kin.made) for kin in kins]) <= 4
    assert sum([bool(at.rules) for at in made]) <= 4, "what may lead back to an application outlives its table"


def test_operations_that_differ_in_parameters_alone_are_told_apart_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compared, alike = [], Application.__eq__

    def counting(self: Application, other: object) -> bool:
        compared.append(other)
        return alike(self, other)

    monkeypatch.setattr(Application, "__eq__", counting)
    n, row = 500, Aval((1000,), float32)
    known = {applied(TABLE["pad"], {"widths": ((-k, 0),)}, (row,)): k for k in range(n)}
    again = [Application(TABLE["pad"], {"widths": ((-k, 0),)}, (row,), Aval((1000 - k,), float32)) for k in range(n)]
    assert [known[at] for at in again] == list(range(n))
    assert len(compared) <= 2 * n
