"""Dtypes against NumPy and the array API standard's promotion table."""

import copy
import itertools
import pickle

import numpy as np
import pytest

from tenure.dtypes import (
    DTYPES,
    DType,
    as_dtype,
    bfloat16,
    bool_,
    can_cast,
    complex64,
    complex128,
    finfo,
    float32,
    float64,
    iinfo,
    int32,
    int64,
    isdtype,
    promote,
    promote_scalar,
)
from tenure.errors import DTypeError

PAIRS = list(itertools.product(DTYPES, DTYPES))
NOT_DTYPES = (
    *("float", "f4", "", None, 1, 1.0, [], {}),
    *(str, object, np.floating, np.generic, np.clongdouble),
    *map(np.dtype, ("O", "U3", "f4,i4", "M8[s]")),
)


def test_rows() -> None:
    assert [repr(d) for d in DTYPES] == [
        "tenure.bool",
        *(f"tenure.{sign}int{bits}" for sign in ("u", "") for bits in (8, 16, 32, 64)),
        *(f"tenure.{name}" for name in ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")),
    ]
    for d in DTYPES:
        assert d is bfloat16 or d.numpy.name == d.name
        assert d.itemsize == d.numpy.itemsize
        assert d.kind == ("h" if d.itemsize == 2 and d.is_floating else d.numpy.kind)
        assert (d.is_floating, d.is_complex) == (d.kind in "fh", d.kind == "c")
        assert (d.parts is d) == (d.kind not in "hc") and d.parts.kind == ("f" if d.has_gradient else d.kind)
        assert np.dtype(d) == d.dtype == d.numpy and np.zeros(2, d).dtype == d.numpy  # type: ignore[call-overload]
        with pytest.raises(AttributeError):
            d.other = 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("d", DTYPES)
def test_a_dtype_is_one_object(d: DType) -> None:
    assert pickle.loads(pickle.dumps(d)) is d
    assert copy.copy(d) is d
    assert copy.deepcopy(d) is d
    assert {d: 1}[as_dtype(d.name)] == 1


@pytest.mark.parametrize("d", DTYPES)
def test_as_dtype(d: DType) -> None:
    for spelling in (d, d.name, d.numpy, *(() if d is bfloat16 else (d.numpy.type, d.numpy.newbyteorder()))):
        assert as_dtype(spelling) is d


def test_as_dtype_of_python_types_gives_the_defaults() -> None:
    assert (as_dtype(bool), as_dtype(int), as_dtype(float)) == (bool_, int64, float32)
    assert as_dtype(complex) is complex64


@pytest.mark.parametrize("bad", NOT_DTYPES, ids=repr)
def test_as_dtype_refuses(bad: object) -> None:
    with pytest.raises(DTypeError, match="TN802: .* is not a dtype") as caught:
        as_dtype(bad)  # type: ignore[arg-type]
    assert f"the dtypes are {', '.join(d.name for d in DTYPES)}" in str(caught.value)


def undefined(a: DType, b: DType) -> bool:
    """Whether no dtype holds both."""
    return {a.kind, b.kind} == {"i", "u"} and "uint64" in (a.name, b.name)


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_promotion_is_numpys_but_for_integers_with_floats(a: DType, b: DType) -> None:
    if undefined(a, b):
        with pytest.raises(DTypeError, match=f"no dtype holds both {a.name} and {b.name}"):
            promote(a, b)
    elif a.has_gradient != b.has_gradient:
        assert promote(a, b) is (a if a.has_gradient else b)
    elif bfloat16 in (a, b):
        other = b if a is bfloat16 else a
        assert promote(a, b) is (float32 if other.name == "float16" else other)
    else:
        assert promote(a, b).numpy == np.result_type(a.numpy, b.numpy)


def test_promotion_takes_every_spelling() -> None:
    assert promote("int32", np.float64) is float64
    assert promote_scalar("bool", int) is int64


def test_promotion_is_a_lattice() -> None:
    for a, b, c in itertools.product(DTYPES, repeat=3):
        if not any(undefined(x, y) for x, y in itertools.combinations((a, b, c), 2)):
            assert promote(a, b) is promote(b, a)
            assert promote(promote(a, b), c) is promote(a, promote(b, c))
        assert promote(a, a) is a


def test_the_standards_table() -> None:
    assert promote(bool_, bool_) is bool_
    assert promote(int32, int64) is int64
    assert promote(float32, float64) is float64
    for sign, bits, other in itertools.product(("", "u"), (8, 16, 32, 64), (8, 16, 32, 64)):
        assert promote(f"{sign}int{bits}", f"{sign}int{other}").name == f"{sign}int{max(bits, other)}"
        if other < 64:
            assert promote(f"int{bits}", f"uint{other}").name == f"int{max(bits, 2 * other)}"


@pytest.mark.parametrize("d", DTYPES)
def test_scalars_are_weak(d: DType) -> None:
    assert promote_scalar(d, bool) is d
    assert promote_scalar(d, int) is (int64 if d is bool_ else d)
    assert promote_scalar(d, float) is (d if d.has_gradient else float32)
    assert promote_scalar(d, complex) is (d if d.is_complex else complex128 if d is float64 else complex64)
    with pytest.raises(DTypeError, match="str"):
        promote_scalar(d, str)


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_can_cast_is_promotion(a: DType, b: DType) -> None:
    assert can_cast(a, b) == (not undefined(a, b) and promote(a, b) is b)


def test_isdtype() -> None:
    kinds = {
        "bool": "b",
        "signed integer": "i",
        "unsigned integer": "u",
        "integral": "iu",
        "real floating": "fh",
        "complex floating": "c",
        "numeric": "iufhc",
    }
    for d, (name, letters) in itertools.product(DTYPES, kinds.items()):
        assert isdtype(d, name) == (d.kind in letters)
    assert isdtype(int32, int32)
    assert not isdtype(int32, int64)
    assert isdtype(int32, ("bool", int32))
    assert not isdtype(int32, ())
    with pytest.raises(DTypeError, match="'whole' is not a kind"):
        isdtype(int32, "whole")


@pytest.mark.parametrize("d", [float32, float64])
def test_finfo(d: DType) -> None:
    ours, theirs = finfo(d), np.finfo(d.numpy.type)
    assert ours.dtype is d
    for name in ("bits", "eps", "max", "min", "smallest_normal", "tiny"):
        assert getattr(ours, name) == getattr(theirs, name)
        assert type(getattr(ours, name)) in (int, float)


@pytest.mark.parametrize("d", [d for d in DTYPES if d.kind in "iu"])
def test_iinfo(d: DType) -> None:
    ours, theirs = iinfo(d), np.iinfo(d.numpy.type)
    assert (ours.dtype, ours.bits, ours.max, ours.min) == (d, theirs.bits, theirs.max, theirs.min)
    assert d.range == (theirs.min, theirs.max)


def test_limits_of_a_tensor_are_those_of_its_dtype() -> None:
    class Tensor:
        dtype = float64

    assert finfo(Tensor()) == finfo(float64)
    assert can_cast(Tensor(), float64)
    assert not can_cast(Tensor(), float32)


def test_limits_of_another_kind_are_refused() -> None:
    with pytest.raises(DTypeError, match="use iinfo"):
        finfo(int32)
    for d in (bool_, float32):
        with pytest.raises(DTypeError, match="use finfo"):
            iinfo(d)


@pytest.mark.peers
@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_promotion_is_torchs(a: DType, b: DType) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    if a is not b and any(d.kind == "u" and d.itemsize > 1 for d in (a, b)) and a.kind != "f" != b.kind:
        return  # PyTorch promotes no other of these
    ours = promote(a, b).name
    assert getattr(torch, ours) is torch.promote_types(getattr(torch, a.name), getattr(torch, b.name))


@pytest.mark.peers
@pytest.mark.parametrize("scalar", [True, 1, 1.0])
@pytest.mark.parametrize("d", DTYPES)
def test_weak_scalars_are_torchs(d: DType, scalar: complex) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs = torch.ones(1, dtype=getattr(torch, d.name)) * scalar
    assert theirs.dtype is getattr(torch, promote_scalar(d, type(scalar)).name)
