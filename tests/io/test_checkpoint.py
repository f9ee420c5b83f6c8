"""Checkpoints: training that was interrupted and resumed has the bits of training that was not."""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tenure as tn
from tenure import data, nn, optim
from tenure.nn import functional as F


class Decay:
    """A schedule with a state, as every part may have one."""

    def __init__(self, optimizer: optim.Optimizer) -> None:
        self.optimizer, self.count = optimizer, 0

    def step(self) -> None:
        """Lower the rate."""
        self.count += 1
        for group in self.optimizer.param_groups:
            group["lr"] = 0.1 / (1 + self.count)

    def state_dict(self) -> dict[str, Any]:
        """The count."""
        return {"count": self.count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The count again."""
        self.count = state["count"]


class Rows(data.Dataset[Any]):
    """Rows with noise from each default generator."""

    def __getitem__(self, index: int) -> Any:
        noise = tn.tensor([random.random(), float(np.random.rand()), 0.0])
        return tn.full((3,), float(index)) * 0.01 + tn.rand(3) + noise, float(index % 3)

    def __len__(self) -> int:
        return 18


def parts(workers: int, own: bool) -> dict[str, Any]:
    """All that a run consists of, made anew."""
    tn.manual_seed(1)
    random.seed(1)
    np.random.seed(1)
    model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 1))
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    generator = tn.Generator(7) if own else None
    loader = data.DataLoader(Rows(), 4, shuffle=True, generator=generator, num_workers=workers, threads=False)
    return {"model": model, "optimizer": optimizer, "schedule": Decay(optimizer), "loader": loader}


def train(run: dict[str, Any], epoch: int, path: Path | None, stop: int = -1) -> list[float]:
    """Train to the third epoch, saving after each step, and ending where it is told to."""
    losses: list[float] = []
    for now in range(epoch, 3):
        for x, y in run["loader"]:
            run["optimizer"].zero_grad()
            loss = F.mse_loss(run["model"](x).squeeze(1), y)
            loss.backward()
            run["optimizer"].step()
            losses.append(loss.item())
            if path is not None:
                tn.save_checkpoint(path, **run, epoch=now)
            if len(losses) == stop:
                return losses
        run["schedule"].step()
    return losses


@pytest.mark.parametrize(
    ("workers", "own", "stop"),
    [(0, False, 1), (0, True, 5), (0, True, 10), (2, False, 7), (2, True, 4)],
)
def test_resumed_training_has_the_bits_of_uninterrupted_training(
    workers: int, own: bool, stop: int, tmp_path: Path
) -> None:
    path, whole = tmp_path / "run.pt", parts(workers, own)
    losses = train(whole, 0, None)
    before = train(parts(workers, own), 0, path, stop)
    resumed = parts(workers, own)
    tn.rand(3), random.random(), np.random.rand()
    rest = tn.load_checkpoint(path, **resumed)
    if stop % 5 == 0:  # the schedule steps behind the last batch of an epoch
        assert len(resumed["loader"]) == 5
    after = train(resumed, rest["epoch"], None)
    assert before + after == losses
    for a, b in zip(whole["model"].state_dict().values(), resumed["model"].state_dict().values(), strict=True):
        assert a.tolist() == b.tolist()
    assert tn.rand(3).tolist() and os.listdir(tmp_path) == ["run.pt"]


KILLED = """
import os, signal, sys, pathlib
sys.path.insert(0, sys.argv[2])
from tests.io.test_checkpoint import parts, train
import tenure as tn
path = pathlib.Path(sys.argv[1])
whole = train(parts(0, False), 0, None)
child = os.fork()
if not child:
    train(parts(0, False), 0, path, 6)
    os.kill(os.getpid(), signal.SIGKILL)
os.waitpid(child, 0)
run = parts(0, False)
epoch = tn.load_checkpoint(path, **run)["epoch"]
assert whole[6:] == train(run, epoch, None), whole
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the run that is killed is forked here")
def test_a_killed_run_goes_on_with_the_same_bits(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", KILLED, str(tmp_path / "run.pt"), str(Path(__file__).parents[2])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_was_not_asked_for_is_returned(tmp_path: Path) -> None:
    net, noise = nn.Linear(2, 1), tn.Generator(3)
    tn.save_checkpoint(tmp_path / "a", model=net, noise=noise, best=0.5, names=["a"])
    drawn = tn.rand(2, generator=noise).tolist()
    found = tn.load_checkpoint(tmp_path / "a", noise=noise)
    assert tn.rand(2, generator=noise).tolist() == drawn
    assert found["best"] == 0.5 and found["names"] == ["a"] and found["model"]["weight"].tolist() == net.weight.tolist()
    assert tn.load(tmp_path / "a")["best"] == 0.5


def test_nothing_is_loaded_where_something_is_missing(tmp_path: Path) -> None:
    net, other = nn.Linear(2, 1), nn.Linear(2, 1)
    tn.save_checkpoint(tmp_path / "a", model=net)
    before = other.weight.tolist()
    with pytest.raises(tn.StateDictError, match="no 'optimizer', but 'model'"):
        tn.load_checkpoint(tmp_path / "a", model=other, optimizer=optim.SGD(other.parameters(), 0.1))
    with pytest.raises(tn.DTypeError, match="model has a load_state_dict"):
        tn.load_checkpoint(tmp_path / "a", model=3)
    assert other.weight.tolist() == before
    with pytest.raises(tn.DTypeError, match="random"):
        tn.save_checkpoint(tmp_path / "a", random=3)
    with pytest.raises(tn.DTypeError, match="no data"):
        tn.save_checkpoint(tmp_path / "a", f=print)
    f = io.BytesIO()
    tn.save({"model": 1}, f)
    f.seek(0)
    with pytest.raises(tn.StateDictError, match="save_checkpoint"):
        tn.load_checkpoint(f)
