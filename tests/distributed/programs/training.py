"""A training run with all that could depend on the number of ranks; prints a digest of what it comes to."""

from __future__ import annotations

import hashlib
import sys
from typing import Any

import tenure as tn
from tenure import nn, optim
from tenure.nn import functional as F

dist = tn.distributed


class Net(nn.Module):
    """Dropout, batch normalization, a table with sparse gradients, a weight in half precision, an unused parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(40, 8, sparse=True)
        self.first, self.norm = nn.Linear(20, 33), nn.BatchNorm1d(33)
        self.drop, self.last = nn.Dropout(0.3), nn.Linear(33, 5)
        self.scaling = nn.Parameter(tn.ones(5, dtype=tn.bfloat16))
        self.unused = nn.Parameter(tn.ones(3))

    def forward(self, x: Any, words: Any) -> Any:
        x = tn.cat([x, self.table(words).mean(1)], 1)
        return self.last(self.drop(F.gelu(self.norm(self.first(x))))) * self.scaling.float()


def digest(*states: Any) -> str:
    """The bits of some states."""
    found = hashlib.sha256()
    for state in states:
        for name, x in sorted(state.items(), key=lambda item: str(item[0])):
            value = x.detach().float().numpy().tobytes() if isinstance(x, tn.Tensor) else repr(x).encode()
            found.update(f"{name}".encode() + value)
    return found.hexdigest()[:16]


def batches(k: int) -> Any:
    """Batch k: most of 24 samples, now and then one of 21."""
    g = tn.Generator(1000 + k)
    n = 21 if k % 3 == 2 else 24
    words = tn.randint(40, (n, 3), generator=g)
    return tn.randn(n, 12, generator=g), words, tn.randint(5, (n,), generator=g)


def trained(steps: int, shards: int, group: Any = None, zero: bool = False) -> tuple[str, list[float]]:
    """Digest and losses of a run."""
    tn.manual_seed(dist.rank(group))  # ranks begin with what differs
    net = Net()
    model = dist.parallel(net, shards=shards, group=group)
    dense = [p for name, p in net.named_parameters() if name != "table.weight"]
    opt = optim.AdamW(dense, lr=0.01)
    if zero:
        dist.shard_optimizer(opt, group=group)
    rows = optim.SGD([net.table.weight], lr=0.1)
    losses = []
    for k in range(steps):
        opt.zero_grad()
        rows.zero_grad()
        several = []
        with model.no_sync():
            for x, words, y in model.shards(batches(10_000 + k)):
                (F.cross_entropy(model(x, words), y) / 2).backward()
        for x, words, y in model.shards(batches(k)):
            loss = F.cross_entropy(model(x, words), y)
            loss.backward()
            several.append(loss.detach())
        losses.append(model.mean(several).item())
        nn.utils.clip_grad_norm_(dense, 1.0)
        opt.step()
        rows.step()
    assert net.unused.grad is None and net.scaling.grad is not None
    after = tn.rand(3).tolist()
    kept = {f"{k} {name}": x for k, held in opt.state_dict()["state"].items() for name, x in held.items()}
    return digest(net.state_dict(), kept, {"random": after, "losses": losses}), losses


if __name__ == "__main__":
    found, losses = trained(int(sys.argv[1]), 8)
    if dist.rank() == 0:
        print(found, losses[0], losses[-1], flush=True)
    assert len(set(dist.all_gather_object(found))) == 1
