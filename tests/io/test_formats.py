"""safetensors and NumPy's files: both ways, by name, whole or in parts."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure import dtypes
from tenure.io import safetensors


def sample(dtype: tn.DType) -> tn.Tensor:
    """A tensor of a dtype."""
    return (tn.arange(6) * 37 - 70).reshape(2, 3).abs().to(dtype)


EVERY = {dtype.name: sample(dtype) for dtype in dtypes.DTYPES} | {"empty": tn.zeros(0, 3), "scalar": tn.tensor(2.5)}


def test_safetensors_come_back_with_their_bits(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    tn.io.save_file(EVERY, path, {"format": "pt", "ü": "日本"})
    found = tn.io.load_file(str(path))
    assert set(found) == set(EVERY) and os.listdir(tmp_path) == [path.name]
    for name, x in EVERY.items():
        assert (found[name].dtype, found[name].shape) == (x.dtype, x.shape) and bool((found[name] == x).all())
    with tn.io.safe_open(path, framework="pt", device="cpu") as f:
        assert f.metadata() == {"format": "pt", "ü": "日本"} and f.keys() == sorted(EVERY)
        assert f.get_tensor("int64").tolist() == EVERY["int64"].tolist()
    assert tn.io.load_file(io.BytesIO(path.read_bytes()))["scalar"].item() == 2.5


def test_wide_elements_lie_first_and_aligned() -> None:
    data = safetensors.save({"a": tn.ones(3, dtype=tn.uint8), "b": tn.ones(3, dtype=tn.float64)})
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    assert size % 8 == 0 and header["b"]["data_offsets"] == [0, 24] and header["a"]["data_offsets"] == [24, 27]


INDICES: list[Any] = [
    0, -1, slice(1, 4), slice(None, None, 2), slice(4, 1), slice(None), (slice(1, 3), 0), (2, slice(None, 2)), (..., 1),
    [0, 2], slice(-2, None), (slice(1, 5, 3), slice(1, None)),
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_parts_are_read_as_indexing_reads_them(index: Any, tmp_path: Path) -> None:
    x = tn.arange(15).reshape(5, 3)
    tn.io.save_file({"x": x, "s": tn.tensor(1.0)}, tmp_path / "f")
    with tn.io.safe_open(tmp_path / "f") as f:
        part = f.get_slice("x")
        assert (part.get_shape(), part.get_dtype()) == ([5, 3], "I64")
        assert part[index].tolist() == x[index].tolist()
        assert f.get_slice("s")[...].item() == 1.0
        for wrong in (5, -6):
            with pytest.raises(tn.OutOfRange):
                part[wrong]


def test_float8_is_its_bits() -> None:
    bits = tn.tensor([0, 1, 255], dtype=tn.uint8)
    data = safetensors.save({"w": bits}, dtypes={"w": "F8_E4M3"})
    assert b'"F8_E4M3"' in data and safetensors.load(data)["w"].tolist() == [0, 1, 255]
    with tn.io.safe_open(io.BytesIO(data)) as f:
        assert f.get_slice("w").get_dtype() == "F8_E4M3" and f.offset_keys() == ["w"]
    for wrong in ({"dtypes": {"w": "F32"}}, {"metadata": {"a": 1}}, {"metadata": 3}):
        with pytest.raises(tn.DTypeError):
            safetensors.save({"w": bits}, **wrong)  # type: ignore[arg-type]
    for tensors in ({"w": tn.ones(2)}, {"w": [1.0]}, [bits], {1: bits}):
        with pytest.raises(tn.DTypeError):
            safetensors.save(tensors, dtypes={"w": "F8_E4M3"})  # type: ignore[arg-type]


def test_files_that_are_not_opened(tmp_path: Path) -> None:
    tn.io.save_file({}, tmp_path / "f")
    with pytest.raises(tn.DTypeError, match="framework"):
        tn.io.safe_open(tmp_path / "f", framework="np")
    with tn.io.safe_open(tmp_path / "f") as f, pytest.raises(KeyError, match="no tensor 'a'"):
        f.get_tensor("a")
    (tmp_path / "f").write_bytes(b"garbage")
    with pytest.raises(tn.FileError, match="safe_open: "):
        tn.io.safe_open(tmp_path / "f")


@pytest.mark.parametrize("compress", [False, True])
def test_npz_both_ways(compress: bool, tmp_path: Path) -> None:
    tn.io.save_npz(tmp_path / "a.npz", EVERY, compress=compress)
    found, theirs = tn.io.load_npz(tmp_path / "a.npz"), np.load(tmp_path / "a.npz")
    for name, x in EVERY.items():
        assert (found[name].dtype, found[name].shape) == (x.dtype, x.shape) and bool((found[name] == x).all())
        if name != "bfloat16":
            assert theirs[name].dtype == x.numpy().dtype and (theirs[name] == x.numpy()).all()
    (np.savez_compressed if compress else np.savez)(
        tmp_path / "b.npz", np.arange(3), f=np.asfortranarray([[0, 1, 2], [3, 4, 5]]), big=np.arange(3).astype(">i4")
    )
    assert {name: x.tolist() for name, x in tn.io.load_npz(str(tmp_path / "b.npz")).items()} == {
        "arr_0": [0, 1, 2], "f": [[0, 1, 2], [3, 4, 5]], "big": [0, 1, 2],
    }  # fmt: skip


def test_npy_both_ways(tmp_path: Path) -> None:
    for name, x in EVERY.items():
        tn.io.save_npy(tmp_path / "a.npy", x)
        assert bool((tn.io.load_npy(tmp_path / "a.npy") == x).all())
        if name != "bfloat16":
            np.save(tmp_path / "b.npy", x.numpy())
            assert (tmp_path / "b.npy").read_bytes() == (tmp_path / "a.npy").read_bytes()
    for bad in ([1.0], {"a": 1}, None):
        with pytest.raises(tn.DTypeError):
            tn.io.save_npy(tmp_path / "a.npy", bad)  # type: ignore[arg-type]
        with pytest.raises(tn.DTypeError):
            tn.io.save_npz(tmp_path / "a.npz", {"x": bad})  # type: ignore[dict-item]
