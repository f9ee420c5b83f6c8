"""What tensors look like when printed; test_show_peers.py compares the same text with PyTorch's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tenure.values.operations.show import PrintOptions, format_tensor, get_printoptions, set_printoptions


@pytest.fixture(autouse=True)
def default_options() -> Iterator[None]:
    set_printoptions(profile="default")
    yield
    set_printoptions(profile="default")


def show(array: np.ndarray[Any, Any], **notes: Any) -> str:
    return format_tensor(array, dtype_name=array.dtype.name, **notes)


def float32(*values: float) -> np.ndarray[Any, Any]:
    return np.array(values, dtype=np.float32)


SNAPSHOTS: dict[str, tuple[np.ndarray[Any, Any], dict[str, Any], str]] = {
    "one axis of floats": (
        np.array([1.0, 2.0], dtype=np.float32),
        {},
        "tensor([1., 2.])",
    ),
    "float64 names its dtype": (
        np.array([1.0, 2.0]),
        {},
        "tensor([1., 2.], dtype=tenure.float64)",
    ),
    "fixed point": (
        np.array([1.7, -0.25], dtype=np.float32),
        {},
        "tensor([ 1.7000, -0.2500])",
    ),
    "scalar": (
        np.array(1.5, dtype=np.float32),
        {},
        "tensor(1.5000)",
    ),
    "whole scalar": (
        np.array(3.0, dtype=np.float32),
        {},
        "tensor(3.)",
    ),
    "integers": (
        np.array([1, -20, 300]),
        {},
        "tensor([  1, -20, 300])",
    ),
    "int32 names its dtype": (
        np.array([[1, 2], [3, 4]], dtype=np.int32),
        {},
        """\
tensor([[1, 2],
        [3, 4]], dtype=tenure.int32)""",
    ),
    "booleans": (
        np.array([True, False]),
        {},
        "tensor([ True, False])",
    ),
    "boolean scalar": (
        np.array(True),
        {},
        "tensor(True)",
    ),
    "empty": (
        np.zeros(0, dtype=np.float32),
        {},
        "tensor([])",
    ),
    "empty with shape": (
        np.zeros((0, 3), dtype=np.float32),
        {},
        "tensor([], size=(0, 3))",
    ),
    "empty integers": (
        np.zeros(0, dtype=np.int64),
        {},
        "tensor([], dtype=tenure.int64)",
    ),
    "empty booleans with shape": (
        np.zeros((2, 0), dtype=np.bool_),
        {},
        "tensor([], size=(2, 0), dtype=tenure.bool)",
    ),
    "not finite": (
        np.array([np.nan, np.inf, -np.inf, 1.0], dtype=np.float32),
        {},
        "tensor([nan, inf, -inf, 1.])",
    ),
    "not finite among fractions": (
        np.array([np.nan, -np.inf, 0.5], dtype=np.float32),
        {},
        "tensor([   nan,   -inf, 0.5000])",
    ),
    "zeros do not align": (
        np.array([0.0, -0.0, np.nan], dtype=np.float32),
        {},
        "tensor([0., -0., nan])",
    ),
    "small": (
        np.array([1e-5, 1.0], dtype=np.float32),
        {},
        "tensor([1.0000e-05, 1.0000e+00])",
    ),
    "large": (
        np.array([1e9, 2e9], dtype=np.float32),
        {},
        "tensor([1.0000e+09, 2.0000e+09])",
    ),
    "wide range of whole numbers": (
        np.array([1.0, 1001.0], dtype=np.float32),
        {},
        "tensor([1.0000e+00, 1.0010e+03])",
    ),
    "matrix": (
        np.array([[1.0, -2.5], [1000.0, 0.125]], dtype=np.float32),
        {},
        """\
tensor([[ 1.0000e+00, -2.5000e+00],
        [ 1.0000e+03,  1.2500e-01]])""",
    ),
    "blank lines between matrices": (
        np.arange(8).reshape(2, 2, 2),
        {},
        """\
tensor([[[0, 1],
         [2, 3]],

        [[4, 5],
         [6, 7]]])""",
    ),
    "wrapped lines": (
        np.arange(30, dtype=np.float32),
        {},
        """\
tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.,
        14., 15., 16., 17., 18., 19., 20., 21., 22., 23., 24., 25., 26., 27.,
        28., 29.])""",
    ),
    "summary": (
        np.arange(1001),
        {},
        "tensor([   0,    1,    2,  ...,  998,  999, 1000])",
    ),
    "summary of a matrix": (
        np.arange(10000.0).reshape(100, 100),
        {},
        """\
tensor([[0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 9.7000e+01, 9.8000e+01,
         9.9000e+01],
        [1.0000e+02, 1.0100e+02, 1.0200e+02,  ..., 1.9700e+02, 1.9800e+02,
         1.9900e+02],
        [2.0000e+02, 2.0100e+02, 2.0200e+02,  ..., 2.9700e+02, 2.9800e+02,
         2.9900e+02],
        ...,
        [9.7000e+03, 9.7010e+03, 9.7020e+03,  ..., 9.7970e+03, 9.7980e+03,
         9.7990e+03],
        [9.8000e+03, 9.8010e+03, 9.8020e+03,  ..., 9.8970e+03, 9.8980e+03,
         9.8990e+03],
        [9.9000e+03, 9.9010e+03, 9.9020e+03,  ..., 9.9970e+03, 9.9980e+03,
         9.9990e+03]], dtype=tenure.float64)""",
    ),
    "summary cuts long axes only": (
        np.arange(2400).reshape(2, 3, 400),
        {},
        """\
tensor([[[   0,    1,    2,  ...,  397,  398,  399],
         [ 400,  401,  402,  ...,  797,  798,  799],
         [ 800,  801,  802,  ..., 1197, 1198, 1199]],

        [[1200, 1201, 1202,  ..., 1597, 1598, 1599],
         [1600, 1601, 1602,  ..., 1997, 1998, 1999],
         [2000, 2001, 2002,  ..., 2397, 2398, 2399]]])""",
    ),
    "complex numbers": (
        np.array([1 + 2.5j, -3 - 4j], dtype=np.complex64),
        {},
        "tensor([ 1.+2.5000j, -3.-4.0000j])",
    ),
    "leaf": (
        np.array([1.7], dtype=np.float32),
        {"requires_grad": True},
        "tensor([1.7000], requires_grad=True)",
    ),
    "result": (
        np.array([5.1], dtype=np.float32),
        {"requires_grad": True, "grad_fn": "MulBackward0"},
        "tensor([5.1000], grad_fn=<MulBackward0>)",
    ),
    "float64 leaf": (
        np.array([0.1]),
        {"requires_grad": True},
        "tensor([0.1000], dtype=tenure.float64, requires_grad=True)",
    ),
    "note on its own line": (
        np.arange(12, dtype=np.float32),
        {"grad_fn": "MulBackward0"},
        """\
tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11.],
       grad_fn=<MulBackward0>)""",
    ),
    "notes after a matrix": (
        np.ones((2, 9)) / 3,
        {"grad_fn": "DivBackward0"},
        """\
tensor([[0.3333, 0.3333, 0.3333, 0.3333, 0.3333, 0.3333, 0.3333, 0.3333, 0.3333],
        [0.3333, 0.3333, 0.3333, 0.3333, 0.3333, 0.3333, 0.3333, 0.3333, 0.3333]],
       dtype=tenure.float64, grad_fn=<DivBackward0>)""",
    ),
}


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_snapshot(name: str) -> None:
    array, notes, expected = SNAPSHOTS[name]
    assert show(array, **notes) == expected


def test_options_apply_and_stay() -> None:
    set_printoptions(precision=2)
    set_printoptions(threshold=5, edgeitems=1)
    assert get_printoptions() == PrintOptions(precision=2, threshold=5, edgeitems=1)
    assert show(float32(0.0, 0.25, 0.5, 0.75, 1.0, 1.25)) == "tensor([0.00,  ..., 1.25])"


def test_profiles() -> None:
    set_printoptions(profile="short")
    assert show(np.arange(2000)) == "tensor([   0,    1,  ..., 1998, 1999])"
    set_printoptions(profile="full")
    assert "..." not in show(np.arange(2000))
    set_printoptions(profile="short", precision=1)
    assert show(float32(0.25)) == "tensor([0.2])"
    with pytest.raises(ValueError, match="'default', 'short', 'full', not 'long'"):
        set_printoptions(profile="long")


def test_sci_mode_lasts_until_the_next_call() -> None:
    set_printoptions(sci_mode=True)
    assert show(float32(1.5)) == "tensor([1.5000e+00])"
    set_printoptions(sci_mode=False)
    assert show(float32(1e-9, 1.5)) == "tensor([0.0000, 1.5000])"
    set_printoptions(precision=4)
    assert show(float32(1e-9, 1.5)) == "tensor([1.0000e-09, 1.5000e+00])"


def test_line_width() -> None:
    set_printoptions(linewidth=20)
    assert show(np.arange(7)) == "tensor([0, 1, 2, 3,\n        4, 5, 6])"


def test_no_edge_items() -> None:
    set_printoptions(threshold=5, edgeitems=0)
    assert show(np.zeros((3, 4), np.float32)) == "tensor([...], size=(3, 4))"


def test_printing_reads_only_what_it_shows() -> None:
    huge = np.broadcast_to(np.float32(0.5), (1 << 20, 1 << 20))
    start = time.perf_counter()
    assert show(huge).count("0.5000") == 36
    assert time.perf_counter() - start < 0.5
