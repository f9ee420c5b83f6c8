"""PyTorch's resampling, blocks and alignments, letter for letter: values and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tenure as tn
import tenure.torch as face
from tenure.nn import functional

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers
RNG = np.random.default_rng(23)
SIZES = ({"size": (9, 3, 8)}, {"size": 6}, {"scale_factor": 2}, {"scale_factor": 1.7}, {"scale_factor": 0.6})
MODES = {
    "nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "area": (1, 2, 3),
    "linear": (1,), "bilinear": (2,), "bicubic": (2,), "trilinear": (3,),
}  # fmt: skip


def compared(call: Callable[..., Any], *arrays: Any, tolerance: float = 1e-4) -> None:
    """The same call of both libraries' functions and tensors."""
    theirs = [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in arrays]
    ours = [tn.tensor(x, requires_grad=x.dtype.kind == "f") for x in arrays]
    y, z = call(torch.nn.functional, *theirs), call(functional, *ours)
    assert tuple(y.shape) == tuple(z.shape)
    np.testing.assert_allclose(np.asarray(z.detach()), y.detach().numpy(), rtol=tolerance, atol=tolerance)
    g = RNG.standard_normal(y.shape).astype(y.detach().numpy().dtype)
    y.backward(torch.tensor(g))
    z.backward(tn.tensor(g))
    for wanted, found in zip(theirs, ours, strict=True):
        if wanted.grad is not None:
            grad = 0 if found.grad is None else np.asarray(found.grad.detach())
            np.testing.assert_allclose(
                np.broadcast_to(grad, wanted.shape), wanted.grad.numpy(), rtol=10 * tolerance, atol=10 * tolerance
            )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", MODES)
def test_interpolate(mode: str, dtype: str) -> None:
    for n in MODES[mode]:
        x = RNG.standard_normal((2, 3, *(5, 7, 4)[:n])).astype(dtype)
        for given in SIZES:
            sizes = {k: v[:n] if isinstance(v, tuple) else v for k, v in given.items()}
            for aligned in (None, True) if "linear" in mode or mode == "bicubic" else (None,):
                for smooth in (False, True) if mode in ("bilinear", "bicubic") else (False,):
                    form = {"mode": mode, "align_corners": aligned, "antialias": smooth, **sizes}
                    compared(lambda of, v, form=form: of.interpolate(v, **form), x)
        compared(lambda of, v: of.interpolate(v, scale_factor=1.7, mode=mode, recompute_scale_factor=True), x)


@pytest.mark.parametrize("edges", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_grid_sample(mode: str, edges: str) -> None:
    for n in (2, 3):
        if n == 3 and mode == "bicubic":
            continue
        x = RNG.standard_normal((2, 3, *(5, 6, 4)[:n]))
        grid = RNG.uniform(-1.4, 1.4, (2, *(3, 5, 2)[:n], n))
        for aligned in (False, True):
            compared(lambda of, v, at, aligned=aligned: of.grid_sample(v, at, mode, edges, aligned), x, grid)


def test_affine_grid() -> None:
    for n in (2, 3):
        for aligned in (False, True):
            size = (2, 3, *(4, 2, 5)[:n])
            form = (size, aligned)
            compared(lambda of, v, form=form: of.affine_grid(v, *form), RNG.standard_normal((2, n, n + 1)))


def test_blocks_and_windows() -> None:
    x = RNG.standard_normal((2, 8, 4, 6))
    compared(lambda of, v: of.pixel_shuffle(v, 2), x)
    compared(lambda of, v: of.pixel_unshuffle(v, 2), x)
    compared(lambda of, v: of.channel_shuffle(v, 4), x)
    for form in ({"kernel_size": 2}, {"kernel_size": (2, 3), "dilation": (1, 2), "padding": (1, 2), "stride": (2, 1)}):
        compared(lambda of, v, form=form: of.unfold(v, **form), x)
        columns = torch.nn.functional.unfold(torch.tensor(x), **form).numpy()
        for y in (columns, columns[0]):
            compared(lambda of, v, form=form: of.fold(v, (4, 6), **form), y)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_ctc_loss(reduction: str) -> None:
    for times, ends, sizes, blank, finite in (
        (9, [9, 7, 5], [4, 2, 1], 0, False),
        (9, [9, 7, 5], [4, 2, 0], 2, False),
        (6, [6, 2, 4], [1, 3, 2], 0, True),
        (1, [1, 1, 1], [1, 0, 1], 0, False),
    ):
        x = RNG.standard_normal((times, 3, 5))
        rows = RNG.integers(0, 4, (3, 4))
        rows += rows >= blank
        flat = np.concatenate([row[:n] for row, n in zip(rows, sizes, strict=True)])
        for labels in (rows, flat):

            def call(of: Any, v: Any, labels: Any = labels, form: Any = (ends, sizes, blank, finite)) -> Any:
                ends, sizes, blank, finite = form
                y = torch.tensor(labels) if of is torch.nn.functional else tn.tensor(labels)
                logs = of.log_softmax(v, -1)
                return of.ctc_loss(logs, y, tuple(ends), tuple(sizes), blank, reduction, finite)

            compared(call, x)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("antialias", [False, True])
def test_bytes_are_rounded_after_each_axis(mode: str, antialias: bool) -> None:
    """As in PyTorch, whose weights are whole numbers: one apart at most, and seldom."""
    x = RNG.integers(0, 256, (2, 3, 11, 9)).astype("uint8")
    for size in ((5, 4), (13, 17), (29, 9)):
        ours, theirs = (
            of.nn.functional.interpolate(of.tensor(x), size=size, mode=mode, antialias=antialias) for of in (tn, torch)
        )
        away = abs(ours.numpy().astype(int) - theirs.numpy())
        assert ours.dtype is tn.uint8 and away.max() <= 1 and (away > 0).mean() < 0.1


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_ctc_loss_of_a_leaf_in_the_face_has_the_gradient_of_log_softmax(reduction: str) -> None:
    logs = np.log(RNG.dirichlet([1.0] * 3, (6, 4))).astype("float32")
    found: list[Any] = []
    for lib in (face, torch):
        x = lib.tensor(logs).requires_grad_()
        labels, ends = lib.tensor([[1, 2, 1], [2, 2, 0], [1, 0, 0], [2, 1, 0]]), lib.tensor([6, 5, 5, 4])
        sizes = lib.tensor([3, 2, 1, 2])
        lib.nn.functional.ctc_loss(x, labels, ends, sizes, reduction=reduction).sum().backward()
        found.append(x.grad.tolist())
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)
