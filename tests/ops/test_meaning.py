"""The meaning of every primitive against a second one, in special values and small examples too."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tenure.dtypes import BFLOAT16, DTYPES, DType, finfo, float32, float64, int8, int32, int64
from tenure.errors import TenureError
from tenure.interp.interp import Poison, interpret
from tenure.ir.program import TABLE
from tenure.ops.convert import converted, widened
from tests.ops.meaning import CLOSE, EXACT, elementwise, power, short_power
from tests.ops.programs import Array, applied, build, cut, value
from tests.ops.test_table import CLAIMED, cases, meaning
from tests.traits import PLAIN, cancels, sampled


def one_by_one(name: str) -> Any:
    """The meaning of a plain elementwise primitive, each element computed alone."""

    def over(*xs: Array) -> Array:
        wide = np.broadcast_arrays(*xs)
        with np.errstate(all="ignore"):
            found = [np.asarray(TABLE[name].ref(np, *[w[i] for w in wide])) for i in np.ndindex(wide[0].shape)]
        return np.array(found, TABLE[name].ref(np, *[x[..., None][:0] for x in wide]).dtype).reshape(wide[0].shape)

    return over


MEANING = {name: one_by_one(name) for name in PLAIN} | EXACT | CLOSE
"""What a primitive is compared with: plain Python where ``meaning`` has it, else its own meaning of single elements."""
each = pytest.mark.parametrize(
    ("name", "dtype"), [(n, d) for n, d in CLAIMED if n in MEANING], ids=lambda p: getattr(p, "name", p)
)


def same(found: Array, wanted: Array, ulps: float = 0) -> None:
    """Equal in shape, dtype, NaNs, infinities and signs of zeros; else within units in the last place."""
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
    if found.dtype == BFLOAT16:
        found, wanted = widened(np, found), widened(np, wanted)
    if found.dtype.kind != "f" or ulps == 0:
        assert_array_equal(found, wanted)
    if found.dtype.kind != "f":
        return
    zero = (found == 0) & (wanted == 0)
    assert_array_equal(np.signbit(found)[zero], np.signbit(wanted)[zero])
    finite = np.isfinite(found) & np.isfinite(wanted)
    assert_array_equal(found[~finite], wanted[~finite])
    with np.errstate(all="ignore"):
        error = np.abs(found[finite] - wanted[finite])
        unit = np.spacing(np.abs(wanted[finite]) / 2)
    assert np.all(error <= 2 * ulps * unit), (found, wanted)


def test_second_meanings_are_of_primitives() -> None:
    assert set(MEANING) <= set(TABLE) and not set(EXACT) & set(CLOSE)


@each
def test_the_meaning_is_that_of_plain_python(name: str, dtype: DType) -> None:
    for prim, xs, params in cases(name, dtype):
        wanted = MEANING[name](*xs, **params)
        found = meaning(prim, xs, params)
        if name in EXACT:
            same(found, wanted)
        elif cancels(prim) and dtype.kind == "f":
            sizes = MEANING[name](*[np.abs(x) for x in xs], **params)  # where terms cancel, their sizes count
            assert found.shape == wanted.shape and found.dtype == wanted.dtype
            assert (np.abs(found - wanted) <= 4 * np.finfo(wanted.dtype).eps * sizes).all()
        else:
            same(found + 0, wanted + 0, 4.0 if name in PLAIN else 64.0)


FLOATS = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 3.0, -3.0, 0.1, 700.0, -800.0]


def specials(dtype: DType) -> list[Any]:
    """Where elementwise functions go wrong."""
    if dtype.kind == "b":
        return [False, True]
    if dtype.kind in "iu":
        least, most = dtype.range
        return [least, least + 1, *range(-3 if least else 2, 4), 31, most - 1, most]
    info = finfo(dtype)
    numbers = [*FLOATS, info.max, -info.max, info.tiny, -info.tiny, info.tiny * info.eps, info.eps]
    return [complex(x, y) for x, y in pairwise(numbers)] if dtype.is_complex else numbers


def array(values: Any, dtype: DType) -> Array:
    """Numbers in a dtype."""
    with np.errstate(all="ignore"):
        return converted(np, np.array(values), dtype) if dtype.kind == "h" else np.array(values, dtype.numpy)


HARD = [(n, d) for n, d in CLAIMED if n in PLAIN]


@pytest.mark.parametrize(("name", "dtype"), HARD, ids=lambda p: getattr(p, "name", p))
def test_special_values(name: str, dtype: DType) -> None:
    rows = list(product(specials(dtype), repeat=PLAIN[name]))
    limit = TABLE[name].traits.limit
    if limit is not None and limit.concerns(dtype.kind):
        rows = [row for row in rows if limit.admits(row[limit.operand])]
    xs = [array(column, dtype) for column in zip(*rows, strict=True)]
    found, wanted = value(applied(TABLE[name], {}), xs), MEANING[name](*xs)
    if name in ("maximum", "minimum"):  # of two zeros, either
        found, wanted = found + 0, wanted + 0
    same(found, wanted, 0 if name in EXACT else 4)


@pytest.mark.parametrize("name", [n for n, operands in PLAIN.items() if operands == 2])
def test_special_values_beside_a_scalar(name: str) -> None:
    for dtype in sampled(TABLE[name]):
        x = np.array(specials(dtype), dtype.numpy)
        for number in specials(dtype):
            y = np.array(number, dtype.numpy)
            limit = TABLE[name].traits.limit
            if limit is not None and limit.concerns(dtype.kind) and not limit.admits(number):
                continue
            if name == "power" and number in (2.0, 3.0, 0.5, -1.0):
                continue
            found, wanted = value(applied(TABLE[name], {}), [x, y]), MEANING[name](x, y)
            if name in ("maximum", "minimum"):
                found, wanted = found + 0, wanted + 0
            same(found, wanted, 0 if name in EXACT else 4)


@pytest.mark.parametrize("exponent", [1.0, 2.0, 3.0, 0.5, -1.0])
@pytest.mark.parametrize("dtype", [float32, float64])
def test_short_powers_are_products_and_roots(exponent: float, dtype: DType) -> None:
    x = np.array([v for v in specials(dtype) if dtype is float64 or exponent != 3.0 or abs(v) < 1e3], dtype.numpy)
    y = np.array(exponent, dtype.numpy)
    same(value(applied(TABLE["power"], {}), [x, y]), elementwise(short_power)(x, y), exponent == 3.0)
    assert value(applied(TABLE["power"], {}), [x[5], y]).shape == ()
    usual = elementwise(power)(x, y)
    finite = np.isfinite(usual) & (x != 0)
    same(value(applied(TABLE["power"], {}), [x[finite], y]), usual[finite], 2)


@pytest.mark.parametrize("name", [n for n, operands in PLAIN.items() if operands == 2])
def test_empty_and_scalar_shapes_broadcast(name: str) -> None:
    for dtype in sampled(TABLE[name]):
        for one, other in [
            ((), ()),
            ((0,), ()),
            ((0,), (1,)),
            ((2, 0), (1, 1)),
            ((1,), (3,)),
            ((4, 1), (1, 3)),
        ]:
            x, y = np.ones(one, dtype.numpy), np.ones(other, dtype.numpy)
            for xs in ([x, y], [y, x]):
                same(value(applied(TABLE[name], {}), xs), MEANING[name](*xs))


CASTS = [(a, b) for a in DTYPES for b in DTYPES]


@pytest.mark.parametrize(("start", "end"), CASTS, ids=lambda d: d.name)
def test_casts(start: DType, end: DType) -> None:
    values = specials(start)
    if end.kind in "iu" and start.has_gradient:  # C leaves what does not fit undefined
        values = [v for v in values if np.isfinite(v) and end.range[0] <= int(v.real) <= end.range[1]]
    x = array(values, start)
    same(value(applied(TABLE["cast"], {"dtype": end}), [x]), MEANING["cast"](x, dtype=end))


@pytest.mark.parametrize("dtype", [int8, int32, int64])
def test_whole_numbers_have_no_negative_powers(dtype: DType) -> None:
    b, inputs = build([np.array([2, 3], dtype.numpy), np.array(-1, dtype.numpy)])
    program = cut(b, inputs, [b.emit(TABLE["power"], inputs, {})])
    (found,) = interpret(program)([np.array([2, 3], dtype.numpy), np.array(-1, dtype.numpy)])
    assert isinstance(found, Poison) and isinstance(found.error, TenureError)
    assert "power -1" in str(found.error)


def rows(ndim: int) -> dict[str, Any]:
    """The parameters of an index array along the first axis."""
    return {"spec": ("a", *[":"] * (ndim - 1)), "at": 0, "unique": False}


NAN = float("nan")
I = int64.numpy.type  # noqa: E741
EXAMPLES: list[tuple[str, list[Any], dict[str, Any], Any]] = [
    ("reduce_sum", [[[1.0, 2.0], [3.0, 4.0]]], {"axes": (0,)}, [4.0, 6.0]),
    ("reduce_sum", [[[1.0, 2.0], [3.0, 4.0]]], {"axes": (1,)}, [3.0, 7.0]),
    ("reduce_sum", [[np.inf, -np.inf]], {"axes": (0,)}, NAN),
    ("reduce_sum", [[2**63 - 1, 1]], {"axes": (0,)}, -(2**63)),
    ("reduce_max", [[[1.0, NAN], [3.0, 2.0]]], {"axes": (1,)}, [NAN, 3.0]),
    ("reduce_max", [[[1.0, NAN], [3.0, 2.0]]], {"axes": (0,)}, [3.0, NAN]),
    ("reduce_max", [[-np.inf, -np.inf]], {"axes": (0,)}, -np.inf),
    ("reduce_max", [[[False, True], [False, False]]], {"axes": (1,)}, [True, False]),
    ("reduce_min", [[1.0, NAN]], {"axes": (0,)}, NAN),
    ("reduce_min", [[np.inf, 2.0]], {"axes": (0,)}, 2.0),
    ("reduce_min", [[[False, True], [True, True]]], {"axes": (1,)}, [False, True]),
    ("argmax", [[2.0, 5.0, 5.0]], {"axis": 0}, 1),
    ("argmax", [[2.0, NAN, 7.0, NAN]], {"axis": 0}, 1),
    ("argmin", [[[2, 1, 1], [0, 5, 0]]], {"axis": 1}, [1, 0]),
    ("reshape", [[[1, 2, 3], [4, 5, 6]]], {"shape": (3, 2)}, [[1, 2], [3, 4], [5, 6]]),
    ("permute", [[[1, 2, 3], [4, 5, 6]]], {"order": (1, 0)}, [[1, 4], [2, 5], [3, 6]]),
    ("permute", [[[[1, 2]], [[3, 4]]]], {"order": (2, 0, 1)}, [[[1], [3]], [[2], [4]]]),
    ("broadcast_to", [[[1], [2]]], {"shape": (2, 2, 2)}, [[[1, 1], [2, 2]], [[1, 1], [2, 2]]]),
    ("concat", [[1, 2], [3], [4]], {"axis": 0}, [1, 2, 3, 4]),
    ("concat", [[[1], [2]], [[3, 4], [5, 6]]], {"axis": 1}, [[1, 3, 4], [2, 5, 6]]),
    ("pad", [[1, 2, 3]], {"widths": ((2, 1),)}, [0, 0, 1, 2, 3, 0]),
    ("pad", [[1, 2, 3]], {"widths": ((-1, 0),)}, [2, 3]),
    ("pad", [[1, 2, 3]], {"widths": ((1, -2),)}, [0, 1]),
    ("pad", [[1, 2, 3]], {"widths": ((-5, 4),)}, [0, 0]),
    ("pad", [[1, 2, 3]], {"widths": ((-2, -1),)}, []),
    ("pad", [[True]], {"widths": ((1, 1),)}, [False, True, False]),
    ("flip", [[[1, 2], [3, 4]]], {"axes": (0,)}, [[3, 4], [1, 2]]),
    ("flip", [[[1, 2], [3, 4]]], {"axes": (1,)}, [[2, 1], [4, 3]]),
    ("flip", [[1, 2]], {"axes": ()}, [1, 2]),
    ("matmul", [[[1, 2], [3, 4]], [[5], [6]]], {}, [[17], [39]]),
    ("matmul", [[[[1, 2]], [[3, 4]]], [[5], [6]]], {}, [[[17]], [[39]]]),
    ("matmul_transposed", [[[1, 2], [3, 4]], [[5, 6]]], {}, [[17], [39]]),
    ("getitem", [[10, 11, 12], I(2)], {"spec": ("i",)}, 12),
    ("getitem", [[10, 11, 12, 13, 14], I(4)], {"spec": ((3, -2),)}, [14, 12, 10]),
    ("getitem", [[10, 11, 12, 13, 14], I(1)], {"spec": ((2, 3),)}, [11, 14]),
    ("getitem", [[10, 11, 12], I(3)], {"spec": ((0, 1),)}, []),
    ("getitem", [[[1, 2], [3, 4]], I(1)], {"spec": (":", "+", "i")}, [[2], [4]]),
    ("setitem", [[0, 0, 0, 0], [7, 8], I(3)], {"spec": ((2, -3),)}, [8, 0, 0, 7]),
    ("setitem", [[[0, 0], [0, 0]], [1, 2], I(0)], {"spec": (":", "i")}, [[1, 0], [2, 0]]),
    ("additem", [[1, 1, 1], [5, 6], I(1)], {"spec": ((2, 1),)}, [1, 6, 7]),
    ("gather", [[[1, 2], [3, 4]], [1, -1, 0]], rows(2), [[3, 4], [3, 4], [1, 2]]),
    ("gather", [[10, 20, 30], [[0, 1], [2, -3]]], rows(1), [[10, 20], [30, 10]]),
    ("gather", [[[1, 2], [3, 4]], [0, 1], [1, 0]], {"spec": ("a", "a"), "at": 0, "unique": False}, [2, 3]),
    ("gather", [[[1, 2], [3, 4]], [1, 1, 0]], {"spec": (":", "a"), "at": 0, "unique": False}, [[2, 4], [2, 4], [1, 3]]),
    ("scatter", [[0, 0, 0], [1, 2, 4, 8], [1, 1, -1, 0]], rows(1), [8, 2, 4]),
    ("scatter_add", [[0, 0, 0], [1, 2, 4, 8], [1, 1, -1, 0]], rows(1), [8, 3, 4]),
    ("scatter_add", [[[0, 0], [0, 0]], [[1, 2], [3, 4]], [1, 1]], rows(2), [[0, 0], [4, 6]]),
    ("scatter_multiply", [[3, 5, 7], [2, 4, 6], [1, 1, 0]], rows(1), [18, 40, 7]),
    ("scatter_max", [[3, 5, 7], [2, 9, 8], [1, 1, -1]], rows(1), [3, 9, 8]),
    ("scatter_min", [[3, 5, 7], [2, 4, 8], [1, 1, 2]], rows(1), [3, 2, 7]),
    ("survives", [[0, 2, -3, 1, 2]], {"sizes": (3,)}, [False, False, True, True, True]),
    ("take_along", [[[1, 2, 3], [4, 5, 6]], [[2, -1], [0, 0]]], {}, [[3, 3], [4, 4]]),
    ("add_along", [[[0, 0], [0, 0]], [[1, 2], [4, 8]], [[0, 0], [-1, 0]]], {}, [[3, 0], [8, 4]]),
    ("where", [[True, False], [1.0, NAN], [NAN, 2.0]], {}, [1.0, 2.0]),
    ("full", [], {"shape": (2,), "value": -0.0, "dtype": float64}, [-0.0, -0.0]),
    ("full", [], {"shape": (), "value": NAN, "dtype": float64}, NAN),
    ("iota", [], {"length": 3, "dtype": int64}, [0, 1, 2]),
]


@pytest.mark.parametrize(("name", "operands", "params", "wanted"), EXAMPLES)
def test_examples(name: str, operands: list[Any], params: dict[str, Any], wanted: Any) -> None:
    xs = [np.array(x) for x in operands]
    found = value(applied(TABLE[name], params), xs)
    expected = np.array(wanted, found.dtype)
    assert found.shape == expected.shape
    assert_array_equal(found, expected)
    second = MEANING[name](*xs, **params)
    assert_array_equal(second, expected)


OUTSIDE = [
    ("gather", [np.zeros(3), np.array([0, 3])], rows(1), "index 3 is out of range for axis 0 of size 3"),
    ("gather", [np.zeros(3), np.array(-4)], rows(1), "index -4 is out of range for axis 0 of size 3"),
    ("gather", [np.zeros((0, 2)), np.array([0])], rows(2), "index 0 is out of range for axis 0 of size 0"),
    (
        "scatter_add",
        [np.zeros(3), np.zeros(1), np.array([5])],
        rows(1),
        "index 5 is out of range for axis 0 of size 3",
    ),
    ("take_along", [np.zeros((1, 2)), np.array([[2]])], {}, "index 2 is out of range for axis 1 of size 2"),
    (
        "add_along",
        [np.zeros(2), np.zeros(1), np.array([-3])],
        {},
        "index -3 is out of range for axis 0 of size 2",
    ),
]


@pytest.mark.parametrize(("name", "xs", "params", "message"), OUTSIDE)
def test_indices_out_of_range_are_errors(name: str, xs: list[Array], params: dict[str, Any], message: str) -> None:
    b, inputs = build(xs)
    (found,) = interpret(cut(b, inputs, [b.emit(TABLE[name], inputs, params)]))([x.copy() for x in xs])
    assert isinstance(found, Poison)
    assert str(found.error).startswith(f"TN801: {message}")


REFUSED: list[tuple[str, list[Any], dict[str, Any]]] = [
    ("add", [np.zeros(2), np.zeros(3)], {}),
    ("add", [np.zeros(2), np.zeros(2, "f4")], {}),
    ("where", [np.zeros(2), np.zeros(2), np.zeros(2)], {}),
    ("where", [np.zeros(2, bool), np.zeros(2), np.zeros(2, "f4")], {}),
    ("reshape", [np.zeros(6)], {"shape": (4,)}),
    ("broadcast_to", [np.zeros((2, 3))], {"shape": (3,)}),
    ("broadcast_to", [np.zeros(2)], {"shape": (3,)}),
    ("concat", [np.zeros((2, 3)), np.zeros((2, 2))], {"axis": 0}),
    ("concat", [np.zeros(2), np.zeros((2, 2))], {"axis": 0}),
    ("concat", [np.zeros(2), np.zeros(2, int)], {"axis": 0}),
    ("pad", [np.zeros(2)], {"widths": ((-2, -1),)}),
    ("matmul", [np.zeros((2, 3)), np.zeros((2, 3))], {}),
    ("matmul", [np.zeros((2, 2, 3)), np.zeros((3, 3, 2))], {}),
    ("matmul", [np.zeros((2, 3)), np.zeros((3, 2), "f4")], {}),
    ("matmul", [np.zeros(3), np.zeros(3)], {}),
    ("reduce_max", [np.zeros((2, 0))], {"axes": (1,)}),
    ("argmax", [np.zeros((2, 0))], {"axis": 1}),
    ("setitem", [np.zeros(3), np.zeros(2), I(0)], {"spec": ("i",)}),
    ("setitem", [np.zeros(3), np.zeros((), "f4"), I(0)], {"spec": ("i",)}),
    ("gather", [np.zeros(()), np.array([0])], rows(1)),
    ("gather", [np.zeros(2), np.zeros(2)], rows(1)),
    ("gather", [np.zeros((2, 2)), np.zeros(2, int), np.zeros(3, int)], {"spec": ("a", "a"), "at": 0, "unique": False}),
    ("scatter", [np.zeros(3), np.zeros(2), np.zeros(3, int)], rows(1)),
    ("scatter_add", [np.zeros(3), np.zeros(2), np.zeros(3, int)], rows(1)),
    ("scatter_add", [np.zeros(3), np.zeros(3, "f4"), np.zeros(3, int)], rows(1)),
    ("stamp", [np.zeros(2, int), np.zeros(3, int)], {"sizes": (3,)}),
    ("take_along", [np.zeros((2, 3)), np.zeros((3, 1), int)], {}),
    ("add_along", [np.zeros((2, 3)), np.zeros((2, 2)), np.zeros((2, 1), int)], {}),
]


@pytest.mark.parametrize(("name", "xs", "params"), REFUSED)
def test_what_does_not_agree_is_refused(name: str, xs: list[Any], params: dict[str, Any]) -> None:
    b, inputs = build([np.asarray(x) for x in xs])
    before = len(b.avals)
    with pytest.raises(TenureError, match="TN802"):
        b.emit(TABLE[name], inputs, params)
    assert len(b.avals) == before
