"""Short-time Fourier transforms: of windows of a signal, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tenure.errors import DTypeError, ShapeError, shown
from tenure.ops import short_time
from tenure.ops.promote import Operation, parameters
from tenure.values.native.hits import apply
from tenure.values.operations.boundary import array_of
from tenure.values.operations.complexes import view_as_real
from tenure.values.operations.factories import ones
from tenure.values.operations.reading import value_of
from tenure.values.trace.given import check_shape, flag, int_of

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike

STFT = Operation("stft", short_time.spectra, "StftBackward0")
ISTFT = Operation("istft", short_time.signal, "IstftBackward0")
MODES = ("constant", "reflect", "replicate", "circular")
FARTHEST = 1 << 40
LEAST = 1e-11
"""Sum of squared weights below which an element of the signal is not known."""


def _form(
    name: str, n_fft: Any, hop_length: Any, win_length: Any, window: Any
) -> tuple[int, int, tuple[int, int], Any]:
    """Size of a window, step, zeros around the weights, and these, if they are given."""
    size = int_of(n_fft, f"{name}: n_fft")
    if size < 1:
        raise ShapeError(f"{name}: windows of {size} elements")
    step = size // 4 if hop_length is None else int_of(hop_length, f"{name}: hop_length")
    width = size if win_length is None else int_of(win_length, f"{name}: win_length")
    if not 1 <= step < FARTHEST:
        raise ShapeError(f"{name}: hop_length is {step}, which is from 1 to 2^40")
    if not 1 <= width <= size:
        raise ShapeError(f"{name}: win_length is {width}, and n_fft {size}")
    weights = None if window is None else value_of(window)
    if weights is not None and weights.shape != (width,):
        raise ShapeError(f"{name}: a window of shape {list(weights.shape)}, not {[width]}")
    left = (size - width) // 2
    return size, step, (left, size - width - left), weights


def stft(
    x: ArrayLike, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
    window: ArrayLike | None = None, center: bool = True, pad_mode: str = "reflect", normalized: bool = False,
    onesided: bool | None = None, return_complex: bool | None = None,
) -> Tensor:  # fmt: skip
    """The Fourier transforms of windows of n_fft elements, one every ``hop_length`` (n_fft // 4), as in PyTorch.

    A signal (…, length) of one or two axes gives (…, frequencies, windows): n_fft // 2 + 1 frequencies, or n_fft where
    something is complex or not ``onesided``. The ``window`` has ``win_length`` weights, amid zeros. With ``center``
    half a window is added to both ends, by ``pad_mode``; ``normalized`` divides by √n_fft. ``return_complex`` has to be
    said for real signals: False gives two parts along a last axis. ShapeError, DTypeError (TN802) for other arguments.

    >>> tn.stft(tn.ones(8), 4, window=tn.ones(4), return_complex=True).abs()[:, 0]
    tensor([4., 0., 0.])
    """
    x = value_of(x)
    size, step, around, weights = _form("stft", n_fft, hop_length, win_length, window)
    if x.ndim not in (1, 2):
        raise ShapeError(f"stft: a signal of shape {list(x.shape)}, which has one axis or two")
    real = not (x.dtype.is_complex or (weights is not None and weights.dtype.is_complex))
    if return_complex is None and real:
        raise TypeError("stft: return_complex is True or False where signal and window are real")
    half = real if onesided is None else flag("stft: onesided", onesided)
    if half and not real:
        raise DTypeError("stft: onesided is for real signals and windows")
    around_it = size // 2 if flag("stft: center", center) else 0
    if type(pad_mode) is not str or pad_mode not in MODES:
        raise DTypeError(f"stft: pad_mode is one of {', '.join(map(repr, MODES))}, not {shown(pad_mode)}")
    length = x.shape[-1]
    if around_it and length <= (around_it if pad_mode == "reflect" else 0):
        raise ShapeError(f"stft: {around_it} elements at both ends of {length}, by pad_mode {pad_mode!r}")
    if length + 2 * around_it < size:
        raise ShapeError(f"stft: windows of {size} elements of a signal of {length}")
    check_shape((*x.shape[:-1], length + 2 * around_it), x.dtype)
    if weights is None and around != (0, 0):
        weights = ones(size - sum(around))
    factor = size**-0.5 if flag("stft: normalized", normalized) else 1.0
    names = ("size", "step", "around", "mode", "half", "factor")
    params = parameters(names, size, step, around, pad_mode if around_it else "", half, factor)
    found = apply(STFT, (x,) if weights is None else (x, weights), params)
    return found if return_complex is None or flag("stft: return_complex", return_complex) else view_as_real(found)


def istft(
    x: ArrayLike, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
    window: ArrayLike | None = None, center: bool = True, normalized: bool = False, onesided: bool | None = None,
    length: int | None = None, return_complex: bool = False,
) -> Tensor:  # fmt: skip
    """The signal of short-time Fourier transforms, the inverse of ``stft``, with the same arguments.

    Windows are added up where they overlap, and divided by the sum of the squared weights there. ``length`` is that of
    the signal, which else ends with the last window. Shapes: (…, frequencies, windows) gives (…, length). ValueError
    where the weights leave elements of the signal unknown, ShapeError and DTypeError (TN802) for other arguments.

    >>> x = tn.stft(tn.arange(8.0), 4, window=tn.hann_window(4), return_complex=True)
    >>> tn.istft(x, 4, window=tn.hann_window(4))
    tensor([0., 1., 2., 3., 4., 5., 6., 7.])
    """
    x = value_of(x)
    size, step, around, weights = _form("istft", n_fft, hop_length, win_length, window)
    if not x.dtype.is_complex:
        raise DTypeError(f"istft of {x.dtype.name}", help="it takes the complex result of stft")
    whole = flag("istft: return_complex", return_complex)
    half = x.ndim > 1 and x.shape[-2] != size if onesided is None else flag("istft: onesided", onesided)
    if x.ndim not in (2, 3) or x.shape[-2] != (size // 2 + 1 if half else size) or not x.shape[-1]:
        raise ShapeError(f"istft: transforms of shape {list(x.shape)}, and n_fft {size}")
    if whole and (half or onesided):
        raise DTypeError("istft: return_complex is for transforms that are not onesided")
    if not whole and not half:  # of a real signal the first half says all, as in PyTorch
        x, half = x[..., : size // 2 + 1, :], True
    weights = ones(size - sum(around), dtype=x.real.dtype) if weights is None else weights
    if weights.dtype.is_complex and not whole:
        raise DTypeError("istft: a complex window needs return_complex=True")
    start = size // 2 if flag("istft: center", center) else 0
    reach = size + step * (x.shape[-1] - 1)
    count = reach - 2 * start if length is None else int_of(length, "istft: length")
    if count < 1:
        raise ShapeError(f"istft: a signal of {count} elements")
    check_shape((*x.shape[:-2], max(count, reach)), x.dtype)
    _refuse_gaps(np.pad(array_of(weights), around), step, x.shape[-1], start, min(count, reach - start))
    factor = size**-0.5 if flag("istft: normalized", normalized) else 1 / size
    names = ("size", "step", "around", "start", "length", "half", "factor")
    found = apply(ISTFT, (x, weights), parameters(names, size, step, around, start, count, half, factor))
    return found if whole or not found.dtype.is_complex else found.real


def _refuse_gaps(weights: Any, step: int, windows: int, start: int, count: int) -> None:
    """ValueError if an element of the signal is in no window."""
    size = len(weights)
    least = 0.0
    if step <= size or start + count <= size:
        squares = np.zeros(size + step * (windows - 1) if step <= size else size)
        for k in range(windows if step <= size else 1):
            squares[k * step : k * step + size] += np.abs(weights) ** 2.0
        least = squares[start : start + count].min(initial=np.inf)
    if least <= LEAST:
        raise ValueError(f"istft: the squared weights over an element of the signal add up to {least:.3g}")
