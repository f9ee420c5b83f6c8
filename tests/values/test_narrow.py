"""Integers of every width, with and without a sign: arithmetic wraps as NumPy's, and what does not fit is an error."""

from __future__ import annotations

import copy
import itertools
import operator
import pickle
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import tenure as tn
from tenure import nn
from tenure.compile.tiers import compile_program
from tenure.dtypes import DTYPES, DType
from tenure.nn import functional
from tenure.values.run import plan

WHOLE = [d for d in DTYPES if d.kind in "iu"]
UNSIGNED = [d for d in WHOLE if d.kind == "u"]
each = pytest.mark.parametrize("d", WHOLE, ids=lambda d: d.name)
RING = (operator.add, operator.sub, operator.mul, operator.and_, operator.or_, operator.xor)
RELATIONS = (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne)
QUOTIENTS = (operator.floordiv, operator.mod)
BEYOND = 2**63 + 5
"""A number that a uint64 holds, and no int64."""


def ends(d: DType) -> Any:
    """Numbers at both ends of the range, and in the middle."""
    least, most = d.range
    return np.array([least, least + 1, most // 2, most // 2 + 1, most - 1, most, 0, 1, 3], d.numpy)


def grid(a: DType, b: DType) -> tuple[Any, Any]:
    x, y = np.meshgrid(ends(a), ends(b))
    return x.ravel(), y.ravel()


@pytest.mark.parametrize(("a", "b"), [*itertools.combinations_with_replacement(WHOLE, 2)], ids=lambda d: d.name)
def test_operators_are_numpys_on_every_pair(a: DType, b: DType) -> None:
    x, y = grid(a, b)
    if {a.kind, b.kind} == {"i", "u"} and tn.uint64 in (a, b):
        for f in (*RING, *RELATIONS, *QUOTIENTS, tn.maximum, tn.gcd):
            with pytest.raises(tn.DTypeError, match=f"no dtype holds both {a.name} and {b.name}"):
                f(tn.tensor(x), tn.tensor(y))
        return
    dtype = tn.promote_types(a, b)
    for f in (*RING, *RELATIONS, np.maximum, np.minimum, np.gcd, operator.lshift, operator.rshift, *QUOTIENTS):
        left, right = (v.astype(dtype.numpy) for v in (x, y))
        divisors = np.where(right == 0, 1, right) if f in QUOTIENTS else right
        if f in (operator.lshift, operator.rshift):
            divisors = right & np.array(7, dtype.numpy)
        ours = getattr(tn, f.__name__) if isinstance(f, np.ufunc) else f
        with np.errstate(all="ignore"):
            assert_array_equal(ours(tn.tensor(x), tn.tensor(divisors)).numpy(), f(left, divisors), strict=True)


@each
def test_functions_of_one_operand_are_numpys(d: DType) -> None:
    x = ends(d)
    t = tn.tensor(x)
    for name in ("abs", "negative", "sign", "square", "floor", "ceil", "trunc", "round", "positive", "bitwise_not"):
        found = getattr(tn, name)(t).numpy()
        with np.errstate(all="ignore"):
            assert_array_equal(found, getattr(np, {"bitwise_not": "invert"}.get(name, name))(x), strict=True)
    assert_array_equal((t**3).numpy(), x**3, strict=True)
    assert_array_equal((t ** tn.tensor(np.array(5, x.dtype))).numpy(), x**5, strict=True)
    assert tn.max(t).item() == x.max() and tn.min(t).item() == x.min()
    assert tn.argmax(t).item() == x.argmax() and tn.argmin(t).item() == x.argmin()
    for axis in (0, 1):
        wide = np.stack([x, x[::-1], np.roll(x, 2)], axis)
        assert_array_equal(tn.max(tn.tensor(wide), axis=axis).numpy(), wide.max(axis), strict=True)
        assert_array_equal(tn.argmin(tn.tensor(wide), axis=axis).numpy(), wide.argmin(axis), strict=True)


@each
def test_sums_are_in_64_bits_of_the_same_sign(d: DType) -> None:
    x = np.full(1000, d.range[1], d.numpy)
    wide = tn.uint64 if d.kind == "u" else tn.int64
    total = tn.tensor(x).sum()
    assert total.dtype is wide
    with np.errstate(all="ignore"):
        assert total.numpy() == x.sum(dtype=wide.numpy)
    assert tn.tensor(x).sum(dtype=d).item() == x.sum(dtype=d.numpy).item()
    with pytest.raises(tn.DTypeError, match=f"mean of {d.name}"):
        tn.tensor(x).mean()


@each
def test_python_numbers_must_fit(d: DType) -> None:
    x, (least, most) = tn.tensor(ends(d)), d.range
    for f, n in itertools.product((operator.add, operator.sub, operator.and_, operator.lt, tn.maximum), (least, most)):
        with np.errstate(all="ignore"):
            wanted = getattr(np, f.__name__, f)(ends(d), d.numpy.type(n))
        for _ in range(3):  # the fast path from the second time on
            assert_array_equal(f(x, n).numpy(), wanted, strict=True)
    place = tn.Var(x)
    for n in (least - 1, most + 1, 10**30):
        for refused in (
            *(lambda f=f, n=n: f(x, n) for f in (*RING, *RELATIONS, *QUOTIENTS)),
            lambda n=n: n - x,
            lambda n=n: tn.where(x > 0, x, n),
            lambda n=n: tn.clip(x, None, n),
            lambda n=n: operator.setitem(place, 0, n),
            lambda n=n: tn.full((2,), n, dtype=d),
            lambda n=n: tn.full_like(x, n),
            lambda n=n: tn.tensor(n, dtype=d),
            lambda n=n: tn.tensor([0, n], dtype=d),
            lambda n=n: tn.arange(n, n + 1 if n > 0 else n - 1, 1 if n > 0 else -1, dtype=d),
        ):
            with pytest.raises(tn.DTypeError, match="fit in|no finite number"):
                refused()
    assert (x + 1.5).dtype is tn.float32 and (x + True).dtype is d


@each
def test_places_take_what_fits(d: DType) -> None:
    most = d.range[1]
    place = tn.Var(tn.zeros(3, dtype=d))
    for _ in range(3):
        place[0] = most
        place[1:] = tn.ones(2, dtype=d)
        place += 1
        place.fill_(3)
        place -= 2
    for refused in (
        lambda: operator.setitem(place, 0, most + 1),
        lambda: operator.setitem(place, slice(None), most + 1),
        lambda: operator.setitem(place, slice(None), 1.5),
        lambda: operator.iadd(place, most + 1),
        lambda: place.fill_(d.range[0] - 1),
        lambda: place.add_(1.5),
        lambda: operator.setitem(place, 0, tn.tensor(1.0)),
    ):
        with pytest.raises(tn.DTypeError):
            refused()
    assert place.tolist() == [1, 1, 1] and place.dtype is d


def test_numbers_beyond_an_int64_meet_a_uint64() -> None:
    x = ends(tn.uint64)
    t, n = tn.tensor(x), np.uint64(BEYOND)
    for f in (*RING, *RELATIONS, *QUOTIENTS):
        with np.errstate(all="ignore"):
            assert_array_equal(f(t, BEYOND).numpy(), f(x, n), strict=True)
    assert_array_equal((BEYOND - t).numpy(), n - x, strict=True)
    assert_array_equal((BEYOND // tn.maximum(t, 1)).numpy(), n // np.maximum(x, np.uint64(1)), strict=True)
    assert_array_equal(tn.clip(t, 3, BEYOND).numpy(), np.clip(x, np.uint64(3), n), strict=True)
    assert tn.full((2,), BEYOND, dtype=tn.uint64).tolist() == [BEYOND] * 2
    assert tn.tensor([BEYOND, 1], dtype=tn.uint64).tolist() == [BEYOND, 1]
    assert tn.arange(BEYOND, BEYOND + 6, 2, dtype=tn.uint64).tolist() == [BEYOND, BEYOND + 2, BEYOND + 4]
    assert tn.arange(BEYOND, 2**63 - 2, -3, dtype=tn.uint64).tolist() == [BEYOND, BEYOND - 3, BEYOND - 6]
    place = tn.Var(t)
    place[0] = BEYOND
    assert place[0].item() == BEYOND
    w = tn.tensor([2.0], requires_grad=True)
    tn.checkpoint(lambda w: (w * (t[-4:-3] // BEYOND)).sum(), w).backward()
    assert w.grad is not None and w.grad.item() == 1.0
    for data in ([BEYOND, -1], [[1], [BEYOND]], [2**64, 1]):
        with pytest.raises(tn.DTypeError, match="does not fit in int64|no integer dtype holds both -1 and"):
            tn.tensor(data)


@each
def test_what_a_float_has_beyond_the_range_becomes_the_nearest_number(
    d: DType, monkeypatch: pytest.MonkeyPatch
) -> None:
    least, most = d.range
    x = [np.nan, np.inf, -np.inf, 1e30, -1e30, 0.9, -0.9, 100.9, 2.0 ** (8 * d.itemsize), -(2.0 ** (8 * d.itemsize))]
    wanted = [0, most, least, most, least, 0, 0, 100, most, least]
    for executor in (None, compile_program):
        if executor:
            monkeypatch.setattr(plan, "EXECUTOR", executor)
        for dtype in (tn.float32, tn.float64):
            assert tn.tensor(x, dtype=dtype).to(d).tolist() == wanted


@each
def test_whole_numbers_become_floats(d: DType) -> None:
    for dtype in (tn.float32, tn.float64):
        assert_array_equal(tn.tensor(ends(d)).to(dtype).numpy(), ends(d).astype(dtype.numpy), strict=True)
    assert (tn.tensor(ends(d)) / 2).dtype is tn.float32


@each
def test_each_is_an_index(d: DType) -> None:
    i = np.array([[1, 0, 100], [127, 3, 1]], d.numpy)
    x = np.arange(600).reshape(300, 2)
    t, k = tn.tensor(x), tn.tensor(i)
    assert_array_equal(t[k].numpy(), x[i], strict=True)
    assert_array_equal(t[i].numpy(), x[i], strict=True)
    assert_array_equal(t[k[0, 2]].numpy(), x[100], strict=True)
    assert_array_equal(tn.take(t, k[0], axis=0).numpy(), x[i[0]], strict=True)
    assert_array_equal(tn.gather(t, 0, k[:, :2]).numpy(), np.take_along_axis(x, i[:, :2].astype(int), 0))
    assert_array_equal(functional.embedding(k, t.float()).numpy(), x[i].astype("float32"), strict=True)
    assert functional.one_hot(k[1], 128).argmax(axis=1).tolist() == [127, 3, 1]
    place = tn.Var(t)
    place[k[0]] = -1
    x[i[0]] = -1
    assert_array_equal(place.numpy(), x)
    assert [0, 1, 2][tn.tensor(np.array(1, d.numpy))] == 1
    if d.kind == "i":
        assert t[tn.tensor(np.array([-1], d.numpy))].tolist() == [[598, 599]]
    far = tn.tensor(np.array([0, d.range[1]], d.numpy))
    for outside in (far, far - 0, tn.minimum(far, far)):  # known, pending
        with pytest.raises(tn.OutOfRange, match="is out of range for axis 0 of size 100"):
            tn.arange(100)[outside].numpy()
        with pytest.raises(tn.OutOfRange, match="is out of range for axis 0 of size 100"):
            tn.arange(100)[outside[1]].numpy()


def test_a_tensor_of_bytes_is_no_mask() -> None:
    x = tn.tensor([10, 20, 30])
    assert x[tn.tensor([1, 0, 1], dtype=tn.uint8)].tolist() == [20, 10, 20]
    with pytest.raises(tn.DTypeError, match="a mask of dtype uint8"):
        tn.masked_fill(x, tn.tensor([1, 0, 1], dtype=tn.uint8), 0)


@each
def test_arrays_come_and_go_as_they_are(d: DType) -> None:
    a = ends(d)
    for made in (tn.tensor, tn.asarray, tn.from_numpy, tn.from_dlpack):
        x = made(a)
        assert x.dtype is d and np.dtype(x.dtype) == a.dtype
        assert_array_equal(x.numpy(), a, strict=True)
    assert_array_equal(np.from_dlpack(x), a, strict=True)
    assert not np.from_dlpack(x).flags.writeable
    assert_array_equal(np.asarray(x), a, strict=True)
    assert x.tolist() == a.tolist() and x[0].item() == d.range[0]
    for twin in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x)):
        assert twin.dtype is d and twin.tolist() == a.tolist()
    assert repr(tn.tensor(a[-3:])) == f"tensor([0, 1, 3]{'' if d is tn.int64 else f', dtype=tenure.{d.name}'})"
    module = nn.Module()
    module.register_buffer("table", x)
    state = pickle.loads(pickle.dumps(module.state_dict()))
    assert state["table"].dtype is d
    module.load_state_dict(state)
    assert x.itemsize == a.itemsize and x.nbytes == a.nbytes


@each
def test_creation(d: DType) -> None:
    for found in (
        *(f((2, 3), dtype=d) for f in (tn.zeros, tn.ones, tn.empty)),
        *(f(tn.tensor(ends(d))) for f in (tn.zeros_like, tn.ones_like)),
        *(tn.arange(5, dtype=d), tn.eye(3, dtype=d), tn.linspace(0, 100, 5, dtype=d), tn.full((2,), 7, dtype=d.name)),
        *(tn.randperm(5, dtype=d), tn.randint(0, 9, (4,), dtype=d), tn.arange(3.0, dtype=d)),
    ):
        assert found.dtype is d and found.numpy().dtype == d.numpy
    assert tn.linspace(0, 100, 5, dtype=d).tolist() == [0, 25, 50, 75, 100]
    with pytest.raises(tn.DTypeError, match="require grad"):
        tn.ones(2, dtype=d, requires_grad=True)


@each
def test_random_numbers_of_the_whole_range(d: DType) -> None:
    least, most = d.range
    x = tn.randint(least, most + 1, (4000,), dtype=d, generator=tn.Generator().manual_seed(3))
    assert x.dtype is d
    shares = np.histogram(x.numpy().astype(float), 4, (float(least), float(most) + 1))[0]
    assert (abs(shares - 1000) < 150).all()
    with pytest.raises((tn.DTypeError, tn.ShapeError)):
        tn.randint(least, most + 2, (4,), dtype=d)


@pytest.mark.parametrize("d", UNSIGNED, ids=lambda d: d.name)
def test_limits_of_unsigned_numbers(d: DType) -> None:
    x = tn.tensor(ends(d))
    with pytest.raises(ZeroDivisionError):
        (x // tn.tensor(np.array([0], d.numpy))).numpy()
    most = tn.tensor(np.array(d.range[1], d.numpy))
    assert (tn.tensor(np.array(1, d.numpy)) ** most).item() == 1  # no exponent is negative
    with pytest.raises(TypeError, match="power -1"):
        (tn.tensor([2], dtype=tn.int8) ** tn.tensor([-1], dtype=tn.int8)).numpy()


def test_bytes_of_an_image_meet_floats() -> None:
    image = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4) * 10
    mean, scale = tn.tensor([1.0, 2.0, 3.0]), tn.tensor([0.5, 0.25, 0.125], requires_grad=True)
    found = (tn.tensor(image) / 255 - mean.reshape(3, 1)) * scale.reshape(3, 1)
    assert found.dtype is tn.float32
    found.sum().backward()
    wanted = (image / np.float32(255) - np.array([1, 2, 3], "float32").reshape(3, 1)).sum((0, 2))
    np.testing.assert_allclose(scale.grad.numpy(), wanted, rtol=1e-6)
    each = tn.vmap(lambda x: x.sum())(tn.tensor(image))
    assert_array_equal(each.numpy(), image.sum((1, 2)), strict=True)


@pytest.mark.parametrize("d", [d for d in DTYPES if d.name != "bfloat16"], ids=lambda d: d.name)
def test_pytorch_takes_and_gives_each(d: DType) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    x = tn.tensor(np.array([1, 0, 1], d.numpy))
    theirs = torch.from_dlpack(x)
    assert theirs.dtype is getattr(torch, d.name)
    back = tn.from_dlpack(theirs)
    assert back.dtype is d
    theirs.zero_()
    assert x.tolist() == back.tolist() == [1, 0, 1]


def test_a_step_with_such_a_number_is_recorded_once_more() -> None:
    t = tn.tensor([2**64 - 1, 7], dtype=tn.uint64)
    w = tn.tensor([2.0, 3.0], requires_grad=True)
    loss = (w * w * (t // BEYOND)).sum()
    assert loss.item() == 4.0
    (g,) = tn.autograd.grad(loss, w, create_graph=True)
    g.sum().backward()
    assert w.grad is not None and w.grad.tolist() == [2.0, 0.0]
    assert tn.vmap(lambda x: x // BEYOND)(t).tolist() == [1, 0]
    assert tn.hessian(lambda w: (w * w * ((t + 0) // BEYOND)).sum())(w.detach()).tolist() == [[2.0, 0.0], [0.0, 0.0]]
