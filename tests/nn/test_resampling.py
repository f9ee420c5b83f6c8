"""Resampling, blocks and alignments by their laws and by plain sums; what vmap and second derivatives do; errors."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure import nn
from tenure.errors import DTypeError, OutOfRange, ShapeError
from tenure.nn import functional as F

RNG = np.random.default_rng(29)
LINEAR = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}


def drawn(*shape: int, dtype: str = "float64") -> Any:
    return RNG.standard_normal(shape).astype(dtype)


def array(x: Any) -> Any:
    return np.asarray(x.detach())


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("mode", LINEAR)
def test_constants_and_ramps(mode: str, aligned: bool) -> None:
    """Weights add up to one; with aligned corners a ramp stays a ramp."""
    n = LINEAR[mode]
    shape, size = (5, 6, 7)[:n], (9, 4, 13)[:n]
    for smooth in (False, True) if n == 2 else (False,):
        ones = F.interpolate(tn.ones(1, 1, *shape, dtype=tn.float64), size, mode=mode, antialias=smooth)
        np.testing.assert_allclose(array(ones), 1, rtol=1e-12)
    if aligned and mode != "bicubic":
        ramp = np.broadcast_to(np.linspace(0, 1, shape[-1]), shape)
        found = F.interpolate(tn.tensor(ramp[None, None].copy()), size, mode=mode, align_corners=True)
        np.testing.assert_allclose(array(found)[0, 0], np.broadcast_to(np.linspace(0, 1, size[-1]), size), atol=1e-12)


def test_whole_factors() -> None:
    x = drawn(2, 3, 4, 5)
    for mode in ("nearest", "nearest-exact", "area"):
        found = array(F.interpolate(tn.tensor(x), scale_factor=2, mode=mode))
        np.testing.assert_allclose(found, x.repeat(2, -1).repeat(2, -2), rtol=1e-12)
    found = array(F.interpolate(tn.tensor(x[..., :4]), size=2, mode="bilinear", antialias=False))
    np.testing.assert_allclose(found, x[..., :4].reshape(2, 3, 2, 2, 2, 2).mean((3, 5)), rtol=1e-12)
    for mode in ("nearest", "bilinear", "bicubic", "area"):
        same = array(F.interpolate(tn.tensor(x), size=(4, 5), mode=mode))
        np.testing.assert_allclose(same, x, rtol=1e-12)


def test_a_bad_pixel_reaches_its_neighbours_alone() -> None:
    x = np.ones((1, 1, 8))
    x[..., 3] = math.nan
    found = array(F.interpolate(tn.tensor(x), size=16, mode="linear"))
    assert np.isnan(found[0, 0]).nonzero()[0].tolist() == [5, 6, 7, 8] and (found[~np.isnan(found)] == 1).all()


def test_grids() -> None:
    """The grid of the identity reads the image itself, that of a turn the turned one."""
    x = drawn(2, 3, 5, 5)
    kinds = itertools.product(("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection"))
    for aligned, (mode, edges) in zip(itertools.cycle((False, True)), kinds, strict=False):
        for matrix, wanted in (([[1.0, 0, 0], [0, 1, 0]], x), ([[0.0, 1, 0], [1, 0, 0]], x.swapaxes(2, 3))):
            theta = tn.tensor([matrix] * 2, dtype=tn.float64)
            grid = F.affine_grid(theta, x.shape, align_corners=aligned)
            found = F.grid_sample(tn.tensor(x), grid, mode, edges, aligned)
            np.testing.assert_allclose(array(found), wanted, atol=1e-12)
    far = tn.full((2, 1, 1, 2), 1e30, dtype=tn.float64)
    assert not array(F.grid_sample(tn.tensor(x), far)).any()
    corner = array(F.grid_sample(tn.tensor(x), far, padding_mode="border"))[:, :, 0, 0]
    np.testing.assert_array_equal(corner, x[:, :, -1, -1])


def test_blocks() -> None:
    x = drawn(2, 8, 4, 6)
    np.testing.assert_array_equal(array(F.pixel_shuffle(F.pixel_unshuffle(tn.tensor(x), 2), 2)), x)
    np.testing.assert_array_equal(array(F.channel_shuffle(F.channel_shuffle(tn.tensor(x), 2), 4)), x)
    np.testing.assert_array_equal(array(F.pixel_shuffle(tn.tensor(x), 2))[:, 0, 1::2, ::2], x[:, 2])


def test_windows_and_their_transpose() -> None:
    """⟨unfold x, y⟩ = ⟨x, fold y⟩, and folding what was unfolded counts the windows of each element."""
    form = {"kernel_size": (2, 3), "dilation": (1, 2), "padding": (1, 2), "stride": (2, 1)}
    x = drawn(2, 3, 5, 6)
    columns = F.unfold(tn.tensor(x), **form)
    y = drawn(*columns.shape)
    back = F.fold(tn.tensor(y), (5, 6), **form)
    assert np.isclose((array(columns) * y).sum(), (x * array(back)).sum())
    counts = array(F.fold(F.unfold(tn.ones(1, 1, 4, 4), 2, stride=2), (4, 4), 2, stride=2))
    assert (counts == 1).all()


def spelled(path: Any, blank: int) -> tuple[int, ...]:
    """The labels of an alignment: repeated ones once, without blanks."""
    return tuple([k for k, _ in itertools.groupby(path) if k != blank])


@pytest.mark.parametrize("target", [(), (1,), (1, 2), (2, 2), (1, 2, 1)])
def test_ctc_loss_is_the_sum_over_alignments(target: tuple[int, ...]) -> None:
    logs = array(F.log_softmax(tn.tensor(drawn(4, 3)), -1))
    paths = [path for path in itertools.product(range(3), repeat=4) if spelled(path, 0) == target]
    total = sum(math.exp(sum(logs[t, k] for t, k in enumerate(path))) for path in paths)
    labels = tn.tensor([[*target, 0]])
    found = F.ctc_loss(tn.tensor(logs[:, None]), labels, [4], [len(target)], reduction="none")
    assert np.isclose(found.item(), -math.log(total))
    uses = np.zeros_like(logs)
    for path in paths:
        for t, k in enumerate(path):
            uses[t, k] += math.exp(sum(logs[s, j] for s, j in enumerate(path))) / total
    grad = tn.grad(lambda v: F.ctc_loss(v, labels, [4], [len(target)], reduction="sum"))(tn.tensor(logs[:, None]))
    np.testing.assert_allclose(array(grad)[:, 0], -uses, atol=1e-12)


def test_ctc_loss_without_alignments() -> None:
    logs, labels = F.log_softmax(tn.zeros(2, 1, 3), -1), tn.tensor([[1, 1]])
    assert F.ctc_loss(logs, labels, [2], [2], reduction="none").item() == math.inf
    assert F.ctc_loss(logs, labels, [2], [2], zero_infinity=True).item() == 0
    grad = tn.grad(lambda v: F.ctc_loss(v, labels, [2], [2], reduction="sum", zero_infinity=True))(logs)
    assert not array(grad).any()


CALLS = {
    "bilinear": lambda v: F.interpolate(v, (3, 5), mode="bilinear"),
    "bicubic": lambda v: F.interpolate(v, scale_factor=1.5, mode="bicubic", antialias=True),
    "nearest": lambda v: F.interpolate(v, 3),
    "shuffle": lambda v: F.pixel_shuffle(v, 2),
    "unfold": lambda v: F.unfold(v, 2),
}


@pytest.mark.parametrize("name", CALLS)
def test_examples_one_by_one_and_second_order(name: str) -> None:
    f, x = CALLS[name], drawn(3, 1, 4, 2, 2)
    every = array(tn.vmap(f)(tn.tensor(x)))
    np.testing.assert_allclose(every, np.stack([array(f(tn.tensor(row))) for row in x]), rtol=1e-12)
    energy = lambda v: (f(v) ** 3).sum()  # noqa: E731
    a, d = tn.tensor(x[0]), tn.tensor(drawn(*x[0].shape))
    _, turned = tn.jvp(tn.grad(energy), (a,), (d,))
    step = 1e-5
    near = (array(tn.grad(energy)(a + step * d)) - array(tn.grad(energy)(a - step * d))) / (2 * step)
    np.testing.assert_allclose(array(turned), near, rtol=1e-5, atol=1e-6)


def test_sampling_twice_differentiated() -> None:
    x, grid = tn.tensor(drawn(1, 2, 4, 4)), tn.tensor(RNG.uniform(-0.9, 0.9, (1, 3, 3, 2)))
    for mode in ("bilinear", "bicubic"):
        f = lambda at, mode=mode: (F.grid_sample(x, at, mode) ** 2).sum()  # noqa: E731
        d = tn.tensor(drawn(1, 3, 3, 2))
        _, turned = tn.jvp(tn.grad(f), (grid,), (d,))
        near = (array(tn.grad(f)(grid + 1e-6 * d)) - array(tn.grad(f)(grid - 1e-6 * d))) / 2e-6
        np.testing.assert_allclose(array(turned), near, rtol=1e-4, atol=1e-5)


def test_half_precision_and_whole_numbers() -> None:
    x = tn.tensor(drawn(1, 1, 4, 4)).to(tn.bfloat16)
    assert F.interpolate(x, 6, mode="bilinear").dtype is tn.bfloat16
    assert F.interpolate(tn.arange(4).reshape(1, 1, 4), 2).tolist() == [[[0, 2]]]
    with pytest.raises(DTypeError, match="interpolate is not defined for int64"):
        F.interpolate(tn.arange(4).reshape(1, 1, 4), 2, mode="linear")


def test_layers() -> None:
    x = tn.tensor(drawn(1, 4, 4, 6))
    for layer, wanted in (
        (nn.Upsample((8, 3), mode="bicubic"), F.interpolate(x, (8, 3), mode="bicubic")),
        (nn.UpsamplingBilinear2d(scale_factor=2), F.interpolate(x, None, 2, "bilinear", True)),
        (nn.UpsamplingNearest2d(5), F.interpolate(x, 5)),
        (nn.PixelShuffle(2), F.pixel_shuffle(x, 2)),
        (nn.PixelUnshuffle(2), F.pixel_unshuffle(x, 2)),
        (nn.ChannelShuffle(2), F.channel_shuffle(x, 2)),
        (nn.Unfold(2, padding=1), F.unfold(x, 2, padding=1)),
    ):
        np.testing.assert_array_equal(array(layer(x)), array(wanted))
    assert repr(nn.Upsample(scale_factor=2)) == "Upsample(scale_factor=2.0, mode='nearest')"


def test_errors() -> None:
    x, grid, logs = tn.ones(1, 4, 4, 6), tn.zeros(1, 2, 2, 2), tn.zeros(3, 1, 2)
    for error, said, call in (
        (ValueError, "one of size and scale_factor", lambda: F.interpolate(x)),
        (ValueError, "align_corners goes with", lambda: F.interpolate(x, 2, align_corners=True)),
        (ValueError, "antialias goes with", lambda: F.interpolate(x, 2, antialias=True)),
        (ValueError, "recompute_scale_factor goes with", lambda: F.interpolate(x, 2, recompute_scale_factor=True)),
        (DTypeError, "mode is one of", lambda: F.interpolate(x, 2, mode="cubic")),
        (ShapeError, "mode 'linear' is for 3 axes", lambda: F.interpolate(x, 2, mode="linear")),
        (ShapeError, "a result of \\[0, 0\\]", lambda: F.interpolate(x, scale_factor=0.1)),
        (ShapeError, "is not for 2 axes", lambda: F.interpolate(x, (2, 3, 4))),
        (ShapeError, "a grid of", lambda: F.grid_sample(x, tn.zeros(2, 2, 2, 2))),
        (DTypeError, "padding_mode is one of", lambda: F.grid_sample(x, grid, padding_mode="wrap")),
        (DTypeError, "one dtype of floats", lambda: F.grid_sample(x, grid.double())),
        (ShapeError, "theta of shape", lambda: F.affine_grid(tn.ones(1, 3, 3), (1, 1, 2, 2))),
        (ShapeError, "no multiple of upscale_factor² = 9", lambda: F.pixel_shuffle(x, 3)),
        (ShapeError, "blocks of downscale_factor 4", lambda: F.pixel_unshuffle(x, 4)),
        (ShapeError, "in 3 groups", lambda: F.channel_shuffle(x, 3)),
        (ShapeError, "does not fit into", lambda: F.unfold(x, 7)),
        (ShapeError, "where windows of", lambda: F.fold(tn.ones(1, 4, 5), (3, 3), 2)),
        (OutOfRange, "the blank 2", lambda: F.ctc_loss(logs, tn.tensor([[1]]), [3], [1], blank=2)),
        (OutOfRange, "the label 7", lambda: F.ctc_loss(logs, tn.tensor([[7]]), [3], [1])),
        (OutOfRange, "a length of input_lengths is 4", lambda: F.ctc_loss(logs, tn.tensor([[1]]), [4], [1])),
        (ShapeError, "2 input_lengths for 1", lambda: F.ctc_loss(logs, tn.tensor([[1]]), [3, 3], [1])),
        (ValueError, "reduction is", lambda: F.ctc_loss(logs, tn.tensor([[1]]), [3], [1], reduction="max")),
    ):
        with pytest.raises(error, match=said):
            call()
