"""``tn.save`` and ``tn.load``: what is saved comes back, shared as it was, by path or object, whole or not at all."""

from __future__ import annotations

import gc
import io
import os
import subprocess
import sys
import weakref
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any

import pytest

import tenure as tn
from tenure import dtypes, nn, optim
from tenure.io import zips
from tenure.io.files import Source


def back(x: Any, **options: Any) -> Any:
    """An object as it comes back from a file."""
    f = io.BytesIO()
    tn.save(x, f)
    f.seek(0)
    return tn.load(f, **options)


@pytest.mark.parametrize("dtype", dtypes.DTYPES, ids=lambda dtype: dtype.name)
def test_tensors_come_back_with_their_bits(dtype: tn.DType) -> None:
    x = (tn.arange(6) * 37 - 70).reshape(2, 3).abs().to(dtype)
    y = back(x)
    assert (y.dtype, y.shape, type(y)) == (dtype, (2, 3), tn.Tensor) and bool((x == y).all())
    assert back(tn.zeros(0, 3, dtype=dtype)).shape == (0, 3) and back(x[0, 0]).shape == ()


def test_plain_data_comes_back() -> None:
    x = {
        "numbers": [0, 255, 256, -1, 2**31, -(2**40), 2**100, 1.5, float("inf"), 1 + 2j, True, None],
        "text": ("", "ü\ud800", b"\0\xff", bytearray(b"ab")),
        1: {"set": {1, "a"}, (2, "b"): [[], (), {}], 0.5: Counter("aab")},
        "types": [tn.float32, tn.bool, tn.device("cpu")],
        "order": OrderedDict(b=1, a=2),
        "numpy": tn.tensor([0.5]).numpy()[0],
    }
    y = back(x)
    assert y == x and [type(v) for v in y["numbers"]] == [type(v) for v in x["numbers"]]  # type: ignore[attr-defined]
    assert (type(y["order"]), type(y[1][0.5]), type(y["numpy"])) == (OrderedDict, Counter, float)


def test_parameters_places_and_tracked_values_come_back_as_leaves() -> None:
    w, frozen = nn.Parameter([1.0, 2.0]), nn.Parameter([1.0], requires_grad=False)
    leaf, place = tn.ones(2, requires_grad=True), tn.ones(2).mut()
    a, b, c, d, e = back([w, frozen, leaf, place, leaf * 2])
    assert [type(v) for v in (a, b, c, d, e)] == [nn.Parameter, nn.Parameter, tn.Var, tn.Tensor, tn.Var]
    assert [v.requires_grad for v in (a, b, c, d, e)] == [True, False, True, False, True]
    a.data += 1
    assert (a.tolist(), w.tolist()) == ([2.0, 3.0], [1.0, 2.0])


def test_names_of_one_thing_stay_names_of_one() -> None:
    tied = nn.Sequential(nn.Linear(40, 40, bias=False), nn.Linear(40, 40, bias=False))
    tied[1].weight = tied[0].weight
    f = io.BytesIO()
    tn.save(tied.state_dict(), f)
    assert len(f.getvalue()) < 2 * 6400
    state = back(tied.state_dict())
    assert state["0.weight"] is state["1.weight"]
    w, items = nn.Parameter([1.0]), [1]
    a, b, c, d = back([w, w, items, items])
    assert a is b and c is d
    loop: list[Any] = []
    loop.append(loop)
    again = back(loop)
    assert again[0] is again


def test_a_training_state_comes_back() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    opt = optim.Adam(net.parameters(), lr=0.1)
    net(tn.rand(5, 3)).sum().backward()
    opt.step()
    state = back({"net": net.state_dict(), "opt": opt.state_dict(), "epoch": 3})
    other = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    second = optim.Adam(other.parameters(), lr=0.1)
    other.load_state_dict(state["net"])
    second.load_state_dict(state["opt"])
    x = tn.rand(5, 3)
    for model, optimizer in ((net, opt), (other, second)):
        optimizer.zero_grad()
        model(x).sum().backward()
        optimizer.step()
    for a, b in zip(net.parameters(), other.parameters(), strict=True):
        assert a.tolist() == b.tolist()


def test_nothing_but_the_caller_keeps_what_was_loaded() -> None:
    f = io.BytesIO()
    tn.save({"a": tn.ones(1000), "b": nn.Parameter(tn.ones(1000))}, f)
    f.seek(0)
    gc.disable()
    try:
        state = tn.load(f)
        kept = [weakref.ref(x) for x in state.values()]
        del state
        assert [r() for r in kept] == [None, None]
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (nn.Linear(1, 1), "state_dict"),
        ({"a": [1, optim.SGD([nn.Parameter([1.0])], 0.1)]}, r"at \['a'\]\[1\] is a SGD"),
        ({"f": print}, r"at \['f'\]"),
        ([object()], r"at \[0\]"),
        ({"x": tn.ones(2).numpy()}, "tn.tensor"),
        ({frozenset(): 1}, "a key"),
    ],
)
def test_what_is_no_data_is_not_saved(bad: Any, said: str, tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    tn.save([1], path)
    with pytest.raises(tn.DTypeError, match=said):
        tn.save(bad, path)
    assert (tn.load(path), os.listdir(tmp_path)) == ([1], ["state.pt"])


def test_nesting_without_end_is_refused() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(tn.DTypeError, match="deep"):
        back(deep)


def test_files_are_paths_or_objects(tmp_path: Path) -> None:
    x = {"a": tn.arange(3)}
    for f in (tmp_path / "p", str(tmp_path / "s")):
        tn.save(x, f)
        assert tn.load(f)["a"].tolist() == [0, 1, 2]
    with open(tmp_path / "o", "wb") as out:
        out.write(b"before")
        tn.save(x, out)
    with open(tmp_path / "o", "rb") as file:
        assert file.read(6) == b"before" and tn.load(file)["a"].tolist() == [0, 1, 2]
    data = (tmp_path / "p").read_bytes()

    class Stream:
        """Only read()."""

        def read(self, n: int = -1) -> bytes:
            return data

    assert tn.load(Stream(), "cpu", mmap=True, weights_only=False)["a"].tolist() == [0, 1, 2]
    for bad in (3, None, b"path", io.BytesIO, "", "a\0b", object()):
        with pytest.raises(tn.DTypeError, match="a file is a path"):
            tn.load(bad)  # type: ignore[arg-type]
    with open(tmp_path / "p") as text, pytest.raises(tn.DTypeError, match="open for text"):
        tn.load(text)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        tn.load(tmp_path / "none")
    gpu = {"map_location": "cuda"}, {"map_location": {"cpu": "cuda:0"}}
    for option in (*gpu, {"pickle_module": 3}, {"mmap": "yes"}):
        with pytest.raises(tn.DTypeError):
            tn.load(tmp_path / "p", **option)  # type: ignore[arg-type]
    for located in ({"map_location": {"cuda:0": "cpu"}}, {"map_location": lambda storage, place: storage}):
        assert tn.load(tmp_path / "p", **located)["a"].tolist() == [0, 1, 2]  # type: ignore[arg-type]
    with pytest.raises(tn.DTypeError, match="pickle_protocol is 2"):
        tn.save(x, tmp_path / "p", pickle_protocol=4)


def test_a_replaced_file_keeps_its_rights_and_its_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    tn.save([1], real)
    real.chmod(0o600)
    link.symlink_to(real)
    tn.save([2], link)
    assert link.is_symlink() and tn.load(real) == [2] and real.stat().st_mode & 0o777 == 0o600
    with open(os.devnull, "wb"):
        tn.save([1], os.devnull)
    assert not Path(os.devnull).is_file()


def test_an_archive_of_large_offsets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The form of archives beyond 4 GiB, with a lower limit."""
    f = io.BytesIO()
    writer = zips.Writer(f, limit=100)
    for name, data in (("a", b"x" * 200), ("b", b""), ("c", b"y" * 10)):
        writer.add(name, [data, data], align=64)
    writer.close()
    f.seek(0)
    source = Source(f, "f")
    found = zips.entries(source)
    assert {name: zips.content(source, entry) for name, entry in found.items()} == {
        "a": b"x" * 400, "b": b"", "c": b"y" * 20,
    }  # fmt: skip
    assert all(entry.start % 64 == 0 for entry in found.values())
    import zipfile

    with zipfile.ZipFile(f) as theirs:
        assert theirs.testzip() is None and theirs.read("c") == b"y" * 20


KILLED = """
import os, random, signal, sys, time, tenure as tn
path, rng, seen = sys.argv[1], random.Random(0), set()
tn.save({"n": 0, "x": tn.full((50_000,), 0.0)}, path)
states = [{"n": n, "x": tn.full((50_000,), float(n))} for n in (1, 2)]
tn.save(states, os.devnull)
for k in range(int(sys.argv[2])):
    begun, begin = os.pipe()
    child = os.fork()
    while not child:
        for state in states:
            tn.save(state, path)
            os.write(begin, b"1") if begin else None
            begin = 0
    os.read(begun, 1)
    time.sleep(rng.random() * 0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    state = tn.load(path)
    assert state["x"].tolist() == [float(state["n"])] * 50_000, state
    seen.add(state["n"])
print(seen)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="writers are forked here")
def test_a_killed_writer_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    times = os.environ.get("TENURE_KILLS", "5")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KILLED, str(tmp_path / "state.pt"), times],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "") and eval(done.stdout) <= {1, 2}
