"""Loaders with workers: the same batches as without, as values; errors, deaths, interrupts and what is left behind."""

from __future__ import annotations

import gc
import io
import itertools
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure import data

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="workers are forked here")
FORMS = pytest.mark.parametrize("threads", [False, True], ids=["processes", "threads"])


class Rows(data.Dataset[Any]):
    """Rows with their number, noise, and who made them."""

    def __init__(self, size: int = 11, f: Any = None) -> None:
        self.size, self.f = size, f

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Any:
        if self.f is not None:
            self.f(index)
        info = data.get_worker_info()
        row = tn.full((600,), float(index)) + (tn.rand(600) if self.f is None else 0.0)
        return {"x": row, "n": np.full(300, index), "name": f"{index}", "who": -1 if info is None else info.id}


def plain(batch: Any) -> tuple[Any, ...]:
    """A batch as plain data, without who made it."""
    return batch["x"].tolist(), batch["n"].tolist(), batch["name"]


@FORMS
def test_batches_do_not_depend_on_who_loads_them(threads: bool) -> None:
    def epochs(**options: Any) -> list[Any]:
        options = {**options, "threads": threads} if options else options
        loader = data.DataLoader(Rows(), 3, shuffle=True, generator=tn.Generator(3), **options)
        assert len(loader) == 4
        return [plain(b) for _ in range(2) for b in loader]

    two = epochs(num_workers=2)
    assert two == epochs(num_workers=3, prefetch_factor=1) == epochs(num_workers=1, persistent_workers=True)
    assert [b[2] for b in two] == [b[2] for b in epochs()] and two[:4] != two[4:]
    dtypes = next(iter(data.DataLoader(Rows(), 3, num_workers=1, threads=threads)), {})
    assert {k: getattr(v, "dtype", None) for k, v in dtypes.items()} == {
        "x": tn.float32, "n": tn.int64, "name": None, "who": tn.int64,
    }  # fmt: skip


@pytest.mark.parametrize("dtype", [tn.bool, tn.bfloat16, tn.complex64, tn.uint16], ids=str)
def test_every_kind_of_tensor_is_handed_over(dtype: tn.DType) -> None:
    x = (tn.arange(3000) % 2).to(dtype).reshape(3, 1000)
    for batch_size in (None, 2):
        loader = data.DataLoader(data.TensorDataset(x, x[:, :2], x[:, 0], x[:, :0]), batch_size, num_workers=1)
        found = [[(part.dtype, part.shape, part.tolist()) for part in batch] for batch in loader]
        alone = data.DataLoader(data.TensorDataset(x, x[:, :2], x[:, 0], x[:, :0]), batch_size)
        assert found == [[(part.dtype, part.shape, part.tolist()) for part in batch] for batch in alone]


def test_what_a_worker_sent_is_a_value() -> None:
    kept = []
    for k, batch in enumerate(data.DataLoader(Rows(20), 1, num_workers=1, prefetch_factor=1)):
        kept.append((batch, plain(batch)))
        assert k < 1 or all(plain(b) == p for b, p in kept)
    batch, _ = kept[0]
    batch["n"].mut().add_(1)
    assert all(plain(b) == p for b, p in kept) and type(batch["x"]) is tn.Tensor


class Share(data.IterableDataset[int]):
    """The share of a worker of some numbers."""

    def __iter__(self) -> Any:
        info = data.get_worker_info()
        return iter(range(*(0, 11, 1) if info is None else (info.id, 11, info.num_workers)))


SHARES = [[0, 3], [1, 4], [2, 5], [6, 9], [7, 10], [8]]


@FORMS
def test_data_sets_without_indices_come_in_turn(threads: bool) -> None:
    loader = data.DataLoader(Share(), 2, num_workers=3, threads=threads, persistent_workers=True)
    for _ in range(2):
        assert [b.tolist() for b in loader] == SHARES
    for position in (1, 4):
        again = data.DataLoader(Share(), 2, num_workers=3, threads=threads)
        again.load_state_dict({"position": position, "begun": [tn.get_rng_state()], "generators": []})
        assert [b.tolist() for b in again] == SHARES[position:]


class Unpicklable(Exception):
    """An error that cannot be made from its text."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__(f"{a} and {b}")


def fail(index: int) -> None:
    """Fail at some indices."""
    if index == 2:
        raise KeyError("no sample 2")
    if index == 4:
        raise Unpicklable(1, 2)
    if index == 5:
        raise StopIteration
    if index == 6:
        tn.zeros(3)[index]


@FORMS
def test_an_error_of_a_worker_is_raised_as_its_class(threads: bool) -> None:
    batches = iter(data.DataLoader(Rows(8, fail), 1, num_workers=2, threads=threads))
    seen: list[Any] = []
    while True:
        try:
            seen.append(next(batches)["name"][0])
        except StopIteration:
            break
        except Exception as error:
            seen.append(type(error))
            trace = str(error.__cause__)
            assert "in worker" in trace and "in fail" in trace
    assert seen == ["0", "1", KeyError, "3", RuntimeError, RuntimeError, tn.OutOfRange, "7"]


def test_errors_at_the_start_of_a_worker() -> None:
    def init(number: int) -> None:
        raise OSError(f"no place for worker {number}")

    with pytest.raises(OSError, match="no place for worker 0"):
        list(data.DataLoader(Rows(), num_workers=1, worker_init_fn=init))
    made: list[int] = []
    list(data.DataLoader([1, 2], num_workers=2, worker_init_fn=made.append, threads=True))
    assert sorted(made) == [0, 1]


def test_seeds_of_workers() -> None:
    class Seeds(data.Dataset[Any]):
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> Any:
            info = data.get_worker_info()
            assert info is not None and info.num_workers == 2 and type(info.dataset) is Seeds
            return info.id, str(info.seed), str(tn.initial_seed()), np.random.rand()

    loader = data.DataLoader(Seeds(), None, num_workers=2, worker_init_fn=print)
    for _ in range(2):
        found = list(loader)
        base = int(found[0][1])
        assert [(w, int(seed) - base, int(own) - base) for w, seed, own, _ in found] == [
            (0, 0, 0), (1, 1, 1), (0, 0, 0), (1, 1, 1)
        ]  # fmt: skip
        assert len({x for *_, x in found}) == 4


def test_a_killed_worker_is_noticed() -> None:
    def kill(index: int) -> None:
        if index == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        if index == 7:
            os._exit(3)

    for sampler, how in (([0, 5], "SIGKILL"), ([0, 7], "exit code 3")):
        with pytest.raises(RuntimeError, match=how):
            list(data.DataLoader(Rows(11, kill), sampler=sampler, num_workers=2))
    gc.collect()
    assert not multiprocessing.active_children()


@FORMS
def test_a_slow_worker_times_out(threads: bool) -> None:
    def wait(index: int) -> None:
        time.sleep(1.0 * (index == 1))

    begun = time.monotonic()
    with pytest.raises(RuntimeError, match=r"timeout=0\.2 seconds"):
        list(data.DataLoader(Rows(2, wait), num_workers=1, timeout=0.2, threads=threads))
    gc.collect()
    assert time.monotonic() - begun < 5 and not multiprocessing.active_children()


@FORMS
def test_batches_as_they_are_ready(threads: bool) -> None:
    def wait(index: int) -> None:
        time.sleep(0.4 * (index == 0))

    loader = data.DataLoader(Rows(4, wait), 1, num_workers=2, in_order=False, threads=threads, prefetch_factor=1)
    found = [b["name"][0] for b in loader]
    assert sorted(found) == ["0", "1", "2", "3"] and found[0] != "0"
    with pytest.raises(ValueError, match="no order"):
        loader.state_dict()


def test_no_process_is_left() -> None:
    gc.collect()
    loader = data.DataLoader(Rows(50), 1, num_workers=2)
    for k, _ in enumerate(loader):
        if k == 3:
            break
    assert not multiprocessing.active_children()
    kept = data.DataLoader(Rows(50), 1, num_workers=2, persistent_workers=True)
    seen = []
    for _ in range(2):
        for batch in kept:
            seen.append((batch["name"], {p.pid for p in multiprocessing.active_children()}))
            break
    assert [name for name, _ in seen] == [["0"], ["0"]] and seen[0][1] == seen[1][1] and len(seen[0][1]) == 2
    del kept, loader
    assert not multiprocessing.active_children()
    before = threading.active_count()
    list(data.DataLoader(Rows(5), 1, num_workers=3, threads=True))
    time.sleep(0.1)
    assert threading.active_count() == before


def run(script: str, **options: Any) -> subprocess.Popen[str]:
    """A program of its own."""
    command = [sys.executable, "-W", "ignore", "-c", script]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


INTERRUPTED = """
import time, os, tenure as tn
from tenure import data
class Slow(data.Dataset):
    def __len__(self): return 100
    def __getitem__(self, k):
        os.write(1, b"%d\\n" % os.getpid())
        time.sleep(60)
try:
    for batch in data.DataLoader(Slow(), num_workers=2):
        pass
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def alive(pid: int) -> bool:
    """Whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("how", ["interrupt", "kill"])
def test_workers_end_with_their_process(how: str) -> None:
    with run(INTERRUPTED, start_new_session=True) as process:
        assert process.stdout is not None and process.stderr is not None
        workers = [int(process.stdout.readline()) for _ in range(2)]
        if how == "interrupt":
            os.killpg(process.pid, signal.SIGINT)
            assert process.stdout.read() == "interrupted\n" and process.wait(10) == 0 and process.stderr.read() == ""
        else:
            process.kill()
            process.wait(10)
            for pid in workers:  # in the middle of a sample, which they finish
                os.kill(pid, signal.SIGCONT)
                os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + 10
    while any(map(alive, workers)) and time.monotonic() < until:
        time.sleep(0.02)
    assert not any(map(alive, workers))


SPAWNED = """
import tenure as tn
from tenure import data
print(list(data.DataLoader(data.TensorDataset(tn.ones(4)), 2, num_workers=1, multiprocessing_context="spawn")))
"""


def test_a_main_module_without_a_guard_is_an_error_that_says_so(tmp_path: Any) -> None:
    script = tmp_path / "main.py"
    script.write_text(SPAWNED)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1 and '`if __name__ == "__main__":`' in done.stderr.splitlines()[-1]


def test_workers_that_are_spawned() -> None:
    rows = data.TensorDataset(tn.arange(400).reshape(4, 100))
    loader = data.DataLoader(rows, 2, num_workers=1, multiprocessing_context="spawn")
    assert [b.tolist() for (b,) in loader] == [b.tolist() for (b,) in data.DataLoader(rows, 2)]


@pytest.mark.parametrize("options", [{}, {"num_workers": 2}], ids=["here", "workers"])
def test_a_position_is_saved_and_resumed(options: dict[str, Any]) -> None:
    def loader() -> data.DataLoader[Any]:
        tn.manual_seed(1)
        sampler = data.WeightedRandomSampler([1.0] * 11, 20, generator=tn.Generator(9))
        return data.DataLoader(Rows(), 3, sampler=sampler, generator=tn.Generator(2), **options)

    whole = [b["name"] for a in (loader(),) for _ in range(2) for b in a]
    for position in (0, 1, 6, 7):
        first, second = loader(), loader()
        names = [b["name"] for _, b in zip(range(position), first, strict=False)]
        second.load_state_dict(first.state_dict())
        assert second.state_dict()["position"] == position
        rest = [b["name"] for _ in range(2) for b in second]
        assert names + rest == whole
    other = data.DataLoader(Rows(), 3)
    for bad in ({}, None, {"position": 1, "begun": [], "generators": [3]}):
        with pytest.raises(tn.StateDictError):
            other.load_state_dict(bad)  # type: ignore[arg-type]


class Stream(data.IterableDataset[Any]):
    """Samples without indices, of which one worker has more than another, with a position, an epoch, and noise."""

    def __init__(self) -> None:
        self.at = self.epoch = 0

    def __iter__(self) -> Any:
        worker = data.get_worker_info()
        k = 0 if worker is None else worker.id
        while self.at < 7 + 9 * k:
            self.at += 1
            yield 100 * self.epoch + 20 * k + self.at + random.random()
        self.at, self.epoch = 0, self.epoch + 1

    def state_dict(self) -> dict[str, int]:
        return {"at": self.at, "epoch": self.epoch}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.at, self.epoch = state["at"], state["epoch"]


class Noisy(data.Dataset[Any]):
    """Samples with a generator of their own."""

    def __init__(self) -> None:
        self.noise = tn.Generator(4)

    def __len__(self) -> int:
        return 8

    def __getitem__(self, k: int) -> Any:
        return k + tn.rand((), generator=self.noise).item()

    def state_dict(self) -> dict[str, Any]:
        return {"noise": self.noise.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.noise.set_state(state["noise"])


@pytest.mark.parametrize("options", [{}, {"num_workers": 2}, {"num_workers": 2, "persistent_workers": True}])
@pytest.mark.parametrize("kind", [Stream, Noisy])
def test_the_state_of_a_data_set_is_resumed(kind: Any, options: dict[str, Any]) -> None:
    def start() -> data.DataLoader[Any]:
        tn.manual_seed(1)
        random.seed(2)
        return data.DataLoader(kind(), 3, shuffle=kind is Noisy, **options)

    def forever(loader: Any) -> Any:
        while True:
            for batch in loader:
                yield batch.tolist()

    count = 15
    whole = list(itertools.islice(forever(start()), count))
    for position in range(0, count, 1 if kind is Stream and options else 4):
        first, file = start(), io.BytesIO()
        before = list(itertools.islice(forever(first), position))
        tn.save_checkpoint(file, loader=first)
        file.seek(0)
        second = data.DataLoader(kind(), 3, shuffle=kind is Noisy, **options)
        tn.load_checkpoint(file, loader=second)
        assert before + list(itertools.islice(forever(second), count - position)) == whole


def test_states_of_data_sets_that_fit_no_loader() -> None:
    state = data.DataLoader(Stream(), 3, num_workers=2).state_dict()
    with pytest.raises(tn.StateDictError, match="the state is of 2 workers"):
        data.DataLoader(Stream(), 3).load_state_dict(state)
    with pytest.raises(tn.StateDictError, match="one of the data set"):
        data.DataLoader(Rows(), 3).load_state_dict({**state, "workers": None})
    with pytest.raises(ValueError, match="threads share the data set"):
        data.DataLoader(Stream(), 3, num_workers=2, threads=True).state_dict()


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_batches_of_workers_are_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    from torch.utils import data as theirs

    def run(lib: Any, utils: Any) -> list[Any]:
        class Numbers(utils.IterableDataset):  # type: ignore[misc]
            def __init__(self, sizes: tuple[int, ...]) -> None:
                self.sizes = sizes

            def __iter__(self) -> Any:
                info = utils.get_worker_info()
                return iter([10 * info.id + k for k in range(self.sizes[info.id])])

        out = [[b.tolist() for b in utils.DataLoader(Numbers(s), 2, num_workers=3)] for s in ((4, 4, 3), (5, 5, 5))]
        rows = utils.TensorDataset(lib.arange(10), lib.arange(10) * 2)
        out += [[[x.tolist() for x in b] for b in utils.DataLoader(rows, 4, num_workers=2, drop_last=True)]]
        return [*out, [[x.item() for x in b] for b in utils.DataLoader(rows, None, num_workers=2, sampler=[3, 1])]]

    assert run(tn, data) == run(torch, theirs)
