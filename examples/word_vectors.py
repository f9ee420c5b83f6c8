"""Learn vectors of words from Python's own documentation, by several processes at once, and draw them.

Skip-gram with negative sampling (Mikolov et al., NIPS 2013). The two tables lie in shared memory: every process reads
the rows of its batch, and adds to those rows, while the others do the same (Hogwild!, Niu et al., NIPS 2011). A step
costs what its rows cost, whatever the size of the tables.

Ctrl-C stops the training; a checkpoint is written after each epoch, and --resume goes on from it.
"""

import argparse
import ast
import collections
import itertools
import multiprocessing
import os
import pydoc_data.topics
import re
import sys
import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import tenure as tn
import tenure.nn.functional as F
from tenure import optim

WINDOW, NEGATIVES, LEAST = 5, 5, 8
SHOWN = ["list", "class", "raise", "int", "file", "thread"]
FORK = multiprocessing.get_context("fork")


def read_text():
    """The reference pages that pydoc shows, and the docstrings of the standard library."""
    yield from pydoc_data.topics.topics.values()
    for path in sorted(Path(os.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                yield ast.get_docstring(node) or ""


class Corpus:
    """The text as numbers of words, without rare words, and with fewer of the very frequent ones."""

    def __init__(self, texts, seed):
        found = [re.findall(r"[a-z]{2,}", text.lower()) for text in texts]
        counts = collections.Counter(word for text in found for word in text)
        self.words = [word for word, count in counts.most_common() if count >= LEAST]
        self.number = {word: k for k, word in enumerate(self.words)}
        frequency = np.array([counts[word] for word in self.words], float)
        frequency /= frequency.sum()
        numbers = [np.array([self.number[w] for w in text if w in self.number] + [-1] * WINDOW) for text in found]
        text = np.concatenate(numbers)
        keep = np.where(text < 0, 1.0, np.sqrt(1e-3 / frequency)[text])
        self.text = text[np.random.default_rng(seed).random(len(text)) < keep]
        self.noise = np.cumsum(frequency**0.75) / np.sum(frequency**0.75)

    def pairs(self, rng, part, parts):
        """Pairs of a word and a neighbour, in random order: the share of one process."""
        found = []
        for distance in range(1, WINDOW + 1):
            left, right = self.text[:-distance], self.text[distance:]
            kept = (left >= 0) & (right >= 0) & (rng.random(len(left)) < 1 - (distance - 1) / WINDOW)
            found += [(left[kept], right[kept]), (right[kept], left[kept])]
        center, other = (np.concatenate(side) for side in zip(*found, strict=True))
        order = np.random.default_rng(len(center)).permutation(len(center))[part::parts]
        order = rng.permutation(order)
        return center[order], other[order]

    def negatives(self, rng, count):
        return np.searchsorted(self.noise, rng.random((count, NEGATIVES)))


def loss_of(words, contexts, center, others):
    """Mean loss of pairs: the first of ``others`` was seen beside the center, the rest are noise."""
    rows = F.embedding(center, words, sparse=True).unsqueeze(1)
    score = (rows * F.embedding(others, contexts, sparse=True)).sum(-1)
    return (F.softplus(-score[:, 0]) + F.softplus(score[:, 1:]).sum(-1)).mean()


def work(part, parts, corpus, words, contexts, optimizer, seen, begin, end, args, first):
    """One process: its share of the pairs in each epoch."""
    for epoch in range(first, args.epochs):
        begin.wait()
        rng = np.random.default_rng([args.seed, epoch, part])
        center, other = corpus.pairs(rng, part, parts)
        for k in range(0, len(center) - args.batch_size + 1, args.batch_size):
            batch = slice(k, k + args.batch_size)
            others = np.column_stack([other[batch], corpus.negatives(rng, args.batch_size)])
            optimizer.zero_grad()
            loss = loss_of(words, contexts, tn.tensor(center[batch]), tn.tensor(others))
            loss.backward()
            optimizer.step()
            seen.add_(tn.tensor([[1.0, loss.item()]], dtype=tn.float64), tn.tensor([part]))
        end.wait()


def train(corpus, words, contexts, optimizer, losses, args):
    """Append the mean loss of each epoch to ``losses``."""
    seen = tn.Shared(tn.zeros(args.processes, 2, dtype=tn.float64))  # batches and their losses, of each process
    begin, end = (FORK.Barrier(args.processes + 1) for _ in range(2))
    common = (args.processes, corpus, words, contexts, optimizer, seen, begin, end, args, len(losses))
    processes = [FORK.Process(target=work, args=(k, *common), daemon=True) for k in range(args.processes)]
    for process in processes:
        process.start()
    live, done, shown = sys.stdout.isatty(), seen.value.sum(0).numpy(), 0.0
    try:
        while len(losses) < args.epochs:
            begin.wait()
            start = time.perf_counter()
            while end.n_waiting < args.processes:
                if not all(process.is_alive() for process in processes):
                    raise SystemExit("a process has ended early")
                time.sleep(0.02)
                now = time.perf_counter()
                if now - shown > (0.1 if live else 5.0):
                    shown = now
                    report(len(losses) + 1, seen.value.sum(0).numpy() - done, now - start, args, live)
            total = seen.value.sum(0).numpy()
            losses.append(float((total - done)[1] / (total - done)[0]))
            report(len(losses), total - done, time.perf_counter() - start, args, live)
            done = total
            save(args.checkpoint, words, contexts, optimizer, losses)
            end.wait()
    finally:
        for process in processes:
            process.terminate()
        print(end="\n" if live else "", flush=True)


def report(epoch, since, seconds, args, live):
    batches, loss = since
    if not batches:
        return
    speed = batches * args.batch_size / max(seconds, 1e-9)
    line = f"epoch {epoch:3d}  loss {loss / batches:.4f}  {speed:9,.0f} pairs/s by {args.processes} processes"
    print(f"\r{line}\x1b[K" if live else line, end="" if live else "\n", flush=True)


def save(path, words, contexts, optimizer, losses):
    state = {"words": words.value, "contexts": contexts.value, "optimizer": optimizer.state_dict(), "losses": losses}
    tn.save(state, path)


def unit(vectors):
    return vectors / vectors.norm(dim=1, keepdim=True).clip(1e-12)


def neighbours(vectors, corpus, word, count=6):
    """The words whose vectors point in the most similar directions."""
    near = (unit(vectors) @ unit(vectors)[corpus.number[word]]).argsort(descending=True)
    return [corpus.words[k] for k in near[1 : count + 1].tolist()]


def draw(path, vectors, corpus, losses, count=120):
    """The loss of each epoch, and the most frequent words in the plane in which their vectors differ most."""
    figure = Figure(figsize=(13, 6.5), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1, 2.2])
    left.plot(range(1, len(losses) + 1), losses, marker="o")
    left.set(title="Training loss", xlabel="epoch", ylabel="loss of a pair with its noise")
    chosen = unit(vectors[40 : 40 + count])
    chosen = chosen - chosen.mean(dim=0)
    points = (chosen @ tn.linalg.svd(chosen, full_matrices=False)[2][:2].T).numpy()
    right.scatter(*points.T, s=4, color="tab:blue")
    for (x, y), word in zip(points, corpus.words[40:], strict=False):
        right.annotate(word, (x, y), fontsize=8)
    right.set(title="Frequent words, in the plane of the two largest principal components", xticks=[], yticks=[])
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--processes", type=int, default=max(2, min(4, os.cpu_count() or 1)))
    parser.add_argument("--batch-size", type=int, default=512)
    parser.add_argument("--size", type=int, default=64, help="numbers of a vector")
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--texts", type=int, help="so many texts of the documentation; by default all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", default="word_vectors.pt")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--out", default="word_vectors.png")
    args = parser.parse_args()

    tn.manual_seed(args.seed)
    corpus = Corpus(itertools.islice(read_text(), args.texts), args.seed)
    shape = (len(corpus.words), args.size)
    print(f"{len(corpus.text):,} words of text, {shape[0]:,} different ones")
    saved = tn.load(args.checkpoint) if args.resume and Path(args.checkpoint).exists() else None
    words = tn.Shared(saved["words"] if saved else (tn.rand(*shape) - 0.5) / args.size, requires_grad=True)
    contexts = tn.Shared(saved["contexts"] if saved else tn.zeros(*shape), requires_grad=True)
    optimizer = optim.Adagrad([words, contexts], lr=args.lr)
    if saved:
        optimizer.load_state_dict(saved["optimizer"])
    losses = list(saved["losses"]) if saved else []
    start = time.perf_counter()
    try:
        train(corpus, words, contexts, optimizer, losses, args)
    except KeyboardInterrupt:
        print("stopped: going on with what has been learned")
    print(f"{len(losses)} epochs, this time in {time.perf_counter() - start:.1f} s")

    vectors = words.value
    for word in [w for w in SHOWN if w in corpus.number]:
        print(f"{word:>8}: {', '.join(neighbours(vectors, corpus, word))}")
    draw(args.out, vectors, corpus, losses)
    print(f"wrote {args.out}")


if __name__ == "__main__":
    main()
