"""PyTorch's transforms, letter for letter: values, dtypes and gradients."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import tenure as tn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers
RNG = np.random.default_rng(5)
NORMS = (None, "backward", "ortho", "forward")


def compared(name: str, x: Any, *args: Any, **kwargs: Any) -> None:
    theirs, ours = torch.tensor(x, requires_grad=True), tn.tensor(x, requires_grad=True)
    y, z = getattr(torch.fft, name)(theirs, *args, **kwargs), getattr(tn.fft, name)(ours, *args, **kwargs)
    wanted = y.detach().resolve_conj().numpy()
    assert np.asarray(z.detach()).dtype == wanted.dtype
    np.testing.assert_allclose(np.asarray(z.detach()), wanted, rtol=1e-4, atol=1e-4)
    g = RNG.standard_normal(y.shape) + (1j * RNG.standard_normal(y.shape) if y.is_complex() else 0)
    g = g.astype(wanted.dtype)
    y.backward(torch.tensor(g))
    z.backward(tn.tensor(g))
    grad = theirs.grad.resolve_conj().numpy()
    np.testing.assert_allclose(np.asarray(ours.grad.detach()), grad, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
def test_values_and_gradients(name: str, dtype: str) -> None:
    x = RNG.standard_normal((4, 5, 6)).astype(dtype)
    if dtype[0] == "c":
        if name in ("rfft", "ihfft"):
            return
        x = x + 1j * RNG.standard_normal(x.shape).astype(x.real.dtype)
    for n, dim, norm in itertools.product((None, 4, 9), (-1, 0), NORMS[1:]):
        compared(name, x, n, dim, norm)
    for norm in (None, "ortho"):
        for several in (f"{name}2", f"{name}n"):
            compared(several, x, norm=norm)
            compared(several, x, (3, 7), dim=(2, 0), norm=norm)
        compared(f"{name}n", x, dim=(2, 0, 1), norm=norm)
        compared(f"{name}n", x, (5, -1), norm=norm)


def test_frequencies_and_shifts() -> None:
    for n in (1, 4, 7):
        for name in ("fftfreq", "rfftfreq"):
            ours, theirs = getattr(tn.fft, name)(n, 0.5), getattr(torch.fft, name)(n, 0.5)
            np.testing.assert_allclose(np.asarray(ours), theirs.numpy(), rtol=1e-6)
        for name in ("fftshift", "ifftshift"):
            for dim in (None, 0, (0, 1)):
                x = np.arange(3 * n).reshape(n, 3)
                wanted = getattr(torch.fft, name)(torch.tensor(x), dim).numpy()
                np.testing.assert_array_equal(np.asarray(getattr(tn.fft, name)(tn.tensor(x), dim)), wanted)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize(("size", "hop", "win"), [(16, None, None), (16, 4, 12), (15, 5, 10)])
def test_short_time_transforms(size: int, hop: int | None, win: int | None, center: bool) -> None:
    for shape, normalized, onesided in itertools.product(((100,), (3, 64)), (False, True), (None, False)):
        x = RNG.standard_normal(shape).astype("float32")
        form = {"hop_length": hop, "win_length": win, "center": center, "normalized": normalized, "onesided": onesided}
        w = RNG.uniform(0.2, 1.0, win or size).astype("float32")
        theirs, ours = torch.tensor(x, requires_grad=True), tn.tensor(x, requires_grad=True)
        y = torch.stft(theirs, size, window=torch.tensor(w), return_complex=True, **form)
        z = tn.stft(ours, size, window=tn.tensor(w), return_complex=True, **form)
        np.testing.assert_allclose(np.asarray(z.detach()), y.detach().numpy(), rtol=1e-4, atol=1e-4)
        g = (RNG.standard_normal(y.shape) + 1j * RNG.standard_normal(y.shape)).astype("complex64")
        y.backward(torch.tensor(g))
        z.backward(tn.tensor(g))
        np.testing.assert_allclose(np.asarray(ours.grad.detach()), theirs.grad.numpy(), rtol=1e-3, atol=1e-3)
        if center:
            back = torch.istft(y.detach(), size, window=torch.tensor(w), **form).numpy()
            found = tn.istft(z.detach(), size, window=tn.tensor(w), **form)
            np.testing.assert_allclose(found.numpy(), back, rtol=1e-3, atol=1e-3)
