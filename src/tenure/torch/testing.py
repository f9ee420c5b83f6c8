"""``torch.testing``: comparisons of results."""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tenure.torch.cells import Tensor
from tenure.values.operations.casting import to
from tenure.values.operations.creation import tensor

TOLERANCES = {
    "float16": (1e-3, 1e-5), "bfloat16": (1.6e-2, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5), "complex128": (1e-7, 1e-7),
}  # fmt: skip
"""Relative and absolute tolerance of each dtype; others are compared exactly."""


def assert_close(
    actual: Any, expected: Any, *, allow_subclasses: bool = True, rtol: float | None = None, atol: float | None = None,
    equal_nan: bool = False, check_device: bool = True, check_dtype: bool = True, check_layout: bool = True,
    check_stride: bool = False, msg: Any = None,
) -> None:  # fmt: skip
    """AssertionError unless two tensors, numbers, or nested lists and dicts of them, are close."""
    if (rtol is None) != (atol is None):
        raise ValueError("rtol and atol must both be specified or both be unspecified")
    try:
        _close(actual, expected, rtol, atol, equal_nan, check_dtype, check_stride, "")
    except AssertionError as error:
        if msg is None:
            raise
        raise AssertionError(msg(str(error)) if callable(msg) else msg) from None


def _close(a: Any, b: Any, rtol: Any, atol: Any, nan: bool, dtype: bool, stride: bool, at: str) -> None:
    options = (rtol, atol, nan, dtype, stride)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        if a.keys() != b.keys():
            raise AssertionError(f"The keys of the mappings do not match: {sorted(a.keys() ^ b.keys(), key=str)}{at}")
        for key in a:
            _close(a[key], b[key], *options, f"{at}\n\nThe failure occurred for item [{key!r}]")
    elif _listed(a) and _listed(b):
        if len(a) != len(b):
            raise AssertionError(f"The length of the sequences mismatch: {len(a)} != {len(b)}{at}")
        for k, (x, y) in enumerate(zip(a, b, strict=True)):
            _close(x, y, *options, f"{at}\n\nThe failure occurred for item [{k}]")
    elif a is None or b is None:
        if a is not b:
            raise AssertionError(f"None mismatch: {a} is not {b}{at}")
    else:
        _tensors(a, b, *options, at)


def _listed(x: Any) -> bool:
    return isinstance(x, Sequence) and not isinstance(x, str | bytes)


def _tensors(a: Any, b: Any, rtol: Any, atol: Any, nan: bool, dtype: bool, stride: bool, at: str) -> None:
    scalar = isinstance(a, numbers.Number) and isinstance(b, numbers.Number)
    what = "Scalars" if scalar else "Tensor-likes"
    (x, one), (y, two) = _array(a), _array(b)
    if x.shape != y.shape:
        raise AssertionError(f"The values for attribute 'shape' do not match: {a.shape} != {b.shape}.{at}")
    if dtype and not scalar and one != two:
        raise AssertionError(f"The values for attribute 'dtype' do not match: torch.{one} != torch.{two}.{at}")
    if stride and a.stride() != b.stride():
        raise AssertionError(f"The values for attribute 'stride()' do not match: {a.stride()} != {b.stride()}.{at}")
    r, t = (max(p) for p in zip(TOLERANCES.get(one, (0, 0)), TOLERANCES.get(two, (0, 0)), strict=True))
    r, t = (r if rtol is None else rtol), (t if atol is None else atol)
    close = np.isclose(x, y, rtol=r, atol=t, equal_nan=nan)
    if close.all():
        return
    if scalar or x.ndim == 0:
        raise AssertionError(f"{what} are not close!\n\nExpected {y} but got {x}.{at}")
    difference = np.abs(x.astype(np.float64 if x.dtype.kind != "c" else np.complex128) - y)
    wrong, worst = int((~close).sum()), np.unravel_index(int(np.nanargmax(difference)), x.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(close, 0, difference / np.abs(y))
    least = np.unravel_index(int(np.nanargmax(relative)), x.shape)
    raise AssertionError(
        f"{what} are not close!\n\nMismatched elements: {wrong} / {x.size} ({100 * wrong / x.size:.1f}%)\n"
        f"Greatest absolute difference: {difference[worst]} at index {tuple(map(int, worst))} (up to {t} allowed)\n"
        f"Greatest relative difference: {relative[least]} at index {tuple(map(int, least))} (up to {r} allowed){at}"
    )


def _array(x: Any) -> tuple[Any, str]:
    if isinstance(x, Tensor):
        value = x._read().detach()
        name = str(value.dtype.name)
        return (value.float() if name in ("bfloat16", "float16") else value).numpy(), name
    found = np.asarray(x)
    return found, str(found.dtype)


def assert_allclose(actual: Any, expected: Any, rtol: Any = None, atol: Any = None, equal_nan: bool = True,
                    msg: Any = "") -> None:  # fmt: skip
    """The old name of ``assert_close``, without a check of dtypes."""
    warnings.warn("`torch.testing.assert_allclose()` is deprecated: use `assert_close`", FutureWarning, stacklevel=2)
    assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=False, msg=msg or None)


def make_tensor(*shape: Any, dtype: Any, device: Any = "cpu", low: Any = None, high: Any = None, **options: Any) -> Any:
    """A tensor of random numbers between two."""
    sizes = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
    low, high = (-9 if low is None else low), (10 if high is None else high)
    drawn = np.random.default_rng().uniform(low, high, tuple(sizes))
    made = Tensor._of(to(tensor(drawn), getattr(dtype, "home", dtype)))
    return made.requires_grad_() if options.get("requires_grad") else made
