"""Files that are damaged, cut off or made to harm: one class of error that names the file, and nothing is executed."""

from __future__ import annotations

import builtins
import io
import os
import pickle
import random
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest

import tenure as tn
from tenure import nn
from tenure.io import safetensors


def bytes_of(x: Any) -> bytes:
    """The file of an object."""
    f = io.BytesIO()
    tn.save(x, f)
    return f.getvalue()


def parts(x: Any) -> dict[str, bytes]:
    """The entries of its file."""
    with zipfile.ZipFile(io.BytesIO(bytes_of(x))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive(entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A file of some entries."""
    f = io.BytesIO()
    with zipfile.ZipFile(f, "w", method) as made:
        for name, data in entries.items():
            made.writestr(name, data)
    return f.getvalue()


def of_pickle(data: bytes, **more: bytes) -> bytes:
    """A file with a pickle."""
    return archive({"archive/data.pkl": data, "archive/version": b"3\n", **more})


def refused(data: bytes, said: str = "", **options: Any) -> None:
    """The file is refused, by an error that names it."""
    with pytest.raises(tn.FileError, match=f"TN805: load: a BytesIO: .*{said}"):
        tn.load(io.BytesIO(data), **options)


SMALL = {"w": tn.arange(6.0).reshape(2, 3), "b": tn.tensor([True, False]), "n": [1, "x", None]}


def test_a_file_cut_off_anywhere_is_refused() -> None:
    data = bytes_of(SMALL)
    for k in range(len(data)):
        refused(data[:k])


@pytest.mark.parametrize("verify", [True, False])
def test_flipped_bytes_give_data_or_the_one_error(verify: bool) -> None:
    data, rng, refusals = bytes_of(SMALL), random.Random(0), 0
    for _ in range(5000 if os.environ.get("TENURE_FUZZ") else 400):
        damaged = bytearray(data)
        for _ in range(rng.choice((1, 1, 2, 8))):
            damaged[rng.randrange(len(data))] = rng.randrange(256)
        try:
            tn.load(io.BytesIO(bytes(damaged)), verify=verify)
        except tn.FileError as error:
            refusals += "a BytesIO" in str(error)
    assert refusals > 200


def test_damaged_elements_are_noticed() -> None:
    data = bytes_of({"w": tn.ones(1000)})
    at = data.index(struct.pack("<f", 1.0) * 10)
    damaged = data[:at] + b"\1" + data[at + 1 :]
    refused(damaged, "checksum")
    assert tn.load(io.BytesIO(damaged), verify=False)["w"][0] != 1


class Calls:
    """An object whose pickle calls a function."""

    def __init__(self, f: Callable[..., Any], *args: Any) -> None:
        self.call = f, args

    def __reduce__(self) -> Any:
        return self.call


RAN: list[int] = []
EVIL: dict[str, Any] = {
    "os.system": Calls(os.system, "exit 1"),
    "eval": Calls(eval, "RAN.append(1)"),
    "exec": Calls(exec, "import os"),
    "import": Calls(__import__, "os"),
    "getattr": Calls(getattr, Calls(__import__, "os"), "system"),
    "open": Calls(open, "/etc/passwd"),
    "a class": Calls,
    "a module of ours": nn.Linear(1, 1),
    "builtins": builtins.compile,
    "in a dict": {"w": [Calls(os.getpid)]},
}


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("name", EVIL)
def test_no_function_is_called(name: str, protocol: int) -> None:
    data = pickle.dumps(EVIL[name], protocol)
    refused(of_pickle(data), "code, not data")
    refused(data)
    refused(of_pickle(data), "code, not data", weights_only=False)


def test_a_whole_module_is_refused_with_advice() -> None:
    data = pickle.dumps(OrderedDict(), 2).replace(b"ccollections\nOrderedDict", b"ctorch.nn.modules.linear\nLinear")
    with pytest.raises(tn.FileError, match="state_dict"):
        tn.load(io.BytesIO(of_pickle(data)))


def deep(n: int) -> bytes:
    """Tuples in tuples."""
    return b"\x80\x02)" + b"\x85" * n


PICKLES = {
    "nothing": b"",
    "no stop": b"\x80\x02]",
    "empty stack": b"\x80\x02.",
    "two objects": b"\x80\x02]].",
    "pop of nothing": b"\x80\x020.",
    "memo that is not there": b"\x80\x02h\x07.",
    "memo of a large number": b"\x80\x02]r\xff\xff\xff\xff0j\xfe\xff\xff\xff.",
    "mark that is not there": b"\x80\x02]e.",
    "mark as an object": b"\x80\x02(.",
    "text of 4 GB": b"\x80\x02X\xff\xff\xff\xffa.",
    "bytes of 2**63": b"\x80\x04\x8e" + b"\xff" * 8 + b"a.",
    "bytearray of 2**40": b"\x80\x05\x96" + (2**40).to_bytes(8, "little") + b"a.",
    "int of 2 GB": b"\x80\x02\x8b\xff\xff\xff\x7fa.",
    "digits": b"L" + b"9" * 10_000 + b"L\n.",
    "unhashable key": b"\x80\x02}]Ns.",
    "deep key": b"\x80\x02}" + deep(100_000)[2:] + b"Ns.",
    "element of a set": b"\x80\x04\x8f(" + deep(100_000)[2:] + b"\x90.",
    "called dict": b"\x80\x02})R.",
    "called int": b"\x80\x02K\1)R.",
    "attribute": b"\x80\x02}}b.",
    "state of a dtype": b"\x80\x02ctorch\nfloat32\n}b.",
    "extension": b"\x80\x02\x82\1.",
    "inst": b"(ios\nsystem\n.",
    "obj": b"\x80\x02(cos\nsystem\no.",
    "persistent id": b"Pid\n.",
    "protocol of the future": b"\x80\x09N.",
    "out of band": b"\x80\x05\x97.",
    "name of numbers": b"\x80\x04K\1K\2\x93.",
    "codec": b"\x80\x02c_codecs\nencode\nX\1\0\0\0aX\5\0\0\0rot13\x86R.",
    "bytes of a number": b"\x80\x02c__builtin__\nbytes\n\x8a\6\0\0\0\0\0\1\x85R.",
    "dots": b"\x80\x04\x8c\5torch\x8c\x0ftorch.os.system\x93.",
    "dotted name": b"\x80\x02ctorch\nos.system\n)R.",
    "storage of a dict": b"\x80\x02}Q.",
    "module": b"\x80\x02X\6\0\0\0moduleK\1K\2\x87Q.",
}


@pytest.mark.parametrize("name", PICKLES)
def test_no_pickle_does_harm(name: str) -> None:
    refused(of_pickle(PICKLES[name]))


def tensor(
    numel: str = "K\3", offset: str = "K\0", shape: str = "K\3\x85", strides: str = "K\1\x85", key: str = "0"
) -> bytes:
    """The pickle of a tensor that views a storage."""
    storage = "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0" + key + "X\3\0\0\0cpu" + numel + "tQ"
    whole = "\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + storage + offset + shape + strides + "\x89})tR."
    return whole.encode("latin1")


@pytest.mark.parametrize(
    "options",
    [
        {"numel": "K\4"},
        {"numel": "J\xff\xff\xff\xff"},
        {"numel": "\x8a\x08" + "\xff" * 7 + "\x7f"},
        {"numel": "K\2"},
        {"offset": "K\1"},
        {"offset": "J\xff\xff\xff\xff"},
        {"shape": "K\4\x85"},
        {"shape": "J\xff\xff\xff\xff\x85"},
        {"shape": "G?\xf0\0\0\0\0\0\0\x85"},
        {"shape": "\x88\x85"},
        {"shape": "K\3K\1\x86"},
        {"shape": "]"},
        {"strides": "K\2\x85"},
        {"strides": "J\xff\xff\xff\xff\x85"},
        {"shape": "\x8a\5\0\0\0\0\x10\x85", "strides": "K\0\x85"},
        {"key": "9"},
    ],
)
def test_no_tensor_reaches_out_of_its_storage(options: dict[str, str]) -> None:
    more = {"archive/data/0": struct.pack("<3f", 1, 2, 3)}
    assert tn.load(io.BytesIO(of_pickle(tensor(), **more))).tolist() == [1.0, 2.0, 3.0]
    refused(of_pickle(tensor(**options), **more))


def test_tricks_of_zip() -> None:
    good = parts(SMALL)
    assert tn.load(io.BytesIO(archive(good)))["n"] == [1, "x", None]
    assert tn.load(io.BytesIO(archive(good, zipfile.ZIP_DEFLATED)))["w"].tolist() == SMALL["w"].tolist()  # type: ignore[attr-defined]
    refused(archive({**good, "other/data.pkl": good["archive/data.pkl"]}), "2 entries")
    refused(archive({"../data.pkl": good["archive/data.pkl"]}), "storage '0'")
    refused(archive({"x.npy": b""}), "0 entries")
    refused(archive({**good, "archive/constants.pkl": b""}), "TorchScript")
    refused(archive({**good, "archive/byteorder": b"big"}), "byte order")
    bomb = archive({**good, "archive/data.pkl": bytes(10_000_000)}, zipfile.ZIP_DEFLATED)
    refused(bomb, "damaged")
    with zipfile.ZipFile(io.BytesIO(), "w") as writer, pytest.warns(UserWarning):
        writer.writestr("archive/data.pkl", b"a")
        writer.writestr("archive/data.pkl", b"b")
    for lie in (2**31, 2**32 - 2):
        refused(lying(archive(good), lie))
        refused(lying(bomb, lie))
    refused(moved(archive(good)), "overlap|not lie|another name")
    locked = bytearray(archive(good))
    locked[locked.index(b"PK\1\2") + 8] |= 1
    refused(bytes(locked), "encrypted")


def lying(data: bytes, size: int) -> bytes:
    """An archive whose directory says another size of each entry."""
    out, at = bytearray(data), data.find(b"PK\1\2")
    while at >= 0:
        out[at + 24 : at + 28] = size.to_bytes(4, "little")
        at = data.find(b"PK\1\2", at + 1)
    return bytes(out)


def moved(data: bytes) -> bytes:
    """An archive whose entries all lie where the first does."""
    out, at = bytearray(data), data.find(b"PK\1\2")
    while at >= 0:
        out[at + 42 : at + 46] = bytes(4)
        at = data.find(b"PK\1\2", at + 1)
    return bytes(out)


def said(start: int, end: int, shape: str = "", dtype: str = "U8") -> str:
    """The header's words on a tensor."""
    return f'{{"dtype":"{dtype}","shape":[{shape or end - start}],"data_offsets":[{start},{end}]}}'


WHOLE = said(0, 6)
HEADERS = {
    "overlap": f'{{"a":{said(0, 4)},"b":{said(2, 6)}}}',
    "gap": f'{{"a":{said(0, 2)},"b":{said(4, 6)}}}',
    "out of range": f'{{"a":{said(0, 9)}}}',
    "left over": f'{{"a":{said(0, 4)}}}',
    "wrong size": f'{{"a":{said(0, 6, "6", "F32")}}}',
    "backwards": f'{{"a":{said(6, 0)}}}',
    "negative": f'{{"a":{said(0, 6, "-6")}}}',
    "float": f'{{"a":{said(0, 6, "6.0")}}}',
    "bool": f'{{"a":{said(0, 6, "6,true")}}}',
    "huge": f'{{"a":{said(0, 6, "4611686018427387904,4,6")}}}',
    "twice": f'{{"a":{WHOLE},"a":{WHOLE}}}',
    "dtype": f'{{"a":{said(0, 6, "6", "F4")}}}',
    "more": '{"a":{"dtype":"U8","shape":[6],"data_offsets":[0,6],"x":1}}',
    "less": '{"a":{"dtype":"U8","shape":[6]}}',
    "metadata": f'{{"__metadata__":{{"a":1}},"a":{WHOLE}}}',
    "list": "[1]",
    "nested": '{"a":' * 100_000,
    "digits": f'{{"a":{said(0, 6, "9" * 10_000)}}}',
    "text": '{"a',
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_that_lies_is_refused(name: str) -> None:
    text = HEADERS[name].encode()
    with pytest.raises(tn.FileError, match="TN805: load_file: a BytesIO: "):
        safetensors.load(len(text).to_bytes(8, "little") + text + b"\1\2\3\4\5\6")


def test_a_safetensors_file_cut_off_or_with_a_huge_header_is_refused() -> None:
    data = safetensors.save({"a": tn.arange(3), "b": tn.ones(2)}, {"k": "v"})
    for k in range(len(data)):
        with pytest.raises(tn.FileError):
            safetensors.load(data[:k])
    for size in (0, 1, 100_000_001, 2**63, 2**64 - 1):
        with pytest.raises(tn.FileError, match="header"):
            safetensors.load(size.to_bytes(8, "little") + data[8:])


def test_arrays_of_numpy_that_lie_are_refused() -> None:
    import numpy as np

    f = io.BytesIO()
    np.save(f, np.arange(6))
    good = f.getvalue()
    for k in range(len(good)):
        with pytest.raises(tn.FileError, match="TN805"):
            tn.io.load_npy(io.BytesIO(good[:k]))
    for a, b in ((b"(6,)", b"((6,"), (b"(6,)", b"(7,)"), (b"(6,)", b"-6  "), (b"<i8", b"|O "), (good, good + b"\0")):
        bad = good.replace(a, b)
        with pytest.raises(tn.FileError):
            tn.io.load_npy(io.BytesIO(bad))
    f = io.BytesIO()
    np.savez_compressed(f, a=np.zeros(1000), b=np.array(["text"]))
    with pytest.raises(tn.FileError, match="'b.npy' is of <U4"):
        tn.io.load_npz(io.BytesIO(f.getvalue()))
    f = io.BytesIO()
    np.save(f, np.array([object()], dtype=object), allow_pickle=True)
    with pytest.raises(tn.FileError, match="objects"):
        tn.io.load_npy(io.BytesIO(f.getvalue()))
