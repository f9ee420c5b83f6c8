"""Arguments: keywords of the array API and PyTorch, numbers that do not fit, what has no axis, key, step or memory."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import tenure as tn
from tenure import nn, optim
from tenure.nn import functional as F


def test_shapes_by_keyword() -> None:
    for made in (tn.zeros(shape=(2, 3)), tn.ones(size=(2, 3)), tn.rand(size=[2, 3]), tn.randn(shape=(2, 3))):
        assert made.shape == (2, 3)
    assert tn.full(size=(2,), fill_value=3.0).tolist() == [3.0, 3.0]
    assert tn.full(shape=(2,), fill_value=3.0).tolist() == tn.full((2,), 3.0).tolist()
    assert tn.zeros(shape=4).shape == (4,) and tn.zeros().shape == ()
    with pytest.raises(TypeError, match="zeros: the shape is given twice"):
        tn.zeros(2, size=(2,))
    with pytest.raises(TypeError, match="given twice"):
        tn.ones(size=(2,), shape=(2,))


@pytest.mark.parametrize("k", [-5, -2, -1, 0, 1, 2, 3, 7])
def test_the_diagonal_of_eye(k: int) -> None:
    assert tn.eye(3, 4, k=k).tolist() == np.eye(3, 4, k).tolist()
    assert tn.eye(3, 4, k=k, dtype=tn.bfloat16).tolist() == np.eye(3, 4, k).tolist()


def test_device_is_taken_wherever_something_is_made() -> None:
    x = tn.ones(2)
    like = (tn.zeros_like, tn.ones_like, tn.rand_like, tn.randn_like)
    made = [f(x, device="cpu") for f in like]
    made += [tn.full_like(x, 1.0, device="cpu"), tn.eye(2, device="cpu"), tn.linspace(0, 1, 2, device="cpu")]
    assert all(y.device == "cpu" for y in made)
    for f in like:
        with pytest.raises(tn.DTypeError, match="there is no device 'cuda'"):
            f(x, device="cuda")


def test_copy_of_asarray() -> None:
    x, a = tn.ones(2), np.ones(2, np.float32)
    assert tn.asarray(x, copy=True).tolist() == tn.asarray(x, copy=False).tolist() == [1.0, 1.0]
    b = tn.asarray(a, copy=True)
    a[0] = 5.0
    assert b.tolist() == [1.0, 1.0]
    for wrong in (a, [1.0], 2.0):
        with pytest.raises(ValueError, match="copy=False forbids"):
            tn.asarray(wrong, copy=False)
    with pytest.raises(ValueError, match="copy=False forbids"):
        tn.asarray(x, dtype=tn.int64, copy=False)


@pytest.mark.parametrize("dtype", ["longdouble"])
def test_arrays_of_dtypes_that_are_not_there_say_what_to_write(dtype: str) -> None:
    a = np.arange(3).astype(dtype)
    with pytest.raises(tn.DTypeError) as caught:
        tn.tensor(a)
    said = caught.value.help
    assert said is not None and a.dtype.name in caught.value.message
    x = eval(said.split(": ", 1)[1], {"tn": tn, "a": a})
    assert x.tolist() == [0, 1, 2]


def test_masked_arrays_are_refused_everywhere() -> None:
    masked = np.ma.masked_array([1.0, 2.0], mask=[True, False])
    x, v = tn.ones(2), tn.ones(2).mut()
    for wrong in (
        lambda: tn.tensor(masked), lambda: tn.asarray(masked), lambda: tn.from_numpy(masked), lambda: x + masked,
        lambda: tn.from_dlpack(masked), lambda: tn.tensor([masked, masked]), lambda: v.copy_(masked),
        lambda: v.__setitem__(slice(None), masked), lambda: x[masked.astype(int)], lambda: x[masked.astype(bool)],
        lambda: tn.tensor(np.ma.masked), lambda: tn.exp(masked), lambda: nn.Linear(2, 2)(masked),
    ):  # fmt: skip
        with pytest.raises(tn.DTypeError, match="masked array") as caught:
            wrong()
        assert "filled" in str(caught.value.help)
    assert tn.tensor(masked.filled(0.0)).tolist() == [0.0, 2.0] and v.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("number", [3_000_000_000, 3e9, -3e9, float("nan"), float("inf"), 2**31, -(2**31) - 1])
def test_numbers_do_not_wrap_around(number: float) -> None:
    v = tn.zeros(2, dtype=tn.int32).mut()
    for wrong in (
        lambda: tn.full((2,), number, dtype=tn.int32), lambda: tn.full_like(v, number), lambda: v.fill_(number),
        lambda: tn.tensor(number, dtype=tn.int32), lambda: tn.tensor([[number]], dtype=tn.int32),
        lambda: tn.as_tensor(np.array([number]), dtype=tn.int32), lambda: v.copy_([number, number]),
        lambda: v.copy_(np.array([number, number])), lambda: v.__setitem__(0, number), lambda: v.copy_(number),
        lambda: tn.masked_fill(v, v == 0, number), lambda: v.at[0].set(number),
        lambda: tn.linspace(0, number, 3, dtype=tn.int32), lambda: nn.init.constant_(v, number),
    ):  # fmt: skip
        with pytest.raises(tn.DTypeError):
            wrong()
    assert v.tolist() == [0, 0]


def test_numbers_drawn_and_counted_fit() -> None:
    with pytest.raises(tn.DTypeError, match="randint: the number 4294967295 does not fit in int32"):
        tn.randint(0, 2**32, (2,), dtype=tn.int32)
    with pytest.raises(tn.DTypeError, match="arange: the number 4000000000"):
        tn.arange(0, 2**32, 10**9, dtype=tn.int32)
    assert tn.randint(0, 2**31, (2,), dtype=tn.int32).dtype is tn.int32
    assert tn.arange(2**31 - 3, 2**31, dtype=tn.int32).tolist() == [2**31 - 3, 2**31 - 2, 2**31 - 1]
    assert tn.arange(0, -(2**31) - 1, -(2**30), dtype=tn.int32).tolist()[-1] == -(2**31)


def test_iterables_are_told_from_scalars() -> None:
    for x, expected in ((tn.tensor(1.0), False), (tn.ones(0), True), (tn.ones(2), True), (tn.tensor(1.0).mut(), False)):
        assert np.iterable(x) is expected
    for f in (iter, len, list):
        with pytest.raises(TypeError) as caught:
            f(tn.tensor(1.0))
        assert isinstance(caught.value, tn.ShapeError)


def test_a_mask_of_another_shape_is_an_index_error() -> None:
    x, v, mask = tn.ones(2, 3), tn.ones(2, 3).mut(), tn.tensor([True, False, True])
    for wrong in (
        lambda: x[mask], lambda: x[[True, False, True]], lambda: v.__setitem__(mask, 0.0), lambda: x.at[mask].add(1.0)
    ):  # fmt: skip
        with pytest.raises(IndexError) as caught:
            wrong()
        assert isinstance(caught.value, tn.ShapeError)


def test_zero_dimensional_searches() -> None:
    assert tn.argwhere(tn.tensor(2.0)).shape == (1, 0) and tn.argwhere(tn.tensor(0.0)).shape == (0, 0)
    one = tn.tensor(1.0)
    for wrong in (lambda: tn.nonzero(one), lambda: tn.where(one > 0), lambda: one.nonzero()):
        with pytest.raises(tn.ShapeError, match="nonzero of a 0-dimensional tensor"):
            wrong()
    with pytest.raises(tn.ShapeError, match="take_along_axis: along which"):
        tn.take_along_axis(tn.ones(2, 3), tn.zeros(2, 3, dtype=tn.int64), axis=None)


@pytest.mark.parametrize("f", [F.softmax, F.log_softmax])
def test_softmax_of_nothing_is_nothing(f: object) -> None:
    w = tn.zeros(2, 0, requires_grad=True)
    y = f(w, -1)  # type: ignore[operator]
    assert y.shape == (2, 0) and y.tolist() == [[], []]
    y.sum().backward()
    assert w.grad.shape == (2, 0)


def test_attention_without_keys_gives_zeros() -> None:
    q, none = tn.ones(1, 2, 4), tn.ones(1, 0, 4)
    assert F.scaled_dot_product_attention(q, none, none).tolist() == tn.zeros(1, 2, 4).tolist()
    out, weights = nn.MultiheadAttention(4, 2, batch_first=True)(q, none, none)
    assert out.shape == (1, 2, 4) and weights.shape == (1, 2, 0)


def test_a_recurrence_without_steps_names_itself() -> None:
    for x, first in ((tn.ones(0, 2, 3), False), (tn.ones(2, 0, 3), True), (tn.ones(0, 3), False)):
        with pytest.raises(tn.ShapeError, match="GRU: .* no step"):
            nn.GRU(3, 2, batch_first=first)(x)


def test_a_class_is_named_as_it_was_given() -> None:
    for wrong in (
        lambda: nn.Embedding(3, 2)(tn.tensor([0, -1])).tolist(), lambda: F.one_hot(tn.tensor([-1]), 3).tolist(),
        lambda: F.cross_entropy(tn.ones(1, 3), tn.tensor([-1])).item(),
        lambda: F.nll_loss(tn.ones(1, 3), tn.tensor([-1])).item(),
        lambda: nn.Embedding(3, 2)(tn.tensor([-1], dtype=tn.int32)).tolist(),
    ):  # fmt: skip
        for _ in range(3):
            with pytest.raises(tn.OutOfRange, match="index -1 is out of range"):
                wrong()


def test_alpha_scales_what_is_added_not_the_axis() -> None:
    x, k, y = tn.zeros(2, 3), tn.arange(3), tn.ones(2, 3)
    v = x.mut()
    v.index_add_(1, k, y, alpha=2)
    assert v.tolist() == x.index_add(1, k, y, alpha=2).tolist() == [[2.0] * 3] * 2


def test_an_optimizer_says_which_option_is_wrong() -> None:
    w = tn.ones(2, requires_grad=True)
    with pytest.raises(tn.DTypeError, match="SGD: lr is a number, not 'a'"):
        optim.SGD([w], lr="a")  # type: ignore[arg-type]
    with pytest.raises(tn.DTypeError, match="SGD: momentum is a number, not None"):
        optim.SGD([w], momentum=None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="AdamW: invalid lr: -1"):
        optim.AdamW([w], lr=-1)


def test_want_of_memory_says_how_much_and_where() -> None:
    x = tn.ones(10**12)
    with pytest.raises(MemoryError) as caught:
        x.tolist()
    text = str(caught.value)
    assert "[1000000000000] and float32, 3,725.3 GiB" in text and "x = tn.ones(10**12)" in text


FAR = """
import tenure as tn
x, far = tn.ones(2, 3), tn.tensor([10**12, -10**12])
for _ in range(4):
    for f in (
        lambda: tn.take_along_axis(x, far.unsqueeze(1), 1),
        lambda: tn.take_along_axis(x, (far + 0).unsqueeze(1), 1),
        lambda: tn.take_along_axis(x, tn.where(far != 7, far, 0).unsqueeze(1), 1).sum(),
        lambda: x[far * 1] * 2,
    ):
        try:
            f().tolist()
            raise AssertionError("an index far outside was taken")
        except tn.OutOfRange as error:
            assert "1000000000000 is out of range" in error.message
print("refused")
"""


def test_an_index_far_outside_is_refused_before_anything_reads_by_it() -> None:
    ran = subprocess.run([sys.executable, "-c", FAR], capture_output=True, text=True, timeout=120)
    assert ran.stdout == "refused\n", ran.stderr
