"""``torch.signal.windows``: tapers of a length, symmetric unless ``sym=False`` makes them periodic."""

from __future__ import annotations

from typing import Any

import numpy as np

import tenure as tn
from tenure.torch.cells import Tensor
from tenure.torch.devices import check_device, strided
from tenure.torch.dtypes import Defaults, home_dtype
from tenure.torch.errors import TorchTypeError, TorchValueError, refuse


def _made(
    name: str, M: int, sym: bool, shape: Any, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """Taper whose elements are a function of their numbers, from 0, and of the last one's."""
    check_device(device)
    if layout is not None and layout is not strided:
        raise refuse(f"windows are implemented for strided tensors only, got: {layout}", TorchValueError)
    home = home_dtype(dtype or Defaults.float)
    if M < 0:
        raise refuse(f"requires non-negative window length, got M={M}", TorchValueError)
    if home.name not in ("float32", "float64"):
        raise refuse(f"{name} expects float32 or float64 dtypes, got: torch.{home.name}", TorchValueError)
    last = M - 1 if sym else M
    numbers = np.ones(M) if M <= 1 else shape(np.arange(M, dtype=np.float64), last)
    x = Tensor._of(tn.tensor(numbers, dtype=home))
    return x.requires_grad_() if requires_grad else x


def general_cosine(M: int, *, a: Any, sym: bool = True, **options: Any) -> Any:
    """A sum of cosines with weights of alternating sign."""
    if not isinstance(a, tuple | list):
        raise refuse("Coefficients must be a list/tuple", TorchTypeError)
    if not a:
        raise refuse("Coefficients cannot be empty", TorchValueError)
    def shape(k: Any, last: int) -> Any:
        return sum((-1) ** i * w * np.cos(2 * np.pi * i * k / last) for i, w in enumerate(a))

    return _made("general_cosine", M, sym, shape, **options)


def general_hamming(M: int, *, alpha: float = 0.54, sym: bool = True, **options: Any) -> Any:
    """A raised cosine of a height."""
    return general_cosine(M, a=[alpha, 1.0 - alpha], sym=sym, **options)


def hamming(M: int, *, sym: bool = True, **options: Any) -> Any:
    """The Hamming window."""
    return general_hamming(M, sym=sym, **options)


def hann(M: int, *, sym: bool = True, **options: Any) -> Any:
    """The Hann window."""
    return general_hamming(M, alpha=0.5, sym=sym, **options)


def blackman(M: int, *, sym: bool = True, **options: Any) -> Any:
    """The Blackman window."""
    return general_cosine(M, a=[0.42, 0.5, 0.08], sym=sym, **options)


def nuttall(M: int, *, sym: bool = True, **options: Any) -> Any:
    """The minimum 4-term Blackman-Harris window by Nuttall."""
    return general_cosine(M, a=[0.3635819, 0.4891775, 0.1365995, 0.0106411], sym=sym, **options)


def bartlett(M: int, *, sym: bool = True, **options: Any) -> Any:
    """The triangular window."""
    return _made("bartlett", M, sym, lambda k, last: 1 - np.abs(2 * k / last - 1), **options)


def cosine(M: int, *, sym: bool = True, **options: Any) -> Any:
    """Half a period of the sine."""
    return _made("cosine", M, sym, lambda k, last: np.sin(np.pi * (k + 0.5) / (last + 1)), **options)


def exponential(M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, **options: Any) -> Any:
    """An exponential that decays from a center."""
    if tau <= 0:
        raise refuse(f"Tau must be positive, got: {tau} instead.", TorchValueError)
    if sym and center is not None:
        raise refuse("Center must be None for symmetric windows", TorchValueError)
    def shape(k: Any, last: int) -> Any:
        return np.exp(-np.abs(k - (last / 2 if center is None else center)) / tau)

    return _made("exponential", M, sym, shape, **options)


def gaussian(M: int, *, std: float = 1.0, sym: bool = True, **options: Any) -> Any:
    """A Gaussian of a standard deviation."""
    if std <= 0:
        raise refuse(f"Standard deviation must be positive, got: {std} instead.", TorchValueError)
    return _made("gaussian", M, sym, lambda k, last: np.exp(-(((k - last / 2) / std) ** 2) / 2), **options)


def kaiser(M: int, *, beta: float = 12.0, sym: bool = True, **options: Any) -> Any:
    """The Kaiser window of a shape."""
    if beta < 0:
        raise refuse(f"beta must be non-negative, got: {beta} instead.", TorchValueError)
    def shape(k: Any, last: int) -> Any:
        return np.i0(beta * np.sqrt(np.maximum(0, 1 - (2 * k / last - 1) ** 2))) / np.i0(beta)

    return _made("kaiser", M, sym, shape, **options)
