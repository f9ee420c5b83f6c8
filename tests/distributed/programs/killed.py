"""A run in which a rank kills itself, and perhaps another one later; prints where it comes to.

    killed.py STEPS FOLDER WHO:STEP:PLACE…      PLACE: forward, backward, update, save, or a number of milliseconds
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from typing import Any

import tenure as tn
from tenure import nn, optim
from tenure.nn import functional as F
from tests.distributed.programs.training import batches, digest

dist = tn.distributed
ME = dist.rank()
DEATHS = [text.split(":") for text in sys.argv[3:]]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def at(place: str, k: int) -> None:
    """Die here, if that is planned."""
    for who, step, where in DEATHS:
        if (int(who), int(step), where) == (ME, k, place):
            die()
        if (int(who), int(step)) == (ME, k) and place == "forward" and where.isdigit():
            threading.Thread(target=lambda ms=int(where): (time.sleep(ms / 1000), die()), daemon=True).start()  # type: ignore[misc]


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table, self.first = nn.Embedding(40, 8), nn.Linear(20, 33)
        self.norm, self.drop, self.last = nn.BatchNorm1d(33), nn.Dropout(0.3), nn.Linear(33, 5)

    def forward(self, x: Any, words: Any) -> Any:
        x = tn.cat([x, self.table(words).mean(1)], 1)
        return self.last(self.drop(self.norm(self.first(x)).relu()))


def main() -> None:
    steps, folder = int(sys.argv[1]), sys.argv[2]
    tn.manual_seed(5)
    net = Net()
    model = dist.parallel(net, shards=4)
    opt = optim.AdamW(net.parameters(), lr=0.01)
    schedule = optim.lr_scheduler.ExponentialLR(opt, 0.99)
    count = [0]

    def step(k: int) -> None:
        count[0] += 1
        if k == 0 and dist.rank() == 0:
            print("begun", flush=True)
        with model.no_sync() if k % 6 == 4 else contextlib.nullcontext():
            for x, words, y in model.shards(batches(k)):
                at("forward", k)
                F.cross_entropy(model(x, words), y).backward()
        at("backward", k)
        if k % 2:  # the gradients of two steps: reduced in each, or in the second one
            opt.step()
            opt.zero_grad()
            schedule.step()
        at("update", k)

    options: dict[str, Any] = {} if folder == "-" else {"folder": folder, "every": 2}
    lost = dist.elastic(step, steps, model=model, optimizer=opt, schedule=schedule, **options)
    found = digest(net.state_dict(), {"random": tn.rand(2).tolist(), "rate": schedule.get_last_lr()})
    assert len(set(dist.all_gather_object(found))) == 1
    if dist.rank() == 0:
        print(f"digest {found} lost {lost} ranks {dist.size()} steps {count[0]}", flush=True)


if __name__ == "__main__":
    main()
