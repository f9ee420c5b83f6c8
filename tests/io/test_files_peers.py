"""PyTorch reads what Tenure writes, and Tenure what PyTorch writes, in each of its formats."""

from __future__ import annotations

import io
import pickle
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure import dtypes, nn, optim

pytestmark = pytest.mark.peers
torch = pytest.importorskip("torch")

ZIP, LEGACY = {}, {"_use_new_zipfile_serialization": False}  # type: ignore[var-annotated]
FORMATS = pytest.mark.parametrize("form", [ZIP, LEGACY], ids=["zip", "legacy"])


def theirs(x: Any, **form: Any) -> Any:
    """What PyTorch saves, loaded here."""
    f = io.BytesIO()
    torch.save(x, f, **form)
    f.seek(0)
    return tn.load(f)


def ours(x: Any, **options: Any) -> Any:
    """What is saved here, loaded by PyTorch."""
    f = io.BytesIO()
    tn.save(x, f)
    f.seek(0)
    return torch.load(f, weights_only=True, **options)


def same(a: Any, b: Any) -> bool:
    """The same dtype, shape and bits of a tensor of each library."""
    assert str(a.dtype).split(".")[-1] == str(b.dtype).split(".")[-1] and tuple(a.shape) == tuple(b.shape)
    x, y = (b, a) if isinstance(a, tn.Tensor) else (a, b)
    if x.dtype is torch.bfloat16:
        x, y = x.float(), y.float()
    return bool(np.array_equal(x.detach().numpy(), y.detach().numpy(), equal_nan=False))


@FORMATS
@pytest.mark.parametrize("dtype", dtypes.DTYPES, ids=lambda dtype: dtype.name)
def test_every_dtype(dtype: tn.DType, form: dict[str, Any]) -> None:
    kind = getattr(torch, dtype.name)
    x = (torch.arange(12).reshape(3, 4) * 17 % 13).to(kind)
    assert same(theirs(x, **form), x) and same(theirs(x[1:, ::2], **form), x[1:, ::2])
    assert same(theirs(x[0, 0], **form), x[0, 0]) and same(theirs(x[:0], **form), x[:0])
    y = tn.arange(12).reshape(3, 4).to(dtype)
    for value in (y, y.t(), y[1:], y[0, 0], y[:0]):
        assert same(ours(value), value)


@FORMATS
def test_views_of_one_storage(form: dict[str, Any]) -> None:
    base = torch.arange(24.0)
    views = [
        base, base[3:7], base[::5], base.reshape(4, 6).t(), base.reshape(2, 3, 4).permute(2, 0, 1), base[5],
        base.as_strided((3, 3), (2, 1), 4), base[:1].expand(5), base.unfold(0, 4, 2), base[24:],
    ]  # fmt: skip
    for a, b in zip(theirs(views, **form), views, strict=True):
        assert same(a, b)
    shared = theirs([base, base, base.view(4, 6)], **form)
    assert shared[0] is shared[1]


@FORMATS
def test_modules_and_optimizers(form: dict[str, Any]) -> None:
    net = torch.nn.Sequential(torch.nn.Linear(3, 4, False), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 4))
    net[2].weight = torch.nn.Parameter(torch.rand(4, 4).t())
    opt = torch.optim.Adam(net.parameters(), lr=0.1)
    net(torch.rand(5, 3)).pow(3).sum().backward()
    opt.step()
    state = theirs({"net": net.state_dict(), "opt": opt.state_dict(), "epoch": 3, "best": 0.5}, **form)
    assert (state["epoch"], state["best"], type(state["net"])) == (3, 0.5, OrderedDict)
    mine = nn.Sequential(nn.Linear(3, 4, False), nn.BatchNorm1d(4), nn.Linear(4, 4))
    mine.load_state_dict(state["net"])
    second = optim.Adam(mine.parameters(), lr=0.1)
    second.load_state_dict(state["opt"])
    x = np.random.default_rng(0).random((5, 3), dtype=np.float32)
    for lib, model, optimizer in ((torch, net, opt), (tn, mine, second)):
        optimizer.zero_grad()
        model(lib.tensor(x)).pow(3).sum().backward()  # type: ignore[attr-defined]
        optimizer.step()
    for a, b in zip(mine.parameters(), net.parameters(), strict=True):
        assert np.allclose(a.detach().numpy(), b.detach().numpy(), atol=1e-6)


def test_our_training_state_is_theirs() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    opt = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net(tn.rand(5, 3)).sum().backward()
    opt.step()
    state = ours({"net": net.state_dict(), "opt": opt.state_dict()})
    other = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    other.load_state_dict(state["net"])
    torch.optim.SGD(other.parameters(), lr=0.1, momentum=0.9).load_state_dict(state["opt"])
    for a, b in zip(net.parameters(), other.parameters(), strict=True):
        assert same(a.detach(), b)


@FORMATS
def test_plain_data(form: dict[str, Any]) -> None:
    x = {
        "a": [1, -1, 2**70, 1.5, None, True, 1 + 2j, "ü", b"\xff", bytearray(b"a")], "s": {1, "a"}, (1, "b"): (),
        "size": torch.Size([2, 3]), "c": Counter("aab"), "o": OrderedDict(b=1), "f": frozenset((1, 2)),
        "r": slice(1, 2),
    }  # fmt: skip
    y = theirs(x, **form)
    assert y == {**x, "size": (2, 3)} and type(y["o"]) is OrderedDict
    z = theirs({"d": torch.bfloat16, "v": torch.device("cuda", 1), "l": torch.strided, "p": torch.float8_e5m2}, **form)
    assert z == {"d": tn.bfloat16, "v": "cpu", "l": tn.strided, "p": tn.uint8}
    assert type(ours({"s": y["size"]})["s"]) is torch.Size
    del x["size"], x["f"], x["r"]
    assert ours({**x, "d": [tn.float16, tn.device("cpu")]}) == {**x, "d": [torch.float16, torch.device("cpu")]}


@FORMATS
def test_the_bits_of_float8_have_no_gradient(form: dict[str, Any]) -> None:
    x = torch.tensor([0.5, -2.0]).to(torch.float8_e4m3fn)
    found = theirs([torch.nn.Parameter(x), x.clone().requires_grad_()], **form)
    assert type(found[0]) is tn.nn.Parameter
    assert all(not y.requires_grad and y.tolist() == x.view(torch.uint8).tolist() for y in found)


@FORMATS
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol(protocol: int, form: dict[str, Any]) -> None:
    x = {"w": torch.ones(2), "n": [1, "a", b"b" * 300, {2}, 2**40], "o": OrderedDict(a=frozenset([1]))}
    y = theirs(x, pickle_protocol=protocol, **form)
    assert y["w"].tolist() == [1.0, 1.0] and {**y, "w": 0} == {**x, "w": 0}


@FORMATS
def test_numpys_scalars_and_arrays(form: dict[str, Any]) -> None:
    x = [np.float64(0.5), np.int32(3), np.bool_(True), np.float32(1.5), np.arange(6).reshape(2, 3), np.ones((2, 2)).T]
    for a, b in zip(theirs(x, **form), x, strict=True):
        assert type(a) is type(b) and a.dtype == b.dtype and np.array_equal(a, b)  # type: ignore[attr-defined]
    with pytest.raises(tn.FileError):
        theirs([np.array(["a"])], **form)
    assert ours([x[0], x[1]]) == [0.5, 3]


@FORMATS
def test_leaves_parameters_and_ties(form: dict[str, Any]) -> None:
    w = torch.nn.Parameter(torch.ones(2), requires_grad=False)
    v = torch.ones(2, requires_grad=True)
    marked = torch.ones(2)
    marked.note = "kept aside"
    complex_ = torch.tensor([1 + 2j]).conj()
    a, b, c, d, e, f, g = theirs([w, w, v, v * 2, marked, complex_, torch.tensor([1j]).conj().imag], **form)
    assert a is b and type(a) is nn.Parameter and not a.requires_grad and c.is_leaf and c.requires_grad
    assert (d.requires_grad, e.tolist(), f.tolist(), g.tolist()) == (True, [1.0, 1.0], [1 - 2j], [-1.0])
    p = nn.Parameter([1.0])
    one, two, leaf = ours([p, p, tn.ones(1, requires_grad=True)])
    assert one is two and type(one) is torch.nn.Parameter and leaf.requires_grad
    x = tn.ones(3)
    i, j = ours([x, x.detach()])
    assert i.untyped_storage().data_ptr() == j.untyped_storage().data_ptr()


@FORMATS
@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
def test_sparse_rows(form: dict[str, Any]) -> None:
    rows = tn.SparseRows([3, 1, 3], tn.arange(6.0).reshape(3, 2), (5, 2))
    for x in (rows, rows.coalesce()):
        (y,) = ours([x])
        assert repr(y).replace("torch.", "tenure.") == repr(x) and y.is_coalesced() is x.is_coalesced()
        (z,) = theirs([y], **form)
        assert type(z) is tn.SparseRows and repr(z) == repr(x) and z.is_coalesced() is x.is_coalesced()
    outside = torch.sparse_coo_tensor([[9]], torch.ones(1, 2), (5, 2), check_invariants=False)
    with pytest.raises(tn.FileError, match="a sparse tensor does not fit together: TN801"):
        theirs(outside, **form)


@FORMATS
def test_a_bare_module_and_other_code_are_refused(form: dict[str, Any]) -> None:
    for bad in (torch.nn.Linear(1, 1), {"net": torch.nn.ReLU()}, torch.optim.SGD([torch.ones(1)], 0.1)):
        with pytest.raises(tn.FileError, match="state_dict"):
            theirs(bad, **form)
    for bad in (torch.eye(2).to_sparse(), torch.ones(2, device="meta"), Path("x"), torch.ones(2).untyped_storage()):
        with pytest.raises(tn.FileError, match="code, not data|by itself|damaged|sparse tensor of other than rows"):
            theirs(bad, **form)
    with pytest.raises(tn.FileError, match="pickle"):
        tn.load(io.BytesIO(pickle.dumps({"a": 1})))


def test_torchscript_and_old_archives_are_refused(tmp_path: Path) -> None:
    import tarfile

    with tarfile.open(tmp_path / "old.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("storages"))
    with pytest.raises(tn.FileError, match="none of PyTorch's files"):
        tn.load(tmp_path / "old.tar")


def test_mapped_and_unsummed_files(tmp_path: Path) -> None:
    tn.save({"w": tn.arange(1000.0)}, tmp_path / "a.pt")
    assert torch.load(tmp_path / "a.pt", mmap=True, weights_only=True)["w"].tolist() == list(range(1000))
    torch.serialization.set_crc32_options(False)
    try:
        torch.save({"w": torch.arange(1000.0)}, tmp_path / "b.pt")
    finally:
        torch.serialization.set_crc32_options(True)
    with pytest.raises(tn.FileError, match="verify=False"):
        tn.load(tmp_path / "b.pt")
    assert tn.load(tmp_path / "b.pt", verify=False)["w"].tolist() == list(range(1000))
