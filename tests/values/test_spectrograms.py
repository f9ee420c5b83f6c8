"""Short-time Fourier transforms: by their definition, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tenure as tn

RNG = np.random.default_rng(3)
FORMS: list[dict[str, Any]] = [
    {"n_fft": 16},
    {"n_fft": 16, "hop_length": 5, "win_length": 12, "normalized": True},
    {"n_fft": 15, "hop_length": 7, "center": False, "onesided": False},
]


@pytest.mark.parametrize("form", FORMS, ids=range(len(FORMS)))
def test_by_definition(form: dict[str, Any]) -> None:
    x, size = RNG.standard_normal((2, 61)), form["n_fft"]
    step, width = form.get("hop_length", size // 4), form.get("win_length", size)
    w = RNG.uniform(0.5, 1.0, width)
    weights = np.pad(w, ((size - width) // 2, size - width - (size - width) // 2))
    around = size // 2 if form.get("center", True) else 0
    long = np.pad(x, ((0, 0), (around, around)), "reflect")
    frames = np.stack([long[:, k : k + size] * weights for k in range(0, long.shape[1] - size + 1, step)], -1)
    wanted = (np.fft.fft if form.get("onesided") is False else np.fft.rfft)(frames, axis=-2)
    wanted = wanted / np.sqrt(size) if form.get("normalized") else wanted
    found = tn.stft(tn.tensor(x), window=tn.tensor(w), return_complex=True, **form)
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12, atol=1e-12)
    reach = long.shape[1] - (long.shape[1] - size) % step
    back = tn.istft(found, window=tn.tensor(w), **form).numpy()
    np.testing.assert_allclose(back, x[:, : reach - 2 * around], rtol=1e-10, atol=1e-12)


def test_the_gradient_is_the_transpose() -> None:
    w = tn.hann_window(8, dtype=tn.float64)
    forward = lambda x: tn.view_as_real(tn.stft(x, 8, 3, window=w, return_complex=True))  # noqa: E731
    x, y = (tn.tensor(RNG.standard_normal(30)) for _ in range(2))
    out, pull = tn.vjp(forward, x)
    g = tn.tensor(RNG.standard_normal(out.shape))
    assert abs(float((forward(y) * g).sum() - (y * pull(g)[0]).sum())) < 1e-10
    inverse = lambda z: tn.istft(tn.view_as_complex(z), 8, 3, window=w, length=30)  # noqa: E731
    back, pull = tn.vjp(inverse, out)
    g = tn.tensor(RNG.standard_normal(back.shape))
    other = tn.tensor(RNG.standard_normal(out.shape))
    assert abs(float((inverse(other) * g).sum() - (other * pull(g)[0]).sum())) < 1e-10


def test_refused() -> None:
    x, ones = tn.ones(40), tn.ones(8)
    with pytest.raises(TypeError, match="return_complex is True or False"):
        tn.stft(x, 8)
    with pytest.raises(tn.ShapeError, match="4 elements at both ends of 4"):
        tn.stft(x[:4], 8, return_complex=True)
    with pytest.raises(tn.ShapeError, match=r"a window of shape \[8\], not \[6\]"):
        tn.stft(x, 8, win_length=6, window=ones, return_complex=True)
    with pytest.raises(ValueError, match="add up to 0"):
        tn.istft(tn.stft(x, 8, 9, window=ones, return_complex=True), 8, 9, window=ones)
