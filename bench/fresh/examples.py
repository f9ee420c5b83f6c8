"""The example programs in another library: with only their imports changed."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parents[2] / "examples"


def source(name: str, library: str) -> str:
    """The text of an example, for ``tenure`` or ``torch``."""
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    if library == "tenure":
        return text
    text = text.replace("import tenure", "import torch").replace("from tenure", "from torch")
    text = re.sub(r"(from torch import )data, (.*)", r"\1\2\nfrom torch.utils import data", text)
    return re.sub(r"tn.save_checkpoint\(.*\)", "pass", text)  # which PyTorch does not have


def module(name: str, library: str) -> Any:
    """An example as a module, and what it imports."""
    for each in ("training", name):
        made = types.ModuleType(each)
        sys.modules[each] = made
        exec(compile(source(each, library), f"{each}.py", "exec"), made.__dict__)
    return sys.modules[name]


class TakenError(Exception):
    """The first step has been taken."""


def first_step(name: str, library: str) -> float:
    """Run an example to the end of its first step."""
    example = module(name, library)

    def done(run: Any, **numbers: float) -> None:
        raise TakenError

    sys.modules["training"].Run.done = done  # type: ignore[attr-defined]
    return until_taken(example, "--steps", "1")


def first_rows(library: str) -> float:
    """Train the vectors of one batch of words, in this process. PyTorch's tensors are shared in their place."""
    example = module("word_vectors", library)
    if library == "torch":
        example.tn.Shared = lambda value, requires_grad: value.share_memory_().requires_grad_(requires_grad)

    def train(corpus: Any, words: Any, contexts: Any, optimizer: Any, losses: Any, args: Any) -> None:
        rng = np.random.default_rng(0)
        center, other = (numbers[: args.batch_size] for numbers in corpus.pairs(rng, 0, args.processes))
        others = np.column_stack([other, corpus.negatives(rng, args.batch_size)])
        optimizer.zero_grad()
        example.loss_of(words, contexts, example.tn.tensor(center), example.tn.tensor(others)).backward()
        optimizer.step()
        raise TakenError

    example.train = train
    return until_taken(example)


def until_taken(example: Any, *arguments: str) -> float:
    """Run an example with some arguments until it has taken its first step."""
    sys.argv = [example.__name__, *arguments]
    try:
        example.main()
    except TakenError:
        return 1.0
    raise AssertionError(f"{example.__name__} takes no step")
