"""The character transformer on several processes: the same bits on 1, 2 or 4 of them, and after a kill.

python examples/ranks.py                                one process
tenure launch -n 4 examples/ranks.py                    four; after kill -9 of one the others go on
tenure launch -n 3 examples/ranks.py --folder run       three; stopped and started again, also with two, it goes on
"""

import argparse
import hashlib

from transformer import LENGTH, Writer, corpus

import tenure as tn
import tenure.nn.functional as F
from tenure import distributed, nn, optim


def digest(model):
    """The bits of all parameters, in short."""
    return hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in model.parameters())).hexdigest()[:16]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--batch-size", type=int, default=24)
    parser.add_argument("--shards", type=int, default=4, help="parts of a batch, for any number of processes")
    parser.add_argument("--folder", help="checkpoints, to go on from")
    args = parser.parse_args()

    tn.manual_seed(0)
    letters, text = corpus()
    model = distributed.parallel(Writer(len(letters)), shards=args.shards)
    optimizer = optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    progress = distributed.Progress(args.steps)

    def step(k):
        starts = tn.randint(len(text) - LENGTH, (args.batch_size, 1), generator=tn.Generator(k))
        optimizer.zero_grad()
        losses = []
        for part in model.shards(text[starts + tn.arange(LENGTH + 1)]):
            loss = F.cross_entropy(model(part[:, :-1]).flatten(0, 1), part[:, 1:].flatten())
            loss.backward()
            losses.append(loss.detach())
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        progress.update(k + 1, loss=model.mean(losses))

    distributed.elastic(step, args.steps, folder=args.folder, every=20, model=model, optimizer=optimizer)
    if distributed.rank() == 0:
        print(f"{distributed.size()} processes: weights {digest(model)}")


if __name__ == "__main__":
    main()
