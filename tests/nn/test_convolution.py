"""Convolution, pooling and padding: their definitions element by element, laws, and inputs that do not fit."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import tenure as tn
import tenure.nn.functional as F
from tenure.errors import DTypeError, OutOfRange, ShapeError

RNG = np.random.default_rng(2)
Array = Any


def by_definition(x: Array, w: Array, step: int, around: int, gap: int, groups: int) -> Array:
    """Each element of the result as one sum."""
    n = x.ndim - 2
    x = np.pad(x, [(0, 0), (0, 0), *[(around, around)] * n])
    shape = [(s - gap * (k - 1) - 1) // step + 1 for s, k in zip(x.shape[2:], w.shape[2:], strict=True)]
    out = np.zeros((x.shape[0], w.shape[0], *shape))
    per, own = w.shape[1], w.shape[0] // groups
    for at in np.ndindex(*out.shape):
        b, o, *place = at
        cut = [slice(p * step, p * step + gap * (k - 1) + 1, gap) for p, k in zip(place, w.shape[2:], strict=True)]
        start = o // own * per
        out[at] = (x[(b, slice(start, start + per), *cut)] * w[o]).sum()
    return out


FORMS = [(1, 0, 1, 1), (2, 1, 1, 1), (1, 1, 2, 2), (3, 2, 1, 4), (2, 0, 2, 4)]


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize(("step", "around", "gap", "groups"), FORMS)
def test_a_convolution_is_sums_over_windows(n: int, step: int, around: int, gap: int, groups: int) -> None:
    x = RNG.standard_normal((2, 4, *(7, 6, 5)[:n]))
    w, bias = RNG.standard_normal((8, 4 // groups, *(3, 2, 2)[:n])), RNG.standard_normal(8)
    function = getattr(F, f"conv{n}d")
    found = function(*map(tn.tensor, (x, w, bias)), stride=step, padding=around, dilation=gap, groups=groups)
    wanted = by_definition(x, w, step, around, gap, groups) + bias.reshape(-1, *[1] * n)
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-12)
    one = function(*map(tn.tensor, (x[0], w, bias)), stride=step, padding=around, dilation=gap, groups=groups)
    np.testing.assert_allclose(one.numpy(), wanted[0], atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize(("step", "around", "gap", "groups"), FORMS[:4])
def test_the_transposed_form_is_the_transpose(n: int, step: int, around: int, gap: int, groups: int) -> None:
    """⟨conv(x), y⟩ = ⟨x, convᵀ(y)⟩, whatever x and y."""
    w = tn.tensor(RNG.standard_normal((8, 4 // groups, *(3, 2, 2)[:n])))
    conv, back = getattr(F, f"conv{n}d"), getattr(F, f"conv_transpose{n}d")
    form = {"stride": step, "padding": around, "dilation": gap, "groups": groups}
    x = tn.tensor(RNG.standard_normal((2, 4, *(8, 7, 6)[:n])))
    y = conv(x, w, **form)
    other = tn.tensor(RNG.standard_normal(y.shape))
    spread = back(other, w, **form)
    seen = x[(slice(None), slice(None), *[slice(0, s) for s in spread.shape[2:]])]
    assert spread.shape == seen.shape or all(a <= b for a, b in zip(spread.shape, x.shape, strict=True))
    rest = [m - k for m, k in zip(x.shape[2:], spread.shape[2:], strict=True)]
    spread = back(other, w, output_padding=tuple(rest), **form) if max(rest) < max(step, gap) else spread
    if spread.shape == x.shape:
        assert (y * other).sum().item() == pytest.approx((x * spread).sum().item(), rel=1e-10)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "complex64", "int64"])
def test_a_convolution_in_other_dtypes(dtype: str) -> None:
    x, w = (tn.tensor(RNG.integers(-3, 4, s)) for s in ((2, 3, 5, 5), (4, 3, 2, 2)))
    wanted = F.conv2d(x.double(), w.double(), padding=1)
    kind = getattr(tn, dtype)
    found = F.conv2d(x.to(kind), w.to(kind), padding=1)
    assert found.dtype is kind
    np.testing.assert_array_equal(found.abs().double().numpy(), wanted.abs().numpy())


def test_second_derivatives_and_vmap_of_a_convolution() -> None:
    x, w = (tn.tensor(RNG.standard_normal(s)) for s in ((2, 2, 5, 4), (3, 2, 2, 3)))

    def loss(w: Any) -> Any:
        return F.conv2d(x, w, stride=2, padding=1).tanh().sum()

    v, h = tn.tensor(RNG.standard_normal(w.shape)), 1e-5
    _, turned = tn.func.jvp(tn.func.grad(loss), (w,), (v,))
    slope = (tn.func.grad(loss)(w + v * h) - tn.func.grad(loss)(w - v * h)) / (2 * h)
    np.testing.assert_allclose(turned.numpy(), slope.numpy(), rtol=1e-5, atol=1e-6)
    several = tn.tensor(RNG.standard_normal((4, *w.shape)))
    mapped = tn.func.vmap(lambda w: F.conv2d(x, w, padding=1))(several)
    np.testing.assert_allclose(mapped[2].numpy(), F.conv2d(x, several[2], padding=1).numpy(), atol=1e-12)


POOLS = list(itertools.product((2, 3), (1, 2), (0, 1), (False, True)))


@pytest.mark.parametrize(("k", "step", "around", "ceil"), POOLS)
def test_pooling_is_a_maximum_and_an_average_of_windows(k: int, step: int, around: int, ceil: bool) -> None:
    x = RNG.integers(-9, 9, (2, 3, 7, 8)).astype(float)
    form = {"stride": step, "padding": around, "ceil_mode": ceil}
    best, places = F.max_pool2d(tn.tensor(x), k, return_indices=True, **form)
    mean = F.avg_pool2d(tn.tensor(x), k, count_include_pad=False, **form)
    for b, c, i, j in np.ndindex(*best.shape):
        top, left = i * step - around, j * step - around
        window = x[b, c, max(top, 0) : top + k, max(left, 0) : left + k]
        assert best[b, c, i, j].item() == window.max() == x[b, c].reshape(-1)[places[b, c, i, j].item()]
        assert mean[b, c, i, j].item() == pytest.approx(window.mean())


def test_windows_that_divide_an_axis() -> None:
    x = RNG.standard_normal((2, 3, 7, 5))
    best, mean = F.adaptive_max_pool2d(tn.tensor(x), (3, None)), F.adaptive_avg_pool2d(tn.tensor(x), 4)
    for i, (a, b) in enumerate(((0, 3), (2, 5), (4, 7))):
        np.testing.assert_array_equal(best[:, :, i].numpy(), x[:, :, a:b].max(2))
    np.testing.assert_allclose(mean[..., 1, 2].numpy(), x[:, :, 1:4, 2:4].mean((2, 3)))


def test_the_gradient_of_a_maximum_goes_to_the_first_of_equal_elements() -> None:
    x = tn.tensor(np.zeros((1, 1, 4, 4)), requires_grad=True)
    F.max_pool2d(x, 2).sum().backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.numpy()[0, 0], [[1, 0, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]])
    y = F.max_pool1d(tn.tensor([[[1.0, float("nan"), 5.0, 2.0]]]), 2)
    assert np.isnan(y.numpy()[0, 0, 0]) and y.numpy()[0, 0, 1] == 5


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular", "constant"])
def test_padding_is_numpys(mode: str) -> None:
    x = RNG.standard_normal((2, 4, 5))
    theirs = {"reflect": "reflect", "replicate": "edge", "circular": "wrap", "constant": "constant"}[mode]
    wanted = np.pad(x, ((0, 0), (2, 1), (3, 4)), theirs)
    np.testing.assert_array_equal(F.pad(tn.tensor(x), (3, 4, 2, 1), mode).numpy(), wanted)
    cut = F.pad(tn.tensor(x), (-1, 2), "constant", 7.0).numpy()
    np.testing.assert_array_equal(cut, np.pad(x[:, :, 1:], ((0, 0), (0, 0), (0, 2)), constant_values=7))


def test_layers_have_pytorchs_shapes_and_keys() -> None:
    layer = tn.nn.Conv2d(4, 6, (3, 2), stride=2, padding="valid", groups=2, bias=False)
    assert list(layer.state_dict()) == ["weight"] and layer.weight.shape == (6, 2, 3, 2)
    turned = tn.nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2)
    assert turned.weight.shape == (4, 3, 3, 3)
    assert turned(tn.ones(1, 4, 5, 5), output_size=(12, 11)).shape == (1, 6, 12, 11)
    around = tn.nn.Conv1d(2, 2, 3, padding=2, padding_mode="circular")
    x = tn.randn(1, 2, 6)
    wide = tn.concat([x[..., -2:], x, x[..., :2]], axis=-1)
    np.testing.assert_allclose(
        around(x).detach().numpy(), F.conv1d(wide, around.weight, around.bias).detach().numpy(), atol=1e-6
    )


def test_what_does_not_fit_says_so() -> None:
    x, w = tn.ones(1, 4, 5, 5), tn.ones(2, 4, 3, 3)
    for call, said in [
        (lambda: F.conv2d(tn.ones(1, 3, 5, 5), w), r"has 3 channels.*take 4"),
        (lambda: F.conv2d(x, tn.ones(2, 4, 7, 7)), r"window of \[7, 7\] does not fit into \[5, 5\]"),
        (lambda: F.conv2d(x, w, tn.ones(3)), r"bias of shape \[3\] for 2 channels"),
        (lambda: F.conv2d(x, tn.ones(3, 2, 3, 3), groups=2), r"no multiple of 2 groups"),
        (lambda: F.conv2d(x, w, stride=0), r"stride is at least 1"),
        (lambda: F.conv2d(x, w, stride=2, padding="same"), r"goes with stride=1"),
        (lambda: F.conv2d(tn.ones(5, 5), w), r"both have 4 axes"),
        (lambda: F.max_pool2d(x, 2, padding=2), r"at most half of the window"),
        (lambda: F.max_pool2d(x, 9), r"does not fit"),
        (lambda: F.pad(x, (5, 5), "reflect"), r"there are 4"),
        (lambda: tn.nn.Conv2d(3, 4, 3, groups=2), r"no multiples of 2 groups"),
    ]:
        with pytest.raises(ShapeError, match=said):
            call()
    with pytest.raises(DTypeError, match="padding is a number"):
        F.conv2d(x, w, padding="full")
    with pytest.raises(OutOfRange):
        F.max_unpool1d(tn.ones(1, 1, 1), tn.tensor([[[5]]]), 2).tolist()


def test_the_remembered_form_of_a_call_is_that_of_equal_arguments_of_equal_types() -> None:
    x, w = tn.ones(1, 2, 6, 6), tn.ones(1, 2, 3, 3)
    calls: list[Any] = [lambda n: F.conv2d(x, w, stride=n), lambda n: F.max_pool2d(x, n), lambda n: F.unfold(x, n)]
    calls += [lambda n: F.interpolate(x, size=n), lambda n: F.conv_transpose2d(x, tn.ones(2, 1, 3, 3), stride=n)]
    calls += [lambda n: tn.fft.fft2(x, n), lambda n: F.adaptive_avg_pool2d(x, n)]
    for call in calls:
        once = call((1, 1)).numpy()
        assert np.array_equal(call([1, 1]).numpy(), once) and np.array_equal(call((1, 1)).numpy(), once)
        for other in ((1, True), (1.0, 1), ("1", 1)):
            with pytest.raises(DTypeError, match="is an int"):
                call(other)
    halves = F.interpolate(tn.arange(4.0).reshape(1, 1, 4), size=2, mode="linear")
    assert halves.tolist() == F.interpolate(tn.arange(4.0).reshape(1, 1, 4), size=[2], mode="linear").tolist()
